"""`medloom agent check` refuses what the hub will refuse at its door whatever it holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from medloom.interfaces.commands.agent import agent

pytestmark = pytest.mark.files

FILE = "no,lot,amount,came,verdict\nR-1,L1,5.5,2026-11-02,ok\nR-2,L2,6,,bad\n"
MAPPING = """
feed: incoming
match: {files: ["*.csv"]}
records:
  - type: receipt
    kind: observe
    key: [no]
    fields:
      number: {column: no, as: code}
      lot: {column: lot, as: lot}
      quantity: {column: amount, as: number}
      UNIT
"""
GOOD = "unit: {as: constant, value: kg}"


def checked(tmp_path: Path, mapping: str, *, code: int) -> dict[str, Any]:
    file, path = tmp_path / "incoming.csv", tmp_path / "mapping.yaml"
    file.write_text(FILE, encoding="utf-8")
    path.write_text(mapping, encoding="utf-8")
    done = CliRunner().invoke(agent, ["check", str(path), str(file), "--json"])
    assert done.exit_code == code, done.output
    return dict(json.loads(done.output))


def test_what_the_hub_takes_is_understood(tmp_path: Path) -> None:
    told = checked(tmp_path, MAPPING.replace("UNIT", GOOD), code=0)
    assert (told["understood"], told["to_mend"]) == (2, [])


def test_a_required_field_that_nothing_fills_is_told_and_refuses_each_row(tmp_path: Path) -> None:
    told = checked(tmp_path, MAPPING.replace("UNIT", ""), code=1)
    assert (told["read"], told["understood"], told["refused"]) == (2, 0, 2)
    assert told["refusals"] == {"missing /receipt/unit": 2}
    refused = told["rows"][0]["refused"]
    assert "kg" in refused["expected"] and '"quantity": "5.5"' in refused["original"]
    (mend,) = told["to_mend"]
    assert mend["path"] == "$.records[0].fields" and mend["expected"].startswith("unit (1|L|g|kg|m)")


def test_a_word_outside_its_domain_is_told_at_its_place(tmp_path: Path) -> None:
    told = checked(tmp_path, MAPPING.replace("UNIT", GOOD.replace("kg", "KG")), code=1)
    assert told["refusals"] == {"not_a_choice /receipt/unit": 2}
    assert told["to_mend"] == [
        {"path": "$.records[0].fields.unit.value", "expected": "1|L|g|kg|m", "got": "KG"}
    ]


def test_an_empty_cell_of_a_required_field_refuses_its_row_only(tmp_path: Path) -> None:
    text = MAPPING.replace("UNIT", "unit: {column: came, as: choice, choices: {'2026-11-02': kg}}")
    told = checked(tmp_path, text, code=1)
    assert (told["understood"], told["refusals"]) == (1, {"missing /receipt/unit": 1})


def test_a_line_of_a_list_is_held_to_its_own_fields(tmp_path: Path) -> None:
    list_ = "{as: list, members: [{fields: {lot: {column: lot, as: lot}, UNIT}}]}"
    step = f"""
  - type: step_record
    kind: observe
    key: [no]
    fields: {{number: {{as: key}}, day: {{as: constant, value: 2026-11-02}}, inputs: {list_}}}
"""
    head = MAPPING.partition("  - type")[0]
    unit = "quantity: {column: amount, as: number}, unit: {as: constant, value: KG}"
    told = checked(tmp_path, head + step.replace("UNIT", unit).replace("2026-11-02", "'2026-11-02'"), code=1)
    assert told["refusals"] == {"not_a_choice /step_record/inputs/0/unit": 2}
    assert told["to_mend"][0]["path"] == "$.records[0].fields.inputs.members[0].unit.value"
