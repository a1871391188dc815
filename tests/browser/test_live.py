"""Live: what a plant sends changes the open page by itself, and only for those who may see it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from medloom.process import state
from medloom.production.models import WorkOrder
from tests import live_process
from tests.browser.network import Network, build, found
from tests.browser.visits import log_in

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def live_port(transactional_db: None) -> Iterator[int]:
    """The port of the stream, on the test's own database."""
    port = live_process.free_port()
    with live_process.running(port):
        yield port


def test_a_row_changes_by_itself_for_those_who_may_see_it(
    page: Page, live_server: Any, live_port: int, settings: Any
) -> None:
    settings.LIVE_PORT = live_port
    # as `medloom up` has it: all processes share one key, and the pages may connect to the live port
    settings.SECRET_KEY = state.current().secret("django")
    policy = copy.deepcopy(settings.CONTENT_SECURITY_POLICY)
    policy["DIRECTIVES"]["connect-src"] = ["'self'", f"*:{live_port}"]
    settings.CONTENT_SECURITY_POLICY = policy
    net: Network = build()
    # the cookie is the host's: page and stream must be on the same one
    base = live_server.url.replace("localhost", "127.0.0.1")
    log_in(page, base, "lin")
    page.goto(f"{base}/o/work_order/?q=WO-0002")
    page.locator("#pulse[data-state=live]").wait_for()
    order = found(WorkOrder, "WO-0002")
    row = page.locator(f"#row-{order.object}")
    assert "Released" in row.inner_text()
    source = ("orders", "WO-0002", "h9", "orders.csv!3")
    command = {"command": "acknowledge", "from": "released"}
    net.plant("SZ", "work_order", "command", command, object=str(order.object), source=source)
    page.locator(f"#row-{order.object}.moved", has_text="Acknowledged").wait_for()
    other = found(WorkOrder, "WO-0003", "PG")
    source = ("orders", "WO-0003", "h9", "orders.csv!4")
    net.plant("PG", "work_order", "command", command, object=str(other.object), source=source)
    page.wait_for_timeout(1_500)
    assert page.locator("#news").is_hidden(), "another plant's order is not even hinted at"
    page.goto(f"{base}/")
    page.locator("#pulse[data-state=live]").wait_for()
    # the overview also asks every ten seconds: taken away here, so that only a hint is left
    page.locator("#live-overview").evaluate("part => part.setAttribute('hx-trigger', 'medloom:again')")
    page.evaluate("htmx.process(document.body)")
    arrived = page.locator("#plant-SZ .pictures b").first
    before = int(arrived.inner_text())
    fields = {"number": "RM-LIVE-1", "item": "10001", "kind": "material"}
    net.plant("SZ", "lot", "set", fields, source=("lots", "RM-LIVE-1", "h", "lots.csv!9"))
    expect(arrived).to_have_text(str(before + 1))
    expect(page.locator("#plant-SZ [data-lane=v] b")).not_to_have_text("0")
    page.goto("about:blank")


@pytest.mark.refusals
def test_what_moved_while_the_stream_was_away_is_caught_up(
    page: Page, live_server: Any, transactional_db: None, settings: Any
) -> None:
    port = live_process.free_port()
    settings.LIVE_PORT = port
    settings.SECRET_KEY = state.current().secret("django")
    policy = copy.deepcopy(settings.CONTENT_SECURITY_POLICY)
    policy["DIRECTIVES"]["connect-src"] = ["'self'", f"*:{port}"]
    settings.CONTENT_SECURITY_POLICY = policy
    net: Network = build()
    base = live_server.url.replace("localhost", "127.0.0.1")
    with live_process.running(port):
        log_in(page, base, "lin")
        page.goto(f"{base}/o/work_order/?q=WO-0002")
        page.locator("#pulse[data-state=live]").wait_for()
    page.locator("#pulse[data-state=lost]").wait_for()
    order = found(WorkOrder, "WO-0002")
    command = {"command": "acknowledge", "from": "released"}
    source = ("orders", "WO-0002", "h9", "orders.csv!3")
    net.plant("SZ", "work_order", "command", command, object=str(order.object), source=source)
    with live_process.running(port):
        expect(page.locator(f"#row-{order.object}")).to_contain_text("Acknowledged")
        page.goto("about:blank")


def test_the_stream_wants_a_login_and_our_own_origin(live_port: int) -> None:
    address = f"http://127.0.0.1:{live_port}/live"
    assert httpx.get(address).status_code == 401
    assert httpx.get(address, headers={"Origin": "http://elsewhere.example"}).status_code == 403
    ours = httpx.get(address, headers={"Origin": "http://127.0.0.1:9999"})
    assert ours.headers["access-control-allow-origin"] == "http://127.0.0.1:9999"
