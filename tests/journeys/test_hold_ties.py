"""A lot that becomes a held lot's descendant without being used: a receipt, a merge, an event, a late name.

Each tie raises a hold of its own in the transaction that writes it, so the last look before a commit
(docs/decisions/0018) finds it as it finds any hold that came beside.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from medloom.drills.sequencing import sequence
from medloom.formats.epcis.making import Thing, When, transformation
from medloom.formats.epcis.reading import Indexed
from medloom.hub import WIRING
from medloom.kernel.access import ALL, seeing
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry
from medloom.kernel.tests.making import make
from medloom.materials.actions import clear_hold
from medloom.materials.models import Hold
from medloom.trace.arrivals import join_left_over
from medloom.trace.events.rules import fields_of, read
from medloom.wire.verdict import Answer, Verdict
from tests.journeys.sending import ACT, codes, join, plant, registrant
from tests.journeys.test_hold_beside import apart, between

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
AT = "2026-11-02T08:00:00Z"
Lots = tuple[str, ...]


def house(*, spreads: bool = True) -> None:
    """Lot R of plant A is held; H of A and C-1 of plant C stand in their stores, and nothing ties them."""
    plant("lot", fields={"number": "R"})
    plant("lot", fields={"number": "H"})
    plant("lot", site="C", fields={"number": "C-1"})
    hold(spreads=spreads)


def hold(number: str = "HD", *, spreads: bool = True) -> None:
    fields = {"number": number, "lot": "R", "cause": "notice", "spreads": spreads}
    assert plant("hold", "set", fields=fields).verdict is Verdict.ACCEPTED


def fine(answer: Answer) -> Answer:
    assert answer.verdict is Verdict.ACCEPTED, answer
    return answer


def receipt(lot: str = "C-1", **more: Any) -> Answer:
    """Plant C takes in A's lot R as its own."""
    fields = {"number": "RC", "lot": lot, "quantity": "40", "unit": "kg", "partner": "A", "partner_lot": "R"}
    return fine(plant("receipt", site="C", fields=fields, **more))


def merge(first: str = "R", second: str = "H", **more: Any) -> Answer:
    """A person finds that two numbers are one lot."""
    fields = {"partner": "A", "number": second, "lot": first, "other": second, **more}
    return fine(plant("alias", "set", fields=fields, reason="one label"))


def event(
    inputs: tuple[str, ...] = ("R",), outputs: tuple[str, ...] = ("H",), *, known: bool = True
) -> Answer:
    """A partner's system tells that `outputs` were made of `inputs`; `known` when it came, or later."""
    made = transformation(
        object_=str(uuid.uuid4()), when=When(dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)), site="A",
        inputs=[Thing("A", lot) for lot in inputs], outputs=[Thing("A", lot) for lot in outputs],
    )  # fmt: skip
    raw = json.dumps(made)
    found = read(raw, '{"medloom": "urn:medloom:epcis:"}')
    assert isinstance(found, Indexed), found
    fields = fields_of(found, raw=raw, prefixes={"medloom": "urn:medloom:epcis:"}) | {"recorded": AT}
    if known:
        roles = [("input", lot) for lot in inputs] + [("output", lot) for lot in outputs]
        fields["lots"] = [
            {"role": role, "lot": lot, "epc": f"urn:medloom:lot:A:{lot}"} for role, lot in roles
        ]
    return fine(plant("trace_event", fields=fields))


def ship(lot: str = "H", *, site: str = "A", number: str = "SH") -> Answer:
    fields = {"number": number, "lines": [{"lot": lot, "quantity": "1"}]}
    return plant("shipment", site=site, fields=fields)


def use(lot: str = "H", *, site: str = "A") -> Answer:
    return plant("step_record", site=site, fields={"number": "U", "day": "2026-11-02", "resin_lot": lot})


def held(lot: str) -> list[Hold]:
    with seeing(ALL):
        return list(Hold.objects.filter(lot__key=lot, state="open").order_by("num"))


#: Tie -> the lot that it makes R's descendant, and the plant that has it.
TIES: dict[str, tuple[Callable[[], Answer], str, str]] = {
    "receipt": (receipt, "C-1", "C"),
    "merge": (merge, "H", "A"),
    "merge the other way round": (lambda: merge("H", "R"), "H", "A"),
    "event": (event, "H", "A"),
}


@pytest.mark.parametrize("name", TIES)
def test_a_tie_to_a_held_lot_holds_the_other_lot_and_says_why(name: str) -> None:
    house()
    tie, lot, site = TIES[name]
    answer = tie()
    (raised,) = held(lot)
    assert (raised.site, raised.spreads, raised.key) == (site, True, f"tie-{answer.seq}")
    assert "tied to R, held by HD" in raised.cause
    with seeing(ALL):
        entry = Entry.objects.get(seq=raised.entry)
    assert (entry.cause, entry.verdict) == (answer.seq, "accepted")
    assert len(held("R")) == 1, "the held lot needs no second one"
    assert "lot_held" in codes(ship(lot, site=site))


