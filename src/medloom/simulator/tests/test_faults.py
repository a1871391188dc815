"""The fault cases of the simulator, run as the scoreboard's drills."""

from __future__ import annotations

import pytest

from medloom import faults
from medloom.drills.cases import CASES as DRILLS
from medloom.simulator.faults import CASES, run_case
from medloom.simulator.stories import Stage


@pytest.mark.simulator
@pytest.mark.parametrize("number", sorted(CASES.keys() - DRILLS.keys()))
def test_the_case_is_survived_and_written_as_evidence(number: int) -> None:
    case = faults.run_case(number, seed=100)
    assert case.outcome == "survived", case.detail
    assert faults.read_evidence()[str(number)]["seed"] == 100


@pytest.mark.simulator
@pytest.mark.parametrize("number", sorted(CASES.keys() & DRILLS.keys()))
def test_a_case_with_a_drill_on_real_processes_is_survived_here_too(number: int) -> None:
    outcome = run_case(number)
    assert outcome.survived, outcome.detail


@pytest.mark.simulator
def test_a_broken_promise_fails_its_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "talk", lambda stage, machine: None)
    outcome = run_case(9)
    assert not outcome.survived
    assert outcome.detail
