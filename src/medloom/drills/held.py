"""Case 20: a transaction left open on the database holds the feeds up; nothing is lost, and people see why.

The hub's web process and its sequencer as the product starts them. Somebody's session writes and then does
nothing. What is counted: lines given meanwhile (none), seconds until the alarm, and that afterwards every
entry has its line.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from medloom.drills.crash import _carry, _lots, _server
from medloom.drills.plant import Plant, enrol
from medloom.process.programs import Options, programs, search_path
from medloom.process.state import conninfo, current

ALARM_S_MAX = 30.0
SETTLE_S_MAX = 60.0


@dataclass(frozen=True)
class Held:
    """What happened. `lost`: entries without a line at the end; the rest is what a person could see."""

    entries: int
    lines_meanwhile: int
    alarm_s: float
    page: bool
    doctor: bool
    lost: int
    drained_s: float
    seconds: float

    @property
    def survived(self) -> bool:
        """Nothing lost, nothing out of turn, and it was told on the page, as an alarm and by the doctor."""
        told = self.page and self.doctor and self.alarm_s <= ALARM_S_MAX
        return self.entries > 0 and not self.lost and not self.lines_meanwhile and told


@contextlib.contextmanager
def _sequencer() -> Iterator[None]:
    (program,) = programs(Options(only=frozenset({"sequencer"})))
    environment = os.environ | program.environment | {"PYTHONPATH": search_path()}
    process = subprocess.Popen(program.argv, env=environment)
    try:
        yield
        assert process.poll() is None, "the sequencer lives"
    finally:
        process.terminate()
        process.wait(30)


def run_case20(seed: int) -> Held:
    """Hold the horizon, push, look, let go, and count. Needs Django on the hub's database."""
    began = time.monotonic()
    with _server(20_000 + seed % 100) as server, _sequencer():
        plant = Plant(_carry(server))
        enrol(plant)
        plant.open()
        assert plant.push(_lots(plant, 200, f"D20-{seed}-a")).status == 200
        _until(lambda: _counts() == (200, 200), SETTLE_S_MAX)
        with psycopg.connect(conninfo("owner")) as forgotten:
            forgotten.execute("select pg_current_xact_id()")
            held = time.monotonic()
            for turn in range(3):
                assert plant.push(_lots(plant, 200, f"D20-{seed}-{turn}")).status == 200
            _until(_alarmed, ALARM_S_MAX)
            alarm_s = time.monotonic() - held
            page, doctor = _on_the_page(), _by_the_doctor(forgotten.info.backend_pid)
            meanwhile = _counts()[1] - 200
            forgotten.rollback()
        let_go = time.monotonic()
        _until(lambda: _counts()[0] == _counts()[1], SETTLE_S_MAX)
        drained = time.monotonic() - let_go
        entries, lines = _counts()
    return Held(
        entries=entries,
        lines_meanwhile=meanwhile,
        alarm_s=round(alarm_s, 1),
        page=page,
        doctor=doctor,
        lost=entries - lines,
        drained_s=round(drained, 1),
        seconds=round(time.monotonic() - began, 1),
    )


def _until(true: object, seconds: float) -> None:
    """Wait until it is so, or until the time is over: what is counted afterwards says which."""
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:  # type: ignore[operator]
        time.sleep(0.2)


def _counts() -> tuple[int, int]:
    """Entries, and the lines of the site's feed."""
    with psycopg.connect(conninfo("sequencer")) as reader:
        found = reader.execute(
            "select (select count(*) from entry), (select count(*) from feed_line where site = 'A')"
        ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def _alarmed() -> bool:
    from medloom.kernel.models import Alarm

    return Alarm.objects.filter(code="feeds_held", seen_at=None).count() == 1


def _on_the_page() -> bool:
    """Whether the registrant's people see it on the overview and among the alarms."""
    from django.test import Client

    from medloom.parties.models import User

    client = Client(headers={"Accept-Language": "en"})
    client.force_login(
        User.objects.create_user("drill", "a long enough password", site="HQ", roles=("it",)),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    overview, alarms = (client.get(path).content.decode() for path in ("/", "/alarms/"))
    return 'data-banner="held"' in overview and "session " in overview and "session " in alarms


def _by_the_doctor(pid: int) -> bool:
    """Whether the doctor names the session."""
    from medloom.process.doctor_database import CHECKS

    findings = dict(CHECKS)["horizon"](current())
    return any(finding.level != "ok" and str(pid) in finding.message for finding in findings)
