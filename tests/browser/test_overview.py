"""The overview: what each plant has not read yet, and that the page follows by itself."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from medloom.exchange.feedstore import end, note_read
from medloom.kernel.cursor import open_cursor
from tests.browser.conftest import check_page
from tests.browser.network import Network, build, sequence
from tests.browser.visits import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
#: The overview asks again every ten seconds; a loaded machine may take its time.
FOLLOWS_MS = 60_000


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network; no live stream, which has a test of its own."""
    settings.LIVE_PORT = 0
    return build()


def read_up_to(site: str, feed: str, behind: int) -> None:
    """The site has read that feed but for its last `behind` lines."""
    with open_cursor() as cursor:
        last = (end(cursor, site, feed) or (0, ""))[0]
        note_read(cursor, site, feed, last - behind)


def test_what_a_plant_has_not_read_is_shown_by_feed_and_follows_by_itself(
    page: Page, live_server: Any, net: Network
) -> None:
    sequence()
    read_up_to("SZ", "c", 3)
    read_up_to("SZ", "v", 0)
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/")
    expect(page.locator("#plant-PG [data-lane=c] b")).not_to_have_text("0")  # it never read anything
    card = page.locator("#plant-SZ")
    expect(card.locator("[data-lane=c] b")).to_have_text("3")
    expect(card.locator("[data-lane=c]")).to_contain_text("oldest")
    expect(card.locator("[data-lane=v] b")).to_have_text("0")
    expect(card.locator(".spark rect").first).to_be_attached()
    read_up_to("SZ", "c", 0)
    expect(card.locator("[data-lane=c] b")).to_have_text("0", timeout=FOLLOWS_MS)
    check_page(page, "overview-read")


def test_a_plants_person_sees_the_feeds_of_their_own_plant(
    page: Page, live_server: Any, net: Network
) -> None:
    sequence()
    read_up_to("PG", "v", 1)
    log_in(page, live_server.url, "siti")
    page.goto(f"{live_server.url}/")
    expect(page.locator("#plant-PG [data-lane=v] b")).to_have_text("1")
    assert page.locator("#plant-SZ").count() == 0
