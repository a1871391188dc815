"""The pages in a browser from the web process that is run in earnest, not from a test's own server.

Other browser tests ask Django in their own process; here every file, page and answer comes by the front.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Response, expect

from tests.browser.network import build
from tests.browser.visits import log_in
from tests.web_process import serving

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.django_db(transaction=True)]


def test_a_person_logs_in_looks_and_leaves(page: Page, transactional_db: None) -> None:
    build()
    answers: list[Response] = []

    def keep(answer: Response) -> None:  # the browser's library takes no method of a list
        answers.append(answer)

    page.on("response", keep)
    with serving(MEDLOOM_LIVE_PORT="0") as address:
        log_in(page, address, "anna")
        for path in ("/", "/tasks/", "/stock/", "/scope/"):
            told: Any = page.goto(f"{address}{path}")
            assert told is not None and told.status == 200, path
            expect(page.locator("h1, h2").first).to_be_visible()
        files = [one for one in answers if "/static/" in one.url and one.status == 200]
        large = [one for one in files if one.url.endswith((".css", ".js"))]
        assert large and any(one.headers.get("content-encoding") == "gzip" for one in large)
        assert {one.headers["content-type"].partition(";")[0] for one in large} <= {
            "text/css",
            "text/javascript",
        }
        assert not [one.url for one in answers if one.status >= 500 or (one.status >= 400 and one in files)]
