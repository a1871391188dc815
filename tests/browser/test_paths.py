"""What people do on the pages, from the click to the record."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Page

from medloom.design.models import Parameter
from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Entry
from medloom.materials.models import Alias, Hold, Lot
from medloom.production.models import StepRecord, WorkOrder
from tests.browser.network import LONG_LOT, PASSWORD, Network, build, found
from tests.browser.visits import follow, log_in, say_why

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network; no live stream, which has a test of its own."""
    settings.LIVE_PORT = 0
    return build()


def test_a_conflict_is_settled_with_a_reason_and_undone_again(
    page: Page, live_server: Any, net: Network
) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/conflicts/")
    with page.expect_navigation():
        page.locator("table.list a.key").first.click()
    assert page.get_by_text("2026-12-09").first.is_visible(), "what was sent"
    assert page.get_by_text("2026-12-05").first.is_visible(), "what stands"
    page.locator("input[value=sent]").check()
    say_why(page, "the plant's line is free only then")
    follow(page, "Settle")
    assert str(found(WorkOrder, "WO-0001").planned_start) == "2026-12-09"
    assert page.get_by_text("the plant's line is free only then").first.is_visible()
    say_why(page, "the customer insists")
    follow(page, "Undo")
    order = found(WorkOrder, "WO-0001")
    assert str(order.planned_start) == "2026-12-05"
    with seeing(ALL):
        bodies = [
            e.body for e in Entry.objects.filter(object=order.object, verdict="accepted").order_by("seq")
        ]
    assert '"repairs"' in bodies[-2]
    assert '"compensates"' in bodies[-1]


@pytest.mark.refusals
def test_clearing_a_hold_asks_for_the_password_and_keeps_the_meaning(
    page: Page, live_server: Any, net: Network
) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/o/hold/{found(Hold, 'H-1').object}/")
    follow(page, "Clear the hold")
    assert page.get_by_text("It stays held by:").is_visible(), "the second hold on the lot is named"
    page.select_option("#meaning", "approved")
    say_why(page, "the certificate arrived and agrees")
    page.fill("#password", "a wrong password")
    follow(page, "Sign and clear")
    assert page.get_by_role("alert").is_visible()
    assert found(Hold, "H-1").state == "open"
    assert page.input_value("#reason") == "the certificate arrived and agrees", "nothing is typed twice"
    page.fill("#password", PASSWORD)
    follow(page, "Sign and clear")
    hold = found(Hold, "H-1")
    assert (hold.state, hold.meaning) == ("cleared", "approved")
    assert found(Hold, "H-2").state == "open", "clearing one leaves the rest"
    page.goto(f"{page.url}?tab=history")
    assert page.get_by_text("the certificate arrived and agrees").first.is_visible()
    assert page.get_by_text("Anna Example").first.is_visible()


def test_a_plant_may_raise_a_hold_but_not_clear_it(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "lin")
    page.goto(f"{live_server.url}/o/lot/{found(Lot, 'RM-2611-77').object}/")
    follow(page, "Put a hold on it")
    say_why(page, "colour differs from the standard")
    follow(page, "Put on hold now")
    with seeing(ALL):
        hold = Hold.objects.get(lot__key="RM-2611-77")
    assert (hold.site, hold.state, hold.spreads) == ("SZ", "open", True)
    assert page.locator("button[aria-disabled=true]", has_text="Clear the hold").is_visible()
    assert page.get_by_text("Only Registrant may do this.").is_visible()


