"""One run: a seed, a scenario, an outcome."""

from __future__ import annotations

import copy
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.simulator.business import SYNTHETIC, Business
from medloom.simulator.hub_actor import HubActor
from medloom.simulator.intents import Intents
from medloom.simulator.oracle import Explained, violations
from medloom.simulator.people import PlantPeople, Registrant
from medloom.simulator.scenario import DAY_S, Scenario, draw
from medloom.simulator.site_actor import Plant, SiteActor
from medloom.simulator.world import World
from medloom.wire.session import CLONE_WINDOW_S, choose

SITES = ("A", "B")
ROUNDS_MAX = 14
_KEYS = {site: Ed25519PrivateKey.from_private_bytes(site.encode().ljust(32)) for site in (*SITES, "HQ")}
_PUBLIC = {site: key.public_key().public_bytes_raw() for site, key in _KEYS.items()}


@dataclass(frozen=True)
class Parts:
    """The classes a run is built from; an ablation replaces one."""

    hub: type[HubActor] = HubActor
    site: type[SiteActor] = SiteActor
    business: Business = SYNTHETIC


@dataclass
class Outcome:
    """What a run found."""

    seed: int
    scenario: Scenario
    violations: list[str]
    entries: int
    verdicts: Counter[str]
    seconds: float
    alarms: list[str] = field(default_factory=list)
    excused: int = 0

    @property
    def survived(self) -> bool:
        """Whether every promise was kept."""
        return not self.violations


