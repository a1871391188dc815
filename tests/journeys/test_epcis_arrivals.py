"""Lots that an event named before anybody told of them: the genealogy is as if they had been there."""

from __future__ import annotations

import pytest

from medloom.drills.sequencing import sequence
from medloom.hub import wiring
from medloom.kernel.access import ALL, seeing
from medloom.kernel.door import operation, submit
from medloom.materials.models import Lot
from medloom.parties.models import Role, User
from medloom.trace import queries
from medloom.trace.events.models import TraceEvent
from medloom.trace.models import TraceEdge
from medloom.wire.operation import Kind
from tests.browser.network import people
from tests.journeys.calling import program
from tests.journeys.sending import join
from tests.journeys.test_epcis import AT, document, lots, moulded, rows

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
#: Inputs and outputs of each event: a chain, a join, and one that is told to be an error.
EVENTS = [(("RL-1", "RL-2"), ("H-1",)), (("H-1", "NOBODY"), ("A-1",)), (("RL-1",), ("A-2",))]
NUMBERS = ("RL-1", "RL-2", "H-1", "A-1", "A-2")


@pytest.fixture
def net(transactional_db: None) -> None:
    people()
    for name in ("lin", "siti"):
        Role.objects.create(user=User.objects.get(username=name), role="it")


def edges(site: str) -> set[tuple[str, str]]:
    """(what went in, what it went into) of every edge that stands at a site, each proven by its event."""
    with seeing(ALL):
        keys = dict(Lot.objects.filter(site=site).values_list("num", "key"))
        proofs = dict(TraceEvent.objects.filter(site=site).values_list("num", "entry"))
        found = list(TraceEdge.objects.filter(site=site, voided_by=None))
    assert all(proofs[edge.step] == edge.entry for edge in found)
    assert len({(e.parent, e.child, e.step) for e in found}) == len(found), "none twice"
    return {(keys[e.parent], keys[e.child]) for e in found}


def tell_events(name: str) -> None:
    caller = program(name)
    site = caller.token.site
    made = [moulded(n, inputs=i, outputs=o, site=site) for n, (i, o) in enumerate(EVENTS, 1)]
    wrong = {**made[2], "errorDeclaration": {"declarationTime": AT.isoformat(), "reason": "incorrect_data"}}
    assert caller.post("/epcis/capture", document(*made, wrong)).status_code == 202


def test_lots_before_or_after_their_events_make_the_same_genealogy(net: None) -> None:
    lots(*NUMBERS, site="SZ")
    tell_events("lin")
    tell_events("siti")
    assert edges("PG") == set(), "nothing is known yet"
    expected = {("RL-1", "H-1"), ("RL-2", "H-1"), ("H-1", "A-1")}
    assert edges("SZ") == expected
    for number in ("A-1", "RL-1", "A-2", "RL-2"):
        lots(number, site="PG")
        assert edges("PG") == set(), "one end alone proves nothing"
    lots("H-1", site="PG")
    assert edges("PG") == expected, "the middle joins them, and the declared error joins nothing"
    with seeing("PG"):
        start = Lot.objects.get(site="PG", key="RL-1").num
        reached = Lot.objects.filter(num__in=queries.forward([start]).lots).values_list("key", flat=True)
        assert set(reached) == {"RL-1", "H-1", "A-1"}
    sequence()
    assert join() == 0, "nothing was left over"


def test_a_lot_that_is_mentioned_and_a_name_that_is_told_later_are_joined_by_the_worker(net: None) -> None:
    lin = program("lin")
    site = lin.token.site
    lots("H-1", site=site)
    sent = document(moulded(1, inputs=("RL-1",), outputs=("H-1",), site=site))
    foreign = moulded(2, inputs=("H-1",), outputs=("X",), site=site)
    foreign["outputQuantityList"][0]["epcClass"] = "urn:partner:batch:77"
    sent["epcisBody"]["eventList"].append(foreign)
    assert lin.post("/epcis/capture", sent).status_code == 202
    step = {"number": "S-1", "day": "2026-03-04", "resin_lot": "RL-1"}
    submit([operation("step_record", Kind.OBSERVE, step, actor="p1", at=AT)], author=site, wiring=wiring())
    assert edges(site) == set(), "a mention has no operation of its own"
    sequence()
    assert join() == 1 and edges(site) == {("RL-1", "H-1")}
    lots("A-7", site=site)
    alias = {"partner": "P", "number": "urn:partner:batch:77", "lot": "A-7"}
    made = operation("alias", Kind.SET, alias, actor="p1", at=AT, site=site, reason="it is ours")
    assert [a.verdict for a in submit([made], author="HQ", wiring=wiring())] == ["accepted"]
    sequence()
    assert join() == 1 and edges(site) == {("RL-1", "H-1"), ("H-1", "A-7")}
    assert join() == 0
    assert len(rows(TraceEvent)) == 2
