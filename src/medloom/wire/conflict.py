"""A conflict: two values for one field, both kept, until a person decides; and the decision undone.

open -> settled -> undone, and an undone one may be settled again. Nothing is stored of it beside the
ledger: the operation that conflicted opens it, an accepted operation that `repairs` it settles it, and
an accepted one that `compensates` the settling one undoes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from medloom.wire.feed import FeedLine
from medloom.wire.operation import Operation
from medloom.wire.sheet import Head
from medloom.wire.verdict import Verdict


class ConflictState(StrEnum):
    """Where a conflict stands (glossary: 冲突)."""

    OPEN = "open"
    SETTLED = "settled"
    UNDONE = "undone"


@dataclass(frozen=True)
class Conflict:
    """One conflict item, named by the operation that could not be applied.

    theirs  values that stood at the hub, by field; `ours` what the operation wanted
    base    the version the author had seen, of hub epoch `hub`
    settled id of the operation that settled it last; `before` the values it replaced
    """

    id: str
    type: str
    object: str
    site: str
    actor: str
    base: int
    hub: str
    ours: Mapping[str, Any]
    theirs: Mapping[str, Any]
    code: str
    state: ConflictState = ConflictState.OPEN
    settled: str = ""
    before: Mapping[str, Any] | None = None

    @property
    def unsettled(self) -> bool:
        """Whether a person still has to decide."""
        return self.state is not ConflictState.SETTLED


class Refusing(ValueError):
    """A step of a conflict that is not possible; `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


def opened(line: FeedLine) -> Conflict | None:
    """The conflict that a line opens, if it does."""
    operation = line.operation()
    if line.verdict != Verdict.CONFLICT or operation is None:
        return None
    decided = line.decided()
    theirs = decided.get("theirs", {})
    ours = {name: value for name, value in operation.fields.items() if name in theirs or not theirs}
    return Conflict(
        id=line.id,
        type=line.type,
        object=line.object,
        site=line.site,
        actor=operation.actor,
        base=operation.base,
        hub=operation.hub,
        ours=ours,
        theirs=theirs,
        code=decided.get("refusal", {}).get("code", ""),
    )


def follow(conflicts: dict[str, Conflict], line: FeedLine) -> None:
    """Take one line of a feed into the conflicts known so far, by id of the conflicting operation."""
    fresh = opened(line)
    if fresh is not None:
        conflicts.setdefault(line.id, fresh)
        return
    operation = line.operation()
    if line.verdict != Verdict.ACCEPTED or operation is None:
        return
    if operation.repairs in conflicts:
        before = line.decided().get("before") or {}
        conflicts[operation.repairs] = replace(
            conflicts[operation.repairs], state=ConflictState.SETTLED, settled=line.id, before=before
        )
    elif operation.compensates:
        for each in list(conflicts.values()):
            if each.settled == operation.compensates and each.state is ConflictState.SETTLED:
                conflicts[each.id] = replace(each, state=ConflictState.UNDONE)


def follow_all(lines: Iterable[FeedLine]) -> dict[str, Conflict]:
    """The conflicts of a feed."""
    conflicts: dict[str, Conflict] = {}
    for line in lines:
        follow(conflicts, line)
    return conflicts


def settling_fields(conflict: Conflict, chosen: Mapping[str, Any], *, values: bool = False) -> dict[str, Any]:
    """The fields of the operation that settles a conflict.

    `chosen` says for each conflicting field `ours` or `theirs`; with `values`, the value itself.
    Raises Refusing when a field is missing or foreign, or the conflict is settled already.
    """
    if not conflict.unsettled:
        raise Refusing("conflict_settled", conflict.settled)
    if set(chosen) != set(conflict.ours):
        raise Refusing("fields_differ", "choose for " + ", ".join(sorted(conflict.ours)))
    if values:
        return dict(chosen)
    sides = {"ours": conflict.ours, "theirs": conflict.theirs}
    for side in chosen.values():
        if side not in sides:
            raise Refusing("side_unknown", str(side))
    return {name: sides[side].get(name) for name, side in chosen.items()}


def undoing_fields(conflict: Conflict, head: Head) -> dict[str, Any]:
    """The fields of the operation that undoes the settlement: what stood before it.

    Raises Refusing when it is not settled. A field that changed since makes that operation a
    conflict by its base, which is the version that the settlement made.
    """
    if conflict.unsettled:
        raise Refusing("conflict_open", "nothing to undo")
    before = conflict.before or {}
    return {name: before.get(name, head.values.get(name)) for name in conflict.ours}


def settlement(operation: Operation, conflict: Conflict) -> bool:
    """Whether an operation claims to settle that conflict."""
    return operation.repairs == conflict.id and operation.object == conflict.object
