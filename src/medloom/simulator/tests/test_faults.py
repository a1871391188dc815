"""The fault cases of the simulator, and the scoreboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from medloom.faults import CASES_COUNT, TITLES, Result, read_evidence, score, scoreboard, write_evidence
from medloom.simulator.faults import CASES, run_case


@pytest.mark.simulator
@pytest.mark.parametrize("number", sorted(CASES))
def test_the_case_is_survived(number: int) -> None:
    outcome = run_case(number, 100)
    assert outcome.survived, outcome.detail


@pytest.mark.pure
def test_the_list_has_64_cases_with_titles_of_their_own() -> None:
    assert list(TITLES) == list(range(1, CASES_COUNT + 1))
    assert len({title for _, title in TITLES.values()}) == CASES_COUNT
    assert {level for level, _ in TITLES.values()} == set("SPHD")


@pytest.mark.pure
def test_another_commit_is_stale_and_nothing_is_no_survival(tmp_path: Path) -> None:
    path = tmp_path / "evidence" / "faults.json"
    assert read_evidence(path) == {}
    write_evidence(path, {1: Result(True, 7, 0.5, "old"), 2: Result(True, 7, 0.5, "old")}, commit="old")
    write_evidence(
        path, {2: Result(True, 8, 0.5, "new"), 3: Result(False, 9, 0.1, "new", "why")}, commit="new"
    )
    kept = read_evidence(path)
    assert score(kept, commit="new") == 1
    states = {line.number: line.state for line in scoreboard(kept, commit="new")}
    assert [states[number] for number in (1, 2, 3, 4)] == ["stale", "survived", "failed", "unbuilt"]
    assert kept[3].detail == "why"


@pytest.mark.pure
def test_evidence_that_is_none_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    for text in ("", "[]", '{"cases": {"1": {"survived": true}}}'):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"no fault evidence"):
            read_evidence(path)
    path.unlink()
    with pytest.raises(ValueError, match="no such cases"):
        write_evidence(path, {65: Result(True, 0, 0.0, "c")}, commit="c")
