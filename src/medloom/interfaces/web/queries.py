"""The hand-written SQL of the pages: what waits on a person's desk, and each plant's figures.

Every query runs inside the request's transaction, so row-level security has already chosen the rows.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

#: A person's word about a waiting row, not a row itself: that it is nothing, and that this was a mistake.
DISMISSED, TAKEN_BACK = "dismissed", "taken_back"
#: An agent's word about one: the row reads again as it was recorded before (agent/unread.py).
AS_RECORDED = "row_as_recorded"
#: A refused entry waits until a later entry names it as its cause: a repair, a settlement, a judging again;
#: and again when that was a dismissal which a person took back.
OPEN = f"""e.verdict in ('quarantined', 'rejected', 'parked', 'op_id_reuse')
    and not exists (select 1 from entry c where c.cause = e.seq and not exists (
      select 1 from entry u where u.cause = c.seq
        and u.decision::json #>> '{{refusal,code}}' = '{TAKEN_BACK}'))
    and coalesce(e.decision::json #>> '{{refusal,code}}', '')
      not in ('{DISMISSED}', '{TAKEN_BACK}', '{AS_RECORDED}')"""


def _rows(sql: str, values: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def waiting_counts() -> dict[str, int]:
    """How many refused rows and conflicts wait for a person."""
    row = _rows(f"""
        select (select count(*) from (select 1 from entry e where {OPEN} limit 10000) w) as repair,
               (select count(*) from (select 1 from entry e where e.verdict = 'conflict'
                  and not exists (select 1 from entry c where c.cause = e.seq and c.verdict = 'accepted'
                    and not exists (select 1 from entry u where u.cause = c.seq and u.verdict = 'accepted'))
                  limit 10000) w) as conflicts""")[0]
    return {name: int(count) for name, count in row.items()}


def refused_groups(*, verdict: str, site: str, feed: str) -> list[dict[str, Any]]:
    """Waiting rows by what they have in common: one line for each cause, largest first; `total` is of all."""
    return _rows(
        f"""
        select e.site, coalesce(e.source, '') as feed, e.type, e.verdict,
               coalesce(e.decision::json #>> '{{refusal,code}}', '') as code,
               coalesce(e.decision::json #>> '{{refusal,path}}', '') as path,
               max(coalesce(e.decision::json #>> '{{refusal,expected}}', '')) as expected,
               count(*) as rows, min(e.received) as first, max(e.received) as last,
               sum(count(*)) over ()::bigint as total
        from entry e
        where {OPEN} and (%s = '' or e.verdict = %s) and (%s = '' or e.site = %s)
              and (%s = '' or coalesce(e.source, '') = %s)
        group by 1, 2, 3, 4, 5, 6 order by rows desc, last desc limit 200""",
        (verdict, verdict, site, site, feed, feed),
    )


def waiting_rows(*, verdict: str, site: str, feed: str, most: int) -> list[int]:
    """Sequence numbers of all waiting rows of a query, oldest first."""
    found = _rows(
        f"""
        select e.seq from entry e
        where {OPEN} and (%s = '' or e.verdict = %s) and (%s = '' or e.site = %s)
              and (%s = '' or coalesce(e.source, '') = %s)
        order by e.seq limit %s""",
        (verdict, verdict, site, site, feed, feed, most),
    )
    return [row["seq"] for row in found]


def refused_rows(group: dict[str, str], *, first: int, most: int) -> list[int]:
    """Sequence numbers of the waiting rows of one group, oldest first."""
    found = _rows(
        f"""
        select e.seq from entry e
        where {OPEN} and e.site = %s and coalesce(e.source, '') = %s and e.type = %s and e.verdict = %s
              and coalesce(e.decision::json #>> '{{refusal,code}}', '') = %s
              and coalesce(e.decision::json #>> '{{refusal,path}}', '') = %s
        order by e.seq offset %s limit %s""",
        (*(group[n] for n in ("site", "feed", "type", "verdict", "code", "path")), first, most),
    )
    return [row["seq"] for row in found]


def dismissed_rows(*, most: int) -> list[dict[str, Any]]:
    """Dismissals that stand, newest first: their own number and the dismissed row's."""
    return _rows(
        f"""
        select d.seq, d.cause as row from entry d
        where d.verdict = 'quarantined' and d.cause is not null
              and d.decision::json #>> '{{refusal,code}}' = '{DISMISSED}'
              and not exists (select 1 from entry u where u.cause = d.seq)
        order by d.seq desc limit %s""",
        (most,),
    )


def mended_rows(*, site: str, feed: str, most: int) -> list[dict[str, Any]]:
    """Refused rows whose correction came and was accepted, newest correction first: row and correction."""
    return _rows(
        f"""
        select e.seq as row, c.seq as by from entry e join entry c on c.cause = e.seq
        where e.verdict in ('quarantined', 'rejected', 'op_id_reuse')
              and (c.verdict = 'accepted' or c.decision::json #>> '{{refusal,code}}' = '{AS_RECORDED}')
              and (%s = '' or e.site = %s) and (%s = '' or coalesce(e.source, '') = %s)
        order by c.seq desc limit %s""",
        (site, site, feed, feed, most),
    )


def waiting_of_feed(*, site: str, feed: str, most: int = 2_000) -> list[dict[str, Any]]:
    """Waiting rows of one feed with their type and bytes, newest first."""
    return _rows(
        f"""
        select e.seq, e.type, e.body from entry e
        where {OPEN} and e.site = %s and e.source = %s and e.encoding is null order by e.seq desc limit %s""",
        (site, feed, most),
    )


def still_waits(seq: int) -> bool:
    """Whether that refused entry still waits for a person."""
    return bool(_rows(f"select 1 as found from entry e where e.seq = %s and {OPEN}", (seq,)))


def conflict_rows(
    *, state: str, first: int, most: int, seq: int = 0, site: str = "", type: str = ""
) -> list[dict[str, Any]]:
    """Conflicts with what became of each: open, settled (by which entry) or undone; newest first.

    Asked for `open`, those answer whose settlement was undone, too: a person must decide them again.
    """
    return _rows(
        """
        with told as (
          select e.seq,
            (select max(c.seq) from entry c where c.cause = e.seq and c.verdict = 'accepted') as settled
          from entry e where e.verdict = 'conflict' and (%s = 0 or e.seq = %s)
            and (%s = '' or e.site = %s) and (%s = '' or e.type = %s)),
        known as (
          select t.seq, t.settled,
            (select max(u.seq) from entry u where u.cause = t.settled and u.verdict = 'accepted') as undone
          from told t)
        select seq, settled, undone,
               case when undone is not null then 'undone' when settled is not null then 'settled'
                    else 'open' end as state, count(*) over () as total
        from known
        where %s = '' or (%s = 'open' and (settled is null or undone is not null))
              or %s = case when undone is not null then 'undone' when settled is not null
                      then 'settled' else 'open' end
        order by seq desc offset %s limit %s""",
        (seq, seq, site, site, type, type, state, state, state, first, most),
    )


#: Verdicts of the overview's bars.
COUNTED = ("accepted", "parked", "quarantined", "rejected", "op_id_reuse", "conflict", "closed")
#: Those that wait for a person or for what a row names, as SQL over the figures.
WAITS = "verdict in ('parked', 'quarantined', 'rejected', 'op_id_reuse')"
#: The overview looks at so many of the newest records: it costs the same however long the ledger grows.
RECENT = 20_000


def plant_figures() -> list[dict[str, Any]]:
    """For each site: its rows by their last verdict, its newest record, and how many wait for a person.

    Counted by the sequencer as they came, so the page costs the same however long the ledger grows.
    """
    return _rows(f"""
        with told as (
          select site, verdict, sum(entries)::bigint as entries, sum(findings)::bigint as findings,
                 max(newest) as newest from feed_tally group by 1, 2),
        sums as (
          select site, max(newest) as newest,
                 sum(entries)::bigint as total, sum(findings)::bigint as findings,
                 sum(entries) filter (where {WAITS})::bigint as waiting,
                 {", ".join(f"sum(entries) filter (where verdict = '{v}')::bigint as {v}" for v in COUNTED)}
          from told group by site)
        select s.key as site, v.newest, coalesce(v.findings, 0) as findings,
               {", ".join(f"coalesce(v.{name}, 0) as {name}" for name in COUNTED)},
               coalesce(v.total, 0) as total, coalesce(v.waiting, 0) as waiting
        from site s left join sums v on v.site = s.key
        where not s.voided order by s.key""")


def unread() -> list[dict[str, Any]]:
    """For each site and feed: its last position, how far the site has read, and the oldest line it has not.

    `read` is null for a site that never pulled.
    """
    return _rows("""
        with ends as (select s.key as site, f.feed,
            (select max(l.position) from feed_line l where l.site = s.key and l.feed = f.feed) as last
          from site s cross join (values ('c'), ('v')) f(feed) where not s.voided),
        read as (select e.site, e.feed, coalesce(e.last, 0) as last,
            case when r.position is not null then least(r.position, e.last) end as read, r.at
          from ends e left join reading_position r on r.site = e.site and r.feed = e.feed)
        select r.site, r.feed, r.last, r.read, r.at, r.last - coalesce(r.read, 0) as waiting,
          (select n.received from feed_line l join entry n on n.seq = l.seq
           where l.site = r.site and l.feed = r.feed and l.position = coalesce(r.read, 0) + 1) as oldest
        from read r order by r.site, r.feed""")


def arrivals(windows: dict[str, int], bars: int) -> dict[str, list[int]]:
    """Site -> how many of its records arrived in each of `bars` steps, oldest first.

    `windows`: site -> seconds of one step; at least those the sequencer counts in (two minutes).
    """
    found = {site: [0] * bars for site in windows}
    for row in _rows(
        """
        select w.site, floor(extract(epoch from now() - a.at) / w.step)::int as back, sum(a.entries) as n
        from unnest(%s::text[], %s::int[]) w(site, step) join arrival a on a.site = w.site
        where a.at > now() - make_interval(secs => w.step * %s) group by 1, 2""",
        (list(windows), list(windows.values()), bars),
    ):
        if 0 <= row["back"] < bars:
            found[row["site"]][bars - 1 - row["back"]] = int(row["n"])
    return found


def feed_freshness() -> list[dict[str, Any]]:
    """For each plant and feed: its rows, when the newest came, and how they stand now.

    Each row once, by its last verdict, as the sequencer counts them: `rows` is the sum of `accepted`,
    `waiting`, `conflict` and `closed`.
    """
    return _rows(f"""
        select site, source as feed, sum(entries)::bigint as rows, max(newest) as newest,
               coalesce(sum(entries) filter (where verdict = 'accepted'), 0)::bigint as accepted,
               coalesce(sum(entries) filter (where {WAITS}), 0)::bigint as waiting,
               coalesce(sum(entries) filter (where verdict = 'conflict'), 0)::bigint as conflict,
               coalesce(sum(entries) filter (where verdict = 'closed'), 0)::bigint as closed
        from feed_tally where source <> '' group by 1, 2 order by 1, 2 limit 200""")


def sent_by_hand() -> dict[str, dt.datetime]:
    """Site -> when its newest record came that no agent sent: a template, a form, a page or a program."""
    rows = _rows("""
        select site, max(newest) as newest from feed_tally
        where source = '' or source like 'template\\_%%' group by site""")
    return {row["site"]: row["newest"] for row in rows}


def sent_by(epochs: list[str]) -> dict[str, dict[str, Any]]:
    """Epoch (32 hex digits) -> how many records it sent, the first, the newest, and where it read that."""
    found = _rows(
        """
        select replace(e.epoch::text, '-', '') as epoch, count(*) as count, min(e.received) as first,
               max(e.received) as last,
               (array_agg(case when e.encoding is null then e.body::json #>> '{source,at}' end
                          order by e.seq desc))[1] as place
        from entry e where e.epoch = any(%s::uuid[]) group by 1""",
        (epochs,),
    )
    return {row["epoch"]: row for row in found}


def log_lag() -> dict[str, Any]:
    """Newest record, newest one in the log, and the log's size and root."""
    found = _rows("""
        select (select max(seq) from entry) as newest, s.last, s.size, s.root, s.at
        from (select 1) one left join lateral (select * from seal order by id desc limit 1) s on true""")
    return found[0]


def unsequenced(most: int = 10_000) -> dict[str, Any]:
    """How many records (at most `most`) have no place in the feeds yet; how many seconds the oldest waits."""
    # Two statements: the planner must see the number, or it expects a third of the ledger behind it.
    seal = _rows("select last from seal order by id desc limit 1")
    found = _rows(
        """
        select count(*) as count, coalesce(extract(epoch from now() - min(w.received)), 0)::int as seconds
        from (select e.received from entry e where e.seq > %s order by e.seq limit %s) w""",
        (seal[0]["last"] if seal else 0, most),
    )
    return found[0]


#: What stock may be sorted by, and how.
STOCK_ORDERS = {
    "lot": "l.key",
    "item": "i.key",
    "site": "s.site",
    "location": "s.location",
    "status": "s.status",
    "quantity": "s.quantity",
}


def stock_rows(
    *, key: str, site: str, status: str, order: str, first: int, most: int
) -> list[dict[str, Any]]:
    """Stock by lot, place and status, with its total count; `order`: of STOCK_ORDERS, "-" turns it around."""
    by = STOCK_ORDERS.get(order.lstrip("-"), "l.key")
    by += " desc nulls last" if order.startswith("-") else ""
    return _rows(
        f"""
        select s.site, s.location, s.status, s.unit, s.quantity, l.key as lot, l.object, l.state,
               i.key as item, count(*) over () as total
        from stock s join lot l on l.num = s.lot_id left join item i on i.num = l.item_id
        where (%s = '' or l.key ilike '%%' || %s || '%%' or i.key ilike '%%' || %s || '%%')
              and (%s = '' or s.status = %s) and (%s = '' or s.site = %s)
        order by {by}, l.key, s.location offset %s limit %s""",
        (key, key, key, status, status, site, site, first, most),
    )


def find_key(text: str, tables: list[tuple[str, str]], *, most: int) -> list[dict[str, Any]]:
    """Objects of any type whose number holds the text; the exact one first, some of each type."""
    parts = [
        f"""(select '{type_}' as type, object, key, site, key = %s as exact from {table}
             where key ilike '%%' || %s || '%%' and not voided order by key = %s desc, num desc limit %s)"""
        for type_, table in tables
    ]
    values = tuple(v for _ in tables for v in (text, text, text, most))
    return _rows(f"{' union all '.join(parts)} order by exact desc, type, key", values)


def refused_mentions(key: str, *, most: int) -> list[dict[str, Any]]:
    """Waiting or conflicting rows whose bytes name a lot: possibly affected, not yet admitted."""
    return _rows(
        f"""
        select e.seq, e.site, e.type, e.verdict, e.received from entry e
        where (({OPEN}) or e.verdict = 'conflict') and position(%s in e.body) > 0
        order by e.seq desc limit %s""",
        (key, most),
    )


def waiting_bodies(*, most: int) -> list[dict[str, Any]]:
    """Waiting and conflicting rows with their bytes, newest first: a scope's lots are looked for in them."""
    return _rows(
        f"""
        select e.seq, e.site, e.type, e.verdict, e.received, e.body from entry e
        where ({OPEN}) or e.verdict = 'conflict' order by e.seq desc limit %s""",
        (most,),
    )
