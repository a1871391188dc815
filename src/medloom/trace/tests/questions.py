"""Questions of a scope's sides, and which rows of a generated network fit them. Pure.

Worked out by plain comparisons, with Python's own time zones; nothing is shared with `trace.scopes`.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from medloom.trace.tests.network import (
    ALL_LOTS,
    DAY,
    DAYS,
    HOUR,
    LOTS,
    MIDNIGHT,
    PLANT,
    ZONES,
    Lot,
    Made,
    Network,
    Told,
)


@dataclass(frozen=True)
class Asked:
    """One condition: codes (any of them), or a range whose missing end is open, in days, hours or tenths."""

    name: str
    values: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None

    def holds(self, value: str | None) -> bool:
        """Whether a row's code is one of those asked for."""
        return value in self.values

    def within(self, value: int | None) -> bool:
        """Whether a row's number or day lies in the range; what a row does not say lies in none."""
        if value is None:
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


def _codes(name: str, letter: str, most: int) -> st.SearchStrategy[Asked]:
    pool = st.sampled_from([f"{letter}{n}" for n in range(most)])
    picked = st.lists(pool, min_size=1, max_size=2, unique=True).map(tuple)
    return st.builds(Asked, name=st.just(name), values=picked)


def _range(name: str, low: int, high: int) -> st.SearchStrategy[Asked]:
    def ordered(ends: tuple[int, int], open_end: int) -> Asked:
        return Asked(
            name,
            low=None if open_end == 1 else min(ends),
            high=None if open_end == 2 else max(ends),
        )

    number = st.integers(low, high)
    return st.builds(ordered, st.tuples(number, number), st.integers(0, 3))


HOURS = (-24, (DAYS + 3) * 24)
RECORD_SIDES = (
    _codes("machine", "EQ", 2), _codes("mould", "EQ", 2), _codes("equipment", "EQ", 2),
    _codes("operator", "op", 2), _codes("program", "P", 2), _codes("work_order", "WO", 2),
    _range("day", 0, DAYS - 1), _range("time", *HOURS),
)  # fmt: skip
#: A machine or mould within a window, as a recall asks after a fault was seen.
TIMED = st.tuples(
    st.one_of(_codes("equipment", "EQ", 2), _codes("machine", "EQ", 2)), _range("time", *HOURS)
).map(list)
CHARACTERISTIC = _codes("characteristic", "C", 2)
VALUED = st.one_of(
    CHARACTERISTIC.map(lambda one: [one]),
    st.tuples(CHARACTERISTIC, _range("value", 0, 40)).map(list),
    st.tuples(
        CHARACTERISTIC, _range("value", 0, 40), st.just(Asked("value_unit", ("mm",)))
    ).map(list),
)  # fmt: skip
RESULT_SIDES = (
    _codes("gauge", "G", 2), _codes("gauge", "G", 2), _codes("laboratory", "LAB", 2),
    _codes("inspector", "in", 2), _range("measured", 0, DAYS * 24),
)  # fmt: skip
RECEIPT_SIDES = (_codes("vendor", "V", 2), _range("received", 0, DAYS - 1))
SHIPMENT_SIDES = (_codes("consignee", "CON", 2), _range("shipped", 0, DAYS - 1))
LOT_SIDES = (
    _codes("supplier_lot", "S", 2), _codes("supplier_lot", "S", 2), _codes("item", "I", 2),
    _codes("item", "I", 2), _codes("lot", "L", LOTS), _codes("serial", "N", 2), _range("made", 0, DAYS - 1),
)  # fmt: skip
SITE = PLANT.map(lambda plant: Asked("site", (plant,)))


def _some(sides: Sequence[st.SearchStrategy[Asked]], most: int) -> st.SearchStrategy[list[Asked]]:
    return st.lists(st.one_of(*sides), min_size=1, max_size=most, unique_by=lambda one: one.name)


BY_RECORD = st.one_of(_some(RECORD_SIDES, 3), _some(RECORD_SIDES[3:5], 1), TIMED)
BY_RESULT = st.one_of(_some(RESULT_SIDES, 2), VALUED)
BY_LOT = st.one_of(_some(LOT_SIDES, 1), _some(LOT_SIDES, 2), st.tuples(LOT_SIDES[2], SITE).map(list))
#: One side, or two of different carriers: of the same lot then, each on a row of its own.
QUESTIONS = st.one_of(
    BY_RECORD, TIMED, BY_RESULT, BY_LOT, BY_LOT, _some(RECEIPT_SIDES, 2), _some(SHIPMENT_SIDES, 2),
    st.tuples(BY_RECORD, BY_LOT).map(lambda two: two[0] + two[1]),
    st.tuples(BY_RECORD, BY_RESULT).map(lambda two: two[0] + two[1]),
)  # fmt: skip
#: The sides that a recall begins with, each by itself.
SINGLE = st.one_of(
    TIMED, *(side.map(lambda one: [one]) for side in (
        RESULT_SIDES[0], RECORD_SIDES[3], RECORD_SIDES[4], LOT_SIDES[0], LOT_SIDES[2],
    )),
)  # fmt: skip
Question = Collection[Asked]


