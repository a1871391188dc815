"""A hold is raised while a site finishes the lot: whoever could know of it is told so, and the hold stands.

Case 8 of the fault scoreboard, at the door.
"""

from __future__ import annotations

import pytest

from medloom.exchange.tests.test_sequencer import sequencer  # noqa: F401 - a fixture
from medloom.kernel.access import seeing
from medloom.materials.actions import raise_hold
from medloom.materials.models import Hold
from medloom.wire.verdict import Verdict
from tests.journeys.sending import ACT, codes, plant, registrant

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def use(number: str, *, seen: int):
    fields = {"number": number, "day": "2026-11-01", "resin_lot": "R1"}
    return plant("step_record", fields=fields, seen={"c": seen})


def test_the_position_that_the_site_had_read_tells_what_it_could_know(sequencer) -> None:  # noqa: F811
    plant("lot", fields={"number": "R1"})
    (first,) = registrant(raise_hold(act=ACT, site="A", number="H0", equipment="M1", cause="vibrates"))
    assert first.verdict is Verdict.ACCEPTED
    registrant(raise_hold(act=ACT, site="A", number="H1", lot="R1", cause="supplier's notice"))
    unsent = use("S1", seen=99)
    assert codes(unsent) == ["lot_held", "after_hold"] and unsent.findings[1].expected == "not yet sent"
    sequencer.round()
    before = use("S2", seen=1)
    assert codes(before) == ["lot_held", "after_hold"]
    assert (before.findings[1].expected, before.findings[1].got) == ("2", "1")
    assert codes(use("S3", seen=2)) == ["lot_held"], "this one knew"
    machine = plant(
        "step_record", fields={"number": "S4", "day": "2026-11-01", "machine": "M1"}, seen={"c": 2}
    )
    assert [(f.code, f.path) for f in machine.findings] == [("equipment_held", "/fields/machine")]
    with seeing("A"):
        assert Hold.objects.get(key="H1").state == "open"
