"""A real agent process against a hub that answers 500 and nothing else: it says so, and ends when told to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from medloom.process.programs import search_path

pytestmark = pytest.mark.process

SECONDS_MAX = 60.0
ENVIRONMENT = {n: v for n, v in os.environ.items() if not n.startswith("MEDLOOM_")}


class Broken(BaseHTTPRequestHandler):
    """Answers 500 to everything."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def medloom(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "medloom", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
        env=ENVIRONMENT | {"PYTHONPATH": search_path()},
    )


def until_alarmed(config: Path) -> tuple[int, dict[str, Any]]:
    """`agent status --json` until it tells of an alarm."""
    until = time.monotonic() + SECONDS_MAX
    while time.monotonic() < until:
        done = medloom("agent", "status", str(config), "--json")
        told = json.loads(done.stdout) if done.stdout else {}
        if told.get("alarms"):
            return done.returncode, told
        time.sleep(0.3)
    raise AssertionError(f"no alarm after {SECONDS_MAX} s: {done.returncode} {done.stdout} {done.stderr}")


@pytest.mark.parametrize("enrolment", ["", "a one-time code"])
def test_an_agent_whose_hub_answers_500_for_ever_says_so(tmp_path: Path, hub: str, enrolment: str) -> None:
    config = tmp_path / "agent.yaml"
    lines = [f"hub: {hub}", "site: MOLD", "state: state", "alarm_after_seconds: 0.5", "poll_seconds: 0.2"]
    config.write_text("\n".join([*lines, f"enrolment: {enrolment!r}"]) + "\n")
    with (tmp_path / "log").open("wb") as log, (tmp_path / "out").open("wb") as out:
        agent = subprocess.Popen(
            [sys.executable, "-P", "-m", "medloom", "agent", "run", str(config)],
            stdout=out,
            stderr=log,
            env=ENVIRONMENT | {"PYTHONPATH": search_path()},
        )
    try:
        code, told = until_alarmed(config)
        (alarm,) = told["alarms"]
        assert (code, alarm["code"]) == (1, "hub_fails")
        assert "status 500 to /sync/" in alarm["detail"] and "kept" in alarm["do"]
        assert agent.poll() is None, "it goes on trying"
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(SECONDS_MAX) == 0, (tmp_path / "log").read_text()[-2_000:]
    finally:
        agent.kill()
        agent.wait()
    assert b"hub_fails" in (tmp_path / "log").read_bytes()
    assert (tmp_path / "out").read_bytes() == b"", "a log line never stands where a program reads JSON"
    assert medloom("agent", "status", str(config)).returncode == 3
