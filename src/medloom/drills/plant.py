"""A plant that sends exactly the bytes it is told to, well formed or not, over any transport."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.wire import messages
from medloom.wire.canonical import dumps
from medloom.wire.chain import operation_hash, operations_head, operations_start
from medloom.wire.messages import Challenge, Hello, Welcome
from medloom.wire.push import build_push
from medloom.wire.signature import sign_request

#: (path, body, headers) -> (status, headers, body of the answer)
Carry = Callable[[str, bytes, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]


@dataclass(frozen=True)
class Reply:
    """What the hub answered: status and, where it is one, the message of the protocol."""

    status: int
    message: Any


@dataclass
class Plant:
    """One site with its key, epoch and chains."""

    carry: Carry
    site: str = "A"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    epoch: str = field(default_factory=lambda: secrets.token_hex(16))
    token: str = ""
    #: The hub's epoch, once it has welcomed us.
    hub: str = ""
    number: int = 1
    head: bytes = b""

    def post(self, path: str, body: bytes, **more: str) -> Reply:
        """Send a signed request; `more` replaces or adds headers."""
        status, headers, content = self.carry(path, body, self.signed(path, body) | more)
        kind = getattr(messages, headers.get("Medloom-Message", ""), None)
        return Reply(status, msgspec.json.decode(content, type=kind) if kind else content)

    def signed(self, path: str, body: bytes) -> dict[str, str]:
        """The headers that sign this request."""
        return sign_request(
            method="POST", path=path, body=body, token=self.token, site=self.site, key=self.key, created_s=0
        )

    def open(self) -> None:
        """Say HELLO, answer the challenge, keep the token. Raises AssertionError when it is refused."""
        hello = Hello(site=self.site, epoch=self.epoch)
        for _ in range(2):
            reply = self.post("/sync/hello", msgspec.json.encode(hello)).message
            if isinstance(reply, Challenge):
                hello = msgspec.structs.replace(hello, answer=reply.nonce)
        assert isinstance(reply, Welcome), reply
        self.token, self.hub = reply.token, reply.hub
        self.head = self.head or operations_start(site=self.site, epoch=self.epoch, chain="v")

    def operation(self, type: str, fields: Mapping[str, Any], *, offset: int = 0, **more: Any) -> bytes:
        """Canonical bytes of the operation that will have the next number (plus `offset`)."""
        return dumps(
            {
                "id": f"{self.site}/{self.epoch}/v/{self.number + offset}",
                "type": type,
                "object": str(uuid.uuid4()),
                "kind": "observe",
                "at": "2026-11-01T08:00:00Z",
                "actor": "p1",
                "fields": fields,
            }
            | more
        )

    def body(self, raws: Sequence[bytes]) -> bytes:
        """The signed push of these lines as the next numbers of the chain."""
        return build_push(
            site=self.site,
            epoch=self.epoch,
            chain="v",
            first=self.number,
            before=self.head,
            raws=raws,
            key=self.key,
        )

    def push(self, raws: Sequence[bytes], *, keep: bool = False) -> Reply:
        """Send lines; unless `keep`, the chain goes on after them when they were answered."""
        reply = self.post("/sync/push", self.body(raws))
        if reply.status == 200 and not keep:
            self.advance(raws)
        return reply

    def advance(self, raws: Sequence[bytes]) -> None:
        """Take lines as sent."""
        self.head = operations_head(self.head, first=self.number, hashes=map(operation_hash, raws))
        self.number += len(raws)


def enrol(plant: Plant) -> None:
    """Give the site a one-time code at the hub, and use it. Needs Django on the hub's database."""
    from medloom.parties.keys import open_enrolment

    code = secrets.token_hex(8)
    now = dt.datetime.now(dt.UTC)
    open_enrolment(plant.site, hashlib.sha256(code.encode()).digest(), expires=now + dt.timedelta(hours=1))
    wish = {"site": plant.site, "code": code, "key": plant.key.public_key().public_bytes_raw().hex()}
    status, _, content = plant.carry("/sync/enrol", orjson.dumps(wish), {})
    assert status == 204, content


def through_client() -> Carry:
    """Carry requests into this process's own Django."""
    from django.test import Client

    client = Client(raise_request_exception=False)

    def carry(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        answer = client.post(path, body, content_type="application/json", headers=dict(headers))
        return answer.status_code, answer.headers, answer.content

    return carry
