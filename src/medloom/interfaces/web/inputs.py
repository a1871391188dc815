"""Form fields from declared fields: how each is entered, and what was entered as its wire form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from medloom.interfaces.web.columns import domain_words, kind_of, label_of, unit_word
from medloom.kernel.entity import Declared
from medloom.kernel.meaning import Refused
from medloom.wire.verdict import Refusal


@dataclass
class Input:
    """One field of a form."""

    name: str
    label: object
    kind: str
    value: str = ""
    unit: str = ""
    must: bool = False
    words: list[tuple[str, object]] = field(default_factory=list)
    hint: str = ""
    #: For a reference the type it names: the page offers numbers that exist.
    ref: str = ""
    error: Refusal | None = None


def shown_value(declared_field: Any, value: Any, *, zone: str) -> str:
    """What stands, as it is entered."""
    if value is None:
        return ""
    kind = kind_of(declared_field)
    if kind == "ref":
        return str(value.key)
    if kind == "quantity":
        return f"{value:.{declared_field.places}f}"
    if kind == "number":
        return str(declared_field.wire(value))
    if kind == "flag":
        return "yes" if value else "no"
    if kind == "moment":
        return str(value.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M"))
    return value.isoformat() if kind == "day" else str(value)


def ref_of(declared_field: Any) -> str:
    """The type that a reference names; "" for any other field."""
    return str(declared_field.related_model.facts.type) if kind_of(declared_field) == "ref" else ""


def inputs_of(declared: Declared, names: Iterable[str], *, row: Any = None, zone: str = "UTC") -> list[Input]:
    """The inputs of these fields, filled with what stands."""
    found = []
    for name in names:
        known = declared.fields[name]
        kind = kind_of(known)
        value = (
            getattr(row, name) if row is not None else known.get_default() if known.has_default() else None
        )
        found.append(
            Input(
                name,
                label_of(known),
                kind,
                shown_value(known, value, zone=zone),
                unit=unit_word(getattr(known, "unit", "")),
                must=not known.null and not known.has_default(),
                words=[(w, label) for w, label in known.choices or ()] if kind == "state" else [],
                hint=domain_words(known) if kind in ("count", "quantity", "number") else "",
                ref=ref_of(known),
            )
        )
    return found


def wire_value(declared_field: Any, text: str, *, zone: str) -> Any:
    """What was entered as the field's wire form; empty is None. Raises Refused."""
    text = text.strip()
    if not text:
        if declared_field.null:
            return None
        raise Refused("empty", declared_field.domain())
    match kind_of(declared_field):
        case "quantity":
            return declared_field.accept(f"{text.replace(',', '')} {declared_field.unit}")
        case "count":
            plain = text.replace(",", "")
            if not plain.lstrip("-").isascii() or not plain.lstrip("-").isdigit():
                raise Refused("number_wrong", declared_field.domain())
            return declared_field.accept(int(plain))
        case "flag":
            return declared_field.accept(text == "yes")
        case "moment":
            try:
                moment = dt.datetime.fromisoformat(text)
            except ValueError:
                raise Refused("time_impossible", declared_field.domain()) from None
            return declared_field.accept(moment.replace(tzinfo=ZoneInfo(zone)).isoformat())
    return declared_field.accept(text)


def read_inputs(
    declared: Declared, inputs: list[Input], data: Mapping[str, Any], *, zone: str
) -> tuple[dict[str, Any], bool]:
    """The wire values that differ from what stood, and whether all were right; errors stay at the inputs."""
    changed: dict[str, Any] = {}
    fine = True
    for one in inputs:
        text = str(data.get(one.name, one.value))
        stood, one.value = one.value, text
        if text.strip() == stood.strip() and not (one.must and not text.strip()):
            continue
        try:
            changed[one.name] = wire_value(declared.fields[one.name], text, zone=zone)
        except Refused as refused:
            fine = False
            one.error = Refusal(
                code=refused.code, path=f"/fields/{one.name}", expected=refused.expected, got=text[:80]
            )
    return changed, fine
