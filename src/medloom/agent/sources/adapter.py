"""A machine's MTConnect adapter over TCP: heard line by line, never waited for.

An adapter has no memory: what it says while nobody listens is gone, so every interruption is told as a
gap. An adapter that keeps its lines (ours does) answers `* RESUME <stream>:<lines>` with the same and goes
on exactly there; then there is no gap.
"""

from __future__ import annotations

import errno
import os
import re
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass

from medloom.agent.sources.live import Heard, Told
from medloom.agent.sources.shdr import LINE_BYTES_MAX, LineRefused, line_end, parse_line
from medloom.wire.verdict import Refusal

PING_SECONDS = 10.0
#: Without a line or a PONG for so long, an adapter that answers PING is dead or the cable is cut.
SILENCE_SECONDS = 25.0
#: The same for an adapter that answers no PING: a machine that stands still has nothing to say.
QUIET_SECONDS = 600.0
#: A line that is not finished after this long comes from no adapter.
LINE_SECONDS = 10.0
CONNECT_SECONDS = 5.0
RETRY_SECONDS_MAX = 30.0
#: How long an answer to RESUME is waited for before its absence means that the adapter keeps nothing.
RESUME_SECONDS = 2.0
LINES_MAX = 2_000
READ_BYTES = 256 * 1024
#: The cable is tried by the system itself: first after 10 s of silence, given up 15 s later.
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))
_RESUMED = re.compile(rb"\* RESUME ([0-9A-Za-z_.-]{1,64}):(\d{1,15})")


@dataclass
class _Talk:
    """One connection."""

    socket: socket.socket
    since: float
    heard: float
    pinged: float
    buffer: bytearray
    #: When the line under way began, None between two lines.
    began: float | None = None
    #: Name of the stream and lines told of it, "" when the adapter keeps none.
    stream: str = ""
    lines: int = 0
    decided: bool = False
    skipping: bool = False
    open: bool = False
    #: Whether it has answered a PING.
    beats: bool = False
    #: Why nothing more comes; lines that came before are still given.
    ended: str = ""


