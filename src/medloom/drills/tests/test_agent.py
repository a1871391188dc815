"""Case 13 in small: a few kills of the agent, most of them between the hub's commit and its answer."""

from __future__ import annotations

import pytest

from medloom import faults
from medloom.drills.agent import ROWS_PER_FILE, run_case13

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]


def test_no_row_is_lost_or_told_twice() -> None:
    found = run_case13(2, kills=4)
    assert found.rows == 4 * ROWS_PER_FILE
    assert (found.lost, found.twice) == (0, 0)
    assert found.survived
    faults.record(13, survived=True, seed=2, seconds=found.seconds, detail=str(found))
