"""Control first: with 50,000 volume operations waiting at the plant, a hold is there within a second."""

from __future__ import annotations

import secrets
import threading
import time
from pathlib import Path

import msgspec
import pytest

from medloom.agent.store import SqliteSite
from medloom.exchange.sequencer import Sequencer, start_epoch
from medloom.exchange.tests.test_sequencer import connect
from medloom.interfaces.tests.test_sync import PATHS, Agent, lot
from medloom.kernel.entity import catalogue
from medloom.materials.actions import raise_hold
from medloom.wire import messages
from medloom.wire.messages import Hello
from medloom.wire.operation import CONTROL
from medloom.wire.site import PushBody
from tests.journeys.sending import ACT, registrant

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
WAITING = 50_000
BATCH = 500


def step(agent: Agent) -> None:
    """One request of the session and its answer."""
    ask = agent.machine.next_request()
    assert ask is not None
    token = "" if isinstance(ask, Hello) else ask.token
    body = ask.body if isinstance(ask, PushBody) else msgspec.json.encode(ask)
    answer = agent.post(PATHS[type(ask)], body, token=token)
    kind = getattr(messages, answer.headers["Medloom-Message"])
    agent.machine.handle(ask, msgspec.json.decode(answer.content, type=kind))


def test_a_hold_overtakes_fifty_thousand_observations(tmp_path: Path) -> None:
    """Faults list, safety class: measured from the hub's commit to the plant's store."""
    sheets = {name: declared.sheet for name, declared in catalogue().items()}
    store = SqliteSite(tmp_path / "store.db", site="A", sheets=sheets, key=secrets.token_bytes(32))
    agent = Agent(store=store)
    agent.enrol()
    for start in range(0, WAITING, 5_000):
        agent.write(*(lot(f"L{start + i}") for i in range(5_000)))
    stop = threading.Event()
    with connect("app") as app, connect("sequencer") as link:
        start_epoch(app)
        sequencer = Sequencer(link)
        sequencer.load()

        def sequence() -> None:
            while not stop.is_set():
                if not sequencer.round():
                    time.sleep(0.02)

        thread = threading.Thread(target=sequence)
        thread.start()
        try:
            for _ in range(6):
                step(agent)
            (told,) = registrant(raise_hold(act=ACT, site="A", number="H1", cause="found", lot="L1"))
            began = time.monotonic()
            hold = None
            while hold is None and time.monotonic() - began < 20:
                agent.machine.wake(CONTROL)
                step(agent)
                held = (h for h in store.objects().values() if h.values.get("number") == "H1")
                hold = next(held, None)
            seconds = time.monotonic() - began
        finally:
            stop.set()
            thread.join(20)
    assert hold is not None and hold.state == "open"
    assert len(store.unlined()) > WAITING - 20 * BATCH, "the volume was still waiting"
    assert seconds < 1.0, f"{seconds:.2f} s from the hub's commit to the plant's store"
    assert told.seq
