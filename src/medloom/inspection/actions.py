"""What may be done with disagreements: functions that build operations for the write door."""

from __future__ import annotations

from collections.abc import Mapping

from medloom.kernel.act import Act
from medloom.wire.operation import Operation


def settle(
    *, act: Act, site: str, disagreement: str, base: int, stands: Mapping[str, str], reason: str
) -> tuple[Operation, Operation]:
    """Say for each characteristic whose verdict counts, and settle: two operations of one group.

    stands  characteristic -> `first`, `second` or `remeasure`
    """
    words = set(stands.values())
    outcome = words.pop() if len(words) == 1 else "each"
    lines = [{"characteristic": name, "stands": word} for name, word in sorted(stands.items())]
    group = act.mint()
    decided = act.change(
        "disagreement",
        disagreement,
        site=site,
        base=base,
        fields={"outcome": outcome, "stands": lines},
        reason=reason,
        group=group,
    )
    settled = act.command(
        "disagreement", disagreement, site=site, name="settle", state="open", reason=reason, group=group
    )
    return decided, settled
