"""Cases 17, 18 and 22: a full disk, a flipped bit and a cut snapshot lose and double nothing."""

from __future__ import annotations

import pytest

from medloom import faults
from medloom.drills.store import run_case17, run_case18, run_case22

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]


def test_a_full_disk_loses_nothing() -> None:
    found = run_case17(17)
    assert (found.lost, found.twice) == (0, 0) and found.survived, found
    faults.record(17, survived=True, seed=17, seconds=found.seconds, detail=str(found))


def test_a_flipped_bit_loses_nothing() -> None:
    found = run_case18(18, flips=3)
    assert (found.lost, found.twice, found.seen) == (0, 0, "store_rebuilt"), found
    faults.record(18, survived=True, seed=18, seconds=found.seconds, detail=str(found))


def test_a_snapshot_cut_at_random_bytes_goes_on_where_it_was() -> None:
    found = run_case22(22, starts=2)
    assert (found.lost, found.twice, found.seen) == (0, 0, "resumed"), found
    faults.record(22, survived=True, seed=22, seconds=found.seconds, detail=str(found))
