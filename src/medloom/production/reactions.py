"""What follows from a step record with findings: its output lot is blocked until a person has looked."""

from __future__ import annotations

from collections.abc import Sequence

from medloom.kernel.ruling import Written
from medloom.materials.reactions import hold_because
from medloom.production.rules import StepFacts
from medloom.wire.operation import Operation

#: Findings after which what was made does not conform.
BLOCKING = frozenset(
    {
        "lot_held",
        "equipment_held",
        "after_hold",
        "wrong_revision",
        "revision_not_effective",
        "parameter_out_of_limits",
        "parameter_differs",
        "unit_differs",
    }
)


def block_output(written: Sequence[Written], facts: StepFacts | None) -> list[Operation]:
    """One hold for each record with a blocking finding, on the lot it made.

    A correction that says nothing of the lot made leaves it as it was: that one is meant.
    """
    found = []
    for record in written:
        codes = sorted({f.code for f in record.findings} & BLOCKING)
        lot = {**record.asked.current, **record.asked.fields}.get("output_lot")
        if codes and lot is not None:
            cause = f"step record {record.key}: {', '.join(codes)}"
            found.append(
                hold_because(record, reaction="block_output", prefix="step", lot=str(lot), cause=cause)
            )
    return found
