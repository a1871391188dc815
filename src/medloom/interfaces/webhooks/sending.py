"""One HTTP request to a receiver: to a judged address, within a deadline, no redirect, little read."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from medloom.interfaces.webhooks.address import AddressRefused, Network, Target, judged, target_of

CONNECT_S, ANSWER_S = 5.0, 15.0
#: Of the answer this much is read, so that the receiver sees its answer taken; this much is kept.
READ_MOST, KEPT_MOST = 16_384, 2_000


@dataclass(frozen=True)
class Sent:
    """What came back: a status, or why there is none. `waits_s` is what Retry-After asked for.

    `asked` are the headers that were sent, `answered` the headers and the beginning of the body that came.
    """

    status: int | None
    error: str = ""
    took_ms: int = 0
    waits_s: int = 0
    asked: str = ""
    answered: str = ""

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether the receiver will never take it as it is; a redirect counts as that."""
        return (
            self.status is not None and 300 <= self.status < 500 and self.status not in (408, 409, 425, 429)
        )


def send(url: str, body: bytes, headers: Mapping[str, str], *, permitted: Sequence[Network] = ()) -> Sent:
    """POST a body. Never raises for what the other side does."""
    began = time.monotonic()
    asked = _lines(headers.items())
    try:
        target = target_of(url)
        addresses = judged(target, permitted)
        status, waits_s, answered = _post(target, addresses[0], body, headers, began + ANSWER_S)
    except AddressRefused as error:
        return Sent(None, error.code, _ms(began), asked=asked)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Sent(None, f"{type(error).__name__}: {error}"[:200], _ms(began), asked=asked)
    return Sent(status, "" if status < 300 else f"HTTP {status}", _ms(began), waits_s, asked, answered)


def _lines(headers: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers)


def _kept(answer: http.client.HTTPResponse, begun: bytes) -> str:
    """Headers and the beginning of the body as text that a database takes."""
    text = f"{_lines(answer.headers.items())}\n\n{begun.decode('utf-8', 'replace')}"
    return text.replace("\0", "\ufffd")[:KEPT_MOST].strip()


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1_000)


def _post(
    target: Target, address: str, body: bytes, headers: Mapping[str, str], until: float
) -> tuple[int, int, str]:
    link: socket.socket = socket.create_connection((address, target.port), timeout=CONNECT_S)
    try:
        if target.secure:
            link = ssl.create_default_context().wrap_socket(link, server_hostname=target.host)
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.sock = link
        link.settimeout(max(0.1, until - time.monotonic()))
        connection.request("POST", target.path, body, dict(headers))
        answer = connection.getresponse()
        left, begun = READ_MOST, b""
        while left > 0 and time.monotonic() < until:
            link.settimeout(max(0.1, until - time.monotonic()))
            part = answer.read1(left)
            if not part:
                break
            left -= len(part)
            begun = (begun + part)[:KEPT_MOST]
        pause = answer.headers.get("Retry-After", "")
        waits_s = min(int(pause), 3_600) if pause.isdecimal() and len(pause) < 6 else 0
        return answer.status, waits_s, _kept(answer, begun)
    finally:
        link.close()
