"""Who received what: all that left or came back is told of, with whom it names or that it names none."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medloom.trace.frozen.handed import Handed, changed, undated
from medloom.trace.frozen.lines import Line, digest
from medloom.trace.scopes.balance import Balance, Counted, balances
from medloom.trace.scopes.consigned import consigned

pytestmark = pytest.mark.pure

DAY = dt.date(2026, 11, 20)


def line(lot: int, shipped: int, *, meant: str = "whole", unit: str = "1") -> Line:
    balance = Balance(unit, shipped=Decimal(shipped))
    return Line(lot, "A", f"L{lot}", 0, 0, 1, balance, meant=meant)


def row(lot: int, quantity: int, consignee: str = "C", kind: str = "shipped", **more: Any) -> Handed:
    told = {"site": "A", "number": "S-1", "record": 1, "entry": 5, "named": bool(consignee), "region": ""}
    told |= {"home": "A", "key": f"L{lot}", "unit": "1", "day": DAY, "consignee": consignee}
    return Handed(kind=kind, lot=lot, quantity=Decimal(quantity), **(told | more))


def test_shipments_to_one_consignee_are_one_row_with_all_their_days() -> None:
    later = DAY + dt.timedelta(3)
    rows = [row(1, 5, region="East"), row(2, 1, record=2), row(2, 2, record=2, day=later, entry=9)]
    (found,) = consigned(rows, [line(1, 5), line(2, 3, meant="part")], as_of=8)
    assert (found.quantity, found.in_part, found.lots, found.shipments) == (8, 3, (1, 2), 2)
    assert (found.first, found.last, found.region, found.since) == (DAY, later, "East", 2)


def test_what_left_without_a_consignee_stands_last_with_what_only_moves_say() -> None:
    rows = [row(1, 5), row(1, 2, ""), row(1, 4, "B")]
    found = consigned(rows, [line(1, 20), line(2, 7)])
    assert [(one.consignee, one.quantity, one.lots) for one in found] == [
        ("B", 4, (1,)), ("C", 5, (1,)), ("", 2 + 9 + 7, (1, 2)),
    ]  # fmt: skip


def test_what_another_plant_took_in_is_not_missing() -> None:
    (found,) = consigned([row(1, 5), row(1, 15, "", "taken", site="B")], [line(1, 20)])
    assert (found.consignee, found.quantity) == ("C", 5)


def test_what_came_back_is_taken_from_whom_it_names_and_never_from_anybody_else() -> None:
    rows = [row(1, 20), row(1, 6, "B"), row(1, 5, "C", "returned"), row(1, 3, "", "returned")]
    found = consigned(rows, [line(1, 26 - 8)])
    assert [(one.consignee, one.quantity, one.returned, one.left, one.nameless) for one in found] == [
        ("B", 6, 0, 6, False), ("C", 20, 5, 15, False), ("", 0, 3, 0, True),
    ]  # fmt: skip


def test_what_came_back_behind_a_kept_balance_is_not_added_to_what_left() -> None:
    rows = [row(1, 20), row(1, 5, "C", "returned", entry=9)]
    (found,) = consigned(rows, [line(1, 20)], as_of=8)
    assert (found.quantity, found.returned, found.left) == (20, 5, 15)


def test_more_back_than_out_is_told_as_it_is() -> None:
    (found,) = consigned([row(1, 2, "C", "returned")], [line(1, -2)])
    assert (found.quantity, found.returned, found.left) == (0, 2, -2)


def test_who_books_only_what_comes_back_has_shipments_count_as_shipped() -> None:
    moves = [{"lot": 1, "kind": "returned", "inward": True, "unit": "1", "quantity": Decimal(5)}]
    sent = [{"lot": 1, "kind": "shipped", "inward": False, "unit": "1", "quantity": Decimal(20)}]
    assert balances([1], Counted(moves=moves, delivered=sent))[1].shipped == 15


def test_units_are_not_added_up_and_a_hidden_consignee_is_no_missing_one() -> None:
    rows = [row(1, 5, unit="kg"), row(1, 2, "", named=True)]
    found = consigned(rows, [line(1, 5, unit="kg")])
    assert [(one.named, one.unit, one.quantity) for one in found] == [(True, "1", 2), (True, "kg", 5)]


def test_the_digest_covers_every_word_of_a_consignment_and_no_order() -> None:
    lots, sent = [line(1, 5)], [row(1, 5), row(1, 2, "B")]
    assert digest("q", lots, sent) == digest("q", lots, sent[::-1]) != digest("q", lots)
    others = {
        "quantity": Decimal(4),
        "consignee": "D",
        "day": None,
        "first": "1",
        "last": "9",
        "number": "S-2",
    }
    others |= {
        "entry": 6,
        "region": "East",
        "key": "L2",
        "unit": "kg",
        "sscc": "1",
        "package": "1",
        "site": "B",
    }
    found = {
        digest("q", lots, [replace(sent[0], **{name: value}), sent[1]]) for name, value in others.items()
    }
    assert len(found - {digest("q", lots, sent)}) == len(others)


def test_what_changed_since_is_told_record_by_record() -> None:
    before = [row(1, 5), row(2, 3), row(1, 2, "B", number="S-2", record=2)]
    now = [row(1, 5), row(2, 4), row(1, 9, "D", number="S-3", record=3), row(1, 1, "C", "returned")]
    found = changed(before, now)
    assert [(one.one.document, len(one.before), len(one.now)) for one in found] == [
        (("returned", "A", "S-1"), 0, 1), (("shipped", "A", "S-1"), 2, 2), (("shipped", "A", "S-2"), 1, 0),
        (("shipped", "A", "S-3"), 0, 1),
    ]  # fmt: skip
    assert changed(before, before[::-1]) == []


def test_records_without_a_day_are_counted_once() -> None:
    rows = [row(1, 5, day=None), row(2, 5, day=None), row(1, 1, day=None, record=2), row(1, 1, record=3)]
    assert (undated(rows, "shipped"), undated(rows, "returned")) == (2, 0)


@given(
    shipped=st.lists(st.integers(0, 50), min_size=1, max_size=5),
    told=st.lists(
        st.tuples(
            st.integers(0, 4),
            st.sampled_from(["C", "B", ""]),
            st.integers(1, 30),
            st.sampled_from(["shipped", "returned"]),
        ),
        max_size=8,
    ),
)
def test_no_piece_is_lost_or_counted_twice(shipped: list[int], told: list[tuple[int, str, int, str]]) -> None:
    rows = [row(lot, amount, code, kind) for lot, code, amount, kind in told if lot < len(shipped)]
    sent = {lot: sum(r.quantity for r in rows if (r.lot, r.kind) == (lot, "shipped")) for lot in range(5)}
    back = {lot: sum(r.quantity for r in rows if (r.lot, r.kind) == (lot, "returned")) for lot in range(5)}
    lines = [line(lot, amount - int(back[lot])) for lot, amount in enumerate(shipped)]
    expected = sum(max(amount, sent[lot]) for lot, amount in enumerate(shipped))
    found = consigned(rows, lines)
    assert sum(one.quantity for one in found) == expected
    assert sum(one.returned for one in found) == sum(back.values())
    named = sum(r.quantity for r in rows if r.kind == "returned" and r.consignee)
    assert sum(one.left for one in found) == expected - named, "what names nobody is never netted"