@pytest.mark.parametrize("way", [ship, use])
@pytest.mark.parametrize("name", TIES)
def test_who_uses_a_lot_beside_the_tie_is_told(
    name: str, way: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    house()
    tie, lot, site = TIES[name]
    with between(monkeypatch, tie) as done:
        answer = way(lot, site=site)
    assert done and "lot_held" in codes(answer)
    assert answer.seq > held(lot)[0].entry, "the log tells it behind the hold that the tie brought"


@pytest.mark.parametrize("name", TIES)
def test_a_hold_raised_beside_the_tie_is_carried_over_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant("lot", fields={"number": "R"})
    plant("lot", fields={"number": "H"})
    plant("lot", site="C", fields={"number": "C-1"})
    tie, lot, _site = TIES[name]
    with between(monkeypatch, hold) as done:
        answer = tie()
    assert done and [one.key for one in held(lot)] == [f"tie-{answer.seq}"]


def test_what_the_tied_lot_went_into_is_judged_again_too(monkeypatch: pytest.MonkeyPatch) -> None:
    house()
    plant("lot", site="C", fields={"number": "PUMP"})
    fields = {"number": "S", "day": "2026-11-01", "resin_lot": "C-1", "output_lot": "PUMP"}
    assert codes(plant("step_record", site="C", fields=fields)) == []
    with between(monkeypatch, receipt) as done:
        answer = ship("PUMP", site="C")
    assert done and "lot_held" in codes(answer)


def test_a_tie_that_brings_nothing_new_raises_nothing() -> None:
    house()
    object_ = str(uuid.uuid4())
    first = receipt(object=object_)
    receipt(object=object_)
    assert [one.key for one in held("C-1")] == [f"tie-{first.seq}"], "the correction says the same again"
    plant("lot", fields={"number": "P"})
    merge("H", "P")
    assert held("H") == held("P") == []


def test_a_correction_that_names_the_held_lot_holds_what_was_received() -> None:
    house()
    plant("lot", fields={"number": "GOOD"})
    object_ = str(uuid.uuid4())
    fields = {"number": "RC", "lot": "C-1", "quantity": "40", "unit": "kg", "partner": "A"}
    fine(plant("receipt", site="C", fields={**fields, "partner_lot": "GOOD"}, object=object_))
    assert held("C-1") == []
    answer = receipt(object=object_)
    assert [one.key for one in held("C-1")] == [f"tie-{answer.seq}"]


def test_a_hold_that_does_not_spread_and_two_lots_found_to_be_two_carry_nothing() -> None:
    house(spreads=False)
    for tie, lot, _site in TIES.values():
        tie()
        assert held(lot) == []
    hold("HD-2")
    plant("lot", fields={"number": "OTHER"})
    merge("R", "OTHER", same=False)
    assert held("OTHER") == []


def test_a_lot_that_the_receipt_itself_makes_is_held() -> None:
    house()
    answer = receipt("C-NEW")
    assert [one.key for one in held("C-NEW")] == [f"tie-{answer.seq}"]


def mention() -> None:
    """Lot M of plant A, which nobody told of, was made of the held lot R; so M is held and only mentioned."""
    fields = {"number": "SM", "day": "2026-11-01", "resin_lot": "R", "output_lot": "M"}
    assert "lot_held" in codes(plant("step_record", fields=fields))


def late(name: str) -> Callable[[], Any]:
    """C received M, or an event made H of M, before anybody told of M; then somebody does."""
    if name.startswith("receipt"):
        fields = {"number": "RM", "lot": "C-1", "quantity": "4", "unit": "kg", "partner": "A"}
        fine(plant("receipt", site="C", fields={**fields, "partner_lot": "M"}))
    else:
        event(("M",), ("H",), known=False)
    mention()
    sequence()
    assert held("C-1") == held("H") == []
    return join if name.endswith("worker") else lambda: fine(plant("lot", fields={"number": "M"}))


LATE = ["receipt, lot told", "event, lot told", "receipt, worker", "event, worker"]


@pytest.mark.parametrize("name", LATE)
def test_a_name_that_is_known_later_carries_the_hold_over_beside_a_use(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house()
    tie = late(name)
    lot, site = ("C-1", "C") if name.startswith("receipt") else ("H", "A")
    with between(monkeypatch, tie) as done:
        answer = ship(lot, site=site)
    assert done and "lot_held" in codes(answer)
    (raised,) = held(lot)
    assert raised.site == site and "tied to M" in raised.cause
    sequence()
    assert join() == 0 and len(held(lot)) == 1


def test_a_worker_that_ends_before_its_commit_leaves_neither_tie_nor_hold() -> None:
    house()
    late("receipt, worker")

    class Ended(Exception):
        pass

    def end(cursor: Any, operations: Any) -> None:
        append([], author="HQ", wiring=WIRING, cursor=cursor)
        raise Ended

    with pytest.raises(Ended):
        join_left_over(end, at=ACT.at, mint=ACT.mint)
    assert codes(ship("C-1", site="C")) == [] and held("C-1") == []
    assert join() == 1 and len(held("C-1")) == 1


def test_the_carried_hold_is_cleared_for_itself() -> None:
    house()
    receipt()
    (raised,) = held("C-1")
    signed = {"meaning": "approved", "reason": "looked at"}
    (origin,) = held("R")
    registrant(clear_hold(act=ACT, site="A", hold=str(origin.object), **signed))
    assert "lot_held" in codes(ship("C-1", site="C"))
    registrant(clear_hold(act=ACT, site="C", hold=str(raised.object), **signed))
    assert codes(ship("C-1", site="C", number="SH-2")) == []


def test_a_tie_and_a_use_at_once_end_in_one_order() -> None:
    """Whichever is first: the shipment stands before the carried hold, or it is told of it."""
    house()
    other = apart(receipt)
    other.start()
    made = make("shipment", site="C", fields={"number": "SH", "lines": [{"lot": "C-1", "quantity": "1"}]})
    (answer,) = append([made], author="C", wiring=WIRING)
    other.join(30)
    assert not other.is_alive()
    (raised,) = held("C-1")
    assert ("lot_held" in codes(answer)) == (answer.seq > raised.entry)
