"""Who received how much of a scope's lots: what a recall notice is written by. Pure.

21 CFR 806.10 (c)(9)-(10) and ISO 13485 8.2.3, 8.3.3: the consignees with the quantities that went to them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from medloom.trace.frozen.lines import Line

NOUGHT = Decimal(0)


@dataclass(frozen=True)
class Consigned:
    """What one plant shipped to one consignee, in one unit.

    consignee  its code; "" where no shipment names one, or the caller may not see it
    named      whether a shipment names it
    in_part    of the quantity, what is of lots that are meant in part: these devices may be among it
    since      of the quantity, what was told or corrected behind the record that the scope was frozen at
    lots       internal numbers of the lots
    shipments  how many; 0 where only moves say that something left
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


@dataclass
class _Sum:
    region: str = ""
    quantity: Decimal = NOUGHT
    in_part: Decimal = NOUGHT
    since: Decimal = NOUGHT
    first: dt.date | None = None
    last: dt.date | None = None

    def __post_init__(self) -> None:
        self.lots: set[int] = set()
        self.shipments: set[int] = set()

    def add(self, row: Mapping[str, Any], *, in_part: bool) -> None:
        self.region = self.region or row["region"]
        self.quantity += row["quantity"]
        self.since += row["since"]
        self.in_part += row["quantity"] if in_part else NOUGHT
        self.lots.add(row["lot"])
        self.shipments.update(row["shipments"])
        days = [day for day in (row["first"], row["last"], self.first, self.last) if day is not None]
        self.first, self.last = (min(days), max(days)) if days else (None, None)


def consigned(
    rows: Iterable[Mapping[str, Any]], lines: Iterable[Line], *, delivered: Iterable[Mapping[str, Any]] = ()
) -> list[Consigned]:
    """The consignees in the order of their codes; last what left without any.

    `rows` are of one lot, plant, consignee and unit each; `delivered` say what other plants took in of a lot,
    which are no consignees. What a lot's quantities say was shipped beyond both went to nobody that a record
    names; it is told as such and never left out.
    """
    by_lot = {line.lot: line for line in lines}
    sums: dict[tuple[bool, str, str, str], _Sum] = {}
    told: dict[tuple[int, str], Decimal] = {(row["lot"], row["unit"]): row["quantity"] for row in delivered}
    for row in rows:
        line = by_lot[row["lot"]]
        key = (row["named"], row["consignee"], row["site"], row["unit"])
        sums.setdefault(key, _Sum()).add(row, in_part=line.meant != "whole")
        told[line.lot, row["unit"]] = told.get((line.lot, row["unit"]), NOUGHT) + row["quantity"]
    for line in by_lot.values():
        unit = line.balance.unit
        rest = line.balance.shipped - told.get((line.lot, unit), NOUGHT)
        if rest > 0:
            mine = sums.setdefault((False, "", line.site, unit), _Sum())
            mine.quantity += rest
            mine.in_part += rest if line.meant != "whole" else NOUGHT
            mine.lots.add(line.lot)
    return [
        Consigned(
            consignee, named, one.region, site, unit, one.quantity, one.in_part, one.since,
            tuple(sorted(one.lots)), len(one.shipments), one.first, one.last,
        )
        for (named, consignee, site, unit), one in sorted(sums.items(), key=_order)
    ]  # fmt: skip


def _order(pair: tuple[tuple[bool, str, str, str], _Sum]) -> tuple[bool, str, str, str]:
    named, consignee, site, unit = pair[0]
    return not named, consignee, site, unit
