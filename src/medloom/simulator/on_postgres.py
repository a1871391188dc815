"""The same runs with the hub on a real PostgreSQL: its door, its feeds, its sequencer, its locks."""

from __future__ import annotations

import time
import traceback
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any

import psycopg

from medloom import hub
from medloom.exchange.hubstore import PostgresHub
from medloom.exchange.sequencer import OutOfOrder, Sequencer
from medloom.kernel import ledger
from medloom.kernel.ruling import Wiring
from medloom.process import state
from medloom.process.testing import Bench
from medloom.simulator.hands import PATIENCE_S, Hand, Hands, Killed
from medloom.simulator.house import HOUSE, KNOWN, LATER
from medloom.simulator.hub_actor import EPOCH_S, HubActor
from medloom.simulator.ledger_view import LedgerView
from medloom.simulator.objects import object_id
from medloom.simulator.run import SITES, Outcome, Parts, Run
from medloom.simulator.scenario import Scenario, draw
from medloom.simulator.site_actor import AT
from medloom.simulator.world import World
from medloom.wire import canonical
from medloom.wire.hub import Fresh, HubMachine
from medloom.wire.judge import HQ
from medloom.wire.messages import HandBack, Hello, Pull, Refused, Reply, SnapshotPull
from medloom.wire.operation import Kind, Operation
from medloom.wire.session import SiteSession, choose
from medloom.wire.site import Ask, PushBody

#: Steps of an agent in one run, about.
STEPS = 25


@dataclass(eq=False)
class _Work:
    """One transaction on its way, and who hears of it."""

    hand: Hand
    answers: Callable[[Any], None]
    committing: bool = False


def _wiring(cursor: Any) -> Wiring:
    return replace(hub.wiring(), sites=SITES)


