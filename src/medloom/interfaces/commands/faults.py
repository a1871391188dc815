"""`medloom faults`: how many of the listed faults the product survives, and running one.

What it needs of `medloom.faults`: `score()` gives an object with `survived`, `of` and `cases`, and
`run_case(number, seed=...)` one case; a case is a dataclass with `number`, `title`, `outcome` (survived,
failed, stale: proven on another commit, unbuilt) and whatever else is worth printing as JSON.
"""

import dataclasses
import json
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

from medloom.interfaces.cli import FAILED
from medloom.process.state import StateError

COLOURS = {"survived": "green", "failed": "red", "stale": "yellow", "unbuilt": "dim"}


@click.command()
@click.option("--run", "number", type=click.IntRange(1, 64), help="Run this case now instead of the score.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the run.")
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
def faults(number: int | None, seed: int, as_json: bool) -> None:
    """Print how many of the 64 listed faults are survived, or run one; exit code 1 if that one fails."""
    if not find_spec("medloom.faults"):
        raise StateError("this installation carries no fault drills: run it from the source folder")
    drills = import_module("medloom.faults")
    if number is None:
        _print_score(drills.score(), as_json)
        return
    case = _run(drills, number, seed, as_json)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(case), default=str, ensure_ascii=False))
    else:
        click.echo(f"case {case.number}: {case.outcome}  {case.title}")
        for name, value in dataclasses.asdict(case).items():
            if name not in ("number", "outcome", "title"):
                click.echo(f"  {name:<16}{value}")
    if case.outcome != "survived":
        raise SystemExit(FAILED)


def _run(drills: Any, number: int, seed: int, as_json: bool) -> Any:
    if as_json:
        return drills.run_case(number, seed=seed)
    from rich.console import Console

    with Console(stderr=True).status(f"case {number}, seed {seed}"):
        return drills.run_case(number, seed=seed)


def _print_score(score: Any, as_json: bool) -> None:
    if as_json:
        cases = [dataclasses.asdict(case) for case in score.cases]
        told = {"survived": score.survived, "of": score.of, "cases": cases}
        click.echo(json.dumps(told, default=str, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("#", "outcome", "case"):
        table.add_column(heading, justify="right" if heading == "#" else "left")
    for case in score.cases:
        colour = COLOURS.get(case.outcome, "")
        table.add_row(
            str(case.number), f"[{colour}]{case.outcome}[/]" if colour else case.outcome, escape(case.title)
        )
    console = Console()
    console.print(table)
    console.print(f"survived {score.survived} of {score.of}")
