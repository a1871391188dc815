"""Events that named a lot before the lot was known: their genealogy is written when it comes.

An event is kept as it came, and the lots that it was found to be about stand in its lines. A lot that comes
later adds no line, since nobody told the event again: it adds the edges that the event proves, with the
event's own entry as their proof, as they would have been written had the lot been there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from medloom.formats.epcis.making import Thing, epc
from medloom.formats.epcis.reading import ident_of
from medloom.trace.events.queries import known_lots
from medloom.trace.events.rules import pairs

#: Events joined by one round of statements.
EVENTS_MOST = 500
_ANY = "select exists (select 1 from trace_event_name) as there"

#: Every name by which these lots may stand in an event.
_NAMES = """
    select l.site, l.key as lot, i.key as item, d.key as device,
           (select array_agg(a.number) from alias a
            where a.lot_id = l.num and a.same and not a.voided) as aliases,
           (select array_agg(s.number) from serial s where s.lot_id = l.num and not s.voided) as serials
    from lot l left join item i on i.num = l.item_id left join device d on d.num = i.device_id
    where l.num = any(%s) and not l.voided"""

#: Events of the lots' own sites that name them and are not declared to be errors.
_EVENTS = """
    select distinct t.num, t.site, t.entry, t.kind, coalesce(t.action, '') as action
    from unnest(%s::text[], %s::text[]) w(site, ident)
    join trace_event_name n on n.ident = w.ident and n.role <> 'epc' and n.site = w.site
    join trace_event t on t.num = n.event and t.site = w.site and not t.error and not t.voided
    where not exists (select 1 from trace_event d
                      where d.event_id = t.event_id and d.site = t.site and d.error)
    order by t.num"""
_NAMED = "select event, role, epc from trace_event_name where event = any(%s) and role <> 'epc'"
_NUMS = "select num, key from lot where site = %s and key = any(%s)"
#: An event that was declared an error has its edges voided: they are there, and are not written again.
_THERE = """
    select w.at from unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
        with ordinality w(parent, child, step, entry, at)
    where not exists (
        select 1 from trace_edge e
        where e.child = w.child and e.parent = w.parent and e.step = w.step and e.entry = w.entry)"""
_EDGES = """
    insert into trace_edge (parent, child, step, entry, site)
    select * from unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])"""
#: An edge that an event proves: parent, child, event, its entry, its site.
Proven = tuple[int, int, int, int, str]


def join_events(cursor: Any, nums: Sequence[int]) -> int:
    """Write the edges that earlier events prove now that these lots are known; how many were written."""
    edges = pending_events(cursor, nums)
    if edges:
        cursor.execute(_EDGES, [list(column) for column in zip(*edges, strict=True)])
    return len(edges)


def pending_events(cursor: Any, nums: Sequence[int]) -> list[Proven]:
    """The edges that earlier events prove of these lots and that are not written yet."""
    if not cursor.execute(_ANY).fetchone()["there"]:
        return []
    named = [(row["site"], name) for row in cursor.execute(_NAMES, (list(nums),)) for name in names_of(row)]
    columns = [list(column) for column in zip(*named, strict=True)] or [[], []]
    events = cursor.execute(_EVENTS, columns).fetchall()
    found: list[Proven] = []
    for site in sorted({event["site"] for event in events}):
        mine = [event for event in events if event["site"] == site]
        for at in range(0, len(mine), EVENTS_MOST):
            found += _pending(cursor, site, mine[at : at + EVENTS_MOST])
    return found


def names_of(row: Mapping[str, Any]) -> set[str]:
    """Every name of a lot and of its single units, in the form in which events are compared."""
    site, lot = str(row["site"]), str(row["lot"])
    known = {str(row[name]) for name in ("item", "device") if row[name]}
    gtins = {"", *(gtin.zfill(14) for gtin in known if gtin.isdecimal() and 8 <= len(gtin) <= 14)}
    things = [Thing(site, lot, gtin, serial) for gtin in gtins for serial in ("", *(row["serials"] or ()))]
    return {ident_of(each) for each in (*map(epc, things), *(row["aliases"] or ()))}


def _pending(cursor: Any, site: str, events: Sequence[Mapping[str, Any]]) -> list[Proven]:
    named = cursor.execute(_NAMED, ([event["num"] for event in events],)).fetchall()
    keys = known_lots(cursor, site, {row["epc"] for row in named})
    rows = cursor.execute(_NUMS, (site, sorted(set(keys.values())))).fetchall()
    nums = {row["key"]: row["num"] for row in rows}
    lots: dict[int, list[dict[str, Any]]] = {}
    for row in named:
        if (key := keys.get(row["epc"])) in nums:
            lots.setdefault(row["event"], []).append({"role": row["role"], "lot_num": nums[key]})
    edges = list(_edges(events, lots))
    if not edges:
        return []
    rows = cursor.execute(_THERE, [list(column) for column in zip(*edges, strict=True)]).fetchall()
    return [(*edges[row["at"] - 1], site) for row in rows]


def _edges(
    events: Sequence[Mapping[str, Any]], lots: Mapping[int, Sequence[Mapping[str, Any]]]
) -> Iterable[tuple[int, int, int, int]]:
    for event in events:
        for parent, child in sorted(pairs(event["kind"], event["action"], lots.get(event["num"], ()))):
            yield parent, child, event["num"], event["entry"]
