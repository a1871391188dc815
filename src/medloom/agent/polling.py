"""One table of a plant's database at work: polled page by page, swept in key ranges, its columns watched.

A page is a short transaction of the plant's and one step of the agent, so that a hold never waits for a large
table. A column that the mapping reads and the table no longer has stops the reading: its cells would be told
as emptied.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import SQLAlchemyError

from medloom.agent.collector import BATCH_ROWS, Taken
from medloom.agent.declaration import Mapping as Declared
from medloom.agent.file import StoreFull
from medloom.agent.following import Follower
from medloom.agent.header import columns_of
from medloom.agent.notes import POLL
from medloom.agent.room import Room
from medloom.agent.sources.rows import Row
from medloom.agent.sources.sql import PAGE_ROWS, Database, TableSource
from medloom.agent.sources.window import Window
from medloom.agent.translate import RAW_TYPE, Outcome, Translator, raw_outcome
from medloom.agent.trouble import LASTING_SECONDS, Cause
from medloom.wire.operation import CHAINS
from medloom.wire.stores import SiteStore
from medloom.wire.verdict import Refusal

log = structlog.get_logger(__name__)
UNREACHABLE = Cause(code="source_unreachable")
#: A database that does not answer is asked again after this long, at least.
RETRY_SECONDS = 5.0
#: A row dated further ahead than this is read, and never moves the place from which the next poll reads.
AHEAD = timedelta(days=1)


class Desk(Protocol):
    """The agent, as far as a table needs it."""

    store: SiteStore
    room: Room
    findings: Counter[str]

    def took(self, rows: list[Taken]) -> None:
        """Count rows that were taken."""
        ...

    def keep(self, feed: str, outcomes: list[Outcome], *, again: bool) -> int:
        """Take rows; how many of them said anything new."""
        ...


def wall_clock(zone: str) -> Callable[[], datetime]:
    """The clock on the plant's wall, as its own programs write it: local time without a zone."""
    place = ZoneInfo(zone)
    return lambda: datetime.now(place).replace(tzinfo=None)


def place_text(value: Any) -> str:
    """A modification time or number as it is kept between two runs."""
    return value.isoformat() if isinstance(value, date) else str(value)


def place_of(text: str) -> Any:
    """The same back as a value."""
    if "-" not in text.removeprefix("-"):
        return Decimal(text) if "." in text else int(text)
    return date.fromisoformat(text) if len(text) == len("2026-11-23") else datetime.fromisoformat(text)


