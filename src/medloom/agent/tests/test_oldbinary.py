"""Old binary workbooks, written by xlwt: an error in a cell is told, never read as empty."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import xlwt

from medloom.agent.sources.binary import ERRORS
from medloom.agent.sources.oldbinary import BOOL_OR_ERROR, FORMULA, errors, stream
from medloom.agent.sources.tables import read_table
from medloom.formats.cells import Unreadable

pytestmark = pytest.mark.files
DIVIDED = Unreadable("cell_error", "a value", "#DIV/0!")


@dataclass(frozen=True)
class Error:
    """A cell with an error, by the format's number of it."""

    code: int


def book(*sheets: tuple[str, Mapping[tuple[int, int], Any]]) -> bytes:
    """Sheets of cells by their places."""
    made = xlwt.Workbook()
    for name, cells in sheets:
        sheet = made.add_sheet(name)
        for (row, column), value in cells.items():
            if isinstance(value, Error):
                sheet.row(row).set_cell_error(column, value.code)
            else:
                sheet.write(row, column, value)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


HEAD = {(0, 0): "number", (0, 1): "made", (0, 2): "good"}


@pytest.mark.parametrize("rows", [0, 400], ids=["small", "large"])
def test_an_error_is_told_in_its_own_sheet_and_the_word_for_missing_stays(rows: int) -> None:
    cells = {**HEAD, (1, 0): 1.0, (1, 1): Error(0x07), (1, 2): 5.0}
    cells |= {(2, 0): 2.0, (2, 1): True, (2, 2): Error(0x2A)}
    more = {(row, 0): f"row {row} of a longer sheet" for row in range(3, rows)}
    data = book(("first", {(0, 0): "a", (1, 0): "b"}), ("shifts", cells | more))
    delivery = read_table("shifts.xls", data)
    assert delivery.refusal is None
    assert delivery.sheets["first"] == [["a"], ["b"]]
    assert delivery.sheets["shifts"][:3] == [
        ["number", "made", "good"],
        [1.0, DIVIDED, 5.0],
        [2.0, True, "#N/A"],
    ]


def test_every_error_has_its_word_and_one_at_the_edge_is_not_lost() -> None:
    known = [code for code in sorted(ERRORS) if code <= 0x2A]  # 0x2B came later than this format
    data = book(("s", {**HEAD, **{(row + 1, 4): Error(code) for row, code in enumerate(known)}}))
    told = [row[4] for row in read_table("s.xls", data).sheets["s"][1:]]
    assert [each if isinstance(each, str) else each.got for each in told] == [ERRORS[c] for c in known]


def test_a_formula_whose_result_is_an_error() -> None:
    """xlwt computes nothing: the result of its formula is set by hand, as a spreadsheet program leaves it."""
    data = book(("s", {**HEAD, (1, 0): xlwt.Formula("1/0"), (1, 1): 3.0, (1, 2): 4.0}))
    at = next(
        place
        for place in range(len(data))
        if data[place : place + 2] == struct.pack("<H", FORMULA)
        and data[place + 4 : place + 8] == struct.pack("<HH", 1, 0)
    )
    result = bytes([2, 0, 0x07, 0, 0, 0, 0xFF, 0xFF])
    data = data[: at + 10] + result + data[at + 18 :]
    assert read_table("s.xls", data).sheets["s"][1] == [DIVIDED, 3.0, 4.0]


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def test_what_a_chart_within_a_sheet_keeps_is_no_cell() -> None:
    bad = record(BOOL_OR_ERROR, struct.pack("<3HBB", 1, 1, 0, 0x07, 1))
    chart = record(0x0809, bytes(16)) + bad + record(0x000A)
    sheet = record(0x0809, bytes(16)) + chart + bad.replace(b"\x01\x00\x01", b"\x02\x00\x01") + record(0x000A)
    assert errors(sheet, 0) == {(2, 1): DIVIDED}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:30] + b"\x1f\x00" + data[32:],
        lambda data: data[:48] + b"\x00\xff\xff\x0f" + data[52:],
        lambda data: data[:76] + b"\xff" * 436 + data[512:],
    ],
    ids=["cut", "sector", "folder", "no table"],
)
def test_a_broken_file_is_refused_and_never_raises(spoil: Callable[[bytes], bytes]) -> None:
    data = spoil(book(("s", {**HEAD, (1, 1): Error(0x07)})))
    assert read_table("s.xls", data).refusal is not None


def test_a_circle_of_sectors_ends() -> None:
    data = book(("s", HEAD))
    (table,) = struct.unpack_from("<I", data, 76)
    at = (table + 1) * 512
    (folder,) = struct.unpack_from("<I", data, 48)
    place = at + 4 * folder
    assert stream(data[:place] + struct.pack("<I", folder) + data[place + 4 :]) == stream(data)
