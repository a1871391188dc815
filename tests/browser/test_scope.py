"""A recall scope built by a person: from what they know to what is frozen, in how many steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.network import LONG_LOT, Network, build
from tests.browser.visits import follow, log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

#: What a quality manager may need from the start page to the answer, and from there to the frozen scope:
#: each click, choice and field typed counts as one.
STEPS_TO_ANSWER = 8
STEPS_TO_FREEZE = 3
MOVES = [
    ("produced", "70", {"target": "FG"}),
    ("shipped", "50", {"source": "FG"}),
    ("scrapped", "3", {"source": "FG"}),
]


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network, with goods that went on to the second plant and to a customer."""
    settings.LIVE_PORT = 0
    net = build()
    for number in (4, 5):
        sent = {"partner": "SZ", "partner_lot": f"FG-{number}", "quantity": "40", "unit": "1"}
        given = {"number": f"RC-{number}", "lot": f"PG-IN-{number}", "received": "2026-11-08"}
        net.plant("PG", "receipt", "observe", given | sent)
    made = {"number": "PG-1", "day": "2026-11-10", "machine": "M01", "output_lot": "KIT-1"}
    inputs = [{"lot": "PG-IN-4", "quantity": "40"}, {"lot": "PG-IN-5", "quantity": "30"}]
    readings = [{"name": "TORQUE", "value": "1.42", "unit": "N.m"}]
    told = {"good": 70, "total": 70, "inputs": inputs, "parameters": readings}
    net.plant("PG", "step_record", "observe", made | told)
    for number, (kind, quantity, ends) in enumerate(MOVES):
        move = {"number": f"MV-{number}", "lot": "KIT-1", "kind": kind, "quantity": quantity, "unit": "1"}
        net.plant("PG", "move", "observe", move | ends)
    lines = [{"lot": "KIT-1", "quantity": "20"}]
    sent = {"number": "SH-1", "consignee": "C-12", "shipped": "2026-11-20", "lines": lines}
    net.plant("PG", "shipment", "observe", sent)
    waiting = {"number": "B-9", "day": "2026/11/3", "output_lot": "FG-5", "total": 80, "good": 80}
    net.plant("SZ", "step_record", "observe", waiting, source=("shifts", "b9", "h", "x.xlsx!1"))
    return net


class Hand:
    """Counts what a person does."""

    def __init__(self, page: Page) -> None:
        self.page, self.steps = page, 0

    def click(self, selector: str) -> None:
        self.page.locator(selector).last.click()
        self.steps += 1

    def choose(self, selector: str, value: str) -> None:
        self.page.locator(selector).last.select_option(value)
        self.steps += 1

    def type(self, selector: str, text: str) -> None:
        self.page.locator(selector).last.fill(text)
        self.steps += 1

    def enter(self) -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        self.steps += 1


def keys(page: Page) -> set[str]:
    return set(page.locator("#scope-lines a.key").all_inner_texts())


def test_from_a_machine_and_its_days_to_a_frozen_scope(
    page: Page, live_server: Any, net: Network, page_ok: Callable[[Page, str], None]
) -> None:
    log_in(page, live_server.url, "anna")
    hand = Hand(page)
    hand.click('a[href="/scope/"]')
    hand.choose("[data-name]", "machine")
    hand.type("[data-value]", "M01")
    hand.click("[data-add-row]")
    hand.type("[data-low]", "2026-11-01")
    hand.type("[data-high]", "2026-11-05")
    expect(page.locator("#counted")).to_have_text("11")
    hand.enter()
    assert hand.steps <= STEPS_TO_ANSWER
    assert "q=affected" in page.url, "the question is in the address"
    page.locator("#graph[data-ready=yes]").wait_for()
    assert page.locator("#lots-found").inner_text() == "11"
    assert keys(page) == {*(f"FG-{n}" for n in range(8)), "PG-IN-4", "PG-IN-5", "KIT-1"}
    assert "FG-5" in page.locator("#perhaps").inner_text(), "the row that waits on the desk"
    kit = page.locator("#scope-lines tr", has_text="KIT-1").locator("td.num").all_inner_texts()
    assert [cell.split()[0] for cell in kit] == ["2", "70", "70", "17", "50", "3", "0", "0"]
    handed = page.locator("#consignees tbody tr").all_inner_texts()
    assert [row.split()[0] for row in handed] == ["C-12", "No"], "whom it went to, and that 30 went to nobody"
    boxes = page.locator(".plantmap .taker").all_text_contents()
    assert ["20 pieces" in boxes[0], "30 pieces" in boxes[1]] == [True, True]
    page_ok(page, "scope-result")
    hand.steps = 0
    hand.type("#title", "Machine M01 ran without its guard")
    hand.type("#reason", "Complaint 12 of the clinic")
    hand.click("#freeze button")
    page.wait_for_url("**/scope/*-*/")
    assert hand.steps <= STEPS_TO_FREEZE
    assert page.locator("#since tr").count() == 0
    later = {"number": "S-9", "day": "2026-11-04", "machine": "M01", "output_lot": "FG-9", "good": 8}
    net.plant("SZ", "step_record", "observe", later)
    page.reload()
    assert "FG-9" in page.locator("#since").inner_text()
    assert page.locator("#lots-found").inner_text() == "11", "what was frozen stays"
    page.locator("#consignees a").first.click()
    page.wait_for_url("**consignee*")
    assert keys(page) == {"KIT-1"}, "the lots of this scope that went there"
    page.go_back()
    page_ok(page, "scope-frozen")


def test_a_form_says_what_is_wrong_and_where(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/scope/")
    page.locator("[data-name]").select_option("reading")
    page.locator("[data-low]").fill("1.4")
    page.locator("[data-add-row]").click()
    page.locator("[data-name]").last.select_option("parameter")
    page.locator("[data-value]").last.fill("TORQUE")
    expect(page.locator("#counted")).to_have_text("1")
    page.get_by_role("button", name="Another block").click()
    page.locator("[data-join]").last.select_option("or")
    page.locator("[data-value]").last.fill(LONG_LOT)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert int(page.locator("#lots-found").inner_text()) == 13
    follow(page, "Reset")
    assert page.locator("#lots-found").count() == 0


@pytest.mark.refusals
def test_what_cannot_be_asked_is_told_beside_its_condition(
    page: Page, live_server: Any, net: Network
) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/scope/")
    page.locator("[data-name]").select_option("reading")
    page.locator("[data-low]").fill("1.4")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "name" in page.locator(".scope-row .form-error").inner_text()
    page.goto(f"{live_server.url}/scope/?q=affected(lot)")
    assert page.get_by_role("alert").count() == 1
    assert page.locator("#as-text").input_value() == "affected(lot)"


def test_a_plant_sees_its_own_part_and_may_not_freeze(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "siti")
    page.goto(f'{live_server.url}/scope/?q=affected({{machine = "M01"}})')
    assert keys(page) == {"KIT-1"}
    assert page.locator("#freeze button").count() == 0
    page.goto(f"{live_server.url}/scope/?lot={LONG_LOT}")
    assert page.locator("[data-value]").input_value() == LONG_LOT
