"""References by another party's name, turned into the name that their object has at the site.

Once per batch and type, and only for names that nothing has: an object's own name always comes first. The
author's bytes stay as they are; the entry says beside them what the name was taken for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from medloom.kernel.case import Case
from medloom.wire.verdict import Finding

if TYPE_CHECKING:
    from medloom.kernel.batch import Batch

What = tuple[str, str, str]


def rename(cursor: Any, batch: Batch, cases: Sequence[Case]) -> list[Case]:
    """Rename what the batch refers to by another's name; returns the operations it changed."""
    known_as = batch.wiring.aliases
    unknown = {
        what for c in cases for _, what in c.wants if what[0] in known_as and batch.number(what) is None
    }
    unknown -= {(c.declared.type, c.home, c.key) for c in cases if c.declared is not None and c.key}
    if not unknown:
        return []
    names: dict[What, tuple[str, ...]] = {}
    for target in sorted({what[0] for what in unknown}):
        pairs = sorted((site, key) for type_, site, key in unknown if type_ == target)
        for (site, key), found in known_as[target].find(cursor, pairs).items():
            names[target, site, key] = found
    return [case for case in cases if names and _rename_one(case, names)]


def _rename_one(case: Case, names: dict[What, tuple[str, ...]]) -> bool:
    changed = False
    for index, (name, what) in enumerate(case.wants):
        found = names.get(what, ())
        if len(found) > 1:
            expected = "|".join(found[:5])
            case.findings.append(Finding("alias_ambiguous", f"/fields/{name}", expected, what[2]))
        elif found and case.declared is not None and name not in case.declared.facts.key:
            case.wants[index] = (name, (what[0], what[1], found[0]))
            _put(case, name, what, found[0])
            changed = True
    return changed


def _put(case: Case, name: str, what: What, own: str) -> None:
    """The object's own name in place of the other one, for rules and for what is written."""
    assert case.operation is not None and case.declared is not None
    if name in case.lines:
        fields = {r.name for r in case.declared.lines[name].refs if r.type == what[0]}
        case.lines[name] = value = [_renamed(row, fields, what[2], own) for row in case.lines[name]]
    else:
        case.fields[name] = value = own  # type: ignore[assignment]
    case.operation = msgspec.structs.replace(case.operation, fields={**case.operation.fields, name: value})


def _renamed(row: dict[str, Any], fields: set[str], key: str, own: str) -> dict[str, Any]:
    return {n: own if n in fields and v == key else v for n, v in row.items()}


def named_by(batch: Batch) -> set[What]:
    """What has a name since this round: parked operations may have waited for it."""
    return {
        (target, case.home, str(case.fields[alias.field]))
        for target, alias in batch.wiring.aliases.items()
        for case in batch.cases
        if not case.refused and case.declared is not None and case.declared.type == alias.type
        if case.fields.get(alias.field) is not None
    }
