"""The hub at work: transactions that overlap, a sequencer that lags, backups and restores."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from medloom.simulator.objects import RULES, SHEETS
from medloom.simulator.world import World
from medloom.wire.hub import Fresh, HubMachine
from medloom.wire.memory_hub import MemoryHub, SequenceBroken
from medloom.wire.messages import HandBack, Hello, Pull, Refused, Reply, SnapshotPull
from medloom.wire.site import Ask, PushBody

#: The hub's clock when a run begins, seconds since 1970.
EPOCH_S = 1_750_000_000
_OBJECT = re.compile(rb'"(?:object|lot)":"([0-9a-f-]{36})"')


class SimulatedStore(MemoryHub):
    """The hub's store, with backups that may cover what sites prune."""

    def __init__(self, *, keys: dict[str, bytes], epoch: str) -> None:
        super().__init__(sheets=SHEETS, keys=keys, epoch=epoch, rules=RULES)
        self.prunable: dict[str, dict[str, int]] = {}
        self.reserved: deque[int] = deque()

    def covered(self, site: str) -> dict[str, int]:
        return self.prunable.get(site, {})

    def draw(self) -> int:
        return self.reserved.popleft() if self.reserved else super().draw()


@dataclass
class _Work:
    """One transaction: what it locks, and what it does once it has the locks."""

    xid: int
    locks: frozenset[str]
    session: str
    exclusive: bool
    does: Callable[[], Reply | None]
    answers: Callable[[Reply], None]
    reserved: list[int] = field(default_factory=list)

    def waits_for(self, other: _Work) -> bool:
        """Whether the other one, in flight, holds something this one needs."""
        shared = self.session == other.session and bool(self.session)
        return bool(self.locks & other.locks) or (shared and (self.exclusive or other.exclusive))


