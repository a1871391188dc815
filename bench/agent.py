"""An agent's session in the least code: enrol, HELLO, and pushes signed beforehand."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import httpx
import msgspec

from bench.plant import Plant
from medloom.wire.messages import Announced, Challenge, Hello, Welcome
from medloom.wire.signature import sign_request

PUSH = "/sync/push"


def enrol(plant: Plant) -> None:
    """Make the plant's key valid, as its one-time code would. Needs Django."""
    from django.utils import timezone

    from medloom.kernel.access import seeing
    from medloom.parties import keys
    from medloom.parties.models import Enrolment

    code = hashlib.sha256(plant.site.encode()).digest()
    now = timezone.now()
    with seeing("*"):
        Enrolment.objects.create(code=code, site=plant.site, expires=now + dt.timedelta(hours=1))
    if not keys.enrol(plant.site, code, plant.key.public_key().public_bytes_raw(), now):
        raise AssertionError(f"{plant.site} could not be enrolled")


def headers(plant: Plant, path: str, body: bytes, token: str) -> dict[str, str]:
    """The headers that sign one request."""
    signed = sign_request(
        method="POST", path=path, body=body, token=token, site=plant.site, key=plant.key, created_s=0
    )
    return signed | {"Content-Type": "application/json"}


def open_session(plant: Plant, port: int) -> str:
    """HELLO, with the hub's challenge answered; the session's token."""
    hello = Hello(
        site=plant.site,
        epoch=plant.epoch,
        chains=(Announced(plant.epoch, "v", plant.sent + 1, plant.sent + 1),),
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        for _ in range(3):
            body = msgspec.json.encode(hello)
            answer = client.post("/sync/hello", content=body, headers=headers(plant, "/sync/hello", body, ""))
            kind: Any = {"Challenge": Challenge, "Welcome": Welcome}.get(
                answer.headers.get("Medloom-Message", "")
            )
            if kind is None:
                raise AssertionError(f"HELLO was answered {answer.status_code} {answer.text[:600]}")
            told = msgspec.json.decode(answer.content, type=kind)
            if isinstance(told, Welcome):
                return told.token
            hello = msgspec.structs.replace(hello, answer=told.nonce)
    raise AssertionError("the hub goes on asking")
