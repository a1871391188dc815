"""Cases 19 and 43: slow senders keep no thread, huge bodies no memory."""

from __future__ import annotations

import pytest

from medloom import faults
from medloom.drills.web import run_case19, run_case43

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]


def test_slow_senders_lose_their_place_and_others_are_served_meanwhile() -> None:
    found = run_case19(19)
    assert found.survived, found
    faults.record(19, survived=True, seed=19, seconds=found.seconds, detail=str(found))


def test_huge_bodies_are_refused_before_they_are_read() -> None:
    found = run_case43(43)
    assert found.survived, found
    faults.record(43, survived=True, seed=43, seconds=found.seconds, detail=str(found))
