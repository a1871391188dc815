"""`medloom agent check` and `init`: what a person sees who writes a mapping, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from medloom.agent.declaration import parse_mapping
from medloom.agent.sources.tables import read_table
from medloom.agent.tests.files import HEADER, MAPPING, xlsx
from medloom.agent.translate import Translator
from medloom.interfaces.commands.agent import agent

pytestmark = pytest.mark.pure

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
    assert mapping.records[0].fields["lot"].kind == "lot"
    outcomes = list(Translator(mapping).file(read_table("report_1.xlsx", Path(files[1]).read_bytes())))
    assert len([outcome for outcome in outcomes if outcome.drafts]) == 2


def test_init_gives_every_column_a_field_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "班报.xlsx"
    path.write_bytes(
        xlsx([["日期", "原料编码", "原料批号", "甲", "乙", "总数(件)"], ["2026-11-01", 1, "L1", "a", "b", 5]])
    )
    done = CliRunner().invoke(agent, ["init", str(path), "--type", "step_record"])
    fields = parse_mapping(done.output).records[0].fields
    assert list(fields) == ["day", "resin", "resin_lot", "field", "field_2", "total"]
    assert fields["total"].column == "总数(件)"


def test_init_on_a_broken_file_exits_2(tmp_path: Path) -> None:
    broken = tmp_path / "a.xlsx"
    broken.write_bytes(b"PK\x03\x04")
    assert CliRunner().invoke(agent, ["init", str(broken)]).exit_code == 2


def test_status_of_an_agent_that_does_not_run_exits_3(tmp_path: Path) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text("{site: MOLD, hub: 'http://127.0.0.1:1', state: state}", encoding="utf-8")
    assert CliRunner().invoke(agent, ["status", str(config)]).exit_code == 3
