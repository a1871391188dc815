"""A hold reaches a plant's agent by the hub's hint; when the stream breaks, by polling."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from medloom.agent.assemble import assemble
from medloom.agent.config import AgentConfig
from medloom.agent.runtime import Agent
from medloom.kernel.access import ALL, seeing
from medloom.kernel.door import operation
from medloom.parties.keys import open_enrolment
from medloom.wire.operation import CONTROL, Kind
from medloom.wire.signature import sign_request
from tests import live_process
from tests.journeys.sending import registrant

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
WAIT_S = 120.0
NEVER_S = 100_000.0


def _until(true: Callable[[], bool], agent: Agent) -> None:
    """Let the agent work, as its process does, until it is so."""
    until = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < until, f"it does not become true: {agent.state}"
        if not agent.step():
            agent.sleep(0.05)


def _hold(number: str) -> None:
    fields = {"number": number, "cause": "test", "lot": "L1"}
    (answer,) = registrant(operation("hold", Kind.SET, fields, actor="p1", at=timezone.now(), site="A"))
    assert answer.verdict == "accepted", answer


@pytest.fixture
def agent(live_server: Any, settings: Any, tmp_path: Path) -> Any:
    """A real agent of site A, enrolled over HTTP; it asks once and then only when something wakes it."""
    settings.LIVE_PORT = live_process.free_port()
    code = secrets.token_hex(8)
    with seeing(ALL):
        expires = timezone.now() + dt.timedelta(hours=1)
        open_enrolment("A", hashlib.sha256(code.encode()).digest(), expires=expires)
    hub = live_server.url.replace("localhost", "127.0.0.1")
    found = assemble(AgentConfig(site="A", hub=hub, state=str(tmp_path / "a"), enrolment=code))
    found.poll_seconds = NEVER_S
    yield found
    found.close()


def test_a_hint_wakes_the_agent_and_a_broken_stream_leaves_it_polling(agent: Agent, settings: Any) -> None:
    assert agent.hints is not None
    hints = agent.hints

    def position() -> int:
        return agent.store.cursor(CONTROL).position

    with live_process.running(settings.LIVE_PORT):
        _until(lambda: hints.alive, agent)
        _until(lambda: not agent.machine.behind, agent)
        _hold("H1")
        _until(lambda: position() == 1, agent)
        assert hints.alive, "it came by the hint: nothing else was due for a day"
        _hold("H2")
        _until(lambda: position() == 2, agent)
        token = agent.machine.welcome.token if agent.machine.welcome else ""
        address = f"http://127.0.0.1:{settings.LIVE_PORT}/sync/hints"
        assert httpx.post(address).status_code == 401
        stranger = sign_request(
            method="POST", path="/sync/hints", body=b"", token=token, site="A",
            key=Ed25519PrivateKey.generate(), created_s=0,
        )  # fmt: skip
        assert httpx.post(address, headers=stranger).status_code == 401
        fenced = agent.transport.signed("/sync/hints", b"", token="an older session's")
        assert httpx.post(address, headers=fenced).status_code == 409
        pages = str(agent.transport.client.base_url.join("/sync/hints"))
        assert httpx.post(pages, headers=fenced).status_code == 404, "streams take no web thread"
    _until(lambda: not hints.alive, agent)
    agent.poll_seconds = 0.2
    agent._wake = agent._wake_control = 0.0
    with live_process.running(live_process.free_port()):
        _hold("H3")
        _until(lambda: position() == 3, agent)
    assert not hints.alive, "it came by polling: the hints are somewhere else"
