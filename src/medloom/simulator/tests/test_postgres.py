"""Thirty seeds with the hub on a real PostgreSQL, and each seed that found something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from medloom.process.testing import Bench
from medloom.simulator.on_postgres import run

pytestmark = [pytest.mark.simulator, pytest.mark.database]
SEEDS = 30


@pytest.fixture
def bench(django_db_setup: Bench, django_db_blocker: pytest.FixtureRequest) -> Iterator[Bench]:
    with django_db_blocker.unblock():
        yield django_db_setup


@pytest.mark.parametrize("first", range(0, SEEDS, 5))
def test_the_same_holds_with_the_hub_on_postgresql(first: int, bench: Bench) -> None:
    for seed in range(first, first + 5):
        outcome = run(seed, bench)
        assert outcome.violations == [], f"seed {seed}: {outcome.scenario.named()}"
        assert outcome.entries > 50
