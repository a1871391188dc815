"""`medloom agent check` and `init`: what a person sees who writes a mapping, and the exit codes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from medloom.agent.declaration import parse_mapping
from medloom.agent.sources.tables import read_table
from medloom.agent.tests.files import HEADER, MAPPING, xlsx
from medloom.agent.translate import Translator
from medloom.interfaces.commands.agent import agent

pytestmark = pytest.mark.files

GOOD = ["2018-11-01", "M1", 10045, "712 4 889", 10, 9, 1]
BAD = ["00:00.0", "M1", 10045, "L2", 10, 9, 1]


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    mapping, report = tmp_path / "shifts.yaml", tmp_path / "report_1.xlsx"
    mapping.write_text(MAPPING, encoding="utf-8")
    report.write_bytes(xlsx([HEADER, GOOD, BAD]))
    return str(mapping), str(report)


def test_check_tells_every_row_and_exits_1_when_one_is_refused(files: tuple[str, str]) -> None:
    done = CliRunner().invoke(agent, ["check", *files, "--json"])
    told = json.loads(done.output)
    assert done.exit_code == 1
    assert (told["read"], told["understood"], told["refused"]) == (2, 1, 1)
    assert told["refusals"] == {"date_destroyed /day": 1}
    assert told["rows"][0]["becomes"][1]["fields"]["resin_lot"] == "7124889"
    assert told["rows"][1]["refused"]["expected"] == "a date such as 2018-11-01"


def test_check_as_a_table(files: tuple[str, str]) -> None:
    done = CliRunner().invoke(agent, ["check", *files, "--limit", "1"])
    assert "2 rows read, 1 understood, 1 refused" in done.output


def test_a_wrong_mapping_exits_2_with_its_place(files: tuple[str, str], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(MAPPING.replace("as: integer", "as: integre"), encoding="utf-8")
    done = CliRunner().invoke(agent, ["check", str(wrong), files[1], "--json"])
    assert done.exit_code == 2
    assert json.loads(done.output)["refusal"]["path"].startswith("$.records[1]")


def test_init_writes_a_mapping_that_loads_and_reads_its_file(files: tuple[str, str]) -> None:
    done = CliRunner().invoke(agent, ["init", files[1], "--type", "step_record"])
    assert done.exit_code == 0 and "请逐行核对" in done.output
    mapping = parse_mapping(done.output)
    assert mapping.feed == "report" and mapping.reads("report_2.xlsx")
    fields = mapping.records[0].fields
    assert (fields["resin_lot"].kind, fields["day"].kind, fields["number"].kind) == ("lot", "date", "key")
    assert [member.fields["count"].column for member in fields["defects"].members] == ["crack"]
    outcomes = list(Translator(mapping).file(read_table("report_1.xlsx", Path(files[1]).read_bytes())))
    assert len([outcome for outcome in outcomes if outcome.drafts]) == 2


def test_init_gives_every_column_a_field_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "班报.xlsx"
    path.write_bytes(
        xlsx([["日期", "原料编码", "原料批号", "甲", "乙", "总数(件)"], ["2026-11-01", 1, "L1", "a", "b", 5]])
    )
    done = CliRunner().invoke(agent, ["init", str(path), "--type", "step_record"])
    mapping = parse_mapping(done.output)
    fields = mapping.records[0].fields
    assert list(fields) == ["number", "day", "resin", "resin_lot", "total"]
    assert list(mapping.ignored) == ["甲", "乙"], "what fits no field is for a person to look at"
    assert fields["total"].column == "总数(件)"


DAILY = "工单号,机台,炉温,炉温,压力(MPa),备注,良品数,3号\nW1,M1,200.5,201,3,ok,5,a\nW2,M1,200.1,202,4,,7,b\n"


def test_a_draft_names_each_column_apart_and_check_says_what_to_mend(tmp_path: Path) -> None:
    path, other, draft = tmp_path / "日报_2024.csv", tmp_path / "领料_2024.csv", tmp_path / "daily.yaml"
    path.write_text(DAILY, encoding="utf-8")
    other.write_text(DAILY, encoding="utf-8")
    text = CliRunner().invoke(agent, ["init", str(path)]).output
    mapping = parse_mapping(text)
    assert mapping.match.header == 1
    fields = mapping.records[0].fields
    assert list(fields) == [
        "work_order", "machine", "column_c", "column_e", "remark", "good", "column_h",
    ]  # fmt: skip
    marked = [line for line in text.splitlines() if "请填写字段名" in line]
    assert [line.split(":")[0].strip() for line in marked] == ["column_c", "column_e", "column_h"]
    assert "'炉温' stands again over column D" in text
    assert fields["good"].kind == "integer" and fields["column_c"].kind == "quantity"
    assert parse_mapping(CliRunner().invoke(agent, ["init", str(other)]).output).feed != mapping.feed
    draft.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(agent, ["check", str(draft), str(path), "--json"])
    told = json.loads(done.output)
    assert done.exit_code == 1 and told["refusals"] == {"missing /step_record/number": 2}
    places = [each["path"].removeprefix("$.records[0].fields") for each in told["to_mend"]]
    assert places == [".column_c", ".column_e", ".remark", ".column_h", "", ""]
    assert "压力(MPa) under ignored" in told["to_mend"][1]["expected"]
    assert "note" in told["to_mend"][2]["expected"] and "number" in told["to_mend"][4]["expected"]
    shown = CliRunner().invoke(agent, ["check", str(draft), str(path)])
    assert "mend $.records[0].fields.column_h" in shown.stderr


def test_a_draft_that_was_corrected_has_nothing_to_mend(tmp_path: Path) -> None:
    path, draft = tmp_path / "orders.csv", tmp_path / "orders.yaml"
    path.write_text("order no,quantity,what\nW1,5,x\nW2,6,y\n", encoding="utf-8")
    text = CliRunner().invoke(agent, ["init", str(path), "--type", "work_order"]).output
    right = text.replace("order_no:", "number:").replace("what:", "remark:")
    draft.write_text(right, encoding="utf-8")
    done = CliRunner().invoke(agent, ["check", str(draft), str(path), "--json"])
    assert (done.exit_code, json.loads(done.output)["to_mend"]) == (0, [])
    draft.write_text(right.replace("type: work_order", "type: workorder"), encoding="utf-8")
    told = json.loads(CliRunner().invoke(agent, ["check", str(draft), str(path), "--json"]).output)
    assert [each["path"] for each in told["to_mend"]] == ["$.records[0].type"]


def test_a_template_is_written_and_the_names_are_listed(tmp_path: Path) -> None:
    out = tmp_path / "lots.xlsx"
    done = CliRunner().invoke(agent, ["template", "lot", "--language", "en", "--out", str(out)])
    assert done.exit_code == 0 and out.read_bytes().startswith(b"PK")
    assert "step_record" in CliRunner().invoke(agent, ["template"]).output
    assert CliRunner().invoke(agent, ["template", "nothing"]).exit_code == 2


def test_init_of_an_unknown_type_names_those_that_there_are(files: tuple[str, str]) -> None:
    done = CliRunner().invoke(agent, ["init", files[1], "--type", "shift"])
    assert done.exit_code == 1 and "step_record" in done.output


def test_init_on_a_broken_file_exits_2(tmp_path: Path) -> None:
    broken = tmp_path / "a.xlsx"
    broken.write_bytes(b"PK\x03\x04")
    assert CliRunner().invoke(agent, ["init", str(broken)]).exit_code == 2


def test_status_of_an_agent_that_does_not_run_exits_3(tmp_path: Path) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text("{site: MOLD, hub: 'http://127.0.0.1:1', state: state}", encoding="utf-8")
    assert CliRunner().invoke(agent, ["status", str(config)]).exit_code == 3


def test_init_looks_at_the_cells_before_it_believes_a_header(tmp_path: Path) -> None:
    path = tmp_path / "diameters.csv"
    head = "Sample;Batch;Feature;Lower;Upper;Measured (mm);When\n"
    path.write_text(head + "1;T-1;D1;11,98;12,02;11.99;2026-11-01 14:00\n2;T-1;D1;11,98;12,02;12.01;\n")
    done = CliRunner().invoke(agent, ["init", str(path), "--type", "result", "--zone", "Asia/Shanghai"])
    mapping = parse_mapping(done.output)
    fields = mapping.records[0].fields
    assert mapping.zone == "Asia/Shanghai"
    assert (fields["value"].column, fields["measured"].column) == ("Measured (mm)", "When"), (
        "no number is a time"
    )
    assert (fields["low"].comma, fields["value"].comma, fields["unit"].value) == (",", ".", "mm")
    assert "does it begin again" in done.output, "rows that are only numbered are no lasting key"
    outcomes = list(Translator(mapping).file(read_table(path.name, path.read_bytes())))
    assert [outcome.refusal for outcome in outcomes if outcome.drafts] == [None, None]


def test_init_tells_the_lot_made_from_the_lot_used(tmp_path: Path) -> None:
    path = tmp_path / "daily.csv"
    head = "生产日期,机台,生产批号,原料批号,合格数,不良数,总数,类型\n"
    path.write_text(f"{head}2026-11-01,EX-1,T-1,TPU-1,965,12,977,成品\n", encoding="utf-8")
    done = CliRunner().invoke(agent, ["init", str(path), "--type", "step_record"])
    fields = parse_mapping(done.output).records[0].fields
    assert (fields["output_lot"].column, fields["resin_lot"].column) == ("生产批号", "原料批号")
    (all_of_them,) = fields["defects"].members
    assert all_of_them.fields["count"].column == "不良数", "one count of all defects has no class"
    items = CliRunner().invoke(agent, ["init", str(path), "--type", "item"]).output
    assert "say what is meant by 成品" in items, "a word that is not ours is no silent guess"
    assert parse_mapping(items).order < parse_mapping(done.output).order, "items before what names them"


def test_init_of_a_table_lists_what_it_could_not_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "erp.db")) as erp, erp:
        erp.execute("create table TBL_FA (FA_NR integer primary key, ZAHL integer, DUE text, AEND datetime)")
        erp.execute("insert into TBL_FA values (9000, 10, '2026-12-01', '2026-11-01 08:00:00.000000')")
    monkeypatch.setenv("ERP_URL", f"sqlite:///{tmp_path / 'erp.db'}")
    table = ["init", "--table", "TBL_FA", "--type", "work_order", "--url-env"]
    done = CliRunner().invoke(agent, [*table, "ERP_URL"])
    mapping = parse_mapping(done.output)
    assert (mapping.match.primary, mapping.match.modified) == (("FA_NR",), "AEND")
    fields = mapping.records[0].fields
    assert (fields["number"].column, fields["due"].column) == ("FA_NR", "DUE")
    assert "#   quantity: 订单数量 · Ordered pieces" in done.output, (
        "the free fields are named to choose from"
    )
    assert "ZAHL" in mapping.ignored and "drives the polling" in mapping.ignored["AEND"]
    wrong = CliRunner().invoke(agent, ["init", "--table", "TBL_FB", *table[3:], "ERP_URL"])
    assert wrong.exit_code == 2 and "TBL_FA" in wrong.output, "the tables that there are"
    assert CliRunner().invoke(agent, [*table, "NO_URL"]).exit_code == 2
