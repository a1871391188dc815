"""The order of a chart, and what stands beside it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from medloom.interfaces.web.charting import charted, drawn, ordered, places_of, spread_of
from medloom.interfaces.web.measuring import Line, matrix

pytestmark = pytest.mark.pure
DAY = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def line(values: dict[str, str], *, high: str = "4.2") -> Line:
    rows: list[dict[str, Any]] = [
        {
            "laboratory": "LAB", "characteristic": "HOLE", "key": lot, "kind": "diameter", "unit": "mm",
            "nominal": Decimal(4), "low": Decimal("3.8"), "high": Decimal(high), "specification": None,
            "value": Decimal(value), "conforms": Decimal(value) <= Decimal(high), "lot": lot,
            "lot_object": lot, "subject": "",
        }
        for lot, value in values.items()
    ]  # fmt: skip
    return matrix(rows).lines[0]


def test_parts_stand_by_production_else_by_measurement_else_by_number() -> None:
    made = {"P2": DAY, "P1": DAY + dt.timedelta(hours=1)}
    found = ordered(["P1", "P2", "P3"], made, {})
    assert (found.lots, found.basis, found.untimed) == (("P2", "P1", "P3"), "made", 1)
    assert ordered(["P1", "P2", "P3"], {"P1": DAY}, made).basis == "measured"
    # One moment for all of them is no order.
    found = ordered(["P2", "P1"], {}, {"P1": DAY, "P2": DAY})
    assert (found.lots, found.basis, found.untimed) == (("P1", "P2"), "number", 0)


def test_values_stand_with_the_decimals_that_show_each_of_them_whole() -> None:
    assert places_of([Decimal("4.0"), Decimal("3.98"), Decimal("3.975000")]) == 3
    assert places_of([Decimal(120)]) == 0 and places_of([]) == 0


def test_a_part_that_nobody_measured_is_left_out_of_the_chart_and_not_of_the_axis() -> None:
    one = charted(line({f"P{n:02}": str(4 + n % 3 / 100) for n in range(12) if n != 5}), ["P05", "P00"])
    assert [point.lot for point in one.points] == ["P00"] and one.chart is None
    lots = [f"P{n:02}" for n in range(12)]
    whole = charted(line({f"P{n:02}": str(4 + n % 3 / 100) for n in range(12) if n != 5}), lots)
    told = drawn(whole, lots, name="x", own=True)
    assert told["values"][5] is None and told["steps"][0] is None and len(told["rules"]) == 12
    assert told["control"] is not None and whole.capability.why_not == ("few",)


def test_several_characteristics_of_a_part_are_one_range_with_how_many_are_out() -> None:
    lines = [line({"P1": "4.1"}), line({"P1": "4.3"}), line({"P2": "4.0"})]
    found = spread_of(lines, "P1")
    assert found is not None
    assert (found.least, found.most, found.count, found.out) == (Decimal("4.1"), Decimal("4.3"), 2, 1)
    assert spread_of(lines, "P9") is None
