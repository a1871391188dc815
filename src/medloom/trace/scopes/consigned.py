"""Who received how much of a scope's lots: what a recall notice is written by. Pure.

21 CFR 806.10 (c)(9)-(10) and ISO 13485 8.2.3, 8.3.3: the consignees with the quantities that went to them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from medloom.trace.frozen.handed import RETURNED, SHIPPED, Handed
from medloom.trace.frozen.lines import Line

NOUGHT = Decimal(0)
#: No record is behind it: what is frozen has nothing that was told since.
EVERYTHING = 2**63


@dataclass(frozen=True)
class Consigned:
    """What one plant shipped to one consignee, in one unit.

    consignee  its code; "" where no shipment names one, or the caller may not see it
    named      whether a shipment names it
    in_part    of the quantity, what is of lots that are meant in part: these devices may be among it
    since      of the quantity, what was told or corrected behind the record that the scope was frozen at
    lots       internal numbers of the lots
    shipments  how many; 0 where only moves say that something left
    returned   what came back; where a return names nobody it is a row of its own, and taken from no quantity
    nameless   whether it is such a row
    """

    consignee: str
    named: bool
    region: str
    site: str
    unit: str
    quantity: Decimal
    in_part: Decimal
    since: Decimal
    lots: tuple[int, ...]
    shipments: int
    first: dt.date | None = None
    last: dt.date | None = None
    returned: Decimal = NOUGHT
    nameless: bool = False

    @property
    def left(self) -> Decimal:
        """What is still out there, as far as the records say."""
        return NOUGHT if self.nameless else self.quantity - self.returned


#: Whether it is a return that names nobody, whether it is unnamed, consignee, plant, unit.
Key = tuple[bool, bool, str, str, str]


@dataclass
class _Sum:
    region: str = ""
    quantity: Decimal = NOUGHT
    in_part: Decimal = NOUGHT
    since: Decimal = NOUGHT
    returned: Decimal = NOUGHT
    first: dt.date | None = None
    last: dt.date | None = None

    def __post_init__(self) -> None:
        self.lots: set[int] = set()
        self.shipments: set[int] = set()

    def add(self, one: Handed, *, in_part: bool, since: bool) -> None:
        self.region = self.region or one.region
        self.lots.add(one.lot)
        if one.kind == RETURNED:
            self.returned += one.quantity
            return
        self.quantity += one.quantity
        self.since += one.quantity if since else NOUGHT
        self.in_part += one.quantity if in_part else NOUGHT
        self.shipments.add(one.record)
        if one.day is not None:
            self.first = min(self.first or one.day, one.day)
            self.last = max(self.last or one.day, one.day)


def consigned(handed: Iterable[Handed], lines: Iterable[Line], *, as_of: int = EVERYTHING) -> list[Consigned]:
    """The consignees in the order of their codes; then what left without any, last what came back so.

    What other plants took in is no consignee's. What a lot's quantities say was shipped beyond both went to
    nobody that a record names; it is told as such and never left out. A balance counts what came back as not
    shipped, so it is added again. `as_of`: the record behind which lines are told since.
    """
    by_lot = {line.lot: line for line in lines}
    sums: dict[Key, _Sum] = {}
    rests: dict[tuple[int, str], Decimal] = {}
    for one in handed:
        sign = -1 if one.kind == RETURNED else 1
        if one.kind != RETURNED or one.entry <= as_of:  # what came back since is in no balance that was kept
            rests[one.lot, one.unit] = rests.get((one.lot, one.unit), NOUGHT) - sign * one.quantity
        if one.kind in (SHIPPED, RETURNED):
            nameless = one.kind == RETURNED and not one.named
            mine = sums.setdefault((nameless, not one.named, one.consignee, one.site, one.unit), _Sum())
            mine.add(one, in_part=by_lot[one.lot].meant != "whole", since=one.entry > as_of)
    for line in by_lot.values():
        unit = line.balance.unit
        rest = line.balance.shipped + rests.get((line.lot, unit), NOUGHT)
        if rest > 0:
            mine = sums.setdefault((False, True, "", line.site, unit), _Sum())
            mine.quantity += rest
            mine.in_part += rest if line.meant != "whole" else NOUGHT
            mine.lots.add(line.lot)
    return [
        Consigned(
            consignee, not unnamed, one.region, site, unit, one.quantity, one.in_part, one.since,
            tuple(sorted(one.lots)), len(one.shipments), one.first, one.last, one.returned, nameless,
        )
        for (nameless, unnamed, consignee, site, unit), one in sorted(sums.items(), key=lambda pair: pair[0])
    ]  # fmt: skip
