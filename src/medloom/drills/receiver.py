"""A receiver of webhooks as a process of its own: it writes down what it took, and misbehaves as told.

`python -m medloom.drills.receiver PORT FILE [refuse=POSITION] [fail=COUNT] [move=URL]`
Each line of FILE is `delivery-id position ...`, synced to disk before the answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Receiver(BaseHTTPRequestHandler):
    """Takes deliveries."""

    file: Any
    told: dict[str, str]
    failed = 0
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """One delivery."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        positions = [event["position"] for event in json.loads(body)]
        if "move" in self.told:
            self._say(302, Location=self.told["move"])
            return
        if type(self).failed < int(self.told.get("fail", "0")):
            type(self).failed += 1
            self._say(503)
            return
        if self.told.get("refuse") in map(str, positions):
            self._say(422)
            return
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        line = {
            "positions": positions,
            "types": [event["type"] for event in json.loads(body)],
            "headers": {n: self.headers[n] for n in names},
            "body": body.decode(),
        }
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self._say(204)

    def _say(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def receiving(port: int, file: Path, *told: str) -> Iterator[subprocess.Popen[bytes]]:
    """The receiver's process, until the block ends."""
    argv = [sys.executable, "-m", "medloom.drills.receiver", str(port), str(file), *told]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def taken(file: Path) -> list[dict[str, Any]]:
    """The deliveries that were written down, in order."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def once_each(file: Path) -> list[int]:
    """The positions that were taken, each where it came first: what a receiver that remembers ids has."""
    return list(dict.fromkeys(p for one in taken(file) for p in one["positions"]))


def until(true: Any, seconds: float = 60.0) -> None:
    """Wait for something. Raises AssertionError when it does not come."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def main(arguments: list[str]) -> None:
    """Serve until killed."""
    port, file, *told = arguments
    Receiver.told = dict(each.split("=", 1) for each in told)
    with Path(file).open("a") as Receiver.file:
        server = ThreadingHTTPServer(("127.0.0.1", int(port)), Receiver)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
