"""Fault drills on a real embedded server, in a folder of their own.

Case 15 of the fault list: PostgreSQL is killed again and again while clients commit; every commit that was
acknowledged to a client must be there at the end.
"""

import os
import random
import shutil
import signal
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from medloom.process.postgres import Postgres, running_database
from medloom.process.state import State, conninfo

WRITERS = 4
RESTART_S_MAX = 60.0


@dataclass(frozen=True)
class Case15:
    """What happened. `lost` is the number that decides; the rest says that the drill did happen."""

    seed: int
    kills: int
    acknowledged: int
    lost: int
    unacknowledged: int  # rows whose commit was done when the answer was cut off: kept, and allowed
    restart_s_max: float
    seconds: float

    @property
    def survived(self) -> bool:
        """Every acknowledged row is there, and the drill was one: something was written and killed."""
        return self.lost == 0 and self.acknowledged > 0 and self.kills > 0


def run_case15(seed: int, *, kills: int = 50, durable: bool = True) -> Case15:
    """kill -9 of PostgreSQL's postmaster during commits, `kills` times.

    durable=False (commits acknowledged before they are written) is there to show that the drill sees a loss.

    Raises StateError when the server does not come back by itself.
    """
    chance = random.Random(seed)  # noqa: S311  (a reproducible drill, not a secret)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="medloom-drill-"))
    folder.chmod(0o755)
    state = State(folder)
    try:
        with running_database(state, durable=durable) as server:
            with psycopg.connect(conninfo("owner", state)) as connection:
                connection.execute("CREATE TABLE business.drill (writer int, n int, PRIMARY KEY (writer, n))")
            stop = threading.Event()
            writers = [_Writer(number, state, stop) for number in range(WRITERS)]
            for writer in writers:
                writer.start()
            slowest = max(_kill(server, chance) for _ in range(kills))
            stop.set()
            for writer in writers:
                writer.join()
            with psycopg.connect(conninfo("owner", state)) as connection:
                kept = set(connection.execute("SELECT writer, n FROM business.drill").fetchall())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    acknowledged = {row for writer in writers for row in writer.acknowledged}
    return Case15(
        seed=seed,
        kills=kills,
        acknowledged=len(acknowledged),
        lost=len(acknowledged - kept),
        unacknowledged=len(kept - acknowledged),
        restart_s_max=round(slowest, 3),
        seconds=round(time.monotonic() - began, 1),
    )


def _kill(server: Postgres, chance: random.Random) -> float:
    """Kill the postmaster after a little work; seconds until the next one takes connections."""
    time.sleep(chance.uniform(0.05, 0.3))
    starts = server.starts
    process = server.process
    if process is None:
        raise RuntimeError("the server was never started")
    began = time.monotonic()
    server.ready.clear()
    os.kill(process.pid, signal.SIGKILL)
    while server.starts == starts or not server.ready.wait(0.002):
        if time.monotonic() - began > RESTART_S_MAX:
            raise RuntimeError(f"PostgreSQL was not back within {RESTART_S_MAX} s")
        time.sleep(0.002)
    return time.monotonic() - began


class _Writer(threading.Thread):
    """A client that commits one row after the other and remembers what was acknowledged."""

    def __init__(self, number: int, state: State, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.number = number
        self.acknowledged: list[tuple[int, int]] = []
        self._state = state
        self._stopping = stop

    def run(self) -> None:
        n = 0
        while not self._stopping.is_set():
            try:
                with psycopg.connect(conninfo("owner", self._state), autocommit=True) as connection:
                    while not self._stopping.is_set():
                        n += 1  # a number is used once: a cut-off commit may have been done
                        connection.execute("INSERT INTO business.drill VALUES (%s, %s)", [self.number, n])
                        self.acknowledged.append((self.number, n))
            except psycopg.OperationalError:
                self._stopping.wait(0.01)
