"""Balances, held lots, machine readings, and what a work order needs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from medloom.kernel.tests.asking import ask
from medloom.materials.rules import OpenHold
from medloom.production.reactions import BLOCKING
from medloom.production.rules import (
    OrderFacts,
    Setting,
    StepFacts,
    admit_order,
    admit_step,
    balance,
    cavity_note,
    reading,
)
from medloom.wire.verdict import Verdict

pytestmark = pytest.mark.pure


def codes(ruling) -> list[str]:
    return [finding.code for finding in ruling.findings]


def step(**fields):
    shown = {"number": "R1", "day": "2026-11-01", "shots": 10, "cavities": 8, "total": 80, "good": 77}
    return {**shown, "defects": [{"kind": "scratch", "count": 3}], **fields}


def test_a_record_that_balances_has_no_finding() -> None:
    assert admit_step(ask("step_record", step()), None).findings == ()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"good": 78}, "balance_total"),
        ({"defects": []}, "balance_total"),
        ({"shots": 11}, "balance_shots"),
        ({"cavities": 7}, "balance_shots"),
    ],
)
def test_a_wrong_sum_is_told_with_both_sides(changed: dict, code: str) -> None:
    ruling = admit_step(ask("step_record", step(**changed)), None)
    assert codes(ruling) == [code] and ruling.verdict is Verdict.ACCEPTED
    assert "=" in ruling.findings[0].expected and ruling.findings[0].got == "80"


@pytest.mark.parametrize(
    "values",
    [
        {"shots": 0, "total": 0, "good": 0},
        {"shots": 0, "cavities": None, "total": 0, "good": 0},
        {},
        {"total": None, "good": None},
        {"total": 5},
    ],
)
def test_a_shift_without_output_balances(values: dict) -> None:
    assert balance(values, []) == ()


def test_good_above_total_is_wrong_even_where_defects_are_not_stated() -> None:
    assert [f.code for f in balance({"total": 5, "good": 6}, None)] == ["balance_total"]
    assert balance({"total": 5, "good": 4}, None) == ()


def test_a_correction_is_judged_on_the_whole_record() -> None:
    before = {"shots": 10, "cavities": 8, "total": 80, "good": 77}
    corrected = ask("step_record", {"good": 80, "defects": []}, current=before, num=4)
    assert admit_step(corrected, None).findings == ()


def test_a_held_lot_is_found_wherever_it_went_in() -> None:
    facts = StepFacts(holds={("A", "L1"): (OpenHold("H1", 4),), ("A", "L2"): (OpenHold("H2", 4),)})
    used = step(resin_lot="L1", inputs=[{"lot": "L0", "unit": "kg"}, {"lot": "L2", "unit": "kg"}])
    ruling = admit_step(ask("step_record", used, seen={"c": 9}), facts)
    assert [(f.code, f.path) for f in ruling.findings] == [
        ("lot_held", "/fields/resin_lot"),
        ("lot_held", "/fields/inputs/1/lot"),
    ]


def test_a_site_that_had_not_read_the_hold_is_told_so() -> None:
    facts = StepFacts(holds={("A", "L1"): (OpenHold("H1", 4),)})
    early = admit_step(ask("step_record", step(resin_lot="L1"), seen={"c": 3}), facts)
    assert codes(early) == ["lot_held", "after_hold"]
    unsent = StepFacts(holds={("A", "L1"): (OpenHold("H1", None),)})
    assert "after_hold" in codes(admit_step(ask("step_record", step(resin_lot="L1"), seen={"c": 3}), unsent))


def test_a_held_machine_or_mould_is_found_too() -> None:
    facts = StepFacts(equipment={("A", "M2"): (OpenHold("H1", 4),)})
    used = admit_step(ask("step_record", step(machine="M1", mould="M2"), seen={"c": 4}), facts)
    assert [(f.code, f.path) for f in used.findings] == [("equipment_held", "/fields/mould")]


def test_readings_are_compared_with_the_released_revision() -> None:
    setting = Setting("B", "Cel", Decimal(200), Decimal(220))
    facts = StepFacts(settings={("A", "T1"): setting})

    def read(**row):
        rows = [{"name": "T1", "value": "210", "unit": "Cel", "revision": "B", **row}]
        return codes(admit_step(ask("step_record", step(parameters=rows)), facts))

    assert read() == []
    assert read(value="220") == []
    assert read(value="220.5") == ["parameter_out_of_limits"]
    assert read(revision="A") == ["wrong_revision"]
    assert read(unit="K") == ["unit_differs"]
    assert read(name="T2", unit="K") == []


@pytest.mark.parametrize(
    ("used", "standard", "note"), [(7, 8, "fewer"), (8, 8, ""), (9, 8, "more"), (None, 8, "")]
)
def test_other_cavities_than_standard_are_information(used, standard, note) -> None:
    assert cavity_note(used, standard) == note


def test_an_order_is_released_only_complete() -> None:
    release = ask(
        "work_order", {"command": "release"}, kind="command", current={"item": "I", "quantity": None}
    )
    refusal = admit_order(release, None).refusal
    assert refusal is not None and (refusal.code, refusal.path) == ("order_incomplete", "/fields/quantity")
    complete = ask("work_order", {"command": "release"}, kind="command", current={"item": "I", "quantity": 5})
    assert admit_order(complete, None).verdict is Verdict.ACCEPTED


def test_an_order_waits_for_its_revision_and_refuses_an_old_one() -> None:
    order = ask("work_order", {"number": "W1", "item": "I", "revision": "B"}, kind="set")
    waiting = admit_order(order, OrderFacts())
    assert waiting.verdict is Verdict.PARKED and waiting.waits == (("bom", "A", "I/1/B"),)
    old = admit_order(order, OrderFacts({("A", "I", "B"): "superseded"}))
    assert old.verdict is Verdict.REJECTED and old.refusal and old.refusal.code == "wrong_revision"
    assert admit_order(order, OrderFacts({("A", "I", "B"): "released"})).verdict is Verdict.ACCEPTED


def test_an_order_cannot_be_due_before_it_was_received() -> None:
    order = ask("work_order", {"number": "W1", "received": "2026-11-05", "due": "2026-11-04"}, kind="set")
    refusal = admit_order(order, None).refusal
    assert refusal is not None and refusal.code == "due_before_received"


WINDOWS = {("A", "I", "B"): (("2026-11-01", "2026-11-30"), ("2027-01-01", ""))}


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("2026-10-31", "revision_not_effective"),
        ("2026-11-01", ""),
        ("2026-11-30", ""),
        ("2026-12-01", "revision_not_effective"),
        ("2031-01-01", ""),
        (None, ""),
    ],
)
def test_a_revision_outside_its_days_is_a_finding(day: str | None, code: str) -> None:
    fields = {"item": "I", "revision": "B", "planned_start": day}
    facts = OrderFacts({("A", "I", "B"): "released"}, WINDOWS)
    found = admit_order(ask("work_order", fields, kind="set"), facts)
    assert found.verdict is Verdict.ACCEPTED and [f.code for f in found.findings] == ([code] if code else [])
    step = {"number": "S", "day": day, "item": "I", "revision": "B"}
    assert [f.code for f in admit_step(ask("step_record", step), StepFacts(windows=WINDOWS)).findings] == (
        [code] if code else []
    )


def test_the_finding_says_which_days_and_an_order_is_judged_by_its_first_day() -> None:
    fields = {"item": "I", "revision": "B", "planned_start": "2026-12-05", "due": "2027-01-05"}
    facts = OrderFacts({("A", "I", "B"): "released"}, WINDOWS)
    (found,) = admit_order(ask("work_order", fields, kind="set"), facts).findings
    assert (found.path, found.got) == ("/fields/revision", "2026-12-05")
    assert found.expected == "revision B from 2026-11-01 to 2026-11-30, 2027-01-01 to open"
    # A later edit is judged when it moves the day or the revision, and only then.
    standing = {"item": "I", "revision": "B", "due": "2026-11-20"}
    moved = ask("work_order", {"planned_start": "2026-12-24"}, kind="set", base=1, current=standing)
    assert [f.code for f in admit_order(moved, facts).findings] == ["revision_not_effective"]
    noted = ask("work_order", {"remark": "x"}, kind="set", base=1, current=fields)
    assert admit_order(noted, facts).findings == ()
    assert "revision_not_effective" in BLOCKING, "what was made on it is held"


PERMITTED = Setting("A", "1", words=("PLATE-7.NC", "PLATE.NC"))


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        ({"text": "PLATE-7.NC"}, []),
        ({"text": "PLATE.NC"}, []),
        ({"text": "PLATE-6.NC"}, ["parameter_differs"]),
        ({}, ["parameter_missing"]),
    ],
)
def test_a_parameter_that_is_a_word_is_one_of_the_permitted(row: dict[str, str], codes: list[str]) -> None:
    found = reading({"name": "P", "unit": "1", **row}, PERMITTED, path="/fields/parameters/0")
    assert [each.code for each in found] == codes


def test_a_machine_that_says_nothing_of_a_limited_parameter_is_told() -> None:
    limited = Setting("A", "rpm", Decimal(8820), Decimal(9180))
    silent = {"name": "P", "unit": "rpm"}
    assert [each.code for each in reading(silent, limited, path="/p")] == ["parameter_missing"]
    assert reading(silent, Setting("A", "rpm"), path="/p") == ()
