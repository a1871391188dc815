"""Who may do what: party x action x object, and role x object. For a lawyer or an auditor to read."""

from __future__ import annotations

from collections.abc import Sequence

from medloom.kernel.entity import Declared
from medloom.parties.roles import READS, ROLES, WRITERS
from medloom.wire.operation import Kind
from medloom.wire.sheet import Owner

_HEAD = """# Access

Two fences stand one behind the other: the rule below, judged for every operation, and row-level
security in the database. A person of a plant writes as that plant and sees that plant's rows only.
Nobody deletes anything: a mistake is corrected by another operation.

## Parties

| Object | Seen by | Made and changed by | Exceptions by field | Commands |
|---|---|---|---|---|
"""
_WHO = {Owner.REGISTRANT: "registrant", Owner.SITE: "its site", Owner.SHARED: "registrant and its site"}


def access(types: Sequence[Declared]) -> str:
    """Both matrices as text."""
    text = _HEAD + "".join(_party(one) for one in types)
    return text + _roles(types)


def _party(one: Declared) -> str:
    seen = {"site": "its site, registrant", "network": "all sites", "registrant": "registrant"}
    writes = _WHO[one.facts.owner]
    if one.facts.safety:
        writes = f"raised by anyone; changed by {writes}"
    elif Kind.SET not in one.facts.kinds:
        writes = "told by its site or the registrant as it happened, corrected the same way"
    other: dict[Owner, list[str]] = {}
    for name, owner in one.sheet.owners.items():
        if owner is not one.facts.owner and name != "state":
            other.setdefault(owner, []).append(f"`{name}`")
    exceptions = "; ".join(f"{', '.join(names)}: {_WHO[owner]}" for owner, names in other.items())
    commands: dict[Owner, list[str]] = {}
    for step in one.facts.lifecycle.steps if one.facts.lifecycle else ():
        commands.setdefault(step.owner, []).append(f"`{step.name}`")
    given = "; ".join(f"{', '.join(names)}: {_WHO[owner]}" for owner, names in commands.items())
    return f"| `{one.type}` | {seen[one.facts.readers]} | {writes} | {exceptions} | {given} |\n"


def _roles(types: Sequence[Declared]) -> str:
    text = "\n## Roles\n\nA role never gives more than the party of its bearer has.\n\n"
    text += "| Object | " + " | ".join(ROLES) + " |\n|---|" + "---|" * len(ROLES) + "\n"
    for one in types:
        cells = ["writes" if role in WRITERS.get(one.type, ()) else READS.get(role, "") for role in ROLES]
        text += f"| `{one.type}` | " + " | ".join(cells) + " |\n"
    return text
