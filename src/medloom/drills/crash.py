"""Case 14: the hub's worker is killed in the middle of a batch, again and again: all of it or nothing."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx

from medloom.drills.plant import Carry, Plant, enrol
from medloom.process.programs import Options, keep, programs, search_path

START_S_MAX = 30.0


@dataclass(frozen=True)
class Crash:
    """What happened. `torn` is the number that decides."""

    seed: int
    kills: int
    nothing: int
    everything: int
    torn: int
    doubled: int
    seconds: float

    @property
    def survived(self) -> bool:
        """No batch half written, none written twice, and the kills did hit both sides of the commit."""
        return not self.torn and not self.doubled and self.kills > 0


@dataclass
class Server:
    """The hub's web process with one worker on a port of its own; the environment names its database."""

    port: int
    workers: int = 1
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it answers. Raises AssertionError when it does not."""
        (program,) = programs(Options(port=self.port, web_workers=self.workers, only=frozenset({"web"})))
        self.process = subprocess.Popen(
            program.argv,
            env=os.environ | program.environment | {"PYTHONPATH": search_path()},
            start_new_session=True,
        )
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{self.url}/sync/hello", timeout=2)
                return
            time.sleep(0.05)
        raise AssertionError(f"the server does not answer on {self.url}")

    def kill(self) -> None:
        """kill -9 of granian and its worker."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def _carry(server: Server) -> Carry:
    def carry(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        sent = {"Content-Type": "application/json", **headers}
        answer = httpx.post(server.url + path, content=body, headers=sent, timeout=60)
        names = {"Medloom-Message": answer.headers.get("medloom-message", "")}
        return answer.status_code, names, answer.content

    return carry


@contextlib.contextmanager
def _server(port: int, workers: int = 1) -> Iterator[Server]:
    found = Server(next(p for p in range(port, port + 200) if keep("127.0.0.1", p)), workers)
    try:
        found.start()
        yield found
    finally:
        found.kill()


def run_case14(seed: int, *, kills: int = 200, batch: int = 400) -> Crash:
    """Kill the worker at a random moment of a push, start it again, look, and send the same once more.

    Needs Django on the hub's database, which MEDLOOM_STATE and MEDLOOM_DATABASE_NAME name.
    """
    chance = random.Random(seed)  # noqa: S311  a repeatable drill
    began = time.monotonic()
    nothing = everything = torn = doubled = 0
    with _server(18_400 + seed % 100) as server:
        plant = Plant(_carry(server))
        enrol(plant)
        plant.open()
        span_s = _span(plant, batch)
        for turn in range(kills):
            raws = _lots(plant, batch, f"D14-{seed}-{turn}")
            _push_and_kill(server, plant, raws, after_s=chance.uniform(0, span_s * 1.3))
            count = _entries(plant)
            nothing += count == 0
            everything += count == batch
            torn += count not in (0, batch)
            server.start()
            reply = plant.push(raws)
            assert reply.status == 200, reply
            doubled += _entries(plant, first=plant.number - batch) != batch
    return Crash(seed, kills, nothing, everything, torn, doubled, round(time.monotonic() - began, 1))


def _lots(plant: Plant, count: int, tag: str) -> list[bytes]:
    return [plant.operation("lot", {"number": f"{tag}-{i}"}, offset=i, kind="set") for i in range(count)]


def _span(plant: Plant, batch: int) -> float:
    """How long one batch takes, so that kills fall before, inside and after its commit."""
    plant.push(_lots(plant, batch, "D14-warm"))
    began = time.monotonic()
    plant.push(_lots(plant, batch, "D14-time"))
    return time.monotonic() - began


def _push_and_kill(server: Server, plant: Plant, raws: list[bytes], *, after_s: float) -> None:
    timer = threading.Timer(after_s, server.kill)
    timer.start()
    with contextlib.suppress(httpx.HTTPError):
        plant.push(raws, keep=True)
    timer.join()


def _entries(plant: Plant, *, first: int | None = None) -> int:
    from medloom.kernel.access import seeing
    from medloom.kernel.models import Entry

    begin = plant.number if first is None else first
    with seeing(plant.site):
        return Entry.objects.filter(epoch=plant.epoch, number__gte=begin).count()
