"""Fault cases told step by step: what has to be seen is a particular verdict.

Each yields what should have been and was not. The seed decides the order where the order is free.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.simulator.business import SYNTHETIC
from medloom.simulator.hub_actor import HubActor
from medloom.simulator.objects import object_id
from medloom.simulator.scenario import Scenario
from medloom.simulator.site_actor import AT
from medloom.simulator.world import World
from medloom.wire.canonical import encode_operation
from medloom.wire.conflict import follow_all
from medloom.wire.memory_ledger import Entry
from medloom.wire.memory_site import MemorySite
from medloom.wire.messages import Refused
from medloom.wire.operation import CONTROL, VOLUME, Kind, Operation, hub_label
from medloom.wire.rows import Rows, load
from medloom.wire.shadow import Edit, Shadow
from medloom.wire.site import PushBody, SiteMachine
from medloom.wire.stores import Own
from medloom.wire.verdict import Verdict
from medloom.wire.writing import Draft, write

_KEYS = {site: Ed25519PrivateKey.from_private_bytes(site.encode().ljust(32)) for site in ("A", "B", "HQ")}


class Stage:
    """A hub and its sites, on which a story is told."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 (a simulation, no secret)
        self.world = World(seed, Scenario())
        keys = {site: key.public_key().public_bytes_raw() for site, key in _KEYS.items()}
        self.hub = HubActor(self.world, keys)

    def site(self, name: str, store: MemorySite | None = None) -> SiteMachine:
        """An agent, started."""
        kept = store or MemorySite(site=name, sheets=self.hub.store.sheets)
        machine = SiteMachine(kept, site=name, key=_KEYS[name], mint=self.world.mint)
        machine.start()
        return machine

    def talk(self, machine: SiteMachine) -> None:
        """Everything the agent and the hub have to say to each other."""
        machine.wake()
        while (ask := machine.next_request()) is not None:
            machine.handle(ask, self.hub.answer(machine.site, ask))
            self.hub.sequence()
        machine.wake()
        while (ask := machine.next_request()) is not None:
            machine.handle(ask, self.hub.answer(machine.site, ask))

    def post(self, type: str, object: str, kind: Kind, base: int, site: str = "", **fields: Any) -> Entry:
        """A person of the registrant; returns the entry."""
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
            reason="story",
        )
        self.hub.store.post([encode_operation(operation)])
        self.hub.sequence()
        return self.hub.store.by_id[operation.id]

    def entry(self, own: Own) -> Entry | None:
        """What became of a site's operation."""
        return self.hub.store.by_id.get(own.id)


def author(machine: SiteMachine, type: str, object: str, kind: Kind, **given: Any) -> Own:
    """A site writes."""
    draft = Draft(type=type, object=object, kind=kind, at=AT, actor="person", reason="story", **given)
    with machine.store.transaction():
        return write(machine.store, [draft], site=machine.site)[0]


def _lot(stage: Stage, machine: SiteMachine, number: str) -> str:
    lot = object_id("lot", machine.site, number)
    author(machine, "lot", lot, Kind.OBSERVE, fields={"number": number}, chain=VOLUME)
    stage.talk(machine)
    return lot


def hold_and_finish(seed: int) -> Iterator[str]:
    """Case 8: the hold stands, and the act done before the site knew says so."""
    stage = Stage(seed)
    a = stage.site("A")
    lot = _lot(stage, a, "L1")
    hold = object_id("hold", "1")
    finish = author(a, "lot", lot, Kind.COMMAND, fields={"command": "finish"}, chain=CONTROL)
    stage.post("hold", hold, Kind.SET, 0, site="A", lot=lot)
    stage.talk(a)
    entry = stage.entry(finish)
    if entry is None or entry.verdict is not Verdict.ACCEPTED:
        yield f"finishing before the hold was known: {entry and entry.verdict}"
    elif [finding.code for finding in entry.answer.findings] != ["after_hold"]:
        yield f"its findings are {entry.answer.findings}"
    if stage.hub.store.heads[hold].state != "open":
        yield "the hold does not stand"
    other = _lot(stage, a, "L2")
    stage.post("hold", object_id("hold", "2"), Kind.SET, 0, site="A", lot=other)
    stage.talk(a)
    known = author(a, "lot", other, Kind.COMMAND, fields={"command": "finish"}, chain=CONTROL)
    stage.talk(a)
    entry = stage.entry(known)
    if entry is None or entry.verdict is not Verdict.REJECTED:
        yield f"finishing with the hold known: {entry and entry.verdict}"


def _order(stage: Stage, machine: SiteMachine) -> str:
    order = object_id("order", machine.site, "W1")
    stage.post("order", order, Kind.SET, 0, site=machine.site, number="W1", note="first", due="d1")
    stage.talk(machine)
    return order


