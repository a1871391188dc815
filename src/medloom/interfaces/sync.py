"""The HTTP doors of agents: enrol, hello, push, pull, hand back, snapshot. They translate, never decide.

Every answer names what it is in `Medloom-Message`. A refusal has its status, a stable code and what
to do in `detail`. Nothing becomes a 500: a batch that lost too many races is answered 503 to come back.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import secrets
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from medloom.exchange import feedstore
from medloom.exchange.hubstore import PostgresHub
from medloom.hub import wiring
from medloom.kernel.cursor import open_cursor
from medloom.kernel.ledger import LOST, SPOILT, Busy, Unfit
from medloom.parties import keys
from medloom.process import space
from medloom.process.courtesy import courtesy
from medloom.wire.hub import Fresh, HubMachine
from medloom.wire.messages import HandBack, Hello, Page, Pull, Refused, Reply, SnapshotPull, Welcome
from medloom.wire.push import BODY_BYTES_MAX
from medloom.wire.signature import BadSignature, named_site, verify_request

log = logging.getLogger(__name__)
#: Of a hand-back, the largest other body.
BYTES_MAX = BODY_BYTES_MAX
RETRY_AFTER_S = 1
#: The server is gone, or ends; Django's own errors come from where it connects and commits.
NO_DATABASE = (psycopg.OperationalError, psycopg.InterfaceError, OperationalError, InterfaceError)
#: Pushes larger than this take turns within one process: three backlogs at once would share its time with
#: whoever has a page open, who then waits four times as long (fault 26).
LARGE_BYTES = 64 * 1024
_TURN = threading.Lock()
Step = Callable[[HubMachine, bytes, str, str], Reply]


class Enrol(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent brings its first key with the one-time code; `key` is 64 hex digits."""

    site: str
    code: str
    key: str


def machine(
    valid: tuple[bytes, ...], *, careful: bool = False, before: Callable[[], None] | None = None
) -> HubMachine:
    """The hub for one request of a site with these keys: a store keeps its transaction's cursor."""
    return HubMachine(PostgresHub(wiring=wiring, keys=lambda _: valid, careful=careful, before=before))


def reply(message: Reply) -> HttpResponse:
    """A message of the protocol as JSON, its kind in a header."""
    status = message.status if isinstance(message, Refused) else 200
    name = type(message).__name__
    response = HttpResponse(msgspec.json.encode(message), status=status, content_type="application/json")
    response["Medloom-Message"] = name
    if isinstance(message, Welcome):
        response["Medloom-Hints"] = settings.LIVE_URL or f":{settings.LIVE_PORT}"
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def read_body(request: HttpRequest) -> bytes | Refused:
    """The body, whose length must be told and is looked at before a byte of it is read."""
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal():
        return Refused("length_missing", 411, "send Content-Length")
    if int(length) > BYTES_MAX:
        return Refused("push_too_large", 413, f"at most {BYTES_MAX} bytes")
    return bytes(request.body)


def inflated(body: bytes, encoding: str) -> bytes | Refused:
    """The body as it was before compression; inflating stops at the limit, whatever the sender claims."""
    if encoding == "identity":
        return body
    if encoding != "gzip":
        return Refused("encoding_unknown", 415, "send the body as it is, or gzip")
    inflater = zlib.decompressobj(wbits=31)
    try:
        found = inflater.decompress(body, BYTES_MAX + 1)
    except zlib.error:
        return Refused("encoding_broken", 400, "the body is no gzip")
    if len(found) > BYTES_MAX:
        return Refused("push_too_large", 413, f"at most {BYTES_MAX} bytes once inflated")
    if not inflater.eof or inflater.unused_data:
        return Refused("encoding_broken", 400, "the gzip ends too early or too late")
    return found


def signed(step: Step) -> Callable[[HttpRequest], HttpResponse]:
    """A view for a signed request: authenticates the site, then lets the machine answer."""

    @csrf_exempt
    @require_POST
    def view(request: HttpRequest) -> HttpResponse:
        try:
            return reply(_answer(request, step))
        except BadSignature as error:
            return reply(Refused(error.code, 401, "sign with the key enrolled for this site"))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            return reply(Refused("message_wrong", 400, str(error)[:200]))
        except Busy:
            return reply(Refused("busy", 503, "others write the same objects: send the same again"))
        except Unfit:
            return reply(Refused("hub_unfit", 503, "the hub cannot write just now: keep it and come back"))
        except NO_DATABASE as error:
            log.warning("the database does not answer at %s: %s", request.path, error)
            return reply(Refused("hub_unfit", 503, "the database does not answer: keep it and come back"))

    return view


