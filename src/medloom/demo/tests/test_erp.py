"""Plant C's ERP: every form its export comes in, every row understood, a destroyed date alone left out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from ucumvert import get_ucum_parser

from medloom.agent.declaration import load_mappings, parse_mapping
from medloom.agent.sources.rows import Row
from medloom.agent.translate import Outcome, Translator
from medloom.demo import erp
from medloom.demo.plants import MAPPINGS
from medloom.sourcing.models import PURCHASE_UNITS
from tests.plant_files import DATA

pytestmark = pytest.mark.files

FOLDER = erp.real_folder(DATA) if DATA.is_dir() else None
NAMED = {mapping.match.table: mapping for mapping in load_mappings(MAPPINGS / "plant_c")}


def told(table: sa.Table, rows: list[dict[str, object]]) -> list[Outcome]:
    name = "purchase_line_told" if table is erp.PURCHASE_LINE else table.name
    translator = Translator(NAMED[name])
    more = {"unit_code": "CTN "} if table is erp.PURCHASE_LINE else {}
    return [translator.row(Row(str(n), {**row, **more}), fallback=str(n)) for n, row in enumerate(rows)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_rows_come_in_three_forms_and_any_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("1\tTool Crib 件\t\n2\tRack\tx\n", encoding=encoding)
    assert list(erp.read_rows(path)) == [["1", "Tool Crib 件", ""], ["2", "Rack", "x"]]
    path.write_text("id,name\r\n1,00:00.0\r\n", encoding=encoding)
    assert list(erp.read_rows(path)) == [["1", "00:00.0"]]
    path.write_text("1+|Vest+|<a>\n<b/></a>&|\n2+|Cap+|&|\n", encoding=encoding)
    assert list(erp.read_rows(path)) == [["1", "Vest", "<a>\n<b/></a>"], ["2", "Cap", ""]]


def order(**cells: object) -> Outcome:
    row = {"work_order_id": 7, "product_id": 722, "order_qty": 8, "stocked_qty": 8, "scrapped_qty": 0,
           "start_date": "00:00.0", "due_date": "2013-05-02", "scrap_reason_id": "NULL"}  # fmt: skip
    return told(erp.WORK_ORDER, [{**row, **cells}])[0]


def test_a_destroyed_date_is_left_out_with_its_original_and_the_row_is_kept() -> None:
    outcome = order()
    (draft,) = outcome.drafts
    assert outcome.refusal is None
    assert draft.fields["due"] == "2013-05-02" and "planned_start" not in draft.fields
    assert draft.source.was["planned_start"] == ("00:00.0", "date_destroyed")
    assert outcome.normalised["date_destroyed"] == 1 and "scrap_reason" not in draft.fields


def test_what_else_is_wrong_with_the_row_still_refuses_it() -> None:
    refused = order(order_qty="eight")
    assert refused.refusal is not None and refused.refusal.code == "number_format"
    (finding,) = order(scrapped_qty=2).findings
    assert (finding.code, finding.expected, finding.got) == ("balance_order", "10", "8")


def test_a_damaged_required_value_refuses_the_row() -> None:
    text = """
feed: f
match: {table: t, primary: [a]}
records:
  - type: work_order
    key: [a]
    fields: {due: {column: d, as: date, required: true, damaged: leave_out}}
"""
    outcome = Translator(parse_mapping(text)).row(Row("1", {"a": "1", "d": "00:00.0"}), fallback="1")
    assert outcome.refusal is not None and outcome.refusal.code == "value_missing"


def test_every_unit_of_the_mappings_is_ucum() -> None:
    parser = get_ucum_parser()
    choices = NAMED["unit_measure"].records[0].fields["ucum"].choices
    for unit in {*choices.values(), *(word for word, _ in PURCHASE_UNITS)}:
        assert parser.parse(unit), unit
    for table, column in (("product_vendor", "unit"), ("purchase_line_told", "unit")):
        words = NAMED[table].records[0].fields[column].choices
        assert set(words.values()) <= {word for word, _ in PURCHASE_UNITS}
        assert all(choices[code] == unit for code, unit in words.items())


def test_every_real_row_is_understood() -> None:
    if FOLDER is None:
        assert len(NAMED) >= 12, "real files: name their folder in MEDLOOM_DATA"
        return
    read: Counter[str] = Counter()
    for table, name in erp.FILES.items():
        outcomes = told(table, list(erp.typed_rows(table, FOLDER / name)))
        assert not [o for o in outcomes if o.refusal or o.findings], name
        read[table.name] = len(outcomes)
        if table is erp.WORK_ORDER:
            assert sum(o.normalised["date_destroyed"] for o in outcomes) == 2 * 40_000
        if table is erp.BILL_OF_MATERIALS:
            ended = sum("effective_until" in o.drafts[0].fields for o in outcomes)
            top = sum("assembly" not in o.drafts[0].fields for o in outcomes)
            assert (ended, top) == (199, 103)
    assert read == {
        "unit_measure": 38, "scrap_reason": 16, "location": 14, "shift": 3, "product_model": 128,
        "product": 504, "vendor": 104, "product_vendor": 460, "bill_of_materials": 2679,
        "purchase_order_header": 4012, "purchase_order_detail": 8845, "work_order": 40000,
    }  # fmt: skip
