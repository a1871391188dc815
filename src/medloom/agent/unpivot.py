"""Sheets with one column for each part: every filled cell becomes a row of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from medloom.agent.sources.rows import is_blank, original_text
from medloom.formats.qif_tables import code_of


class Unpivot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a wide sheet is read.

    keep   columns that stay: they say what was measured
    leave  columns that are neither kept nor measured values: means, counts
    name   column that takes the header of each other column (the part), `value` its cell,
           `position` its place among them, from 1
    group  column that takes the heading above the rows: a row that holds no value in any part's column

    The column `title` takes heading and first kept column, joined by "/", once where they are the same;
    `code` is the same as a part of other names.
    """

    keep: tuple[str, ...]
    name: str
    value: str
    position: str = "position"
    group: str = "group"
    leave: tuple[str, ...] = ()


def unpivoted(cells: list[list[Any]], rule: Unpivot) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place in the sheet, cells by name) of every filled cell below the header; nothing without a header."""
    header = next((n for n, row in enumerate(cells) if set(rule.keep) <= {_word(c) for c in row}), None)
    if header is None:
        return
    names = [_word(cell) for cell in cells[header]]
    kept = {name: names.index(name) for name in rule.keep}
    parts = [n for n, name in enumerate(names) if name and name not in rule.keep and name not in rule.leave]
    group = ""
    for number, row in enumerate(cells[header + 1 :], header + 2):
        filled = [n for n in parts if n < len(row) and not is_blank(row[n])]
        first = row[kept[rule.keep[0]]] if kept[rule.keep[0]] < len(row) else None
        if not filled:
            group = _word(first) or group
            continue
        for position, column in enumerate(parts, 1):
            if column in filled:
                found = {name: row[at] if at < len(row) else None for name, at in kept.items()}
                found |= {rule.group: group, rule.name: names[column], rule.value: row[column]}
                title = group if group == _word(first) or not group else f"{group}/{_word(first)}"
                title = title or _word(first)
                found |= {rule.position: position, "title": title, "code": code_of(title)}
                yield f"{number}:{column + 1}", found


def _word(cell: Any) -> str:
    return original_text(cell).strip()
