"""From a file's bytes to cells: .xlsx, .xlsb, .xls through python-calamine, .csv in UTF-8 and GBK, QIF."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import python_calamine

from medloom.agent.sources import blemishes, oldbinary
from medloom.agent.sources.archive import CELLS_MAX, COLUMNS_MAX, ROWS_MAX, check_workbook
from medloom.agent.sources.rows import Delivery, FileRefused
from medloom.formats.qif import read_qif
from medloom.formats.qif_tables import tables

FILE_BYTES_MAX = 64 * 1024 * 1024
#: A sheet of the old format is a dense 65,536 x 256 at most, so its file size is the only limit needed.
XLS_BYTES_MAX = 16 * 1024 * 1024
SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".csv", ".qif")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def read_table(name: str, data: bytes) -> Delivery:
    """Every sheet of the file. Never raises for what the file holds: a refusal is part of the delivery."""
    digest = hashlib.sha256(data).hexdigest()
    try:
        sheets = _sheets(name, data, digest)
    except FileRefused as refused:
        return Delivery(name=name, digest=digest, size_bytes=len(data), refusal=refused.refusal)
    return Delivery(name=name, digest=digest, size_bytes=len(data), sheets=sheets)


def _sheets(name: str, data: bytes, digest: str) -> dict[str, list[list[Any]]]:
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise FileRefused("file_format", expected="|".join(SUFFIXES), got=suffix or "no suffix")
    if not data:
        raise FileRefused("file_empty", expected="a header row", got="0 bytes")
    if len(data) > FILE_BYTES_MAX:
        raise FileRefused("file_too_large", expected=f"<= {FILE_BYTES_MAX} bytes", got=str(len(data)))
    if suffix == ".qif":
        return tables(read_qif(data), name=PurePath(name).name, digest=digest)
    if suffix == ".csv":
        return {"csv": read_csv(data)}
    # The content decides, not the suffix: exports named .xls are often zipped workbooks or plain text.
    if data.startswith(_ZIP):
        return _read_workbook(data, check_workbook(data))
    if data.startswith(_OLE):
        if len(data) > XLS_BYTES_MAX:
            raise FileRefused("file_too_large", expected=f"<= {XLS_BYTES_MAX} bytes", got=str(len(data)))
        return _read_workbook(data, None)
    raise FileRefused("file_broken", expected="a workbook", got=data[:16].hex())


def _read_workbook(
    data: bytes, blemished: Mapping[str, blemishes.Blemishes] | None
) -> dict[str, list[list[Any]]]:
    """Its sheets. `blemished`: cells that would read as empty, by sheet; None for the old format."""
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = {
            sheet: book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
            for sheet in book.sheet_names
            if _is_worksheet(book, sheet)
        }
    except python_calamine.PasswordError as error:
        raise FileRefused("file_encrypted", expected="a workbook without password", got=str(error)) from error
    except (python_calamine.CalamineError, ValueError, OSError) as error:
        raise FileRefused("file_broken", expected="a complete workbook", got=str(error)[:200]) from error
    except BaseException as error:
        # What its reader did not foresee (seen: an .xls without a sector table) is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise FileRefused("file_broken", expected="a complete workbook", got=str(error)[:200]) from None
    if blemished is None:
        blemished = oldbinary.errors_by_sheet(data, book.sheet_names)
    return {name: blemishes.shown(rows, blemished.get(name, {})) for name, rows in sheets.items()}


def _is_worksheet(book: python_calamine.CalamineWorkbook, sheet: str) -> bool:
    kinds = {found.name: found.typ for found in book.sheets_metadata}
    return kinds.get(sheet) == python_calamine.SheetTypeEnum.WorkSheet


def decode(data: bytes) -> str:
    """The text of a .csv: by its byte order mark, else UTF-8, else GB 18030 (which contains GBK)."""
    encodings = [name for mark, name in _MARKS if data.startswith(mark)] or ["utf-8", "gb18030"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise FileRefused("text_encoding", expected="UTF-8 or GBK text", got=data[:16].hex())


def read_csv(data: bytes) -> list[list[Any]]:
    """Cells of a .csv; the separator (, ; or tab) is the most frequent one of the first line."""
    text = decode(data)
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    _check_width(text, separator)
    rows: list[list[Any]] = []
    cells = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            rows.append(row)
            cells += len(row)
            if len(row) > COLUMNS_MAX or len(rows) > ROWS_MAX or cells > CELLS_MAX:
                raise FileRefused(
                    "sheet_too_large",
                    expected=f"<= {ROWS_MAX} rows, {COLUMNS_MAX} columns, {CELLS_MAX} cells",
                    got=f"row {len(rows)} with {len(row)} columns",
                )
    except csv.Error as error:
        raise FileRefused(
            "file_broken", expected="closed quotes", got=f"row {len(rows) + 1}: {error}"
        ) from error
    return rows


def _check_width(text: str, separator: str) -> None:
    """Refuse a line of too many columns before it is taken apart: each of a million would be an object."""
    if all(line.count(separator) < COLUMNS_MAX for line in io.StringIO(text)):
        return
    columns = 1
    for number, part in enumerate(text.split('"')):
        if number % 2:
            continue  # inside quotes: separators are words there
        for at, line in enumerate(part.split("\n")):
            columns = (1 if at else columns) + line.count(separator)
            if columns > COLUMNS_MAX:
                raise FileRefused(
                    "sheet_too_large",
                    expected=f"<= {COLUMNS_MAX} columns",
                    got=f"a line with {columns} or more",
                )
