"""What is asked about trace events: ids used before, lots that identifiers mean, edges to be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from medloom.formats.epcis.identifiers import identify
from medloom.formats.epcis.making import own_name
from medloom.kernel.ruling import Asked, Written

_SAME_ID = """
    select t.site, t.event_id, t.number from unnest(%s::text[], %s::text[]) w(site, event_id)
    join trace_event t on t.event_id = w.event_id and t.site = w.site where not t.error"""

_LOTS = """
    select w.epc, l.key from unnest(%s::text[], %s::text[]) w(epc, number)
    join lot l on l.site = %s and l.key = w.number and not l.voided"""

#: A partner's identifier is known by the alias that says which lot it is: the whole identifier, or the
#: lot number where the lot's item is the device of that GTIN, or has it as its number.
_ALIASES = """
    select w.epc, l.key from unnest(%s::text[]) w(epc)
    join alias a on a.site = %s and a.number = w.epc and a.same and not a.voided
    join lot l on l.num = a.lot_id"""

_BY_ITEM = """
    select w.epc, l.key from unnest(%s::text[], %s::text[], %s::text[]) w(epc, gtin, number)
    join lot l on l.site = %s and l.key = w.number and not l.voided
    join item i on i.num = l.item_id left join device d on d.num = i.device_id
    where i.key = w.gtin or (length(d.key) <= 14 and lpad(d.key, 14, '0') = w.gtin)"""

_BY_SERIAL = """
    select w.epc, l.key from unnest(%s::text[], %s::text[], %s::text[]) w(epc, gtin, number)
    join serial s on s.site = %s and s.number = w.number and not s.voided
    join lot l on l.num = s.lot_id join item i on i.num = l.item_id
    left join device d on d.num = i.device_id
    where i.key = w.gtin or (length(d.key) <= 14 and lpad(d.key, 14, '0') = w.gtin)"""


def same_ids(cursor: Any, asked: Sequence[Asked]) -> dict[tuple[str, str], frozenset[str]]:
    """(site, event id) -> digests of the events that have it, those of this batch included."""
    found: dict[tuple[str, str], set[str]] = {}
    for one in asked:
        if "number" in one.fields and not one.fields.get("error"):
            key = (one.home, str(one.fields["event_id"]))
            found.setdefault(key, set()).add(str(one.fields["number"]))
    rows = cursor.execute(_SAME_ID, ([k[0] for k in found], [k[1] for k in found])).fetchall()
    for row in rows:
        found[row["site"], row["event_id"]].add(row["number"])
    return {key: frozenset(digests) for key, digests in found.items()}


def known_lots(cursor: Any, site: str, epcs: Iterable[str]) -> Mapping[str, str]:
    """Identifier -> number of the site's lot that it means; unknown identifiers are left out.

    Known are our own names, aliases that hold the whole identifier, and GTINs of the items' devices.
    """
    wanted = sorted(set(epcs))
    found: dict[str, str] = {}
    ours = [(e, t.lot) for e in wanted if (t := own_name(e)) is not None and t.site == site]
    if ours:
        rows = cursor.execute(_LOTS, ([e for e, _ in ours], [n for _, n in ours], site)).fetchall()
        found.update((row["epc"], row["key"]) for row in rows)
    short = [epc for epc in wanted if len(epc) <= 140]
    if short:
        rows = cursor.execute(_ALIASES, (short, site)).fetchall()
        found.update((row["epc"], row["key"]) for row in rows)
    for sql, what in ((_BY_ITEM, "lot"), (_BY_SERIAL, "serial")):
        named = [(e, i.gtin, value) for e in wanted if (value := getattr(i := identify(e), what))]
        if named:
            columns = [list(column) for column in zip(*named, strict=True)]
            rows = cursor.execute(sql, (*columns, site)).fetchall()
            found.update((row["epc"], row["key"]) for row in rows)
    return found


def take_back_declared(cursor: Any, written: Sequence[Written]) -> None:
    """Void the edges of events whose error is declared, whichever of the two came first."""
    keys = sorted({(one.asked.home, str(one.asked.fields["event_id"])) for one in written})
    cursor.execute(
        """update trace_edge e set voided_by = d.entry
           from unnest(%s::text[], %s::text[]) w(site, event_id)
           join trace_event d on d.event_id = w.event_id and d.site = w.site and d.error
           join trace_event t on t.event_id = d.event_id and t.site = d.site and not t.error
           where e.entry = t.entry and e.step = t.num and e.voided_by is null""",
        ([site for site, _ in keys], [name for _, name in keys]),
    )
