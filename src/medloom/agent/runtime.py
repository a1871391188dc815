"""The agent at work: read the plant's systems, speak with the hub, write back. One process, no thread.

Each step does a little of everything, control first, so that a hold reaches the plant within a second
whatever else is queued. Nothing here decides: the machine of `wire` says what to ask, the collector what
is new, the deliverer what may be written.
"""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from medloom.agent.collector import BATCH_ROWS, Collector, Taken
from medloom.agent.declaration import Mapping as Declared
from medloom.agent.following import Follower
from medloom.agent.notes import FILE, POLL
from medloom.agent.sources.folder import Folder
from medloom.agent.sources.rows import Delivery, Row
from medloom.agent.sources.sql import Database, TableSource
from medloom.agent.translate import UNMAPPED, Outcome, Translator, drift_outcome, unmapped_file
from medloom.agent.transport import HubTransport, Pause, Unreachable
from medloom.wire.messages import Page, Reply
from medloom.wire.operation import CONTROL, VOLUME
from medloom.wire.site import SiteMachine
from medloom.wire.stores import Own, SiteStore
from medloom.wire.verdict import Verdict

log = structlog.get_logger(__name__)
#: Requests in one step: between them the plant's systems are looked at again.
REQUESTS_MAX = 20
#: After this long the plant's systems are looked at again, and what arrived is delivered.
SPEAK_SECONDS = 0.25
#: How often control is asked for, as a share of the poll interval.
CONTROL_SHARE = 0.25
#: With more than this many operations unsent, reading waits: the files and tables keep them just as well.
UNSENT_OPERATIONS_MAX = 100_000
#: Shares of the store's quota at which a person is warned, and at which nothing more is taken.
FILL_WARN, FILL_OBSERVATIONS = 0.70, 0.98


@dataclass
class Watched:
    """One folder with its mappings, and the file that is being read."""

    folder: Folder
    mappings: list[Declared]
    reading: Iterator[tuple[str, list[Outcome], bool]] | None = None
    digest: tuple[str, str] | None = None


@dataclass
class Polled:
    """One table with its mapping, and where its poll and its sweep stand."""

    database: Database
    mapping: Declared
    source: TableSource
    poll_seconds: float
    sweep_seconds: float
    follower: Follower | None = None
    due: float = 0.0
    sweep_due: float = 0.0
    sweep_after: tuple[Any, ...] | None = None
    sweeping: bool = True
    seen: set[str] = field(default_factory=set)


