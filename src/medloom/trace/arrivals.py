"""Genealogy across sites: what a site received is the lot that another site sent (docs/decisions/0014).

The receipt names the sender's lot by the sender's number. Neither site may read the other's rows, so no
rule looks the number up and no finding tells whether it exists; the edge is written by the hub, and a walk's
answer is filtered by what its caller may see. The edge carries the receipt's own entry as its proof whichever
of the two came first, so that a correction of the receipt takes it back as it does any other edge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from medloom.kernel.cursor import one_transaction
from medloom.kernel.ruling import Written
from medloom.trace.events.arrivals import join_events
from medloom.trace.queries import void_earlier
from medloom.trace.reactions import cause_of, hold_of
from medloom.trace.ties.queries import carried_by, lock, pending_of_lots, pending_of_receipts
from medloom.trace.ties.rules import Carried
from medloom.wire.operation import Operation

#: How many entries of the log one transaction looks at.
LOOKED_MOST = 5_000

_EDGE = "insert into trace_edge (parent, child, step, entry, site, quantity)"
#: A quantity in base units, as stock is kept.
_QUANTITY = "r.quantity * case when r.unit = 'g' then 0.001 else 1 end"
_ROW = f"select l.num, r.lot_id, r.num, r.entry, r.site, {_QUANTITY}"
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

#: Entries of the log behind the last one looked at, and the placeholders that they made: a lot that is only
#: mentioned has no operation of its own, and its row names the entry that mentioned it.
_NEW = """
    select l.index, case when e.verdict = 'accepted' and e.type = any(%s) then e.type end as type, e.object,
           (select array_agg(o.num) from lot o where o.entry = e.seq and o.placeholder) as mentioned
    from leaf l join entry e on e.seq = l.seq where l.index > %s order by l.index limit %s"""

_RECEIPTS = "select num from receipt where object = any(%s)"
#: Lots told of, and those of which a second number, a serial or what their item is was told.
_LOTS = """
    select num from lot where object = any(%(told)s)
    union select lot_id from alias where object = any(%(told)s) and lot_id is not null
    union select lot_id from serial where object = any(%(told)s) and lot_id is not null
    union select o.num from item i join lot o on o.item_id = i.num where i.object = any(%(told)s)"""
_LOOKED = "select last from arrival_looked where id = 1"
_LOOK_ON = """insert into arrival_looked (id, last) values (1, %s)
    on conflict (id) do update set last = greatest(arrival_looked.last, excluded.last)"""
#: What may make a lot known by a name that an event has.
_NAMING = ("lot", "alias", "serial", "item")


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
    """Join lots that another site has received already, or an event has named: their record came later."""
    nums = sorted({one.num for one in written if one.version == 1})
    if nums:
        cursor.execute(_OF_LOTS, (nums,))
        join_events(cursor, nums)


#: Raises holds on the worker's own transaction; handed in, since the write door's wiring stands above.
Raise = Callable[[Any, list[Operation]], None]


def join_left_over(hold: Raise, *, at: str, mint: Callable[[], str]) -> int:
    """Join what nothing joined; how many edges were written. The worker asks every minute, at moment `at`.

    Two transactions at once, one with the receipt and one with the lot, do not see each other; a lot that is
    only mentioned (a placeholder) has no operation of its own that could be followed; and an event may name a
    lot by an alias, a serial or a GTIN that is told later. Looks at what the log has grown by since the last
    time, by index: one statement when there is nothing, whatever stands in the tables. The log is dense and
    holds only what is committed, so nothing can come in between what was looked at.

    What is tied to a held lot is held in the same transaction (trace/ties). Raises one of `ledger.LOST` when
    another was quicker: nothing of that round was written, the next look does it.
    """
    joined = 0
    while True:
        with one_transaction() as cursor:
            looked = cursor.execute(_LOOKED).fetchone()
            last = looked["last"] if looked else -1
            rows = cursor.execute(_NEW, (["receipt", *_NAMING], last, LOOKED_MOST)).fetchall()
            if rows:
                count, carried = _join(cursor, rows)
                joined += count
                cursor.execute(_LOOK_ON, (rows[-1]["index"],))
                if carried:
                    hold(cursor, [_held(each, proof, at, mint) for each, proof in carried])
        if len(rows) < LOOKED_MOST:
            return joined


def _held(each: Carried, proof: str, at: str, mint: Callable[[], str]) -> Operation:
    ids = (mint(), mint())
    number = f"tie-{ids[1].replace('-', '')[-12:]}"
    return hold_of(each, ids=ids, number=number, cause=cause_of(proof, each), at=at)


def _join(cursor: Any, rows: Sequence[Mapping[str, Any]]) -> tuple[int, list[tuple[Carried, str]]]:
    """How many edges were written, and which holds they carry over, each with the record that ties."""
    received = [row["object"] for row in rows if row["type"] == "receipt"]
    told = [row["object"] for row in rows if row["type"] in _NAMING]
    lots = {num for row in rows for num in row["mentioned"] or ()}
    if told:
        lots |= {row["num"] for row in cursor.execute(_LOTS, {"told": told}).fetchall()}
    nums = [row["num"] for row in cursor.execute(_RECEIPTS, (received,)).fetchall()] if received else []
    carried = _carried(cursor, nums, sorted(lots))
    joined = 0
    if nums:
        joined += cursor.execute(_OF_RECEIPTS, (nums,)).rowcount
    if lots:
        joined += cursor.execute(_OF_LOTS, (sorted(lots),)).rowcount + join_events(cursor, sorted(lots))
    return joined, carried


def _carried(cursor: Any, receipts: Sequence[int], lots: Sequence[int]) -> list[tuple[Carried, str]]:
    """What the ties that are about to be written carry over, read while nobody else judges holds."""
    found = pending_of_receipts(cursor, receipts) if receipts else []
    found += pending_of_lots(cursor, lots) if lots else []
    if not found:
        return []
    lock(cursor, [one.child for one in found])
    told = carried_by(cursor, [replace(one.tie, operation=one.proof) for one in found])
    by_lot = {each.lot: (each, proof) for proof, carried in told.items() for each in carried}
    return list(by_lot.values())
