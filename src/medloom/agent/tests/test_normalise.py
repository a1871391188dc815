"""Each normalisation keeps to its rule and names itself; what would have to be guessed is refused."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from medloom.agent.declaration import Field, LotRule, Unit
from medloom.agent.normalise import Context, ValueRefused, clean, shown_original

pytestmark = pytest.mark.pure

CONTEXT = Context(missing=frozenset(("ni", "unk", "n/a", "none", "-")), zone="Asia/Shanghai", serials=True)


@pytest.mark.parametrize(
    ("kind", "value", "expected", "rules"),
    [
        ("code", 10045.0, "10045", ["number_code"]),
        ("code", 10045, "10045", ["number_code"]),
        ("code", "10045.0", "10045", ["number_code"]),
        ("code", "9917349N15", "9917349N15", []),
        ("code", " 00123 ", "00123", ["trim"]),
        ("code", "ＡＢ－１", "AB-1", ["width"]),
        ("code", "AB\u200b1", "AB1", ["invisible"]),
        ("lot", "712 4 889", "7124889", ["lot"]),
        ("lot", "712-4-889", "712-4-889", []),
        ("lot", "g17aj09a", "G17AJ09A", ["lot"]),
        ("lot", 20240001.0, "20240001", ["number_code"]),
        ("text", "a  b\nc", "a b c", ["blanks"]),
        ("text", 50.0, "50", ["number_text"]),
        ("integer", 9936.0, 9936, []),
        ("integer", "12", 12, []),
        ("number", 31.919999999999998, "31.92", ["float_digits"]),
        ("number", "0.50", "0.5", []),
        ("date", dt.date(2018, 11, 1), "2018-11-01", ["serial_date"]),
        ("date", 43405.0, "2018-11-01", ["serial_date"]),
        ("date", "2018/11/1", "2018-11-01", []),
        ("date", "2018年11月1日", "2018-11-01", []),
        ("datetime", "2018-11-01 06:30", "2018-11-01T06:30:00+08:00", []),
        ("boolean", "是", True, ["boolean"]),
        ("boolean", False, False, []),
        ("code", "UNK", None, ["missing"]),
        ("integer", "-", None, ["missing"]),
        ("date", "N/A", None, ["missing"]),
        ("text", "", None, []),
        ("text", None, None, []),
    ],
)
def test_values(kind: Any, value: Any, expected: Any, rules: list[str]) -> None:
    assert clean(value, Field(column="c", kind=kind), CONTEXT) == (expected, rules)


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("date", "00:00.0", "date_destroyed"),
        ("date", dt.time(0, 0), "date_destroyed"),
        ("date", "31/12/2018", "date_format"),
        ("date", 3.0, "date_range"),
        ("date", dt.date(1601, 1, 1), "date_range"),
        ("code", 10045.5, "code_fraction"),
        ("code", 1.2345678901234567e17, "code_rounded"),
        ("code", "9.91554E+09", "code_rounded"),
        ("code", True, "code_type"),
        ("integer", 3.5, "number_fraction"),
        ("integer", 2.0**60, "number_fraction"),
        ("integer", "1,234", "number_format"),
        ("number", float("nan"), "number_type"),
        ("number", "1e400", "number_format"),
        ("boolean", "maybe", "boolean_unknown"),
        ("text", "x" * 3_000, "text_too_long"),
    ],
)
def test_refusals(kind: Any, value: Any, code: str) -> None:
    with pytest.raises(ValueRefused) as refused:
        clean(value, Field(column="c", kind=kind), CONTEXT)
    assert refused.value.code == code and refused.value.expected


def test_units_are_converted_exactly() -> None:
    inch = Field(column="c", kind="quantity", unit=Unit(source="[in_i]", target="mm"))
    assert clean("0.1", inch, CONTEXT) == ("2.54 mm", ["unit"])
    warm = Field(column="c", kind="number", unit=Unit(source="[degF]", target="Cel"))
    assert clean(212, warm, CONTEXT) == ("100", ["unit"])
    thousand = Field(column="c", kind="integer", unit=Unit(source="10*3.{pcs}", target="{pcs}"))
    assert clean("1.5", thousand, CONTEXT) == (1500, ["unit"])


def test_lots_by_the_declared_rule() -> None:
    rule = Field(column="c", kind="lot")
    loose = Context(lots=LotRule(dashes="remove"))
    strict = Context(lots=LotRule(blanks="keep", case="keep"))
    assert clean("712-4 889", rule, loose)[0] == "7124889"
    assert clean("g1 7", rule, strict)[0] == "g1 7"


def test_choices_ignore_case_and_number_form() -> None:
    rule = Field(column="c", kind="choice", choices={"1": "day", "N": "night"})
    assert clean(1.0, rule, CONTEXT) == ("day", ["choice"])
    assert clean("n", rule, CONTEXT)[0] == "night"
    with pytest.raises(ValueRefused):
        clean("4", rule, CONTEXT)


def test_the_original_of_a_date_cell_is_its_day_number() -> None:
    assert shown_original(dt.date(2018, 11, 1), ["serial_date"]) == "43405"
    assert shown_original(dt.datetime(2018, 11, 1, 12, tzinfo=dt.UTC), ["serial_date"]) == "43405.5"
    assert shown_original(10045.0, ["number_code"]) == "10045.0"