@dataclass
class Agent:
    """One agent of one site. `clock` is monotonic seconds, `sleep` waits."""

    store: SiteStore
    machine: SiteMachine
    transport: HubTransport
    collector: Collector
    watched: list[Watched] = field(default_factory=list)
    polled: list[Polled] = field(default_factory=list)
    poll_seconds: float = 1.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    taken: Callable[[list[Taken]], None] = lambda rows: None
    heard: Callable[[Reply], None] = lambda reply: None
    state: dict[str, Any] = field(default_factory=dict)
    findings: Counter[str] = field(default_factory=Counter)
    queued: int = 0
    _pause: Pause = field(default_factory=lambda: Pause(random.Random()))  # noqa: S311 (jitter, no secret)
    _wake: float = 0.0
    _wake_control: float = 0.0
    _quiet_until: float = 0.0

    def run(self, *, stop: Callable[[], bool]) -> None:
        """Work until `stop` says so."""
        while not stop():
            if not self.step():
                self.sleep(0.05)

    def step(self) -> bool:
        """A little of everything; whether there was anything to do."""
        spoke = self.speak()
        read = self.read()
        wrote = self.write_back()
        return spoke or read or wrote

    # -- the hub ------------------------------------------------------------------------------

    def speak(self) -> bool:
        """Ask the hub what the machine wants to know, control first."""
        now = self.clock()
        if now < self._quiet_until:
            return False
        if now >= self._wake:
            self.machine.wake()
            self._wake = now + self.poll_seconds
        if now >= self._wake_control:
            # A hold must reach the plant within a second, whatever else is under way.
            self.machine.wake(CONTROL)
            self._wake_control = now + self.poll_seconds * CONTROL_SHARE
        useful = False
        for _ in range(REQUESTS_MAX):
            ask = self.machine.next_request(clock_s=self.transport.now_s())
            if ask is None:
                return useful
            if useful and self.clock() - now > SPEAK_SECONDS:
                return True
            try:
                reply = self.transport.ask(ask)
            except Unreachable as error:
                wait = self._pause.next_seconds(at_least=error.pause_seconds)
                self._quiet_until = self.clock() + wait
                self.state.update(hub="unreachable", reason=str(error), pause_s=round(wait, 2))
                log.info("hub_unreachable", reason=str(error), pause_s=round(wait, 2))
                return False
            self._pause.end()
            useful = useful or not (isinstance(reply, Page) and not reply.lines)
            self.machine.handle(ask, reply)
            self.heard(reply)
            if self.machine.stopped is not None:
                self.state.update(hub="refused", reason=self.machine.stopped.code)
                log.error("hub_refused", code=self.machine.stopped.code, detail=self.machine.stopped.detail)
                return False
            self.state.update(hub="connected", reason="")
        return True

    # -- the plant ----------------------------------------------------------------------------

    def ready(self) -> bool:
        """Whether rows may be taken: never before a lost store has its snapshot back."""
        return bool(self.store.hub_epoch()) and self.machine.has_state

    def read(self) -> bool:
        """Take one batch of rows from one of the plant's systems."""
        if not self.ready() or self._waiting() or self._full():
            return False
        found = [self._read_folder(each) for each in self.watched]
        found += [self._read_table(each) for each in self.polled]
        return any(found)

    def _full(self) -> bool:
        """Whether the store is so full that nothing more may be taken; what was taken is still sent."""
        fill = getattr(self.store, "fill", None)
        share = fill() if fill is not None else 0.0
        if share >= FILL_WARN:
            self.state.update(store=f"{share:.0%} full")
        if share >= FILL_OBSERVATIONS:
            self.findings["store_full"] += 1
            return True
        return False

    def _waiting(self) -> bool:
        """Whether so much is unsent that reading waits; asked without counting what the store holds."""
        if self.queued and not self.store.unsent(VOLUME, 1)[0]:
            self.queued = 0
        return self.queued > UNSENT_OPERATIONS_MAX

    def _read_folder(self, watched: Watched) -> bool:
        if watched.reading is None:
            watched.reading = self._files(watched)
        batch = next(watched.reading, None)
        if batch is None:
            watched.reading = None
            return False
        feed, outcomes, again = batch
        self._keep(feed, outcomes, again=again)
        return True

    def _files(self, watched: Watched) -> Iterator[tuple[str, list[Outcome], bool]]:
        """Batches of rows of every complete file, in the order of the mappings: masters first."""
        found = list(watched.folder.poll(now=self.clock()))
        for mapping in watched.mappings:
            for delivery in found:
                if mapping.reads(delivery.name) and not mapping.skip:
                    yield from self._file(mapping, delivery)
        for delivery in found:
            if not any(mapping.reads(delivery.name) for mapping in watched.mappings):
                self.findings["file_unmapped"] += 1
                log.warning("file_unmapped", file=delivery.name)
                yield UNMAPPED, [unmapped_file(delivery, watched.mappings)], False

    def _file(self, mapping: Declared, delivery: Delivery) -> Iterator[tuple[str, list[Outcome], bool]]:
        name = f"{mapping.feed}/{delivery.digest}"
        again = self.store.get(FILE, name) is not None
        serials = not delivery.name.lower().endswith(".csv")
        rows = Translator(mapping, serials=serials).file(delivery)
        while batch := list(itertools.islice(rows, BATCH_ROWS)):
            yield mapping.feed, batch, again
        with self.store.transaction():
            self.store.put(FILE, {name: delivery.name.encode()})

    def _read_table(self, polled: Polled) -> bool:
        now = self.clock()
        try:
            if now >= polled.due and polled.mapping.records:
                polled.due = now + polled.poll_seconds
                if self._poll(polled):
                    return True
            if polled.mapping.records and (polled.sweeping or now >= polled.sweep_due):
                return self._sweep(polled)
        except SQLAlchemyError as error:
            polled.due = now + max(polled.poll_seconds, 5.0)
            self.findings["source_unreachable"] += 1
            self.state.update(source=f"{polled.mapping.feed}: {type(error).__name__}")
            log.warning("source_unreachable", feed=polled.mapping.feed, error=type(error).__name__)
        return False

    def _poll(self, polled: Polled) -> bool:
        if not polled.source.modified:
            return False
        kept = self.store.get(POLL, polled.mapping.feed)
        since = datetime.fromisoformat(kept.decode()) if kept else None
        highest, took = since, 0
        rows = polled.database.poll(polled.source, since=since)
        while batch := list(itertools.islice(rows, BATCH_ROWS)):
            took += self._rows(polled, batch)
            stamps = [row.cells[polled.source.modified] for row in batch]
            highest = max([s for s in (highest, *stamps) if s is not None], default=None)
        if highest is not None and highest != since:
            with self.store.transaction():
                self.store.put(POLL, {polled.mapping.feed: highest.isoformat().encode()})
        return took > 0

    def _sweep(self, polled: Polled) -> bool:
        """One key range of the whole table; what it finds that polling did not is reported."""
        part = polled.database.sweep(polled.source, after=polled.sweep_after)
        if not part:
            self._finish_sweep(polled)
            polled.sweep_due = self.clock() + polled.sweep_seconds
            return False
        polled.sweeping = True
        if polled.follower is not None:
            polled.seen.update(polled.follower.key_of(row) for row in part)
        polled.sweep_after = polled.database.key_of(polled.source, part[-1])
        kept = self.store.get(POLL, polled.mapping.feed)
        took = self._rows(polled, part)
        if took and kept and polled.source.modified:
            edge = datetime.fromisoformat(kept.decode()) - polled.source.overlap
            late = sum(1 for row in part if (row.cells[polled.source.modified] or edge) < edge)
            if late:
                self.findings["row_outside_window"] += took
                log.warning("row_outside_window", feed=polled.mapping.feed, rows=took)
        return took > 0

    def _finish_sweep(self, polled: Polled) -> None:
        """A whole sweep is over: what it did not find is told once."""
        if polled.follower is not None:
            gone = polled.follower.missing(polled.seen)
            if gone:
                self.findings["row_gone"] += len(gone)
                self.collector.take(polled.mapping.feed, gone)
        polled.sweeping, polled.sweep_after = False, None
        polled.seen.clear()

    def _rows(self, polled: Polled, rows: list[Row]) -> int:
        if polled.follower is not None:
            followed = polled.follower.poll(rows)
            self.taken([row for row in followed if row.ids])
            return sum(1 for row in followed if row.ids)
        translator = Translator(polled.mapping)
        outcomes = [translator.row(row, fallback=row.at) for row in rows]
        return self._keep(polled.mapping.feed, outcomes, again=False)

    def _keep(self, feed: str, outcomes: list[Outcome], *, again: bool) -> int:
        drift = [drift_outcome(feed, each) for each in outcomes if not each.drafts]
        if drift:
            self.collector.take(feed, drift)
        rows = self.collector.take(feed, [each for each in outcomes if each.drafts], again=again)
        self.findings.update(f.code for outcome in outcomes for f in outcome.findings)
        self.taken(rows)
        self.queued += sum(len(row.ids) for row in rows)
        return sum(1 for row in rows if row.ids)

    # -- writing back -------------------------------------------------------------------------

    def write_back(self) -> bool:
        """Deliver what the hub decided, where this agent may; never from half a snapshot."""
        if not self.machine.may_command or not self.ready():
            return False
        done = 0
        for polled in self.polled:
            if polled.follower is None:
                continue
            try:
                done += polled.follower.deliver()
            except SQLAlchemyError as error:
                self.findings["source_unreachable"] += 1
                log.warning("write_back_failed", feed=polled.mapping.feed, error=type(error).__name__)
        return done > 0

    def close(self) -> None:
        """Give back the store, the connection to the hub and those to the plant."""
        self.transport.close()
        for database in {id(each.database): each.database for each in self.polled}.values():
            database.close()
        close = getattr(self.store, "close", None)
        if close is not None:
            close()

    def settled(self) -> bool:
        """Whether all that was read has been sent, decided (or parked) and come back in the feeds."""
        if not self.ready() or self.machine.behind:
            return False
        return all(_waits(own) for own in self.store.unlined())


def _waits(own: Own) -> bool:
    """Whether the hub has parked it: decided for now, and judged again when what it misses arrives."""
    return own.answer is not None and own.answer.verdict is Verdict.PARKED


def watch(folder: Path, mappings: list[Declared], *, settle_seconds: float) -> Watched:
    """A folder with the mappings that read files."""
    files = [mapping for mapping in mappings if mapping.match.files]
    return Watched(Folder(folder, settle_seconds=settle_seconds), files)


def table_source(mapping: Declared) -> TableSource:
    """The table that a mapping reads."""
    match = mapping.match
    return TableSource(
        table=match.table,
        key=match.primary,
        modified=match.modified,
        schema=match.schema or None,
        overlap=timedelta(minutes=match.overlap_minutes),
    )
