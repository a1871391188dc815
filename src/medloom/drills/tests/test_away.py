"""Cases 21, 24, 25, 26 and 55 in small; `medloom faults --run N` does them in full."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from medloom import faults
from medloom.drills.away import run_case21, run_case25, run_case55
from medloom.drills.backlog import p95, run_case26
from medloom.drills.plant import Plant, enrol, through_client
from medloom.drills.versions import run_case24

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]


def kept(number: int, seed: int, run: Callable[[], str]) -> str:
    """Run a case, which raises when it is not survived, and note what it counted."""
    began = time.monotonic()
    detail = run()
    faults.record(number, survived=True, seed=seed, seconds=time.monotonic() - began, detail=detail)
    return detail


def test_a_receiver_away_for_a_week_loses_nothing_and_fills_nothing(settings: Any) -> None:
    found = run_case21(3, events=400, tries=110)
    assert found.survived and found.attempts_kept == 100, found
    faults.record(21, survived=True, seed=3, seconds=found.seconds, detail=str(found))


def test_agents_of_other_versions_get_a_verdict_for_everything() -> None:
    plant = Plant(through_client())
    enrol(plant)
    assert "each with a verdict" in kept(24, 1, lambda: run_case24(plant, 1))


def test_with_the_bus_dead_polling_goes_on() -> None:
    assert kept(25, 1, lambda: run_case25(1, events=60)).startswith("60 events polled")


def test_no_webhook_reaches_inside(settings: Any) -> None:
    assert "a redirect not followed" in kept(55, 1, lambda: run_case55(1))


def test_a_backlog_of_three_sites_drains_while_pages_answer() -> None:
    found = run_case26(5, each=600, rounds=3)
    assert found.drained, found


def test_the_95th_of_a_hundred() -> None:
    assert p95([float(n) for n in range(100)]) == 95.0 and p95([1.0]) == 1.0
