"""Binary workbooks: an error in a cell is told, never read as empty."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from medloom.agent.sources.binary import ERROR, FORMULA_ERROR, ROW, SHEET, read_sheet, records
from medloom.agent.sources.tables import read_table
from medloom.formats.cells import Unreadable

pytestmark = pytest.mark.files
KINDS = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NUMBER, TEXT, BEGIN_SHEET, BEGIN_DATA, END_DATA, END_SHEET = 5, 6, 129, 145, 146, 130
BEGIN_BOOK, END_BOOK, BEGIN_SHEETS, END_SHEETS, EXTENT = 131, 132, 143, 144, 148


def record(kind: int, body: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return head + bytes([len(body)]) + body


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode("utf-16-le")


def cell(column: int, value: str | float | int) -> bytes:
    """A number, a text, or the code of an error: as a constant from 0, as a formula's result from 256."""
    head = struct.pack("<II", column, 0)
    if isinstance(value, str):
        return record(TEXT, head + text(value))
    if isinstance(value, float):
        return record(NUMBER, head + struct.pack("<d", value))
    kind = ERROR if value < 256 else FORMULA_ERROR
    return record(kind, head + bytes([value % 256]) + (b"" if kind == ERROR else bytes(10)))


def sheet(*rows: list[str | float | int]) -> bytes:
    extent = struct.pack("<4I", 0, len(rows) - 1, 0, max(map(len, rows)) - 1)
    body = record(BEGIN_SHEET) + record(EXTENT, extent) + record(BEGIN_DATA)
    for number, row in enumerate(rows):
        body += record(ROW, struct.pack("<I", number) + bytes(13))
        body += b"".join(cell(column, value) for column, value in enumerate(row))
    return body + record(END_DATA) + record(END_SHEET)


def book(content: bytes, name: str = "shifts") -> bytes:
    described = record(SHEET, struct.pack("<II", 0, 1) + text("rId1") + text(name))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{KINDS}/content-types"><Default Extension="bin"'
        ' ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{KINDS}/relationships"><Relationship Id="rId1"'
        f' Type="{OFFICE}/officeDocument" Target="xl/workbook.bin"/></Relationships>',
        "xl/workbook.bin": record(BEGIN_BOOK)
        + record(BEGIN_SHEETS)
        + described
        + record(END_SHEETS)
        + record(END_BOOK),
        "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{KINDS}/relationships"><Relationship Id="rId1"'
        f' Type="{OFFICE}/worksheet" Target="worksheets/sheet1.bin"/></Relationships>',
        "xl/worksheets/sheet1.bin": content,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def test_an_error_of_a_binary_workbook_is_told_and_the_word_for_missing_stays() -> None:
    content = sheet(["number", "made", "good"], [1.0, 0x07, 5.0], [2.0, 256 + 0x17, 0x2A])
    delivery = read_table("shifts.xlsb", book(content))
    assert delivery.refusal is None
    assert delivery.sheets["shifts"] == [
        ["number", "made", "good"],
        [1.0, Unreadable("cell_error", "a value", "#DIV/0!"), 5.0],
        [2.0, Unreadable("cell_error", "a value", "#REF!"), "#N/A"],
    ]


def test_a_sheet_without_errors_has_none_and_its_extent() -> None:
    assert read_sheet(sheet(["a"], ["b", 1.0])) == (2, 2, {})


def test_a_cut_sheet_ends_and_an_error_in_a_sheet_that_the_book_does_not_name_is_refused() -> None:
    content = sheet(["a", 0x07])
    for cut in range(len(content)):
        part = content[:cut]
        assert all(at + size <= cut for _, at, size in records(part))
        rows, columns, errors = read_sheet(part)
        assert (rows, columns) <= (1, 2) and len(errors) <= 1
    delivery = read_table("a.xlsb", _renamed(book(content)))
    assert delivery.refusal is not None and delivery.refusal.code == "file_broken"


def _renamed(data: bytes) -> bytes:
    """The same workbook whose sheet lies under another name than the book says."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as was, zipfile.ZipFile(out, "w") as archive:
        for name in was.namelist():
            archive.writestr(name.replace("sheet1.bin", "sheet9.bin"), was.read(name))
    return out.getvalue()
