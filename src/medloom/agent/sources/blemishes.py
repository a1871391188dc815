"""Cells of a workbook that its reader would give as empty: errors, and formulas that nobody computed. Pure.

A formula whose sheet no longer finds its value shows `#REF!`, and one that a program wrote has no value until
a spreadsheet program has saved it. Taken as empty, either would be a value lost in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from medloom.agent.sources.binary import MISSING, sheets_of
from medloom.formats.cells import Unreadable
from medloom.formats.markup import parse_xml
from medloom.wire.verdict import FileRefused

#: Where a workbook says what its sheets are called: of .xlsx and .xlsb, the book and its relations.
BOOKS = ("xl/workbook.xml", "xl/workbook.bin", "xl/_rels/workbook.xml.rels", "xl/_rels/workbook.bin.rels")
#: (row, column) from 0 -> what stands there instead of nothing.
Blemishes = dict[tuple[int, int], Any]

_SUSPECT = re.compile(rb"""\bt\s*=\s*["']e["']|<(?:[\w.-]+:)?f[\s/>]""")
_CELL = re.compile(rb"<(?:[\w.-]+:)?c\s([^<>]*[^<>/])>(.*?)</(?:[\w.-]+:)?c>", re.DOTALL)
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")
_TYPE = re.compile(rb"""\bt\s*=\s*["'](\w+)["']""")
_VALUE = re.compile(rb"<(?:[\w.-]+:)?v\b[^<>]*>([^<]*)<")
_FORMULA = re.compile(rb"<(?:[\w.-]+:)?f\b[^<>]*>([^<]*)<|<(?:[\w.-]+:)?f\b[^<>]*/>")


def blemishes_of(sheet: bytes) -> Blemishes:
    """Those of one sheet's XML. Raises FileRefused for one whose place cannot be read."""
    if not _SUSPECT.search(sheet):
        return {}
    found: Blemishes = {}
    for cell in _CELL.finditer(sheet):
        value = _instead(cell[1], cell[2])
        if value is None:
            continue
        place = _PLACE.search(cell[1])
        if place is None:
            got = ascii(cell[1])[:80]
            raise FileRefused("file_broken", expected="a cell's place such as B7", got=got)
        column = 0
        for letter in place[1]:
            column = column * 26 + letter - 64
        found[int(place[2]) - 1, column - 1] = value
    return found


def _instead(attributes: bytes, body: bytes) -> Any:
    """What stands in a cell that would be read as empty; None for any other."""
    type_ = found[1] if (found := _TYPE.search(attributes)) else b""
    value = found[1].strip().decode("utf-8", "replace") if (found := _VALUE.search(body)) else ""
    if type_ == b"e":
        return MISSING if value == MISSING else Unreadable("cell_error", "a value", value or "an error")
    formula = _FORMULA.search(body)
    # Of a text, nothing is a result too.
    if formula is None or value or type_ in (b"str", b"inlineStr"):
        return None
    text = (formula[1] or b"").decode("utf-8", "replace")[:80]
    return Unreadable(
        "cell_error", "a computed formula: open the file in its program and save it", f"={text}"
    )


def by_sheet(found: Mapping[str, Blemishes], described: Mapping[str, bytes]) -> dict[str, Blemishes]:
    """The same by the sheets' names; `found` is by their parts in lower case (xl/worksheets/sheet1.xml).

    `described`: the parts named in BOOKS, those of the other format empty.
    """
    parts: dict[str, str] = {}
    named: dict[str, str] = {}
    for relations in filter(None, (described[name] for name in BOOKS[2:])):
        parts |= {
            str(each.get("Id")): f"xl/{str(each.get('Target')).lower()}".replace("xl//xl/", "xl/")
            for each in parse_xml(relations).iter("{*}Relationship")
        }
    if described[BOOKS[0]]:
        for sheet in parse_xml(described[BOOKS[0]]).iter("{*}sheet"):
            id_ = next((str(v) for k, v in sheet.attrib.items() if etree.QName(k).localname == "id"), "")
            named[parts.get(id_, "")] = str(sheet.get("name"))
    for id_, name in sheets_of(described[BOOKS[1]]):
        named[parts.get(id_, "")] = name
    if unknown := sorted(found.keys() - named.keys()):
        raise FileRefused("file_broken", expected="a name for every sheet", got=unknown[0])
    return {named[part]: each for part, each in found.items()}


def shown(rows: list[list[Any]], blemishes: Blemishes) -> list[list[Any]]:
    """The sheet with what stands in those cells; they may lie beyond what its reader gave."""
    for (row, column), value in blemishes.items():
        while len(rows) <= row:
            rows.append([])
        rows[row] += [""] * (column + 1 - len(rows[row]))
        rows[row][column] = value
    return rows
