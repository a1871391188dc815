"""Inspection files at a plant: QIF and wide workbooks from the folder to the hub, damaged ones too."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.agent.declaration import Mapping, MappingRefused, load_mappings, parse_mapping
from medloom.agent.plant import watch
from medloom.agent.sources.tables import read_table
from medloom.agent.tests.files import xlsx
from medloom.agent.tests.hubs import Hub, agent_of, settle
from medloom.agent.translate import Translator
from medloom.demo.metrology import FIRST, SECOND, parts, qif
from medloom.demo.plants import MAPPINGS
from medloom.kernel.entity import catalogue

pytestmark = pytest.mark.files

KEY = Ed25519PrivateKey.generate()
WIDE = """
feed: wide
match:
  files: ["*.xlsx"]
  unpivot: {keep: [Feature, Nominal], leave: [Mean], name: serial, value: value}
records:
  - type: result
    kind: observe
    key: [report, code]
    fields:
      number: {as: join, columns: [report, code]}
      lot:
        as: join
        by: "-"
        of: [{as: constant, value: P}, {column: serial, as: code, shape: SHAPE}]
      characteristic: {column: title, as: text, shape: {renamed: {HOLE/D9: HOLE/D2}}}
      value: {column: value, as: number, required: true}
      unit: {as: constant, value: mm}
"""
SHAPE = '{extract: "run_([0-9]+)_.*", digits: 3, suffix: X}'
SHEET = [
    ["Report of the bench", None, None, None, None],
    ["Feature", "Nominal", "RUN_1_bench", "RUN_2_bench", "Mean"],
    ["HOLE", None, " ", " ", " "],
    ["D1", 4, 4.01, 4.02, 4.015],
    ["D9", 4, 3.99, None, 3.99],
    ["SLOT", None, None, None, None],
    ["SLOT", 5, "x", 5.01, 5.0],
]


def wide(shape: str = SHAPE) -> Mapping:
    return parse_mapping(WIDE.replace("SHAPE", shape))


def test_a_wide_sheet_becomes_a_row_for_each_filled_cell() -> None:
    outcomes = list(Translator(wide()).file(read_table("a.xlsx", xlsx(SHEET))))
    found = [
        (o.drafts[0].fields["lot"], o.drafts[0].fields["characteristic"], o.drafts[0].fields["value"])
        for o in outcomes
        if o.refusal is None
    ]
    assert found == [
        ("P-001X", "HOLE/D1", "4.01"),
        ("P-002X", "HOLE/D1", "4.02"),
        ("P-001X", "HOLE/D2", "3.99"),
        ("P-002X", "SLOT", "5.01"),
    ]
    (bad,) = [o for o in outcomes if o.refusal is not None]
    assert (bad.refusal and bad.refusal.code, bad.at) == ("number_format", "a.xlsx#Sheet1!7:3")


def test_a_part_that_does_not_fit_is_refused_and_not_renamed() -> None:
    sheet = [[cell if cell != "RUN_2_bench" else "Cpk" for cell in row] for row in SHEET]
    refusals = [o.refusal for o in Translator(wide()).file(read_table("a.xlsx", xlsx(sheet))) if o.refusal]
    assert {(r.code, r.path) for r in refusals} == {("pattern", "/serial"), ("number_format", "/value")}


@pytest.mark.parametrize("shape", ['{extract: "a(b)(c)"}', '{extract: "a("}', "{extract: abc}"])
def test_an_expression_without_its_one_group_is_refused_with_the_mapping(shape: str) -> None:
    with pytest.raises(MappingRefused) as refused:
        wide(shape)
    assert "extract" in refused.value.path


def test_every_generated_result_is_in_its_fields_domain() -> None:
    types, counts = catalogue(), {}
    for laboratory in (FIRST, SECOND):
        name = f"{laboratory.code}_blocks.qif"
        delivery = read_table(name, qif(laboratory, parts(laboratory)))
        for mapping in load_mappings(MAPPINGS / "machining"):
            if mapping.reads(name):
                for outcome in Translator(mapping).file(delivery):
                    assert outcome.refusal is None
                    for draft in outcome.drafts:
                        counts[draft.type] = counts.get(draft.type, 0) + 1
                        for field, value in draft.fields.items():
                            types[draft.type].fields[field].accept(value)
    assert counts == {"lot": 20, "inspection": 20, "gauge": 120, "result": 120}
    result = next(iter(Translator(mapping_of("lab_results")).file(delivery))).drafts[-1]
    assert result.source.was["value"][1].startswith("unit"), "inches are told in millimetres, and said so"
    assert result.source.was["value"][0].endswith("[in_i]")


def mapping_of(feed: str) -> Mapping:
    return next(m for m in load_mappings(MAPPINGS / "machining") if m.feed == feed)


BOMB = b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><QIFDocument>&c;</QIFDocument>'


@pytest.mark.parametrize("data", [BOMB, qif(FIRST, parts(FIRST))[:-300], b"", b"<html/>"])
def test_a_file_that_cannot_be_opened_is_one_refusal_and_its_neighbours_are_read(
    tmp_path: Path, data: bytes
) -> None:
    hub = Hub({"MACH": KEY}, sheets={name: d.sheet for name, d in catalogue().items()})
    (tmp_path / "LAB1_bad.qif").write_bytes(data)
    (tmp_path / "LAB2_good.qif").write_bytes(qif(SECOND, parts(SECOND, count=2)))
    agent = agent_of(hub, site="MACH", key=KEY)
    mappings = load_mappings(MAPPINGS / "machining")
    agent.watched.append(watch(tmp_path, mappings, settle_seconds=0))
    settle(agent)
    kinds = [(e.operation.type, str(e.operation.kind)) for e in hub.store.entries if e.operation is not None]
    assert sum(kind == "raw" for _, kind in kinds) == 1, "two mappings read the file; it is refused once"
    assert sum(each == ("result", "observe") for each in kinds) == 12
