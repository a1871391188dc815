"""The history of one field, and taking one change back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Entry
from medloom.production.models import WorkOrder
from tests.browser.conftest import check_page
from tests.browser.network import Network, build, found
from tests.browser.visits import follow, log_in, say_why

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network; no live stream, which has a test of its own."""
    settings.LIVE_PORT = 0
    return build()


@pytest.mark.refusals
def test_a_change_is_found_in_its_fields_history_and_undone(
    page: Page, live_server: Any, net: Network
) -> None:
    log_in(page, live_server.url, "anna")
    order = found(WorkOrder, "WO-0002")
    page.goto(f"{live_server.url}/o/work_order/{order.object}/edit/")
    page.fill("#f-due", "2026-12-24")
    say_why(page, "the customer can wait")
    follow(page, "Record the change")
    page.goto(f"{live_server.url}/o/work_order/{order.object}/")
    with page.expect_navigation():
        page.locator("dt a.past", has_text="Due day").click()
    expect(page.locator("table.list tbody tr")).to_have_count(2)
    newest = page.locator("table.list tbody tr").first
    for text in ("Anna Example", "2026-12-20", "2026-12-24", "the customer can wait"):
        expect(newest).to_contain_text(text)
    check_page(page, "order-field-history")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.goto(f"{live_server.url}/o/work_order/{order.object}/?tab=history")
    follow(page, "Undo")
    check_page(page, "order-undo")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.reload()
    expect(page.locator("table.diff .new")).to_have_text("2026-12-20")
    say_why(page, "the customer cannot wait")
    follow(page, "Undo")
    order = found(WorkOrder, "WO-0002")
    assert str(order.due) == "2026-12-20"
    with seeing(ALL):
        told = [json.loads(e.body) for e in Entry.objects.filter(object=order.object).order_by("-seq")[:2]]
    assert told[0]["compensates"] == told[1]["id"]


@pytest.mark.refusals
def test_a_change_that_something_followed_is_not_undone(page: Page, live_server: Any, net: Network) -> None:
    order = found(WorkOrder, "WO-0002")
    for day in ("2026-12-21", "2026-12-22"):
        base = found(WorkOrder, "WO-0002").version
        net.registrant(
            net.act.change(
                "work_order", str(order.object), site="SZ", base=base, fields={"due": day}, reason="r"
            )
        )
    with seeing(ALL):
        first = list(Entry.objects.filter(object=order.object, verdict="accepted").order_by("-seq")[:2])[1]
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/o/work_order/{order.object}/?tab=history")
    expect(page.get_by_role("link", name="Undo")).to_have_count(1)
    answer = page.goto(f"{live_server.url}/o/work_order/{order.object}/undo/{first.seq}/")
    assert answer is not None and answer.status == 409
