"""`medloom up` in a process of its own, for tests that kill parts of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from medloom.process.state import State
from medloom.process.tests.supervised import SOURCE, alive, until

READY_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(state: State) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEDLOOM_")}
    return kept | {"MEDLOOM_STATE": str(state.path), "PYTHONPATH": str(SOURCE)}


def medloom(state: State, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one command on the folder and wait for it."""
    return subprocess.run(
        [sys.executable, "-m", "medloom", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(state) | variables,
    )


class Upped:
    """One `medloom up`. `ready` waits for the line it prints."""

    def __init__(self, state: State, *arguments: str) -> None:
        self.state = state
        self.ports = (free_port(), free_port())
        self.errors = state.path.parent / "errors"
        command = [sys.executable, "-m", "medloom", "up", "--json", "--web-workers", "2"]
        command += ["--port", str(self.ports[0]), "--live-port", str(self.ports[1]), *arguments]
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                command, env=environment(state), stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def ready(self) -> dict[str, Any]:
        """What it said when all was ready; fails with its errors when it ended instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it ended ({self.process.wait(10)}): {self.errors.read_text()}"
        return json.loads(line)

    def status(self) -> dict[str, Any]:
        return json.loads(medloom(self.state, "status", "--json").stdout)

    def noted(self) -> dict[str, Any]:
        """The same, straight from the file: quick enough to wait with."""
        try:
            return json.loads((self.state.path / "tree.json").read_text())
        except FileNotFoundError:
            return {"processes": {}}

    def pid(self, name: str) -> int | None:
        one = self.noted()["processes"].get(name, {})
        return one["pid"] if one.get("running") else None

    def answers(self, port: int | None = None) -> bool:
        """Whether a whole HTTP answer comes, whatever it says."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.ports[0]}/", timeout=5) as answer:
                return answer.status > 0
        except urllib.error.HTTPError as error:
            error.close()
            return error.code != 503
        except OSError:
            return False

    def everything(self) -> set[int]:
        """Every process of this folder: the guard, the tree, its children and theirs."""
        found = set()
        for entry in Path("/proc").iterdir():
            try:
                variables = (entry / "environ").read_bytes()
                where = str((entry / "cwd").readlink())
            except OSError:
                continue
            mark = f"MEDLOOM_STATE={self.state.path}\0".encode()
            if mark in variables or where == str(self.state.data):
                found.add(int(entry.name))
        return {pid for pid in found if alive(pid)}

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        if self.process.stdout:
            self.process.stdout.close()
        until(lambda: not self.everything(), f"nothing is left: {self.everything()}")
