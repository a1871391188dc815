"""What governance asks of the database; the only hand-written SQL of the room.

Counting reads the log from where it stood, in its own order, and never looks back; pages read the tallies.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection

from medloom.governance.rules import alias_of
from medloom.kernel.ruling import Asked

#: Leaves counted at once: a few hundred milliseconds of one worker.
LEAVES_MOST = 5_000
#: The pages look at so many days of a feed, up to its last; the newest of them are "now", those before are
#: what it was like. A feed that is silent stays late for a year, and is then taken for ended.
DAYS_NOW, DAYS_BEFORE, DAYS_SILENT = 7, 35, 366


def _rows(sql: str, values: tuple[Any, ...] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def uncounted(last: int, *, most: int = LEAVES_MOST) -> list[dict[str, Any]]:
    """Entries of the log behind leaf `last`, in its order. The log is dense, so none can come in between."""
    return _rows(
        """
        select l.index as leaf, e.site, e.source as feed, e.type, e.verdict, e.decision, e.received,
               e.encoding, case when e.source is not null then e.body end as body
        from leaf l join entry e on e.seq = l.seq where l.index > %s order by l.index limit %s""",
        (last, most),
    )


#: The lock of whoever looks at the data: "MLGOVERN".
_ONE = 0x4D4C_474F_5645


@contextmanager
def looking() -> Iterator[bool]:
    """Whether this is the only one that looks: two at once would raise each alert twice.

    Held by the connection, so a worker that dies leaves nothing behind. Outside a transaction.
    """
    mine = bool(_rows("select pg_try_advisory_lock(%s) as mine", (_ONE,))[0]["mine"])
    try:
        yield mine
    finally:
        if mine:
            _rows("select pg_advisory_unlock(%s) as done", (_ONE,))


def feed_days(today: dt.date, *, site: str = "", feed: str = "") -> list[dict[str, Any]]:
    """Tallies of each feed's last weeks by site, feed, type and day, oldest first.

    Up to the feed's own last day, or a feed that fell silent would be forgotten and its alert closed. Days
    behind tomorrow are left out: they were counted while the hub's clock was wrong.
    """
    return _rows(
        """
        with last as (
          select site, feed, max(day) as day from feed_day
          where day <= %s and day > %s and (%s = '' or site = %s) and (%s = '' or feed = %s) group by 1, 2)
        select f.site, f.feed, f.type, f.day, f.newest, f.counts from last
        join feed_day f on f.site = last.site and f.feed = last.feed
             and f.day <= last.day and f.day > last.day - %s::int
        order by f.day""",
        (
            today + dt.timedelta(days=1), today - dt.timedelta(days=DAYS_SILENT), site, site, feed, feed,
            DAYS_NOW + DAYS_BEFORE,
        ),
    )  # fmt: skip


def feeds_of_lots(lots: Iterable[UUID], since: dt.datetime) -> dict[UUID, set[tuple[str, str]]]:
    """Lot, by its object id -> (site, feed) of every feed that told of it since then."""
    rows = _rows(
        """select distinct object, site, source as feed from entry
           where object = any(%s) and type = 'lot' and verdict = 'accepted' and source is not null
             and received >= %s""",
        (list(lots), since),
    )
    found: dict[UUID, set[tuple[str, str]]] = {}
    for row in rows:
        found.setdefault(row["object"], set()).add((row["site"], row["feed"]))
    return found


def open_alerts(site: str = "") -> list[dict[str, Any]]:
    """Alerts that are not closed, oldest first."""
    return _rows(
        """select object, site, key, kind, feed, rule, state, detail, version from alert
           where state <> 'closed' and not voided and (%s = '' or site = %s) order by num""",
        (site, site),
    )


def old_conflicts(before: dt.datetime) -> dict[str, int]:
    """Site -> conflicts that nobody has settled and that are older than that moment."""
    rows = _rows(
        """
        select e.site, count(*) as many from entry e
        where e.verdict = 'conflict' and e.received < %s and not exists (
          select 1 from entry c where c.cause = e.seq and c.verdict = 'accepted' and not exists (
            select 1 from entry u where u.cause = c.seq and u.verdict = 'accepted'))
        group by e.site""",
        (before,),
    )
    return {row["site"]: row["many"] for row in rows}


def open_figures() -> dict[str, dict[str, int]]:
    """Site -> open holds, disagreements and conflicts: small sets by index, whatever the history."""
    rows = _rows(
        """
        select site, 'holds' as what, count(*) as many from hold
          where state = 'open' and not voided group by site
        union all select site, 'disagreements', count(*) from disagreement
          where state = 'open' and not voided group by site
        union all
        select e.site, 'conflicts', count(*) from entry e
          where e.verdict = 'conflict' and not exists (
            select 1 from entry c where c.cause = e.seq and c.verdict = 'accepted' and not exists (
              select 1 from entry u where u.cause = c.seq and u.verdict = 'accepted')) group by e.site"""
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["site"], {})[row["what"]] = row["many"]
    return found


#: The record that a hold's cause names, and the findings behind its colon (rooms' reactions.py).
_CAUSE = "^(step record|result) (.*): ([a-z_, ]+)$"


def held_by_finding(site: str = "") -> list[dict[str, Any]]:
    """Open holds by site and by the finding that raised each, with how many lots they cover."""
    return _rows(
        f"""
        with told as (
          select h.site, h.lot_id, regexp_match(h.cause, '{_CAUSE}') as parts from hold h
          where h.state = 'open' and not h.voided and (%s = '' or h.site = %s))
        select t.site, trim(code) as code, count(*) as holds, count(distinct t.lot_id) as lots
        from told t cross join lateral unnest(string_to_array(t.parts[3], ',')) as code
        where t.parts is not null group by 1, 2 order by lots desc, 2""",
        (site, site),
    )


def held_lots(*, site: str, code: str, most: int = 200) -> list[dict[str, Any]]:
    """Lots under an open hold that this finding raised, with the record that proves it."""
    return _rows(
        f"""
        with told as (
          select h.*, regexp_match(h.cause, '{_CAUSE}') as parts from hold h
          where h.state = 'open' and not h.voided and (%s = '' or h.site = %s))
        select t.site, t.key as hold, t.object as hold_object, l.num, l.key as lot, l.object as lot_object,
               i.key as item, t.parts[1] as proof_type, t.parts[2] as proof_key,
               coalesce(r.object, s.object) as proof
        from told t join lot l on l.num = t.lot_id left join item i on i.num = l.item_id
        left join result r on t.parts[1] = 'result' and r.site = t.site and r.key = t.parts[2]
        left join step_record s on t.parts[1] = 'step record' and s.site = t.site and s.key = t.parts[2]
        where %s = any(string_to_array(replace(t.parts[3], ' ', ''), ','))
        order by t.site, l.key, t.key limit %s""",
        (site, site, code, most),
    )


def out_of_limits(lots: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Lot -> its results outside the limits of the specification that each cites."""
    rows = _rows(
        """
        select r.lot_id, r.object, coalesce(r.characteristic, s.characteristic) as characteristic, r.value,
               r.unit, s.low, s.high, r.value > s.high as above
        from result r join specification s on s.num = r.specification_id
        where r.lot_id = any(%s) and not r.voided and (r.value > s.high or r.value < s.low)
        order by r.lot_id, r.num limit 2000""",
        (list(lots),),
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["lot_id"], []).append(row)
    return found


