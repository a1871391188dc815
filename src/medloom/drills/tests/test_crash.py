"""Case 14 with a few kills; `medloom faults --run 14` does two hundred."""

from __future__ import annotations

import pytest

from medloom import faults
from medloom.drills.crash import run_case14

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]


def test_a_worker_killed_in_the_middle_of_a_batch_leaves_all_of_it_or_nothing() -> None:
    found = run_case14(1, kills=5)
    assert found.survived, found
    assert found.nothing + found.everything == 5, found
    faults.record(14, survived=True, seed=1, seconds=found.seconds, detail=str(found))
