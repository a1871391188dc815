"""Where two laboratories disagree, and which results count for it."""

from __future__ import annotations

import pytest

from medloom.inspection.rules_compared import (
    Measured,
    complete,
    contrasts,
    disagreed,
    meant_by,
    renamed,
)

pytestmark = pytest.mark.pure


def measured(lot: str, laboratory: str, kind: str, conforms: bool = True, subject: str = "", **more: object):
    key = f"{lot}/{laboratory}/{kind}{more}"
    more.pop("n", None)
    return Measured(key, "B", "P", lot, laboratory, subject, kind, conforms, **more)


def test_laboratories_that_fail_the_same_kind_do_not_disagree() -> None:
    first = [measured("1", "A", "diameter 4", False), measured("1", "A", "flatness")]
    second = [measured("1", "B", "diameter 4", n > 2) for n in range(5)]
    assert contrasts(first, second) == []


def test_what_only_one_measured_and_failed_is_a_contrast() -> None:
    first = [measured("1", "A", "radius 2.5", False), measured("2", "A", "radius 2.5", False)]
    second = [measured("1", "B", "angle 90", False)]
    found = [(c.lot, c.subject, c.first, c.second, c.why) for c in contrasts(first, second)]
    assert found == [
        ("1", "angle 90", (0, 0), (0, 1), "once"),
        ("1", "radius 2.5", (0, 1), (0, 0), "once"),
    ]


def test_one_specification_is_compared_with_itself_alone() -> None:
    first = [measured("1", "A", "diameter 4", True, "H1"), measured("1", "A", "diameter 4", False, "H2")]
    second = [measured("1", "B", "diameter 4", False, "H1"), measured("1", "B", "diameter 4", False, "H2")]
    assert [(c.subject, c.why) for c in contrasts(first, second)] == [("H1", "verdict")]


def test_an_inspection_is_compared_when_all_of_it_is_there() -> None:
    half = [measured("1", "A", "flatness", inspection="I", series=2)]
    assert not complete(half)
    assert complete([*half, measured("1", "A", "length", inspection="I", series=2)])
    assert complete([measured("1", "A", "flatness")])


def test_of_what_is_measured_again_the_last_counts() -> None:
    old = [measured("1", "A", "flatness", n=n, named="F1", conforms=n > 0) for n in (0, 1)]
    other = [measured("1", "B", "flatness", named="F1")]
    assert disagreed([*old, *other]) == {}
    assert set(disagreed([*reversed(old), *other])) == {("B", "P", "A", "B")}


def test_results_of_both_names_are_one_parts_and_rings_end() -> None:
    told = [measured("20", "A", "flatness"), measured("20?", "B", "flatness", False)]
    assert disagreed(told) == {}
    (pair,) = disagreed(renamed(told, meant_by([("B", "20?", "20")])))
    assert pair == ("B", "P", "A", "B")
    chain = meant_by([("B", "20?", "20"), ("B", "20", "PLATE-20"), ("C", "20", "X")])
    assert chain == {("B", "20?"): "PLATE-20", ("B", "20"): "PLATE-20", ("C", "20"): "X"}
    assert set(meant_by([("B", "1", "2"), ("B", "2", "1")]).values()) <= {"1", "2"}
