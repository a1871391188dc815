"""Generated networks for the oracle of a scope's sides: two plants and what they tell. Pure.

Lots are split over records, merged, reworked in loops, repacked, delivered to the other plant and back, and
written in two spellings; records are corrected.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

#: West and east of the meridian; in the west the clock goes back on the first day.
ZONES = {"SIDE-W": "America/New_York", "SIDE-E": "Asia/Shanghai"}
PLANTS = tuple(ZONES)
LOTS, DAYS = 5, 8
DAY = dt.date(2026, 10, 31)
MIDNIGHT = dt.datetime(2026, 10, 31, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)

#: (plant, number within the example)
Lot = tuple[str, int]


def code(letter: str, most: int) -> st.SearchStrategy[str | None]:
    """One of so many codes, or none: plants leave fields empty."""
    return st.sampled_from([*(f"{letter}{n}" for n in range(most)), None])


PLANT = st.sampled_from(PLANTS)
NUMBER = st.integers(0, LOTS - 1)
MAYBE_DAY = st.sampled_from([*range(DAYS), None])


@dataclass(frozen=True)
class Made:
    """One step record as it stands in the end. `began` and `ended` are hours; the day may differ."""

    plant: str
    inputs_of: tuple[int, ...]
    made: int | None
    good: int | None
    day: int
    began: int | None
    ended: int | None
    machine: str | None
    mould: str | None
    operator: str | None
    program: str | None
    order: str | None
    #: Nothing came of it: it made no lot out of another.
    idle: bool
    #: What was told first and corrected later: (inputs, lot made, operator, day).
    first: tuple[tuple[int, ...], int | None, str | None, int] | None

    @property
    def inputs(self) -> Sequence[Lot]:
        """The lots that went in."""
        return [(self.plant, lot) for lot in self.inputs_of]

    @property
    def output(self) -> Lot | None:
        """The lot made."""
        return None if self.made is None else (self.plant, self.made)


INPUTS = st.lists(NUMBER, max_size=3, unique=True).map(tuple)


@st.composite
def records(draw: st.DrawFn) -> Made:
    """A record; a run of hours or, now and then, of days; its day is that of its begin or its end."""
    day = draw(st.integers(0, DAYS - 1))
    began = draw(st.none() | st.integers(day * 24 - 12, day * 24 + 30))
    length = draw(st.none() | st.sampled_from([0, 5, 90, 150]))
    ended = None if length is None else (day * 24 if began is None else began) + length
    if began is not None and ended is not None and draw(st.booleans()):
        day = min(ended // 24, DAYS - 1)
    first = st.tuples(INPUTS, st.none() | NUMBER, code("op", 2), st.integers(0, DAYS - 1))
    return Made(
        plant=draw(PLANT),
        inputs_of=draw(INPUTS),
        made=draw(NUMBER | NUMBER | NUMBER | st.none()),
        good=draw(st.none() | st.integers(0, 40)),
        day=day,
        began=began,
        ended=ended,
        machine=draw(code("EQ", 2)),
        mould=draw(code("EQ", 2)),
        operator=draw(code("op", 2)),
        program=draw(code("P", 2)),
        order=draw(code("WO", 2)),
        idle=draw(st.integers(0, 9)) == 0,
        first=draw(st.none() | st.none() | first),
    )


@dataclass(frozen=True)
class Told:
    """One row about a lot: result, receipt, shipment, alias, serial, move. Its codes bear no mark yet."""

    kind: str
    plant: str
    lot: int
    codes: Mapping[str, str | None]
    #: The other plant's lot, or the other spelling of this one.
    other: int | None = None
    when: int | None = None
    value: int = 0
    same: bool = True


def told(kind: str, **codes: st.SearchStrategy[str | None]) -> st.SearchStrategy[Told]:
    """A row of that kind with these codes, each of which may be missing."""
    return st.builds(
        Told, kind=st.just(kind), plant=PLANT, lot=NUMBER, codes=st.fixed_dictionaries(codes),
        when=MAYBE_DAY, value=st.integers(0, 40),
    )  # fmt: skip


RESULTS = told(
    "result", gauge=code("G", 2), laboratory=code("LAB", 2), inspector=code("in", 2),
    characteristic=code("C", 2), unit=st.sampled_from(["mm", "in"]),
)  # fmt: skip
BOUGHT = told("receipt", vendor=code("V", 2), partner_lot=code("S", 2))
DELIVERED = st.builds(
    lambda row, other: replace(row, other=other, codes={"vendor": None}), told("receipt"), NUMBER
)
SHIPPED = told("shipment", consignee=code("CON", 2))
ALIASES = st.builds(
    lambda row, same: replace(row, same=same),
    told("alias", partner=st.sampled_from(["SUP0", "SUP1"]), number=st.sampled_from(["S0", "S1"])),
    st.sampled_from([True, True, False]),
)
SPELLED = st.builds(
    lambda row, other, same: replace(row, other=other, same=same),
    told("alias"), NUMBER, st.sampled_from([True, True, False]),
)  # fmt: skip
SERIALS = told("serial", number=st.sampled_from(["N0", "N1"]))
MOVES = told("move", way=st.sampled_from(["produced", "received"]))


@dataclass(frozen=True)
class Network:
    """One example. `items` and `dates` are those of each lot; `late` tells of the lots after all else."""

    made: tuple[Made, ...]
    told: tuple[Told, ...]
    items: Mapping[Lot, str | None]
    dates: Mapping[Lot, int | None]
    late: bool

    def live(self) -> list[Made]:
        """The records that made something, or may have."""
        return [record for record in self.made if not record.idle]

    def ways(self) -> set[tuple[Lot, Lot]]:
        """Deliveries between the plants, and two spellings of one lot, which lead both ways."""
        found = set()
        for row in self.told:
            if row.other is None:
                continue
            if row.kind == "receipt":
                found.add(((across(row.plant), row.other), (row.plant, row.lot)))
            elif row.same:
                one, other = (row.plant, row.lot), (row.plant, row.other)
                found |= {(one, other), (other, one)}
        return found

    def booked(self) -> dict[Lot, Decimal]:
        """What moves, or else receipts, say was made of each lot that is counted in pieces."""
        sums: dict[str, dict[Lot, Decimal]] = {"move": {}, "receipt": {}}
        for row in self.told:
            if row.kind in sums and unit(row.lot) == "1":
                mine = sums[row.kind]
                mine[row.plant, row.lot] = mine.get((row.plant, row.lot), Decimal(0)) + row.value
        return {**sums["receipt"], **sums["move"]}


def across(plant: str) -> str:
    """The other plant."""
    return PLANTS[1 - PLANTS.index(plant)]


def unit(lot: int) -> str:
    """What a lot is counted in: the first of each plant is weighed."""
    return "1" if lot else "kg"


def _distinct(rows: list[Told]) -> tuple[Told, ...]:
    """Aliases and serials have keys of their own, and a lot is no spelling of itself."""
    kept: dict[Any, Told] = {}
    for at, row in enumerate(rows):
        key: Any = at
        if row.kind == "alias":
            key = ("alias", row.plant, row.codes.get("partner"), row.codes.get("number", row.other))
            if row.other == row.lot:
                continue
        elif row.kind == "serial":
            key = ("serial", row.plant, row.lot, row.codes["number"])
        kept.setdefault(key, row)
    return tuple(kept.values())


ALL_LOTS = [(plant, lot) for plant in PLANTS for lot in range(LOTS)]
NETWORKS = st.builds(
    Network,
    made=st.lists(records(), min_size=6, max_size=14).map(tuple),
    told=st.lists(
        st.one_of(RESULTS, RESULTS, BOUGHT, DELIVERED, DELIVERED, SHIPPED, ALIASES, SPELLED, SERIALS, MOVES),
        min_size=12,
        max_size=24,
    ).map(_distinct),
    items=st.fixed_dictionaries({lot: code("I", 2) for lot in ALL_LOTS}),
    dates=st.fixed_dictionaries(dict.fromkeys(ALL_LOTS, MAYBE_DAY)),
    late=st.booleans(),
)
