"""The hold that a reaction of an upper room raises: what protects is written with its cause."""

from __future__ import annotations

from collections.abc import Sequence

from medloom.kernel.act import derived_id
from medloom.kernel.ruling import Written
from medloom.wire.operation import Kind, Operation


def protect(written: Sequence[Written], reaction: str) -> list[Operation]:
    """One hold for each lot of operations whose reaction failed: what would have followed is not known."""
    found: dict[tuple[str, str], Operation] = {}
    for one in written:
        values = {**one.asked.current, **one.asked.fields}
        lot = values.get("output_lot") or values.get("lot")
        if lot is not None and (one.asked.home, str(lot)) not in found:
            cause = f"{reaction} failed for {one.asked.operation.type} {one.key}"
            found[one.asked.home, str(lot)] = hold_because(
                one, reaction=f"protect {reaction}", prefix="failed", lot=str(lot), cause=cause
            )
    return list(found.values())


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
