"""Case 26: three sites come back with a backlog each; the hub drains them while people go on working.

The page is asked before and during the draining, on real processes; p95 before and during is what decides.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import httpx
from django.db import close_old_connections

from medloom.drills.crash import _carry, _server
from medloom.drills.plant import Plant, enrol
from medloom.kernel import access
from medloom.kernel.models import Entry
from medloom.parties.models import User
from medloom.process.programs import search_path

SITES = ("A", "B", "C")
PAGES = ("/", "/o/lot/", "/repair/")
BATCH = 1_000
_PASSWORD = "backlog-of-three-sites"  # noqa: S105 - of a database that is dropped with the drill
#: How much slower a page may be while the backlog drains.
SLOWER_MOST = 1.5


@dataclass(frozen=True)
class Backlog:
    """What was counted. Times in ms are the 95th of a hundred."""

    operations: int
    entries: int
    calm_ms: float
    busy_ms: float
    failed: int
    per_s: float
    seconds: float

    @property
    def drained(self) -> bool:
        """Every operation has its entry and every page was answered."""
        return self.entries == self.operations and not self.failed

    @property
    def survived(self) -> bool:
        """Drained, and pages were not much slower meanwhile."""
        return self.drained and self.busy_ms <= self.calm_ms * SLOWER_MOST


def _visitor(url: str) -> httpx.Client:
    """A registrant's person with the pages open."""
    User.objects.create_user("drill26", _PASSWORD, site="HQ", roles=("quality",))
    client = httpx.Client(base_url=url, timeout=60)
    client.get("/login/")
    form = {"username": "drill26", "password": _PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    answer = client.post("/login/", data=form)
    assert answer.status_code == 302, answer
    return client


def p95(times_ms: list[float]) -> float:
    """The time that 95 of 100 stay under."""
    ordered = sorted(times_ms)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def _look(client: httpx.Client, times_ms: list[float]) -> int:
    """Open each page once; how many failed."""
    failed = 0
    for page in PAGES:
        began = time.monotonic()
        failed += client.get(page).status_code != 200
        times_ms.append((time.monotonic() - began) * 1_000)
    return failed


def _drain(plant: Plant, count: int, tag: str) -> None:
    """Push a backlog as an agent does: one body after the other, each when the last was answered."""
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        raws = [plant.operation("lot", {"number": f"{tag}-{start + i}"}, offset=i) for i in range(size)]
        while True:
            reply = plant.push(raws)
            if reply.status == 200:
                break
            assert reply.status in (429, 503), reply
            time.sleep(0.5)
    close_old_connections()


def run_case26(seed: int, *, each: int = 50_000, rounds: int = 40) -> Backlog:
    """Needs Django on the hub's database; starts the web server and the sequencer."""
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "medloom.settings", "PYTHONPATH": search_path()}
    sequence = "import django; django.setup(); from medloom.exchange.sequencer import main; main()"
    began = time.monotonic()
    with _server(18_200 + seed % 100, workers=2) as server:
        sequencer = subprocess.Popen([sys.executable, "-c", sequence], env=env)
        try:
            plants = [Plant(_carry(server), site=site) for site in SITES]
            for plant in plants:
                enrol(plant)
                plant.open()
            _drain(plants[0], 200, f"D26-{seed}-warm")
            client = _visitor(server.url)
            calm: list[float] = []
            failed = sum(_look(client, calm) for _ in range(rounds + 2))
            calm = calm[2 * len(PAGES) :]  # the first look at a page reads its template
            busy: list[float] = []
            start = time.monotonic()
            threads = [
                threading.Thread(target=_drain, args=(plant, each, f"D26-{seed}-{plant.site}"))
                for plant in plants
            ]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                failed += _look(client, busy)
                time.sleep(0.2)  # a person reads what they see
            took_s = time.monotonic() - start
            client.close()
        finally:
            sequencer.send_signal(signal.SIGTERM)
            sequencer.wait(20)
    with access.seeing(access.ALL):
        entries = Entry.objects.filter(site__in=SITES).count()
    total = each * len(SITES) + 200
    return Backlog(
        total, entries, round(p95(calm), 1), round(p95(busy), 1), failed,
        round(each * len(SITES) / took_s, 1), round(time.monotonic() - began, 1),
    )  # fmt: skip
