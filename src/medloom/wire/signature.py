"""Signed requests between agent and hub: a narrow profile of RFC 9421 with Ed25519.

Covered are the method, the path, the digest of the body and the session token. Nothing is decided
by the clock: a replayed HELLO meets the hub's challenge, a replayed push its numbers, a replayed
pull answers what was answered before.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

TOKEN_HEADER = "Medloom-Token"  # noqa: S105  the name of a header, not a secret
_COVERED = '("@method" "@path" "content-digest" "medloom-token")'
_INPUT = re.compile(
    r'medloom=\("@method" "@path" "content-digest" "medloom-token"\)'
    r';created=(\d{1,12});keyid="([A-Z0-9][A-Z0-9_-]{0,15})";alg="ed25519"',
    re.ASCII,
)


@lru_cache(maxsize=1_000)
def public_key(raw: bytes) -> Ed25519PublicKey:
    """A key of 32 raw bytes, ready to verify. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(raw)


class BadSignature(PermissionError):
    """The request is not signed by a valid key of the site it names. `code` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def content_digest(body: bytes) -> str:
    """RFC 9530 digest of a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _base(method: str, path: str, digest: str, token: str, parameters: str) -> bytes:
    lines = (
        f'"@method": {method}',
        f'"@path": {path}',
        f'"content-digest": {digest}',
        f'"medloom-token": {token}',
        f'"@signature-params": {parameters}',
    )
    return "\n".join(lines).encode()


def sign_request(
    *, method: str, path: str, body: bytes, token: str, site: str, key: Ed25519PrivateKey, created_s: int
) -> dict[str, str]:
    """The headers that sign a request of `site`."""
    digest = content_digest(body)
    parameters = f'{_COVERED};created={created_s};keyid="{site}";alg="ed25519"'
    signed = key.sign(_base(method, path, digest, token, parameters))
    return {
        TOKEN_HEADER: token,
        "Content-Digest": digest,
        "Signature-Input": f"medloom={parameters}",
        "Signature": f"medloom=:{base64.b64encode(signed).decode()}:",
    }


def named_site(headers: Mapping[str, str]) -> str:
    """The site whose key the request says it is signed with. Raises BadSignature."""
    found = _INPUT.fullmatch(headers.get("Signature-Input", ""))
    if found is None:
        raise BadSignature("signature_missing")
    return found[2]


def verify_request(
    *, method: str, path: str, body: bytes, headers: Mapping[str, str], keys: Iterable[bytes]
) -> str:
    """Check a request against the public keys of the site it names; returns its token.

    Raises BadSignature: signature_missing, digest_differs, signature_invalid.
    """
    site = named_site(headers)
    digest = headers.get("Content-Digest", "")
    if digest != content_digest(body):
        raise BadSignature("digest_differs")
    token = headers.get(TOKEN_HEADER, "")
    parameters = headers["Signature-Input"].removeprefix("medloom=")
    try:
        signed = base64.b64decode(
            headers.get("Signature", "").removeprefix("medloom=:").removesuffix(":"), validate=True
        )
    except ValueError:
        raise BadSignature("signature_invalid") from None
    base = _base(method, path, digest, token, parameters)
    for key in keys:
        try:
            public_key(key).verify(signed, base)
        except InvalidSignature:
            continue
        return token
    raise BadSignature("signature_invalid" if site else "signature_missing")
