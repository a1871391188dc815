"""A lot number with a look-alike letter says so, and is proposed as the lot that it looks like (fault 42)."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from medloom.kernel.access import ALL, seeing
from medloom.materials.models import Lot
from tests.browser.conftest import check_page
from tests.browser.network import Network, build
from tests.browser.visits import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HONEST, FORGED = "LOT-2611-7", "L\u041eT-2611-7"


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network and two lots that look the same."""
    settings.LIVE_PORT = 0
    net = build()
    for number in (HONEST, FORGED):
        net.plant("SZ", "lot", "set", {"number": number, "item": "10001", "kind": "material"})
    return net


def test_a_look_alike_is_seen_on_its_page_and_among_the_near_matches(
    page: Page, live_server: Any, net: Network
) -> None:
    with seeing(ALL):
        lots = {lot.key: lot.object for lot in Lot.objects.filter(key__in=(HONEST, FORGED))}
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/o/lot/{lots[FORGED]}/")
    expect(page.locator("h1")).to_contain_text("Look-alike О U+041E")
    page.goto(f"{live_server.url}/o/lot/{lots[HONEST]}/")
    expect(page.locator("h1")).not_to_contain_text("Look-alike")
    page.goto(f"{live_server.url}/matches/")
    expect(page.get_by_text("letters or figures that look the same")).to_be_visible()
    page.goto(f"{live_server.url}/o/lot/{lots[FORGED]}/")
    check_page(page, "look-alike")  # last: it leaves the page in the other language
