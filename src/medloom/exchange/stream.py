"""Reading the public stream: entries behind a position, for one site's feeds or the registrant's log."""

from __future__ import annotations

from typing import Any

from medloom.wire.cloudevent import FEEDS, event_of
from medloom.wire.judge import HQ

EVENTS_MOST = 1_000
_COLUMNS = """h.epoch as hub_epoch, e.seq, e.site as author, e.home, e.type, e.verdict, e.version,
           e.decision, e.body, e.encoding, e.received"""
_LINES = f"""
    select l.position, {_COLUMNS}
    from (select * from feed_line where site = %s and feed = %s and position > %s
          order by position limit %s) l
    join hub h on h.id = l.hub join entry e on e.seq = l.seq
    order by l.position"""  # noqa: S608 - the columns are the constant above
_LOG = f"""
    select l.index + 1 as position, {_COLUMNS}
    from (select * from leaf where index >= %s order by index limit %s) l
    join entry e on e.seq = l.seq, (select epoch from hub order by id desc limit 1) h
    order by l.index"""  # noqa: S608 - the columns are the constant above


class FeedForeign(LookupError):
    """There is no such feed for this reader: `log` is the registrant's."""

    code = "feed_unknown"


def feed_for(site: str, feed: str) -> str:
    """The feed that a reader means; "" is the log for the registrant, else the volume feed."""
    found = feed or ("log" if site == HQ else "v")
    if found not in FEEDS or (found == "log" and site != HQ):
        raise FeedForeign(feed)
    return found


def read_events(cursor: Any, site: str, feed: str, after: int, limit: int) -> list[dict[str, Any]]:
    """The events behind a position, in order, without a gap. Row-level security must show the reader's
    entries (or all of them)."""
    limit = min(limit, EVENTS_MOST)
    if feed == "log":
        rows = cursor.execute(_LOG, (after, limit))
    else:
        rows = cursor.execute(_LINES, (site, feed, after, limit))
    return [event_of(row) for row in rows.fetchall()]


def newest(cursor: Any, site: str, feed: str) -> int:
    """The newest position of a feed; 0 for an empty one."""
    if feed == "log":
        rows = cursor.execute("select coalesce(max(index) + 1, 0) as position from leaf").fetchall()
    else:
        rows = cursor.execute(
            "select coalesce(max(position), 0) as position from feed_line where site = %s and feed = %s",
            (site, feed),
        ).fetchall()
    return int(rows[0]["position"])


def hub_epoch(cursor: Any) -> str:
    """The hub epoch in which positions are given now, 32 hex digits."""
    rows = cursor.execute("select epoch from hub order by id desc limit 1").fetchall()
    return str(rows[0]["epoch"].hex) if rows else ""
