"""Whether a workbook may be opened at all: its members are counted while they inflate, its sheets measured.

One cell in the last corner of a sheet makes a reader allocate the whole sheet, and one long text that a
million cells refer to is copied into each; that and an archive that inflates or lies (`formats.archive`) are
refused before the workbook reaches its reader (ASVS 5.2.3).
"""

from __future__ import annotations

import re
from itertools import pairwise

from medloom.agent.sources.binary import read_sheet
from medloom.agent.sources.blemishes import BOOKS, Blemishes, blemishes_of, by_sheet
from medloom.formats.archive import INFLATED_BYTES_MAX as INFLATED_BYTES_MAX
from medloom.formats.archive import read_members
from medloom.wire.verdict import FileRefused

ROWS_MAX = 200_000
COLUMNS_MAX = 1_000
CELLS_MAX = 4_000_000
#: What all cells hold together, a text once for each cell that refers to it.
TEXT_BYTES_MAX = 256 * 1024 * 1024

#: Attributes as any XML reader takes them: either quote, any blanks, a `>` inside a value.
_ROW = re.compile(rb"""<(?:[\w.-]+:)?row\s[^<]*?\br\s*=\s*["']([^"'<]{0,20})["']""")
_CELL = re.compile(rb"""<(?:[\w.-]+:)?c\s[^<]*?\br\s*=\s*["']([^"'<]{0,20})["']""")
_PLACE = re.compile(rb"([A-Z]{1,3})(\d{1,7})")
_SHARED = re.compile(rb"<(?:[\w.-]+:)?si(?=[\s/>])")
_REFERS = re.compile(
    rb"""<(?:[\w.-]+:)?c\s[^<>]*?\bt\s*=\s*["']s["'][^<>]*>\s*<(?:[\w.-]+:)?v\s*>\s*(\d{1,9})\s*<"""
)
_PART = re.compile(rb"<(?:[\w.-]+:)?(row|c)(?=[\s/>])")


def check_workbook(data: bytes) -> dict[str, Blemishes]:
    """Refuse a zipped workbook (.xlsx, .xlsb) that is broken, encrypted, or too large when inflated.

    Returns sheet -> cells that would be read as empty and are not.
    """
    found, texts, referring, described = (
        {},
        [0],
        0,
        dict.fromkeys(BOOKS, b""),
    )
    for written, content in read_members(data):
        name = written.lower()
        _check_sheet(name, content)
        if name in described:
            described[name] = content
        elif name == "xl/sharedstrings.xml":
            texts = _text_sizes(content)
        elif "worksheets/" in name and name.endswith(".xml"):
            referring += content.count(b'"s"') + content.count(b"'s'")
            if blemishes := blemishes_of(content):
                found[name] = blemishes
        elif "worksheets/" in name and name.endswith(".bin") and (blemishes := read_sheet(content)[2]):
            found[name] = blemishes
    if referring * max(texts) > TEXT_BYTES_MAX:
        _check_texts(data, texts)
    return by_sheet(found, described) if found else {}


def _text_sizes(content: bytes) -> list[int]:
    """The sizes of the shared texts, in bytes."""
    starts = [each.start() for each in _SHARED.finditer(content)]
    return [end - start for start, end in pairwise([*starts, len(content)])] or [0]


def _check_texts(data: bytes, texts: list[int]) -> None:
    """Add up what the cells refer to, cell by cell."""
    size = 0
    for name, content in read_members(data):
        if "worksheets/" not in name.lower() or not name.lower().endswith(".xml"):
            continue
        for each in _REFERS.finditer(content):
            size += texts[int(each[1])] if int(each[1]) < len(texts) else 0
            if size > TEXT_BYTES_MAX:
                raise FileRefused(
                    "file_inflates", expected=f"<= {TEXT_BYTES_MAX} bytes of text in all cells", got="more"
                )


def _check_sheet(name: str, content: bytes) -> None:
    if name.endswith((".xml", ".rels")) and b"<!DOCTYPE" in content:
        raise FileRefused("file_doctype", expected="no document type or entities", got=name)
    if "worksheets/" not in name:
        return
    if name.endswith(".xml"):
        extent = _extent_xml(content, name)
    elif name.endswith(".bin") and "binaryindex" not in name:
        extent = read_sheet(content)[:2]
    else:
        return
    rows, columns = extent
    if rows > ROWS_MAX or columns > COLUMNS_MAX or rows * columns > CELLS_MAX:
        raise FileRefused(
            "sheet_too_large",
            expected=f"<= {ROWS_MAX} rows, {COLUMNS_MAX} columns, {CELLS_MAX} cells",
            got=f"{rows} x {columns} in {name}",
        )


def _extent_xml(content: bytes, name: str) -> tuple[int, int]:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in content[:64]:
        raise FileRefused("file_broken", expected="a sheet in UTF-8", got=name)
    places = _CELL.findall(content)
    rows = columns = 0
    for place in set(places):
        found = _PLACE.fullmatch(place)
        if found is None:
            raise FileRefused("file_broken", expected="a cell's place such as B7", got=ascii(place)[:80])
        rows = max(rows, int(found[2]))
        column = 0
        for letter in found[1]:
            column = column * 26 + letter - 64
        columns = max(columns, column)
    for number in _ROW.findall(content):
        rows = max(rows, int(number) if number.isdigit() else ROWS_MAX + 1)
    parts = _PART.findall(content)
    if parts.count(b"c") > len(places):  # cells without a place stand one after the other
        counted, widest = 0, 0
        for part in parts:
            counted = 0 if part == b"row" else counted + 1
            widest = max(widest, counted)
        rows, columns = max(rows, parts.count(b"row")), max(columns, widest)
    return rows, columns