def two_edits(seed: int) -> Iterator[str]:
    """Case 9: one conflict item with both values, base and actors."""
    stage = Stage(seed)
    a = stage.site("A")
    order = _order(stage, a)
    author(a, "order", order, Kind.SET, fields={"note": "site"}, chain=CONTROL)
    stage.post("order", order, Kind.SET, 1, note="hub")
    stage.talk(a)
    conflicts = list(follow_all(stage.hub.store.feeds["A", CONTROL]).values())
    if len(conflicts) != 1:
        yield f"{len(conflicts)} conflict items"
        return
    (conflict,) = conflicts
    if (conflict.ours, conflict.theirs) != ({"note": "site"}, {"note": "hub"}):
        yield f"the item shows {conflict.ours} and {conflict.theirs}"
    if (conflict.base, conflict.actor, conflict.site) != (1, "person", "A"):
        yield f"the item names base {conflict.base}, {conflict.actor} of {conflict.site}"
    if stage.hub.store.heads[order].values["note"] != "hub":
        yield "the hub's value does not stand"


def delete_and_edit(seed: int) -> Iterator[str]:
    """Case 10: a row deleted at the plant while the registrant edits it: nothing vanishes."""
    stage = Stage(seed)
    a = stage.site("A")
    order = _order(stage, a)

    def draft(shadow: Shadow, edit: Edit) -> Draft:
        base, hub = edit.base, shadow.hub
        given = {"type": "order", "object": order, "kind": Kind.SET, "fields": edit.fields}
        return Draft(**given, at=AT, actor="person", chain=CONTROL, base=base, hub=hub, reason="story")  # type: ignore[arg-type]

    rows = Rows(a.store, "A", SYNTHETIC.order_fields, draft)
    rows.adopt("W1", type="order", object=order, row={"note": "first", "due": "d1"}, made=None)
    rows.hear("W1")
    for step in stage.random.sample(["gone", "edit"], 2):
        if step == "gone":
            rows.poll("W1", None)
        else:
            stage.post("order", order, Kind.SET, 1, note="hub")
        stage.talk(a)
    if rows.plan("W1"):
        yield "a row that is gone would be written"
    shadow = load(a.store, "W1")
    if shadow is None or not shadow.gone:
        yield "nobody is told that the row is gone"
    if stage.hub.store.heads[order].values != {"number": "W1", "note": "hub", "due": "d1"}:
        yield f"the hub holds {stage.hub.store.heads[order].values}"
    rows.poll("W1", {"note": "first", "due": "d1"})
    if rows.plan("W1") != {"note": "hub"}:
        yield f"the row that came back would be written {rows.plan('W1')}"


def same_lot_number(seed: int) -> Iterator[str]:
    """Case 11: one number at two sites is two lots; twice at one site is a conflict."""
    stage = Stage(seed)
    lots = [_lot(stage, stage.site(name), "L1") for name in stage.random.sample(["A", "B"], 2)]
    if len({*lots} & stage.hub.store.heads.keys()) != 2:
        yield "the lots of two sites are not two"
    again = stage.site("A")
    stage.talk(again)
    twin = author(
        again, "lot", str(uuid.UUID(stage.world.mint())), Kind.OBSERVE, fields={"number": "L1"}, chain=VOLUME
    )
    stage.talk(again)
    entry = stage.entry(twin)
    if entry is None or entry.verdict is not Verdict.CONFLICT:
        yield f"the same number at the same site: {entry and entry.verdict}"
    if len(stage.hub.store.heads) != 2:
        yield "a third lot was made"


def late_packet(seed: int) -> Iterator[str]:
    """Case 12: a packet of an older session is refused with 409, and its content is not lost."""
    stage = Stage(seed)
    store = MemorySite(site="A", sheets=stage.hub.store.sheets)
    a = stage.site("A", store)
    stage.talk(a)
    record = object_id("record", "1")
    own = author(a, "record", record, Kind.OBSERVE, fields={"good": 1}, chain=VOLUME)
    late = a.next_request()
    if not isinstance(late, PushBody):
        yield f"the agent asks {late}"
        return
    again = stage.site("A", store)
    while again.welcome is None:
        ask = again.next_request()
        assert ask is not None
        again.handle(ask, stage.hub.answer("A", ask))
    reply = stage.hub.answer("A", late)
    if not isinstance(reply, Refused) or (reply.code, reply.status) != ("fenced", 409):
        yield f"the late packet was answered {reply}"
    if stage.hub.store.entries:
        yield "the late packet did something"
    stage.talk(again)
    if stage.entry(own) is None or len(stage.hub.store.entries) != 1:
        yield "what it carried did not come by the new session, once"
