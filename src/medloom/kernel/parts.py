"""The lists inside objects: what of them stands now, in the form that operations carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medloom.kernel import queries
from medloom.kernel.entity import Declared


def standing_lines(
    cursor: Any, declared: Declared, nums: Sequence[int], types: Mapping[str, Declared]
) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """Internal number -> list name -> the lines that stand, in order; every list, empty ones too."""
    found: dict[int, dict[str, list[dict[str, Any]]]] = {
        n: {name: [] for name in declared.lines} for n in nums
    }
    if not nums:
        return found
    for name, lines in declared.lines.items():
        columns = tuple(field.column for field in lines.fields.values())
        rows = queries.lines_of(cursor, lines.table, lines.parent, columns, list(nums))
        keys = {
            ref.name: queries.keys_of(
                cursor, types[ref.type], [n for r in rows if (n := r[lines.fields[ref.name].column])]
            )
            for ref in lines.refs
        }
        for row in rows:
            line = {}
            for field_name, field in lines.fields.items():
                raw = row[field.column]
                value = keys[field_name].get(raw) if field_name in keys else field.wire(raw)
                if value is not None:
                    line[field_name] = value
            found[row["parent"]][name].append(line)
    return found