@dataclass
class Polled:
    """One table with its mapping, and where its poll and its sweep stand.

    due, sweep_due  not read before (monotonic seconds)
    poll_after      last row of the page before, while a poll is under way; `sweep_after` the same of a sweep
    poll_highest    highest modification of the poll under way
    wall            the plant's wall clock
    """

    database: Database
    mapping: Declared
    source: TableSource
    poll_seconds: float
    sweep_seconds: float
    follower: Follower | None = None
    wall: Callable[[], datetime] | None = None
    due: float = 0.0
    sweep_due: float = 0.0
    poll_after: tuple[Any, ...] | None = None
    poll_highest: Any = None
    sweep_after: tuple[Any, ...] | None = None
    sweeping: bool = True
    seen: set[str] = field(default_factory=set)
    sound: bool = False
    wrong_since: float = 0.0
    window: Window = field(default_factory=Window)

    def __post_init__(self) -> None:
        self._now = self.wall or wall_clock(self.mapping.zone)
        self._translator = Translator(self.mapping)

    def step(self, desk: Desk) -> bool:
        """Read one page of the table, when it is time to; whether it told anything."""
        now = desk.room.clock()
        try:
            took = self._step(desk, now)
        except StoreFull as error:
            self.due = self.sweep_due = desk.room.full(error)
            self.window.forget()
            self.poll_after, self.poll_highest, self.sweeping = None, None, False
        except SQLAlchemyError as error:
            self._failed(desk, error, now)
        else:
            if took is not None:
                self.wrong_since = 0.0
                desk.room.trouble.over(UNREACHABLE.code, of=self.mapping.feed)
            return bool(took)
        return False

    def _step(self, desk: Desk, now: float) -> bool | None:
        polls = now >= self.due and bool(self.mapping.records and self.source.modified)
        # What only the hub writes is swept too: a row deleted or altered there must not stay unseen.
        sweeps = self.sweeping or now >= self.sweep_due
        if not polls and not sweeps:
            return None
        if not self.sound or (sweeps and not self.sweeping):
            self.sound = self._sound(desk)
        if not self.sound:
            self.due = self.sweep_due = now + max(self.poll_seconds, RETRY_SECONDS)
            self.sweeping = False
            return False
        if polls and self._poll(desk, now):
            return True
        return self._sweep(desk) if sweeps else False

    def _failed(self, desk: Desk, error: SQLAlchemyError, now: float) -> None:
        feed, kind = self.mapping.feed, type(error).__name__
        self.database.forget(self.source)  # a column may be gone: it is described anew
        self.due = self.sweep_due = now + max(self.poll_seconds, RETRY_SECONDS)
        self.window.forget()
        self.poll_after, self.poll_highest = None, None
        self.sound = self.sweeping = False
        self.wrong_since = self.wrong_since or now
        if now - self.wrong_since >= LASTING_SECONDS:
            desk.room.trouble.note(UNREACHABLE.code, f"{feed}: {kind}", now=now, of=feed)
        desk.findings[UNREACHABLE.code] += 1
        log.warning("source_unreachable", feed=feed, error=kind)

    # -- the table itself -------------------------------------------------------------------------

    def _sound(self, desk: Desk) -> bool:
        """Whether the table has every column that is read; what has changed since the last look is told."""
        feed, name = self.mapping.feed, f"{self.mapping.feed}#columns"
        self.database.forget(self.source)
        columns = self.database.columns(self.source)
        used = {*columns_of(self.mapping)[0], *self.source.key, *filter(None, [self.source.modified])}
        used = {each for each in used if not each.startswith("=")}
        gone = sorted(used - set(columns))
        kept = desk.store.get(POLL, name)
        before = set(json.loads(kept)) if kept is not None else set(columns)
        drift = [f"column_gone /{each}" for each in sorted(before - set(columns))]
        drift += [
            f"column_new /{each}" for each in sorted(set(columns) - before - used - set(self.mapping.ignored))
        ]
        told, table = [], {"table": self.source.table, "columns": list(columns)}
        if gone:
            refusal = Refusal("column_missing", f"/{gone[0]}", ", ".join(gone), ", ".join(columns)[:500])
            told.append(self._told("columns", refusal, table))
        elif drift:
            refusal = Refusal("feed_drift", "/columns", "the columns of the mapping", ", ".join(drift)[:500])
            told.append(self._told("drift", refusal, {**table, "drift": drift}))
        if told:
            desk.keep(feed, told, again=False)
        if not gone and (kept is None or before != set(columns)):
            with desk.store.transaction():
                desk.store.put(POLL, {name: json.dumps(sorted(columns)).encode()})
        return not gone

    def _told(self, what: str, refusal: Refusal, original: dict[str, Any]) -> Outcome:
        type_ = self.mapping.records[-1].type if self.mapping.records else RAW_TYPE
        at = f"{self.source.table}#columns"
        return raw_outcome(
            self.mapping.feed, at, f"{what}:{self.source.table}", type_, refusal, original, self.mapping.zone
        )

    # -- poll -------------------------------------------------------------------------------------

    def _poll(self, desk: Desk, now: float) -> bool:
        """One page of what has changed; the place for the next poll is kept behind the last page."""
        feed, modified = self.mapping.feed, self.source.modified
        kept = desk.store.get(POLL, feed)
        since = place_of(kept.decode()) if kept else None
        page = self.database.poll(self.source, since=since, after=self.poll_after)
        took = self._take(desk, self._unknown(desk, page))
        read = [row for row in page if self.database.is_stamp(self.source, row.cells[modified])]
        stamps = [row.cells[modified] for row in read]
        sound = [stamp for stamp in stamps if not self._is_ahead(stamp)]
        if len(read) < len(page):
            desk.findings["row_stamp_unreadable"] += len(page) - len(read)
        if len(sound) < len(stamps):
            desk.findings["row_ahead_of_time"] += len(stamps) - len(sound)
        known = [each for each in (since, self.poll_highest) if each is not None]
        self.poll_highest = max([*sound, *known], default=None)
        if len(page) == PAGE_ROWS and read:
            # Behind the last whose place in time is known; a page of nothing else is left to the sweep.
            self.poll_after = (read[-1].cells[modified], *self.database.key_of(self.source, read[-1]))
            return True
        if self.poll_highest is not None and self.poll_highest != since:
            with desk.store.transaction():
                desk.store.put(POLL, {feed: place_text(self.poll_highest).encode()})
        self.poll_after, self.poll_highest, self.due = None, None, now + self.poll_seconds
        self.window.end()
        return took > 0

    def _unknown(self, desk: Desk, page: list[Row]) -> list[Row]:
        """The rows of a page that this table did not read just so before; `_take` has taken the others.

        A row that is followed both ways is also looked at again when the hub has decided anything since.
        """
        place = ""
        if self.follower is not None:
            place = "/".join(str(desk.store.cursor(feed).position) for feed in CHAINS)
        return self.window.unknown([(self.database.key_of(self.source, row), row) for row in page], place)

    def _is_ahead(self, stamp: Any) -> bool:
        """Whether a row is dated so far ahead that nothing could be read behind it (a clock, a slip)."""
        if isinstance(stamp, datetime):
            now = datetime.now(UTC) if stamp.tzinfo is not None else self._now()
            return stamp > now + AHEAD
        return isinstance(stamp, date) and stamp > (self._now() + AHEAD).date()

    # -- sweep ------------------------------------------------------------------------------------

    def _sweep(self, desk: Desk) -> bool:
        """One key range of the whole table; what it finds that polling did not is reported."""
        part = self.database.sweep(self.source, after=self.sweep_after)
        if not part:
            self._finish_sweep(desk)
            return False
        self.sweeping = True
        if self.follower is not None:
            self.seen.update(self.follower.key_of(row) for row in part)
        kept = desk.store.get(POLL, self.mapping.feed) if self.source.modified else None
        took = self._take(desk, part)
        self.sweep_after = self.database.key_of(self.source, part[-1])
        if took and kept is not None:
            late = self._late(part, place_of(kept.decode()))
            if late:
                desk.findings["row_outside_window"] += late
                log.warning("row_outside_window", feed=self.mapping.feed, rows=late)
        return took > 0

    def _late(self, rows: Sequence[Row], since: Any) -> int:
        edge = self.database.window(self.source, since)
        stamps = [row.cells[self.source.modified] for row in rows]
        return sum(1 for stamp in stamps if self.database.is_stamp(self.source, stamp) and stamp < edge)

    def _finish_sweep(self, desk: Desk) -> None:
        """A whole sweep is over: what it did not find is told once."""
        if self.follower is not None and (gone := self.follower.missing(self.seen)):
            desk.findings["row_gone"] += gone
        self.sweeping, self.sweep_after = False, None
        self.seen.clear()
        self.sweep_due = desk.room.clock() + self.sweep_seconds

    def _take(self, desk: Desk, rows: list[Row]) -> int:
        took = 0
        batches = iter(rows)
        while batch := list(itertools.islice(batches, BATCH_ROWS)):
            if self.follower is not None:
                followed = [row for row in self.follower.poll(batch) if row.ids]
                desk.took(followed)
                took += len(followed)
                continue
            outcomes = [self._translator.row(row, fallback=row.at) for row in batch]
            took += desk.keep(self.mapping.feed, outcomes, again=False)
        return took
