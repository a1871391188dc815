"""Case 56: no secret stands in any log, and nothing from outside begins a line of one."""

from __future__ import annotations

import pytest

from medloom import faults
from medloom.drills.logs import run_case56

pytestmark = pytest.mark.process


def test_logs_hold_no_secret_and_no_forged_line() -> None:
    found = run_case56(56)
    assert found.survived, found
    faults.record(56, survived=True, seed=56, seconds=found.seconds, detail=str(found))
