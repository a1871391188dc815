"""A result is judged by the revision it cites."""

from __future__ import annotations

from decimal import Decimal

import pytest

from medloom.inspection.rules import (
    Cited,
    ResultFacts,
    admit_result,
    mean_and_spread,
    suspicion,
)
from medloom.kernel.tests.asking import ask

pytestmark = pytest.mark.pure

SPEC = Cited("S1", "B", "released", "mm", Decimal("9.95"), Decimal("10.05"), released="B")


def codes(cited: Cited | None = SPEC, **fields) -> list[str]:
    shown = {"number": "R", "lot": "L1", "specification": "S1/B", "value": "10", "unit": "mm", **fields}
    facts = ResultFacts({("A", "S1/B"): cited} if cited else {})
    return [f.code for f in admit_result(ask("result", shown), facts).findings]


def test_inside_the_limits_and_on_them_conforms() -> None:
    assert codes() == codes(value="9.95") == codes(value="10.05", judged="pass") == []


def test_outside_is_found_whatever_the_author_judged() -> None:
    assert codes(value="10.051", judged="fail") == ["out_of_limits"]
    assert codes(value="10.051", judged="pass") == ["out_of_limits", "judged_differs"]
    assert codes(value="10", judged="fail") == ["judged_differs"]


def test_an_open_limit_binds_on_one_side_only() -> None:
    low_only = Cited("S1", "B", "released", "mm", low=Decimal(9), released="B")
    assert codes(low_only, value="900") == [] and codes(low_only, value="8.99") == ["out_of_limits"]


def test_another_revision_than_the_released_one_is_found() -> None:
    old = Cited("S1", "B", "superseded", "mm", Decimal(9), Decimal(11), released="C")
    shown = {"number": "R", "lot": "L1", "specification": "S1/B", "value": "10", "unit": "mm"}
    (finding,) = admit_result(ask("result", shown), ResultFacts({("A", "S1/B"): old})).findings
    assert (finding.code, finding.expected) == ("wrong_revision", "S1/C")
    assert codes(Cited("S1", "B", "draft", "mm")) == ["wrong_revision"]


def test_another_unit_is_never_compared() -> None:
    assert codes(unit="[in_i]", value="999") == ["unit_differs"]


def test_without_a_specification_nothing_is_judged() -> None:
    assert codes(specification=None) == ["not_judged"]
    assert codes(None) == []


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["3.20", "3.21", "3.19", "3.20", "3.22"], True),
        (["3.20", "3.21", "3.19", "3.20"], False),
        (["3.20", "3.21", "2.70", "3.20", "3.22"], False),
        (["2.76", "3.90", "2.80", "2.77", "3.10"], False),
        (["1.80", "1.81", "1.79", "1.80", "1.82"], True),
    ],
)
def test_limits_are_suspect_when_every_part_is_far_out_on_one_side(values: list[str], found: bool) -> None:
    said = suspicion([Decimal(v) for v in values], Decimal("2.246"), Decimal("2.754"))
    assert (said is not None) == found


#: Sets made so that mean and standard deviation are known exactly (Simon and Lesage 1989): large numbers that
#: differ in the last digit only.
EXACT = [
    (["10000001", "10000003", "10000002"], "10000002", "1"),
    (["1.2", *["1.1", "1.3"] * 500], "1.2", "0.1"),
    (["1000000.2", *["1000000.1", "1000000.3"] * 500], "1000000.2", "0.1"),
]


@pytest.mark.parametrize(("values", "mean", "spread"), EXACT)
def test_mean_and_spread_are_the_certified_ones(values: list[str], mean: str, spread: str) -> None:
    found = mean_and_spread([Decimal(value) for value in values])
    assert found[0] == Decimal(mean)
    assert abs(found[1] - Decimal(spread)) < Decimal("1e-15")


def test_limits_other_than_the_revisions_and_an_unfit_gauge_are_told() -> None:
    facts = ResultFacts({("A", "S1/B"): SPEC}, unfit={("A", "G1"): "due"})
    shown = {"number": "R", "lot": "L1", "specification": "S1/B", "value": "10", "unit": "mm", "gauge": "G1"}
    ruling = admit_result(ask("result", {**shown, "low": "9.9", "high": "10.05"}), facts)
    assert [f.code for f in ruling.findings] == ["gauge_unfit", "limits_differ"]
    same = admit_result(ask("result", {**shown, "gauge": "G2", "low": "9.95", "high": "10.05"}), facts)
    assert same.findings == ()
