"""A result is judged by the revision it cites."""

from __future__ import annotations

from decimal import Decimal

import pytest

from medloom.inspection.rules import Cited, ResultFacts, admit_result
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
