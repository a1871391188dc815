"""Reading feeds and snapshots: what a site pulls."""

from __future__ import annotations

import heapq
import uuid
from typing import Any

import orjson

from medloom.kernel import queries
from medloom.kernel.entity import Declared, catalogue
from medloom.kernel.parts import standing_lines
from medloom.wire.feed import FeedLine
from medloom.wire.messages import SnapshotRow
from medloom.wire.sheet import Head

FIRST = "00000000-0000-0000-0000-000000000000"


def heads_at(cursor: Any, site: str, feed: str, positions: list[int]) -> dict[int, str]:
    """Position -> chain head (hex)."""
    rows = cursor.execute(
        "select position, chain from feed_line where site = %s and feed = %s and position = any(%s)",
        (site, feed, positions),
    ).fetchall()
    return {row["position"]: bytes(row["chain"]).hex() for row in rows}


def end(cursor: Any, site: str, feed: str) -> tuple[int, str] | None:
    """The newest position and its head, or None for an empty feed."""
    row = cursor.execute(
        "select position, chain from feed_line where site = %s and feed = %s order by position desc limit 1",
        (site, feed),
    ).fetchone()
    return (row["position"], bytes(row["chain"]).hex()) if row else None


def ends(cursor: Any, site: str) -> Any:
    """feed and newest position of each of the site's feeds, one index look-up each."""
    return cursor.execute(
        """select f.feed, l.position from (values ('c'::text), ('v')) f(feed), lateral (
               select position from feed_line where site = %s and feed = f.feed
               order by position desc limit 1) l""",
        (site,),
    )


def note_read(cursor: Any, site: str, feed: str, position: int) -> None:
    """Note that this site has been handed its feed up to this position; writes only when that is news."""
    cursor.execute(
        """insert into reading_position as r (site, feed, position, at) values (%s, %s, %s, now())
           on conflict (site, feed) do update set position = excluded.position, at = now()
           where r.position <> excluded.position""",
        (site, feed, position),
    )


def seq_at(cursor: Any, site: str, feed: str, position: int) -> int:
    """The sequence number of a line; 0 where there is none."""
    row = cursor.execute(
        "select seq from feed_line where site = %s and feed = %s and position = %s", (site, feed, position)
    ).fetchone()
    return row["seq"] if row else 0


def lines(cursor: Any, site: str, feed: str, after: int, limit: int) -> tuple[list[FeedLine], str | None]:
    """Lines after a position with their entries, and the head after the last; None when there is none."""
    rows = cursor.execute(queries.FEED_LINES, (site, feed, after, limit)).fetchall()
    found = [line_of(row) for row in rows]
    return found, bytes(rows[-1]["chain_head"]).hex() if rows else None


def line_of(row: dict[str, Any]) -> FeedLine:
    """One joined row as a feed line."""
    return FeedLine(
        position=row["position"],
        hub=row["hub_epoch"].hex,
        seq=row["seq"],
        id=queries.operation_id(row),
        site=row["author"],
        verdict=row["verdict"],
        type=row["type"],
        object=str(row["object"] or ""),
        home=row["home"],
        version=row["version"],
        cause=row["cause"] or 0,
        decision=row["decision"] or "",
        body=row["body"],
        encoding=row["encoding"] or "",
    )


def snapshot(cursor: Any, site: str, after: str, limit: int) -> list[SnapshotRow]:
    """Heads that the site may read, in order of object id over all types."""
    parts = [
        heads_of(cursor, declared, site, after or FIRST, limit)
        for declared in catalogue().values()
        if declared.facts.readers != "registrant"
    ]
    return list(heapq.merge(*parts, key=lambda row: row.head.object))[:limit]


def heads_of(cursor: Any, declared: Declared, site: str, after: str, limit: int) -> list[SnapshotRow]:
    """Heads of one type that the site may read, in order of object id, after that id."""
    rows = cursor.execute(
        queries.snapshot_sql(declared.table, declared.columns),
        (uuid.UUID(after), [site, ""] if declared.facts.readers == "network" else [site], limit),
    ).fetchall()
    keys = {
        name: queries.keys_of(
            cursor,
            catalogue()[ref.type],
            [row[declared.fields[name].column] for row in rows if row[declared.fields[name].column]],
        )
        for name, ref in declared.refs.items()
    }
    lines = standing_lines(cursor, declared, [row["num"] for row in rows], catalogue())
    found = []
    for row in rows:
        values: dict[str, Any] = dict(lines[row["num"]])
        for name, field in declared.fields.items():
            raw = row[field.column]
            values[name] = keys[name].get(raw) if name in keys else field.wire(raw)
        if "state" in row:
            values["state"] = row["state"]
        head = Head(
            object=str(row["object"]),
            site=row["site"],
            version=row["version"],
            state=row.get("state") or "",
            changed=orjson.loads(row["changed"]),
            values=values,
        )
        found.append(SnapshotRow(declared.type, head))
    return found
