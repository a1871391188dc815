"""From which sides a scope can be asked. Pure.

A dimension is asked of one *carrier*: the lot, a step record, an inspection result, a receipt, a shipment.
Conditions of one group that have the same carrier must hold of the same row: machine M01 *and* day 3 means
one record that says both, not a lot that was on M01 once and was also worked on at day 3.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal

from medloom.trace.scopes.refusal import ScopeRefused

#: Values of one condition; a list pasted from a spreadsheet fits.
VALUES_MOST = 500
VALUE_LENGTH_MAX = 140
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Dimension:
    """One side from which a scope is asked.

    carrier  what is asked: "lot", "record", "result", "receipt" or "shipment"
    kind     "key" (one of several values), or a range, both ends included: "day", "moment" or "number"
    suggest  object type whose numbers are offered while typing; "" for none
    within   the dimension that must stand beside it: a range of values says nothing without a name
    """

    name: str
    carrier: str
    kind: str
    suggest: str = ""
    within: str = ""


_ALL = (
    Dimension("lot", "lot", "key", "lot"),
    Dimension("supplier_lot", "lot", "key", "alias"),
    Dimension("serial", "lot", "key", "serial"),
    Dimension("item", "lot", "key", "item"),
    Dimension("site", "lot", "key", "site"),
    Dimension("made", "lot", "day"),
    Dimension("equipment", "record", "key", "equipment"),
    Dimension("machine", "record", "key", "equipment"),
    Dimension("mould", "record", "key", "equipment"),
    Dimension("operator", "record", "key"),
    Dimension("work_order", "record", "key", "work_order"),
    Dimension("program", "record", "key"),
    Dimension("shift", "record", "key"),
    Dimension("day", "record", "day"),
    Dimension("time", "record", "moment"),
    Dimension("parameter", "record", "key"),
    Dimension("reading", "record", "number", within="parameter"),
    Dimension("reading_unit", "record", "key", within="reading"),
    Dimension("characteristic", "result", "key"),
    Dimension("value", "result", "number", within="characteristic"),
    Dimension("value_unit", "result", "key", within="value"),
    Dimension("gauge", "result", "key", "gauge"),
    Dimension("laboratory", "result", "key"),
    Dimension("inspector", "result", "key"),
    Dimension("measured", "result", "moment"),
    Dimension("vendor", "receipt", "key", "vendor"),
    Dimension("received", "receipt", "day"),
    Dimension("shipment", "shipment", "key", "shipment"),
    Dimension("consignee", "shipment", "key", "consignee"),
    Dimension("shipped", "shipment", "day"),
)
DIMENSIONS = {each.name: each for each in _ALL}


@dataclass(frozen=True)
class Condition:
    """One dimension with its values, or with a range whose missing end is open."""

    name: str
    values: tuple[str, ...] = ()
    low: str = ""
    high: str = ""

    @property
    def dimension(self) -> Dimension:
        """What is asked."""
        return DIMENSIONS[self.name]


def condition(name: str, *, values: tuple[str, ...] = (), low: str = "", high: str = "") -> Condition:
    """A condition in its one form: values sorted, each once; numbers and days checked.

    Raises ScopeRefused: dimension_unknown, condition_empty, value_wrong, too_many_values, range_reversed.
    """
    dimension = DIMENSIONS.get(name)
    if dimension is None:
        raise ScopeRefused("dimension_unknown", name, "|".join(DIMENSIONS), name)
    if dimension.kind == "key":
        if low or high or not values:
            raise ScopeRefused("condition_empty", name, "at least one value", f"{low}..{high}")
        kept = tuple(sorted(dict.fromkeys(value.strip() for value in values)))
        if len(kept) > VALUES_MOST:
            raise ScopeRefused("too_many_values", name, f"at most {VALUES_MOST} values", str(len(kept)))
        for value in kept:
            if not value or len(value) > VALUE_LENGTH_MAX or _CONTROL.search(value):
                raise ScopeRefused(
                    "value_wrong", name, f"1 to {VALUE_LENGTH_MAX} printable characters", value
                )
        return Condition(name, values=kept)
    if values and not low and not high:  # one value is the range that holds only it
        if len(values) > 1:
            raise ScopeRefused("value_wrong", name, "one value or a range", ", ".join(values))
        low = high = values[0]
    low, high = low.strip(), high.strip()
    if not low and not high:
        raise ScopeRefused("condition_empty", name, "a range with at least one end", "..")
    return _range(dimension, low, high)


def _range(dimension: Dimension, low: str, high: str) -> Condition:
    read = {"day": _day, "moment": _moment, "number": _number}[dimension.kind]
    ends = [read(dimension.name, end) if end else "" for end in (low, high)]
    read_as = Decimal if dimension.kind == "number" else str
    if all(ends) and read_as(ends[0]) > read_as(ends[1]):  # type: ignore[operator]
        raise ScopeRefused("range_reversed", dimension.name, "the lower end first", f"{low}..{high}")
    return Condition(dimension.name, low=ends[0], high=ends[1])


def _day(name: str, text: str) -> str:
    try:
        if len(text) != 10:
            raise ValueError(text)
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise ScopeRefused("value_wrong", name, "day YYYY-MM-DD", text) from None


def _moment(name: str, text: str) -> str:
    """The moment in UTC: two spellings of one moment are one question."""
    try:
        if not 17 <= len(text) <= 32 or "T" not in text:
            raise ValueError(text)
        moment = dt.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
        return moment.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    except (ValueError, OverflowError):
        raise ScopeRefused("value_wrong", name, "moment with offset, 2026-11-01T08:00+08:00", text) from None


def _number(name: str, text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ScopeRefused("value_wrong", name, "a number with at most 9 decimals", text)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
