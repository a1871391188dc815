"""The scoreboard counts what was seen on this commit and nothing else."""

from __future__ import annotations

import pytest

from medloom import faults

pytestmark = pytest.mark.files


@pytest.fixture
def board(tmp_path, monkeypatch):
    monkeypatch.setattr(faults, "EVIDENCE", tmp_path / "evidence" / "faults.json")
    monkeypatch.setattr(faults, "commit", lambda: "abc")
    return monkeypatch


def outcome(number: int) -> str:
    return faults.score().cases[number - 1].outcome


def test_only_what_was_proven_on_this_commit_counts(board) -> None:
    assert (faults.score().survived, faults.score().of) == (0, 64)
    faults.record(31, survived=True, seed=3, seconds=1.234, detail="x")
    faults.record(32, survived=False, seed=3, seconds=1)
    assert faults.score().survived == 1
    assert (outcome(31), outcome(32), outcome(33), outcome(64)) == ("survived", "failed", "stale", "unbuilt")
    board.setattr(faults, "commit", lambda: "def")
    assert (faults.score().survived, outcome(31)) == (0, "stale")


def test_a_drill_that_fails_is_written_as_failed(board) -> None:
    def fails(seed: int) -> str:
        raise AssertionError("2 rows lost")

    board.setattr(faults, "drills", lambda: {7: fails, 8: lambda seed: f"seed {seed}"})
    assert faults.run_case(7).outcome == "failed" and faults.run_case(8, seed=5).detail == "seed 5"
    assert (outcome(7), outcome(8), faults.run_case(9).outcome) == ("failed", "survived", "unbuilt")


def test_broken_evidence_is_no_evidence(board) -> None:
    faults.EVIDENCE.parent.mkdir()
    faults.EVIDENCE.write_text("{")
    assert faults.score().survived == 0
    assert len(faults.TITLES) == len(set(faults.TITLES)) == 64
