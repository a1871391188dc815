"""What programs and people of three parties must not see, set or ask for."""

from __future__ import annotations

import time

import pytest

from medloom import faults
from medloom.drills.programs import CASES

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("number", sorted(CASES))
def test_case(number: int) -> None:
    began = time.monotonic()
    detail = CASES[number](1)
    assert detail, "what was counted"
    faults.record(number, survived=True, seed=1, seconds=time.monotonic() - began, detail=detail)
