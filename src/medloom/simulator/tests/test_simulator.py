"""A few seeds in every test run, each ablation until it is caught, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medloom.simulator.ablations import ABLATIONS
from medloom.simulator.command import main
from medloom.simulator.on_file import parts
from medloom.simulator.run import run

pytestmark = pytest.mark.simulator
SEEDS = 60
ABLATION_SEEDS = 200
FILE_SEEDS = 30


@pytest.mark.parametrize("first", range(0, SEEDS, 10))
def test_nothing_is_lost_doubled_diverged_or_overwritten(first: int) -> None:
    for seed in range(first, first + 10):
        outcome = run(seed)
        assert outcome.violations == [], f"seed {seed}: {outcome.scenario.named()}"
        assert outcome.entries > 0


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(162, id="entered-again-while-a-clone-holds-it"),
        pytest.param(724, id="entered-again-while-another-site-has-to-hand-it-back"),
        pytest.param(2667, id="a-clones-write-back-read-as-an-edit-hides-a-pending-one"),
    ],
)
def test_a_seed_that_failed_once_holds(seed: int) -> None:
    assert run(seed).violations == []


@pytest.mark.parametrize("name", sorted(ABLATIONS))
def test_taking_one_mechanism_out_is_noticed(name: str) -> None:
    for seed in range(ABLATION_SEEDS):
        if not run(seed, parts=ABLATIONS[name].parts).survived:
            return
    pytest.fail(f"{ABLATION_SEEDS} seeds without {ABLATIONS[name].removes}, and nobody noticed")


@pytest.mark.parametrize("first", range(0, FILE_SEEDS, 10))
def test_the_same_holds_with_the_stores_on_file(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        outcome = run(seed, parts=parts(folder))
        assert outcome.violations == [], f"seed {seed}: {outcome.scenario.named()}"


def test_a_run_is_its_seed() -> None:
    one, other = run(7), run(7)
    assert (one.entries, one.verdicts, one.scenario) == (other.entries, other.verdicts, other.scenario)


def test_the_command_reports_and_its_exit_code_tells(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "3", "--json"]) == 0
    total = json.loads(capsys.readouterr().out)
    assert (total["seeds"], total["survived"], total["failed"]) == (3, 3, [])
    assert main(["--seeds", "20", "--ablate", "base", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["caught_at"] is not None
    assert main(["--seeds", "4", "--jobs", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["survived"] == 4
