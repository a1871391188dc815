"""What is told of the lots of a scope: quantities, how they were made, devices; hand-written SQL.

Asked by sorted arrays of internal numbers, under the caller's own row-level security.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from medloom.materials.queries import COMES_BACK
from medloom.trace.frozen.handed import Handed
from medloom.trace.frozen.lines import Line
from medloom.trace.scopes.balance import Balance, Counted, balances
from medloom.trace.scopes.parts import WHOLE, Making, meaning
from medloom.trace.scopes.portions import Portion

#: The most edges that are read for the quantities of one answer.
EDGES_MOST = 5_000_000

_MOVES = f"""
    select m.lot_id as lot, m.kind, {COMES_BACK} as inward,
           case when m.unit = 'g' then 'kg' else m.unit end as unit,
           sum(m.quantity * case when m.unit = 'g' then 0.001 else 1 end) as quantity
    from move m where m.lot_id = any(%s::bigint[]) and not m.voided group by 1, 2, 3, 4"""
#: What receipts and shipments say of lots, in the same form; where a plant books moves too, those stand.
_DELIVERED = """
    select r.lot_id as lot, 'received' as kind, true as inward,
           case when r.unit = 'g' then 'kg' else r.unit end as unit,
           sum(r.quantity * case when r.unit = 'g' then 0.001 else 1 end) as quantity
    from receipt r where r.lot_id = any(%s::bigint[]) and not r.voided group by 1, 4
    union all
    select n.lot_id, 'shipped', false, case when n.unit = 'g' then 'kg' else n.unit end,
           sum(n.quantity * case when n.unit = 'g' then 0.001 else 1 end)
    from shipment_line n join shipment s on s.num = n.parent_id and not s.voided
    where n.lot_id = any(%s::bigint[]) and n.until is null group by 1, 4"""
_STOCK = """
    select s.lot_id as lot, s.unit, sum(s.quantity) as quantity
    from stock s where s.lot_id = any(%s::bigint[]) group by 1, 2"""
_GOOD = """
    select r.output_lot_id as lot, sum(r.good)::numeric as good
    from step_record r where r.output_lot_id = any(%s::bigint[]) and not r.voided and r.good is not null
    group by 1"""
_USED = """
    select e.parent as lot, sum(e.quantity) as quantity, count(*) filter (where e.quantity is null) as unsaid
    from trace_edges(%s::bigint[], true, %s::bigint) e
    left join alias a on a.num = e.step where a.num is null group by 1"""
_RECORDS = """
    select r.output_lot_id as lot, r.num as step, r.good from step_record r
    where r.output_lot_id = any(%s::bigint[]) and not r.voided and coalesce(r.total, 1) > 0"""
#: Line by line who received what. A plant sees its shipments and no consignee: what is named stays so.
_SHIPPED = """
    select 'shipped' as kind, s.site, s.key as number, s.num as record, s.entry, n.lot_id as lot,
           coalesce(c.key, '') as consignee, s.consignee_id is not null as named,
           coalesce(c.region, '') as region, case when n.unit = 'g' then 'kg' else n.unit end as unit,
           n.quantity * case when n.unit = 'g' then 0.001 else 1 end as quantity, s.shipped as day,
           coalesce(n.first, '') as first, coalesce(n.last, '') as last,
           coalesce(n.package, '') as package, coalesce(n.sscc, '') as sscc
    from shipment_line n join shipment s on s.num = n.parent_id and not s.voided
    left join consignee c on c.num = s.consignee_id
    where n.lot_id = any(%s::bigint[]) and n.until is null"""
#: What other plants of the network took in of these lots.
_TAKEN_IN = """
    select 'taken' as kind, r.site, r.key as number, r.num as record, r.entry, l.num as lot,
           '' as consignee, false as named, '' as region,
           case when r.unit = 'g' then 'kg' else r.unit end as unit,
           r.quantity * case when r.unit = 'g' then 0.001 else 1 end as quantity, r.received as day
    from lot l join receipt r on r.partner = l.site and r.partner_lot = l.key and r.partner is not null
    where l.num = any(%s::bigint[]) and not r.voided and r.site <> l.site"""
#: What came back, and from whom where the move says so.
_CAME_BACK = f"""
    select 'returned' as kind, m.site, m.key as number, m.num as record, m.entry, m.lot_id as lot,
           coalesce(c.key, '') as consignee, m.consignee_id is not null as named,
           coalesce(c.region, '') as region, case when m.unit = 'g' then 'kg' else m.unit end as unit,
           m.quantity * case when m.unit = 'g' then 0.001 else 1 end as quantity, m.moved as day
    from move m left join consignee c on c.num = m.consignee_id
    where m.lot_id = any(%s::bigint[]) and m.kind = 'returned' and not m.voided and {COMES_BACK}"""


def handed_over(cursor: Any, lots: Mapping[int, tuple[str, str]]) -> list[Handed]:
    """What of these lots (number -> plant and number) went to whom and came back, as the records say now."""
    asked = (sorted(lots),)
    answers = [cursor.execute(sql, asked) for sql in (_SHIPPED, _TAKEN_IN, _CAME_BACK)]
    return [
        Handed(home=lots[row["lot"]][0], key=lots[row["lot"]][1], **row)
        for answer in answers
        for row in answer.fetchall()
    ]


def counted(cursor: Any, lots: Sequence[int]) -> Counted:
    """What moves, stock, step records and the genealogy say of these lots' quantities; five statements."""
    asked = (list(lots),)
    moves, stock = cursor.execute(_MOVES, asked), cursor.execute(_STOCK, asked)
    delivered = cursor.execute(_DELIVERED, (list(lots), list(lots)))
    good, used = cursor.execute(_GOOD, asked), cursor.execute(_USED, (list(lots), EDGES_MOST))
    return Counted(
        moves=moves.fetchall(),
        delivered=delivered.fetchall(),
        stock=stock.fetchall(),
        good={row["lot"]: row["good"] for row in good.fetchall()},
        used={row["lot"]: (row["quantity"] or Decimal(0), row["unsaid"]) for row in used.fetchall()},
    )


