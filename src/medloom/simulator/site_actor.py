"""A plant with its table and its people's notes, and the agent beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.simulator.business import Lot
from medloom.simulator.hub_actor import EPOCH_S, HubActor
from medloom.simulator.intents import Intents, named
from medloom.simulator.world import World
from medloom.wire.memory_site import MemorySite
from medloom.wire.messages import Mode, Reply
from medloom.wire.operation import CONTROL, Kind, Source
from medloom.wire.rows import Rows, load
from medloom.wire.shadow import Edit, Shadow
from medloom.wire.sheet import Sheet
from medloom.wire.site import Ask, PushBody, SiteMachine
from medloom.wire.writing import Draft, write

#: Event rows of the plant that were read: key -> content hash.
READ = "read"
AT = "2026-03-04T05:06:07Z"


class Crashed(Exception):
    """The agent died here."""


@dataclass(frozen=True)
class Event:
    """One row of the plant's log: what it says becomes one group of operations, with a source identity."""

    key: str
    token: str
    drafts: tuple[Mapping[str, Any], ...]


@dataclass
class Plant:
    """The plant's own system: it outlives every agent."""

    site: str
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)


class SiteActor:
    """One agent process of one site. A restart, a restored store and a clone are new actors."""

    #: Replaced by an ablation; see `ablations`.
    machine_class: type[SiteMachine] = SiteMachine
    rows_class: type[Rows] = Rows

    def __init__(
        self,
        world: World,
        hub: HubActor,
        plant: Plant,
        intents: Intents,
        key: Ed25519PrivateKey,
        store: MemorySite | None = None,
    ) -> None:
        self.world, self.hub, self.plant, self.intents, self.key = world, hub, plant, intents, key
        self.site = plant.site
        self.store = store or self.new_store(plant.site, world.business.sheets)
        self.machine = self.machine_class(self.store, site=self.site, key=key, mint=world.mint, batch=20)
        self.rows = self.rows_class(self.store, self.site, world.business.order_fields, self._draft)
        self.alive = True
        self.online = True
        self.clock_off_s = 0
        self._outstanding: object | None = None
        self.push_hook: Callable[[], None] | None = None

    @staticmethod
    def new_store(site: str, sheets: Mapping[str, Sheet]) -> MemorySite:
        """An empty store."""
        return MemorySite(site=site, sheets=sheets)

    # -- life --------------------------------------------------------------------------------

    def start(self) -> SiteActor:
        """Begin: a new epoch, and a step every now and then."""
        self.machine.start()
        self.schedule()
        return self

    def schedule(self) -> None:
        """The next step."""
        self.world.at(self.world.after(self.world.scenario.step_s), self._tick)

    def die(self) -> None:
        """The process ends; its packets linger in the network."""
        self.alive = False

    def _tick(self) -> None:
        if not self.alive:
            return
        self.schedule()
        self._outstanding = None
        try:
            self.read_plant()
            self.write_back()
        except Crashed:
            self.restart()
            return
        if self.world.chance(self.world.scenario.crash):
            self.restart()
            return
        if self.online:
            self.machine.wake()
            self._ask()

    def restart(self) -> None:
        """Killed and started again on the same store."""
        self._outstanding = None
        self.machine = self.machine_class(
            self.store, site=self.site, key=self.key, mint=self.world.mint, batch=20
        )
        self.machine.start()

    @property
    def clock_s(self) -> int:
        """The site's clock, which may be anything."""
        return EPOCH_S + int(self.world.now_s) + self.clock_off_s

    # -- the network ---------------------------------------------------------------------------

    def _ask(self) -> None:
        ask = self.machine.next_request(clock_s=self.clock_s)
        if ask is None or not self.alive or not self.online:
            return
        mark = self._outstanding = object()
        machine = self.machine
        lingered = False

        def arrive() -> None:
            nonlocal lingered
            if not self.alive and not lingered and self.world.chance(0.8):
                # A packet of a process that is no more, somewhere in the network.
                lingered = True
                late_s = self.world.scenario.horizon_s * (0.2 + 0.3 * self.world.random.random())
                self.world.at(late_s, arrive)
                return
            self.hub.receive(self.site, ask, lambda reply: self.world.deliver(lambda: hear(reply)))

        def hear(reply: Reply) -> None:
            if not self.alive or not self.online or self._outstanding is not mark:
                return
            if machine is self.machine:
                self._outstanding = None
                machine.handle(ask, reply)
                self._ask()

        self.world.deliver(arrive)
        if isinstance(ask, PushBody) and self.push_hook is not None:
            hook, self.push_hook = self.push_hook, None
            self.world.at(0.0, hook)

    def talk(self, most: int = 400) -> int:
        """Ask the hub directly until there is nothing more to say; returns how many requests it took."""
        self.machine.wake()
        for count in range(most):
            ask: Ask | None = self.machine.next_request(clock_s=self.clock_s)
            if ask is None:
                return count
            self.machine.handle(ask, self.hub.answer(self.site, ask))
        return most

    # -- the plant -----------------------------------------------------------------------------

    @property
    def draining(self) -> bool:
        """Whether a person chose another agent of this site."""
        return self.machine.welcome is not None and self.machine.welcome.mode is Mode.DRAIN

    def read_plant(self) -> None:
        """Read what is new: rows of the order table, and events of the log."""
        if self.draining or not self.machine.has_state:
            return
        for key, row in self.plant.orders.items():
            for own in self.rows.poll(key, row):
                self.intents.wrote(own.raw, self.site)
        for event in self.plant.events:
            if self.store.get(READ, event.key) is None:
                self._read(event)
        self._adopt()

    def _read(self, event: Event) -> None:
        group = f"{self.site}-{event.key}" if len(event.drafts) > 1 else ""
        drafts = [
            Draft(
                at=AT,
                actor="line",
                reason=event.token,
                group=group,
                source=Source(feed="log", key=f"{event.key}/{at}", hash="1"),
                **given,
            )
            for at, given in enumerate(event.drafts)
        ]
        with self.store.transaction():
            made = write(self.store, drafts, site=self.site)
            self.store.put(READ, {event.key: b"1"})
        for own in made:
            self.intents.wrote(own.raw, self.site)

    def by_hand(self, token: str, **given: Any) -> None:
        """A person writes at the agent's own page: no row anywhere says so again."""
        draft = Draft(at=AT, actor="person", reason=token, **given)
        with self.store.transaction():
            (own,) = write(self.store, [draft], site=self.site)
        self.intents.wrote(own.raw, self.site)

    def _draft(self, shadow: Shadow, edit: Edit) -> Draft:
        return Draft(
            type=shadow.type,
            object=shadow.object,
            kind=Kind.SET,
            fields=edit.fields,
            at=AT,
            actor="person",
            chain=CONTROL,
            base=edit.base,
            hub=shadow.hub,
            reason=",".join(named(value) or str(value) for value in edit.fields.values()),
        )

    def _adopt(self) -> None:
        """Orders that the plant's table does not have yet: follow them, so that they are written."""
        order = self.world.business.order
        for each, head in self.store.objects().items():
            if self.store.type_of(each) != order or head.site != self.site:
                continue
            if "number" not in head.values:
                continue  # a command's line came before its creation's, which travels on the other feed
            key = str(head.values["number"])
            if load(self.store, key) is None:
                self.rows.adopt(key, type=order, object=each, row={}, made=None)

    def write_back(self) -> None:
        """Bring the table's rows to what the hub decided, where this agent may."""
        if not self.machine.may_command or self.draining:
            return
        for key in self.store.keys("shadow"):
            if not self.rows.plan(key):
                continue
            row = self.plant.orders.get(key)
            wanted = self.rows.prepare(key, dict(row or {}))
            for own in self.store.pending(load_object(self.store, key)):
                self.intents.wrote(own.raw, self.site)
            if not wanted:
                continue
            crash = self.world.chance(self.world.scenario.write_back_crash)
            if crash and self.world.chance(0.5):
                raise Crashed
            self.plant.orders.setdefault(key, {}).update(wanted)
            if crash:
                raise Crashed
            self.rows.confirm(key, dict(self.plant.orders[key]))


def load_object(store: MemorySite, key: str) -> str:
    """The object that a row is of."""
    shadow = load(store, key)
    return shadow.object if shadow is not None else ""
