"""The hold that a reaction of an upper room raises: what protects is written with its cause."""

from __future__ import annotations

from medloom.kernel.act import derived_id
from medloom.kernel.ruling import Written
from medloom.wire.operation import Kind, Operation


def hold_because(written: Written, *, reaction: str, prefix: str, lot: str, cause: str) -> Operation:
    """The hold that follows from an accepted operation; ids follow from the entry, a retry repeats them."""
    cause_operation = written.asked.operation
    return Operation(
        id=derived_id(written.seq, reaction),
        type="hold",
        object=derived_id(written.seq, reaction, "hold"),
        kind=Kind.SET,
        at=cause_operation.at,
        zone=cause_operation.zone,
        actor="hub",
        site=written.asked.home,
        fields={"number": f"{prefix}-{written.seq}", "lot": lot, "cause": cause[:500], "spreads": True},
        reason=cause[:500],
        requires=(cause_operation.id,),
    )
