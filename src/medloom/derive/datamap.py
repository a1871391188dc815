"""The data map: every type and field with owner, steward, freshness, readers, retention and region."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from medloom.derive.meaning import form, owner
from medloom.kernel.entity import Declared, Lines

_HEAD = """# Data map

What is kept, who decides it, who answers for its quality and how fresh it has to be. A field without
an owner of its own has its object's. No field holds a personal value: people are opaque ids, their
names are in a vault outside the ledger.

| Type | Meaning | Owner | Steward | Fresh within | Read by | Kept | Region | Natural key |
|---|---|---|---|---|---|---|---|---|
"""
_READERS = {
    "site": "its site and the registrant",
    "network": "every site",
    "registrant": "the registrant only",
}


def data_map(types: Sequence[Declared]) -> str:
    """The whole map as text."""
    rows = "".join(_row(one) for one in types)
    return _HEAD + rows + "".join(_section(one) for one in types)


def _row(one: Declared) -> str:
    facts = one.facts
    scope = "in the network" if facts.network else "per site"
    cells = [
        f"[`{one.type}`](#{one.type})",
        _first(one),
        str(facts.owner),
        facts.steward,
        facts.fresh,
        _READERS[facts.readers],
        facts.retention,
        facts.region,
        f"{' / '.join(facts.key)}, {scope}",
    ]
    return "| " + " | ".join(cells) + " |\n"


def _first(one: Declared) -> str:
    return " ".join(inspect.getdoc(one.model).split("\n\n")[0].split())  # type: ignore[union-attr]


def _section(one: Declared) -> str:
    text = f"\n## {one.type}\n\n{inspect.getdoc(one.model)}\n\n"
    notes = [f"Operations: {', '.join(sorted(one.facts.kinds))}."]
    if one.facts.safety:
        notes.append("Safety: anyone may raise one, and it wins any race.")
    if one.facts.place:
        notes.append("An observation that names an unknown one makes a placeholder.")
    notes.append(f"Chain: {'control' if one.sheet.chain == 'c' else 'volume'}.")
    text += " ".join(notes) + "\n\n"
    text += "| Field | Name | Form and domain | Owner | Needed |\n|---|---|---|---|---|\n"
    for name, field in one.fields.items():
        needed = "yes" if name in one.required else ""
        text += f"| `{name}` | {field.verbose_name} | {form(field)} | {owner(one, name)} | {needed} |\n"
    return text + "".join(_lines(lines) for lines in one.lines.values())


def _lines(lines: Lines) -> str:
    text = f"\nLines `{lines.name}` (at most {lines.most}): {_doc(lines)}\n\n"
    text += "| Field | Name | Form and domain | Needed |\n|---|---|---|---|\n"
    for name, field in lines.fields.items():
        needed = "" if field.null or field.has_default() else "yes"
        text += f"| `{name}` | {field.verbose_name} | {form(field)} | {needed} |\n"
    return text


def _doc(lines: Lines) -> str:
    return " ".join((inspect.getdoc(lines.model) or "").split())
