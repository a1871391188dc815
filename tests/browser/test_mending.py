"""A row that nobody could read, corrected field by field on the repair desk."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Entry
from medloom.production.models import Defect, StepRecord
from tests.browser.conftest import check_page
from tests.browser.network import Network, build, found
from tests.browser.visits import follow, log_in, say_why

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CELLS = {
    "日期": "00:00.0",
    "班次": "1",
    "设备编号": "M01",
    "模次": "10",
    "穴数": "8",
    "总数": "80",
    "合格数": "78",
}


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network and one raw row; no live stream, which has a test of its own."""
    settings.LIVE_PORT = 0
    net = build()
    raw = {
        "code": "date_destroyed",
        "path": "/日期",
        "expected": "a date such as 2018-11-01",
        "got": "00:00.0",
        "original": json.dumps(CELLS, ensure_ascii=False),
    }
    source = ("shifts", "raw:00:00.0/1/M01", "h", "日报.csv!62")
    net.plant("SZ", "step_record", "raw", {}, raw=raw, source=source)
    return net


def raw_row() -> int:
    """The number of the raw row's record."""
    with seeing(ALL):
        return (
            Entry.objects.filter(body__contains="设备编号").order_by("seq").values_list("seq", flat=True)[0]
        )


@pytest.mark.refusals
def test_a_raw_row_is_corrected_in_a_form_and_sent_in_the_persons_name(
    page: Page, live_server: Any, net: Network
) -> None:
    seq = raw_row()
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/repair/?feed=shifts")
    with page.expect_navigation():
        page.locator("tr", has_text="/日期").locator("a.key").click()
    check_page(page, "repair-raw-group")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.reload()
    follow(page, "Correct the row")
    expect(page.locator("tr.refused")).to_contain_text("00:00.0")
    expect(page.locator("#f-machine")).to_have_value("M01")
    expect(page.locator("#f-good")).to_have_value("78")
    expect(page.locator("#e-day")).to_be_visible()
    check_page(page, "repair-raw-row")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.reload()
    say_why(page, "the paper record says the 3rd")
    follow(page, "Record the corrected row")
    expect(page.locator("#e-number")).to_be_visible()
    page.fill("#f-number", "S-900")
    page.fill("#f-day", "2026-11-03")
    page.select_option("#f-defects-0-kind", "black_spot")
    page.fill("#f-defects-0-count", "2")
    follow(page, "Record the corrected row")
    expect(page.get_by_text("Corrected and recorded: S-900.")).to_be_visible()
    row = found(StepRecord, "S-900")
    assert (str(row.day), row.shots, row.good, row.machine_id is not None) == ("2026-11-03", 10, 78, True)
    with seeing(ALL):
        assert [(d.kind, d.count) for d in Defect.objects.filter(parent_id=row.num)] == [("black_spot", 2)]
        sent = Entry.objects.get(cause=seq)
    body = json.loads(sent.body)
    assert (sent.verdict, sent.site) == ("accepted", "SZ")
    assert (body["reason"], body["kind"]) == ("the paper record says the 3rd", "observe")
    assert body["repairs"].startswith("SZ/"), "linked to the row as it came"
    answer = page.goto(f"{live_server.url}/repair/rows/{seq}/")
    assert answer is not None and answer.status == 409, "what is corrected does not wait any more"
    page.goto(f"{live_server.url}/repair/mended/?feed=shifts")
    check_page(page, "repair-mended")
    expect(page.locator("tbody tr").get_by_role("link", name=str(sent.seq))).to_be_visible()
    page.goto(f"{live_server.url}/ledger/{seq}/")
    check_page(page, "record-mended")
    expect(page.locator("#mended a")).to_have_text(f"{sent.seq:,}")


def test_a_refused_row_that_could_be_read_is_corrected_as_a_whole(
    page: Page, live_server: Any, net: Network
) -> None:
    with seeing(ALL):
        seq = Entry.objects.get(verdict="quarantined", body__contains='"B-2"').seq
    log_in(page, live_server.url, "lin")
    page.goto(f"{live_server.url}/repair/rows/{seq}/")
    expect(page.locator("#f-number")).to_have_value("B-2")
    page.fill("#f-day", "2026-11-05")
    page.fill("#f-good", "79")
    say_why(page, "counted again")
    follow(page, "Record the corrected row")
    row = found(StepRecord, "B-2")
    assert (str(row.day), row.total, row.good) == ("2026-11-05", 80, 79)


@pytest.mark.refusals
def test_another_plants_row_and_a_reader_are_turned_away(page: Page, live_server: Any, net: Network) -> None:
    seq = raw_row()
    log_in(page, live_server.url, "siti")
    answer = page.goto(f"{live_server.url}/repair/rows/{seq}/")
    assert answer is not None and answer.status == 404
    page.context.clear_cookies()
    log_in(page, live_server.url, "audit")
    answer = page.goto(f"{live_server.url}/repair/rows/{seq}/")
    assert answer is not None and answer.status == 403


@pytest.mark.refusals
def test_a_dismissed_row_is_put_back_and_waits_again(page: Page, live_server: Any, net: Network) -> None:
    seq = raw_row()
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/repair/?feed=shifts")
    with page.expect_navigation():
        page.locator("tr", has_text="/日期").locator("a.key").click()
    group = page.url
    page.locator(f"input[name=seq][value='{seq}']").check()
    say_why(page, "it is a total line")
    follow(page, "Dismiss the ticked rows")
    page.goto(group)
    expect(page.get_by_text("No row of this cause waits any more.")).to_be_visible()
    page.goto(f"{live_server.url}/repair/")
    follow(page, "Dismissed")
    check_page(page, "repair-dismissed")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.reload()
    line = page.locator("tbody tr")
    for text in (str(seq), "Anna Example", "it is a total line"):
        expect(line).to_contain_text(text)
    line.locator("input").check()
    say_why(page, "it was no total line")
    follow(page, "Put back on the repair desk")
    expect(page.get_by_text("Back on the repair desk: 1.")).to_be_visible()
    page.goto(group)
    expect(page.locator(f"input[name=seq][value='{seq}']")).to_be_visible()
