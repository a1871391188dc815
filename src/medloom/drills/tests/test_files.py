"""Cases 37, 38, 39 and 41: hostile files are told for what they are, honest ones beside them are read."""

from __future__ import annotations

import pytest

from medloom import faults
from medloom.drills.files import CASES, run_files

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]


def test_hostile_files_are_told_for_what_they_are() -> None:
    found = run_files(*CASES, seed=37)
    assert found.survived, found
    for number in CASES:
        faults.record(number, survived=True, seed=37, seconds=found.seconds, detail=str(found))
