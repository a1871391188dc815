"""What the rooms say of what a plant sends: kept with findings, refused, waiting, or followed by a hold."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from django.db import transaction

from medloom.design.actions import issue_revision
from medloom.design.models import Bom, BomLine
from medloom.hub import WIRING
from medloom.kernel.access import seeing
from medloom.kernel.cursor import SEE_ALL, open_cursor, together
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry
from medloom.kernel.tests.asking import ask
from medloom.kernel.tests.making import make
from medloom.materials.actions import clear_hold, dispose_lot, merge_lots, part_lots, raise_hold
from medloom.materials.models import Hold, Lot, Stock
from medloom.materials.queries import near_matches
from medloom.production.actions import advance, dispatch
from medloom.production.models import StepRecord, WorkOrder
from medloom.trace.queries import blocked, forward, made_of
from medloom.wire.verdict import Verdict
from tests.journeys.sending import ACT, codes, plant, registrant

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

STEP = {"day": "2026-11-01", "shots": 10, "cavities": 8, "total": 80, "good": 80, "defects": []}


def lot(number: str, **fields) -> str:
    sent = plant("lot", fields={"number": number, **fields})
    assert sent.verdict is Verdict.ACCEPTED
    with seeing("A"):
        return str(Lot.objects.get(key=number).object)


def num(number: str) -> int:
    with seeing("*"):
        return Lot.objects.get(key=number).num


def test_a_step_record_proves_edges_from_every_lot_to_the_lot_made() -> None:
    inputs = [{"lot": "C1", "quantity": "2.5", "unit": "kg"}, {"lot": "C2", "unit": "1"}]
    fields = {"number": "S1", "resin_lot": "R1", "output_lot": "F1", "inputs": inputs, **STEP}
    answer = plant("step_record", fields=fields)
    assert answer.verdict is Verdict.ACCEPTED
    assert codes(answer) == ["unknown_lot"] * 4, "placeholders are told, and nothing else"
    with seeing("A"):
        edges = made_of([num("F1")])
        assert {edge.parent for edge in edges} == {num("R1"), num("C1"), num("C2")}
        assert {edge.quantity for edge in edges} == {None, Decimal("2.5")}
        assert set(forward([num("R1")]).lots) == {num("R1"), num("F1")}
        assert Lot.objects.get(key="F1").state == "pending"


def test_a_corrected_record_replaces_what_it_had_proven() -> None:
    first = {"number": "S1", "resin_lot": "R1", "output_lot": "F1", **STEP}
    plant("step_record", fields=first, source=("shifts", "S1", "1"))
    again = plant("step_record", fields={**first, "resin_lot": "R2"}, source=("shifts", "S1", "2"))
    assert (again.verdict, again.version) == (Verdict.ACCEPTED, 2)
    with seeing("A"):
        assert [edge.parent for edge in made_of([num("F1")])] == [num("R2")]


def test_wrong_balances_are_kept_with_a_finding() -> None:
    answer = plant("step_record", fields={"number": "S1", **STEP, "good": 79})
    assert (answer.verdict, codes(answer)) == (Verdict.ACCEPTED, ["balance_total"])
    with seeing("A"):
        assert StepRecord.objects.get().good == 79


def test_a_hold_reaches_what_was_made_of_the_lot_and_later_use_is_found() -> None:
    plant("step_record", fields={"number": "S1", "resin_lot": "R1", "output_lot": "F1", **STEP})
    (held,) = registrant(raise_hold(act=ACT, site="A", number="H1", lot="R1", cause="supplier's notice"))
    assert held.verdict is Verdict.ACCEPTED
    with seeing("A"):
        assert {(b.lot, b.covers) for b in blocked([num("F1"), num("R1")])} == {
            (num("F1"), num("R1")),
            (num("R1"), num("R1")),
        }
    used = plant("step_record", fields={"number": "S2", "resin_lot": "F1", "output_lot": "F2", **STEP})
    assert used.verdict is Verdict.ACCEPTED
    assert codes(used) == ["unknown_lot", "lot_held", "after_hold"]
    with seeing("A"):
        follows = Hold.objects.get(lot_id=num("F2"))
    assert follows.cause == "step record S2: after_hold, lot_held" and follows.site == "A"


def test_a_held_lot_is_not_released_until_signed_and_cleared() -> None:
    object_ = lot("F1", kind="finished")
    raised = raise_hold(act=ACT, site="A", number="H1", lot="F1", cause="crack seen")
    registrant(raised)
    refused = plant("lot", "command", object=object_, fields={"command": "release_production"})
    assert refused.refusal is not None and refused.refusal.code == "lot_held"
    (unsigned,) = registrant(clear_hold(act=ACT, site="A", hold=raised.object, reason="retested", meaning=""))
    assert unsigned.verdict is not Verdict.ACCEPTED
    mine = plant(
        "hold",
        "command",
        object=raised.object,
        reason="x",
        fields={"command": "clear", "meaning": "approved"},
    )
    assert mine.refusal is not None and mine.refusal.code == "not_permitted"
    (cleared,) = registrant(
        clear_hold(act=ACT, site="A", hold=raised.object, reason="retested", meaning="approved")
    )
    assert cleared.verdict is Verdict.ACCEPTED
    released = plant("lot", "command", object=object_, fields={"command": "release_production"})
    assert released.verdict is Verdict.ACCEPTED
    (market,) = registrant(
        dispose_lot(act=ACT, site="A", lot=object_, command="release_market", state="production_released",
                    reason="record reviewed")
    )  # fmt: skip
    assert market.verdict is Verdict.ACCEPTED
    with seeing("A"):
        assert Hold.objects.get().meaning == "approved"
        assert Lot.objects.get(key="F1").state == "market_released"


def test_stock_is_the_sum_of_moves_and_short_stock_is_told() -> None:
    lot("R1")

    def move(number: str, kind: str, quantity: str, **more):
        fields = {"number": number, "lot": "R1", "kind": kind, "quantity": quantity, "unit": "kg", **more}
        return plant("move", fields=fields, source=("moves", number, quantity))

    assert codes(move("M1", "received", "100", target="store")) == []
    assert codes(move("M2", "transfer", "30", source="store", target="line")) == []
    assert codes(move("M3", "consumed", "31", source="line")) == ["short_stock"]
    assert codes(move("M3", "consumed", "29", source="line")) == []
    with seeing("A"):
        stock = {(s.location, s.status): (s.quantity, s.version) for s in Stock.objects.all()}
    assert stock == {("store", "free"): (70, 2), ("line", "free"): (1, 3)}


def test_a_result_is_judged_by_its_revision_and_blocks_its_lot_once() -> None:
    lot("F1", kind="finished")
    fields = {
        "number": "SP",
        "revision": "A",
        "characteristic": "wall",
        "unit": "mm",
        "low": "1",
        "high": "2",
    }
    issued = issue_revision(act=ACT, type="specification", site="A", fields=fields, reason="first issue")
    assert {a.verdict for a in registrant(*issued)} == {Verdict.ACCEPTED}
    result = {"lot": "F1", "specification": "SP/A", "unit": "mm"}
    assert codes(plant("result", fields={"number": "1", "value": "1.5", **result})) == []
    assert codes(plant("result", fields={"number": "2", "value": "2.1", **result})) == ["out_of_limits"]
    assert codes(plant("result", fields={"number": "3", "value": "2.2", **result})) == ["out_of_limits"]
    with seeing("A"):
        assert [h.cause for h in Hold.objects.all()] == ["result 2: out_of_limits"]
    next_ = issue_revision(
        act=ACT, type="specification", site="A", fields={**fields, "revision": "B", "high": "3"},
        reason="wider", replaces=issued[0].object,
    )  # fmt: skip
    assert {a.verdict for a in registrant(*next_)} == {Verdict.ACCEPTED}
    late = plant("result", fields={"number": "4", "value": "1.5", **result})
    assert [(f.code, f.expected) for f in late.findings] == [("wrong_revision", "SP/B")]


def test_a_released_revision_is_not_changed() -> None:
    fields = {"number": "T1", "revision": "A", "name": "melt", "unit": "Cel", "low": "1", "high": "2"}
    issued = issue_revision(act=ACT, type="parameter", site="A", fields=fields, reason="first issue")
    registrant(*issued)
    change = ACT.change(
        "parameter", issued[0].object, site="A", base=2, fields={"high": "9"}, reason="hot day"
    )
    (answer,) = registrant(change)
    assert answer.refusal is not None and answer.refusal.code == "revision_fixed"


def test_an_order_is_dispatched_acknowledged_and_started() -> None:
    plant("item", "set", fields={"number": "100"})
    made, released = dispatch(act=ACT, site="A", fields={"number": "W1", "item": "100", "quantity": 500})
    assert {a.verdict for a in registrant(made, released)} == {Verdict.ACCEPTED}
    early = plant("work_order", "command", object=made.object, fields={"command": "start"})
    assert early.refusal is not None and early.refusal.code == "illegal_state"
    for command in ("acknowledge", "start"):
        step = plant("work_order", "command", object=made.object, fields={"command": command})
        assert step.verdict is Verdict.ACCEPTED
    (mine,) = registrant(advance(act=ACT, site="A", order=made.object, command="pause", state="in_process"))
    assert mine.verdict is Verdict.ACCEPTED
    with seeing("A"):
        assert WorkOrder.objects.get().state == "on_hold"


def test_an_incomplete_order_is_dispatched_whole_or_not_at_all() -> None:
    answers = registrant(*dispatch(act=ACT, site="A", fields={"number": "W1", "quantity": 500}))
    assert {a.verdict for a in answers} == {Verdict.REJECTED}
    with seeing("A"):
        assert not WorkOrder.objects.exists()


def test_near_lots_are_proposed_and_a_decision_ends_the_proposal() -> None:
    for number in ("712 4 889", "712-4-889", "116M104", "116M105", "8S84A031", "8S84A031B"):
        lot(number)
    for number in (*(f"C-{n}" for n in range(1, 30)), "C-100", "C-1000", "C-10A", "C-10B"):
        lot(number)  # figures and letters that count

    def proposed() -> list[tuple[str, str, str]]:
        with seeing("A"), open_cursor() as cursor:
            cursor.execute(SEE_ALL)
            return [(n.first, n.second, n.differ) for n in near_matches(cursor, "A")]

    pairs = [("712 4 889", "712-4-889", "punctuation"), ("8S84A031", "8S84A031B", "suffix")]
    assert sorted(proposed()) == pairs
    registrant(merge_lots(act=ACT, site="A", lot="712-4-889", other="712 4 889", reason="same bag"))
    assert proposed() == pairs[1:]
    registrant(part_lots(act=ACT, site="A", lot="8S84A031", other="8S84A031B", reason="two deliveries"))
    assert proposed() == []
    with seeing("A"):
        assert set(forward([num("712 4 889")]).lots) == {num("712 4 889"), num("712-4-889")}
        assert forward([num("8S84A031")]).lots == (num("8S84A031"),)


def test_every_slip_is_found_in_the_database_as_in_memory_and_never_across_items() -> None:
    slips = {("PLATE-20", "PLATE-20?"): "punctuation", ("PLATE-20", "PLTAE-20"): "order",
             ("O17E18", "017E18"): "letters", ("l-5", "L-5"): "case",
             ("LOT-9", "ＬＯＴ-9"): "letters"}  # fmt: skip
    numbers = sorted({number for pair in slips for number in pair} | {"PLATE-02", "O17E19", "LOT-8"})
    for number in numbers:
        lot(number)
    plant("item", "set", fields={"number": "CAP"})
    plant("item", "set", fields={"number": "LID"})
    lot("7-7", item="CAP")
    lot("77", item="LID")
    with seeing("A"), open_cursor() as cursor:
        cursor.execute(SEE_ALL)
        found = {(n.first, n.second): n.differ for n in near_matches(cursor, "A")}
    slips_sorted = {tuple(sorted(pair)): how for pair, how in slips.items()}
    assert found == slips_sorted | {("PLATE-20?", "PLTAE-20"): "order"}


def test_a_merge_spreads_a_hold_and_is_taken_back_by_a_correction() -> None:
    for number in ("712 4 889", "712-4-889"):
        lot(number)
    merge = merge_lots(act=ACT, site="A", lot="712-4-889", other="712 4 889", reason="same bag")
    registrant(merge, raise_hold(act=ACT, site="A", number="H1", lot="712-4-889", cause="notice"))
    with seeing("A"):
        assert [b.covers for b in blocked([num("712 4 889")])] == [num("712-4-889")]
    (undone,) = registrant(
        ACT.change(
            "alias", merge.object, site="A", base=1, fields={"same": False}, reason="two bags after all"
        )
    )
    assert undone.verdict is Verdict.ACCEPTED
    with seeing("A"):
        assert blocked([num("712 4 889")]) == []
        assert made_of([num("712 4 889")]) == []


def test_a_reaction_that_fails_leaves_its_cause_an_entry_and_a_hold() -> None:
    def breaks(written, facts):
        raise ZeroDivisionError("on purpose")

    wiring = dataclasses.replace(WIRING, reactions=(("step_record", breaks),))
    sent = make("step_record", fields={"number": "S1", "output_lot": "F1", **STEP})
    (answer,) = append([sent], author="A", wiring=wiring)
    assert answer.verdict is Verdict.ACCEPTED
    with seeing("*"):
        assert StepRecord.objects.get().key == "S1"
        assert Hold.objects.get(lot_id=num("F1")).cause == "breaks failed for step_record S1"
        failed = Entry.objects.get(cause=answer.seq, verdict="quarantined")
        assert "reaction_failed" in str(failed.decision) and "on purpose" in failed.body


class Counting:
    """A cursor that counts its statements."""

    def __init__(self, cursor) -> None:
        self.cursor, self.statements = cursor, 0

    def execute(self, *args):
        self.statements += 1
        return self.cursor.execute(*args)


def asked_of(type_: str, count: int) -> list:
    fields = {
        "step_record": {"resin_lot": "R1", "parameters": [{"name": "T1", "value": "1", "unit": "Cel"}]},
        "move": {"lot": "R1", "kind": "consumed", "quantity": "1", "unit": "kg"},
        "result": {"lot": "R1", "specification": "SP/A", "value": "1", "unit": "mm"},
        "work_order": {"item": "100", "revision": "A"},
        "bom": {"item": "100"},
    }[type_]
    return [ask(type_, {**fields, "number": str(n)}, num=n + 1) for n in range(count)]


@pytest.mark.parametrize("type_", ["step_record", "move", "result", "work_order", "bom"])
def test_a_batch_asks_as_many_questions_as_one_operation(type_: str) -> None:
    lot("R1")
    registrant(raise_hold(act=ACT, site="A", number="H1", lot="R1", cause="notice"))
    counts = []
    for count in (1, 50):
        with transaction.atomic(), open_cursor() as cursor:
            cursor.execute(SEE_ALL)
            counting = Counting(cursor)
            together([WIRING.facts[type_](counting, asked_of(type_, count))])
            counts.append(counting.statements)
    assert counts[0] == counts[1] and 1 <= counts[0] <= 4


def test_master_data_waits_for_what_it_names_and_a_hold_never_waits() -> None:
    lines = [{"item": "R1", "quantity": "5 kg"}, {"item": "M1", "quantity": "0.1 kg"}]
    plant("item", "set", fields={"number": "100"})
    waits = plant("bom", "set", fields={"item": "100", "lines": lines})
    assert waits.verdict is Verdict.PARKED and waits.refusal and waits.refusal.code == "unknown_item"
    plant("item", "set", fields={"number": "R1"})
    with seeing("A"):
        assert not Bom.objects.exists(), "one of two is still missing"
    plant("item", "set", fields={"number": "M1"})
    with seeing("A"):
        assert Bom.objects.get().key == "100/1/1" and BomLine.objects.count() == 2
    (held,) = registrant(raise_hold(act=ACT, site="A", number="H1", lot="not known yet", cause="notice"))
    assert (held.verdict, codes(held)) == (Verdict.ACCEPTED, ["unknown_lot"])
    with seeing("A"):
        assert blocked([num("not known yet")])[0].covers == num("not known yet")