def makings(cursor: Any, lots: Sequence[int]) -> dict[int, Making]:
    """How each of these lots was made: its records, and how many pieces were booked; three statements."""
    asked = list(lots)
    moves, delivered = cursor.execute(_MOVES, (asked,)), cursor.execute(_DELIVERED, (asked, asked))
    records = cursor.execute(_RECORDS, (asked,))
    booked = balances(asked, Counted(moves=moves.fetchall(), delivered=delivered.fetchall()))
    return _makings(asked, records.fetchall(), booked)


def _makings(
    lots: Iterable[int], records: Iterable[Mapping[str, Any]], booked: Mapping[int, Balance]
) -> dict[int, Making]:
    found: dict[int, dict[int, int | None]] = {lot: {} for lot in lots}
    for row in records:
        found[row["lot"]][row["step"]] = row["good"]
    return {
        lot: Making(steps, booked[lot].made if booked[lot].unit == "1" else None)
        for lot, steps in found.items()
    }


def devices(cursor: Any, portions: Mapping[int, Portion]) -> dict[int, list[tuple[int, int]]]:
    """Lot -> its serialised devices meant, as (first internal number, how many)."""
    rows = cursor.execute("select * from trace_devices(%s::bigint[])", (list(portions),)).fetchall()
    found: dict[int, list[tuple[int, int]]] = {}
    for row in rows:
        if portions[row["lot"]].part.holds(row["step"]):
            found.setdefault(row["lot"], []).append((row["first"], row["units"]))
    return found


def lines(cursor: Any, portions: Mapping[int, Portion]) -> list[Line]:
    """Every lot of a scope with its quantities, devices and proof, and what of it is meant."""
    nums = sorted(portions)
    named = cursor.execute("select num, site, key from lot where num = any(%s::bigint[])", (nums,)).fetchall()
    sums = balances(nums, counted(cursor, nums))
    ranges = devices(cursor, portions)
    parts = [lot for lot, portion in portions.items() if portion.part != WHOLE]
    made = makings(cursor, parts) if parts else {}
    told = []
    for row in named:
        lot = row["num"]
        portion, mine = portions[lot], sorted(ranges.get(lot, ()))
        told.append(
            Line(
                lot=lot,
                site=row["site"],
                key=row["key"],
                distance=portion.distance,
                via=portion.via,
                entry=portion.entry,
                balance=sums[lot],
                devices=sum(units for _, units in mine),
                ranges=" ".join(f"{first}+{units}" for first, units in mine),
                meant=meaning(portion.part, made[lot]) or "part" if lot in made else "whole",
            )
        )
    return told
