"""What people do: at the plants, and at the registrant's pages."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from medloom.simulator.business import Given, Lot, new_lot
from medloom.simulator.hub_actor import HubActor
from medloom.simulator.intents import Intents, is_token, named, tokens_of
from medloom.simulator.objects import object_id
from medloom.simulator.site_actor import AT, Event, Plant, SiteActor
from medloom.simulator.world import World
from medloom.wire.canonical import encode_operation
from medloom.wire.operation import Kind, Operation, hub_label
from medloom.wire.verdict import Verdict


class PlantPeople:
    """Those at one plant: they edit rows, make lots, move stock, raise holds, finish lots."""

    def __init__(self, world: World, plant: Plant, intents: Intents) -> None:
        self.world, self.plant, self.intents = world, plant, intents
        self.business = world.business
        self.by_hand: list[tuple[str, Lot, int]] = []

    def edit(self) -> None:
        """Change a field of an order's row, having seen what the row shows."""
        if not self.plant.orders:
            return
        row = self.plant.orders[self.world.random.choice(sorted(self.plant.orders))]
        name = self.business.words[self.world.random.choice(["note", "note", "progress", "due"])]
        row[name] = self.business.value(name, self.intents.token(row.get(name)))

    def event(self) -> None:
        """Something happens on the floor, and the plant's log gets a row."""
        random, lots, business = self.world.random, self.plant.lots, self.business
        number = f"{self.plant.site}{len(self.plant.events)}"
        token = self.intents.token()
        drafts: tuple[Given, ...]
        kinds = ["lot", "record", "record", "move", "move", "transfer", "finish", "hold", "order"]
        kind = random.choice(kinds)
        if kind == "lot" or not lots:
            drafts = self._lot(number)
        elif kind == "record":
            drafts = (business.counted(number, token, lots),)
        elif kind == "move":
            drafts = (business.moved(number, random.choice(lots), random.choice([-7, -3, 2, 5])),)
        elif kind == "transfer":
            drafts = (
                business.moved(f"{number}-1", random.choice(lots), -4),
                business.moved(f"{number}-2", random.choice(lots), 4),
            )
        elif kind == "finish":
            drafts = (business.finish(random.choice(lots)),)
        elif kind == "order":
            drafts = (business.told(object_id("order", self.plant.site, number), number, token),)
        else:
            drafts = (business.held(number, random.choice(lots)),)
        named = tuple({"object": object_id(number, str(at))} | each for at, each in enumerate(drafts))
        self.plant.events.append(Event(number, token, named))

    def _lot(self, number: str) -> tuple[Given, ...]:
        lot = new_lot(self.plant.site, number)
        self.plant.lots.append(lot)
        return self.business.made(lot), self.business.moved(number, lot, 20)

    def write_by_hand(self, agent: SiteActor) -> None:
        """A move entered at the agent's own page."""
        if not self.plant.lots or agent.draining or not agent.machine.has_state:
            return
        token = self.intents.token()
        self._enter(agent, token, self.world.random.choice(self.plant.lots), 1)

    def _enter(self, agent: SiteActor, token: str, lot: Lot, quantity: int) -> None:
        ident = self.world.mint()
        given = self.business.moved(f"hand-{ident}", lot, quantity) | {"object": object_id("hand", ident)}
        self.by_hand.append((token, lot, quantity))
        agent.by_hand(token, **given)

    def enter_again(self, agents: Iterable[SiteActor], agent: SiteActor, hub: HubActor) -> None:
        """After a restore, once all is quiet: what no copy holds any more is entered again.

        Not what another one does hold (a clone that has not sent it yet, another site's agent that has
        still to hand back what the hub lost): that comes by itself, under its own id, and the oracle
        asks for it. Entered again it would be a second write of a person, with nothing in common with
        the first that any hub could see.
        """
        there = {token for each in agents for raw in each.store.raws_held() for token in tokens_of(raw)}
        there |= {token for entry in hub.store.entries for token in tokens_of(entry.raw)}
        for token, lot, quantity in list(self.by_hand):
            if token not in there:
                self.by_hand.remove((token, lot, quantity))
                self._enter(agent, token, lot, quantity)


