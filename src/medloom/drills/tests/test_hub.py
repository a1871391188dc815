"""Cases 16 and 20: a full disk and an open transaction on the hub lose nothing, and are told to people."""

from __future__ import annotations

import pytest

from medloom import faults
from medloom.drills.held import run_case20
from medloom.drills.room import run_case16

pytestmark = pytest.mark.process


@pytest.mark.django_db(transaction=True)
def test_an_open_transaction_is_told_and_loses_nothing() -> None:
    found = run_case20(20)
    assert found.survived, found
    faults.record(20, survived=True, seed=20, seconds=found.seconds, detail=str(found))


def test_a_full_disk_refuses_writing_and_nothing_else() -> None:
    found = run_case16(16, tries=3)
    assert found.survived, found
    faults.record(16, survived=True, seed=16, seconds=found.seconds, detail=str(found))
