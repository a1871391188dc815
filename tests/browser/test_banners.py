"""What concerns every plant stands above the overview: a restored hub, held feeds, a disk without room."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from medloom.exchange import recovery
from medloom.kernel.cursor import open_cursor
from medloom.kernel.models import Alarm
from medloom.process import doctor_database, space, state
from tests.browser.conftest import check_page
from tests.browser.network import Network, build, sequence
from tests.browser.visits import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network, sequenced; no live stream, which has a test of its own."""
    settings.LIVE_PORT = 0
    net = build()
    sequence()
    return net


def test_trouble_of_the_whole_hub_is_told_above_the_overview(
    page: Page, live_server: Any, net: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(live_server.url)
    expect(page.locator("[data-banner]")).to_have_count(0)
    with open_cursor() as cursor:
        recovery.begin(cursor, epoch=uuid.uuid4().hex, since=3, by="kim", reason="drill")
    net.plant("SZ", "lot", "set", {"number": "WAITS", "item": "10001", "kind": "material"})
    Alarm.objects.create(
        code="feeds_held", site="HQ", detail="session 4711 (report, database erp), open for 9 s"
    )
    monkeypatch.setattr(space, "scarce", lambda: True)
    monkeypatch.setattr("medloom.interfaces.web.banners.HELD_S", -1.0)
    page.goto(live_server.url)
    expect(page.locator("[data-banner=recovery]")).to_contain_text("restored from a backup")
    expect(page.locator("[data-banner=held]")).to_contain_text("session 4711")
    expect(page.locator("[data-banner=space]")).to_contain_text("nothing is written")
    check_page(page, "banners")
    page.context.clear_cookies()
    log_in(page, live_server.url, "lin")
    expect(page.locator("[data-banner]")).to_have_count(0)
    (finding,) = dict(doctor_database.CHECKS)["recovery"](state.current())
    assert finding.level == "warn" and "medloom recover" in finding.advice
