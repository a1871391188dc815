"""The one sequencer: gives every committed entry its gapless position in each feed it goes to.

It reads committed entries behind the visibility horizon, in the order of their sequence numbers
(which is version order per object, because numbers are drawn while the heads are locked), links each
line to the one before, adds a salted leaf per entry to the Merkle log, seals, and sends one NOTIFY.

It stops with an alarm when versions of an object do not rise by one: something wrote past the door.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from medloom.exchange.counts import Counts
from medloom.kernel import queries
from medloom.process import state as state_folder
from medloom.process.courtesy import courtesy
from medloom.wire.chain import entry_hash, feed_link, feed_start
from medloom.wire.judge import HQ
from medloom.wire.merkle import KEPT_LEVEL, Frontier, leaf_hash

log = logging.getLogger(__name__)

#: One sequencer per database, whoever starts it.
LOCK = 0x6D65646C6F6F6D
IDLE_S = 0.02
#: Without an entry for this long it looks this many times less often: the first then waits 0.1 s at most.
QUIET_S, QUIET_IDLE = 60.0, 5
CHUNK = 5_000
PAUSE_EACH = 500
#: Rows kept in memory before they are written; a backlog of any size needs no more.
FLUSH = 20_000
#: An open transaction that holds the horizon back longer than this is named in the log.
HELD_S = 5.0
VERSIONS_MOST = 500_000


DO_NOT_RESTART = 65  # exit code: the process tree leaves this process stopped (process.tree knows the same)


class OutOfOrder(RuntimeError):
    """An object's versions do not rise by one in the order of the ledger."""

    code = "versions_out_of_order"


#: Entries of transactions that ended after the last seal, all of them before any still open.
#: `seq + 0`: the planner must take the few entries beyond the horizon by xid, and not all of them by seq.
VISIBLE = """
    select seq, hash, verdict, object, version, decision, sites, feed, site, source, cause, received
    from entry
    where xid >= %s::xid8 and xid < %s::xid8 and seq + 0 > %s order by seq + 0"""
#: A transaction may get its id early and its locks late: then it writes after a younger one that is still
#: beyond the horizon. The oldest transaction that has written a higher number than one beyond has.
OVERTAKEN = """
    select min(xid)::text::bigint as xid from entry
    where xid >= %(horizon)s::xid8 and xid < %(xmin)s::xid8
      and seq > (select min(seq + 0) from entry where xid >= %(xmin)s::xid8 and seq + 0 > %(floor)s)"""
#: The last line of every feed; a loose index scan, so it costs the number of feeds and not of lines.
FEED_TAILS = """
    with recursive feeds as (
        (select site, feed from feed_line order by site, feed limit 1)
        union all
        select n.site, n.feed from feeds f, lateral (
            select site, feed from feed_line l where (l.site, l.feed) > (f.site, f.feed)
            order by site, feed limit 1) n)
    select f.site, f.feed, l.position, l.chain from feeds f, lateral (
        select position, chain from feed_line l where l.site = f.site and l.feed = f.feed
        order by position desc limit 1) l"""
OLDEST_TRANSACTION = """
    select pid, coalesce(nullif(application_name, ''), usename::text, '?') as name, datname, state,
           extract(epoch from now() - xact_start)::int as seconds
    from pg_stat_activity
    where backend_xid is not null and xact_start < now() - make_interval(secs => %s)
    order by xact_start limit 1"""


@dataclass
class Tail:
    """Where a feed ends: its last position and the chain head there."""

    position: int
    head: bytes


