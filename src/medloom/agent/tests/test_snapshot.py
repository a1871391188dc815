"""An agent without its store, killed while it takes the snapshot: the next one begins it again.

A forked child shares nothing with this process but the encrypted file, and ends by SIGKILL.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.agent.store import SqliteSite
from medloom.agent.tests.hubs import Hub, agent_of
from medloom.wire.messages import Hello, SnapshotPull
from medloom.wire.site import SiteMachine
from medloom.wire.tests.network import KEYS, SHEETS, Network, author, draft, identity

OBJECTS = 7
PAGE_ROWS = 2


def open_store(path: Path) -> SqliteSite:
    return SqliteSite(path, site="A", sheets=SHEETS, key=bytes(range(32)))


def machine_on(net: Network, store: SqliteSite) -> SiteMachine:
    made = SiteMachine(store, site="A", key=KEYS["A"], mint=net.random)
    made.start()
    return made


def turn(net: Network, machine: SiteMachine) -> Any:
    """One request and its answer; snapshots come in pages of two rows."""
    machine.wake()
    ask = machine.next_request()
    if isinstance(ask, SnapshotPull):
        ask = msgspec.structs.replace(ask, limit=PAGE_ROWS)
    assert ask is not None
    reply = net.ask(machine, ask)
    machine.handle(ask, reply)
    return ask


def killed(net: Network, path: Path, *, until: Callable[[SiteMachine, int], bool]) -> None:
    """Take the snapshot in a child, and SIGKILL it when `until` says so of the machine and the pages."""
    child = os.fork()
    if not child:
        try:
            machine, pages = machine_on(net, open_store(path)), 0
            while not until(machine, pages):
                pages += isinstance(turn(net, machine), SnapshotPull)
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def heads(store: Any) -> dict[str, tuple[int, str, dict[str, Any]]]:
    return {k: (h.version, h.state, dict(h.values)) for k, h in store.items()}


@pytest.mark.process
@pytest.mark.parametrize("pages", range(5))
def test_a_kill_between_welcome_and_the_last_page_begins_the_snapshot_again(
    tmp_path: Path, pages: int
) -> None:
    net = Network()
    first = net.site("A")
    author(first, *(draft(identity(n), fields={"number": f"W{n}"}) for n in range(1, OBJECTS + 1)))
    net.talk(first)
    whole = -(-OBJECTS // PAGE_ROWS)
    path = tmp_path / "store.db"
    killed(net, path, until=lambda machine, seen: machine.welcome is not None and seen == pages)

    store = open_store(path)
    assert store.hub_epoch() == net.store.hub().epoch, "the WELCOME was stored before the kill"
    again = machine_on(net, store)
    hello = again.next_request()
    assert isinstance(hello, Hello)
    assert (hello.empty, again.has_state) == (pages < whole, pages >= whole)
    # Meanwhile the hub goes on: an object that an earlier page held changes, another is made.
    net.post(identity(1), 1, note="changed between")
    net.post(identity(99), 0, number="W99")
    net.talk(again)
    assert again.has_state and heads(store.objects()) == heads(net.store.heads)
    author(again, draft(identity(1), fields={"note": "on the whole state"}))
    net.talk(again)
    assert net.store.heads[identity(1)].values["note"] == "on the whole state"
    assert heads(store.objects()) == heads(net.store.heads)
    store.close()


@pytest.mark.pure
def test_nothing_is_written_at_the_plant_before_the_snapshot_came_whole() -> None:
    key = Ed25519PrivateKey.generate()
    agent = agent_of(Hub({"MOLD": key}), site="MOLD", key=key)
    while agent.machine.welcome is None:
        ask = agent.machine.next_request()
        assert ask is not None
        agent.machine.handle(ask, agent.transport.ask(ask))
    assert agent.machine.may_command and not agent.machine.has_state
    delivered: list[bool] = []

    class Follower:
        def deliver(self) -> int:
            delivered.append(agent.machine.has_state)
            return 0

    agent.polled.append(type("Polled", (), {"follower": Follower()})())
    agent.write_back()
    assert not delivered
    agent.speak()
    agent.write_back()
    assert delivered == [True]
