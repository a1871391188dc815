"""Case 23: tables are migrated while agents push. No write is lost or doubled, and nobody is told a wrong no.

The hub's own web process and plants that push without a pause. Meanwhile the tables that they write get a
column and an index, as a release would give them, and `medloom migrate` lays rights and row policies anew,
again and again. A push that is answered 503 is sent again as it was; any other answer than 200 is a fault.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import psycopg
from django.db import connections

from medloom.drills.crash import _carry, _lots, _server
from medloom.drills.plant import Carry, Plant, enrol
from medloom.process.programs import search_path
from medloom.process.state import conninfo

BATCH = 200
PLANTS = ("A", "B")
#: What a release adds, and takes away again for the next turn; each in one transaction of the owner.
RELEASE = (
    "alter table business.lot add column drill_{n} text",
    "alter table ledger.entry add column drill_{n} bigint",
    "create index lot_drill_{n} on business.lot (drill_{n})",
)
BACK = ("alter table business.lot drop column drill_{n}", "alter table ledger.entry drop column drill_{n}")


@dataclass(frozen=True)
class Moved:
    """What happened. `lost`, `twice`: of operations answered 200; `statuses`: how often each was answered."""

    migrations: int
    operations: int
    statuses: dict[int, int]
    lost: int
    twice: int
    wait_ms_max: float
    seconds: float

    @property
    def survived(self) -> bool:
        """Nothing lost, nothing twice, nothing but 200 and 503, and pushes went on between."""
        right = set(self.statuses) <= {200, 503} and self.statuses.get(200, 0) > self.migrations
        return right and not self.lost and not self.twice


@dataclass
class _Pusher:
    """One plant that pushes until it is told to stop; what was answered 503 is sent again."""

    carry: Carry
    site: str
    seed: int
    stop: threading.Event
    statuses: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    sent: int = 0

    def run(self) -> None:
        plant = Plant(self.carry, site=self.site)
        enrol(plant)
        connections.close_all()  # of this thread, which asks over HTTP from here on
        plant.open()
        turn = 0
        while not self.stop.is_set():
            raws = _lots(plant, BATCH, f"D23-{self.seed}-{self.site}-{turn}")
            began = time.monotonic()
            while True:
                reply = plant.push(raws)
                self.statuses[reply.status] += 1
                if reply.status == 200 or self.stop.is_set():
                    break
                time.sleep(0.1)
            if reply.status == 200:
                self.waits.append(time.monotonic() - began)
                self.sent += BATCH
                turn += 1


def run_case23(seed: int, *, migrations: int = 4) -> Moved:
    """Migrate under load, and count. Needs Django on the hub's database."""
    began = time.monotonic()
    stop = threading.Event()
    with _server(20_500 + seed % 100) as server:
        pushers = [_Pusher(_carry(server), site, seed, stop) for site in PLANTS]
        threads = [threading.Thread(target=pusher.run, daemon=True) for pusher in pushers]
        for thread in threads:
            thread.start()
        try:
            for number in range(migrations):
                time.sleep(1.0)
                _release(number, RELEASE)
                _migrate()
                time.sleep(0.5)
                _release(number, BACK)
            time.sleep(1.0)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
    statuses: Counter[int] = sum((pusher.statuses for pusher in pushers), Counter())
    sent = sum(pusher.sent for pusher in pushers)
    kept, different = _kept(seed)
    return Moved(
        migrations=migrations,
        operations=sent,
        statuses=dict(statuses),
        lost=sent - different,
        twice=kept - different,
        wait_ms_max=round(max(max(pusher.waits, default=0.0) for pusher in pushers) * 1_000),
        seconds=round(time.monotonic() - began, 1),
    )


def _release(number: int, statements: tuple[str, ...]) -> None:
    """These statements in one transaction, tried again when it met a push in the other order."""
    for _ in range(10):
        try:
            with psycopg.connect(conninfo("owner")) as owner:
                for statement in statements:
                    owner.execute(statement.format(n=number))
            return
        except (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable):
            time.sleep(0.2)
    raise AssertionError("the migration found no moment of its own in ten tries")


def _migrate() -> None:
    """`medloom migrate`, as an operator runs it. Raises AssertionError with what it said."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "medloom", "migrate"],
        env=os.environ | {"PYTHONPATH": search_path()}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-800:]


def _kept(seed: int) -> tuple[int, int]:
    """Accepted entries of the drill's lots, and how many different lots they are."""
    with psycopg.connect(conninfo("sequencer")) as reader:
        found = reader.execute(
            """select count(*), count(distinct object) from entry
               where type = 'lot' and verdict = 'accepted' and body like %s""",
            (f"%D23-{seed}-%",),
        ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])
