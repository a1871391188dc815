"""The agent at work: read the plant's systems, speak with the hub, write back. One process, no thread.

Each step does a little of everything, control first, so that a hold reaches the plant within a second
whatever else is queued. Nothing here decides: the machine of `wire` says what to ask, the collector what
is new, the deliverer what may be written.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from medloom.agent.collector import BATCH_ROWS, Collector, Taken
from medloom.agent.declaration import Mapping as Declared
from medloom.agent.file import StoreFull
from medloom.agent.hints import Hints
from medloom.agent.listening import Listened
from medloom.agent.notes import FILE
from medloom.agent.plant import Watched
from medloom.agent.polling import Polled
from medloom.agent.room import FULL_SECONDS, Room
from medloom.agent.sources.rows import Delivery
from medloom.agent.translate import UNMAPPED, Outcome, Translator, drift_outcome, unmapped_file
from medloom.agent.transport import HubTransport, Unreachable
from medloom.agent.trouble import REFUSED_SECONDS, Troubles
from medloom.wire.messages import Page, Pull, Reply, Welcome
from medloom.wire.operation import CONTROL, VOLUME
from medloom.wire.site import Ask, SiteMachine
from medloom.wire.stores import Own, SiteStore
from medloom.wire.verdict import Verdict

log = structlog.get_logger(__name__)
#: Requests in one step: between them the plant's systems are looked at again.
REQUESTS_MAX = 20
#: After this long the plant's systems are looked at again, and what arrived is delivered.
SPEAK_SECONDS = 0.25
#: How often control is asked for, as a share of the poll interval.
CONTROL_SHARE = 0.25
#: While the hub's hints are heard, polling only makes up for a lost one.
HEARD_FACTOR = 4
#: With more than this many operations unsent, reading waits: the files and tables keep them just as well.
UNSENT_OPERATIONS_MAX = 100_000


@dataclass
class Agent:
    """One agent of one site. `clock` is monotonic seconds, `sleep` waits."""

    store: SiteStore
    machine: SiteMachine
    transport: HubTransport
    collector: Collector
    watched: list[Watched] = field(default_factory=list)
    polled: list[Polled] = field(default_factory=list)
    listened: list[Listened] = field(default_factory=list)
    poll_seconds: float = 1.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    taken: Callable[[list[Taken]], None] = lambda rows: None
    heard: Callable[[Reply], None] = lambda reply: None
    state: dict[str, Any] = field(default_factory=dict)
    findings: Counter[str] = field(default_factory=Counter)
    queued: int = 0
    trouble: Troubles = field(default_factory=Troubles)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    hints: Hints | None = None
    _wake: float = 0.0
    _wake_control: float = 0.0
    _quiet_until: float = 0.0

    def __post_init__(self) -> None:
        self.room = Room(self.store, self.trouble, lambda: self.clock())  # noqa: PLW0108 (tests set the clock later)

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
        if self.trouble.any():
            self.alarms = self.trouble.alarms(self.clock())
        return spoke or read or wrote

    # -- the hub ------------------------------------------------------------------------------

    def speak(self) -> bool:
        """Ask the hub what the machine wants to know, control first."""
        now = self.clock()
        if now < self._quiet_until:
            return False
        if self.machine.stopped is not None:
            # A person may have mended it at the hub; everything is kept, so asking again costs nothing.
            self.machine.stopped = None
            self.machine.close()
        self._wake_machine(now)
        useful = False
        for _ in range(REQUESTS_MAX):
            ask = self.machine.next_request(clock_s=self.transport.now_s(), pushes=self.trouble.may_push(now))
            if ask is None:
                return useful
            if useful and self.clock() - now > SPEAK_SECONDS:
                return True
            try:
                reply = self._carry(ask)
            except Unreachable as error:
                if self._unanswered(ask, error):
                    return useful
                continue
            except StoreFull as error:
                # Rolled back whole: the same is asked again, nothing is lost.
                self._quiet_until = self.room.full(error, where="hub")
                return useful
            useful = useful or not (isinstance(reply, Page) and not reply.lines)
            self.heard(reply)
            if self.machine.stopped is not None:
                self._refused()
                return False
            self.trouble.over("hub_refused")
            self.state.update(hub="failing" if self.trouble.pushes.tries else "connected", reason="")
        return True

    def _wake_machine(self, now: float) -> None:
        """Let it ask for news: of what the hub hinted at, and of everything from time to time."""
        poll_seconds = self.poll_seconds
        if self.hints is not None:
            hinted = self.hints.take()
            if hinted:
                self.machine.wake(*hinted)
            poll_seconds *= HEARD_FACTOR if self.hints.alive else 1
        if now >= self._wake:
            self.machine.wake()
            self._wake = now + poll_seconds
        if now >= self._wake_control:
            # A hold must reach the plant within a second, whatever else is under way.
            self.machine.wake(CONTROL)
            self._wake_control = now + poll_seconds * CONTROL_SHARE

    def _carry(self, ask: Ask) -> Reply:
        """One request there, its answer taken in; the hub hears on the way what is wrong here."""
        untold = self.trouble.untold() if isinstance(ask, Pull) else {}
        sent = msgspec.structs.replace(ask, alarms=untold) if isinstance(ask, Pull) and untold else ask
        reply = self.transport.ask(sent)
        self.trouble.answered(ask)
        self.machine.handle(ask, reply)
        self.room.found("hub")
        if isinstance(reply, Page):
            self.trouble.told(untold)
        if isinstance(reply, Welcome) and self.hints is not None:
            self.hints.follow(self.transport.hints_place, reply.token)
        return reply

    def _unanswered(self, ask: Ask, error: Unreachable) -> bool:
        """Note a request without answer; whether the hub is left alone now, or only pushes to it."""
        wait = self.trouble.failed(ask, error, now=self.clock())
        self.state.update(hub="failing" if error.status else "unreachable", reason=str(error))
        self.state.update(pause_s=round(wait, 2))
        log.info("hub_unreachable", reason=str(error), pause_s=round(wait, 2))
        if self.trouble.hub.tries:
            self._quiet_until = self.clock() + wait
        return bool(self.trouble.hub.tries)

    def _refused(self) -> None:
        """The hub said no to something that only a person can mend: told, and asked again later."""
        assert self.machine.stopped is not None
        code, detail = self.machine.stopped.code, self.machine.stopped.detail
        self._quiet_until = self.clock() + REFUSED_SECONDS
        self.state.update(hub="refused", reason=code)
        self.trouble.note("hub_refused", f"{code}: {detail}", now=self.clock())
        log.error("hub_refused", code=code, detail=detail)

    # -- the plant ----------------------------------------------------------------------------

    def ready(self) -> bool:
        """Whether rows may be taken: never before a lost store has its snapshot back."""
        return bool(self.store.hub_epoch()) and self.machine.has_state

    def read(self) -> bool:
        """Take a little from each of the plant's systems.

        Files and tables wait while too much is unsent: they keep their rows. A machine keeps nothing.
        """
        if not self.ready() or not self.room.for_facts():
            return False
        found = [each.step(self.store, self.collector, self.took, self.room) for each in self.listened]
        if not self._waiting():
            found += [self._read_folder(each) for each in self.watched]
            found += [each.step(self) for each in self.polled]
        if not self.room.full_until:
            self.room.found("plant")
        return any(found)

    def _waiting(self) -> bool:
        """Whether so much is unsent that reading waits; asked without counting what the store holds."""
        if self.queued and not self.store.unsent(VOLUME, 1)[0]:
            self.queued = 0
        return self.queued > UNSENT_OPERATIONS_MAX

    def _read_folder(self, watched: Watched) -> bool:
        if watched.reading is None:
            if watched.due and self.clock() < watched.due:
                return False
            watched.reading, watched.due = self._files(watched), 0.0
        batch = next(watched.reading, None)
        if batch is None:
            watched.reading = None
            return False
        feed, outcomes, again = batch
        try:
            self.keep(feed, outcomes, again=again)
        except StoreFull as error:
            watched.put_off(until=self.room.full(error))
            return False
        return True

    def _files(self, watched: Watched) -> Iterator[tuple[str, list[Outcome], bool]]:
        """Batches of rows of every complete file, in the order of the mappings: masters first."""
        found = list(watched.folder.poll(now=self.clock()))
        left = [(m, d) for m in watched.mappings for d in found if m.reads(d.name) and not m.skip]
        # A file that several mappings read, sheet by sheet, and that nobody can open is refused once.
        opened = {d.digest: m for m, d in reversed(left) if d.refusal is not None}
        left = [(m, d) for m, d in left if opened.get(d.digest, m) is m]
        put_off = []
        try:
            while left:
                mapping, delivery = left[0]
                if not mapping.observes and not self.room.for_edits():
                    put_off.append(delivery)
                else:
                    yield from self._file(mapping, delivery)
                left.pop(0)
            for delivery in found:
                if not any(mapping.reads(delivery.name) for mapping in watched.mappings):
                    if filled := watched.recognise(delivery):
                        yield from self._rows_of(filled.mapping, delivery, filled.outcomes())
                        continue
                    self.findings["file_unmapped"] += 1
                    log.warning("file_unmapped", file=delivery.name)
                    yield UNMAPPED, [unmapped_file(delivery, watched.mappings)], False
        finally:
            # Whatever ended this: what was not read to its end is given again.
            for delivery in (*put_off, *(each for _, each in left)):
                watched.folder.give_again(delivery.name)
            if put_off:
                watched.due = self.clock() + FULL_SECONDS

    def _file(self, mapping: Declared, delivery: Delivery) -> Iterator[tuple[str, list[Outcome], bool]]:
        translator = Translator(mapping, serials=not delivery.name.lower().endswith(".csv"))
        if (unread := self.collector.unread).waits_in(mapping.feed, delivery.name):
            rows = translator.file(delivery)
            refused = {each.drafts[0].source.key for each in rows if each.refusal is not None}
            unread.arrives(mapping.feed, delivery.name, refused)
        yield from self._rows_of(mapping, delivery, translator.file(delivery))

    def _rows_of(
        self, mapping: Declared, delivery: Delivery, rows: Iterator[Outcome]
    ) -> Iterator[tuple[str, list[Outcome], bool]]:
        name = f"{mapping.feed}/{delivery.digest}"
        again = self.store.get(FILE, name) is not None
        while batch := list(itertools.islice(rows, BATCH_ROWS)):
            yield mapping.feed, batch, again
        with self.store.transaction():
            self.store.put(FILE, {name: delivery.name.encode()})

    def keep(self, feed: str, outcomes: list[Outcome], *, again: bool) -> int:
        """Take rows; how many of them said anything new."""
        drift = [drift_outcome(feed, each) for each in outcomes if not each.drafts]
        if drift:
            self.collector.take(feed, drift)
        rows = self.collector.take(feed, [each for each in outcomes if each.drafts], again=again)
        self.findings.update(f.code for outcome in outcomes for f in outcome.findings)
        self.took(rows)
        return sum(1 for row in rows if row.ids)

    def took(self, rows: list[Taken]) -> None:
        """Count rows that were taken."""
        self.taken(rows)
        self.queued += sum(len(row.ids) for row in rows)

    # -- writing back -------------------------------------------------------------------------

    def write_back(self) -> bool:
        """Deliver what the hub decided, where this agent may; never from half a snapshot."""
        if not self.machine.may_command or not self.ready():
            return False
        done = 0
        for polled in self.polled:
            if polled.follower is None:
                continue
            if self.room.full_until:
                break
            try:
                done += polled.follower.deliver()
            except StoreFull as error:
                self.room.full(error)
            except SQLAlchemyError as error:
                self.findings["source_unreachable"] += 1
                log.warning("write_back_failed", feed=polled.mapping.feed, error=type(error).__name__)
        return done > 0

    def close(self) -> None:
        """Give back the store, the connection to the hub and those to the plant."""
        if self.hints is not None:
            self.hints.close()
        self.transport.close()
        for source in (*self.listened, *{id(each.database): each.database for each in self.polled}.values()):
            source.close()
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
