"""Objects as the doors show them: values in their wire form, references by natural key.

The number of statements does not depend on the number of rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from medloom.derive.rest import ROOT
from medloom.interfaces.api.problem import Problem
from medloom.kernel import queries
from medloom.kernel.cursor import open_cursor
from medloom.kernel.entity import Declared, catalogue
from medloom.kernel.parts import standing_lines


def address(declared: Declared, row: Any) -> str:
    """Where the object is."""
    return f"{ROOT}/{declared.type}/{row.object}"


def keys_by_type(wanted: dict[str, set[int]]) -> dict[str, dict[int, str]]:
    """Type -> internal number -> natural key, of those that the caller may see; one statement a type."""
    with open_cursor() as cursor:
        return {
            t: queries.keys_of(cursor, catalogue()[t], sorted(nums)) for t, nums in wanted.items() if nums
        }


def _wanted(declared: Declared, rows: Iterable[Any], names: Collection[str]) -> dict[str, set[int]]:
    wanted: dict[str, set[int]] = {}
    for name, ref in declared.refs.items():
        if name in names:
            nums = {num for row in rows if (num := getattr(row, declared.fields[name].attname)) is not None}
            wanted.setdefault(ref.type, set()).update(nums)
    return wanted


def shown(
    declared: Declared, rows: Sequence[Any], *, names: Collection[str] | None = None
) -> list[dict[str, Any]]:
    """Each row with its declared values; `names` are the fields asked for, lists only where named."""
    fields = [n for n in declared.fields if names is None or n in names]
    keys = keys_by_type(_wanted(declared, rows, fields))
    lines: dict[int, dict[str, Any]] = {}
    if declared.lines and names is not None and any(name in names for name in declared.lines):
        with open_cursor() as cursor:
            lines = standing_lines(cursor, declared, [row.num for row in rows], catalogue())
    found = []
    for row in rows:
        values: dict[str, Any] = {}
        for name in fields:
            field = declared.fields[name]
            raw = getattr(row, field.attname)
            ref = declared.refs.get(name)
            values[name] = field.wire(raw) if ref is None else keys.get(ref.type, {}).get(raw)
        values |= {n: part for n, part in lines.get(row.num, {}).items() if names and n in names}
        found.append({**head(declared, row), "fields": values})
    return found


def head(declared: Declared, row: Any) -> dict[str, Any]:
    """What every object has, whatever its type."""
    found: dict[str, Any] = {
        "id": str(row.object),
        "type": declared.type,
        "site": row.site,
        "key": row.key,
        "version": row.version,
        "entry": row.entry,
        "placeholder": row.placeholder,
        "voided": row.voided,
        "href": address(declared, row),
    }
    if declared.facts.lifecycle is not None:
        found["state"] = row.state
    return found


def row_of(declared: Declared, name: str, *, site: str | None = None) -> Any:
    """The object of that id or natural key, if the caller sees it; call it inside `caller.seeing()`.

    Raises Problem 404: another party's object looks like none; 409 when several sites have the key.
    """
    rows = declared.model._default_manager
    if "\x00" in name or len(name) > 200:
        raise Problem(404, "object_unknown", path="/id")
    try:
        found = list(rows.filter(object=uuid.UUID(name))) if len(name) == 36 else []
    except ValueError:
        found = []
    if not found:
        found = list(rows.filter(key=name, **({"site": site} if site is not None else {}))[:20])
    if len(found) > 1:
        sites = ", ".join(sorted(row.site for row in found))
        raise Problem(409, "key_ambiguous", path="?site", expected=sites, got=name)
    if not found:
        raise Problem(404, "object_unknown", path="/id", got=name)
    return found[0]
