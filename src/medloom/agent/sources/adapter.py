"""A machine's MTConnect adapter over TCP: heard line by line, never waited for.

An adapter has no memory: what it says while nobody listens is gone, so every interruption is told as a
gap. An adapter that keeps its lines (ours does) answers `* RESUME <stream>:<lines>` with the same and goes
on exactly there; then there is no gap.
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass

from medloom.agent.sources.live import Heard, Told
from medloom.agent.sources.shdr import LINE_BYTES_MAX, LineRefused, parse_line
from medloom.wire.verdict import Refusal

PING_SECONDS = 10.0
#: Without a line or a PONG for so long, the other side is dead or the cable is cut.
SILENCE_SECONDS = 25.0
#: A line that is not finished after this long comes from no adapter.
LINE_SECONDS = 10.0
CONNECT_SECONDS = 1.0
RETRY_SECONDS_MAX = 30.0
#: How long an answer to RESUME is waited for before its absence means that the adapter keeps nothing.
RESUME_SECONDS = 2.0
LINES_MAX = 2_000
READ_BYTES = 256 * 1024
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
        self._retry, self._pause, self._wrong = 0.0, 0.5, ""
        self._gap = ""

    def hear(self, position: str, *, now: float) -> Heard | None:
        """Lines that have arrived. A gap comes with the first of them."""
        if self._talk is None and not self._connect(position, now=now):
            return None
        talk = self._talk
        assert talk is not None
        lines: list[Told] = []
        try:
            self._receive(talk, now)
            self._ping(talk, now)
            lines = self._lines(talk, position, now)
        except OSError as error:
            self._broken(f"connection lost: {error.strerror or type(error).__name__}", now=now)
        if not lines:
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

    def _connect(self, position: str, *, now: float) -> bool:
        if now < self._retry:
            return False
        try:
            found = socket.create_connection(self._place, timeout=CONNECT_SECONDS)
            found.setblocking(False)
            found.send(f"* RESUME {position or ':0'}\r\n* PING\r\n".encode("ascii"))
        except OSError as error:
            self._wrong = f"{self._place[0]}:{self._place[1]}: {error.strerror or error}"
            self._wait(now)
            return False
        self._talk = _Talk(found, since=now, heard=now, pinged=now, buffer=bytearray())
        return True

    def _wait(self, now: float) -> None:
        self._retry = now + self._pause
        self._pause = min(self._pause * 2, RETRY_SECONDS_MAX)

    def _broken(self, why: str, *, now: float) -> None:
        self._wrong = why
        self.close()
        self._wait(now)

    def _ping(self, talk: _Talk, now: float) -> None:
        if now - talk.pinged >= PING_SECONDS:
            talk.socket.send(b"* PING\r\n")
            talk.pinged = now
        if now - talk.heard >= SILENCE_SECONDS:
            raise TimeoutError(0, f"silent for {SILENCE_SECONDS:g} s")
        if talk.began is not None and now - talk.began >= LINE_SECONDS:
            raise TimeoutError(0, f"a line unfinished after {LINE_SECONDS:g} s")

    def _receive(self, talk: _Talk, now: float) -> None:
        if len(talk.buffer) >= READ_BYTES or not select.select([talk.socket], [], [], 0)[0]:
            return
        data = talk.socket.recv(READ_BYTES)
        if not data:
            if not talk.buffer.count(b"\n"):
                raise ConnectionResetError(0, "closed by the adapter")
            return
        if talk.began is None:
            talk.began = now
        talk.buffer += data
        if b"\n" in data:
            talk.heard = now

    # -- lines ----------------------------------------------------------------------------------

    def _lines(self, talk: _Talk, position: str, now: float) -> list[Told]:
        found: list[Told] = []
        while len(found) < LINES_MAX:
            end = talk.buffer.find(b"\n")
            if end < 0:
                self._too_long(talk, found)
                break
            if not talk.decided and not talk.buffer.startswith(b"*"):
                if now - talk.since < RESUME_SECONDS:
                    break  # data before the answer to RESUME: the answer decides whether there is a gap
                self._decide(talk, position, stream="", lines=0)
            line = bytes(talk.buffer[:end])
            del talk.buffer[: end + 1]
            talk.began = now if talk.buffer else None
            self._line(talk, position, line, found)
        return found

    def _line(self, talk: _Talk, position: str, line: bytes, found: list[Told]) -> None:
        if talk.skipping:
            talk.skipping = False  # the end of a line that was refused as too long
            return
        if line.startswith(b"*"):
            answer = _RESUMED.fullmatch(line.strip())
            if answer is not None and not talk.decided:
                self._decide(talk, position, stream=answer[1].decode("ascii"), lines=int(answer[2]))
            return
        if not line.strip():
            return
        talk.lines += 1
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


def _told(place: str, line: bytes, conditions: frozenset[str]) -> Told:
    try:
        return Told(place, line, tuple(parse_line(line, conditions=conditions)))
    except LineRefused as refused:
        return Told(place, line, refusal=refused.refusal)
