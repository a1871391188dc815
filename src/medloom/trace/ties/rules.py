"""Which lots a tie makes the descendants of a held one. Pure: no database, no clock.

A receipt, a merge of two numbers or an event makes one lot the descendant of another without using it.
Whoever uses the lot at this very moment was judged before the tie; the hold that the tie carries over is one
more hold that came beside (kernel/beside.py), so it is judged again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medloom.kernel.ruling import Asked

#: Site and number of a lot.
Named = tuple[str, str]
#: Hold numbers that one cause names; there may be more, the lot's page has them all.
NAMED_MOST = 3


@dataclass(frozen=True)
class Tie:
    """`child` is about to become a descendant of `parent`, as operation `operation` says."""

    operation: str
    parent: Named
    child: Named


@dataclass(frozen=True)
class Carried:
    """`lot` is to be held: it is tied to `parent`, which these holds block with all that is made of it."""

    lot: Named
    parent: Named
    holds: tuple[str, ...]

    @property
    def told(self) -> str:
        """The holds as a cause names them."""
        more = len(self.holds) - NAMED_MOST
        return ", ".join(self.holds[:NAMED_MOST]) + (f", +{more}" if more > 0 else "")


#: Operation -> what it carries over.
Carrying = Mapping[str, Sequence[Carried]]


@dataclass(frozen=True)
class TieFacts:
    """What receipts are judged by: nothing but the holds that they carry over."""

    carried: Carrying = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """One open hold as it blocks a lot; `spreads` to what is made of that lot."""

    lot: Named
    hold: int
    number: str
    spreads: bool


def carried(ties: Iterable[Tie], held: Iterable[Held]) -> dict[str, tuple[Carried, ...]]:
    """What each operation carries over: holds of the parent that spread and do not block the child."""
    blocking: dict[Named, dict[int, Held]] = {}
    for one in held:
        blocking.setdefault(one.lot, {})[one.hold] = one
    found: dict[str, dict[Named, Carried]] = {}
    for tie in ties:
        there = blocking.get(tie.child, {})
        new = [one for num, one in blocking.get(tie.parent, {}).items() if one.spreads and num not in there]
        if new and tie.child != tie.parent:
            numbers = tuple(sorted({one.number for one in new}))
            found.setdefault(tie.operation, {}).setdefault(tie.child, Carried(tie.child, tie.parent, numbers))
    return {operation: tuple(lots.values()) for operation, lots in found.items()}


def receipt_tie(asked: Asked) -> list[Tie]:
    """The sender's lot went into the lot received."""
    values = {**asked.current, **asked.fields}
    partner, number, lot = values.get("partner"), values.get("partner_lot"), values.get("lot")
    if not (partner and number and lot) or partner == asked.home:
        return []
    return [Tie(asked.operation.id, (str(partner), str(number)), (asked.home, str(lot)))]


def alias_ties(asked: Asked) -> list[Tie]:
    """Two lots that are one: what blocks either blocks the other."""
    values = {**asked.current, **asked.fields}
    lot, other = values.get("lot"), values.get("other")
    if not (lot and other) or not values.get("same", True):
        return []
    first, second = (asked.home, str(lot)), (asked.home, str(other))
    return [Tie(asked.operation.id, first, second), Tie(asked.operation.id, second, first)]


def by_role(lines: Iterable[Mapping[str, Any]], name: str) -> dict[str, set[Any]]:
    """Role -> what the lines of an event call `name`."""
    found: dict[str, set[Any]] = {}
    for line in lines:
        if line.get(name):
            found.setdefault(str(line["role"]), set()).add(line[name])
    return found


def tied(kind: str, action: str, roles: Mapping[str, set[Any]]) -> set[tuple[Any, Any]]:
    """(what went in, what it went into), for an event of that kind and action."""
    if kind == "TransformationEvent":
        found = {(i, o) for i in roles.get("input", ()) for o in roles.get("output", ())}
    elif kind in ("AggregationEvent", "AssociationEvent") and action == "ADD":
        found = {(c, p) for c in roles.get("child", ()) for p in roles.get("parent", ())}
    else:
        found = set()
    return {(a, b) for a, b in found if a != b}


def event_ties(asked: Asked) -> list[Tie]:
    """What an event that is new ties of the lots that were known when it came."""
    fields = asked.fields
    if asked.num or fields.get("error"):
        return []
    told = asked.operation.fields.get("lots")  # lists are judged as they came
    lines = [line for line in told if isinstance(line, Mapping)] if isinstance(told, list) else []
    pairs = tied(str(fields.get("kind")), str(fields.get("action") or ""), by_role(lines, "lot"))
    return [
        Tie(asked.operation.id, (asked.home, str(parent)), (asked.home, str(child)))
        for parent, child in sorted(pairs)
    ]
