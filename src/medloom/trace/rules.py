"""What edges an accepted step record proves. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medloom.kernel.ruling import Rows, Written

#: Columns of trace_edge that the ledger writes; `voided_by` stays empty until a correction.
COLUMNS = ("parent", "child", "step", "entry", "units", "site", "quantity")
#: A step's own pieces are numbered from `step << UNIT_BITS`: no two steps share a number, nothing has to
#: be drawn, and a rebuild from the ledger gives the same numbers again.
UNIT_BITS = 24


def edges(written: Sequence[Written]) -> list[Rows]:
    """Rows of trace_edge for accepted step records: from every lot consumed to the lot made, and the
    pieces of the lot made.

    A record without an output lot proves no edge: what it consumed is in its lines and in its moves. Nor
    does one that made no piece: nothing can have gone from one lot into the other.
    """
    rows: list[tuple[Any, ...]] = []
    for record in written:
        child = record.refs.get("output_lot")
        stands = {**record.asked.current, **record.asked.fields}
        if not child or stands.get("total") == 0:
            continue
        site = record.asked.home
        for parent, quantity in _consumed(record).items():
            if parent != child:
                rows.append((parent, child, record.num, record.seq, 0, site, quantity))
        good = stands.get("good") or 0
        if 0 < good < 1 << UNIT_BITS:
            first = record.num << UNIT_BITS
            rows.append((child, first, record.num, record.seq, good, site, None))
    return [("trace_edge", COLUMNS, rows)] if rows else []


def _consumed(record: Written) -> Mapping[int, str | None]:
    """Lot -> quantity taken out of it, in the lot's own unit; None where the plant did not say."""
    found: dict[int, str | None] = {}
    if resin_lot := record.refs.get("resin_lot"):
        found[resin_lot] = None
    for line in record.lines.get("inputs", ()):
        if lot := line.get("lot_num"):
            found[lot] = line.get("quantity")
    return found
