"""Sessions of the hub's database, each in a thread of its own, that stop where they are told to.

So transactions overlap for real, with the locks that PostgreSQL takes, and still in the order that the
seed decides: one moves at a time, until it is where it should stop or waits for a lock of another one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import psycopg
from django.db import connections

from medloom.exchange.hubstore import PostgresHub
from medloom.kernel.ledger import LOST, SPOILT
from medloom.wire.hub import HubMachine

#: Nothing in a run takes that long, on any machine; after it something hangs.
PATIENCE_S = 120.0
#: A hand that has not come so far may be waiting for a lock: ask.
LOOK_S = 0.02


class Killed(Exception):
    """The database was taken away under this transaction."""


class HeldStore(PostgresHub):
    """A hub's store whose transactions stop twice: when they have begun, and before they commit."""

    def __init__(self, hand: Hand, *, prunable: Callable[[str], dict[str, int]], **given: Any) -> None:
        super().__init__(**given)
        self.hand = hand
        self.prunable = prunable

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            if self.hand.held:
                # The sequencer's horizon stands from here on, long before the transaction has its locks.
                self.cursor.execute("select pg_current_xact_id()").fetchone()
            self.hand.stop("begun")
            yield
            self.cursor.flush()
            self.hand.stop("done")

    def covered(self, site: str) -> dict[str, int]:
        return self.prunable(site)


class Hand:
    """One session: idle, running, or stopped where `state` says."""

    def __init__(self, hands: Hands, given: dict[str, Any]) -> None:
        self.hands = hands
        self.state = "idle"
        self.held = self.killed = False
        self.pid = 0
        self.result: Any = None
        self.error: Exception | None = None
        self.machine = HubMachine(HeldStore(self, **given))
        self.careful = HubMachine(HeldStore(self, careful=True, **given))
        self._work: SimpleQueue[Callable[[HubMachine], Any] | None] = SimpleQueue()
        self._go = threading.Semaphore(0)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    # -- in the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        wrapper = connections["default"]
        wrapper.settings_dict = {**wrapper.settings_dict, **self.hands.database}
        while (work := self._work.get()) is not None:
            try:
                wrapper.ensure_connection()
                self.pid = wrapper.connection.info.backend_pid
                try:
                    self.result, self.error = work(self.machine), None
                except (*LOST, *SPOILT):  # as the hub's door does it
                    self.result, self.error = work(self.careful), None
            except Exception as error:  # told to whoever asked; a run is there to find it
                self.result, self.error = None, error
            self._tell("idle")
        connections.close_all()
        self._tell("gone")

    def _tell(self, state: str) -> None:
        with self.hands.changed:
            self.state = state
            self.hands.changed.notify_all()

    def stop(self, where: str) -> None:
        """Stop here until told to go on, when the work is one that is held."""
        first, self._before = where not in self._before, self._before | {where}
        if self.held and first and not self.killed:
            self._tell(where)
            self._go.acquire()
        if self.killed:
            raise Killed

    # -- from outside --------------------------------------------------------------------------

    def begin(self, work: Callable[[HubMachine], Any], *, held: bool) -> None:
        """Begin some work; with `held` its transaction stops when it has begun, and before it commits."""
        self.held, self.killed, self.state = held, False, "running"
        self._before: frozenset[str] = frozenset()
        self._work.put(work)

    def go(self) -> None:
        """Go on from where it stopped."""
        self.state = "running"
        self._go.release()

    def kill(self) -> None:
        """Take the transaction back, as soon as it can be."""
        self.killed = True
        if self.state in ("begun", "done"):
            self.go()

    def end(self) -> None:
        """Close the session."""
        self.state = "running"
        self._work.put(None)


class Hands:
    """All sessions of one hub. `database`: Django's settings of its database; `link`: to ask who waits."""

    def __init__(self, database: dict[str, Any], given: dict[str, Any]) -> None:
        self.database = database
        self.changed = threading.Condition()
        self.hands: list[Hand] = []
        self._given = given

    def free(self) -> Hand:
        """One that has nothing to do."""
        for hand in self.hands:
            if hand.state == "idle":
                return hand
        self.hands.append(Hand(self, self._given))
        return self.hands[-1]

    def wait(self, link: psycopg.Connection[Any]) -> None:
        """Until every one has stopped somewhere, or waits for a lock that another one holds."""
        until = time.monotonic() + PATIENCE_S
        while True:
            with self.changed:
                if self.changed.wait_for(lambda: not self._running(), LOOK_S):
                    return
                pids = [hand.pid for hand in self._running()]
            ask = "select count(*) from unnest(%s::int[]) p(pid) where cardinality(pg_blocking_pids(pid)) > 0"
            row = link.execute(ask, (pids,)).fetchone()
            if pids and row is not None and row[0] == len(pids) == len(self._running()):
                return
            if time.monotonic() > until:
                raise TimeoutError(f"sessions {pids} neither stop nor wait for a lock")

    def _running(self) -> list[Hand]:
        return [hand for hand in self.hands if hand.state == "running"]

    def all_idle(self) -> bool:
        """Whether nothing is in flight."""
        return all(hand.state == "idle" for hand in self.hands)

    def close(self) -> None:
        """End every session; what is in flight is taken back."""
        for hand in self.hands:
            hand.kill()
        for hand in self.hands:
            hand.end()
        for hand in self.hands:
            hand.thread.join(PATIENCE_S)
        self.hands = []
