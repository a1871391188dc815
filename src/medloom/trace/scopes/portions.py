"""Sets of lots, or of parts of lots, and how they are joined. Pure.

A scope that starts from a machine or a reading names step records, and a lot may have been made by several
records on several machines. So an element is a lot with the steps that are meant; `steps` None is the whole
lot. What the lot went into is affected whichever pieces were meant: nobody knows which of them went in. The
lot's own devices are those of the steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Portion(NamedTuple):
    """One lot in a scope.

    distance  steps from where the scope starts: 0 for the start, below it for what the start was made of
    via       the lot it was reached from; 0 for a start
    entry     the ledger entry that proves it: of the edge, or of the row that named the start
    steps     internal numbers of the step records meant; None for the whole lot
    """

    distance: int
    via: int
    entry: int
    steps: frozenset[int] | None = None


#: Internal number of a lot -> what of it is meant.
Portions = dict[int, Portion]


def starts(rows: Iterable[tuple[int, int | None, int]]) -> Portions:
    """Rows of (lot, step or None for the whole lot, entry) as a set; the first entry proves the lot."""
    found: Portions = {}
    for lot, step, entry in rows:
        steps = None if step is None else frozenset((step,))
        known = found.get(lot)
        if known is None:
            found[lot] = Portion(0, 0, entry, steps)
        else:
            found[lot] = known._replace(entry=min(entry, known.entry), steps=_either(known.steps, steps))
    return found


def _either(one: frozenset[int] | None, other: frozenset[int] | None) -> frozenset[int] | None:
    return None if one is None or other is None else one | other


def _both(one: frozenset[int] | None, other: frozenset[int] | None) -> frozenset[int] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _far(portion: Portion) -> int:
    return abs(portion.distance)


def join(operation: str, left: Mapping[int, Portion], right: Mapping[int, Portion]) -> Portions:
    """Union ("or"), intersection ("and") or difference ("except") of two sets.

    The proof kept is that of the side which is nearer to its start, the left one when both are.
    """
    if operation == "or":
        found = dict(left)
        for lot, portion in right.items():
            known = found.get(lot)
            if known is None:
                found[lot] = portion
            else:
                nearer = min(known, portion, key=_far)
                found[lot] = nearer._replace(steps=_either(known.steps, portion.steps))
        return found
    if operation == "and":
        shared = {lot: (portion, right[lot]) for lot, portion in left.items() if lot in right}
        joined = {
            lot: min(one, other, key=_far)._replace(steps=_both(one.steps, other.steps))
            for lot, (one, other) in shared.items()
        }
    else:
        joined = {lot: _without(portion, right.get(lot)) for lot, portion in left.items()}
    return {lot: portion for lot, portion in joined.items() if portion.steps != frozenset()}


def _without(portion: Portion, taken: Portion | None) -> Portion:
    """A whole lot stays though some of its steps are taken out: what else it holds is not known."""
    if taken is None:
        return portion
    if taken.steps is None:
        return portion._replace(steps=frozenset())
    return portion if portion.steps is None else portion._replace(steps=portion.steps - taken.steps)


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
            found[lot] = found[lot]._replace(steps=None)
    return found
