"""`medloom agent init` on the headers of ordinary Chinese exports: what it names, and what it marks."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from medloom.agent.declaration import parse_mapping
from medloom.agent.guess import day_form, unit_in
from medloom.interfaces.commands.agent import agent

pytestmark = pytest.mark.files

INCOMING = (
    "检验单;料号;批号;供应商批号;数量kg;到货日期;判定\n"
    "Q-1;R-1;P1;S-1;53,5;02/11/2026;合格\nQ-2;R-1;P2;S-2;22,5;14/11/2026;不合格\n"
)
DAILY = (
    "工单号,料号,产出批号,生产日期,原料批号,数量,单位,用量(g)\n"
    "W1,T1,T1-1,2026-11-02,P1,384,EA,2932.9\nW2,T1,T1-2,2026-11-03,P1,380,EA,2900\n"
)


def draft(tmp_path: Path, name: str, text: str, type_: str) -> str:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(agent, ["init", str(path), "--type", type_, "--zone", "Asia/Shanghai"])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_receipt_is_numbered_by_its_document_and_keeps_the_senders_lot(tmp_path: Path) -> None:
    text = draft(tmp_path, "in.csv", INCOMING, "receipt")
    fields = parse_mapping(text).records[0].fields
    assert {name: rule.column for name, rule in fields.items()} == {
        "number": "检验单",
        "item": "料号",
        "lot": "批号",
        "partner_lot": "供应商批号",
        "quantity": "数量kg",
        "received": "到货日期",
        "unit": "",
    }
    assert (fields["unit"].value, fields["received"].formats) == ("kg", ("%d/%m/%Y",))
    (tmp_path / "in.yaml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(agent, ["check", str(tmp_path / "in.yaml"), str(tmp_path / "in.csv")])
    assert done.exit_code == 0 and "2 understood" in done.output, "the draft as it stands passes the door"


def test_the_plants_own_lot_goes_before_the_suppliers(tmp_path: Path) -> None:
    head, _, rows = INCOMING.partition("\n")
    swapped = head.replace("批号;供应商批号", "供应商批号;厂内批号") + "\n" + rows
    fields = parse_mapping(draft(tmp_path, "in.csv", swapped, "receipt")).records[0].fields
    assert (fields["lot"].column, fields["partner_lot"].column) == ("厂内批号", "供应商批号")
    fields = parse_mapping(draft(tmp_path, "in.csv", INCOMING, "inspection")).records[0].fields
    assert (fields["number"].column, fields["lot"].column, fields["stated"].column) == (
        "检验单",
        "批号",
        "判定",
    )


def test_what_must_be_filled_and_no_column_fits_is_marked(tmp_path: Path) -> None:
    text = draft(tmp_path, "in.csv", INCOMING.replace("数量kg", "数量"), "receipt")
    (marked,) = [line for line in text.splitlines() if "<- 请填写" in line]
    assert marked.strip().startswith("#   unit*") and "1|L|g|kg|m" in marked
    barrels = draft(tmp_path, "in.csv", INCOMING.replace("数量kg", "数量(桶)"), "receipt")
    assert 'value: "桶"}  # 列名中的单位' in barrels and "<- 请填写" in barrels


def test_a_daily_report_names_item_pieces_and_the_amount_of_the_lot_used(tmp_path: Path) -> None:
    text = draft(tmp_path, "daily.csv", DAILY, "step_record")
    fields = parse_mapping(text).records[0].fields
    assert (fields["item"].column, fields["good"].column) == ("料号", "数量")
    assert "resin_lot" not in fields, "the lot used stands once, in the list that has its amount"
    (used,) = fields["inputs"].members
    assert (used.fields["lot"].column, used.fields["quantity"].column) == ("原料批号", "用量(g)")
    assert used.fields["unit"].value == "g"
    orders = parse_mapping(draft(tmp_path, "daily.csv", DAILY, "work_order")).records[0].fields
    assert "resin" not in orders, "a lot is no item"


def test_a_table_of_measurements_has_its_time_and_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "lab.db")) as lab, lab:
        lab.execute("create table m (id integer primary key, lot text, value_um real, taken_at text)")
        lab.execute("insert into m values (1, 'L1', 5010.3, '2026-11-02T08:15:00')")
    monkeypatch.setenv("LAB_URL", f"sqlite:///{tmp_path / 'lab.db'}")
    done = CliRunner().invoke(agent, ["init", "--table", "m", "--type", "result", "--url-env", "LAB_URL"])
    fields = parse_mapping(done.output).records[0].fields
    assert (fields["measured"].column, fields["unit"].value) == ("taken_at", "um")


def test_the_daily_report_of_the_documents_is_read_as_they_say(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs/operating/connect.md").read_text(encoding="utf-8")
    _, rows, _, mapping, *_ = page.partition("### A daily report")[2].split("```")
    (tmp_path / "daily.yaml").write_text(mapping.removeprefix("yaml\n"), encoding="utf-8")
    (tmp_path / "daily_2026-11.csv").write_text(rows.lstrip(), encoding="utf-8")
    paths = [str(tmp_path / name) for name in ("daily.yaml", "daily_2026-11.csv")]
    done = CliRunner().invoke(agent, ["check", *paths, "--json"])
    told = json.loads(done.output)
    assert (told["to_mend"], told["drift"], len(told["rows"])) == ([], [], 3)
    assert done.exit_code == 1, "one of the three rows says 约300"
    step = told["rows"][0]["becomes"][1]["fields"]
    assert step["inputs"] == [
        {"lot": "R-0007", "quantity": "2.9329", "unit": "kg"},
        {"lot": "C-0002", "quantity": "0.0587", "unit": "kg"},
    ]


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("数量kg", "kg"), ("用量(g)", "g"), ("value_um", "um"), ("重量（克）", "g"), ("直径[µm]", "um"),
        ("直径μm", "um"), ("数量（件）", "1"), ("machine", ""), ("数量", ""), ("batch_no", ""),
    ],
)  # fmt: skip
def test_the_unit_that_a_header_names(header: str, unit: str) -> None:
    assert unit_in(header) == unit


def test_the_form_of_days_is_said_where_the_cells_decide_it() -> None:
    assert day_form(["14/11/2026", "02/11/2026"]) == ("%d/%m/%Y", True)
    assert day_form(["11/14/2026", ""]) == ("%m/%d/%Y", True)
    assert day_form(["02/11/2026"]) == ("%d/%m/%Y", False)
    assert day_form(["2026-11-02"]) == ("", False)
