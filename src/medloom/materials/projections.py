"""What an alias proves about genealogy. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from medloom.kernel.ruling import Rows, Written

_COLUMNS = ("parent", "child", "step", "entry", "units", "site", "quantity")


def alias_edges(written: Sequence[Written]) -> list[Rows]:
    """Two lots that a person found to be one: a walk goes from either to the other."""
    rows = []
    for one in written:
        values = {**one.asked.current, **one.asked.fields}
        lot, other = one.refs.get("lot"), one.refs.get("other")
        if lot and other and lot != other and values.get("same", True):
            site = one.asked.home
            rows.append((lot, other, one.num, one.seq, 0, site, None))
            rows.append((other, lot, one.num, one.seq, 0, site, None))
    return [("trace_edge", _COLUMNS, rows)] if rows else []
