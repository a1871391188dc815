"""A hub for tests of the agent: the machine of `wire` over memory, reached through HTTP messages."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.agent.collector import Collector
from medloom.agent.keys import public_bytes
from medloom.agent.notes import NotingStore
from medloom.agent.runtime import Agent
from medloom.agent.transport import KIND_HEADER, PATHS, HubTransport
from medloom.wire.canonical import encode_operation
from medloom.wire.hub import Fresh, HubMachine
from medloom.wire.memory_hub import MemoryHub
from medloom.wire.memory_site import MemorySite
from medloom.wire.messages import HandBack, Hello, Pull, Refused
from medloom.wire.operation import Kind, Operation
from medloom.wire.sheet import Lifecycle, Owner, Sheet, Step
from medloom.wire.signature import named_site, verify_request
from medloom.wire.site import PushBody, SiteMachine

OBSERVED = frozenset((Kind.OBSERVE, Kind.RAW))
MASTER = frozenset((Kind.SET, Kind.COMMAND, Kind.RAW))
SHEETS: Mapping[str, Sheet] = {
    "item": Sheet("item", MASTER, natural_key=("number",)),
    "equipment": Sheet("equipment", MASTER, natural_key=("number",)),
    "bom": Sheet("bom", MASTER, natural_key=("item", "variant", "revision")),
    "lot": Sheet("lot", MASTER | OBSERVED, natural_key=("number",)),
    "hold": Sheet(
        "hold",
        MASTER,
        owner=Owner.SHARED,
        safety=True,
        chain="c",
        natural_key=("number",),
        lifecycle=Lifecycle("open", (Step("clear", ("open",), "cleared", Owner.REGISTRANT),)),
    ),
    "step_record": Sheet("step_record", OBSERVED, natural_key=("number",)),
    "result": Sheet("result", OBSERVED, natural_key=("number",)),
    "work_order": Sheet(
        "work_order",
        MASTER | OBSERVED,
        owner=Owner.REGISTRANT,
        owners={"progress": Owner.SITE, "planned_start": Owner.SHARED, "remark": Owner.SHARED},
        natural_key=("number",),
        lifecycle=Lifecycle("draft", (Step("release", ("draft",), "released", Owner.REGISTRANT),)),
    ),
}
NOW_S = 1_800_000_000


def text() -> str:
    """A random text of 128 bits."""
    return secrets.token_hex(16)


class Hub:
    """A hub in memory. `lose` says whether the answer to a request gets lost, after it was made.

    fail  the status with which a path is answered at once, 0 for a proper answer
    """

    def __init__(
        self, keys: Mapping[str, Ed25519PrivateKey], *, sheets: Mapping[str, Sheet] = SHEETS
    ) -> None:
        self.sheets = sheets
        self.public = {site: (public_bytes(key),) for site, key in keys.items()}
        self.store = MemoryHub(epoch=text(), sheets=sheets, keys={s: k[0] for s, k in self.public.items()})
        self.machine = HubMachine(self.store)
        self.lose: Callable[[str], bool] = lambda target: False
        self.fail: Callable[[str], int] = lambda target: 0
        self.down = False
        self.requests: list[str] = []

    def hold(self) -> None:
        """The registrant places a hold on a lot of plant MOLD."""
        fields = {"number": "H-1", "cause": "test", "lot": "L1"}
        operation = Operation(
            id=str(uuid.uuid4()), type="hold", object=str(uuid.uuid4()), kind=Kind.SET, fields=fields,
            site="MOLD", at="2026-11-23T07:00:00Z", actor="quality",
        )  # fmt: skip
        (answer,) = self.store.post([encode_operation(operation)])
        assert answer.verdict == "accepted", answer
        self.store.sequence()

    def client(self) -> httpx.Client:
        """An HTTP client whose server is this hub."""
        return httpx.Client(base_url="http://hub.test", transport=httpx.MockTransport(self._serve))

    def _serve(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.requests.append(path)
        if self.down:
            raise httpx.ConnectError("refused", request=request)
        if failed := self.fail(path):
            return httpx.Response(failed, content=b"<html>")
        site = named_site(request.headers)
        token = verify_request(
            method=request.method,
            path=path,
            body=request.content,
            headers=request.headers,
            keys=self.public[site],
        )
        reply = self._answer(path, request.content, site, token)
        self.store.sequence()
        if self.lose(path):
            raise httpx.ReadTimeout("lost", request=request)
        status = reply.status if isinstance(reply, Refused) else 200
        headers = {KIND_HEADER: type(reply).__name__}
        return httpx.Response(status, headers=headers, content=msgspec.json.encode(reply))

    def _answer(self, path: str, body: bytes, site: str, token: str) -> Any:
        if path == PATHS[PushBody]:
            return self.machine.push(token, body, site=site)
        kind = next(kind for kind, where in PATHS.items() if where == path)
        ask = msgspec.json.decode(body, type=kind)
        if isinstance(ask, Hello):
            return self.machine.hello(ask, now_s=NOW_S, fresh=Fresh(text(), text(), text()))
        if isinstance(ask, Pull):
            return self.machine.pull(ask, site=site, now_s=NOW_S)
        if isinstance(ask, HandBack):
            return self.machine.hand_back(ask, site=site)
        return self.machine.snapshot(ask, site=site)


def agent_of(
    hub: Hub, *, site: str, key: Ed25519PrivateKey, inner: Any = None, wanted: frozenset[str] = frozenset()
) -> Agent:
    """An agent of that site with a store in memory, started."""
    sheets = hub.sheets
    store = NotingStore(inner or MemorySite(site=site, sheets=sheets), sheets, site=site, wanted=wanted)
    machine = SiteMachine(store, site=site, key=key, mint=text)
    machine.start()
    transport = HubTransport("http://hub.test", site=site, key=key, now_s=lambda: NOW_S, client=hub.client())
    collector = Collector(
        store, site, sheets, now=lambda: "2026-11-23T00:00:00Z", mint=lambda: str(uuid.uuid4())
    )
    return Agent(store, machine, transport, collector, poll_seconds=0.0, sleep=lambda seconds: None)


def settle(agent: Agent, *, steps: int = 500) -> None:
    """Let the agent work until all is sent, decided and read back."""
    for _ in range(steps):
        if not agent.step() and agent.settled():
            return
    raise AssertionError(f"not settled: {agent.state}")