@dataclass
class Sequencer:
    """State between two rounds; all of it can be read again from the database at any time."""

    connection: psycopg.Connection[Any]
    epoch: str = ""
    hub: int = 0
    horizon: int = 0
    floor: int = 0
    frontier: Frontier = field(default_factory=Frontier)
    tails: dict[tuple[str, str], Tail] = field(default_factory=dict)
    versions: OrderedDict[str, int] = field(default_factory=OrderedDict)
    #: Called every PAUSE_EACH entries of a round, never in a small one: a backlog may wait there for others.
    before: Callable[[], None] | None = None

    def load(self) -> None:
        """Read where the last seal ended."""
        with self.connection.transaction(), self.connection.cursor(row_factory=dict_row) as cursor:
            self._load(cursor)

    def _load(self, cursor: Any) -> None:
        self.versions.clear()
        seal = cursor.execute("select * from seal order by id desc limit 1").fetchone()
        if seal is not None:
            self.horizon, self.floor = seal["horizon"], seal["floor"]
            peaks = bytes(seal["frontier"])
            parts = [peaks[i : i + 32] for i in range(0, len(peaks), 32)]
            self.frontier = Frontier(size=seal["size"], peaks=parts)
        self.tails = {
            (row["site"], row["feed"]): Tail(row["position"], bytes(row["chain"]))
            for row in cursor.execute(FEED_TAILS).fetchall()
        }

    def moment(self) -> str:
        """Which transactions are over: while this reads the same, nothing new can have been committed."""
        row = self.connection.execute("select pg_current_snapshot()::text").fetchone()
        assert row is not None
        return str(row[0])

    def round(self) -> int:
        """Sequence what has become visible; returns how many entries. One transaction."""
        with self.connection.transaction():
            return self._round()

    def _round(self) -> int:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            # Read every time: a restored hub begins a new epoch in another process.
            hub = cursor.execute("select id, epoch from hub order by id desc limit 1").fetchall()[0]
            if self.hub and hub["id"] != self.hub:
                self._load(cursor)  # what was kept of the database before it was restored is wrong now
            self.hub, self.epoch = hub["id"], hub["epoch"].hex
            cursor.execute("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xmin")
            xmin = self._before_overtaken(cursor, cursor.fetchall()[0]["xmin"])
            lines: list[str] = []
            leaves: list[str] = []
            subtrees: list[str] = []
            done = 0
            last = 0
            counts = Counts()
            for entry in self._visible(xmin):
                if self.before is not None and done % PAUSE_EACH == PAUSE_EACH - 1:
                    self.before()
                digest = entry_hash(
                    seq=entry["seq"],
                    operation=bytes(entry["hash"]),
                    verdict=entry["verdict"],
                    object=str(entry["object"] or ""),
                    version=entry["version"],
                    decision=(entry["decision"] or "").encode(),
                )
                self._check(entry)
                salt = os.urandom(16)
                leaf = leaf_hash(salt=salt, entry=digest)
                leaves.append(f"{self.frontier.size}\t{entry['seq']}\t\\\\x{salt.hex()}\t\\\\x{leaf.hex()}\n")
                for level, index, top in self.frontier.append(leaf)[KEPT_LEVEL:]:
                    subtrees.append(f"{level}\t{index}\t\\\\x{top.hex()}\n")
                lines += [self._line(site, entry["feed"], entry["seq"], digest) for site in entry["sites"]]
                counts.add(entry)
                done += 1
                last = max(last, entry["seq"])
                if len(leaves) == FLUSH:
                    self._flush(cursor, lines, leaves, subtrees)
            if not done:
                return 0
            self._flush(cursor, lines, leaves, subtrees)
            counts.keep(cursor, horizon=self.horizon, xmin=xmin, floor=self.floor)
            self._seal(cursor, xmin, last)
        return done

    def _before_overtaken(self, cursor: Any, xmin: int) -> int:
        """A horizon below which nothing was written after something that is still beyond it.

        Numbers are drawn under the locks, so whoever wrote later has the higher number; but its
        transaction may be the older one, and a third, still open, may stand between the two.
        """
        while True:
            given = {"horizon": str(self.horizon), "xmin": str(xmin), "floor": self.floor}
            lower = cursor.execute(OVERTAKEN, given).fetchall()[0]["xid"]
            if lower is None:
                return xmin
            xmin = lower

    def _flush(self, cursor: Any, lines: list[str], leaves: list[str], subtrees: list[str]) -> None:
        queries.copy_lines(cursor, "feed_line", ("site", "feed", "position", "seq", "hub", "chain"), lines)
        queries.copy_lines(cursor, "leaf", ("index", "seq", "salt", "hash"), leaves)
        if subtrees:
            queries.copy_lines(cursor, "subtree", ("level", "index", "hash"), subtrees)
        for written in (lines, leaves, subtrees):
            written.clear()

    def _visible(self, xmin: int) -> Iterator[dict[str, Any]]:
        """Committed entries not yet sequenced, in order, a chunk at a time."""
        with self.connection.cursor("visible", row_factory=dict_row) as cursor:
            cursor.itersize = CHUNK
            cursor.execute(VISIBLE, (str(self.horizon), str(xmin), self.floor))
            yield from cursor

    def _line(self, site: str, feed: str, seq: int, digest: bytes) -> str:
        tail = self.tails.get((site, feed))
        if tail is None:
            tail = self.tails[site, feed] = Tail(0, feed_start(site=site, feed=feed))
        tail.position += 1
        tail.head = feed_link(tail.head, position=tail.position, hub_epoch=self.epoch, entry=digest)
        return f"{site}\t{feed}\t{tail.position}\t{seq}\t{self.hub}\t\\\\x{tail.head.hex()}\n"

    def _check(self, entry: dict[str, Any]) -> None:
        if entry["verdict"] != "accepted" or entry["object"] is None:
            return
        name = entry["object"].hex
        before = self.versions.pop(name, None)
        if before is not None and entry["version"] != before + 1:
            raise OutOfOrder(f"object {entry['object']}: version {entry['version']} after {before}")
        self.versions[name] = entry["version"]
        if len(self.versions) > VERSIONS_MOST:
            self.versions.popitem(last=False)

    def _seal(self, cursor: Any, xmin: int, last: int) -> None:
        cursor.execute(
            """insert into seal (horizon, floor, last, size, root, frontier, at)
               values (%s, %s, %s, %s, %s, %s, now())""",
            (xmin, self.floor, last, self.frontier.size, self.frontier.root(), b"".join(self.frontier.peaks)),
        )
        cursor.execute("select pg_notify('medloom_feed', %s)", (str(last),))
        self.horizon = xmin

    def held_back(self) -> dict[str, Any] | None:
        """The open transaction that holds the horizon back longer than HELD_S, or None."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(OLDEST_TRANSACTION, (HELD_S,)).fetchone()
        return dict(row) if row else None


def start_epoch(connection: psycopg.Connection[Any]) -> str:
    """The hub's epoch; the first start of a database mints one. Needs the application's role."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (LOCK + 1,))
        row = cursor.execute("select epoch from hub order by id desc limit 1").fetchone()
        if row is not None:
            return str(row[0].hex)
        epoch = uuid.uuid4()
        cursor.execute(
            "insert into hub (epoch, since, recovering, started) values (%s, 0, false, now())", (epoch,)
        )
        return epoch.hex


