"""The hostile cases on a real PostgreSQL, through the real views."""

from __future__ import annotations

import time

import pytest

from medloom import faults
from medloom.drills.hostile import CASES
from medloom.drills.plant import Plant, enrol, through_client
from medloom.kernel.access import seeing
from medloom.kernel.models import Entry
from medloom.materials.models import Lot

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def plant() -> Plant:
    found = Plant(through_client())
    enrol(found)
    found.open()
    return found


@pytest.mark.parametrize("number", sorted(CASES))
def test_case(number: int, plant: Plant) -> None:
    began = time.monotonic()
    detail = CASES[number](plant, 1)
    with seeing("A"):
        entries = Entry.objects.exclude(verdict="op_id_reuse").count()
        lots = Lot.objects.count()
        accepted = Entry.objects.filter(verdict="accepted", type="lot").count()
    assert entries == plant.number - 1, "every line sent has exactly one entry"
    assert lots == accepted, "every accepted lot is a row, and no other"
    faults.record(number, survived=True, seed=1, seconds=time.monotonic() - began, detail=detail)
