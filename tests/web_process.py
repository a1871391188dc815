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

from tests.live_process import START_S_MOST, free_port


@contextlib.contextmanager
def serving(**environment: str) -> Iterator[str]:
    """The hub's pages and doors until the block ends; gives their address."""
    port = free_port()
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "medloom.settings", "PYTHONPATH": os.pathsep.join(sys.path)}
    granian = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    granian += ["--workers-kill-timeout", "2", "--blocking-threads", "4", "--log-level", "warning"]
    started = subprocess.Popen([sys.executable, *granian, "medloom.wsgi:application"], env=env | environment)
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
