"""The symbol of a UDI is one that GS1 knows, whatever stands in it."""

from __future__ import annotations

import numpy as np
import pytest
import zxingcpp

from medloom.interfaces.web.carrier import modules_of

pytestmark = pytest.mark.pure

#: Sides of the square ECC 200 symbols that a UDI of at most 78 characters may need (ISO/IEC 16022, table 7).
SIDES = {10, 12, 14, 16, 18, 20, 22, 24, 26, 32}


@pytest.mark.parametrize("letters", range(1, 41))
def test_every_length_of_lot_and_serial_is_a_square_that_is_read_back(letters: int) -> None:
    lot, serial = "A7" * 20, "00Z3" * 10
    told = [f"(10){lot[: min(letters, 20)]}", f"(21){serial[: letters - 20]}" if letters > 20 else ""]
    text = f"(01)09506000134352(11)261111(17)281130{''.join(told)}"
    rows = modules_of(text)
    quiet = 1  # a light module on every side
    assert len(rows) == len(rows[0])
    assert len(rows) - 2 * quiet in SIDES
    picture = np.kron(np.where(np.array(rows), 0, 255).astype(np.uint8), np.ones((4, 4), dtype=np.uint8))
    (read,) = zxingcpp.read_barcodes(np.pad(picture, 20, constant_values=255))
    assert read.text.replace("(", "").replace(")", "") == text.replace("(", "").replace(")", "")
