"""The web process as granian runs it: a request gets a thread only when its whole body is there.

Django reads bodies in the thread that answers, and would wait there for a sender that trickles one byte a
second: as many such senders as there are threads stop a hub (fault case 19). Here the event loop takes the
body in, under limits of size, time and memory, and only then one of the few threads, each with its database
connection, runs Django. A reader that takes its answer too slowly loses it in the same way.
"""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from medloom.process.programs import WEB_THREADS
from medloom.wsgi import application  # sets Django up

from medloom.interfaces import compression  # isort: skip  (needs Django)
from medloom.interfaces.api.problem import Problem  # isort: skip
from medloom.interfaces.api.problem import answer as problem_answer  # isort: skip
from medloom.interfaces.sync import BYTES_MAX, reply  # isort: skip
from medloom.wire.messages import Refused  # isort: skip

log = logging.getLogger("medloom.web")

#: Largest body of any door; each view has its own limit below it.
BODY_BYTES_MAX = 64 * 1024 * 1024
#: All bodies that one process holds at a time.
HELD_BYTES_MAX = 256 * 1024 * 1024
#: A body has this long, and after that must have come this fast on average.
GRACE_S = 10.0
RATE_BYTES_PER_S = 2_048
#: A reader that takes no part of its answer for so long is gone.
SEND_S = 30.0
#: Answers up to this size are sent in one piece.
WHOLE_BYTES = 256 * 1024

#: Where a refusal is a problem (RFC 9457).
PROBLEMS_AT = ("/api/", "/epcis/")

