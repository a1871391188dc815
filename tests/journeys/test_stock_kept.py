"""The doctor finds stock that is not the sum of its moves: something wrote past the door."""

from __future__ import annotations

import psycopg
import pytest

from medloom.process import doctor_database
from medloom.process.testing import Bench
from medloom.wire.verdict import Verdict
from tests.journeys.sending import ACT, plant, registrant

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]


def test_stock_altered_past_the_door_is_named(django_db_setup: Bench) -> None:
    plant("lot", fields={"number": "L1"})
    move = {"number": "M1", "lot": "L1", "kind": "received", "quantity": "5", "unit": "kg", "target": "store"}
    (answer,) = registrant(ACT.observe("move", site="A", fields=move))
    assert answer.verdict is Verdict.ACCEPTED
    state = django_db_setup.state
    assert ("stock", doctor_database._stock) in doctor_database.CHECKS
    (found,) = doctor_database._stock(state)
    assert (found.level, found.message) == ("ok", "all of it is the sum of its moves")
    with psycopg.connect(**doctor_database.connection("owner", state)) as owner:
        owner.execute("update stock set quantity = 7.5")
    (found,) = doctor_database._stock(state)
    assert found.level == "fail" and "the moves are right" in found.advice
    assert found.message == "lot L1 of A at store (free): 7.500000 is kept, its moves make 5.000000"
