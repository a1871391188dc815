"""Data pages: the quality board and its findings, the map, files and forms sent by hand, the tour."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from medloom.materials.models import Lot
from medloom.wire.verdict import Verdict
from medloom.worker import govern_now
from tests.browser.conftest import axe_faults, check_page
from tests.browser.network import LONG_LOT, Network, build, found, sequence
from tests.browser.visits import follow, log_in, say_why

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network with plates out of limits; no live stream, which has a test of its own."""
    settings.LIVE_PORT = 0
    net = build()
    limits = {
        "number": "SP-1",
        "revision": "1",
        "characteristic": "Bore",
        "unit": "mm",
        "low": "9.9",
        "high": "10",
    }
    net.registrant(net.act.create("specification", site="PG", fields=limits, reason="drawing"))
    for n in range(3):
        fields = {"number": f"R-{n}", "lot": f"PLATE-0{n}", "specification": "SP-1/1", "unit": "mm"}
        answer = net.plant(
            "PG", "result", "observe", fields | {"value": f"10.1{n}"}, source=("cmm", f"{n}", "h", "x")
        )
        assert answer.verdict is Verdict.ACCEPTED, answer
    sequence()
    govern_now(dt.datetime.now(dt.UTC))
    return net


def look(page: Page, base: str, name: str) -> None:
    """Look at the page in both languages and widths, and come back to it in English."""
    check_page(page, name)
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": base}])
    page.reload()


def test_oversize_plates_are_found_from_the_overview(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/")
    page.get_by_role("link", name="Quality board").click()
    look(page, live_server.url, "quality")
    page.locator("#findings").get_by_role("link", name="outside").first.click()
    look(page, live_server.url, "quality-findings")
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator("tbody tr").first).to_contain_text("10.1")
    page.get_by_role("link", name="PLATE-00").click()
    expect(page.locator("h1")).to_contain_text("PLATE-00")


def test_a_score_leads_to_its_rows(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/quality/")
    counted = page.locator(".counted")
    expect(counted).to_contain_text("Counted up to record")
    told = counted.inner_text()
    page.get_by_role("link", name="shifts").first.click()
    look(page, live_server.url, "quality-feed")
    assert counted.inner_text().split(" · ")[0] == told.split(" · ")[0], "board and feed tell the same count"
    expect(page.locator("h1")).to_contain_text("shifts")
    page.locator("section").last.locator("tbody a").first.click()
    expect(page.locator("h1")).to_contain_text("Record")


def test_the_map_draws_and_lists_the_same_feeds(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/map/")
    page.wait_for_selector("#map[data-ready=yes]")
    look(page, live_server.url, "map")
    expect(page.locator("tbody")).to_contain_text("shifts")
    expect(page.locator(".views")).to_contain_text("Disputed")
    disputed = page.locator(".node[data-state=disputed][data-type]").first
    expect(disputed.locator(".tag")).to_have_text("Disputed")


def test_a_box_of_the_map_tells_whose_it_is_and_lights_its_lineage(
    page: Page, live_server: Any, net: Network
) -> None:
    log_in(page, live_server.url, "anna")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.goto(f"{live_server.url}/map/")
    page.wait_for_selector("#map[data-ready=yes]")
    page.locator("[id='t/PG/result']").click()
    drawer = page.locator("#map-panel")
    expect(drawer).to_contain_text("Freshness promise")
    expect(drawer).to_contain_text("cmm")
    expect(drawer.locator(".fields")).to_contain_text("Plant")
    expect(page.locator("[id='f/PG/cmm'].on")).to_have_count(1)
    expect(page.locator("[id='f/SZ/shifts'].on")).to_have_count(0)
    expect(page.locator(".arrows path.on").first).to_be_attached()
    assert not axe_faults(page)
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    page.fill("#map-find", "shifts")
    expect(page.locator("[id='f/SZ/shifts'].on")).to_have_count(1)
    page.goto(f"{live_server.url}/map/node/?kind=f&site=SZ&name=shifts")
    check_page(page, "map-node")
    expect(page.locator("h1")).to_contain_text("shifts")


def test_a_filled_template_is_sent_looked_at_and_recorded(
    page: Page, live_server: Any, net: Network, tmp_path: Path
) -> None:
    log_in(page, live_server.url, "lin")
    page.goto(f"{live_server.url}/intake/")
    look(page, live_server.url, "intake")
    with page.expect_download() as download:
        page.locator("tr", has_text="Lot").get_by_role("link", name="English").first.click()
    book = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes()))
    sheet = book.worksheets[0]
    for row, (number, made) in enumerate((("UP-1", "2026-11-20"), ("UP-2", "00:00.0")), start=4):
        sheet.cell(row, 1, number)
        sheet.cell(row, 4, made)
    file = tmp_path / "lots.xlsx"
    book.save(file)
    page.goto(f"{live_server.url}/intake/")
    page.set_input_files("#file", file)
    follow(page, "Send and look")
    look(page, live_server.url, "intake-preview")
    expect(page.locator("tbody tr").first).to_contain_text("D5")
    say_why(page, "stock of the first day")
    page.get_by_role("button", name="Record these rows").click()
    expect(page.locator("h1")).to_contain_text("Recorded")
    assert found(Lot, "UP-1").made == dt.date(2026, 11, 20)


def test_cells_pasted_from_a_spreadsheet_fill_the_form(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "lin")
    page.goto(f"{live_server.url}/intake/form/lot/")
    look(page, live_server.url, "intake-form")
    text = "\n".join(f"PASTE-{n}\t10001" for n in range(10))
    page.locator("#grid input").first.focus()
    page.evaluate(
        """(text) => { const data = new DataTransfer(); data.setData("text/plain", text);
        const options = {clipboardData: data, bubbles: true, cancelable: true};
        document.activeElement.dispatchEvent(new ClipboardEvent("paste", options)); }""",
        text,
    )
    expect(page.locator("#grid tbody tr")).to_have_count(10)
    follow(page, "Look at the rows")
    expect(page.locator("tbody tr")).to_have_count(10)
    say_why(page, "receipts of today")
    page.get_by_role("button", name="Record these rows").click()
    expect(page.locator("h1")).to_contain_text("Recorded")
    assert found(Lot, "PASTE-9").item_id == found(Lot, LONG_LOT).item_id


def test_the_tour_walks_through_what_is_there(
    page: Page, live_server: Any, net: Network, settings: Any
) -> None:
    settings.DEMONSTRATION = True
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/")
    offered = page.locator(".tour-offer li").count()
    assert offered >= 4
    look(page, live_server.url, "overview-tour")
    page.get_by_role("button", name="Take the tour").click()
    expect(page.locator(".tour")).to_contain_text("3 lots outside their limits")
    expect(page.locator("tbody tr")).to_have_count(3)
    for number in range(2, offered + 1):
        page.get_by_role("button", name="Next").click()
        expect(page.locator(".tour")).to_contain_text(f"{number}/{offered}")
    expect(page.locator("h1")).to_contain_text("Data map")
    page.get_by_role("button", name="End the tour").click()
    expect(page.locator(".tour")).to_have_count(0)
    expect(page.locator(".tour-offer")).to_have_count(0)