Start = tuple[int, list[tuple[str, str]]]
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Front:
    """Takes requests in, hands them to `application` in a thread, and sends its answers."""

    def __init__(self, application: Wsgi, *, threads: int = WEB_THREADS, grace_s: float = GRACE_S) -> None:
        self.application = application
        self.grace_s = grace_s
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self.held_bytes = 0
        self.shelf = compression.Shelf()

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """One request."""
        body = await self._take_in(scope, proto)
        if isinstance(body, Refused):
            self._refuse(scope, proto, body)
            return
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self.threads, self._answer, environment(scope, body), proto, loop)
        except Exception:
            # Django answers its own faults; this one is the server's: an application that cannot start.
            log.exception("no answer to a request")
            self._refuse(scope, proto, Refused("hub_unfit", 503, "the hub cannot answer just now: come back"))
        finally:
            self.held_bytes -= len(body)

    def __rsgi_del__(self, loop: Any) -> None:
        """The worker ends."""
        self.threads.shutdown(wait=False, cancel_futures=True)

    def _refuse(self, scope: Any, proto: Any, refused: Refused) -> None:
        """Agents are told in a message of the protocol, other programs by a problem."""
        if scope.path.startswith(PROBLEMS_AT):
            more = {"Retry-After": "1"} if refused.status == 503 else {}
            said = Problem(refused.status, refused.code, expected=refused.detail, headers=more)
            response = problem_answer(said)
        else:
            response = reply(refused)
        headers = [(name.lower(), value) for name, value in response.items()]
        proto.response_bytes(response.status_code, [*headers, ("connection", "close")], response.content)

    async def _take_in(self, scope: Any, proto: Any) -> bytes | Refused:
        """The body, or why it is not taken. What is returned counts as held until it is answered."""
        if scope.http_version == "1.1" and scope.headers.get("host") is None:
            return Refused("message_wrong", 400, "a request of HTTP/1.1 names its Host")
        most = BYTES_MAX if scope.path.startswith("/sync/") else BODY_BYTES_MAX
        told = scope.headers.get("content-length")
        if told is not None:
            length = claimed = int(told) if told.isdecimal() and len(told) < 20 else BODY_BYTES_MAX + 1
        elif scope.http_version.startswith("1") and scope.headers.get("transfer-encoding") is None:
            return b""
        else:  # chunked, or HTTP/2: its sender does not know the length yet
            length, claimed = None, BYTES_MAX
        if claimed > most:
            return Refused("push_too_large", 413, f"at most {most} bytes")
        if self.held_bytes + claimed > HELD_BYTES_MAX:
            return Refused("busy", 503, "too much at once: send the same again")
        self.held_bytes += claimed
        body: bytes | Refused = b""
        try:
            body = await self._read(scope, proto, length, claimed) if claimed else b""
        finally:
            self.held_bytes -= claimed - (len(body) if isinstance(body, bytes) else 0)
        return body

    async def _read(self, scope: Any, proto: Any, length: int | None, most: int) -> bytes | Refused:
        """The body of that length, or of any up to `most` where it is not known."""
        parts: list[bytes] = []
        size = 0
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout_at(began + self.grace_s) as limit:
                async for part in proto:
                    parts.append(part)
                    size += len(part)
                    if size > most:
                        return Refused("push_too_large", 413, f"at most {most} bytes")
                    limit.reschedule(began + self.grace_s + size / RATE_BYTES_PER_S)
        except TimeoutError:
            log.warning("a sender at %s was too slow: %d of %s bytes", scope.client, size, length)
            return Refused("request_too_slow", 408, f"at least {RATE_BYTES_PER_S} bytes a second")
        if length is not None and size != length:
            return Refused("message_wrong", 400, "the body ended before its length")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _answer(self, environ: dict[str, Any], proto: Any, loop: Any) -> None:
        """Run the application in this thread, which keeps its database connection, and send its answer."""
        started: list[Start] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            started.append((int(status[:3]), [(name.lower(), value) for name, value in headers]))

        answer = self.application(environ, start_response)
        try:
            parts = iter(answer)
            status, headers = started[-1]
            path, most = environ["PATH_INFO"], WHOLE_BYTES
            if small := compression.may_shrink(path, status, headers):
                headers.append(("vary", "Accept-Encoding"))
                if small := compression.takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
                    most = compression.BYTES_MOST
            first, whole = _first(parts, most)
            if small and whole and len(first) >= compression.BYTES_LEAST:
                headers, first = compression.shrunk(path, headers, first, self.shelf)
            if environ["REQUEST_METHOD"] == "HEAD":
                # In HTTP/1.1 the server would leave the body out, in HTTP/2 it breaks the stream.
                if whole and first and "content-length" not in dict(headers):
                    headers.append(("content-length", str(len(first))))
                whole, first = True, b""
            if whole:
                loop.call_soon_threadsafe(proto.response_bytes, status, headers, first)
            else:
                self._stream(proto, loop, (status, headers), first, parts)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()

    def _stream(self, proto: Any, loop: Any, start: Start, first: bytes, parts: Iterable[bytes]) -> None:
        async def begin() -> Any:
            return proto.response_stream(*start)

        async def send(part: bytes) -> None:
            await transport.send_bytes(part)

        transport = asyncio.run_coroutine_threadsafe(begin(), loop).result(SEND_S)
        try:
            asyncio.run_coroutine_threadsafe(send(first), loop).result(SEND_S)
            for part in parts:
                asyncio.run_coroutine_threadsafe(send(part), loop).result(SEND_S)
        except (TimeoutError, RuntimeError):  # gone, or too slow: nobody is there to be told
            log.info("a reader left before its answer ended")


def _first(parts: Any, most: int) -> tuple[bytes, bool]:
    """The first parts up to `most` bytes, and whether that is all."""
    found, size = [], 0
    for part in parts:
        found.append(part)
        size += len(part)
        if size > most:
            return b"".join(found), False
    return b"".join(found), True


def environment(scope: Any, body: bytes) -> dict[str, Any]:
    """The request as PEP 3333 wants it. A header with an underscore is dropped: it would pass for another."""
    server, _, port = (scope.server or "").rpartition(":")
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "REMOTE_ADDR": (scope.client or "").rpartition(":")[0].strip("[]"),
        "SERVER_NAME": server.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_SOFTWARE": "medloom",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        if name in ("content-length", "transfer-encoding"):
            environ["CONTENT_LENGTH"] = str(len(body))  # a chunked body has its length now
        elif name == "content-type":
            environ["CONTENT_TYPE"] = value
        elif "_" not in name:
            key = "HTTP_" + name.upper().replace("-", "_")
            before = environ.get(key)
            between = "; " if name == "cookie" else ","
            environ[key] = value if before is None else f"{before}{between}{value}"
    if scope.authority and "HTTP_HOST" not in environ:
        environ["HTTP_HOST"] = scope.authority
    return environ


front = Front(application)
