"""Live push: one stream of server-sent events per open page and agent, fed by the sequencer's bell.

A stream says that something moved, never what it is now: `{"moved": [{"type", "object", "site",
"verdict"}], "many": bool, "size": leaves}`. The page then asks for what it shows, through the ordinary
door with the person's own view. Hints go only to whom the entry was routed. Runs in its own process, so
that open streams take no web thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from psycopg.rows import dict_row

from medloom.interfaces import sync
from medloom.process import state
from medloom.wire.judge import HQ
from medloom.wire.messages import Refused
from medloom.wire.operation import CHAINS
from medloom.wire.signature import BadSignature

log = logging.getLogger(__name__)

CHANNEL = "medloom_feed"
#: Objects named in one hint; beyond it the page is only told that much moved.
NAMED_MOST = 200
#: A comment line keeps proxies from closing a quiet stream, and finds readers that went away.
HEARTBEAT_S = 15
#: Hints that wait for one slow reader; then it is told "many" and reads the page anew.
QUEUE_MOST = 50
RETRY_S_MOST = 10

_SINCE = """
    select l.index, e.type, e.object, e.site, e.verdict, e.sites, e.feed
    from leaf l join entry e on e.seq = l.seq where l.index >= %s order by l.index limit %s"""


@dataclass(eq=False)
class Reader:
    """One open page: whose rows it may hear of, and the hints that wait for it."""

    site: str
    #: What this reader hears of new entries: (site, rows, size) -> hint or None.
    tell: Callable[[str, list[dict[str, Any]], int], dict[str, Any] | None]
    queue: asyncio.Queue[dict[str, Any]] = field(default_factory=lambda: asyncio.Queue(QUEUE_MOST))

    def offer(self, hint: dict[str, Any]) -> None:
        """Queue a hint; a reader that cannot keep up is told to look anew."""
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            hint = {"moved": [], "many": True, "feeds": CHAINS, "size": hint["size"]}
        self.queue.put_nowait(hint)


def hint_for(site: str, rows: list[dict[str, Any]], size: int) -> dict[str, Any] | None:
    """What one site may hear of these entries, each object once; None when nothing concerns it."""
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if site == HQ or site in row["sites"]:
            found = {"type": row["type"], "object": str(row["object"] or ""), "site": row["site"]}
            seen[found["type"], found["object"] or str(row["index"])] = found | {"verdict": row["verdict"]}
    if not seen:
        return None
    many = len(seen) > NAMED_MOST
    return {"moved": list(seen.values())[:NAMED_MOST], "many": many, "size": size}


def feeds_for(site: str, rows: list[dict[str, Any]], size: int) -> dict[str, Any] | None:
    """Which feeds of one site these entries went to; None when to neither."""
    feeds = sorted({row["feed"] for row in rows if site in row["sites"]})
    return {"feeds": feeds, "size": size} if feeds else None


class Bell:
    """Listens once for the whole process and rings every reader."""

    def __init__(self) -> None:
        self.readers: set[Reader] = set()
        self.size = -1
        self.task: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()

    def open(self, site: str, tell: Any = hint_for) -> Reader:
        """A new reader; the first one starts the listening."""
        reader = Reader(site, tell)
        self.readers = self.readers | {reader}
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self._listen())
        return reader

    def close(self, reader: Reader) -> None:
        """Forget a reader."""
        self.readers = self.readers - {reader}

    async def _listen(self) -> None:
        wait_s = 0.5
        while self.readers:
            try:
                await self._follow()
            except (psycopg.Error, OSError) as error:
                log.warning("live push lost the database (%s); again in %s s", error, wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(RETRY_S_MOST, wait_s * 2)
            finally:
                self.listening.clear()

    async def _follow(self) -> None:
        kept: dict[str, Any] = dict(settings.DATABASES["default"])
        login = {"host": kept["HOST"], "port": kept["PORT"], "user": kept["USER"], "dbname": kept["NAME"]}
        options = f"-c search_path={state.SEARCH_PATH}"
        connection = await psycopg.AsyncConnection.connect(
            **login, password=kept["PASSWORD"], options=options, autocommit=True, row_factory=dict_row
        )
        async with connection:
            await connection.execute(f"listen {CHANNEL}")
            if self.size < 0:
                found = await (
                    await connection.execute("select coalesce(max(index), -1) + 1 as n from leaf")
                ).fetchone()
                self.size = found["n"] if found else 0
            await self._ring(connection)
            self.listening.set()
            while self.readers:
                async for _ in connection.notifies(timeout=HEARTBEAT_S, stop_after=1):
                    pass
                await self._ring(connection)

    async def _ring(self, connection: Any) -> None:
        """Tell every reader what was added to the log since the last time."""
        while True:
            async with connection.transaction():
                await connection.execute("select set_config('medloom.site', '*', true)")
                cursor = await connection.execute(_SINCE, (self.size, 5_000))
                rows = await cursor.fetchall()
            if not rows:
                return
            self.size = rows[-1]["index"] + 1
            kinds = {(r.tell, r.site) for r in self.readers}
            hints = {(tell, site): tell(site, rows, self.size) for tell, site in kinds}
            for reader in self.readers:
                hint = hints.get((reader.tell, reader.site))
                if hint is not None:
                    reader.offer(hint)


BELL = Bell()


def line(event: str, data: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return f"event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


async def _stream(site: str, tell: Any = hint_for) -> AsyncIterator[bytes]:
    reader = BELL.open(site, tell)
    try:
        yield b"retry: 2000\n\n"
        await BELL.listening.wait()  # what moves from here on is heard
        yield line("ready", {"site": site})
        while True:
            try:
                hint = await asyncio.wait_for(reader.queue.get(), HEARTBEAT_S)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            yield line("moved", hint)
    finally:
        BELL.close(reader)


def permitted_origin(request: HttpRequest) -> str | None:
    """The page's origin, if it is on this host (the pages have another port) or one that we trust."""
    origin = request.headers.get("Origin", "")
    if not origin:
        return ""
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return origin
    with contextlib.suppress(ValueError):
        ours = urlsplit(f"//{request.get_host()}").hostname
        if urlsplit(origin).hostname == ours:
            return origin
    return None


