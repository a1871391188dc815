"""The header of a sheet: where each column stands, and how the sheet has drifted from its mapping. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from medloom.agent import declaration
from medloom.agent.sources.rows import is_blank, original_text
from medloom.wire.verdict import Finding, Refusal

HEADER_SEARCH_ROWS = 20


@dataclass(frozen=True)
class Header:
    """Where each known column stands in a sheet, and how the sheet differs from the mapping."""

    row: int
    columns: Mapping[str, int]
    drift: tuple[Finding, ...] = ()


def _spelling(name: Any) -> str:
    """A header as it is compared: without case, blanks and marks. A unit in brackets stays part of it."""
    return re.sub(r"[\W_]+", "", original_text(name).casefold())


def columns_of(mapping: declaration.Mapping) -> tuple[set[str], set[str]]:
    """Columns the mapping reads, and among them those without which no row can be understood."""
    used: set[str] = set()
    needed: set[str] = set()
    for record in mapping.records:
        used.update(record.key, record.when, record.unless, (record.at,) if record.at else ())
        for rule in _flat(record.fields):
            used.update(rule.columns, (rule.column,) if rule.column else ())
            if rule.required and rule.column:
                needed.add(rule.column)
    return used, needed


def _flat(fields: Mapping[str, declaration.Field]) -> Iterator[declaration.Field]:
    for rule in fields.values():
        yield rule
        for member in rule.members:
            yield from _flat(member.fields)
        inner = (*rule.of, *((rule.instead,) if rule.instead else ()))
        yield from _flat({str(n): each for n, each in enumerate(inner)})


def find_header(mapping: declaration.Mapping, cells: list[list[Any]]) -> Header | Refusal:
    """Find the header: the declared row, or the first of 20 that has every needed column."""
    used, needed = columns_of(mapping)
    declared = mapping.match.header
    rows = [declared] if declared else range(1, min(HEADER_SEARCH_ROWS, len(cells)) + 1)
    best: tuple[int, dict[str, int]] = (0, {})
    for number in rows:
        columns = _locate(mapping, cells[number - 1], used) if number <= len(cells) else {}
        if len(columns) > len(best[1]):
            best = (number, columns)
        if needed <= set(columns) and columns:
            return Header(number, columns, _drift(mapping, cells[number - 1], columns, used))
    absent = sorted(needed - set(best[1])) or sorted(used)
    got = ", ".join(original_text(cell) for cell in cells[max(best[0], 1) - 1]) if cells else ""
    return Refusal("column_missing", f"/{absent[0]}", ", ".join(absent), got[:500])


def _locate(mapping: declaration.Mapping, cells: list[Any], used: set[str]) -> dict[str, int]:
    spelled: dict[str, int] = {}
    for index, cell in enumerate(cells):
        spelled.setdefault(_spelling(cell), index)
    found = {}
    for column in used:
        for name in (column, *mapping.aliases.get(column, ())):
            if _spelling(name) and _spelling(name) in spelled:
                found[column] = spelled[_spelling(name)]
                break
    return found


def _drift(
    mapping: declaration.Mapping, cells: list[Any], columns: Mapping[str, int], used: set[str]
) -> tuple[Finding, ...]:
    taken = set(columns.values())
    ignored = {_spelling(name) for name in mapping.ignored}
    fresh = [
        Finding("column_new", f"/{original_text(cell)}", "a mapped or ignored column", original_text(cell))
        for index, cell in enumerate(cells)
        if index not in taken and not is_blank(cell) and _spelling(cell) not in ignored
    ]
    gone = [Finding("column_gone", f"/{name}", name, "") for name in sorted(used - set(columns))]
    return (*fresh, *gone)