class Adapter:
    """One adapter. `conditions`: the items declared as conditions."""

    def __init__(
        self,
        address: str,
        *,
        conditions: frozenset[str] = frozenset(),
        clock: Callable[[], float],
        session: Callable[[], str],
    ) -> None:
        host, _, port = address.rpartition(":")
        self._place, self._conditions = (host or "127.0.0.1", int(port)), conditions
        self._clock, self._session = clock, session
        self._talk: _Talk | None = None
        self._retry, self._pause, self._tries, self._wrong = 0.0, 0.5, 0, ""
        self._gap = ""

    def hear(self, position: str, *, now: float) -> Heard | None:
        """Lines that have arrived. A gap comes with the first of them."""
        if self._talk is None and not self._connect(now=now):
            return None
        talk = self._talk
        assert talk is not None
        if not talk.ended:
            self._exchange(talk, position, now)
        lines = self._lines(talk, position, now)
        if not lines:
            if ended := talk.ended or _overdue(talk, now):
                self._broken(ended, now=now)
            return None
        heard = Heard(lines, f"{talk.stream}:{talk.lines}", self._gap)
        self._gap = ""
        return heard

    def keep(self, heard: Heard) -> None:
        """Nothing to tell an adapter."""

    def refuse(self) -> None:
        """The lines are lost to this connection: a new one goes on at what was kept, or shows the gap."""
        self._broken("lines could not be kept", now=self._clock())

    def trouble(self) -> str:
        """Why there is no connection."""
        return self._wrong

    def close(self) -> None:
        """End the connection."""
        if self._talk is not None:
            self._talk.socket.close()
            self._talk = None

    # -- the connection -------------------------------------------------------------------------

    def _connect(self, *, now: float) -> bool:
        """Begin a connection; nobody waits for it. A name with several addresses: one after the other."""
        if now < self._retry:
            return False
        try:
            places = socket.getaddrinfo(*self._place, type=socket.SOCK_STREAM)
            family, kind, protocol, _, place = places[self._tries % len(places)]
            self._tries += 1
            found = socket.socket(family, kind, protocol)
            found.setblocking(False)
            self._talk = _Talk(found, since=now, heard=now, pinged=now, buffer=bytearray())
            code = found.connect_ex(place)
            if code not in (0, errno.EINPROGRESS):
                raise OSError(code, os.strerror(code))
        except OSError as error:
            self._broken(self._at(error.strerror or str(error)), now=now)
            return False
        return True

    def _at(self, why: str) -> str:
        return f"{self._place[0]}:{self._place[1]}: {why}"

    def _wait(self, now: float) -> None:
        self._retry = now + self._pause
        self._pause = min(self._pause * 2, RETRY_SECONDS_MAX)

    def _broken(self, why: str, *, now: float) -> None:
        self._wrong = why
        self.close()
        self._wait(now)

    def _exchange(self, talk: _Talk, position: str, now: float) -> None:
        """Send and receive what can be without waiting; an end of the connection is noted, not raised."""
        try:
            if not talk.open and not self._opened(talk, position, now):
                return
            self._receive(talk, now)
            if now - talk.pinged >= PING_SECONDS:
                talk.socket.send(b"* PING\r\n")
                talk.pinged = now
        except OSError as error:
            why = error.strerror or type(error).__name__
            talk.ended = f"connection lost: {why}" if talk.open else self._at(why)

    def _opened(self, talk: _Talk, position: str, now: float) -> bool:
        """Whether the connection stands; once it does, the adapter is asked to go on at `position`."""
        if not select.select([], [talk.socket], [], 0)[1]:
            if now - talk.since >= CONNECT_SECONDS:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            return False
        code = talk.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            talk.socket.setsockopt(socket.IPPROTO_TCP, name, value)
        talk.socket.send(f"* RESUME {position or ':0'}\r\n* PING\r\n".encode("ascii"))
        talk.open, talk.since, talk.heard, talk.pinged = True, now, now, now
        return True

    def _receive(self, talk: _Talk, now: float) -> None:
        if len(talk.buffer) >= READ_BYTES or not select.select([talk.socket], [], [], 0)[0]:
            return
        data = talk.socket.recv(READ_BYTES)
        if not data:
            raise ConnectionResetError(0, "closed by the adapter")
        if talk.began is None:
            talk.began = now
        talk.buffer += data
        if b"\n" in data:
            talk.heard = now

    # -- lines ----------------------------------------------------------------------------------

    def _lines(self, talk: _Talk, position: str, now: float) -> list[Told]:
        found: list[Told] = []
        late = bool(talk.ended) or now - talk.since >= RESUME_SECONDS
        while len(found) < LINES_MAX:
            end = line_end(talk.buffer)
            if end < 0:
                self._too_long(talk, found)
                break
            if not talk.decided and not talk.buffer.startswith(b"*"):
                if not late:
                    break  # data before the answer to RESUME: the answer decides whether there is a gap
                self._decide(talk, position, stream="", lines=0)
            line = bytes(talk.buffer[: end - 1])
            del talk.buffer[:end]
            talk.began = now if talk.buffer else None
            self._line(talk, position, line, found)
        if late and talk.beats and not talk.decided:
            self._decide(talk, position, stream="", lines=0)
        return found

    def _line(self, talk: _Talk, position: str, line: bytes, found: list[Told]) -> None:
        if talk.skipping:
            talk.skipping = False  # the end of a line that was refused as too long
            return
        if line.startswith(b"*"):
            answer = _RESUMED.fullmatch(line.strip())
            if answer is not None and not talk.decided:
                self._decide(talk, position, stream=answer[1].decode("ascii"), lines=int(answer[2]))
            talk.beats = talk.beats or line.startswith(b"* PONG")
            return
        if not line.strip():
            return
        talk.lines += line.count(b"\n") + 1
        found.append(_told(f"{talk.stream}:{talk.lines}", line, self._conditions))

    def _decide(self, talk: _Talk, position: str, *, stream: str, lines: int) -> None:
        """Whether this connection goes on where the last one ended."""
        talk.decided = True
        talk.stream, talk.lines = stream or self._session(), lines
        self._wrong, self._pause = "", 0.5
        if position and f"{talk.stream}:{talk.lines}" != position:
            self._gap = f"the adapter was not heard; it keeps no lines ({self._place[0]}:{self._place[1]})"

    def _too_long(self, talk: _Talk, found: list[Told]) -> None:
        if len(talk.buffer) <= LINE_BYTES_MAX or talk.skipping:
            if talk.skipping:
                talk.buffer.clear()
            return
        talk.lines += 1
        refusal = Refusal("stream_row_too_long", "/line", f"<= {LINE_BYTES_MAX} bytes", str(len(talk.buffer)))
        found.append(Told(f"{talk.stream}:{talk.lines}", bytes(talk.buffer), refusal=refusal))
        talk.buffer.clear()
        talk.skipping = True


def _overdue(talk: _Talk, now: float) -> str:
    """Why a connection on which nothing arrived is given up; "" while it may go on."""
    if not talk.open:
        return ""
    silence_seconds = SILENCE_SECONDS if talk.beats else QUIET_SECONDS
    if now - talk.heard >= silence_seconds:
        return f"connection lost: silent for {silence_seconds:g} s"
    if talk.began is not None and now - talk.began >= LINE_SECONDS:
        return f"connection lost: a line unfinished after {LINE_SECONDS:g} s"
    return ""


def _told(place: str, line: bytes, conditions: frozenset[str]) -> Told:
    try:
        return Told(place, line, tuple(parse_line(line, conditions=conditions)))
    except LineRefused as refused:
        return Told(place, line, refusal=refused.refusal)
