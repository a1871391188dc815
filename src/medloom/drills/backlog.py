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
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from django.db import connection

from medloom.drills.crash import _carry, _server
from medloom.drills.plant import Plant, enrol
from medloom.kernel import access
from medloom.kernel.models import Entry
from medloom.parties.models import User
from medloom.process.programs import search_path

SITES = ("A", "B", "C")
PAGES = ("/", "/o/lot/", "/repair/")
BATCH = 1_000
PUSH = "/sync/push"
Request = tuple[dict[str, str], bytes]
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


def _prepared(plant: Plant, count: int, tag: str) -> list[Request]:
    """The signed pushes of a backlog. Made before the clock runs: a plant's computer is not the hub's, and
    three signing threads beside the one that opens pages would be measured as slow pages."""
    found = []
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        raws = [plant.operation("lot", {"number": f"{tag}-{start + i}"}, offset=i) for i in range(size)]
        body = plant.body(raws)
        found.append((plant.signed(PUSH, body), body))
        plant.advance(raws)
    return found


def _drain(url: str, requests: Sequence[Request]) -> None:
    """Push a backlog as an agent does: one body after the other, each when the last was answered."""
    with httpx.Client(base_url=url, timeout=60) as client:
        for headers, body in requests:
            while (status := client.post(PUSH, content=body, headers=headers).status_code) != 200:
                assert status in (429, 503), status
                time.sleep(0.5)


def _drained(url: str, backlogs: Sequence[list[Request]]) -> list[threading.Thread]:
    """All sites at once, each in a thread."""
    threads = [threading.Thread(target=_drain, args=(url, requests)) for requests in backlogs]
    for thread in threads:
        thread.start()
    return threads


def _caught_up(most_s: float = 60.0) -> None:
    """Wait until the sequencer has nothing left: calm is when nothing is being worked off."""
    until = time.monotonic() + most_s
    with access.seeing(access.ALL), connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("select (select count(*) from entry) - (select count(*) from leaf)")
            if not cursor.fetchone()[0]:
                return
            time.sleep(0.1)
    raise AssertionError("the sequencer does not catch up")


def _calm(client: httpx.Client, rounds: int, times_ms: list[float]) -> int:
    """Look when nothing else happens; the first two looks read templates and fill caches."""
    _caught_up()
    seen: list[float] = []
    failed = sum(_look(client, seen) for _ in range(rounds + 2))
    times_ms += seen[2 * len(PAGES) :]
    return failed


def run_case26(seed: int, *, each: int = 50_000, rounds: int = 40) -> Backlog:
    """Needs Django on the hub's database; starts the web server and the sequencer.

    A third of the backlog is there before anything is measured, and calm pages are looked at before and
    after: a page over more rows takes longer, and that is not what the case asks.
    """
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
            first = [_prepared(plant, each // 3, f"D26-{seed}-{plant.site}-first") for plant in plants]
            for thread in _drained(server.url, first):
                thread.join()
            backlogs = [_prepared(plant, each, f"D26-{seed}-{plant.site}") for plant in plants]
            client = _visitor(server.url)
            calm: list[float] = []
            busy: list[float] = []
            failed = _calm(client, rounds, calm)
            start = time.monotonic()
            threads = _drained(server.url, backlogs)
            while any(thread.is_alive() for thread in threads):
                failed += _look(client, busy)
                time.sleep(0.2)  # a person reads what they see
            took_s = time.monotonic() - start
            failed += _calm(client, rounds, calm)
            client.close()
        finally:
            sequencer.send_signal(signal.SIGTERM)
            sequencer.wait(20)
    with access.seeing(access.ALL):
        entries = Entry.objects.filter(site__in=SITES).count()
    total = (each + each // 3) * len(SITES)
    return Backlog(
        total, entries, round(p95(calm), 1), round(p95(busy), 1), failed,
        round(each * len(SITES) / took_s, 1), round(time.monotonic() - began, 1),
    )  # fmt: skip
