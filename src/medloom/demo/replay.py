"""A machine's adapter for the demonstration: it tells kept lines over TCP, and goes on where asked.

Unlike a machine's own adapter it keeps what it told: `* RESUME <stream>:<lines>` is answered with the same
and what follows. Asked of another stream, it begins at the first line.
"""

from __future__ import annotations

import re
import select
import socket
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

from medloom.demo import turning

_RESUME = re.compile(rb"\* RESUME ([0-9A-Za-z_.-]{0,64}):(\d{1,15})")
_FILE = re.compile(r"(?P<family>[A-Za-z]+)-(?P<machine>[A-Za-z0-9]+)-(?P<nth>\d+)of\d+\.txt")
#: Between two lines of one setup lies no longer pause; behind a longer one the part was set up again.
SETUP_PAUSE = timedelta(hours=1)
PART_LINES = 1_000
HEARTBEAT = b"* PONG 10000\n"


class Replay:
    """A server on one address. `pace`: lines a second, 0 for all at once."""

    def __init__(self, lines: list[bytes], *, stream: str, pace: float = 0.0, port: int = 0) -> None:
        self.lines, self.stream, self.pace = lines, stream, pace
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(0.2)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="replay", daemon=True)
        self.served = 0

    @property
    def address(self) -> str:
        """host:port"""
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def start(self) -> Replay:
        """Serve from now on, one connection at a time."""
        self._thread.start()
        return self

    @property
    def told(self) -> bool:
        """Whether every line has been sent."""
        return self.served >= len(self.lines)

    def close(self) -> None:
        """End the connection and the server."""
        self._stop.set()
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                talk, _ = self._listener.accept()
            except TimeoutError:
                continue
            with talk:
                try:
                    self._talk(talk)
                except OSError:
                    continue

    def _talk(self, talk: socket.socket) -> None:
        talk.settimeout(0.2)
        at = self.served = self._resumed(talk)  # who has all lines is told all, and nothing is sent again
        talk.sendall(f"* RESUME {self.stream}:{at}\n".encode("ascii"))
        begun, start, beat = time.monotonic(), at, 0.0
        while not self._stop.is_set():
            now = time.monotonic()
            if now - beat >= 1.0:
                talk.sendall(HEARTBEAT)
                beat = now
            _drained(talk)
            upto = min(len(self.lines), at + PART_LINES)
            if self.pace:
                upto = min(upto, start + int((now - begun) * self.pace))
            if upto <= at:
                time.sleep(0.05)
                continue
            _send(talk, b"\n".join(self.lines[at:upto]) + b"\n", self._stop)
            at = self.served = upto

    def _resumed(self, talk: socket.socket) -> int:
        """The line to begin with: where the other side says it stands in this stream."""
        try:
            asked = _RESUME.search(talk.recv(1024))
        except TimeoutError:
            return 0
        if asked is None or asked[1].decode("ascii") != self.stream:
            return 0
        return min(int(asked[2]), len(self.lines))


def _send(talk: socket.socket, data: bytes, stop: threading.Event) -> None:
    view = memoryview(data)
    while view and not stop.is_set():
        if select.select([], [talk], [], 0.2)[1]:
            view = view[talk.send(view) :]


def _drained(talk: socket.socket) -> None:
    """Read what the other side says; an end of it ends the connection."""
    if select.select([talk], [], [], 0)[0] and not talk.recv(4096):
        raise ConnectionResetError


def _moment(line: bytes) -> datetime | None:
    stamp = line.split(b"|", 1)[0].decode("ascii", "replace")[:26]
    try:
        return datetime.fromisoformat(stamp.rstrip("Z"))
    except ValueError:
        return None


def logged(folder: Path, machine: str) -> list[bytes]:
    """The lines of a machine's log files as its adapter told them: setup by setup, in the order of time.

    The files are sorted by part. Which part stands in the machine is told by a line of our own,
    `...|Part_Id|PLATE-07`, taken from the file's name; every other line is as it was logged.
    """
    setups: list[tuple[datetime, list[bytes]]] = []
    for path in sorted(folder.glob("*.txt")):
        named = _FILE.fullmatch(path.name)
        if named is None or named["machine"] != machine:
            continue
        part = f"{named['family'].upper()}-{int(named['nth']):02}"
        setups += [(begun, _setup(lines, part)) for begun, lines in _setups(path.read_bytes())]
    return [line for _, lines in sorted(setups, key=lambda setup: setup[0]) for line in lines]


def _setups(data: bytes) -> list[tuple[datetime, list[bytes]]]:
    found: list[tuple[datetime, list[bytes]]] = []
    last: datetime | None = None
    for line in data.splitlines():
        moment = _moment(line)
        if moment is not None and (last is None or moment - last > SETUP_PAUSE):
            found.append((moment, []))
        last = moment or last
        if found and line.strip():
            found[-1][1].append(line)
    return found


def _setup(lines: list[bytes], part: str) -> list[bytes]:
    stamps = [line.split(b"|", 1)[0] for line in lines if line.count(b"|") >= 2]
    return [
        stamps[0] + b"|Part_Id|" + part.encode("ascii"),
        *lines,
        stamps[-1] + b"|Part_Id|UNAVAILABLE",
    ]


def kept_pieces(path: Path, *, now: datetime) -> list[bytes]:
    """The generated machine's lines: made once and kept, so that a later run tells the same."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(line + b"\n" for line in turning.pieces(turning.PIECES, until=now)))
    return path.read_bytes().splitlines()
