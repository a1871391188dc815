"""Case 23: tables are migrated under agents that push; no write is lost."""

from __future__ import annotations

import pytest

from medloom import faults
from medloom.drills.moving import run_case23

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]


def test_a_migration_under_load_loses_no_write() -> None:
    found = run_case23(23, migrations=1)
    assert found.survived, found
    faults.record(23, survived=True, seed=23, seconds=found.seconds, detail=str(found))