def disputed() -> dict[tuple[str, str], int]:
    """(site, type) -> conflicts and disagreements that nobody has settled."""
    rows = _rows(
        """
        select e.site, e.type, count(*) as many from entry e
        where e.verdict = 'conflict' and not exists (
          select 1 from entry c where c.cause = e.seq and c.verdict = 'accepted' and not exists (
            select 1 from entry u where u.cause = c.seq and u.verdict = 'accepted')) group by 1, 2
        union all
        select site, 'result', count(*) from disagreement where state = 'open' group by site"""
    )
    found: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row["site"], row["type"])
        found[key] = found.get(key, 0) + row["many"]
    return found


def counted_to() -> dict[str, Any] | None:
    """How far the tallies reach: the log's last counted leaf, its record number, and when it was counted."""
    rows = _rows(
        "select m.last, l.seq, m.at from feed_measured m join leaf l on l.index = m.last where m.id = 1"
    )
    return rows[0] if rows else None


def rows_of(
    *,
    site: str,
    feed: str,
    type_: str,
    codes: Sequence[str],
    counted: Mapping[str, Any],
    since: dt.date,
    most: int = 50,
) -> list[dict[str, Any]]:
    """The newest rows of a feed with one of these codes, or any refusal, of those that its tallies count.

    counted  how far (`counted_to`): a row that has come since is in no figure yet, and not in the list
    since    first day (UTC) of the rows in the figure
    By the index of what was refused, and that of what was accepted with findings (kernel migration 0008).
    What is told of a whole delivery (`feed_drift`) is no row, and not among the refused ones.
    """
    return _rows(
        """
        with named as (select array(select '%%"' || c || '"%%' from unnest(%(codes)s::text[]) c) as codes),
        told as (
          (select e.seq, e.verdict, e.received, e.object, e.decision from entry e, named
           where e.verdict <> 'accepted' and e.site = %(site)s and e.source = %(feed)s and e.type = %(type)s
                 and e.seq <= %(seq)s and e.received >= %(since)s
                 and e.seq not in (select seq from leaf where index > %(last)s)
                 and case when cardinality(named.codes) = 0
                     then e.verdict in ('quarantined', 'rejected') and e.decision not like '%%"feed_drift"%%'
                     else e.decision like any (named.codes) end
           order by e.seq desc limit %(most)s)
          union all
          (select e.seq, e.verdict, e.received, e.object, e.decision from entry e, named
           where e.verdict = 'accepted' and e.decision like '%%"findings"%%'
                 and e.site = %(site)s and e.source = %(feed)s and e.type = %(type)s
                 and e.seq <= %(seq)s and e.received >= %(since)s
                 and e.seq not in (select seq from leaf where index > %(last)s)
                 and e.decision like any (named.codes)
           order by e.seq desc limit %(most)s))
        select * from told order by seq desc limit %(most)s""",
        {
            "codes": list(codes), "site": site, "feed": feed, "type": type_, "most": most,
            "seq": counted["seq"], "last": counted["last"],
            "since": dt.datetime.combine(since, dt.time(), dt.UTC),
        },
    )  # fmt: skip