async def live(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The stream of one page. 401 without a login, 403 for a foreign origin, 404 outside the live process."""
    if not isinstance(request, ASGIRequest):
        return HttpResponse(status=404)
    origin = permitted_origin(request)
    if origin is None:
        return HttpResponse(status=403)
    user: Any = await request.auser()
    if not user.is_authenticated:
        answer: HttpResponse | StreamingHttpResponse = HttpResponse(status=401)
    else:
        answer = _streaming(_stream(user.site))
    if origin:
        answer["Access-Control-Allow-Origin"] = origin
        answer["Access-Control-Allow-Credentials"] = "true"
        answer["Vary"] = "Origin"
    return answer


@csrf_exempt
@require_POST
async def hints(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The stream of one agent: `{"feeds": ["c"]}` says that its control feed has new lines, and no more.

    Signed like an agent's other requests, with the token of its session. 404 outside the live process.
    """
    if not isinstance(request, ASGIRequest):
        return HttpResponse(status=404)
    try:
        site = await sync_to_async(sync.listener)(request)
    except BadSignature as error:
        return sync.reply(Refused(error.code, 401, "sign with the key enrolled for this site"))
    except sync.NO_DATABASE:
        return sync.reply(Refused("hub_unfit", 503, "the database does not answer: keep it and come back"))
    return sync.reply(site) if isinstance(site, Refused) else _streaming(_stream(site, feeds_for))


def _streaming(events: AsyncIterator[bytes]) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(events, content_type="text/event-stream")
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"
    return answer
