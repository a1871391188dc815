"""The hub's own web processes as the product starts them, and client processes against them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psutil

from bench.agent import PUSH, headers
from bench.plant import Plant
from medloom.process import state
from medloom.process.programs import Options, Program, programs

START_S = 30.0
#: Headers and body of one push.
Request = tuple[dict[str, str], bytes]


@dataclass(frozen=True)
class Web:
    """One granian with one worker, so that a client's port says which process serves it."""

    port: int
    process: subprocess.Popen[bytes]

    def worker(self) -> psutil.Process:
        """The worker process: the busiest child."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return max(children, key=lambda child: sum(child.cpu_times()[:2]))

    def cpu_s(self) -> float:
        """CPU seconds of the worker so far."""
        return float(sum(self.worker().cpu_times()[:2]))

    def memory_mb(self) -> float:
        """Largest resident memory of the worker so far."""
        for line in Path(f"/proc/{self.worker().pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        return float("nan")


@dataclass(frozen=True)
class Sent:
    """What a client process measured."""

    seconds: float
    ms: list[float]
    verdicts: Counter[str]


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def webs(count: int) -> Iterator[list[Web]]:
    """That many web processes of the hub, each with one worker on a port of its own."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(count):
            port = free_port()
            (program,) = programs(Options(port=port, web_workers=1, only=frozenset({"web"})))
            process = _start(program, stack)
            stack.callback(_end, process)
            found.append(Web(port, process))
        for web in found:
            _wait(web)
        yield found


@contextlib.contextmanager
def sequencing() -> Iterator[None]:
    """The product's sequencer process."""
    (program,) = programs(Options(only=frozenset({"sequencer"})))
    with contextlib.ExitStack() as stack:
        stack.callback(_end, _start(program, stack))
        yield


def _start(program: Program, stack: contextlib.ExitStack) -> subprocess.Popen[bytes]:
    environment = os.environ | program.environment
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    place = state.current().log / f"bench-{program.name}-{free_port()}.log"
    log = stack.enter_context(place.open("wb"))
    stack.push(lambda kind, *_: print(place.read_text()[-3000:], file=sys.stderr) if kind else None)
    return subprocess.Popen(program.argv, env=environment, stdout=log, stderr=log)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(web: Web) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if web.process.poll() is not None:
            raise RuntimeError(f"the web process ended with {web.process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", web.port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("the web process does not listen")


def prepared(plant: Plant, token: str, bodies: Sequence[bytes]) -> list[Request]:
    """Signed requests; signing is the agent's work and is not measured here."""
    return [(headers(plant, PUSH, body, token), body) for body in bodies]


def push(*sides: tuple[Web, Sequence[Request]]) -> list[Sent]:
    """Send each side's requests from a client process of its own, all beginning together."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        clients = []
        for number, (web, requests) in enumerate(sides):
            place = folder / str(number)
            place.write_bytes(msgspec.msgpack.encode(list(requests)))
            command = [sys.executable, "-m", "bench.pusher", str(web.port), str(place)]
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
            client = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
            )
            stack.callback(client.kill)
            clients.append(client)
        for client in clients:
            _line(client)
        for client in clients:
            client.stdin.write("go\n")  # type: ignore[union-attr]
            client.stdin.flush()  # type: ignore[union-attr]
        told: list[dict[str, Any]] = [json.loads(_line(client)) for client in clients]
        return [Sent(each["seconds"], each["ms"], Counter(each["verdicts"])) for each in told]


def _line(client: subprocess.Popen[str]) -> str:
    line = client.stdout.readline()  # type: ignore[union-attr]
    if not line:
        raise RuntimeError(f"a client ended with {client.wait()}")
    return line
