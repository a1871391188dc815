"""A QIF plan as specifications: new, next revision, unchanged, or told why not."""

from __future__ import annotations

import pytest

from medloom.demo.metrology import CHARACTERISTICS, FIRST, SECOND, parts, qif
from medloom.design.plans import LIMITS, Standing, read_plan, steps

pytestmark = pytest.mark.pure

PLAN = qif(FIRST, parts(FIRST, count=1))


def standing(**changes: str) -> dict[str, Standing]:
    """Everything as the plan says, released as revision B; `changes` by number of the characteristic."""
    found = {}
    for n, one in enumerate(read_plan(PLAN, item="P")):
        limits = [one.fields.get(name) for name in LIMITS]
        if f"c{n}" in changes:
            limits[2] = changes[f"c{n}"]
        found[one.fields["number"]] = Standing(f"o{n}", "B", "released", tuple(limits))
    return found


def test_a_plan_without_results_read_is_one_specification_each() -> None:
    made = list(steps(read_plan(PLAN, item="P"), {}))
    assert [step.what for step in made] == ["new"] * len(CHARACTERISTICS)
    assert made[0].fields == {
        "number": "P.HOLE1.DIAMETER1", "revision": "A", "characteristic": "HOLE1/DIAMETER1", "unit": "mm",
        "nominal": "4", "low": "3.75", "high": "4.25", "method": "diameter",
    }  # fmt: skip


def test_inches_give_the_same_limits() -> None:
    inches = list(read_plan(qif(SECOND, parts(SECOND, count=1)), item="P"))
    assert [one.fields for one in inches] == [one.fields for one in read_plan(PLAN, item="P")]


def test_the_same_plan_changes_nothing_and_another_limit_is_the_next_revision() -> None:
    assert {step.what for step in steps(read_plan(PLAN, item="P"), standing())} == {"same"}
    found = list(steps(read_plan(PLAN, item="P"), standing(c2="3.8")))
    assert [step.what for step in found].count("next") == 1
    assert (found[2].fields["revision"], found[2].replaces) == ("C", "o2")


def test_limits_that_contradict_themselves_are_told() -> None:
    wrong = PLAN.replace(b"<MinValue>-0.25", b"<MinValue>0.3", 1)
    first = next(steps(read_plan(wrong, item="P"), {}))
    assert (first.what, first.note[:17]) == ("refused", "limits_contradict")


def test_a_second_plan_has_numbers_of_its_own() -> None:
    first = next(read_plan(PLAN, item="P", prefix="FAI."))
    assert first.fields["number"] == "P.FAI.HOLE1.DIAMETER1"