def _answer(request: HttpRequest, step: Step) -> Reply:
    body = read_body(request)
    if isinstance(body, Refused):
        return body
    headers: Mapping[str, str] = request.headers
    site = named_site(headers)
    valid = keys.valid(site, timezone.now())
    token = verify_request(method="POST", path=request.path, body=body, headers=headers, keys=valid)
    plain = inflated(body, headers.get("Content-Encoding", "identity"))
    if isinstance(plain, Refused):
        return plain
    before = courtesy().giving_way() if len(plain) > LARGE_BYTES else None
    try:
        return step(machine(valid, before=before), plain, site, token)
    except (*LOST, *SPOILT):  # nothing was written: once more, and find out what can be saved
        return step(machine(valid, careful=True, before=before), plain, site, token)


def listener(request: HttpRequest) -> str | Refused:
    """The site of a signed request for hints, if its token still speaks. Raises BadSignature."""
    site = named_site(request.headers)
    token = verify_request(
        method="POST",
        path=request.path,
        body=request.body,
        headers=request.headers,
        keys=keys.valid(site, timezone.now()),
    )
    if not machine(()).speaks(site, token):
        return Refused("fenced", 409, "another session is open: say HELLO")
    return site


def _hello(hub: HubMachine, body: bytes, site: str, _: str) -> Reply:
    hello = msgspec.json.decode(body, type=Hello)
    if hello.site != site:
        return Refused("foreign_site", 403, "a site speaks for itself only")
    fresh = Fresh(
        nonce=secrets.token_hex(16), token=secrets.token_urlsafe(24), hub_epoch=secrets.token_hex(16)
    )
    return hub.hello(hello, now_s=int(time.time()), fresh=fresh)


def _push(hub: HubMachine, body: bytes, site: str, token: str) -> Reply:
    with _TURN if len(body) > LARGE_BYTES else contextlib.nullcontext():
        return hub.push(token, body, site=site)


def _note_read(site: str, feed: str, position: int) -> None:
    """For the pages: how far the site has read. Apart from the pull, whose answer it must never cost."""
    if space.scarce():
        return
    try:
        with transaction.atomic(durable=True), open_cursor() as cursor:
            feedstore.note_read(cursor, site, feed, position)
    except (DatabaseError, psycopg.Error):
        log.warning("reading position of %s/%s not noted", site, feed, exc_info=True)


def _pull(hub: HubMachine, body: bytes, site: str, token: str) -> Reply:
    ask = msgspec.structs.replace(msgspec.json.decode(body, type=Pull), token=token)
    page = hub.pull(ask, site=site, now_s=int(time.time()))
    if isinstance(page, Page):
        _note_read(site, ask.feed, page.lines[-1].position if page.lines else ask.after)
    return page


def _hand_back(hub: HubMachine, body: bytes, site: str, token: str) -> Reply:
    part = msgspec.structs.replace(msgspec.json.decode(body, type=HandBack), token=token)
    return hub.hand_back(part, site=site)


def _snapshot(hub: HubMachine, body: bytes, site: str, token: str) -> Reply:
    ask = msgspec.structs.replace(msgspec.json.decode(body, type=SnapshotPull), token=token)
    return hub.snapshot(ask, site=site)


@csrf_exempt
@require_POST
def enrol(request: HttpRequest) -> HttpResponse:
    """Take an agent's first key for a one-time code; a used, expired or foreign code is refused alike."""
    body = read_body(request)
    if isinstance(body, Refused):
        return reply(body)
    try:
        wish = msgspec.json.decode(body, type=Enrol)
        public = bytes.fromhex(wish.key)
    except (msgspec.MsgspecError, ValueError, UnicodeDecodeError):
        return reply(Refused("message_wrong", 400, "site, code and a key of 64 hex digits"))
    digest = hashlib.sha256(wish.code.encode()).digest()
    if len(public) != 32 or not keys.enrol(wish.site, digest, public, timezone.now()):
        return reply(Refused("code_wrong", 403, "ask the registrant for a new one-time code"))
    return HttpResponse(status=204)


def urls() -> list[Any]:
    """The addresses under /sync/."""
    return [
        path("enrol", enrol),
        path("hello", signed(_hello)),
        path("push", signed(_push)),
        path("pull", signed(_pull)),
        path("hand-back", signed(_hand_back)),
        path("snapshot", signed(_snapshot)),
    ]
