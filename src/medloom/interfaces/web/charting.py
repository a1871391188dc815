"""One characteristic as a control chart: its parts in order, what signals, what may be said of it. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from medloom.inspection.control import Capability, Control, capability, control
from medloom.interfaces.web.measuring import Cell, Line

Times = Mapping[str, dt.datetime]


@dataclass(frozen=True)
class Order:
    """The parts in the order of the chart, and what it goes by.

    basis  `made` (start of their production), `measured`, or `number` where no times are known
    times  of the parts that have one; those without stand last
    """

    lots: tuple[str, ...]
    basis: str
    times: Times

    @property
    def untimed(self) -> int:
        """Parts without a time; of no interest where all stand by number."""
        return 0 if self.basis == "number" else sum(lot not in self.times for lot in self.lots)


def ordered(lots: Sequence[str], made: Times, measured: Times) -> Order:
    """By production time where most parts have one, else by time of measurement, else by number."""
    for basis, times in (("made", made), ("measured", measured)):
        known = {lot: times[lot] for lot in lots if lot in times}
        if 2 * len(known) > len(lots) and len(set(known.values())) > 1:
            late = dt.datetime.max.replace(tzinfo=dt.UTC)
            return Order(tuple(sorted(lots, key=lambda lot: (known.get(lot, late), lot))), basis, known)
    return Order(tuple(sorted(lots)), "number", {})


@dataclass(frozen=True)
class Point:
    """One part in the table: its value, its distance from the one before, and what it signals."""

    lot: str
    cell: Cell
    step: Decimal | None
    rules: tuple[int, ...]
    step_out: bool


@dataclass(frozen=True)
class Charted:
    """One series with its chart; `chart` is None where there are too few points or no spread."""

    line: Line
    points: tuple[Point, ...]
    chart: Control | None
    capability: Capability
    places: int

    @property
    def by_lot(self) -> dict[str, Point]:
        """The points by part."""
        return {point.lot: point for point in self.points}

    @property
    def signals(self) -> int:
        """How many parts signal."""
        return sum(bool(point.rules) or point.step_out for point in self.points)

    @property
    def rules(self) -> tuple[int, ...]:
        """The rules that signal, 0 for a moving range above its limit."""
        found = {rule for point in self.points for rule in point.rules}
        return tuple(sorted(found | ({0} if any(point.step_out for point in self.points) else set())))


def places_of(values: Sequence[Decimal]) -> int:
    """Decimals that show every value whole, so that they stand below each other."""
    exponents = [value.normalize().as_tuple().exponent for value in values]
    return max([0, *(-one for one in exponents if isinstance(one, int))])


def charted(line: Line, lots: Sequence[str]) -> Charted:
    """A line's chart with its parts in that order."""
    cells = [(lot, line.by_lot[lot]) for lot in lots if lot in line.by_lot]
    values = [Decimal(cell.row["value"]) for _lot, cell in cells]
    chart = control(values)
    points = tuple(
        Point(
            lot,
            cell,
            abs(values[at] - values[at - 1]) if at else None,
            chart.rules[at] if chart else (),
            chart.range_out[at] if chart else False,
        )
        for at, (lot, cell) in enumerate(cells)
    )
    told = capability(values, chart, line.low, line.high, suspect=line.suspicion is not None)
    return Charted(line, points, chart, told, places_of(values))


@dataclass(frozen=True)
class Spread:
    """What characteristics of another laboratory say of one part: from, to, how many, how many out."""

    least: Decimal
    most: Decimal
    count: int
    out: int


def spread_of(lines: Sequence[Line], lot: str) -> Spread | None:
    """The values of several characteristics of one part taken together; None where nobody measured it."""
    cells = [line.by_lot[lot] for line in lines if lot in line.by_lot]
    if not cells:
        return None
    values = [cell.row["value"] for cell in cells]
    return Spread(min(values), max(values), len(cells), sum(cell.tone in ("high", "low") for cell in cells))


def drawn(one: Charted, lots: Sequence[str], *, name: str, own: bool) -> dict[str, Any]:
    """What the page's script draws of a series."""
    known = one.by_lot
    points = [known.get(lot) for lot in lots]
    chart = one.chart
    return {
        "name": name,
        "own": own,
        "values": [None if p is None else float(p.cell.row["value"]) for p in points],
        "rules": [[] if p is None else list(p.rules) for p in points],
        "steps": [None if p is None or p.step is None else float(p.step) for p in points],
        "steps_out": [p is not None and p.step_out for p in points],
        "control": chart
        and {
            "centre": _short(chart.centre, one.places),
            "low": _short(chart.low, one.places),
            "high": _short(chart.high, one.places),
            "step": _short(chart.range_mean, one.places),
            "step_high": _short(chart.range_high, one.places),
        },
    }


def _short(value: Decimal, places: int) -> float:
    """One decimal more than the values have: what is computed of them."""
    return float(round(value, places + 1))
