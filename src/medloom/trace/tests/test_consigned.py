"""Who received what: every piece that left is told of, to whom or that nobody is named."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medloom.trace.frozen.lines import Line
from medloom.trace.scopes.balance import Balance
from medloom.trace.scopes.consigned import consigned

pytestmark = pytest.mark.pure

DAY = dt.date(2026, 11, 20)


def line(lot: int, shipped: int, *, meant: str = "whole", unit: str = "1") -> Line:
    balance = Balance(unit, shipped=Decimal(shipped))
    return Line(lot, "A", f"L{lot}", 0, 0, 1, balance, meant=meant)


def row(lot: int, quantity: int, consignee: str = "C", **more: Any) -> dict[str, Any]:
    given = {"site": "A", "named": bool(consignee), "region": "", "unit": "1", "since": Decimal(0)}
    told = {"shipments": [1], "first": DAY, "last": DAY}
    return {"lot": lot, "quantity": Decimal(quantity), "consignee": consignee, **given, **told, **more}


def test_shipments_to_one_consignee_are_one_row_with_all_their_days() -> None:
    later = DAY + dt.timedelta(3)
    rows = [row(1, 5, shipments=[1, 2], region="East"), row(2, 3, shipments=[2], last=later)]
    (found,) = consigned(rows, [line(1, 5), line(2, 3, meant="part")])
    assert (found.quantity, found.in_part, found.lots, found.shipments) == (8, 3, (1, 2), 2)
    assert (found.first, found.last, found.region) == (DAY, later, "East")


def test_what_left_without_a_consignee_stands_last_with_what_only_moves_say() -> None:
    rows = [row(1, 5), row(1, 2, ""), row(1, 4, "B")]
    found = consigned(rows, [line(1, 20), line(2, 7)])
    assert [(one.consignee, one.quantity, one.lots) for one in found] == [
        ("B", 4, (1,)), ("C", 5, (1,)), ("", 2 + 9 + 7, (1, 2)),
    ]  # fmt: skip


def test_what_another_plant_took_in_is_not_missing() -> None:
    delivered = [{"lot": 1, "unit": "1", "quantity": Decimal(15)}]
    (found,) = consigned([row(1, 5)], [line(1, 20)], delivered=delivered)
    assert (found.consignee, found.quantity) == ("C", 5)


def test_units_are_not_added_up_and_a_hidden_consignee_is_no_missing_one() -> None:
    rows = [row(1, 5, unit="kg"), row(1, 2, "", named=True)]
    found = consigned(rows, [line(1, 5, unit="kg")])
    assert [(one.named, one.unit, one.quantity) for one in found] == [(True, "1", 2), (True, "kg", 5)]


@given(
    shipped=st.lists(st.integers(0, 50), min_size=1, max_size=5),
    told=st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["C", "B", ""]), st.integers(1, 30)), max_size=8
    ),
)
def test_no_piece_is_lost_or_counted_twice(shipped: list[int], told: list[tuple[int, str, int]]) -> None:
    lines = [line(lot, amount) for lot, amount in enumerate(shipped)]
    rows = [row(lot, amount, code) for lot, code, amount in told if lot < len(shipped)]
    by_lot = {lot: sum(r["quantity"] for r in rows if r["lot"] == lot) for lot in range(len(shipped))}
    expected = sum(max(amount, by_lot[lot]) for lot, amount in enumerate(shipped))
    assert sum(one.quantity for one in consigned(rows, lines)) == expected
