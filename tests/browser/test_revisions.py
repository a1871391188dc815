"""Documents with revisions: the lines of a draft, the next revision, what it replaces."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from medloom.design.models import Bom, BomLine, Parameter
from medloom.kernel.access import ALL, seeing
from tests.browser.conftest import check_page
from tests.browser.network import Network, build, found
from tests.browser.visits import follow, log_in, say_why

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network with a bill of materials; no live stream, which has a test of its own."""
    settings.LIVE_PORT = 0
    net = build()
    for number in ("20011", "20102"):
        net.plant("SZ", "item", "set", {"number": number, "kind": "resin"})
    lines = [{"item": "20011", "quantity": "47.5 kg", "per": 10_000}]
    net.plant("SZ", "bom", "set", {"item": "10001", "variant": "1", "revision": "1", "lines": lines})
    return net


def lines_of(key: str) -> list[tuple[str, str, int]]:
    """Component, quantity and reference count of each line that stands."""
    with seeing(ALL):
        num = Bom.objects.get(key=key, site="SZ").num
        rows = BomLine.objects.filter(parent_id=num, until=None).order_by("line").select_related("item")
        return [(row.item.key, f"{row.quantity.normalize():f}", row.per) for row in rows]


@pytest.mark.refusals
def test_lines_of_a_draft_are_added_changed_and_removed(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "lin")
    page.goto(f"{live_server.url}/o/bom/{found(Bom, '10001/1/1').object}/edit/")
    check_page(page, "bom-edit")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.reload()
    page.fill("#f-lines-0-quantity", "46.25")
    page.get_by_role("button", name="Add a line").click()
    page.fill("#f-lines-1-item", "no such item")
    page.fill("#f-lines-1-quantity", "much")
    say_why(page, "the new grade needs less")
    follow(page, "Record the change")
    expect(page.locator("#e-lines-1-quantity")).to_contain_text("Not a number")
    expect(page.locator("#f-lines-0-quantity")).to_have_value("46.25")
    page.fill("#f-lines-1-quantity", "0.91")
    follow(page, "Record the change")
    expect(page.locator("#e-lines-1-item")).to_contain_text("not known")
    assert lines_of("10001/1/1") == [("20011", "47.5", 10_000)], "nothing was recorded yet"
    page.fill("#f-lines-1-item", "20102")
    follow(page, "Record the change")
    assert lines_of("10001/1/1") == [("20011", "46.25", 10_000), ("20102", "0.91", 10_000)]
    page.goto(f"{page.url}edit/")
    page.get_by_role("button", name="Remove this line").first.click()
    say_why(page, "the resin comes with the order")
    follow(page, "Record the change")
    assert lines_of("10001/1/1") == [("20102", "0.91", 10_000)]


def test_the_next_revision_of_a_bom_starts_from_this_one_and_replaces_it(
    page: Page, live_server: Any, net: Network
) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/o/bom/{found(Bom, '10001/1/1').object}/")
    follow(page, "Release")
    say_why(page, "agreed with the plant")
    follow(page, "Release")
    expect(page.locator("button[aria-disabled=true]", has_text="Edit")).to_be_visible()
    page.context.clear_cookies()
    log_in(page, live_server.url, "lin")
    page.goto(f"{live_server.url}/o/bom/{found(Bom, '10001/1/1').object}/")
    follow(page, "Make the next revision")
    expect(page.locator("#f-revision")).to_have_value("2")
    expect(page.locator("#f-lines-0-item")).to_have_value("20011")
    page.fill("#f-lines-0-quantity", "45")
    say_why(page, "lighter runner")
    follow(page, "Record the change")
    assert (found(Bom, "10001/1/2").state, lines_of("10001/1/2")) == ("draft", [("20011", "45", 10_000)])
    assert lines_of("10001/1/1") == [("20011", "47.5", 10_000)]
    page.context.clear_cookies()
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/o/bom/{found(Bom, '10001/1/2').object}/")
    follow(page, "Release")
    expect(page.get_by_text("Superseded in the same step:")).to_contain_text("10001/1/1")
    say_why(page, "trial run passed")
    follow(page, "Release")
    assert (found(Bom, "10001/1/1").state, found(Bom, "10001/1/2").state) == ("superseded", "released")


@pytest.mark.refusals
def test_a_revision_that_exists_is_told_at_its_field(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/o/parameter/{found(Parameter, 'PP-1/1').object}/revise/")
    expect(page.locator("#f-revision")).to_have_value("3")
    check_page(page, "parameter-revise")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.reload()
    page.fill("#f-revision", "2")
    page.fill("#f-low", "240")
    say_why(page, "new limits")
    follow(page, "Record the change")
    expect(page.get_by_role("alert").first).to_be_visible()
    page.fill("#f-revision", "3")
    follow(page, "Record the change")
    expect(page.locator("#e-low")).to_be_visible()
    page.fill("#f-low", "230")
    page.fill("#f-high", "240")
    follow(page, "Record the change")
    made = found(Parameter, "PP-1/3")
    assert (made.state, str(made.low.normalize()), made.name) == ("draft", "2.3E+2", "Melt temperature")