def test_orders_in_draft_are_dispatched_together(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/o/work_order/?state=draft")
    page.check("#pick-all")
    assert page.locator("#picked-count").inner_text() == "3"
    follow(page, "Dispatch to plant")
    say_why(page, "the December plan is agreed")
    follow(page, "Dispatch")
    assert {found(WorkOrder, f"WO-00{n}", "PG" if n == 57 else "SZ").state for n in (57, 58, 59)} == {
        "released"
    }


def test_a_parameter_revision_is_released(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/o/parameter/{found(Parameter, 'PP-1/2').object}/")
    follow(page, "Release")
    assert page.get_by_text("What follows").is_visible(), "the consequence is stated before the button"
    say_why(page, "validated on 2026-11-20")
    follow(page, "Release")
    assert found(Parameter, "PP-1/2").state == "released"


def test_refused_rows_are_mended_many_at_once_and_the_rest_dismissed(
    page: Page, live_server: Any, net: Network
) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/repair/?verdict=quarantined")
    with page.expect_navigation():
        page.locator("tr", has_text="Day").locator("a.key").first.click()
    assert page.get_by_text("2026-11-03").first.is_visible(), "the proposal is shown before it is applied"
    assert page.locator("pre.bytes").first.inner_text().startswith("{") or page.locator("pre.bytes").count()
    say_why(page, "the plant writes dates with slashes")
    follow(page, "Mend the ticked rows")
    assert str(found(StepRecord, "B-0").day) == "2026-11-03"
    assert str(found(StepRecord, "B-1").day) == "2026-11-04"
    with page.expect_navigation():
        page.locator("tr", has_text="Day").locator("a.key").first.click()
    for box in page.locator("input[name=seq]").all():
        box.check()
    say_why(page, "the date is lost in the file; the plant sends the row again")
    follow(page, "Dismiss the ticked rows")
    with seeing(ALL):
        dismissed = Entry.objects.filter(decision__contains='"dismissed"').count()
    assert dismissed >= 1
    assert not StepRecord.objects.filter(key="B-2").exists()


def test_two_spellings_of_a_lot_are_found_to_be_one(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/matches/")
    page.locator("tbody.pair-rows", has_text="RM2611-77").locator("input").check()
    say_why(page, "the label shows the dash")
    follow(page, "Same lot")
    with seeing(ALL):
        other = Alias.objects.get(lot__key="RM-2611-77").other.key
    assert other == "RM2611-77"
    assert page.get_by_text("RM2611-77").count() == 0, "what is decided does not come back"


@pytest.mark.refusals
def test_a_stale_edit_is_told_and_nothing_is_overwritten(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    order = found(WorkOrder, "WO-0002")
    page.goto(f"{live_server.url}/o/work_order/{order.object}/edit/")
    other = {"remark": "changed meanwhile"}
    net.registrant(
        net.act.change(
            "work_order", str(order.object), site="SZ", base=order.version, fields=other, reason="mean"
        )
    )
    page.fill("#f-remark", "my own words")
    say_why(page, "my reason")
    follow(page, "Record the change")
    assert page.get_by_role("alert").get_by_text("stale").is_visible()
    assert "changed meanwhile" in page.get_by_text("What stands at the hub now:").inner_text()
    assert found(WorkOrder, "WO-0002").remark == "changed meanwhile"


@pytest.mark.refusals
def test_a_plants_person_sees_their_own_plant_only(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "siti")
    base = live_server.url
    page.goto(f"{base}/o/work_order/")
    assert page.locator("tr[data-object]").count() == 20
    assert page.locator("#q-site").count() == 0, "no other plant to choose"
    theirs = found(WorkOrder, "WO-0001").object
    assert page.goto(f"{base}/o/work_order/{theirs}/").status == 404
    page.goto(f"{base}/find/?q=WO-0001")
    assert page.locator("table.list a").count() == 0
    page.goto(f"{base}/ledger/")
    assert page.get_by_text("SZ", exact=True).count() == 0
    page.goto(f"{base}/connections/")
    assert page.get_by_text("苏州").count() == 0


def test_an_auditor_reads_and_changes_nothing(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "audit")
    page.goto(f"{live_server.url}/o/hold/{found(Hold, 'H-1').object}/")
    assert page.get_by_text("Your role reads these, it does not change them.").first.is_visible()
    page.goto(f"{live_server.url}/ledger/")
    page.locator("details.no-print, ol.history a").first.wait_for()
    page.goto(f"{live_server.url}/ledger/3/")
    page.locator("summary", has_text="Proof and bytes").first.click()
    assert page.get_by_text("yes, recomputed now").first.is_visible()


def test_a_list_is_queried_sorted_narrowed_and_exported(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/o/work_order/")
    assert page.locator("tr[data-object]").count() == 50, "fifty a page"
    follow(page, "Next page")
    assert page.locator("tr[data-object]").count() == 10
    page.goto(f"{live_server.url}/o/work_order/")
    page.select_option("#q-site", "PG")
    follow(page, "Query")
    assert page.locator("tr[data-object]").count() == 20
    page.locator("#chooser summary").click()
    for name in ("due", "revision", "progress"):
        page.uncheck(f"#chooser input[value={name}]")
    follow(page, "Show")
    assert page.locator("th", has_text="Due day").count() == 0
    assert page.locator("tr[data-object]").count() == 20, "the query stays"
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    book = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes()))
    rows = list(book.worksheets[0].values)
    assert len(rows) == 21
    assert rows[0][0] == "Number"


def test_a_recall_scope_is_drawn_with_the_same_rows_as_a_table(
    page: Page, live_server: Any, net: Network
) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/trace/")
    page.fill("#lot", LONG_LOT)
    follow(page, "Trace")
    assert page.locator("table.list tbody tr").count() == 2, "two plants use that number"
    with page.expect_navigation():
        page.locator("tr", has_text="苏州").get_by_role("link", name="Trace").click()
    page.locator("#graph[data-ready=yes]").wait_for()
    keys = {text.split(" ")[0] for text in page.locator("tr[data-node] a.key").all_inner_texts()}
    assert {LONG_LOT, *(f"FG-{n}" for n in range(8))} <= keys


@pytest.mark.refusals
def test_too_many_wrong_passwords_lock_the_name(page: Page, live_server: Any, net: Network) -> None:
    page.goto(f"{live_server.url}/login/")
    status = 0
    for _ in range(9):
        page.goto(f"{live_server.url}/login/")
        page.fill("#id_username", "audit")
        page.fill("#id_password", "not the password")
        with page.expect_response(lambda r: r.request.method == "POST") as answer:
            page.press("#id_password", "Enter")
        status = answer.value.status
        page.wait_for_load_state()
    assert status == 429
    assert page.locator("h1").inner_text() in ("Too many attempts", "尝试次数过多")


def test_a_person_logs_out_and_is_asked_to_log_in_again(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/")
    page.locator("summary.bar-button").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Log out").click()
    assert page.locator("#id_password").is_visible()
    page.goto(f"{live_server.url}/o/lot/")
    assert page.locator("#id_password").is_visible(), "nothing is shown to nobody"