class PostgresActor(HubActor):
    """One hub on one database of the bench; a backup is a copy of that database."""

    bench: Bench

    def __init__(self, world: World, keys: dict[str, bytes]) -> None:
        self.world = world
        self.keys = keys
        self.broken: list[str] = []
        self.kept = Bench(self.bench.state, f"{self.bench.name}_kept")
        self.prunable: dict[str, dict[str, int]] = {}
        self._works: list[_Work] = []
        self._life = 0
        self._calm = self._backed_up = False
        given = {
            "wiring": _wiring,
            "keys": lambda site: (keys[site],),
            "prunable": lambda site: self.prunable.get(site, {}),
        }
        database = state.database("app", self.bench.state) | {"NAME": self.bench.name}
        # Held as long as the seed says, however slow the machine is.
        database["OPTIONS"]["options"] += " -c idle_in_transaction_session_timeout=600000"
        self._hands = Hands(database, given)
        self.bench.create()
        self._open()
        self._do(self._found)
        self.world.at(world.scenario.horizon_s / 2, lambda: self._items(LATER))

    # -- the database ------------------------------------------------------------------------

    def _connect(self, role: str) -> psycopg.Connection[Any]:
        found = state.connection(role, self.bench.state) | {"dbname": self.bench.name}
        return psycopg.connect(**found, autocommit=True)  # type: ignore[arg-type]

    def _open(self) -> None:
        ledger.forget()
        self._eyes = self._connect("owner")
        self.store = LedgerView(self._eyes, lambda: self._works, self._save)  # type: ignore[assignment]
        self._sequencer = Sequencer(self._connect("sequencer"))
        self._sequencer.load()

    def close(self) -> None:
        """End every connection; what is in flight is taken back."""
        self._hands.close()
        self._eyes.close()
        self._sequencer.connection.close()

    def drop(self) -> None:
        """End every connection and remove the databases."""
        self.close()
        self.kept.drop()
        self.bench.drop()

    def _found(self, machine: HubMachine) -> None:
        store = machine.store
        with store.transaction():
            store.hub()
            for site in self.keys:
                store.save_session(SiteSession(site))
        self._put_items(KNOWN, machine)

    def _items(self, number: str) -> None:
        """The registrant enters an item of each plant, at its page."""
        self._begin(partial(self._put_items, number), lambda reply: None, held=True)

    def _put_items(self, number: str, machine: HubMachine) -> None:
        made = [
            Operation(
                id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{number}{site}")),
                type="item",
                object=object_id("item", site, number),
                kind=Kind.SET,
                fields={"number": number},
                at=AT,
                actor="registrant",
                site=site,
            )
            for site in SITES
        ]
        self._append([canonical.encode_operation(each) for each in made], machine)

    def _append(self, raws: list[bytes], machine: HubMachine) -> None:
        store = machine.store
        assert isinstance(store, PostgresHub)
        with store.transaction():
            received = [ledger.own(canonical.decode_operation(raw)) for raw in raws]
            ledger.append(
                received, author=HQ, wiring=_wiring(store.cursor), cursor=store.cursor, careful=store.careful
            )

    # -- transactions ------------------------------------------------------------------------

    def receive(self, site: str, ask: Ask, answers: Callable[[Reply], None]) -> None:
        self._begin(partial(self._ask, site, ask), answers, held=isinstance(ask, PushBody | HandBack | Hello))

    def post(self, raw: bytes, *objects: str) -> None:
        self._begin(partial(self._append, [raw]), lambda reply: None, held=True)

    def answer(self, site: str, ask: Ask) -> Reply:
        reply: Reply = self._do(partial(self._ask, site, ask))
        return reply

    def _ask(self, site: str, ask: Ask, machine: HubMachine) -> Reply:
        now_s = EPOCH_S + int(self.world.now_s)
        match ask:
            case Hello():
                fresh = Fresh(self.world.mint(), self.world.mint(), self.world.mint())
                return machine.hello(ask, now_s=now_s, fresh=fresh)
            case PushBody():
                return machine.push(ask.token, ask.body, site=site)
            case Pull():
                return machine.pull(ask, site=site, now_s=now_s)
            case HandBack():
                return machine.hand_back(ask, site=site)
            case SnapshotPull():
                return machine.snapshot(ask, site=site)
        return Refused("unknown")

    def _save(self, row: SiteSession) -> None:
        def save(machine: HubMachine) -> None:
            with machine.store.transaction():
                kept = machine.store.session(row.site, for_update=True)
                if kept is not None:
                    machine.store.save_session(choose(kept, row.chosen))

        self._begin(save, lambda reply: None, held=False)

    def _do(self, work: Callable[[HubMachine], Any]) -> Any:
        """Something at once, while nothing else is in flight."""
        found: list[Any] = []
        self._begin(work, found.append, held=False)
        assert found, self.broken[-1:] or "it waits for another transaction"
        return found[0]

    def _begin(self, does: Any, answers: Any, *, held: bool) -> None:  # type: ignore[override]
        hand = self._hands.free()
        work = _Work(hand, answers)
        self._works.append(work)
        hand.begin(does, held=held)
        self._look()
        if hand.state == "begun":
            # Between its first statement and its locks a transaction takes its time: others get ahead.
            bad = self.world.scenario
            slow = bad.slow_transactions and self.world.chance(0.2)
            takes_s = self.world.after(bad.step_s / (2 if slow else 100))
            self.world.at(takes_s, partial(self._go, work, self._life))

    def _go(self, work: _Work, life: int) -> None:
        if life == self._life and work.hand.state in ("begun", "done"):
            work.hand.go()
            self._look()

    def _look(self) -> None:
        """Wait until all stand still; hear those that ended, and let those commit soon that may."""
        self._hands.wait(self._eyes)
        bad = self.world.scenario
        for work in list(self._works):
            if work.hand.state == "idle" and work in self._works:
                self._works.remove(work)
                self._hear(work)
            elif work.hand.state == "done" and not work.committing:
                work.committing = True
                slow = bad.slow_transactions and self.world.chance(0.1)
                takes_s = self.world.after(bad.step_s / (2 if slow else 200))
                self.world.at(takes_s, partial(self._go, work, self._life))

    def _hear(self, work: _Work) -> None:
        error = work.hand.error
        if error is None:
            work.answers(work.hand.result)
        elif not isinstance(error, Killed | ledger.Busy):
            self.broken.append(repr(error))

    def sequence(self) -> None:
        try:
            self._sequencer.round()
            until = time.monotonic() + PATIENCE_S
            while self._calm and self.store._unsequenced:
                # Any other transaction of the server holds the horizon back, a vacuum's too.
                self._sequencer.round()
                if time.monotonic() > until:
                    raise TimeoutError("something holds the sequencer back")
        except OutOfOrder as error:
            self.broken.append(str(error))

    def settle(self) -> None:
        while self._works:
            for work in list(self._works):
                work.answers = lambda reply: None
                self._go(work, self._life)
        self._calm = True
        self.sequence()

    # -- backups -----------------------------------------------------------------------------

    def back_up(self, *, prunes: bool) -> None:
        if self._works:
            self.world.at(self.world.scenario.step_s / 50, lambda: self.back_up(prunes=prunes))
            return
        ends = {site: {feed: self.store.feed_end(site, feed).position for feed in "cv"} for site in self.keys}
        self.close()
        self.kept.create(template=self.bench.name)
        self._backed_up = True
        self._open()
        if prunes:
            self.prunable = ends

    def restore(self, *, told: bool) -> bool:
        if not self._backed_up:
            return False
        self._life += 1
        while self._works:
            for work in self._works:
                work.hand.kill()
            self._look()
        self.close()
        self.bench.create(template=self.kept.name)
        self.prunable = {}
        self._open()
        self._eyes.execute("delete from alarm")
        if told:
            self._do(self._restored)
        return True

    def _restored(self, machine: HubMachine) -> bool:
        with machine.store.transaction():
            machine.store.begin_epoch(self.world.mint(), since=self.store.seq)
        return True


def parts(bench: Bench) -> Parts:
    """A simulator whose hub keeps its ledger in a database of that bench."""

    class BenchActor(PostgresActor):
        pass

    BenchActor.bench = Bench(bench.state, f"{bench.name}_hub")
    return Parts(hub=BenchActor, business=HOUSE)


def scenario_of(seed: int) -> Scenario:
    """The faults of that seed, with fewer people and steps: each costs round trips to a real database.

    Agents speak as often as in memory, since a clone is found only while both are heard. Without an agent
    of the registrant: the house sends each entry to its own site and its author, so such an agent follows
    its own objects only.
    """
    drawn = draw(Random(seed ^ 0x5EED))  # noqa: S311 (a simulation, no secret)
    horizon_s = drawn.horizon_s * STEPS / drawn.steps
    return replace(drawn, horizon_s=horizon_s, hq_agent=False, steps=STEPS, edits=9, events=12)


def run(seed: int, bench: Bench, scenario: Scenario | None = None) -> Outcome:
    """One seed on that bench's server; an exception inside the machines is a violation too."""
    built = Run(seed, scenario or scenario_of(seed), parts(bench))
    try:
        return built.outcome()
    except Exception as error:  # whatever breaks in a run is what the run is for
        where = traceback.format_exc(limit=-3)
        return Outcome(seed, built.scenario, [f"exception: {error!r}\n{where}"], 0, Counter(), 0.0)
    finally:
        assert isinstance(built.hub, PostgresActor)
        built.hub.drop()
