"""A hub and its sites in one process, with nothing in between: for the session's tests."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.wire.canonical import encode_operation
from medloom.wire.hub import Fresh, HubMachine
from medloom.wire.memory_hub import MemoryHub
from medloom.wire.memory_site import MemorySite
from medloom.wire.messages import HandBack, Hello, Pull, Reply, SnapshotPull
from medloom.wire.operation import CONTROL, VOLUME, Kind, Operation, hub_label
from medloom.wire.sheet import Lifecycle, Owner, Sheet, Step
from medloom.wire.site import Ask, PushBody, SiteMachine
from medloom.wire.stores import Own
from medloom.wire.writing import Draft, write

SHEETS = {
    "order": Sheet(
        type="order",
        kinds=frozenset({Kind.SET, Kind.COMMAND}),
        owner=Owner.SHARED,
        lifecycle=Lifecycle("draft", (Step("release", ("draft",), "released", Owner.REGISTRANT),)),
        natural_key=("number",),
        chain=CONTROL,
    ),
    "record": Sheet(type="record", kinds=frozenset({Kind.OBSERVE, Kind.RAW}), chain=VOLUME),
}
KEYS = {site: Ed25519PrivateKey.from_private_bytes(site.encode().ljust(32)) for site in ("A", "B", "HQ")}
PUBLIC = {site: key.public_key().public_bytes_raw() for site, key in KEYS.items()}


class Counter:
    """Random texts that are not random."""

    def __init__(self, prefix: int) -> None:
        self.count = itertools.count(1)
        self.prefix = prefix

    def __call__(self) -> str:
        return f"{next(self.count):08x}{self.prefix:024x}"


class Network:
    """One hub; sites are made on demand."""

    def __init__(self) -> None:
        self.random = Counter(7)
        self.store = MemoryHub(sheets=SHEETS, keys=PUBLIC, epoch=self.random())
        self.hub = HubMachine(self.store)
        self.now_s = 1_000_000

    def site(self, name: str, store: MemorySite | None = None, *, batch: int = 500) -> SiteMachine:
        """A machine just started, on a new store or on that one."""
        kept = store or MemorySite(site=name, sheets=SHEETS)
        machine = SiteMachine(kept, site=name, key=KEYS[name], mint=self.random, batch=batch)
        machine.start()
        return machine

    def ask(self, machine: SiteMachine, ask: Ask) -> Reply:
        """Carry one request."""
        match ask:
            case Hello():
                fresh = Fresh(self.random(), self.random(), self.random())
                return self.hub.hello(ask, now_s=self.now_s, fresh=fresh)
            case PushBody():
                return self.hub.push(ask.token, ask.body, site=machine.site)
            case Pull():
                return self.hub.pull(ask, site=machine.site, now_s=self.now_s)
            case HandBack():
                return self.hub.hand_back(ask, site=machine.site)
            case SnapshotPull():
                return self.hub.snapshot(ask, site=machine.site)

    def talk(self, machine: SiteMachine, *, most: int = 100) -> list[Reply]:
        """Carry requests until there is nothing to do."""
        machine.wake()
        replies: list[Reply] = []
        for _ in range(most):
            ask = machine.next_request(clock_s=self.now_s)
            if ask is None:
                return replies
            replies.append(self.ask(machine, ask))
            machine.handle(ask, replies[-1])
            self.store.sequence()
        raise AssertionError("the machine does not come to rest")

    def restore(self, backup: MemoryHub) -> None:
        """Put an old copy in the hub's place, as its operator does."""
        self.store = backup.copy()
        self.store.begin_epoch(self.random(), since=self.store.seq)
        self.hub = HubMachine(self.store)

    def post(
        self,
        object: str,
        base: int,
        reason: str = "because",
        repairs: str = "",
        compensates: str = "",
        **fields: Any,
    ) -> Operation:
        """A person of the registrant at the hub's page."""
        operation = Operation(
            id=str(uuid.uuid5(uuid.NAMESPACE_OID, self.random())),
            type="order",
            object=object,
            kind=Kind.COMMAND if "command" in fields else Kind.SET,
            at="2026-03-04T05:06:07Z",
            actor="person-9",
            base=base,
            fields=fields,
            site="" if base else "A",
            hub=hub_label(self.store.hub().epoch),
            reason=reason,
            repairs=repairs,
            compensates=compensates,
        )
        self.store.post([encode_operation(operation)])
        self.store.sequence()
        return operation


def draft(object: str, **changes: Any) -> Draft:
    """An order edit, or with `kind` an observation."""
    given: dict[str, Any] = {
        "type": "order",
        "object": object,
        "kind": Kind.SET,
        "at": "2026-03-04T05:06:07Z",
        "actor": "person-1",
        "chain": CONTROL,
        "fields": {},
    }
    if changes.get("kind") in (Kind.OBSERVE, Kind.RAW):
        given |= {"type": "record", "chain": VOLUME}
    return Draft(**(given | changes))


def author(machine: SiteMachine, *drafts: Draft) -> list[Own]:
    """Write at the site."""
    with machine.store.transaction():
        return write(machine.store, drafts, site=machine.site)


def identity(number: int) -> str:
    """An object's id."""
    return str(uuid.UUID(int=(0x0197A00000007 << 76) | (0x8 << 60) | number))
