"""Signatures of webhooks after Standard Webhooks 1.0 with Ed25519 (`v1a`). Pure.

Signed is `<id>.<timestamp>.<body>`. While a key is being replaced a delivery bears a signature of each, so
that a receiver may change its copy of the public key at any time in between.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: A receiver refuses a delivery whose timestamp differs from its clock by more.
TOLERANCE_S = 300


def private_key(secret: str, number: int) -> Ed25519PrivateKey:
    """The hub's signing key of that number, made from its own secret."""
    seed = hmac.new(secret.encode(), f"medloom webhook key {number}".encode(), hashlib.sha256).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half as receivers keep it: `whpk_` and base64."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"whpk_{base64.b64encode(raw).decode()}"


def headers(keys: Sequence[Ed25519PrivateKey], *, id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The three headers of a delivery; `at_s` in seconds since 1970."""
    signed = f"{id}.{at_s}.".encode() + body
    marks = [f"v1a,{base64.b64encode(key.sign(signed)).decode()}" for key in keys]
    return {"webhook-id": id, "webhook-timestamp": str(at_s), "webhook-signature": " ".join(marks)}


def verified(given: Mapping[str, str], body: bytes, *, public: str, now_s: int) -> bool:
    """Whether a delivery is the hub's, of now, and unaltered. `given` has the names in lower case."""
    stamp, name = given.get("webhook-timestamp", ""), given.get("webhook-id", "")
    if not stamp.isdecimal() or abs(now_s - int(stamp)) > TOLERANCE_S:
        return False
    signed = f"{name}.{stamp}.".encode() + body
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
        marks = [
            base64.b64decode(mark[4:])
            for mark in given.get("webhook-signature", "").split(" ")
            if mark[:4] == "v1a,"
        ]
    except ValueError:
        return False
    return any(_holds(key, mark, signed) for mark in marks)


def _holds(key: Ed25519PublicKey, mark: bytes, signed: bytes) -> bool:
    try:
        key.verify(mark, signed)
    except InvalidSignature:
        return False
    return True
