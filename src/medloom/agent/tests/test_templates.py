"""Every import template is made, filled in and read back without a mapping: both languages, both formats."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.agent.plant import watch
from medloom.agent.sources.tables import read_table
from medloom.agent.templates import Filled, recognise, too_many
from medloom.agent.tests.files import xls, xlsx
from medloom.agent.tests.hubs import Hub, agent_of, settle
from medloom.derive.sheets import HEADER_ROW, SAMPLE_ROW, workbook_of
from medloom.derive.templates import LANGUAGES, ROWS_MOST, TEMPLATES, columns_of
from medloom.kernel.entity import catalogue

pytestmark = pytest.mark.files

BOTH = [(name, language) for name in TEMPLATES for language in LANGUAGES]


def made(name: str, language: str = "zh-hans") -> bytes:
    template = TEMPLATES[name]
    return workbook_of(template, catalogue()[template.type], language)


def cells_of(data: bytes) -> list[list[Any]]:
    return [list(row) for row in openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].values]


def filled(name: str, rows: list[dict[str, Any]], *, write: Callable[..., bytes] = xlsx) -> Filled:
    """The template with these rows (path -> cell) below the sample."""
    head = cells_of(made(name))
    template = TEMPLATES[name]
    columns = columns_of(template, catalogue()[template.type], "zh-hans")
    lines = [[row.get(column.path, "") for column in columns] for row in rows]
    blank = [["" if cell is None else cell for cell in row] for row in head[:SAMPLE_ROW]]
    suffix = "xls" if write is xls else "xlsx"
    found = recognise(
        read_table(f"whatever.{suffix}", write([*blank, *lines])), catalogue(), zone="Asia/Shanghai"
    )
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_an_untouched_template_is_recognised_and_holds_no_row(name: str, language: str) -> None:
    found = recognise(read_table("x.xlsx", made(name, language)), catalogue())
    assert found is not None and (found.template.name, found.language) == (name, language)
    assert found.samples == (SAMPLE_ROW,) and list(found.outcomes()) == []


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_its_headers_are_unique_and_mark_what_must_be_filled(name: str, language: str) -> None:
    template = TEMPLATES[name]
    declared = catalogue()[template.type]
    columns = columns_of(template, declared, language)
    assert len({column.header for column in columns}) == len(columns)
    assert all(column.header.endswith("*") == column.must for column in columns)
    asked = {column.path for column in columns}
    assert set(declared.required) <= asked | set(template.constants)
    with_unit = [c for c in columns if getattr(c.field, "unit", "1") not in ("1", "")]
    assert all(f"（{c.field.unit}）" in c.header for c in with_unit)


@pytest.mark.parametrize("write", [xlsx, xls])
def test_a_filled_step_record_is_read_with_its_lists(write: Callable[..., bytes]) -> None:
    row = {
        "number": "R-1", "day": "2026-11-20", "machine": "0010", "resin_lot": " rm-2611 ", "total": 100,
        "good": 97, "defects/scratch": 2, "defects/crack": 1, "inputs/1/lot": "rm-1",
        "inputs/1/quantity": 2.5, "inputs/1/unit": "kg",
    }  # fmt: skip
    (outcome,) = filled("step_record", [row], write=write).outcomes()
    (draft,) = outcome.drafts
    assert draft.fields["machine"] == "0010" and draft.fields["resin_lot"] == "RM-2611"
    assert draft.fields["defects"] == [{"kind": "scratch", "count": 2}, {"kind": "crack", "count": 1}]
    assert draft.fields["inputs"] == [{"lot": "RM-1", "quantity": "2.5", "unit": "kg"}]
    assert draft.at == "2026-11-20T00:00:00+08:00" and str(draft.kind) == "observe"
    for name, value in draft.fields.items():
        if name in catalogue()["step_record"].fields:
            assert catalogue()["step_record"].fields[name].accept(value) == value


def test_a_receipt_and_a_shipment_of_several_lots() -> None:
    row = {"number": "R-1", "lot": "L1", "quantity": 5, "unit": "件", "received": "2026-11-20"}
    (receipt,) = filled("receipt", [row]).outcomes()
    assert receipt.drafts[0].fields["unit"] == "1" and receipt.drafts[0].fields["quantity"] == "5"
    lots = {"lines/1/lot": "fg-1", "lines/1/first": "001", "lines/2/lot": "FG-2"}
    (shipment,) = filled("shipment", [{"number": "S-1", "shipped": "2026-11-21", **lots}]).outcomes()
    assert shipment.drafts[0].fields["lines"] == [{"lot": "FG-1", "first": "001"}, {"lot": "FG-2"}]


def test_choices_are_taken_in_either_language_and_others_refused_with_their_cell() -> None:
    found = filled(
        "item",
        [{"number": "A", "kind": "树脂"}, {"number": "B", "kind": "Resin"}, {"number": "C", "kind": "?"}],
    )
    first, second, third = found.outcomes()
    assert first.drafts[0].fields["kind"] == second.drafts[0].fields["kind"] == "resin"
    assert third.refusal is not None
    assert (third.refusal.code, third.refusal.path) == ("choice_unknown", "/物料类别")
    assert third.at.endswith(f"!{SAMPLE_ROW + 3}")


def test_what_must_be_filled_in_and_words_of_the_sample_are_refused() -> None:
    empty, left = filled("lot", [{"item": "10001"}, {"number": "L-1", "item": "示例"}]).outcomes()
    assert empty.refusal is not None and empty.refusal.code == "value_missing"
    assert left.refusal is not None and (left.refusal.code, left.refusal.path) == ("sample_left", "/物料")


def test_without_its_instructions_the_headers_name_it_and_columns_may_move() -> None:
    head = cells_of(made("lot"))
    turned = [[cell for cell in head[HEADER_ROW - 1] if cell][::-1]]
    found = recognise(read_table("x.xlsx", xlsx([*turned, *[["", "", "", "", "10001", "L-9"]]])), catalogue())
    assert found is not None and found.template.name == "lot"
    (outcome,) = found.outcomes()
    assert outcome.drafts[0].fields["number"] == "L-9"


def test_other_files_are_no_templates() -> None:
    for rows in ([["批号*", "本厂列"], ["L1", "x"]], [["day", "machine"], ["2026-11-01", "M1"]], []):
        assert recognise(read_table("x.xlsx", xlsx(rows)), catalogue()) is None


def test_a_new_column_is_told_as_drift() -> None:
    head = cells_of(made("lot"))
    rows = [
        [*(cell or "" for cell in row), extra] for row, extra in zip(head[:2], ["", "本厂列"], strict=True)
    ]
    found = recognise(read_table("x.xlsx", xlsx(rows)), catalogue())
    assert found is not None
    (drift,) = found.outcomes()
    assert [(f.code, f.path) for f in drift.findings] == [("column_new", "/本厂列")]


def test_more_rows_than_a_template_may_hold_are_counted() -> None:
    assert too_many(filled("lot", [{"number": f"L{n}"} for n in range(5)])) == 0
    assert too_many(filled("lot", [{"number": f"L{n}"} for n in range(ROWS_MOST + 3)])) == ROWS_MOST + 3


def test_an_agent_takes_a_template_from_its_folder_without_any_mapping(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    hub = Hub({"MOLD": key}, sheets={name: declared.sheet for name, declared in catalogue().items()})
    agent = agent_of(hub, site="MOLD", key=key)
    agent.watched.append(
        watch(
            tmp_path,
            [],
            settle_seconds=0,
            recognise=partial(recognise, types=catalogue(), zone="Asia/Shanghai"),
        )
    )
    template = cells_of(made("lot"))
    rows = [["" if cell is None else cell for cell in row] for row in template[:3]]
    (tmp_path / "批次.xlsx").write_bytes(xlsx([*rows, ["L-1", "10001", "", "", "", ""]]))
    settle(agent)
    settle(agent)
    told = [entry.operation for entry in hub.store.entries if entry.operation is not None]
    assert [(op.type, op.fields["number"]) for op in told] == [("lot", "L-1")]
    assert told[0].source is not None and told[0].source.feed == "template_lot"