def raise_alarm(holder: dict[str, Any]) -> None:
    """Tell a person, once while nobody has looked, which session holds the feeds up."""
    detail = (
        f"session {holder['pid']} ({holder['name']}, database {holder['datname']}, {holder['state']}), "
        f"open for {holder['seconds']} s"
    )
    with psycopg.connect(state_folder.conninfo("app"), connect_timeout=5) as app:
        app.execute(
            """insert into alarm (code, site, detail, raised) select 'feeds_held', %s, %s, now()
               where not exists (select from alarm where code = 'feeds_held' and seen_at is null)""",
            (HQ, detail[:500]),
        )


def run(
    sequencer: Sequencer,
    *,
    stop: Any = None,
    idle_s: float = IDLE_S,
    alarm: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Sequence until `stop()` says so. Raises OutOfOrder: the process ends with the alarm in its log.

    `alarm` is told of an open transaction that holds everything up for longer than HELD_S. While no
    transaction ends, one small statement each `idle_s` is all it asks; after QUIET_S of that, less often.
    """
    sequencer.load()
    warned, empty, busy = 0.0, "", time.monotonic()
    while not (stop and stop()):
        moment = sequencer.moment()
        if moment != empty:
            sequencer.before = courtesy().giving_way()
            if sequencer.round():
                empty, busy = "", time.monotonic()
                continue
            empty = moment  # read before the round: what ended since makes another one
        now = time.monotonic()
        time.sleep(idle_s if now - busy < QUIET_S else QUIET_IDLE * idle_s)
        if now - warned > HELD_S:
            warned = now
            holder = sequencer.held_back()
            if holder:
                log.warning("an open transaction holds the feeds back: %s", holder)
                if alarm is not None:
                    try:
                        alarm(holder)
                    except psycopg.Error as error:
                        log.warning("the alarm could not be raised: %s", error)


def main() -> None:
    """The sequencer process: waits until it is the only one, then runs."""
    logging.basicConfig(level=logging.INFO)
    with psycopg.connect(state_folder.conninfo("app")) as app:
        start_epoch(app)
    with psycopg.connect(state_folder.conninfo("sequencer"), autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", (LOCK,))
        try:
            run(Sequencer(connection), alarm=raise_alarm)
        except OutOfOrder as error:
            log.critical("stopped for good: %s", error)
            raise SystemExit(DO_NOT_RESTART) from error


if __name__ == "__main__":
    main()
