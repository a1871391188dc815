"""What is asked of the two ends of a tie before it is written: one statement for a whole batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from medloom.kernel import beside
from medloom.kernel.ruling import Asked
from medloom.materials.queries import ANY_NEWER, NEWEST_HOLD
from medloom.trace.events.arrivals import pending_events
from medloom.trace.events.queries import same_ids
from medloom.trace.events.rules import EventFacts
from medloom.trace.ties.rules import (
    Carried,
    Held,
    Tie,
    TieFacts,
    alias_ties,
    carried,
    event_ties,
    receipt_tie,
)
from medloom.wire.operation import Kind

_NAMED = """
    select l.num, l.site, l.key from unnest(%s::text[], %s::text[]) w(site, key)
    cross join lateral (select num, site, key from lot where site = w.site and key = w.key offset 0) l"""
_HELD = f"""
    with named as materialized ({_NAMED})
    select n.site, n.key, b.hold, h.key as number, h.spreads or b.covers <> b.lot as spreads
    from trace_blocked(array(select num from named)) b
    join named n on n.num = b.lot join hold h on h.num = b.hold"""
_NEWLY = f"""case when {ANY_NEWER} then exists (
    select 1 from trace_blocked(array(select l.num from ({_NAMED}) l)) b
    join hold h on h.num = b.hold where h.entry > %s) else false end"""

#: Ties of receipts that are not written yet.
_PENDING = """
    select l.num as parent, l.site as parent_site, l.key as parent_key,
           c.num as child, c.site as child_site, c.key as child_key, r.key as proof
    from receipt r join lot l on l.site = r.partner and l.key = r.partner_lot join lot c on c.num = r.lot_id
    where {which} = any(%s) and r.partner is not null and not r.voided and r.partner <> r.site
      and l.num <> r.lot_id and not exists (
        select 1 from trace_edge e where e.child = r.lot_id and e.parent = l.num and e.step = r.num
          and e.voided_by is null and e.units = 0)"""
_OF_LOTS, _OF_RECEIPTS = _PENDING.format(which="l.num"), _PENDING.format(which="r.num")
_KEYS = "select num, site, key from lot where num = any(%s)"
_LOCK = "select num from lot where num = any(%s) order by num for no key update"


def _newly(sites: list[str], keys: list[str], mark: int) -> tuple[str, tuple[Any, ...]]:
    """Whether a hold behind `mark` blocks one of these lots; by name, for one may be made meanwhile."""
    return _NEWLY, (mark, sites, keys, mark)


def carried_by(cursor: Any, ties: Sequence[Tie]) -> dict[str, tuple[Carried, ...]]:
    """What these ties carry over. A hold that comes beside makes the batch lose its race."""
    if not ties:
        return {}
    named = sorted({lot for tie in ties for lot in (tie.parent, tie.child)})
    sites, keys = [site for site, _ in named], [key for _, key in named]
    beside.note(cursor, NEWEST_HOLD, partial(_newly, sites, keys))
    rows = cursor.execute(_HELD, (sites, keys)).fetchall()
    return carried(ties, [Held((r["site"], r["key"]), r["hold"], r["number"], r["spreads"]) for r in rows])


def receipt_facts(cursor: Any, asked: Sequence[Asked]) -> TieFacts:
    """The holds that receipts of other plants' lots carry over."""
    return TieFacts(carried_by(cursor, [tie for one in asked for tie in receipt_tie(one)]))


def merged(cursor: Any, asked: Sequence[Asked]) -> dict[str, tuple[Carried, ...]]:
    """The holds that aliases carry over which join two lots."""
    return carried_by(cursor, [tie for one in asked for tie in alias_ties(one)])


def event_facts(cursor: Any, asked: Sequence[Asked]) -> EventFacts:
    """Ids used before, and the holds that events carry over between lots known when they come."""
    ties = [tie for one in asked for tie in event_ties(one)]
    return EventFacts(same_ids(cursor, asked), carried_by(cursor, ties))


def told_of(cursor: Any, asked: Sequence[Asked]) -> dict[str, tuple[Carried, ...]]:
    """The holds that come with lots which receipts or events have named before their own record came.

    A lot that nobody had named has neither a hold nor anybody who could be using it.
    """
    known = {one.num: one.operation.id for one in asked if one.num and one.operation.kind is not Kind.COMMAND}
    if not known:
        return {}
    found = pending_of_lots(cursor, sorted(known))
    ties = [replace(one.tie, operation=known.get(one.parent) or known[one.child]) for one in found]
    return carried_by(cursor, ties)


@dataclass(frozen=True)
class Pending:
    """A tie that is known and not written: both ends by number, and the record that says so, in words."""

    tie: Tie
    parent: int
    child: int
    proof: str


def pending_of_receipts(cursor: Any, nums: Sequence[int]) -> list[Pending]:
    """What these receipts tie."""
    return [_pending(row) for row in cursor.execute(_OF_RECEIPTS, (list(nums),)).fetchall()]


def pending_of_lots(cursor: Any, nums: Sequence[int]) -> list[Pending]:
    """What receipts and events tie to these lots, named there before anybody told of them."""
    found = [_pending(row) for row in cursor.execute(_OF_LOTS, (list(nums),)).fetchall()]
    edges = pending_events(cursor, nums)
    if edges:
        rows = cursor.execute(_KEYS, (sorted({num for edge in edges for num in edge[:2]}),)).fetchall()
        names = {row["num"]: (row["site"], row["key"]) for row in rows}
        for parent, child, _step, entry, _site in edges:
            found.append(Pending(Tie("", names[parent], names[child]), parent, child, f"event {entry}"))
    return found


def _pending(row: Mapping[str, Any]) -> Pending:
    tie = Tie("", (row["parent_site"], row["parent_key"]), (row["child_site"], row["child_key"]))
    return Pending(tie, row["parent"], row["child"], f"receipt {row['proof']}")


def lock(cursor: Any, lots: Iterable[int]) -> None:
    """Lock the lots that may be held, then let nobody else judge holds until the commit."""
    cursor.execute(_LOCK, (sorted(set(lots)),))
    beside.begin(cursor)
    beside.alone(cursor)
