"""Every page, looked at in both languages and widths: nothing sideways, nothing axe calls serious."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from medloom.design.models import Parameter
from medloom.materials.models import Hold, Lot
from medloom.production.models import StepRecord, WorkOrder
from tests.browser.conftest import check_page
from tests.browser.network import LONG_LOT, Network, build, found
from tests.browser.visits import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network; no live stream, which has a test of its own."""
    settings.LIVE_PORT = 0
    return build()


def look(page: Page, base: str, pages: dict[str, str]) -> None:
    """Look at every address; all faults of all pages are told together."""
    faults = []
    for name, address in pages.items():
        page.goto(f"{base}{address}")
        try:
            check_page(page, name)
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n\n".join(faults)


def test_the_login_page(page: Page, live_server: Any, net: Network) -> None:
    look(page, live_server.url, {"login": "/login/"})


def test_pages_of_lists_and_desks(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    pages = {
        "overview": "/",
        "tasks": "/tasks/",
        "orders": "/o/work_order/",
        "lots": "/o/lot/",
        "holds": "/o/hold/?state=open",
        "steps": "/o/step_record/",
        "empty": "/o/result/",
        "nothing": "/o/work_order/?q=no-such-number",
        "stock": "/stock/",
        "connections": "/connections/",
        "alarms": "/alarms/?state=all",
        "repair": "/repair/",
        "matches": "/matches/",
        "conflicts": "/conflicts/",
        "ledger": "/ledger/",
        "dictionary": "/dictionary/",
        "trace": "/trace/",
        "find": "/find/?q=WO-",
        "account": "/account/",
    }
    look(page, live_server.url, pages)


def test_pages_of_objects_and_decisions(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    order, lot = found(WorkOrder, "WO-0001").object, found(Lot, LONG_LOT).object
    hold, step = found(Hold, "H-1").object, found(StepRecord, "S-5").object
    parameter = found(Parameter, "PP-1/2").object
    page.goto(f"{live_server.url}/repair/")
    group = page.locator("table.list a.key").first.get_attribute("href") or ""
    page.goto(f"{live_server.url}/conflicts/")
    conflict = page.locator("table.list a.key").first.get_attribute("href") or ""
    pages = {
        "order": f"/o/work_order/{order}/",
        "order-history": f"/o/work_order/{order}/?tab=history",
        "order-related": f"/o/work_order/{order}/?tab=related",
        "order-edit": f"/o/work_order/{order}/edit/",
        "order-new": "/o/work_order/new/",
        "step": f"/o/step_record/{step}/",
        "lot": f"/o/lot/{lot}/",
        "lot-scope": f"/o/lot/{lot}/?tab=trace",
        "hold": f"/o/hold/{hold}/",
        "hold-clear": f"/holds/{hold}/clear/",
        "hold-raise": f"/holds/raise/?lot={lot}",
        "parameter-release": f"/o/parameter/{parameter}/do/release/",
        "repair-group": group,
        "conflict": conflict,
        "record": "/ledger/1/",
    }
    look(page, live_server.url, pages)


@pytest.mark.refusals
def test_pages_of_problems(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    look(page, live_server.url, {"problem-404": "/no/such/page/", "problem-422": "/holds/raise/"})
    page.context.clear_cookies()
    log_in(page, live_server.url, "audit")
    lot = found(Lot, LONG_LOT).object
    look(page, live_server.url, {"problem-403": f"/holds/raise/?lot={lot}"})


def test_a_plants_own_side(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "lin")
    order = found(WorkOrder, "WO-0002").object
    pages = {
        "plant-overview": "/",
        "plant-orders": "/o/work_order/",
        "plant-order": f"/o/work_order/{order}/",
    }
    look(page, live_server.url, pages)


def test_a_lot_record_prints_without_the_frame(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/o/lot/{found(Lot, LONG_LOT).object}/?tab=history")
    page.emulate_media(media="print")
    assert not page.locator(".rail").is_visible()
    assert page.locator(".print-foot").is_visible()
    assert page.get_by_role("heading", name=LONG_LOT).is_visible()
