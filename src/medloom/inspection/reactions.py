"""What follows from a result that does not conform: its lot is blocked, once."""

from __future__ import annotations

from collections.abc import Sequence

from medloom.inspection.rules import BLOCKING, ResultFacts
from medloom.kernel.ruling import Written
from medloom.materials.reactions import hold_because
from medloom.wire.operation import Operation


def block_lot(written: Sequence[Written], facts: ResultFacts | None) -> list[Operation]:
    """One hold for each lot with a result that does not conform, unless inspection blocks it already."""
    blocked = set(facts.blocked) if facts else set()
    found = []
    for result in written:
        codes = sorted({f.code for f in result.findings} & BLOCKING)
        values = {**result.asked.current, **result.asked.fields}
        lot = (result.asked.home, str(values.get("lot")))
        if codes and lot not in blocked:
            blocked.add(lot)
            cause = f"result {result.key}: {', '.join(codes)}"
            found.append(
                hold_because(result, reaction="block_lot", prefix="inspection", lot=lot[1], cause=cause)
            )
    return found
