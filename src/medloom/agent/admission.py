"""What the hub will refuse at its door whatever it holds, told offline by the same declarations. Pure.

Only what needs no state of the hub: the type, the kind, each value's domain, and what a new object must have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from medloom.agent.declaration import Field, Record
from medloom.agent.translate import Draft
from medloom.kernel.entity import Declared, Lines
from medloom.kernel.fields import Quantity
from medloom.kernel.meaning import Refused
from medloom.wire.operation import Kind
from medloom.wire.verdict import Refusal

GOT_CHARACTERS_MAX = 200


def refusal_of(draft: Draft, types: Mapping[str, Declared]) -> Refusal | None:
    """Why the hub will refuse the draft, or None. The path is the type and the field, `/receipt/unit`."""
    declared = types.get(draft.type)
    if draft.kind is Kind.RAW:
        return None
    if declared is None:
        return Refusal("type_unknown", "/type", ", ".join(sorted(types)), draft.type)
    if draft.kind not in declared.facts.kinds:
        return Refusal("kind_wrong", f"/{draft.type}", _kinds(declared), str(draft.kind))
    known: dict[str, Any] = {}
    for name, value in draft.fields.items():
        path = f"/{draft.type}/{name}"
        if name in declared.lines:
            refusal = _lines_refusal(declared.lines[name], value, path)
        else:
            refusal = _value_refusal(declared, name, value, path, known)
        if refusal is not None:
            return refusal
    for name in declared.required:
        if known.get(name) is None:
            return Refusal("missing", f"/{draft.type}/{name}", declared.fields[name].domain())
    if declared.natural_key({**declared.defaults, **known}) is None:
        return Refusal("key_missing", f"/{draft.type}", "/".join(declared.facts.key))
    return None


def _value_refusal(
    declared: Declared, name: str, value: Any, path: str, known: dict[str, Any]
) -> Refusal | None:
    field = declared.fields.get(name)
    if field is None or value is None:
        return None
    try:
        known[name] = field.accept(value)
    except Refused as refused:
        return Refusal(refused.code, path, refused.expected, str(value)[:GOT_CHARACTERS_MAX])
    return None


def _lines_refusal(lines: Lines, value: Any, path: str) -> Refusal | None:
    if not isinstance(value, list) or len(value) > lines.most:
        return Refusal("lines_wrong", path, f"list of at most {lines.most}")
    for number, line in enumerate(value):
        for slot in lines.slots:
            given = line.get(slot.name)
            place = f"{path}/{number}/{slot.name}"
            if given is None and slot.required:
                return Refusal("missing", place, lines.fields[slot.name].domain())
            try:
                if given is not None:
                    slot.accept(given)
            except Refused as refused:
                return Refusal(refused.code, place, refused.expected, str(given)[:GOT_CHARACTERS_MAX])
    return None


def _kinds(declared: Declared) -> str:
    return "|".join(sorted(str(kind) for kind in declared.facts.kinds if kind is not Kind.RAW))


def record_to_mend(record: Record, declared: Declared, path: str) -> Iterator[dict[str, str]]:
    """What of one record of a mapping no row can make right: what it leaves out, and words of its own."""
    if record.kind not in declared.facts.kinds:
        yield {"path": f"{path}.kind", "expected": _kinds(declared), "got": record.kind}
    for name in dict.fromkeys((*declared.facts.key, *declared.required)):
        if name not in record.fields and name not in declared.defaults:
            part = "part of the key of" if name in declared.facts.key else "required in"
            expected = f"{name} ({declared.fields[name].domain()}): {part} every {record.type}"
            yield {"path": f"{path}.fields", "expected": expected, "got": ""}
    for name, rule in record.fields.items():
        place = f"{path}.fields.{name}"
        if name in declared.fields:
            yield from _rule_to_mend(rule, declared.fields[name], place)
        elif name in declared.lines:
            fields = declared.lines[name].fields
            for number, member in enumerate(rule.members):
                for inner, each in member.fields.items():
                    if inner in fields:
                        yield from _rule_to_mend(each, fields[inner], f"{place}.members[{number}].{inner}")


def _rule_to_mend(rule: Field, field: Any, path: str) -> Iterator[dict[str, str]]:
    if isinstance(field, Quantity) and rule.unit is not None and rule.unit.target != field.unit:
        yield {"path": f"{path}.unit.to", "expected": field.unit, "got": rule.unit.target}
    told = {"value": rule.value} if rule.kind == "constant" else {}
    told |= {f"choices.{word}": meant for word, meant in rule.choices.items() if rule.kind == "choice"}
    if rule.default is not None:
        told["default"] = rule.default
    for part, value in told.items():
        try:
            field.accept(value)
        except Refused as refused:
            yield {"path": f"{path}.{part}", "expected": refused.expected, "got": str(value)}
