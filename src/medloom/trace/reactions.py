"""What follows where a receipt, a merge, an event or a lot's own record ties a lot to a held one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from medloom.kernel.act import derived_id
from medloom.kernel.ruling import Written
from medloom.trace.ties.rules import Carried, Carrying
from medloom.wire.operation import Kind, Operation

#: How a cause names what ties two lots (interfaces/web/telling.py reads it).
WORDS = {"receipt": "receipt", "alias": "merge", "trace_event": "event", "lot": "lot"}


class Facts(Protocol):
    """What was read before a batch of operations that may tie lots."""

    @property
    def carried(self) -> Carrying:
        """Operation -> the holds that it carries over."""


def carry_holds(written: Sequence[Written], facts: Facts | None) -> list[Operation]:
    """One hold for each lot that became a held lot's descendant, in the transaction that tied them.

    The tie itself blocks whoever comes later. The hold is for who uses the lot at this very moment: it has a
    number in the log, so a batch judged before it and committed behind it has lost a race.
    """
    found = []
    for one in written:
        told = one.asked.operation
        for at, each in enumerate((facts.carried if facts else {}).get(told.id, ()), 1):
            name = f"carry_holds {at}"
            raised = hold_of(
                each,
                ids=(derived_id(one.seq, name), derived_id(one.seq, name, "hold")),
                number=f"tie-{one.seq}" + (f"-{at}" if at > 1 else ""),
                cause=cause_of(f"{WORDS[told.type]} {_short(one.key)}", each),
                at=told.at,
                requires=(told.id,),
            )
            found.append(raised)
    return found


def _short(key: str) -> str:
    """An event's number is a digest; its beginning is enough to find it."""
    return key if len(key) <= 40 else key[:16]


def cause_of(what: str, each: Carried) -> str:
    """Why a lot is held, as the hold says it."""
    return f"{what}: tied to {each.parent[1]}, held by {each.told}"[:500]


def hold_of(
    each: Carried,
    *,
    ids: tuple[str, str],
    number: str,
    cause: str,
    at: str,
    requires: tuple[str, ...] = (),
) -> Operation:
    """The hold on a lot that was tied to a held one; `ids` are the operation's and the hold's."""
    site, lot = each.lot
    return Operation(
        id=ids[0],
        type="hold",
        object=ids[1],
        kind=Kind.SET,
        at=at,
        actor="hub",
        site=site,
        fields={"number": number, "lot": lot, "cause": cause, "spreads": True},
        reason=cause,
        requires=requires,
    )
