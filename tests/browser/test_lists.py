"""Lists that are not of one object type: stock, records, conflicts, the repair desk; and the keyboard."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from medloom.production.models import WorkOrder
from medloom.wire.verdict import Verdict
from tests.browser.network import LONG_LOT, Network, build, found
from tests.browser.visits import follow, log_in, say_why

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network with some stock; no live stream, which has a test of its own."""
    settings.LIVE_PORT = 0
    net = build()
    for number, (site, amount) in enumerate((("SZ", "25"), ("SZ", "5"), ("PG", "7"))):
        lot = LONG_LOT if number != 1 else "RM-2611-77"
        fields = {"number": f"MV-{number}", "lot": lot, "kind": "received", "target": "A1"}
        answer = net.plant(site, "move", "observe", fields | {"quantity": amount, "unit": "kg"})
        assert answer.verdict is Verdict.ACCEPTED, answer
    return net


def exported(page: Page) -> list[tuple[Any, ...]]:
    """The rows of the spreadsheet behind the page's export button."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    book = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes()))
    return list(book.worksheets[0].values)


def test_stock_is_filtered_sorted_and_exported(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/stock/")
    expect(page.locator("table.list tbody tr")).to_have_count(3)
    page.get_by_role("link", name="Quantity").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Quantity")
    expect(page.locator("table.list tbody tr").first).to_contain_text("RM-2611-77")
    page.select_option("#q-site", "PG")
    follow(page, "Query")
    expect(page.locator("table.list tbody tr")).to_have_count(1)
    rows = exported(page)
    assert (len(rows), rows[0][0], rows[1][5:]) == (2, "Lot", (7, "kg"))


def test_records_are_found_by_their_objects_number_and_exported(
    page: Page, live_server: Any, net: Network
) -> None:
    log_in(page, live_server.url, "audit")
    page.goto(f"{live_server.url}/ledger/")
    page.fill("#q-q", "WO-0001")
    follow(page, "Query")
    expect(page.locator("ol.history > li").first).to_contain_text("WO-0001")
    rows = exported(page)
    assert len(rows) == page.locator("ol.history > li").count() + 1
    assert {row[6] for row in rows[1:]} == {"WO-0001"}


def test_conflicts_and_waiting_rows_are_filtered_and_exported(
    page: Page, live_server: Any, net: Network
) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/conflicts/?state=open")
    page.select_option("#q-site", "PG")
    follow(page, "Query")
    expect(page.get_by_role("heading", name="Nothing matches this query")).to_be_visible()
    page.goto(f"{live_server.url}/conflicts/")
    rows = exported(page)
    assert rows[1][7:] == ("Planned start", "2026-12-09", "2026-12-05")
    page.goto(f"{live_server.url}/repair/?verdict=quarantined")
    page.fill("#q-feed", "shifts")
    follow(page, "Query")
    assert "verdict=quarantined" in page.url, "the view stays while its rows are asked for"
    rows = exported(page)
    assert [row[7] for row in rows[1:]].count("date_destroyed") == 1
    assert len(rows) == 5


def test_a_list_is_walked_by_keyboard_alone(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/o/work_order/?q=WO-0001")
    page.keyboard.press("Tab")
    expect(page.locator("a.skip")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator(".find input")).to_be_focused()
    page.locator("#q-q").focus()
    page.keyboard.type("x")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing matches this query")).to_be_visible()
    page.goto(f"{live_server.url}/o/work_order/?q=WO-0001")
    page.locator("table.list a.key").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="WO-0001")).to_be_visible()


def test_conflicts_are_settled_together_and_none_that_changed_meanwhile(
    page: Page, live_server: Any, net: Network
) -> None:
    order = found(WorkOrder, "WO-0001")
    source = ("orders", "WO-0001", "h3", "orders.csv!2")
    theirs = {"planned_start": "2026-12-11"}
    net.plant(
        "SZ", "work_order", "set", theirs, object=str(order.object), base=order.version - 1, source=source
    )
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/conflicts/")
    page.get_by_label("Select all on this page").check()
    expect(page.locator("input[name=conflict]:checked")).to_have_count(2)
    page.get_by_text("The value that stands").click()
    say_why(page, "the plan of Monday holds")
    follow(page, "Settle the ticked ones")
    expect(page.get_by_text("Settled: 2.")).to_be_visible()
    expect(page.get_by_text("No conflict waits.")).to_be_visible()
    assert str(found(WorkOrder, "WO-0001").planned_start) == "2026-12-05"