class Registrant:
    """Those at the registrant's pages: they plan, note, release, hold, clear and settle."""

    def __init__(self, world: World, hub: HubActor, intents: Intents, sites: list[str]) -> None:
        self.world, self.hub, self.intents, self.sites = world, hub, intents, sites
        self.business = world.business
        self.orders = 0

    def order(self, site: str) -> None:
        """Plan a work order for a plant."""
        self.orders += 1
        number = f"W{self.orders}"
        fields = self.business.planned(number, self.intents.token(), self.intents.token())
        order = object_id("order", site, number)
        self._post(self.business.order, order, Kind.SET, fields, base=0, site=site)

    def act(self) -> None:
        """One thing a person does, on what the page shows now; it arrives a little later."""
        kind = self.world.random.choice(["edit"] * 5 + ["command", "hold", "clear", "settle", "order"])
        heads, types, business = self.hub.store.heads, self.hub.store.types, self.business
        named_so = {"order": business.order, "lot": "lot", "hold": "hold"}
        of = {name: [o for o, t in types.items() if t == wanted] for name, wanted in named_so.items()}
        if kind == "order" or not of["order"]:
            self.order(self.world.random.choice(self.sites))
        elif kind == "edit":
            each = self.world.random.choice(sorted(of["order"]))
            name = business.words[self.world.random.choice(["note", "note", "due"])]
            value = business.value(name, self.intents.token(heads[each].values.get(name)))
            self._post(business.order, each, Kind.SET, {name: value}, base=heads[each].version)
        elif kind == "command":
            each = self.world.random.choice(sorted(of["order"]))
            step = self.world.random.choice(["release", "close"])
            fields = {"command": step, "from": heads[each].state}
            self._post(business.order, each, Kind.COMMAND, fields, base=heads[each].version)
        elif kind == "hold" and of["lot"]:
            chosen = self.world.random.choice(sorted(of["lot"]))
            lot, ident = business.lot(chosen, heads[chosen]), self.world.mint()
            hold = object_id("hold", ident)
            fields = business.hold(ident, lot)
            self._post("hold", hold, Kind.SET, fields, base=0, site=lot.site)
        elif kind == "clear" and of["hold"]:
            hold = self.world.random.choice(sorted(of["hold"]))
            fields = business.clear()
            self._post("hold", hold, Kind.COMMAND, fields, base=heads[hold].version)
        elif kind == "settle" and self.world.scenario.settles:
            self.settle()

    def settle(self) -> None:
        """Decide one open conflict about an order, having seen both values."""
        repaired = {
            e.operation.repairs for e in self.hub.store.entries if e.operation and e.operation.repairs
        }
        for entry in self.hub.store.entries:
            operation = entry.operation
            if entry.verdict is not Verdict.CONFLICT or operation is None:
                continue
            if operation.type != self.business.order:
                continue
            head = self.hub.store.heads.get(entry.object)
            if entry.id in repaired or head is None:
                continue
            fields = {
                name: self.business.value(name, self.intents.token(value, head.values.get(name)))
                for name, value in operation.fields.items()
                if is_token(value)
            }
            self._post(operation.type, entry.object, Kind.SET, fields, base=head.version, repairs=entry.id)
            return

    def _post(
        self,
        type: str,
        object: str,
        kind: Kind,
        fields: dict[str, Any],
        *,
        base: int,
        site: str = "",
        repairs: str = "",
    ) -> None:
        if not fields:
            return
        tokens = [named(value) for value in fields.values() if is_token(value)] or [self.intents.token()]
        operation = Operation(
            id=str(uuid.UUID(self.world.mint())),
            type=type,
            object=object,
            kind=kind,
            fields=fields,
            at=AT,
            actor="registrant",
            site=site,
            base=base,
            hub=hub_label(self.hub.store.hub().epoch),
            reason=",".join(tokens),
            repairs=repairs,
        )
        raw = encode_operation(operation)

        def submit() -> None:
            self.intents.wrote(raw, "HQ")
            self.hub.post(raw, object, str(fields.get("lot", object)))

        self.world.at(self.world.after(self.world.scenario.step_s / 2), submit)
