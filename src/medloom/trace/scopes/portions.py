"""Sets of lots, or of parts of lots, and how they are joined. Pure.

A scope that starts from a machine or a reading names step records, and a lot may have been made by several
records on several machines. So an element is a lot with what of it is meant (`parts`). What the lot went into
is affected whichever pieces were meant: nobody knows which of them went in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from medloom.trace.scopes.parts import EMPTY, NONE, SOME, WHOLE, Part, both, either, less


class Portion(NamedTuple):
    """One lot in a scope.

    distance  steps from where the scope starts: 0 for the start, below it for what the start was made of
    via       the lot it was reached from; 0 for a start
    entry     the ledger entry that proves it: of the edge, or of the row that named the start
    part      what of it is meant
    """

    distance: int
    via: int
    entry: int
    part: Part = WHOLE


#: Internal number of a lot -> what of it is meant.
Portions = dict[int, Portion]
#: A lot, the record that made it and how many pieces it counts (None: it does not say), the proving entry.
#: Without a record the row means the whole lot.
Row = tuple[int, int | None, int | None, int]


def starts(rows: Iterable[Row]) -> Portions:
    """These rows as a set; the first entry proves the lot."""
    found: Portions = {}
    for lot, step, good, entry in rows:
        if step is None:
            part = WHOLE
        else:
            part = Part(EMPTY, EMPTY, SOME) if good is None else Part(frozenset((step,)), EMPTY, NONE)
        known = found.get(lot)
        if known is None:
            found[lot] = Portion(0, 0, entry, part)
        else:
            found[lot] = known._replace(entry=min(entry, known.entry), part=either(known.part, part))
    return found


def _far(portion: Portion) -> int:
    return abs(portion.distance)


def join(operation: str, left: Mapping[int, Portion], right: Mapping[int, Portion]) -> Portions:
    """Union ("or"), intersection ("and") or difference ("except") of two sets.

    The proof kept is that of the side which is nearer to its start, the left one when both are.
    """
    shared = {lot: (portion, right[lot]) for lot, portion in left.items() if lot in right}
    if operation == "or":
        joined = {**left, **{lot: portion for lot, portion in right.items() if lot not in left}}
        for lot, (one, other) in shared.items():
            joined[lot] = min(one, other, key=_far)._replace(part=either(one.part, other.part))
        return joined
    if operation == "and":
        joined = {
            lot: min(one, other, key=_far)._replace(part=both(one.part, other.part))
            for lot, (one, other) in shared.items()
        }
    else:
        joined = dict(left)
        for lot, (one, other) in shared.items():
            joined[lot] = one._replace(part=less(one.part, other.part))
    return {lot: portion for lot, portion in joined.items() if not portion.part.nothing}


def reached(begun: Mapping[int, Portion], walked: Iterable[tuple[int, int, int, int]]) -> Portions:
    """The set after a walk: its starts as they were, and every lot reached, whole.

    `walked`: lot, distance (0 for a start), the lot it was reached from, and the proving entry. A start that
    the walk comes back to (a rework loop) stays a start and counts whole: something of it went round.
    """
    found = dict(begun)
    for lot, distance, via, entry in walked:
        if lot not in found:
            found[lot] = Portion(distance, via, entry)
        elif distance:
            found[lot] = found[lot]._replace(part=WHOLE)
    return found
