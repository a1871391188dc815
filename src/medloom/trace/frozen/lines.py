"""The lines of a scope, their digest, and what became different since. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from medloom.trace.frozen.handed import Handed, in_order
from medloom.trace.scopes.balance import Balance, plain

#: How many lines one scope may freeze; a network's whole year is below it.
LINES_MOST = 200_000


@dataclass(frozen=True)
class Line:
    """One lot of a scope, by names that outlive any database.

    via      internal number of the lot it was reached from, 0 for a start
    entry    the ledger entry that proves the line
    devices  serialised devices meant; `ranges` names them by internal number, "first+count first+count"
    meant    what of the lot is meant: whole, part, uncounted or unrecorded (`scopes.parts.meaning`)
    """

    lot: int
    site: str
    key: str
    distance: int
    via: int
    entry: int
    balance: Balance
    devices: int = 0
    ranges: str = ""
    meant: str = "whole"

    @property
    def spans(self) -> list[tuple[int, int]]:
        """First and last internal number of each range of devices."""
        pairs = (each.partition("+") for each in self.ranges.split())
        return [(int(first), int(first) + int(units) - 1) for first, _, units in pairs]

    def text(self) -> str:
        """The line as it is hashed."""
        sums = self.balance
        numbers = (sums.made, sums.stock, sums.shipped, sums.scrapped, sums.consumed, sums.returned)
        return "\t".join(
            (
                self.site,
                self.key,
                str(self.distance),
                str(self.entry),
                sums.unit,
                *map(plain, numbers),
                str(sums.unsaid),
                self.ranges,
                *([] if self.meant == "whole" else [self.meant]),
            )
        )


def ordered(lines: Iterable[Line]) -> list[Line]:
    """In the one order: by distance from the start, plant and number."""
    return sorted(lines, key=lambda line: (line.distance, line.site, line.key))


def digest(expression: str, lines: Sequence[Line], handed: Iterable[Handed] = ()) -> str:
    """SHA-256 over the expression, every lot's line and every consignment's, as hexadecimal digits.

    Scopes that were frozen before consignments were kept have none: their digest is what it was.
    """
    made = hashlib.sha256(expression.encode())
    for line in sorted(lines, key=lambda one: (one.site, one.key)):
        made.update(b"\n" + line.text().encode())
    for one in in_order(handed):
        made.update(b"\n" + one.text().encode())
    return made.hexdigest()


@dataclass(frozen=True)
class Difference:
    """What the same question answers now and did not when it was frozen, and the other way round."""

    added: tuple[Line, ...]
    gone: tuple[Line, ...]
    changed: tuple[tuple[Line, Line], ...]

    @property
    def any(self) -> bool:
        """Whether there is any."""
        return bool(self.added or self.gone or self.changed)


def difference(frozen: Iterable[Line], now: Iterable[Line]) -> Difference:
    """Compared by lot; a line is changed when its quantities, devices or proof are others."""
    before = _by_lot(frozen)
    after = _by_lot(now)
    return Difference(
        added=tuple(ordered(line for key, line in after.items() if key not in before)),
        gone=tuple(ordered(line for key, line in before.items() if key not in after)),
        changed=tuple(
            (line, after[key])
            for key, line in before.items()
            if key in after and after[key].text() != line.text()
        ),
    )


def _by_lot(lines: Iterable[Line]) -> Mapping[tuple[str, str], Line]:
    return {(line.site, line.key): line for line in lines}
