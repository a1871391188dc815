"""Hints wake, and nothing else: without them, or with false ones, the agent works as before."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.agent.hints import Hints
from medloom.agent.runtime import HEARD_FACTOR
from medloom.agent.tests.hubs import Hub, agent_of
from medloom.agent.transport import _place
from medloom.wire.operation import CHAINS, CONTROL

pytestmark = pytest.mark.pure


def test_the_begin_of_a_stream_wakes_everything_and_a_hint_its_feed() -> None:
    hints = Hints(lambda token: {})
    assert not hints.alive and hints.take() == set()
    for line in ("retry: 2000", "event: ready", 'data: {"site":"A"}', ""):
        hints._hear(line)
    assert hints.alive and hints.take() == set(CHAINS) and hints.take() == set()
    hints._hear("event: moved")
    hints._hear('data: {"feeds":["c"],"size":7}')
    hints.wait(60)  # returns at once: it rang
    assert hints.take() == {CONTROL}


def test_what_is_no_hint_is_none() -> None:
    hints = Hints(lambda token: {})
    for line in (": still here", "data: {", 'data: {"feeds": 7}', 'data: {"feeds": ["elsewhere"]}'):
        hints._hear(line)
    assert hints.take() == set()


def test_the_place_is_the_hubs_own_with_the_port_told_or_what_was_told() -> None:
    assert _place("https://hub.example:8000/", ":8001") == "https://hub.example:8001"
    assert _place("http://[::1]:8000", ":8001") == "http://[::1]:8001"
    assert _place("http://hub.example", "https://live.example/") == "https://live.example"
    assert _place("http://hub.example", "") == ""
    assert _place("http://hub.example", ":99999") == "" and _place("http://hub.example", "file:///x") == ""


def test_an_agent_that_hears_hints_asks_at_a_hint_and_otherwise_less_often() -> None:
    key = Ed25519PrivateKey.generate()
    hub = Hub({"MOLD": key})
    agent = agent_of(hub, site="MOLD", key=key)
    hints = agent.hints = Hints(lambda token: {})
    agent.poll_seconds, now = 1.0, 1_000.0
    agent.clock = lambda: now
    while agent.step():
        pass
    hints._hear("event: ready")
    now += agent.poll_seconds
    while agent.step():
        pass
    asked = len(hub.requests)
    now += agent.poll_seconds * 0.9
    agent.step()
    assert len(hub.requests) == asked, "nobody has hinted"
    hub.hold()
    hints._hear('data: {"feeds":["c"]}')
    agent.step()
    assert agent.store.cursor(CONTROL).position == 1
    now += agent.poll_seconds * HEARD_FACTOR
    asked = len(hub.requests)
    agent.step()
    assert len(hub.requests) > asked, "a lost hint is made up for"
