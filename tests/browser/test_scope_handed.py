"""What went to whom on the page of a frozen scope: kept as it was, what came since, what came back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.network import Network
from tests.browser.test_scope import net
from tests.browser.visits import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
assert net  # a fixture of the other file
QUESTION = 'affected({machine = "M01"})'


def freeze(page: Page) -> None:
    page.fill("#title", "Machine M01 ran without its guard")
    page.fill("#reason", "Complaint 12 of the clinic")
    page.click("#freeze button")
    page.wait_for_url("**/scope/*-*/")


def give_back(net: Network, number: str, quantity: str, **more: str) -> None:
    fields = {"number": number, "lot": "KIT-1", "kind": "returned", "quantity": quantity, "unit": "1", **more}
    net.plant("PG", "move", "observe", fields)


def told(page: Page) -> list[list[str]]:
    """Consignee, shipped, came back, still out."""
    rows = page.locator("#consignees tbody tr").all()
    cells = [[cell.split("\n")[0] for cell in row.locator("td").all_inner_texts()] for row in rows]
    return [[row[at] for at in (0, 2, 3, 4)] for row in cells]


def test_consignees_stay_frozen_and_a_new_scope_takes_in_what_came_since(
    page: Page,
    live_server: Any,
    net: Network,
    page_ok: Callable[[Page, str], None],
) -> None:
    give_back(net, "RT-1", "4", consignee="C-12")
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/scope/?q={QUESTION}")
    assert told(page)[0] == ["C-12", "20", "4", "16"]
    freeze(page)
    assert page.locator("#handed-since").count() == page.locator("#handed-today").count() == 0
    first = told(page)
    lines = [{"lot": "KIT-1", "quantity": "6"}]
    net.plant("PG", "shipment", "observe", {"number": "SH-2", "consignee": "C-20", "lines": lines})
    give_back(net, "RT-2", "3", target="IN")
    page.reload()
    since = page.locator("#handed-since").inner_text()
    assert "1 shipment recorded or changed since the freeze" in since and "1 return" in since
    assert "SH-2" in since and "C-20" in since and "6 pieces" in since
    assert told(page) == first, "what was frozen stays"
    page.locator("summary", has_text="Export").click()
    assert page.locator("#left-out").inner_text().endswith("1 return."), "RT-1 has no day"
    page.locator("summary", has_text="Export").click()
    page_ok(page, "scope-frozen-consignees")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.locator("#handed-since a.btn").click()
    page.wait_for_url("**supersedes=RS-*")
    assert ["C-20", "6", "–", "6"] in told(page)
    assert told(page)[-1] == ["Came back, nobody named", "–", "3", "?"]
    freeze(page)
    assert "Supersedes RS-" in page.locator(".lead").inner_text()
    assert page.locator("#handed-since").count() == 0
