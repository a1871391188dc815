"""Cases 19 and 43: senders that trickle or fall silent, and bodies far beyond any limit, against a real hub.

The hub's own web process, as the product starts it, on PostgreSQL. What is counted: how long a slow sender
keeps its place, how long others wait meanwhile, and how much memory a body of a gigabyte costs.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medloom.drills.crash import Server, _carry, _lots, _server
from medloom.drills.plant import Plant, enrol
from medloom.process.programs import HEADER_TIMEOUT_MS
from medloom.wire.push import BODY_BYTES_MAX, OPERATIONS_MAX
from medloom.wire.signature import sign_request

#: Three kinds of slow senders, so many of each; one process has four threads.
EACH = 12
FREED_S_MAX = HEADER_TIMEOUT_MS / 1000 + 10.0
MEMORY_MIB_MAX = 64.0
GIGABYTE = 1_000_000_000
MILLION = 1_000_000


@dataclass
class _Slow:
    """One slow sender: `start` at once, then one byte a second (none when `silent`) until it is cut off."""

    port: int
    start: bytes
    silent: bool = False
    freed_s: float = 0.0
    answer: bytes = b""
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._send, daemon=True)
        self.thread.start()

    def _send(self) -> None:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.port)) as line, contextlib.suppress(OSError):
            line.sendall(self.start)
            line.settimeout(1)
            while time.monotonic() - began < 3 * FREED_S_MAX:
                with contextlib.suppress(TimeoutError):
                    self.answer = line.recv(1_000)
                    break
                if not self.silent:
                    line.sendall(b"x")
        self.freed_s = time.monotonic() - began


@dataclass(frozen=True)
class Slow:
    """What the slow senders came to; `freed_s` is when the last one lost its place."""

    senders: int
    freed_s: float
    told_408: int
    served: int
    served_ms_max: float
    seconds: float

    @property
    def survived(self) -> bool:
        """All were cut off in time, and others were served while they sat there."""
        return self.freed_s < FREED_S_MAX and self.told_408 == 2 * EACH and self.served > 5


def run_case19(seed: int) -> Slow:
    """Many slow senders of three kinds at once, and pushes of a plant meanwhile.

    Needs Django on the hub's database, which MEDLOOM_STATE and MEDLOOM_DATABASE_NAME name.
    """
    began = time.monotonic()
    with _server(19_800 + seed % 100) as server:
        plant = Plant(_carry(server))
        enrol(plant)
        plant.open()
        plant.push(_lots(plant, 10, f"D19-{seed}-warm"))
        head = b"POST /sync/push HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
        senders = [_Slow(server.port, head) for _ in range(EACH)]
        senders += [_Slow(server.port, head + b"\r\n") for _ in range(EACH)]
        senders += [_Slow(server.port, head + b"\r\nhalf", silent=True) for _ in range(EACH)]
        waits = []
        while any(sender.thread.is_alive() for sender in senders):
            sent = time.monotonic()
            reply = plant.push(_lots(plant, 10, f"D19-{seed}-{len(waits)}"))
            assert reply.status == 200, reply
            waits.append(time.monotonic() - sent)
            time.sleep(0.5)
    return Slow(
        senders=len(senders),
        freed_s=round(max(sender.freed_s for sender in senders), 1),
        told_408=sum(sender.answer.startswith(b"HTTP/1.1 408") for sender in senders),
        served=len(waits),
        served_ms_max=round(max(waits) * 1_000),
        seconds=round(time.monotonic() - began, 1),
    )


@dataclass(frozen=True)
class Huge:
    """What huge bodies came to: bytes that were sent before the answer, and the memory they cost."""

    statuses: tuple[int, ...]
    sent_mib_max: float
    grown_mib: float
    seconds: float

    @property
    def survived(self) -> bool:
        """Each was refused with 413, before it was read, and cost little."""
        small = self.grown_mib <= MEMORY_MIB_MAX and self.sent_mib_max <= 32
        return set(self.statuses) == {413} and len(self.statuses) == 4 and small


def run_case43(seed: int) -> Huge:
    """A body of a gigabyte, a batch of a million, a million empty lines, and a header that says a million.

    Needs Django on the hub's database, which MEDLOOM_STATE and MEDLOOM_DATABASE_NAME name.
    """
    began = time.monotonic()
    with _server(19_900 + seed % 50) as server:
        plant = Plant(_carry(server))
        enrol(plant)
        plant.open()
        plant.push(_lots(plant, OPERATIONS_MAX, f"D43-{seed}"))
        before = _peak_mib(server)
        found = [
            _stream(server, plant, b"0" * 65_536, GIGABYTE),
            _stream(server, plant, plant.operation("lot", {"number": "D43"}) + b"\n", 300 * MILLION),
        ]
        first = plant.body([b""]).partition(b"\n")[0]
        million = first.replace(b'"count":1,', b'"count":1000000,')
        assert million != first
        bodies = [million + b"\n" * count for count in (MILLION, BODY_BYTES_MAX - 1_000)]
        found += [(plant.post("/sync/push", body).status, 0.0) for body in bodies]
        grown = _peak_mib(server) - before
        assert plant.push(_lots(plant, 10, f"D43-{seed}-after")).status == 200, "it goes on as before"
    seconds = round(time.monotonic() - began, 1)
    statuses = tuple(status for status, _ in found)
    return Huge(statuses, round(max(sent for _, sent in found), 1), round(grown, 1), seconds)


def _stream(server: Server, plant: Plant, part: bytes, length: int) -> tuple[int, float]:
    """Send a body of that length until somebody answers; the status, and how many MiB went out."""
    signed = sign_request(
        method="POST",
        path="/sync/push",
        body=b"",
        token=plant.token,
        site=plant.site,
        key=plant.key,
        created_s=0,
    )
    lines = [f"{name}: {value}" for name, value in signed.items()]
    head = ["POST /sync/push HTTP/1.1", "Host: localhost", f"Content-Length: {length}", *lines, "", ""]
    sent, answer = 0, b""
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall("\r\n".join(head).encode())
        line.settimeout(0.01)
        for _ in _until_answered(30.0):
            with contextlib.suppress(TimeoutError):
                answer = line.recv(100)
                break
            with contextlib.suppress(OSError):
                sent += line.send(part)
    return int(answer.split()[1]) if answer else 0, sent / 2**20


def _until_answered(seconds: float) -> Iterator[None]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield


def _peak_mib(server: Server) -> float:
    """The most memory that any process of the server has held so far."""
    assert server.process is not None
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            told = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            if server.process.pid in (int(told["Pid"]), int(told["PPid"])) and "VmHWM" in told:
                found.append(int(told["VmHWM"].split()[0]) / 1024)
    return sum(found)
