"""Genealogy across sites: what a site received is the lot that another site sent (docs/decisions/0014).

The receipt names the sender's lot by the sender's number. Neither site may read the other's rows, so no
rule looks the number up and no finding tells whether it exists; the edge is written by the hub, and a walk's
answer is filtered by what its caller may see. The edge carries the receipt's own entry as its proof whichever
of the two came first, so that a correction of the receipt takes it back as it does any other edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from medloom.kernel.ruling import Written
from medloom.trace.queries import void_earlier

#: How many edges one look at what nothing joined may write.
JOINED_MOST = 5_000

_EDGE = "insert into trace_edge (parent, child, step, entry, site, quantity)"
_ROW = "select l.num, r.lot_id, r.num, r.entry, r.site, r.quantity"
#: A receipt that names its own site is no way between sites; a lot is never made of itself.
_SOUND = "not r.voided and r.partner <> r.site and l.num <> r.lot_id"
_ABSENT = """not exists (
    select 1 from trace_edge e
    where e.child = r.lot_id and e.parent = l.num and e.step = r.num
      and e.voided_by is null and e.units = 0)"""

_OF_RECEIPTS = f"""{_EDGE} {_ROW} from receipt r
    join lot l on l.site = r.partner and l.key = r.partner_lot
    where r.num = any(%s) and {_SOUND} and {_ABSENT}"""

_OF_LOTS = f"""{_EDGE} {_ROW} from unnest(%s::bigint[]) n(num)
    join lot l on l.num = n.num
    join receipt r on r.partner = l.site and r.partner_lot = l.key and r.partner is not null
    where {_SOUND} and {_ABSENT}"""

_LEFT_OVER = f"""{_EDGE} {_ROW} from receipt r
    join lot l on l.site = r.partner and l.key = r.partner_lot
    where r.partner is not null and {_SOUND} and {_ABSENT} limit %s"""


def follow_receipts(cursor: Any, written: Sequence[Written]) -> None:
    """Join what was received with the sender's lot, where that is known; corrections take back first."""
    void_earlier(cursor, written)
    nums = sorted({one.num for one in written if _names_sender(one)})
    if nums:
        cursor.execute(_OF_RECEIPTS, (nums,))


def _names_sender(one: Written) -> bool:
    values = {**one.asked.current, **one.asked.fields}
    return bool(values.get("partner") and values.get("partner_lot"))


def follow_lots(cursor: Any, written: Sequence[Written]) -> None:
    """Join lots that another site has received already: the sender's own record came later."""
    nums = sorted({one.num for one in written if one.version == 1})
    if nums:
        cursor.execute(_OF_LOTS, (nums,))


def join_left_over() -> int:
    """Join what nothing joined; how many edges were written. The worker asks every minute.

    Two transactions at once, one with the receipt and one with the lot, do not see each other; and a lot
    that is only mentioned (a placeholder) has no operation of its own that could be followed. Runs where the
    registrant's view is set (`seeing(ALL)`).
    """
    with connection.cursor() as cursor:
        cursor.execute(_LEFT_OVER, [JOINED_MOST])
        return int(cursor.rowcount)
