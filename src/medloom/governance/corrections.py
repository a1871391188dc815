"""What is true of corrections: which values are slips, and when a correction may still be applied. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from medloom.kernel.ruling import FINE, Asked, Ruling, rejected
from medloom.wire.operation import Kind

#: How off a value may be from its neighbours by a factor to be taken for a slip, and which slips there are.
SLIPS = (("10", Decimal(10)), ("25.4", Decimal("25.4")), ("1000", Decimal(1000)))
SLIP_TOLERANCE = Decimal("0.02")
NEIGHBOURS_LEAST = 5
#: What counts as a neighbour of the middle, and how many of all must be neighbours before one is a slip.
NEAR_FACTOR, NEAR_SHARE = Decimal(2), 0.8


@dataclass(frozen=True)
class Slip:
    """A value that is off from all its neighbours by a factor; `meant` is what it would then be."""

    index: int
    factor: str
    meant: Decimal


def slips(values: Sequence[str]) -> list[Slip]:
    """Values of one characteristic that are off by 10, 25.4 or 1,000 from the middle of the others."""
    numbers = [_number(value) for value in values]
    known = sorted(number for number in numbers if number is not None and number > 0)
    if len(known) < NEIGHBOURS_LEAST + 1:
        return []
    middle = known[len(known) // 2]
    beside = sum(middle / NEAR_FACTOR <= number <= middle * NEAR_FACTOR for number in known)
    if beside < max(NEIGHBOURS_LEAST, NEAR_SHARE * len(known)):
        return []  # where many are off nobody can tell which of them are right
    found = []
    for index, number in enumerate(numbers):
        if number is None or number <= 0:
            continue
        for name, factor in SLIPS:
            for meant, told in ((number / factor, name), (number * factor, f"1/{name}")):
                if abs(meant - middle) <= SLIP_TOLERANCE * middle:
                    found.append(Slip(index, told, meant.quantize(Decimal("0.000001")).normalize()))
    return found


def _number(value: Any) -> Decimal | None:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def admit_correction(asked: Asked, facts: Mapping[str, Mapping[Any, Any]] | None) -> Ruling:
    """A correction is applied to the value that it was proposed for, and taken back from the one it made.

    What somebody changed in the meantime is theirs: neither overwrites it.
    """
    command, current = asked.operation.fields.get("command"), asked.current
    if asked.operation.kind is not Kind.COMMAND or current.get("kind") != "unit_slip":
        return FINE
    if command == "accept":
        expected = str(current["came"])
    elif command == "undo" and asked.operation.fields.get("from") == "accepted":
        expected = str(current["meant"])
    else:
        return FINE
    head = (facts or {}).get("results", {}).get((asked.home, current["subject"]))
    if head is None or head["voided"]:
        return rejected("row_changed", "/object", expected, "")
    if _number(head["value"]) != _number(expected):
        return rejected("row_changed", "/object", expected, format(Decimal(head["value"]).normalize(), "f"))
    return FINE
