"""Who received what, from the shipments themselves: corrections, other plants, and what a plant may see."""

from __future__ import annotations

from typing import Any

import pytest

from medloom.hub import WIRING
from medloom.kernel.access import ALL, seeing
from medloom.kernel.case import Received
from medloom.kernel.cursor import open_cursor
from medloom.kernel.ledger import append
from medloom.kernel.tests.making import make
from medloom.materials.queries import stock_differences
from medloom.trace.frozen.queries import draw
from medloom.trace.scopes.consigned import consigned
from medloom.trace.scopes.expression import parse
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

QUESTION = '{lot = "FG", "RAW"}'


def accept(*received: Received, site: str = "A") -> None:
    for answer in append(received, author=site, wiring=WIRING):
        assert answer.verdict is Verdict.ACCEPTED, answer


def shipment(number: str, quantity: str, consignee: str | None, **more: Any) -> Received:
    named = {"consignee": consignee} if consignee else {}
    lines = [{"lot": "FG", "quantity": quantity, "unit": "1"}]
    fields = {"number": number, "shipped": "2026-11-20", "lines": lines, **named}
    return make("shipment", fields=fields, **more)


def told(site: str = ALL, *, as_of: int = 2**53) -> list[tuple[str, bool, str, str, int]]:
    """Consignee, whether named, plant, quantity with unit, how much of it since."""
    with seeing(site), open_cursor() as cursor:
        drawn = draw(cursor, parse(QUESTION), QUESTION)
        found = consigned(drawn.handed, drawn.lines, as_of=as_of)
    return [
        (one.consignee, one.named, one.site, f"{one.quantity.normalize():f} {one.unit}", int(one.since))
        for one in found
    ]


def test_shipments_moves_and_other_plants_add_up_to_what_left() -> None:
    move = {"lot": "FG", "kind": "shipped", "quantity": "30", "unit": "1", "source": "STORE"}
    accept(
        make("lot", "set", fields={"number": "FG", "kind": "finished"}),
        make("lot", "set", fields={"number": "RAW", "kind": "material"}),
        shipment("SH-1", "12", "C-1"),
        shipment("SH-2", "3", None),
        make("move", fields={"number": "M-1", **move}),
    )
    assert told() == [("C-1", True, "A", "12 1", 0), ("", False, "A", "18 1", 0)]
    sent = {"partner": "A", "partner_lot": "FG", "quantity": "10", "unit": "1"}
    accept(make("receipt", site="B", fields={"number": "RC", "lot": "IN", **sent}), site="B")
    assert told() == [("C-1", True, "A", "12 1", 0), ("", False, "A", "8 1", 0)]
    assert told("A") == [("", True, "A", "12 1", 0), ("", False, "A", "18 1", 0)], "no plant sees the others"


def test_what_was_corrected_since_is_named_and_what_was_taken_out_is_gone() -> None:
    first = shipment("SH-1", "12", "C-1")
    accept(make("lot", "set", fields={"number": "FG"}), first, shipment("SH-2", "5", "C-1"))
    with seeing(ALL), open_cursor() as cursor:
        as_of = draw(cursor, parse(QUESTION), QUESTION).as_of
    assert told(as_of=as_of) == [("C-1", True, "A", "17 1", 0)]
    meant = {"object": first.operation.object, "corrects": first.operation.id}
    accept(shipment("SH-1", "7", "C-2", **meant))
    assert told(as_of=as_of) == [("C-1", True, "A", "5 1", 0), ("C-2", True, "A", "7 1", 7)]


def test_what_came_back_raises_stock_and_is_read_with_whom_it_names() -> None:
    accept(
        make("lot", "set", fields={"number": "FG", "kind": "finished"}),
        shipment("SH-1", "12", "C-1"),
        came_back("RT-1", "4", consignee="C-1"),
        came_back("RT-2", "3", target="STORE"),
        came_back("RT-3", "1", source="STORE"),
    )
    with seeing(ALL), open_cursor() as cursor:
        drawn = draw(cursor, parse(QUESTION), QUESTION)
        found = consigned(drawn.handed, drawn.lines)
        assert stock_differences(cursor) == []
    assert [(one.consignee, int(one.quantity), int(one.returned), int(one.left)) for one in found] == [
        ("C-1", 12, 4, 8), ("", 0, 3, 0),
    ]  # fmt: skip
    (lot,) = drawn.lines
    assert (int(lot.balance.shipped), int(lot.balance.returned), int(lot.balance.stock)) == (5, 1, 6)


def came_back(number: str, quantity: str, **more: str) -> Received:
    fields = {"number": number, "lot": "FG", "kind": "returned", "quantity": quantity, "unit": "1", **more}
    return make("move", fields=fields)
