"""The live process and the sequencer on a test's own database."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx

START_S_MOST = 60


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


@contextlib.contextmanager
def running(port: int) -> Iterator[None]:
    """Both processes, until the block ends; the streams are at that port."""
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "medloom.settings", "PYTHONPATH": os.pathsep.join(sys.path)}
    sequence = "import django; django.setup(); from medloom.exchange.sequencer import main; main()"
    granian = ["-m", "granian", "--interface", "asginl", "--host", "127.0.0.1", "--port", str(port)]
    granian += ["--workers-kill-timeout", "2"]  # a stream that is still read would keep a worker for ever
    started = [
        subprocess.Popen([sys.executable, "-c", sequence], env=env),
        subprocess.Popen([sys.executable, *granian, "medloom.asgi:application"], env=env),
    ]
    try:
        _wait(port)
        yield
    finally:
        for one in started:
            one.send_signal(signal.SIGTERM)
        for one in started:
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait(10)


def _wait(port: int) -> None:
    for _ in range(START_S_MOST * 5):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/live").status_code == 401:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the live process does not answer")
