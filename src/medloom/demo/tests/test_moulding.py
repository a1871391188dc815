"""The generated plant's files are understood, its dirt included, and its balances raise nothing false."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from medloom.agent.declaration import load_mappings
from medloom.agent.preview import Preview, preview, to_mend
from medloom.demo.moulding import write_plant
from medloom.demo.plants import MAPPINGS
from medloom.kernel.entity import catalogue

pytestmark = pytest.mark.files

TODAY = dt.date(2026, 11, 23)


def totals(folder: Path, mappings: str) -> dict[str, Preview]:
    """What each file of the folder becomes, by feed and file."""
    found = {}
    for mapping in load_mappings(MAPPINGS / mappings):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and mapping.reads(path.relative_to(folder).as_posix()) and not mapping.skip:
                total, rows = preview(mapping, path, dict(catalogue()))
                for _ in rows:
                    pass
                found[f"{mapping.feed}/{path.name}"] = total
    return found


def test_every_file_is_read_and_one_row_is_refused(tmp_path: Path) -> None:
    write_plant(tmp_path, today=TODAY)
    found = totals(tmp_path, "moulding")
    assert {name: (total.read, total.refused) for name, total in found.items()} == {
        "items/items.xlsx": (12, 0),
        "machines/machines.xlsx": (4, 0),
        "moulds/moulds.xlsx": (6, 0),
        "boms/boms.xlsx": (6, 0),
        "orders/orders.xlsx": (12, 0),
        "shifts/shifts_1.xlsx": (60, 0),
        "shifts/shifts_2.csv": (61, 1),
    }
    assert found["shifts/shifts_2.csv"].reasons == {"date_destroyed /日期": 1}
    assert [each["column"] for each in found["shifts/shifts_2.csv"].drift] == ["环境温度"]
    assert not any(total.findings for total in found.values())


def test_the_same_seed_makes_the_same_rows(tmp_path: Path) -> None:
    first = write_plant(tmp_path / "a", today=TODAY)
    second = write_plant(tmp_path / "b", today=TODAY)
    assert [path.name for path in first] == [path.name for path in second]
    assert (tmp_path / "a" / "shifts_2.csv").read_bytes() == (tmp_path / "b" / "shifts_2.csv").read_bytes()


@pytest.mark.parametrize("plant", ["plant_a", "moulding", "machining"])
def test_mappings_name_declared_types_and_fields(plant: str) -> None:
    types = catalogue()
    for mapping in load_mappings(MAPPINGS / plant):
        for record in mapping.records:
            declared = types[record.type]
            assert set(record.fields) <= {*declared.fields, *declared.lines}, (mapping.feed, record.type)
            assert record.kind in declared.facts.kinds, (mapping.feed, record.type)
            for name, rule in record.fields.items():
                for member in rule.members:
                    assert set(member.fields) <= set(declared.lines[name].fields)
        if mapping.writes is not None:
            known = {*types[mapping.writes.type].fields, "state"}
            assert {*mapping.writes.columns.values(), *mapping.writes.key.values()} <= known


@pytest.mark.parametrize("plant", ["moulding", "machining", "plant_a"])
def test_every_mapping_of_the_demonstration_names_declared_fields_only(plant: str) -> None:
    mappings = load_mappings(MAPPINGS / plant)
    assert {m.feed: to_mend(m, dict(catalogue())) for m in mappings} == {m.feed: [] for m in mappings}
