"""Inspections as people see them: what is too large in a few clicks, and two laboratories decided on."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from medloom.demo import released
from tests.browser.conftest import check_page
from tests.browser.network import Network, people, sequence
from tests.browser.visits import follow, log_in, say_why
from tests.journeys.laboratories import deliver, deliver_blocks, release
from tests.plant_files import DATA

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PLATES = DATA / "nist_mtc_machined_parts"
CLICKS_MOST = 4


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """A plant with people and nothing else; no live stream, which has a test of its own."""
    settings.LIVE_PORT = 0
    people()
    found = Network()
    sites = (("HQ", "Registrant (demonstration)"), ("SZ", "Machining (generated)"))
    found.registrant(
        *(
            found.act.create("site", site=code, fields={"code": code, "name": name, "zone": "Asia/Shanghai"})
            for code, name in sites
        )
    )
    return found


def test_two_laboratories_are_compared_decided_and_opened_again(
    page: Page, live_server: Any, net: Network
) -> None:
    deliver_blocks("SZ")
    sequence()
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/measured/")
    expect(page.locator("#large > .in > ul li")).to_have_count(3)
    expect(page.locator("#suspect .notice")).to_have_count(2)
    follow(page, "HOLE1/DIAMETER1")
    expect(page.locator("#measured-chart svg")).to_be_visible()
    expect(page.get_by_text("Both laboratories measured this characteristic.")).to_be_visible()
    # Ten parts: limits of control are drawn, and the page says that they will move.
    expect(page.get_by_text("The control limits are provisional")).to_be_visible()
    drawn = page.locator("#measured-chart")
    expect(drawn).to_contain_text("Upper tolerance limit")
    expect(drawn).to_contain_text("Upper control limit")
    page.get_by_role("button", name="Values only").click()
    expect(drawn).not_to_contain_text("Upper tolerance limit")
    expect(drawn).to_contain_text("Upper control limit")
    expect(page.get_by_text("Capability is not stated")).to_be_visible()
    check_page(page, "characteristic")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.goto(f"{live_server.url}/measured/")
    follow(page, "Look at both sides and decide")
    check_page(page, "disagreement")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.reload()
    for select in page.locator("table.laboratories select").all():
        select.select_option("remeasure")
    say_why(page, "LAB2 used a worn probe")
    follow(page, "Settle")
    expect(page.locator("h1")).to_contain_text("Settled")
    expect(page.locator("table.laboratories b")).to_have_count(3)
    follow(page, "Open it again")
    say_why(page, "the probe was fine")
    page.locator("main form button.btn-primary").click()
    expect(page.locator("h1")).to_contain_text("Open")


def test_the_plants_person_reads_the_disagreement_and_does_not_decide(
    page: Page, live_server: Any, net: Network
) -> None:
    deliver_blocks("SZ")
    log_in(page, live_server.url, "lin")
    page.goto(f"{live_server.url}/measured/")
    follow(page, "Look at both sides and decide")
    expect(page.locator("table.laboratories tbody tr")).to_have_count(3)
    expect(page.locator("table.laboratories select")).to_have_count(0)
    page.goto(f"{live_server.url}/o/inspection/")
    page.get_by_role("link", name="LAB1-7d0a1111-04").click()
    expect(page.get_by_text("out of limits").first).to_be_visible()
    check_page(page, "inspection-object")


def test_the_plates_with_oversize_holes_are_found_in_a_few_clicks(
    page: Page, live_server: Any, net: Network
) -> None:
    real = PLATES.is_dir()
    if real:
        release("SZ", [each for each in released.plates(PLATES) if each[0] == "specification"])
        for folder in ("incoming_inspection", "fair"):
            for path in sorted(PLATES.joinpath(folder).iterdir()):
                deliver("SZ", f"{folder}/{path.name}", path.read_bytes(), "plant_b")
    else:
        deliver_blocks("SZ")
    sequence()
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/")
    clicks = 0
    follow(page, "Parts against limits")
    clicks += 1
    found = page.locator("#large > .in > ul a.key")
    large = [f"PLATE-{n}" for n in range(13, 19)] if real else ["BLOCK-04", "BLOCK-07", "BLOCK-09"]
    expect(found).to_have_text(large)
    # The limits that are out on every part are one suspicion, and the laboratories disagree once.
    expect(page.locator("#suspect .notice")).to_have_count(2)
    page.locator("#large > .in > ul a.key").nth(0).click()
    clicks += 1
    expect(page.locator("h1")).to_contain_text(large[0])
    assert clicks <= CLICKS_MOST
    page.goto(f"{live_server.url}/measured/")
    check_page(page, "measured")
    page.locator("table.heatmap tbody th a").nth(1).click()
    expect(page.locator("#measured-chart svg")).to_be_visible()
    check_page(page, "characteristic-plates")
    page.goto(f"{live_server.url}/measured/?show=all")
    expect(page.locator("table.heatmap tbody tr").first).to_be_visible()
