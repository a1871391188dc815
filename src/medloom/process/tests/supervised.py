"""A database supervisor in a process of its own, for tests that kill it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from medloom.process.state import State, conninfo

SOURCE = Path(__file__).resolve().parents[3]


def until(true: Callable[[], object], what: str, *, seconds: float = 20.0) -> float:
    """Wait until it is true; the seconds it took. Fails with `what` when it does not come true."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.005)
    return time.monotonic() - began


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


class Supervised:
    """`python -m medloom.process.postgres` for one folder."""

    def __init__(self, state: State, *, first: str = "", environment: dict[str, str] | None = None) -> None:
        """first: Python lines run before, with the module at hand as `p`."""
        self.state = state
        lines = ["import medloom.process.postgres as p", first, "p.main(durable=False)"]
        inherited = {name: value for name, value in os.environ.items() if "MEDLOOM_DATABASE" not in name}
        self.process = subprocess.Popen(
            [sys.executable, "-c", "\n".join(lines)],
            env=inherited
            | {"MEDLOOM_STATE": str(state.path), "PYTHONPATH": str(SOURCE), "PYTHONFAULTHANDLER": "1"}
            | (environment or {}),
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def postmaster(self) -> int:
        return int((self.state.data / "postmaster.pid").read_text().splitlines()[0])

    def query(self, statement: str) -> object:
        with psycopg.connect(conninfo("owner", self.state), connect_timeout=5) as connection:
            cursor = connection.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row and row[0]

    def answers(self) -> bool:
        try:
            return self.query("SELECT to_regnamespace('framework') IS NOT NULL") is True
        except psycopg.OperationalError:
            return False

    def ready(self) -> float:
        """Seconds until it answers; fails at once when it has ended instead."""
        return until(lambda: self.answers() or self._ended(), "the database answers")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM and its exit code. When it does not end it is killed, and fails with where it stood."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)  # longer than the server is given before it is ended by force
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(10)
            raise AssertionError(f"the supervisor does not end: {self.errors()}") from None

    def errors(self) -> str:
        """What it wrote, once it has ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def end(self) -> None:
        """Leave nothing behind: the server ends with its supervisor, or with this test when it may not."""
        try:
            if self.process.poll() is None:
                self.stop()
        finally:
            if self.process.stderr:
                self.process.stderr.close()

    def _ended(self) -> bool:
        if self.process.poll() is None:
            return False
        raise AssertionError(f"the supervisor ended ({self.process.returncode}): {self.errors()}")
