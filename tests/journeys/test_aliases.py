"""A partner's lot number means the plant's own lot, wherever a plant or the registrant writes it."""

from __future__ import annotations

import json

import pytest

from medloom.kernel.access import seeing
from medloom.kernel.cursor import SEE_ALL, open_cursor
from medloom.kernel.models import Entry
from medloom.materials.models import Hold, Lot, Stock
from medloom.materials.queries import stock_differences
from medloom.production.models import StepRecord
from medloom.trace.models import TraceEdge
from medloom.wire.verdict import Verdict
from tests.journeys.sending import ACT, codes, plant, registrant

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def known_as(number: str, lot: str, *, partner: str = "SUP-1", site: str = "A", **more: object) -> object:
    fields = {"partner": partner, "number": number, "lot": lot, **more}
    return plant("alias", "set", site=site, fields=fields, base=0)


def lots() -> list[str]:
    with seeing("*"):
        return sorted(Lot.objects.filter(site="A").values_list("key", flat=True))


def test_a_step_a_move_and_a_hold_by_the_partners_number_reach_the_own_lot() -> None:
    for number in ("L1", "OUT"):
        plant("lot", fields={"number": number})
    assert known_as("S-77", "L1").verdict is Verdict.ACCEPTED  # type: ignore[attr-defined]
    move = {"number": "M1", "lot": "S-77", "kind": "received", "quantity": "5", "unit": "kg", "target": "in"}
    assert plant("move", fields=move).verdict is Verdict.ACCEPTED
    (hold,) = registrant(
        ACT.create("hold", site="A", fields={"number": "H1", "lot": "S-77", "cause": "test"}, reason="test")
    )
    assert hold.verdict is Verdict.ACCEPTED and codes(hold) == []
    step = {
        "number": "S1",
        "day": "2026-11-20",
        "resin_lot": "S-77",
        "output_lot": "OUT",
        "total": 5,
        "good": 5,
    }
    assert "lot_held" in codes(plant("step_record", fields=step)), "the hold on L1 is seen through the alias"
    line = {
        "number": "S2",
        "day": "2026-11-20",
        "output_lot": "OUT",
        "inputs": [{"lot": "S-77", "quantity": "1"}],
    }
    assert "lot_held" in codes(plant("step_record", fields=line))
    assert lots() == ["L1", "OUT"], "no placeholder was made"
    with seeing("*"):
        own = Lot.objects.get(key="L1")
        assert [s.lot_id for s in Stock.objects.all()] == [own.num]
        assert own.num in set(Hold.objects.filter(number="H1").values_list("lot_id", flat=True))
        assert set(StepRecord.objects.filter(number="S1").values_list("resin_lot_id", flat=True)) == {own.num}
        parents = set(TraceEdge.objects.values_list("parent", "step"))
        assert len({step for parent, step in parents if parent == own.num}) == 2
        entry = Entry.objects.get(object=StepRecord.objects.get(number="S1").object)
        assert '"resin_lot":"S-77"' in entry.body, "the author's bytes stay as they were"
        assert json.loads(entry.decision)["after"]["resin_lot"] == "L1", (
            "what they were taken for stands beside them"
        )
    with seeing("*"), open_cursor() as cursor:
        cursor.execute(SEE_ALL)
        assert stock_differences(cursor) == []


def test_an_alias_counts_at_its_own_site_only_and_a_lots_own_number_comes_first() -> None:
    for site in ("A", "B"):
        plant("lot", site=site, fields={"number": "L1"})
    known_as("S-77", "L1")
    step = {"number": "S1", "day": "2026-11-20", "resin_lot": "S-77", "output_lot": "OUT"}
    assert codes(plant("step_record", site="B", fields=step)) == ["unknown_lot", "unknown_lot"]
    plant("lot", fields={"number": "L2"})
    told = known_as("L2", "L1")
    assert codes(told) == ["alias_is_lot"]  # type: ignore[arg-type]
    plant("step_record", fields={**step, "number": "S2", "resin_lot": "L2"})
    with seeing("*"):
        assert StepRecord.objects.get(site="A", number="S2").resin_lot.key == "L2"
        assert Lot.objects.filter(site="B", key="S-77", version=0).exists(), "a placeholder at B"


def test_a_number_of_two_partners_is_for_a_person_and_a_no_is_no_alias() -> None:
    for number in ("L1", "L2"):
        plant("lot", fields={"number": number})
    known_as("77", "L1", partner="SUP-1")
    known_as("77", "L2", partner="SUP-2")
    known_as("78", "L1", same=False)
    step = {"number": "S1", "day": "2026-11-20", "resin_lot": "77"}
    found = plant("step_record", fields=step)
    assert codes(found) == ["alias_ambiguous", "unknown_lot"] and found.findings[0].expected == "L1|L2"
    assert codes(plant("step_record", fields={**step, "number": "S2", "resin_lot": "78"})) == ["unknown_lot"]


def test_a_request_that_waited_for_the_lot_goes_on_when_its_alias_comes() -> None:
    plant("lot", fields={"number": "L1"})
    waits = plant("alias", "set", fields={"partner": "X", "number": "9", "lot": "S-77"}, base=0)
    assert (waits.verdict, waits.refusal and waits.refusal.code) == (Verdict.PARKED, "unknown_lot")
    known_as("S-77", "L1")
    with seeing("*"):
        kept = Entry.objects.filter(type="alias", verdict="accepted").order_by("seq")
        assert [
            json.loads(entry.decision or "{}").get("after", {}).get("lot", "as it was said") for entry in kept
        ] == [
            "as it was said",
            "L1",
        ]


def test_one_batch_asks_once_however_many_rows_name_partners_lots(
    django_assert_max_num_queries: object,
) -> None:
    from medloom.hub import WIRING
    from medloom.kernel.ledger import append
    from medloom.kernel.tests.making import make

    for n in range(30):
        plant("lot", fields={"number": f"L{n}"})
        known_as(f"S-{n}", f"L{n}")
    steps = [
        make(
            "step_record",
            number=n + 1,
            fields={"number": f"S{n}", "day": "2026-11-20", "resin_lot": f"S-{n % 30}"},
        )
        for n in range(300)
    ]
    asked: list[int] = []
    alias = WIRING.aliases["lot"]

    def find(cursor: object, pairs: list[tuple[str, str]]) -> object:
        asked.append(len(pairs))
        return alias.find(cursor, pairs)

    counted = type(alias)(alias.type, alias.field, find)  # type: ignore[arg-type]
    wiring = type(WIRING)(**{**WIRING.__dict__, "aliases": {"lot": counted}})
    answers = append(steps, author="A", wiring=wiring)
    assert {(str(a.verdict), tuple(codes(a))) for a in answers} == {("accepted", ())} and asked == [30]
