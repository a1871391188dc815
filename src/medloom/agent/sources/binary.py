"""Parts of a binary workbook (.xlsb, [MS-XLSB]): a sheet's extent and error cells, the sheets' names. Pure.

A part is a row of records: a kind, a size, and so many bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from medloom.formats.cells import Unreadable

#: Kinds of records: the head of a row, an error as a constant and as a formula's result, a sheet of the book.
ROW, ERROR, FORMULA_ERROR, SHEET = 0, 3, 11, 156
#: What follows of a cell before its value: column, style and flags.
CELL_BYTES = 8
ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
#: The one error that people write on purpose; a mapping's words for "missing" decide on it.
MISSING = "#N/A"


def records(content: bytes) -> Iterator[tuple[int, int, int]]:
    """(kind, first byte, size) of each record; a cut one has what is left."""
    at, end = 0, len(content)
    while at < end:
        kind, at = _varint(content, at, bytes_max=2)
        size, at = _varint(content, at, bytes_max=4)
        yield kind, at, min(size, end - at)
        at += size


def read_sheet(content: bytes) -> tuple[int, int, dict[tuple[int, int], Any]]:
    """Rows, columns, and the cells with an error: (row, column) from 0 -> what stands there."""
    rows = columns = row = 0
    found: dict[tuple[int, int], Any] = {}
    for kind, at, size in records(content):
        if kind > FORMULA_ERROR or size < 4:
            continue
        index = int.from_bytes(content[at : at + 4], "little")
        if kind == ROW:
            row, rows = index, max(rows, index + 1)
            continue
        columns = max(columns, index + 1)
        if kind in (ERROR, FORMULA_ERROR) and size > CELL_BYTES:
            word = ERRORS.get(content[at + CELL_BYTES], "an error")
            found[row, index] = word if word == MISSING else Unreadable("cell_error", "a value", word)
    return rows, columns, found


def sheets_of(book: bytes) -> Iterator[tuple[str, str]]:
    """(relation, name) of each sheet of xl/workbook.bin."""
    for kind, at, size in records(book):
        if kind == SHEET and size > CELL_BYTES:
            relation, after = _text(book, at + CELL_BYTES)
            yield relation, _text(book, after)[0]


def _text(content: bytes, at: int) -> tuple[str, int]:
    end = at + 4 + 2 * int.from_bytes(content[at : at + 4], "little")
    return content[at + 4 : end].decode("utf-16-le", "replace"), end


def _varint(content: bytes, at: int, *, bytes_max: int) -> tuple[int, int]:
    value = 0
    for shift in range(bytes_max):
        if at >= len(content):
            break
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << (7 * shift)
        if not byte & 0x80:
            break
    return value, at
