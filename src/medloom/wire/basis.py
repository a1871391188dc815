"""What an author knew beyond the base of an operation: its own earlier ones, and lost ones handed back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medloom.wire.judge import Judgement
from medloom.wire.operation import Operation, hub_label
from medloom.wire.sheet import Basis
from medloom.wire.verdict import Refusal, Verdict


@dataclass(frozen=True)
class Taken:
    """What became of a required operation: its latest verdict, the object and version it made.

    One below its chain's standing that has no entry was answered by its source identity: it counts
    as `Taken(ACCEPTED, "", 0)`, done and without a version.
    """

    verdict: Verdict
    object: str
    version: int


@dataclass(frozen=True)
class Lost:
    """What is known of an object in a hub epoch that ended with a restore.

    floor   version of the object in the backup: up to it, numbers mean the same in both epochs
    mapped  lost version -> version it got when its line was handed back
    """

    floor: int
    mapped: Mapping[int, int]


def basis_of(
    operation: Operation, *, required: Mapping[str, Taken], exists: bool, hub: str, lost: Lost | None
) -> Basis | Judgement:
    """What the author knew, or the verdict when a requirement decides already.

    required  by operation id, for each id in `operation.requires` that the hub knows
    exists    whether the object stands
    hub       the current hub epoch
    lost      for an operation whose `hub` is an ended epoch; None when that epoch is unknown here

    A requirement about the same object that took no effect only adds nothing: staleness then decides,
    so that two edits in a row that both lost become two conflicts. Any other one that failed rejects.
    """
    also: set[int] = set()
    for each in operation.requires:
        taken = required.get(each)
        if taken is None or taken.verdict is Verdict.PARKED:
            return _judged(Verdict.PARKED, "requires_unknown", each)
        if taken.verdict is Verdict.ACCEPTED:
            if taken.object == operation.object:
                also.add(taken.version)
        elif taken.object != operation.object or not exists:
            return _judged(Verdict.REJECTED, "requires_failed", each)
    base = operation.base
    if base and operation.hub and operation.hub != hub_label(hub):
        floor = lost.floor if lost is not None else 0
        if base > floor:
            if lost is not None:
                also.update(new for old, new in lost.mapped.items() if old <= base)
            base = floor
    return Basis(base, frozenset(also))


def _judged(verdict: Verdict, code: str, got: str) -> Judgement:
    return Judgement(verdict, refusal=Refusal(code=code, path="/requires", got=got))
