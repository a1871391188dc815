"""The web process on a test's own database: what a program outside sees, server and all."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx

from medloom.process.programs import Options, programs
from tests.live_process import START_S_MOST, free_port


@contextlib.contextmanager
def serving(*, workers: int = 1, **environment: str) -> Iterator[str]:
    """The hub's pages and doors until the block ends, by the very command that `medloom up` gives; gives
    their address. `environment` is what that process sees besides ours."""
    port = free_port()
    (web,) = programs(Options(port=port, web_workers=workers, only=frozenset({"web"})))
    env = os.environ | web.environment | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    started = subprocess.Popen(web.argv, env=env | environment)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{address}/health/")
        yield address
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait(10)


def _wait(address: str) -> None:
    for _ in range(START_S_MOST * 5):
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the web process does not answer")