def _touches(record: Made, one: Asked) -> bool:
    """A run whose times are known touches the window; of another only the day at its plant is known."""
    low = None if one.low is None else MIDNIGHT + one.low * HOUR
    high = None if one.high is None else MIDNIGHT + one.high * HOUR
    if record.began is None and record.ended is None:
        zone, day = zoneinfo.ZoneInfo(ZONES[record.plant]), DAY + dt.timedelta(record.day)
        after = low is None or day >= low.astimezone(zone).date()
        return after and (high is None or day <= high.astimezone(zone).date())
    hours = [hour for hour in (record.began, record.ended) if hour is not None]
    until, since = MIDNIGHT + max(hours) * HOUR, MIDNIGHT + min(hours) * HOUR
    return (low is None or until >= low) and (high is None or since <= high)


_RECORD: dict[str, Callable[[Made, Asked], bool]] = {
    "machine": lambda record, one: one.holds(record.machine),
    "mould": lambda record, one: one.holds(record.mould),
    "equipment": lambda record, one: one.holds(record.machine) or one.holds(record.mould),
    "operator": lambda record, one: one.holds(record.operator),
    "program": lambda record, one: one.holds(record.program),
    "work_order": lambda record, one: one.holds(record.order),
    "day": lambda record, one: one.within(record.day),
    "time": _touches,
}
_RESULT: dict[str, Callable[[Told, Asked], bool]] = {
    **{
        name: lambda row, one: one.holds(row.codes[one.name])
        for name in ("gauge", "laboratory", "inspector", "characteristic")
    },
    "value": lambda row, one: one.within(row.value),
    "value_unit": lambda row, one: one.holds(row.codes["unit"]),
    "measured": lambda row, one: one.within(None if row.when is None else row.when * 24),
}
_RECEIPT: dict[str, Callable[[Told, Asked], bool]] = {
    "vendor": lambda row, one: one.holds(row.codes["vendor"]),
    "received": lambda row, one: one.within(row.when),
}
_SHIPMENT: dict[str, Callable[[Told, Asked], bool]] = {
    "consignee": lambda row, one: one.holds(row.codes["consignee"]),
    "shipped": lambda row, one: one.within(row.when),
}
ROWS = {"result": _RESULT, "receipt": _RECEIPT, "shipment": _SHIPMENT}


def records_that_fit(network: Network, question: Question) -> set[int] | None:
    """Places of the live records of which all that is asked of records holds; None if nothing is asked."""
    asked = [one for one in question if one.name in _RECORD]
    if not asked:
        return None
    return {
        at for at, record in enumerate(network.live()) if all(_RECORD[one.name](record, one) for one in asked)
    }


def lots_that_fit(network: Network, question: Question) -> list[set[Lot]]:
    """For each carrier but the records: the lots of which a row says all that is asked of it."""
    found = []
    for kind, tests in ROWS.items():
        asked = [one for one in question if one.name in tests]
        if asked:
            fit = {
                (row.plant, row.lot)
                for row in network.told
                if row.kind == kind and all(tests[one.name](row, one) for one in asked)
            }
            found.append(fit)
    asked = [
        one for one in question if one.name not in _RECORD and not any(one.name in t for t in ROWS.values())
    ]
    if asked:
        found.append({lot for lot in ALL_LOTS if all(_lot_fits(network, lot, one) for one in asked)})
    return found


def _lot_fits(network: Network, lot: Lot, one: Asked) -> bool:
    if one.name in ("lot", "site"):
        return one.holds(f"L{lot[1]}" if one.name == "lot" else lot[0])
    if one.name == "item":
        return one.holds(network.items[lot])
    if one.name == "made":
        return one.within(network.dates[lot])
    mine = [row for row in network.told if (row.plant, row.lot) == lot]
    if one.name == "serial":
        return any(row.kind == "serial" and one.holds(row.codes["number"]) for row in mine)
    called = [row.codes.get("number") for row in mine if row.kind == "alias" and row.same]
    called += [row.codes.get("partner_lot") for row in mine if row.kind == "receipt"]
    return any(one.holds(number) for number in called)
