"""What went to whom, record by record: the lines of a scope that a recall notice stands on. Pure.

21 CFR 806.10 (c)(9)-(10), 806.20 (b) and ISO 13485 8.2.3, 8.3.3: the consignees with what went to them. A
frozen scope keeps these lines as it keeps those of its lots, under the same digest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from medloom.trace.scopes.balance import plain

#: What a line tells: it left for a consignee, another plant took it in, it came back.
SHIPPED, TAKEN, RETURNED = "shipped", "taken", "returned"
KINDS = (SHIPPED, TAKEN, RETURNED)


@dataclass(frozen=True)
class Handed:
    """So much of one lot, as one line of one record says.

    kind       shipped, taken (received by another plant of the network) or returned
    site, number, record, entry  plant of the record, its number, internal number and ledger entry: the proof
    lot, home, key  the lot: internal number, plant and number
    consignee  its code; "" where the record names none, or the caller may not see it (`named`)
    quantity   in base units, as `unit` says
    first, last  serial numbers from and to, where the record tells them
    """

    kind: str
    site: str
    number: str
    record: int
    entry: int
    lot: int
    home: str
    key: str
    consignee: str
    named: bool
    region: str
    unit: str
    quantity: Decimal
    day: dt.date | None = None
    first: str = ""
    last: str = ""
    package: str = ""
    sscc: str = ""

    @property
    def document(self) -> tuple[str, str, str]:
        """The record as people name it: kind, plant and number."""
        return self.kind, self.site, self.number

    def text(self) -> str:
        """The line as it is hashed."""
        return "\t".join(
            (
                self.kind,
                self.site,
                self.number,
                self.day.isoformat() if self.day else "?",
                self.consignee,
                self.region,
                self.home,
                self.key,
                plain(self.quantity),
                self.unit,
                self.first,
                self.last,
                self.package,
                self.sscc,
                str(self.entry),
            )
        )


def in_order(handed: Iterable[Handed]) -> list[Handed]:
    """In the order of their texts, in which they are hashed."""
    return sorted(handed, key=Handed.text)


@dataclass(frozen=True)
class Changed:
    """One record that tells otherwise than when the scope was frozen; one of the two sides may be empty."""

    before: tuple[Handed, ...]
    now: tuple[Handed, ...]

    @property
    def one(self) -> Handed:
        """A line that names the record: as it stands now, else as it stood."""
        return (self.now or self.before)[0]


def changed(before: Iterable[Handed], now: Iterable[Handed]) -> list[Changed]:
    """The records that were admitted, corrected or taken back since, in their order."""
    sides = _by_document(before), _by_document(now)
    found = []
    for document in sorted(sides[0].keys() | sides[1].keys()):
        old, new = (tuple(in_order(side.get(document, ()))) for side in sides)
        if [one.text() for one in old] != [one.text() for one in new]:
            found.append(Changed(old, new))
    return found


def _by_document(handed: Iterable[Handed]) -> dict[tuple[str, str, str], list[Handed]]:
    found: dict[tuple[str, str, str], list[Handed]] = {}
    for one in handed:
        found.setdefault(one.document, []).append(one)
    return found


def undated(handed: Sequence[Handed], kind: str) -> int:
    """How many records of that kind state no day."""
    return len({one.record for one in handed if one.kind == kind and one.day is None})
