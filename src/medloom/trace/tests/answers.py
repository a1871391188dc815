"""What a scope answers, in the form in which the oracles tell it."""

from __future__ import annotations

from collections.abc import Mapping

from medloom.kernel.access import ALL, seeing
from medloom.kernel.cursor import open_cursor
from medloom.trace.frozen.queries import draw
from medloom.trace.scopes.expression import parse

PATIENT_S = 600.0
#: A record's devices are numbered from its own internal number, shifted by so many bits.
BITS = 24


def answered(text: str, records: Mapping[int, int]) -> dict[tuple[str, str], tuple[str, dict[int, int]]]:
    """(plant, lot) -> what of it is meant, and its records (by their place) with so many devices.

    `records`: internal number -> place. A range that does not begin with its record's first device raises.
    """
    with seeing(ALL), open_cursor() as cursor:
        drawn = draw(cursor, parse(text), text, seconds=PATIENT_S)
    first_of = {num << BITS: place for num, place in records.items()}
    found = {}
    for line in drawn.lines:
        ranges = (part.partition("+") for part in line.ranges.split())
        mine = {first_of[int(first)]: int(units) for first, _, units in ranges}
        assert sum(mine.values()) == line.devices
        found[line.site, line.key] = (line.meant, mine)
    return found
