"""The real moulding plant's files, where their folder is given (MEDLOOM_DATA or beside the checkout).

Counts are those of the two published months; without the folder the test says which variable names it,
and checks that the mappings load.
"""

from __future__ import annotations

from collections import Counter

import pytest

from medloom.agent.declaration import load_mappings
from medloom.agent.preview import preview
from medloom.demo.plants import MAPPINGS, real_folder
from medloom.demo.tests.test_moulding import totals
from tests.plant_files import DATA

pytestmark = pytest.mark.files

FOLDER = real_folder(DATA) if DATA.is_dir() else None


def test_every_real_row_is_understood() -> None:
    if FOLDER is None:
        assert len(load_mappings(MAPPINGS / "plant_a")) == 8, "real files: name their folder in MEDLOOM_DATA"
        return
    found = totals(FOLDER, "plant_a")
    read: Counter[str] = Counter()
    for name, total in found.items():
        read[name.split("/")[0]] += total.read
        assert (total.refused, total.drift, dict(total.findings)) == (0, [], {}), name
    assert read == {
        "resins": 78,
        "items": 115,
        "machines": 11,
        "moulds": 66,
        "boms": 121,
        "orders": 129,
        "shifts": 1385,
    }


def test_real_lots_that_differ_by_blanks_are_one_and_near_ones_stay_apart() -> None:
    if FOLDER is None:
        assert load_mappings(MAPPINGS / "plant_a")[-1].skip
        return
    mapping = next(m for m in load_mappings(MAPPINGS / "plant_a") if m.feed == "shifts")
    lots: set[str] = set()
    numbers: set[str] = set()
    for path in sorted((FOLDER / "monthly").glob("*.xlsb")):
        for outcome in preview(mapping, path)[1]:
            step = outcome.drafts[-1]
            numbers.add(str(step.fields["number"]))
            lots.update({str(step.fields["resin_lot"])} if "resin_lot" in step.fields else set())
    assert len(numbers) == 1385
    assert len(lots) == 18
    assert {"G17AJ09A", "7124889", "712-4-889"} <= lots and "G1 7AJ09A" not in lots
