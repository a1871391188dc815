"""How the messages of a session travel over HTTP, for both ends: paths, bodies, and the request signature.

    POST /sync/hello      Hello -> Challenge, Welcome
    POST /sync/push       the push body as it is -> Answers
    GET  /sync/pull       ?hub&feed&after&limit -> Page
    POST /sync/hand_back  HandBack -> HandedBack
    GET  /sync/snapshot   ?after&limit -> SnapshotPage

A reply names its kind in `Medloom-Reply`; a refusal has its own status. The session token travels in
`Medloom-Session`. Every request is signed over method, target, content digest, token and time in the
form of RFC 9421, so that a body altered on the way or a request sent again later is refused.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from medloom.wire import messages
from medloom.wire.messages import HandBack, Hello, Pull, Refused, Reply, SnapshotPull

HELLO, PUSH, PULL = "/sync/hello", "/sync/push", "/sync/pull"
HAND_BACK, SNAPSHOT = "/sync/hand_back", "/sync/snapshot"
REPLY_HEADER, TOKEN_HEADER = "Medloom-Reply", "Medloom-Session"
#: A request older or newer than this, by the hub's clock, is refused.
SIGNED_SECONDS_MAX = 300
REPLIES: dict[str, type] = {
    "challenge": messages.Challenge,
    "welcome": messages.Welcome,
    "answers": messages.Answers,
    "page": messages.Page,
    "handed_back": messages.HandedBack,
    "snapshot": messages.SnapshotPage,
    "refused": messages.Refused,
}
_KINDS = {kind: name for name, kind in REPLIES.items()}


@dataclass(frozen=True)
class Request:
    """One HTTP request, before it is signed. `target` is the path with its query."""

    method: str
    target: str
    body: bytes = b""
    token: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Unreadable(ValueError):
    """The other end answered something that is no reply of this protocol."""


def encode_request(ask: Hello | Pull | HandBack | SnapshotPull) -> Request:
    """The request that carries `ask`; a push is `push_request`."""
    if isinstance(ask, Hello):
        return Request("POST", HELLO, msgspec.json.encode(ask))
    if isinstance(ask, Pull):
        query = {"hub": ask.hub, "feed": ask.feed, "after": ask.after, "limit": ask.limit}
        return Request("GET", f"{PULL}?{urlencode(query)}", token=ask.token)
    if isinstance(ask, HandBack):
        return Request("POST", HAND_BACK, msgspec.json.encode(ask), ask.token)
    query = {"after": ask.after, "limit": ask.limit}
    return Request("GET", f"{SNAPSHOT}?{urlencode(query)}", token=ask.token)


def push_request(body: bytes, *, token: str) -> Request:
    """The request that carries a push."""
    return Request("POST", PUSH, body, token)


def encode_reply(reply: Reply) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a reply."""
    status = reply.status if isinstance(reply, Refused) else 200
    headers = {REPLY_HEADER: _KINDS[type(reply)], "Content-Type": "application/json"}
    return status, headers, msgspec.json.encode(reply)


def decode_reply(kind: str, body: bytes) -> Reply:
    """The reply of that kind. Raises Unreadable, and nothing else."""
    wanted = REPLIES.get(kind)
    if wanted is None:
        raise Unreadable(f"no reply of kind {kind[:40]!r}")
    try:
        reply: Reply = msgspec.json.decode(body, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(str(error)[:200]) from error
    return reply


def content_digest(body: bytes) -> str:
    """The value of the `Content-Digest` header (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def signature_params(*, created: int, key_id: str) -> str:
    """The parameters that `Signature-Input` states, in the order in which they are signed."""
    parts = '("@method" "@request-target" "content-digest" "medloom-session")'
    return f'{parts};created={created};keyid="{key_id}";alg="ed25519"'


def signature_base(*, method: str, target: str, digest: str, token: str, params: str) -> bytes:
    """The bytes that are signed (RFC 9421, 2.5)."""
    return (
        f'"@method": {method}\n"@request-target": {target}\n"content-digest": {digest}\n'
        f'"medloom-session": {token}\n"@signature-params": {params}'
    ).encode()


def sign_request(request: Request, *, key: Ed25519PrivateKey, key_id: str, now_s: int) -> dict[str, str]:
    """Every header that a signed request carries. `key_id` is the site's code."""
    digest = content_digest(request.body)
    params = signature_params(created=now_s, key_id=key_id)
    base = signature_base(
        method=request.method, target=request.target, digest=digest, token=request.token, params=params
    )
    signature = base64.b64encode(key.sign(base)).decode()
    return {
        **request.headers,
        "Content-Digest": digest,
        TOKEN_HEADER: request.token,
        "Signature-Input": f"medloom={params}",
        "Signature": f"medloom=:{signature}:",
    }


def check_request(
    request: Request, *, public_keys: Mapping[str, tuple[bytes, ...]], now_s: int
) -> str | Refused:
    """The site that signed the request, or the refusal (401). `headers` of the request are lower case."""
    stated = request.headers.get("signature-input", "").removeprefix("medloom=")
    signature = request.headers.get("signature", "").removeprefix("medloom=:").removesuffix(":")
    try:
        created = int(stated.split(";created=", 1)[1].split(";", 1)[0])
        key_id = stated.split(';keyid="', 1)[1].split('"', 1)[0]
        raw = base64.b64decode(signature, validate=True)
    except (IndexError, ValueError):
        return Refused("signature_missing", 401, "sign over method, target, digest, token and time")
    if stated != signature_params(created=created, key_id=key_id):
        return Refused("signature_parts", 401, "exactly the four declared parts are to be signed")
    if abs(now_s - created) > SIGNED_SECONDS_MAX:
        return Refused("signature_expired", 401, f"made {now_s - created} s from now by the hub's clock")
    digest = content_digest(request.body)
    if request.headers.get("content-digest") != digest:
        return Refused("digest_differs", 401, "the body is not the one that was signed")
    base = signature_base(
        method=request.method, target=request.target, digest=digest, token=request.token, params=stated
    )
    for public in public_keys.get(key_id, ()):
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(raw, base)
        except (InvalidSignature, ValueError):
            continue
        return key_id
    return Refused("signature_wrong", 401, f"no valid key of {key_id[:40]} made this signature")
