"""A row becomes operations or one raw operation; its identity survives another file format."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from medloom.agent.declaration import MappingRefused, parse_mapping
from medloom.agent.sources.tables import read_table
from medloom.agent.tests.files import HEADER, MAPPING, xls, xlsx
from medloom.agent.translate import Outcome, Translator
from medloom.wire.operation import Kind

pytestmark = pytest.mark.pure

GOOD = [dt.date(2018, 11, 1), "M1", 10045, "712 4 889", 10, 9, 1]


def outcomes(
    rows: list[list[Any]], *, header: list[str] = HEADER, name: str = "report_1.xlsx"
) -> list[Outcome]:
    make = xls if name.endswith(".xls") else xlsx
    translator = Translator(parse_mapping(MAPPING), serials=True)
    return list(translator.file(read_table(name, make([header, *rows]))))


def test_a_row_is_a_group_of_lot_and_step_record() -> None:
    (outcome,) = outcomes([GOOD])
    lot, step = outcome.drafts
    assert outcome.at == "report_1.xlsx#Sheet1!2" and outcome.refusal is None
    assert dict(lot.fields) == {"number": "7124889", "item": "10045"}
    assert step.kind is Kind.OBSERVE and step.at == "2018-11-01T00:00:00+08:00"
    assert step.fields["number"] == "2018-11-01/M1"
    assert step.fields["defects"] == [{"kind": "crack", "count": 1}]
    assert step.source.was["resin_lot"] == ("712 4 889", "lot")
    assert step.source.was["day"] == ("43405", "serial_date")
    assert outcome.normalised == {"number_code": 1, "lot": 1, "serial_date": 1}
    assert outcome.findings == ()


def test_the_same_row_from_another_format_is_the_same_row() -> None:
    (one,) = outcomes([GOOD])
    text = ",".join(HEADER) + "\n2018-11-01,M1,10045,712 4 889,10,9,1\n"
    (two,) = Translator(parse_mapping(MAPPING)).file(read_table("report_1.csv", text.encode()))
    assert [(d.source.key, d.source.hash) for d in one.drafts] == [
        (d.source.key, d.source.hash) for d in two.drafts
    ]


def test_another_spelling_of_a_mentioned_lot_is_no_other_content() -> None:
    first, second = outcomes([GOOD, [dt.date(2018, 11, 2), "M1", 10045, "7124 889", 1, 1, None]])
    assert first.drafts[0].source.key == second.drafts[0].source.key
    assert first.drafts[0].source.hash == second.drafts[0].source.hash


def test_a_refused_row_is_one_raw_operation_with_everything() -> None:
    (outcome,) = outcomes([["00:00.0", "M1", 10045, "L1", 10, 9, 1]])
    (raw,) = outcome.drafts
    assert raw.kind is Kind.RAW and outcome.refusal is not None
    assert (raw.raw["code"], raw.raw["path"]) == ("date_destroyed", "/day")
    assert raw.raw["expected"] == "a date such as 2018-11-01"
    assert json.loads(raw.raw["original"])["lot"] == "L1"


def test_a_missing_required_value_names_its_column() -> None:
    (outcome,) = outcomes([[dt.date(2018, 11, 1), None, 10045, "L1", 10, 9, 1]])
    assert outcome.refusal is not None
    assert (outcome.refusal.code, outcome.refusal.path) == ("value_missing", "/machine")


def test_twins_of_one_file_are_two_rows_and_a_row_told_twice_is_one() -> None:
    other = [*GOOD[:4], 20, 20, None]
    keys = [outcome.key for outcome in outcomes([GOOD, other, GOOD])]
    assert keys == ["step_record:2018-11-01/M1", "step_record:2018-11-01/M1~2", "step_record:2018-11-01/M1"]


def test_drift_is_told_once_and_nothing_is_dropped() -> None:
    header = ["day", "machine", "Resine", "lot", "total", "good", "Colour", "remark"]
    drift, *rows = outcomes(
        [[dt.date(2018, 11, 1), "M1", 10045, "L1", 10, 10, "red", "x"]] * 2, header=header
    )
    assert [(f.code, f.path) for f in drift.findings] == [
        ("column_new", "/Colour"),
        ("column_gone", "/crack"),
    ]
    assert drift.drafts == () and len(rows) == 2
    assert rows[0].drafts[1].fields["resin"] == "10045"


def test_a_file_without_a_needed_column_is_one_raw_operation() -> None:
    (outcome,) = outcomes([["a", "b"]], header=["day", "maschine"])
    assert outcome.refusal is not None and outcome.refusal.code == "column_missing"
    assert outcome.drafts[0].raw["expected"] == "machine"
    assert "sha256" in outcome.drafts[0].raw["original"]


def test_titles_above_the_header_and_blank_rows_are_passed_over() -> None:
    rows = [["十一月班报"], [], HEADER, GOOD, [], [None] * 7]
    translator = Translator(parse_mapping(MAPPING), serials=True)
    (outcome,) = translator.file(read_table("report_1.xlsx", xlsx(rows)))
    assert outcome.at.endswith("!4")


def test_a_broken_balance_is_a_finding_and_no_refusal() -> None:
    (outcome,) = outcomes([[*GOOD[:4], 10, 7, 1]])
    assert outcome.refusal is None
    assert [(f.code, f.expected, f.got) for f in outcome.findings] == [("defects_balance", "8", "10")]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("feed: shifts", "feed: Shifts!"), "feed_name"),
        (("as: integer", "as: integre"), "mapping_shape"),
        (("kind: observe", "kynd: observe"), "mapping_shape"),
        (("Asia/Shanghai", "Asia/Nowhere"), "zone_unknown"),
        (("column: total, as: integer", "column: total, as: quantity"), "unit_missing"),
        (
            ("column: total, as: integer", "column: total, as: number, unit: {from: kg, to: mm}"),
            "unit_unknown",
        ),
        (("key: [day, machine]", "key: []"), "key_missing"),
        (("zone:", "zone: ["), "mapping_syntax"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_place(change: tuple[str, str], code: str) -> None:
    with pytest.raises(MappingRefused) as refused:
        parse_mapping(MAPPING.replace(*change))
    assert refused.value.code == code and refused.value.path