class Run:
    """One seed from its first order to rest."""

    def __init__(self, seed: int, scenario: Scenario | None = None, parts: Parts = Parts()) -> None:
        self.seed = seed
        self.parts = parts
        self.scenario = scenario or draw(Random(seed ^ 0x5EED))  # noqa: S311
        self.world = World(seed, self.scenario, parts.business)
        self.intents = Intents()
        self.hub = parts.hub(self.world, dict(_PUBLIC))
        self.plants = {site: Plant(site) for site in SITES}
        self.people = {
            site: PlantPeople(self.world, plant, self.intents) for site, plant in self.plants.items()
        }
        self.registrant = Registrant(self.world, self.hub, self.intents, list(SITES))
        self.actors: list[SiteActor] = [self._actor(plant).start() for plant in self.plants.values()]
        if self.scenario.hq_agent:
            self.actors.append(self._actor(Plant("HQ")).start())
        self.clone = self.hot_clone = self.rolled_back = self.both_heard = False

    def _actor(self, plant: Plant, like: SiteActor | None = None) -> SiteActor:
        store = like.store.copy() if like is not None else None
        return self.parts.site(self.world, self.hub, plant, self.intents, _KEYS[plant.site], store)

    # -- what happens --------------------------------------------------------------------------

    def prepare(self) -> None:
        """Put work and disasters on the agenda."""
        random, bad, end_s = self.world.random, self.scenario, self.scenario.horizon_s
        for site in SITES:
            for _ in range(2):
                self.registrant.order(site)
        for site, people in self.people.items():
            for _ in range(bad.edits):
                self.world.at(random.random() * end_s, people.edit)
            for _ in range(bad.events):
                self.world.at(random.random() * end_s, people.event)
            for _ in range(4):
                self.world.at(random.random() * end_s, partial(self._by_hand, site))
        for _ in range(2 * bad.edits):
            self.world.at(random.random() * end_s, self.registrant.act)
        self._sequencer()
        self._disasters(end_s)

    def _by_hand(self, site: str) -> None:
        self.people[site].write_by_hand(self.live(site))

    def live(self, site: str) -> SiteActor:
        """The agent that people of the site use."""
        return next(actor for actor in reversed(self.actors) if actor.site == site)

    def _sequencer(self) -> None:
        self.hub.sequence()
        wait_s = self.world.after(self.scenario.step_s / 5)
        if self.scenario.sequencer_lags and self.world.chance(0.05):
            wait_s += self.scenario.horizon_s * 0.15
        self.world.at(wait_s, self._sequencer)

    def _disasters(self, end_s: float) -> None:
        random, bad = self.world.random, self.scenario
        site = random.choice(SITES)
        if bad.offline:
            start_s = random.random() * end_s * 0.5
            self.world.at(start_s, partial(self._offline, random.choice(SITES), end_s * 0.5))
        if bad.clock_jumps:
            for _ in range(4):
                self.world.at(random.random() * end_s, self._clock)
        if bad.site_restore:
            start_s = end_s * (0.1 + random.random() * 0.4)
            self.world.at(start_s, partial(self._back_up_site, site, end_s * (0.05 + random.random() * 0.3)))
        if bad.store_lost:
            self.world.at(end_s * random.random(), partial(self._lose_store, random.choice(SITES)))
        if bad.clone:
            self.world.at(
                end_s * (0.2 + random.random() * 0.5), partial(self._clone, site, bad.clone == "hot")
            )
        if bad.hub_restore:
            start_s = end_s * (0.1 + random.random() * 0.5)
            self.world.at(start_s, lambda: self.hub.back_up(prunes=bad.prunes))
            wait_s = end_s * (0.02 + random.random() * 0.3)
            self.world.at(start_s + wait_s, partial(self._restore_hub, bad.hub_restore == "told"))

    def _offline(self, site: str, for_s: float) -> None:
        for actor in self.actors:
            if actor.site == site:
                actor.online = False
        self.world.at(for_s, partial(self._online, site))

    def _online(self, site: str) -> None:
        for actor in self.actors:
            if actor.site == site:
                actor.online = True

    def _clock(self) -> None:
        actor = self.world.random.choice(self.actors)
        actor.clock_off_s = int(self.world.random.uniform(-40, 40) * DAY_S)

    def _back_up_site(self, site: str, later_s: float) -> None:
        kept = self.live(site).store.copy()

        def restore() -> None:
            # Just after a push has left: what dies with the process is then still in the network.
            for _ in range(2):
                self._by_hand(site)
            self.live(site).push_hook = lambda: self._restore_site(site, kept)

        self.world.at(later_s, restore)

    def _restore_site(self, site: str, kept: object) -> None:
        old = self.live(site)
        if not old.alive:
            return
        old.die()
        fresh = self.parts.site(
            self.world,
            self.hub,
            self.plants[site],
            self.intents,
            _KEYS[site],
            kept.copy(),  # type: ignore[attr-defined]
        )
        fresh.online = old.online
        self._replace(old, fresh.start())
        self.world.at(self.scenario.step_s * 6, partial(self._enter_again, site))

    def _replace(self, old: SiteActor, fresh: SiteActor) -> None:
        self.actors[self.actors.index(old)] = fresh
        self._excuse()

    def _enter_again(self, site: str) -> None:
        """People look, once the agent has read everything the hub has, and enter again what is gone."""
        actor = self.live(site)
        store = self.hub.store
        quiet = actor.machine.welcome is not None and not store._unsequenced and not store.open
        ends = {feed: store.feed_end(site, feed).position for feed in ("c", "v")}
        if quiet and all(actor.store.cursor(feed).position == end for feed, end in ends.items()):
            self.people[site].enter_again(self.actors, actor, self.hub)
        elif self.world.now_s < self.scenario.horizon_s:
            self.world.at(self.scenario.step_s, partial(self._enter_again, site))

    def _lose_store(self, site: str) -> None:
        old = self.live(site)
        old.die()
        fresh = self._actor(self.plants[site])
        fresh.online = old.online
        self._replace(old, fresh.start())

    def _clone(self, site: str, hot: bool) -> None:
        old = self.live(site)
        twin = self._actor(self.plants[site], like=old)
        if hot and old.machine.welcome is not None:
            # The image of a running machine: memory and all.
            memory = {name: value for name, value in vars(old.machine).items() if name != "store"}
            for name in ("welcome", "_nonce", "_snapshot_after", "_barred", "_due", "_stop_before"):
                setattr(twin.machine, name, copy.copy(memory[name]))
            twin.schedule()
            self.hot_clone = True
        else:
            twin.start()
        self.clone = True
        self.actors.append(twin)
        self._watch_clone(site)

    def _watch_clone(self, site: str) -> None:
        """Sooner or later a person looks at the alarm and chooses."""
        row = self.hub.store.sessions[site]
        if row.cloned and self.world.chance(0.1):
            chosen = self.world.random.choice(row.speakers)
            self.hub.store.save_session(choose(row, chosen.epoch))
        if self.world.now_s < self.scenario.horizon_s:
            self.world.at(CLONE_WINDOW_S, partial(self._watch_clone, site))

    def _restore_hub(self, told: bool) -> None:
        if self.hub.restore(told=told):
            self.rolled_back = True
            self._excuse()

    def _excuse(self) -> None:
        held = {entry.raw for entry in self.hub.store.entries}
        for actor in self.actors:
            held |= actor.store.raws_held()
        self.intents.excuse_all_but(held)

    # -- rest ----------------------------------------------------------------------------------

    def rest(self) -> None:
        """Everything works again; go on until nothing changes any more."""
        self.world.scenario = self.scenario.calm()
        self.hub.settle()
        for actor in self.actors:
            actor.online = True
        before: object = None
        for _ in range(ROUNDS_MAX):
            for actor in list(self.actors):
                # First hear who one is: an agent that does not know that another one of its site was
                # chosen would read that one's write-backs as edits.
                actor.talk()
                actor.read_plant()
                actor.talk()
                self.hub.sequence()
                actor.talk()
                actor.write_back()
                self.hub.sequence()
            for row in list(self.hub.store.sessions.values()):
                if row.cloned:
                    self.hub.store.save_session(choose(row, row.speakers[0].epoch))
            now = self._mark()
            if now == before:
                return
            before = now

    def _mark(self) -> object:
        return (
            self.hub.store.seq,
            [self.hub.store.sessions[site].chosen for site in SITES],
            [[actor.store.cursor(feed) for feed in ("c", "v")] for actor in self.actors],
            [actor.store.held() for actor in self.actors],
            [dict(row) for plant in self.plants.values() for row in plant.orders.values()],
        )

    def outcome(self) -> Outcome:
        """Run it all and judge."""
        began = time.perf_counter()
        self.prepare()
        self.world.run(self.scenario.horizon_s)
        self.rest()
        explained = Explained(self.clone, self.hot_clone, self.rolled_back)
        found = list(violations(self.hub, self.actors, self.plants.values(), self.intents, explained))
        return Outcome(
            seed=self.seed,
            scenario=self.scenario,
            violations=found,
            entries=len(self.hub.store.entries),
            verdicts=Counter(str(entry.verdict) for entry in self.hub.store.entries),
            seconds=time.perf_counter() - began,
            alarms=sorted({code for code, _, _ in self.hub.store.alarms}),
            excused=len(self.intents.excused),
        )


def run(seed: int, scenario: Scenario | None = None, parts: Parts | None = None) -> Outcome:
    """One run; an exception inside the machines is a violation too."""
    built = Run(seed, scenario, parts or Parts())
    try:
        return built.outcome()
    except Exception as error:  # whatever breaks in a run is what the run is for
        import traceback

        where = traceback.format_exc(limit=-3)
        return Outcome(seed, built.scenario, [f"exception: {error!r}\n{where}"], 0, Counter(), 0.0)
