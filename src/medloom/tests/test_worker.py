"""The worker: its jobs, and that it runs for real against the database as the application's role."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time

import msgspec
import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from medloom.kernel.models import Alarm, Session
from medloom.process.programs import search_path
from medloom.wire.session import SiteSession, Speaker
from medloom.worker import note_silence, watch_agents

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]


def heard(site: str, ago_s: int, now: dt.datetime) -> None:
    row = SiteSession(site, speakers=(Speaker("e", "t", int(now.timestamp()) - ago_s),))
    Session.objects.create(site=site, state=msgspec.json.encode(row).decode(), seen=now)


def test_a_silent_agent_is_one_alarm_until_it_is_seen() -> None:
    now = timezone.now()
    heard("A", 60, now)
    heard("B", 3600, now)
    assert note_silence(now) == 1 and note_silence(now) == 0
    alarm = Alarm.objects.get()
    assert (alarm.code, alarm.site, alarm.detail) == ("agent_silent", "B", "not heard for 60 min")
    Alarm.objects.update(seen_at=now, seen_by="p1")
    assert note_silence(now) == 1, "still silent after a person looked: told again"


def test_the_worker_process_runs_a_job_and_ends_when_told() -> None:
    heard("B", 3600, timezone.now())
    watch_agents.defer(timestamp=0)
    code = "import django; django.setup(); from medloom.worker import main; main()"
    worker = subprocess.Popen(
        [sys.executable, "-P", "-c", code],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "medloom.settings", "PYTHONPATH": search_path()},
    )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not Alarm.objects.filter(site="B").exists():
            time.sleep(0.2)
        assert Alarm.objects.filter(site="B").exists()
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    assert not ProcrastinateJob.objects.filter(status="failed").exists()
