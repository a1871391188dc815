"""A person lets a program in: makes a token, copies it once, reads how to ask, and ends it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from medloom.parties.models import Token
from tests.browser.conftest import check_page
from tests.browser.network import Network, build
from tests.browser.visits import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network; no live stream, which has a test of its own."""
    settings.LIVE_PORT = 0
    return build()


def test_a_token_is_made_shown_once_used_and_revoked(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "lin")
    page.goto(f"{live_server.url}/tokens/")
    page.fill("#name", "Label printer 4")
    page.get_by_role("radio").nth(1).check()
    page.locator("input[value=lot]").check()
    page.locator("form.sheet button.btn-primary").click()
    text = page.locator("#token").inner_text().strip()
    bearer = {"Authorization": f"Bearer {text}"}
    told = httpx.get(f"{live_server.url}/api/v1/me", headers=bearer).json()
    assert (told["site"], told["program"], list(told["types"])) == ("SZ", "Label printer 4", ["lot"])
    page.goto(f"{live_server.url}/tokens/")
    expect(page.locator("#token")).to_have_count(0)
    assert text not in page.content(), "shown once, and nowhere again"
    check_page(page, "tokens")

    page.context.clear_cookies()
    log_in(page, live_server.url, "siti")
    page.goto(f"{live_server.url}/tokens/")
    assert "Label printer 4" not in page.content(), "another plant's token is none of theirs"
    token = Token.objects.get().id
    cookie = next(c["value"] for c in page.context.cookies() if c["name"] == "csrftoken")
    answer = page.request.post(
        f"{live_server.url}/tokens/{token}/revoke/",
        headers={"X-CSRFToken": cookie, "Referer": live_server.url},
    )
    assert answer.status == 404

    page.context.clear_cookies()
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/tokens/")
    page.locator(f"button[form='revoke-{token}']").click()
    expect(page.locator(f"button[form='revoke-{token}']")).to_have_count(0)
    assert httpx.get(f"{live_server.url}/api/v1/me", headers=bearer).status_code == 401


def test_how_a_program_asks_is_told_from_its_description(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "lin")
    page.goto(f"{live_server.url}/api/docs")
    check_page(page, "api-docs")
    page.goto(f"{live_server.url}/api/docs?type=work_order")
    expect(page.locator("main")).to_contain_text("/api/v1/work_order/{id}/commands/{command}")
    check_page(page, "api-docs-work-order")
