"""What every source delivers: rows with their original cells, or the reason why there are none."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from medloom.wire.verdict import FileRefused as FileRefused
from medloom.wire.verdict import Refusal


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the source holds it. `at` is where a person finds it again (`file#sheet!row`)."""

    at: str
    cells: dict[str, Any]


@dataclass(frozen=True)
class Delivery:
    """One file, sheet by sheet, or the refusal of the whole file.

    digest  SHA-256 of the file's bytes, hex
    sheets  sheet name -> rows of cells, from the first row of the sheet on
    """

    name: str
    digest: str
    size_bytes: int
    sheets: dict[str, list[list[Any]]] = field(default_factory=dict)
    refusal: Refusal | None = None


def original_text(value: Any) -> str:
    """The text by which an original cell is hashed and shown, the same from every file format.

    A whole number reads the same from .xlsb (a float), .xlsx and .csv, so that a change of format
    is no change of content.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        midnight = value.time() == time(0) and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} s"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def told(text: str) -> str:
    """The text as an operation can carry it: NFC as it is, anything else with its characters spelled out."""
    try:
        sound = "\x00" not in text and unicodedata.is_normalized("NFC", text) and text.encode() is not None
    except UnicodeEncodeError:
        sound = False
    return text if sound else text.encode("unicode_escape", "surrogatepass").decode("ascii")


def is_blank(value: Any) -> bool:
    """Whether the cell holds nothing at all, not even a word that means missing."""
    return value is None or (isinstance(value, str) and not value.strip())


def numbered(sheet: list[list[Any]], *, header_row: int) -> Iterator[tuple[int, list[Any]]]:
    """The rows below the header with their row numbers as a spreadsheet shows them; blank rows are none."""
    for number, cells in enumerate(sheet[header_row:], start=header_row + 1):
        if not all(is_blank(cell) for cell in cells):
            yield number, cells
