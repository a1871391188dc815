"""Genealogy across plants: what C received is the lot that A sent, whichever of the two is told first."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from medloom.drills.sequencing import sequence
from medloom.kernel.access import ALL, seeing
from medloom.kernel.cursor import SEE_ALL, Cursor, open_cursor
from medloom.materials.models import Lot, Receipt, Shipment
from medloom.trace import arrivals, queries
from medloom.trace.models import TraceEdge
from medloom.wire.verdict import Answer, Verdict
from tests.journeys.sending import ACT, codes, join, plant, registrant

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def received(lot: str, sent: str, *, number: str = "R-1", sender: str = "A", **more: object) -> Answer:
    fields = {"number": number, "lot": lot, "quantity": "40", "unit": "1", "received": "2026-11-02",
              "partner": sender, "partner_lot": sent}  # fmt: skip
    return plant("receipt", site="C", fields={n: v for n, v in fields.items() if v}, **more)


def made(site: str, number: str) -> Answer:
    return plant("lot", site=site, fields={"number": number})


def names(nums: tuple[int, ...]) -> set[tuple[str, str]]:
    return set(Lot.objects.filter(num__in=nums).values_list("site", "key"))


def reached(site: str, number: str, *, by: str) -> set[tuple[str, str]]:
    with seeing(ALL):
        start = Lot.objects.get(site=site, key=number).num
    with seeing(by):
        return names(queries.forward([start]).lots)


def test_a_walk_goes_from_the_senders_lot_to_what_was_made_of_it() -> None:
    made("A", "MO-1")
    made("C", "C-1")
    assert codes(received("C-1", "MO-1")) == []
    step = {"number": "S", "day": "2026-11-03", "output_lot": "PUMP", "inputs": [{"lot": "C-1"}]}
    plant("step_record", site="C", fields=step)
    assert reached("A", "MO-1", by=ALL) == {("A", "MO-1"), ("C", "C-1"), ("C", "PUMP")}
    assert reached("A", "MO-1", by="A") == {("A", "MO-1")}, "the sender sees nothing of the receiver's"
    assert reached("C", "C-1", by="C") == {("C", "C-1"), ("C", "PUMP")}
    with seeing("C"):
        pump = Lot.objects.get(key="PUMP").num
        assert names(queries.backward([pump]).lots) == {("C", "C-1"), ("C", "PUMP")}
        (edge,) = queries.made_of([pump])
        assert queries.made_of([edge.parent]) == [], "the edge to the sender's lot does not show"
    with seeing("A"):
        assert not Receipt.objects.exists() and not Lot.objects.exclude(site="A").exists()


def test_the_senders_lot_may_come_later_and_the_receipt_is_its_proof() -> None:
    answer = received("C-1", "MO-1")
    assert "unknown_lot" in codes(answer), "C's own lot was not known"
    made("A", "MO-1")
    with seeing(ALL):
        (edge,) = TraceEdge.objects.all()
        assert (edge.entry, edge.site, str(edge.quantity)) == (answer.seq, "C", "40.000000")
    assert reached("A", "MO-1", by=ALL) == {("A", "MO-1"), ("C", "C-1")}


def test_nobody_learns_from_a_receipt_whether_another_plant_has_a_lot() -> None:
    made("A", "SECRET-7")
    made("C", "C-1")
    right = received("C-1", "SECRET-7", number="R-1")
    wrong = received("C-1", "SECRET-8", number="R-2")
    assert (right.verdict, codes(right)) == (wrong.verdict, codes(wrong)) == (Verdict.ACCEPTED, [])


def test_a_correction_takes_the_way_back_and_writes_the_right_one() -> None:
    for site, number in (("A", "WRONG"), ("A", "RIGHT"), ("C", "C-1")):
        made(site, number)
    object_ = str(uuid.uuid4())
    received("C-1", "WRONG", object=object_)
    received("C-1", "RIGHT", object=object_)
    assert reached("A", "WRONG", by=ALL) == {("A", "WRONG")}
    assert reached("A", "RIGHT", by=ALL) == {("A", "RIGHT"), ("C", "C-1")}
    with seeing(ALL):
        assert TraceEdge.objects.filter(voided_by__isnull=False).count() == 1


def test_a_lot_that_is_only_mentioned_is_joined_by_the_worker() -> None:
    made("C", "C-1")
    received("C-1", "MO-9")
    plant("step_record", site="A", fields={"number": "S", "day": "2026-11-01", "output_lot": "MO-9"})
    assert reached("A", "MO-9", by=ALL) == {("A", "MO-9")}, "a placeholder has no operation of its own"
    sequence()
    assert join() == 1
    assert join() == 0
    assert reached("A", "MO-9", by=ALL) == {("A", "MO-9"), ("C", "C-1")}


def test_a_look_that_finds_nothing_new_costs_two_small_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    made("C", "C-1")
    for number in range(20):
        received("C-1", f"NEVER-{number}", number=f"R-{number}")
    sequence()
    assert join() == 0
    asked: list[str] = []
    execute = Cursor.execute

    def count(cursor: Cursor, sql: str, params: Any = ()) -> Any:
        asked.append(sql)
        return execute(cursor, sql, params)

    monkeypatch.setattr(Cursor, "execute", count)
    assert join() == 0
    assert [sql for sql in asked if "set_config" not in sql] == [arrivals._LOOKED, arrivals._NEW, "commit"]
    monkeypatch.undo()
    with seeing(ALL), open_cursor() as cursor:
        cursor.execute(SEE_ALL)
        explained = "explain (analyze, costs off, timing off) " + arrivals._NEW
        last = cursor.execute(arrivals._LOOKED).fetchone()["last"]
        lines = [row["QUERY PLAN"] for row in cursor.execute(explained, (["receipt"], last, 5)).fetchall()]
    assert not [line for line in lines if "Seq Scan" in line], lines
    assert any("leaf" in line and "rows=0" in line.replace("rows=0.00", "rows=0") for line in lines), lines
    assert not [line for line in lines if "receipt" in line]


def test_what_no_plant_of_the_network_sent_makes_no_way() -> None:
    made("C", "C-1")
    made("C", "C-2")
    assert codes(received("C-1", "C-2", sender="C")) == ["sender_is_receiver"]
    assert codes(received("C-1", "S-77", number="R-2", sender="")) == ["sender_missing"]
    with seeing(ALL):
        assert not TraceEdge.objects.exists()


def test_a_shipment_of_what_a_senders_hold_blocks_is_told() -> None:
    made("A", "MO-1")
    made("C", "C-1")
    received("C-1", "MO-1")
    hold = {"number": "H-1", "lot": "MO-1", "cause": "test", "spreads": True}
    registrant(ACT.create("hold", site="A", fields=hold, reason="test"))
    lines = [{"lot": "C-1", "first": "00001", "last": "00010", "quantity": "10", "unit": "1"}]
    fields = {"number": "SH-1", "consignee": "CNS-01", "shipped": "2026-11-05", "lines": lines}
    answer = plant("shipment", site="C", fields=fields)
    assert answer.verdict is Verdict.ACCEPTED
    assert "lot_held" in codes(answer) and "unknown_consignee" in codes(answer)
    with seeing("C"):
        assert Shipment.objects.count() == 1
