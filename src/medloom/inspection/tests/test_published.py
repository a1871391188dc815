"""Mean and standard deviation against the values certified by NIST, where the files are there."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from medloom.inspection.rules import mean_and_spread
from tests.plant_files import DATA

pytestmark = pytest.mark.files

SPC = DATA / "nist_dataplot_spc"
#: Name -> certified mean and standard deviation.
CERTIFIED = {"NUMACC1": ("10000002", "1"), "NUMACC2": ("1.2", "0.1"), "NUMACC3": ("1000000.2", "0.1")}


@pytest.mark.parametrize("name", CERTIFIED)
def test_the_certified_values_are_met(name: str) -> None:
    mean, spread = (Decimal(text) for text in CERTIFIED[name])
    path = SPC / f"{name}.DAT"
    if path.is_file():
        text = path.read_text("ascii", "replace").rsplit("----", 1)[1]
        data = [Decimal(line) for line in text.split() if re.fullmatch(r"[0-9.]+", line)]
    else:
        # The same by construction: the mean, and as often a step of the deviation below and above.
        data = [mean] + [mean - spread, mean + spread] * (1 if name == "NUMACC1" else 500)
    assert len(data) in (3, 1001)
    found = mean_and_spread(data)
    assert (found[0], abs(found[1] - spread) < Decimal("1e-15")) == (mean, True)