class HubActor:
    """One hub: its store is replaced when it is restored, its machine has no state."""

    #: Replaced by an ablation; see `ablations`.
    machine_class: type[HubMachine] = HubMachine
    store_class: type[SimulatedStore] = SimulatedStore
    numbers_before_locks = False

    def __init__(self, world: World, keys: dict[str, bytes]) -> None:
        self.world = world
        self.store = self.store_class(keys=keys, epoch=world.mint())
        self.machine = self.machine_class(self.store)
        self.broken: list[str] = []
        self.backup: SimulatedStore | None = None
        self._flying: list[_Work] = []
        self._waiting: list[_Work] = []
        self._life = 0
        self._preparing: list[_Work] = []

    # -- transactions ------------------------------------------------------------------------

    def receive(self, site: str, ask: Ask, answers: Callable[[Reply], None]) -> None:
        """A request arrived; `answers` is called after the commit."""
        match ask:
            case PushBody():
                locks = frozenset(each.decode() for each in _OBJECT.findall(ask.body))
                self._begin(locks, site, False, lambda: self.answer(site, ask), answers, ask.count)
            case HandBack():
                locks = frozenset(line.object for line in ask.lines)
                self._begin(locks, site, True, lambda: self.answer(site, ask), answers, 0)
            case Hello():
                self._begin(frozenset(), site, True, lambda: self.answer(site, ask), answers, 0)
            case _:
                answers(self.answer(site, ask))

    def post(self, raw: bytes, *objects: str) -> None:
        """A person at a page."""
        self._begin(frozenset(objects), "", False, lambda: self._post(raw), lambda reply: None, 1)

    def _post(self, raw: bytes) -> None:
        self.store.post([raw])

    def answer(self, site: str, ask: Ask) -> Reply:
        """What the machine says, at once."""
        now_s = EPOCH_S + int(self.world.now_s)
        match ask:
            case Hello():
                fresh = Fresh(self.world.mint(), self.world.mint(), self.world.mint())
                return self.machine.hello(ask, now_s=now_s, fresh=fresh)
            case PushBody():
                return self.machine.push(ask.token, ask.body, site=site)
            case Pull():
                return self.machine.pull(ask, site=site, now_s=now_s)
            case HandBack():
                return self.machine.hand_back(ask, site=site)
            case SnapshotPull():
                return self.machine.snapshot(ask, site=site)
        return Refused("unknown")

    def _begin(
        self,
        locks: frozenset[str],
        session: str,
        exclusive: bool,
        does: Callable[[], Reply | None],
        answers: Callable[[Reply], None],
        count: int,
    ) -> None:
        xid = self.store.begin()
        self.store.open.add(xid)
        work = _Work(xid, locks, session, exclusive, does, answers)
        if self.numbers_before_locks:
            work.reserved = [self.store.draw() for _ in range(count)]
        # Between its first statement and its locks a transaction takes its time: others get ahead.
        bad = self.world.scenario
        slow = bad.slow_transactions and self.world.chance(0.2)
        self._preparing.append(work)
        takes_s = self.world.after(bad.step_s / (2 if slow else 100))
        self.world.at(takes_s, partial(self._queue, work, self._life))

    def _queue(self, work: _Work, life: int) -> None:
        if life == self._life and work in self._preparing:
            self._preparing.remove(work)
            self._waiting.append(work)
            self._start()

    def _start(self) -> None:
        """Let every transaction begin that waits for no other; earlier ones first."""
        for work in list(self._waiting):
            if work.locks:
                # What is parked may be judged again by any transaction that changes something.
                work.locks |= {entry.object for entry in self.store.parked.values()}
            ahead = self._waiting[: self._waiting.index(work)]
            if any(work.waits_for(other) for other in (*self._flying, *ahead)):
                continue
            self._waiting.remove(work)
            self._flying.append(work)
            self.store.writing = work.xid
            self.store.reserved = deque(work.reserved)
            reply = work.does()
            self.store.writing = 0
            self.store.reserved = deque()
            slow = self.world.scenario.slow_transactions and self.world.chance(0.1)
            takes_s = self.world.after(self.world.scenario.step_s / (2 if slow else 200))
            self.world.at(takes_s, partial(self._commit, work, reply, self._life))

    def _commit(self, work: _Work, reply: Reply | None, life: int) -> None:
        if life != self._life:
            return
        self._flying.remove(work)
        self.store.open.discard(work.xid)
        if reply is not None:
            work.answers(reply)
        self._start()

    def sequence(self) -> None:
        """One round of the sequencer; a broken order stops it and is found."""
        try:
            self.store.sequence()
        except SequenceBroken as error:
            self.broken.append(str(error))

    def settle(self) -> None:
        """Let everything in flight end now."""
        for work in list(self._preparing):
            self._queue(work, self._life)
        while self._flying or self._waiting:
            for work in list(self._flying):
                self._commit(work, None, self._life)
        self.sequence()

    # -- backups -----------------------------------------------------------------------------

    def back_up(self, *, prunes: bool) -> None:
        """Keep a copy, as soon as nothing is in flight; with `prunes` it counts as verified."""
        if self._flying or self._waiting or self._preparing:
            self.world.at(self.world.scenario.step_s / 50, lambda: self.back_up(prunes=prunes))
            return
        copy = self.store.copy()
        assert isinstance(copy, SimulatedStore)
        self.backup = copy
        if prunes:
            for (site, feed), lines in self.store.feeds.items():
                self.store.prunable.setdefault(site, {})[feed] = len(lines)

    def restore(self, *, told: bool) -> bool:
        """Put the backup in the store's place; everything in flight dies. `told`: by its operator."""
        if self.backup is None:
            return False
        self._life += 1
        self._flying, self._waiting, self._preparing = [], [], []
        copy = self.backup.copy()
        assert isinstance(copy, SimulatedStore)
        self.store = copy
        self.store.alarms = []
        if told:
            self.store.begin_epoch(self.world.mint(), since=self.store.seq)
        self.machine = self.machine_class(self.store)
        return True
