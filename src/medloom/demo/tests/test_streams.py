"""Machines of the demonstration against their plan: the findings are the known truth, and nothing else."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from medloom.agent.declaration import Mapping, load_mapping
from medloom.agent.runs import Assembler, Standing
from medloom.agent.sources.shdr import LineRefused, parse_line
from medloom.agent.translate import Translator
from medloom.demo import plan, turning
from medloom.demo.plants import MAPPINGS, PLATES_MACHINE, plates_folder
from medloom.demo.replay import logged
from medloom.production.rules import Setting, reading
from tests.plant_files import DATA

pytestmark = pytest.mark.files

FOLDER = plates_folder(DATA)
Found = dict[str, list[str]]


def settings_of(parameters: list[dict[str, Any]]) -> dict[str, Setting]:
    """The plan as the rule takes it."""
    return {
        each["number"]: Setting(
            each["revision"],
            each["unit"],
            Decimal(each["low"]) if "low" in each else None,
            Decimal(each["high"]) if "high" in each else None,
            tuple(word.strip() for word in each.get("words", "").split("|") if word.strip()),
        )
        for each in parameters
    }


def judged(
    mapping: Mapping, lines: list[bytes], parameters: list[dict[str, Any]]
) -> tuple[Found, Counter[str], int]:
    """Record number -> codes of its findings, what became of the lines, and how many records there are."""
    assert mapping.stream is not None
    assembler, fates = Assembler(mapping.stream, Standing()), Counter[str]()
    for line in lines:
        try:
            fates[assembler.line(tuple(parse_line(line, conditions=mapping.stream.conditions)))[0]] += 1
        except LineRefused:
            fates["refused"] += 1
    planned, found, records = settings_of(parameters), {}, 0
    for made in assembler.flush():
        outcome = Translator(mapping).row(made.row, fallback=made.row.at)
        assert outcome.refusal is None, outcome.refusal
        for draft in outcome.drafts:
            if draft.type != "step_record":
                continue
            records += 1
            codes = [
                finding.code
                for row in draft.fields["parameters"]
                for finding in reading(row, planned.get(row["name"]), path="/fields/parameters")
            ]
            if codes:
                found[draft.fields["number"]] = codes
    return found, fates, records


def test_the_generated_machine_contradicts_its_plan_where_it_was_made_to() -> None:
    mapping = load_mapping(MAPPINGS / "machining" / "60_cnc1.yaml")
    lines = turning.pieces(turning.PIECES, until=dt.datetime(2026, 11, 23, 12, 0))  # noqa: DTZ001 (UTC by its form)
    parameters = list(plan.parameters(turning.plan(), mark=turning.MARK))
    found, fates, records = judged(mapping, lines, parameters)
    assert records == turning.PIECES
    assert found == {
        "CNC-1/ROD-03": ["parameter_out_of_limits"],
        "CNC-1/ROD-04": ["parameter_differs"],
        "CNC-1/ROD-05": ["parameter_missing"],
    }
    assert fates["refused"] == 1 and sum(fates.values()) == len(lines)
    assert all("generated" in each["name"] for each in parameters)


def test_the_real_plates_contradict_their_plan_where_it_is_known() -> None:
    """Speed agrees on 16 of 18 controlled serials; 05 and 07 contradict, 07 names another plate's program."""
    mapping = load_mapping(MAPPINGS / "plant_b" / "40_hurco04.yaml")
    if FOLDER is None:
        assert mapping.stream is not None, "real files: name their folder in MEDLOOM_DATA"
        return
    lines = logged(FOLDER / "machine_log", PLATES_MACHINE)
    planned = plan.read_plan(FOLDER / plan.SHEET, FOLDER / plan.PROGRAMS)
    found, fates, records = judged(mapping, lines, list(plan.parameters(planned)))
    assert (len(planned), records) == (18, 47)
    assert found == {
        "Hurco04/PLATE-05": ["parameter_out_of_limits"],
        "Hurco04/PLATE-06": ["parameter_missing"],
        "Hurco04/PLATE-07": ["parameter_differs", "parameter_out_of_limits"],
        "Hurco04/PLATE-14": ["parameter_missing"],
    }
    # 17 rows are cut off, one names no speed; every line has one fate.
    assert fates["refused"] == 18 and sum(fates.values()) == len(lines)
    assert [each.part for each in planned if each.program_note] == ["PLATE-04"]


def test_raw_day_logs_of_other_machines_are_read_or_refused_line_by_line() -> None:
    folder = DATA / "nist_sms_raw_day_logs"
    if not folder.is_dir():
        assert parse_line(b"2016-10-04T17:54:52.760674Z|Ctravel|Unavailable||||")[0].known is False
        return
    for path in sorted(folder.glob("*-*.txt")):
        refused = 0
        for line in path.read_bytes().splitlines():
            try:
                parse_line(line)
            except LineRefused:
                refused += 1
        assert refused == 0, path.name


def test_a_synthetic_machine_log_is_told_in_the_units_of_the_declaration() -> None:
    from medloom.agent.units import convert

    path = DATA / "ai4i2020_machine_log" / "ai4i2020_first7000.csv"
    rows = [b"1,M1,M,298.1,308.6,1551,42.8,0"]
    if path.is_file():
        rows = path.read_bytes().splitlines()[1:200]
    for row in rows:
        fields = row.decode().split(",")
        kelvin, rpm, torque = (Decimal(fields[n]) for n in (3, 5, 6))
        assert convert(kelvin, source="K", target="Cel") == kelvin - Decimal("273.15")
        assert convert(rpm, source="rpm", target="/s") * 60 == pytest.approx(rpm)
        assert convert(torque, source="N.m", target="N.m") == torque
