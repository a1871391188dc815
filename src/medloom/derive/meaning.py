"""What a field means, in words and as JSON Schema: derived from its class, never written twice."""

from __future__ import annotations

import re
from typing import Any

from medloom.kernel.entity import Declared
from medloom.kernel.fields import Choice, Code, Count, Day, Expiry, Flag, Instant, Number, Quantity, Ref, Text


def schema(field: Any) -> dict[str, Any]:
    """The wire form of a field as JSON Schema 2020-12."""
    body = _body(field)
    if field.null:
        body["type"] = [body["type"], "null"]
        if "enum" in body:
            body["enum"] = [*body["enum"], None]
    return {"title": str(field.verbose_name), **body, **_notes(field)}


def _body(field: Any) -> dict[str, Any]:
    if isinstance(field, Choice):
        return {"type": "string", "enum": [word for word, _ in field.choices]}
    if isinstance(field, Expiry):
        return {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$"}
    if isinstance(field, Text):
        return {"type": "string", "maxLength": field.max_length}
    if isinstance(field, Code):
        return {"type": "string", "minLength": 1, "maxLength": field.max_length}
    if isinstance(field, Count):
        return {"type": "integer", "minimum": field.low, "maximum": field.high}
    if isinstance(field, Quantity):
        digits = rf"(\.[0-9]{{1,{field.places}}})?" if field.places else ""
        return {"type": "string", "pattern": f"^-?[0-9]{{1,18}}{digits} {re.escape(field.unit)}$"}
    if isinstance(field, Number):
        return {"type": "string", "pattern": rf"^-?[0-9]{{1,18}}(\.[0-9]{{1,{field.places}}})?$"}
    if isinstance(field, Flag):
        return {"type": "boolean"}
    if isinstance(field, Day):
        return {"type": "string", "format": "date"}
    if isinstance(field, Instant):
        return {"type": "string", "format": "date-time"}
    if isinstance(field, Ref):
        return {"type": "string", "minLength": 1, "maxLength": 128}
    raise TypeError(f"no schema for {type(field).__name__}")


def _notes(field: Any) -> dict[str, Any]:
    notes: dict[str, Any] = {}
    if isinstance(field, Quantity):
        notes["x-unit"] = field.unit
    if isinstance(field, Number):
        notes["x-unit-in"] = field.unit_in
    if isinstance(field, Ref):
        notes["x-refers-to"] = field.related_model.facts.type
    if field.group:
        notes["x-stale-together"] = field.group
    return notes


def form(field: Any) -> str:
    """Unit, precision and domain of a field in a few words."""
    if isinstance(field, Ref):
        return f"key of {field.related_model.facts.type}"
    if isinstance(field, Choice):
        return " \\| ".join(f"`{word}`" for word, _ in field.choices)
    return str(field.domain()).replace("|", "\\|")


def owner(declared: Declared, name: str) -> str:
    """Who decides the field."""
    return str(declared.sheet.owner_of(name))