def normalised(*, site: str, most: int = 200) -> list[dict[str, Any]]:
    """Tallies of a site's feeds: which normalisations its values needed, and from which types."""
    return _rows(
        """
        select feed, type, rule.key as rule, coalesce(sum(rule.value::int), 0)::int as many
        from feed_day left join lateral jsonb_each_text(counts -> 'rules') rule on true
        where %s = '' or site = %s group by 1, 2, 3 order by 1, 2, 4 desc limit %s""",
        (site, site, most),
    )


def systems() -> dict[str, dict[str, Any]]:
    """Site -> the system behind its connection and how it is reached."""
    rows = _rows(
        "select site, system, level, promise, key from connection where not voided order by num desc"
    )
    return {row["site"]: row for row in rows}


def spellings(since: dt.datetime, *, times: int) -> list[dict[str, Any]]:
    """Originals of lot numbers that were read as another spelling again and again, and are no alias yet."""
    return _rows(
        """
        with told as (
          select e.site, e.source as feed, w.key as field, w.value ->> 0 as came,
                 e.body::jsonb #>> array['fields', w.key] as meant
          from (select * from entry where source is not null and encoding is null and verdict = 'accepted'
                order by seq desc limit 20000) e
          cross join lateral jsonb_each(coalesce(e.body::jsonb #> '{source,was}', '{}')) w
          where e.received > %s and e.body like '%%"was"%%' and w.value ->> 1 like '%%lot%%')
        select t.site, t.feed, t.field, t.came, t.meant, count(*) as times from told t
        where t.meant is not null and t.came <> t.meant
              and not exists (select 1 from alias a where a.site = t.site and a.number = t.came)
        group by 1, 2, 3, 4, 5 having count(*) >= %s order by times desc limit 100""",
        (since, times),
    )


def measured_values(newest: int) -> list[dict[str, Any]]:
    """The newest results with a specification, for finding slips: number, site, specification, value."""
    return _rows(
        """
        select r.key, r.site, r.object, s.key as specification, r.value::text as value, r.unit
        from (select * from result where specification_id is not null and not voided
              order by num desc limit %s) r
        join specification s on s.num = r.specification_id order by r.site, s.key, r.num""",
        (newest,),
    )


def known_corrections(keys: Sequence[str]) -> set[tuple[str, str]]:
    """(site, number) of corrections that exist, whatever became of them: a no is not asked again."""
    rows = _rows("select site, key from correction where key = any(%s)", (list(keys),))
    return {(row["site"], row["key"]) for row in rows}


def promises() -> Mapping[str, str]:
    """Site -> the freshness its connection promises."""
    rows = _rows("select site, min(promise) as promise from connection where not voided group by site")
    return {row["site"]: row["promise"] for row in rows}


def results_named(cursor: Any, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    """(site, key) -> head of each of these results, for applying a correction inside the door; locked."""
    if not wanted:
        return {}
    rows = cursor.execute(
        """select r.site, r.key, r.object, r.version, r.voided, r.value::text as value,
                  e.body::json ->> 'id' as told, e.body::json ->> 'fields' as fields from result r
           join entry e on e.seq = r.entry
           where (r.site, r.key) in (select * from unnest(%s::text[], %s::text[]))
           order by r.num for no key update of r""",
        ([site for site, _ in wanted], [key for _, key in wanted]),
    ).fetchall()
    return {(row["site"], row["key"]): row for row in rows}


def aliases_made(cursor: Any, objects: Sequence[str]) -> dict[str, int]:
    """Object -> version of each of these aliases that exists."""
    if not objects:
        return {}
    rows = cursor.execute(
        "select object::text as object, version from alias where object = any(%s::uuid[])", (list(objects),)
    ).fetchall()
    return {row["object"]: row["version"] for row in rows}


def correction_facts(cursor: Any, asked: Sequence[Asked]) -> dict[str, Mapping[Any, Any]]:
    """The results and aliases that the corrections of a batch speak of, in two statements."""
    results = [
        (one.home, str(one.current.get("subject", "")))
        for one in asked
        if one.current.get("kind") == "unit_slip"
    ]
    aliases = [alias_of(one.operation.object) for one in asked if one.current.get("kind") == "normalisation"]
    return {"results": results_named(cursor, results), "aliases": aliases_made(cursor, aliases)}
