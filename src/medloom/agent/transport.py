"""From the machine's questions to HTTP and back. One place decides what is worth another try.

Transient (tried again, with growing pauses and jitter): no connection, time-outs, 429, 502, 503, 504,
and answers cut off on the way. Everything else is an answer, and the machine knows what it means.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.wire import http
from medloom.wire.messages import Refused, Reply
from medloom.wire.site import Ask, PushBody

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 60.0
REPLY_BYTES_MAX = 64 * 1024 * 1024
TRANSIENT = frozenset((408, 429, 500, 502, 503, 504))
PAUSE_FIRST_SECONDS, PAUSE_SECONDS_MAX = 0.2, 30.0


class Unreachable(Exception):
    """The hub gave no answer this time; ask again after `pause_seconds`."""

    def __init__(self, reason: str, *, pause_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_seconds = pause_seconds


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
        self.client = client or httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=2),
        )

    def ask(self, ask: Ask) -> Reply:
        """The hub's reply. Raises Unreachable when there was none that counts."""
        if isinstance(ask, PushBody):
            request = http.push_request(ask.body, token=ask.token)
        else:
            request = http.encode_request(ask)
        return self.send(request)

    def send(self, request: http.Request) -> Reply:
        """Sign and send one request. Raises Unreachable."""
        headers = http.sign_request(request, key=self.key, key_id=self.site, now_s=self.now_s())
        try:
            answer = self.client.request(
                request.method, request.target, content=request.body or None, headers=headers
            )
        except httpx.TransportError as error:
            raise Unreachable(f"{type(error).__name__}: {error}"[:300]) from error
        if answer.status_code in TRANSIENT and http.REPLY_HEADER not in answer.headers:
            raise Unreachable(f"status {answer.status_code}", pause_seconds=_retry_after(answer))
        if answer.status_code == 429:
            raise Unreachable("too many requests", pause_seconds=_retry_after(answer))
        if len(answer.content) > REPLY_BYTES_MAX:
            return Refused("reply_too_large", 502, f"{len(answer.content)} bytes")
        try:
            return http.decode_reply(answer.headers.get(http.REPLY_HEADER, ""), answer.content)
        except http.Unreadable as error:
            raise Unreachable(f"status {answer.status_code}: {error}"[:300]) from error

    def close(self) -> None:
        """Give the connection back."""
        self.client.close()


def _retry_after(answer: httpx.Response) -> float:
    try:
        return min(float(answer.headers.get("Retry-After", "0")), 600.0)
    except ValueError:
        return 0.0
