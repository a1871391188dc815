"""From the machine's questions to HTTP and back. One place decides what is worth another try.

Transient (tried again, with growing pauses and jitter): no connection, time-outs, 429, 5xx,
and answers cut off on the way. Everything else is an answer, and the machine knows what it means.
What stays transient for long is told to a person: see `trouble`.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.agent.keys import public_bytes
from medloom.wire import messages
from medloom.wire.messages import HandBack, Hello, Pull, Refused, Reply, SnapshotPull
from medloom.wire.signature import sign_request
from medloom.wire.site import Ask, PushBody

# One line for each request would bury what matters.
logging.getLogger("httpx").setLevel(logging.WARNING)
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 60.0
TRANSIENT = frozenset((408, 425, 429, 500, 502, 503, 504))
PATHS: dict[type, str] = {
    Hello: "/sync/hello",
    PushBody: "/sync/push",
    Pull: "/sync/pull",
    HandBack: "/sync/hand-back",
    SnapshotPull: "/sync/snapshot",
}
#: The header by which a reply says what it is.
KIND_HEADER = "Medloom-Message"
#: The header of a Welcome that says where to listen for hints.
HINTS_HEADER = "Medloom-Hints"
REPLIES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        messages.Challenge,
        messages.Welcome,
        messages.Answers,
        messages.Page,
        messages.HandedBack,
        messages.SnapshotPage,
        messages.Refused,
    )
}
PAUSE_FIRST_SECONDS, PAUSE_SECONDS_MAX = 0.2, 30.0


class EnrolmentRefused(Exception):
    """The one-time code is wrong, used or expired."""


class Unreachable(Exception):
    """The hub gave no answer this time; ask again after `pause_seconds`.

    status  of the answer that does not count; 0 when there was none
    """

    def __init__(self, reason: str, *, pause_seconds: float = 0.0, status: int = 0) -> None:
        super().__init__(reason)
        self.pause_seconds, self.status = pause_seconds, status


@dataclass
class Pause:
    """Growing pauses with full jitter; a success ends them."""

    chance: random.Random
    tries: int = 0

    def next_seconds(self, *, at_least: float = 0.0) -> float:
        """How long to wait now, in seconds."""
        ceiling = min(PAUSE_SECONDS_MAX, PAUSE_FIRST_SECONDS * 2**self.tries)
        self.tries = min(self.tries + 1, 20)
        return max(at_least, self.chance.uniform(0, ceiling))

    def end(self) -> None:
        """The hub answered."""
        self.tries = 0


class HubTransport:
    """One agent's connection to its hub. `now_s` gives seconds since 1970 for the request signature."""

    def __init__(
        self,
        url: str,
        *,
        site: str,
        key: Ed25519PrivateKey,
        now_s: Callable[[], int],
        client: httpx.Client | None = None,
    ) -> None:
        self.site, self.key, self.now_s = site, key, now_s
        #: Where the hub gives hints (docs of agent/hints.py); known once it has welcomed us.
        self.hints_place = ""
        self.client = client or httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=2),
        )

    def ask(self, ask: Ask) -> Reply:
        """The hub's reply. Raises Unreachable when there was none that counts."""
        body = ask.body if isinstance(ask, PushBody) else msgspec.json.encode(ask)
        token = "" if isinstance(ask, Hello) else ask.token
        answer = self._post(PATHS[type(ask)], body, token=token)
        kind = answer.headers.get(KIND_HEADER, "")
        if kind not in REPLIES:
            if answer.status_code in TRANSIENT or answer.status_code < 400:
                raise _no_answer(answer, f"status {answer.status_code} to {PATHS[type(ask)]}")
            return Refused("no_hub", answer.status_code, "this address answers, but it is no hub")
        try:
            reply: Reply = msgspec.json.decode(answer.content, type=REPLIES[kind])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Unreachable(f"unreadable {kind}: {error}"[:300], status=answer.status_code) from error
        if isinstance(reply, messages.Welcome):
            self.hints_place = _place(str(self.client.base_url), answer.headers.get(HINTS_HEADER, ""))
        if isinstance(reply, Refused) and reply.status in TRANSIENT:
            raise _no_answer(answer, f"status {reply.status} to {PATHS[type(ask)]}: {reply.code}")
        return reply

    def enrol(self, code: str) -> None:
        """Bring the public key with a one-time code. Raises Unreachable, and EnrolmentRefused for a no."""
        wish = {"site": self.site, "code": code, "key": public_bytes(self.key).hex()}
        answer = self._post("/sync/enrol", msgspec.json.encode(wish), token="")
        if answer.status_code in TRANSIENT:
            raise _no_answer(answer, f"status {answer.status_code} to /sync/enrol")
        if answer.status_code >= 300:
            raise EnrolmentRefused(f"the hub refuses the code of {self.site}: ask for a new one-time code")

    def signed(self, path: str, body: bytes, *, token: str) -> dict[str, str]:
        """The headers that sign a request of this site."""
        return sign_request(
            method="POST",
            path=path,
            body=body,
            token=token,
            site=self.site,
            key=self.key,
            created_s=self.now_s(),
        )

    def _post(self, path: str, body: bytes, *, token: str) -> httpx.Response:
        headers = self.signed(path, body, token=token)
        headers["Content-Type"] = (
            "application/octet-stream" if path == PATHS[PushBody] else "application/json"
        )
        try:
            return self.client.post(path, content=body, headers=headers)
        except httpx.TransportError as error:
            raise Unreachable(f"{type(error).__name__}: {error}"[:300]) from error

    def close(self) -> None:
        """Give the connection back."""
        self.client.close()


def _place(hub: str, told: str) -> str:
    """The address of the hub's hints: as told, or the hub's own with the port told, as `:8001`."""
    if told.startswith(":") and told[1:].isdecimal() and int(told[1:]) < 65_536:
        return str(httpx.URL(hub).copy_with(port=int(told[1:]), path="/")).rstrip("/")
    return told.rstrip("/") if told.startswith(("http://", "https://")) else ""


def _no_answer(answer: httpx.Response, reason: str) -> Unreachable:
    return Unreachable(reason, pause_seconds=_retry_after(answer), status=answer.status_code)


def _retry_after(answer: httpx.Response) -> float:
    try:
        return min(float(answer.headers.get("Retry-After", "0")), 600.0)
    except ValueError:
        return 0.0
