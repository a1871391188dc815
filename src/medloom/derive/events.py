"""JSON Schema of each type's event in the public stream: CloudEvents `medloom.<site>.<type>.v1`.

The data of an event is one entry as one site sees it: what was asked, and what the hub decided.
"""

from __future__ import annotations

from typing import Any

from medloom.derive.meaning import schema
from medloom.kernel.entity import Declared, Lines
from medloom.wire.operation import Kind
from medloom.wire.verdict import Verdict

_POSITION = {"type": "integer", "minimum": 1, "description": "dense place in the site's feed"}


def event(one: Declared) -> dict[str, Any]:
    """The schema of one type's event."""
    return _envelope(one.type, " ".join((one.model.__doc__ or "").split()), _data(one))


def _envelope(name: str, description: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:medloom:event:{name}:v1",
        "title": f"medloom.{{site}}.{name}.v1",
        "description": description,
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "position", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "description": "hub epoch and place in the ledger"},
            "source": {"type": "string", "description": "site that wrote the operation"},
            "type": {"type": "string", "pattern": rf"^medloom\.[A-Z0-9_-]{{1,16}}\.{name}\.v1$"},
            "time": {"type": "string", "format": "date-time", "description": "when the hub received it"},
            "datacontenttype": {"const": "application/json"},
            "position": _POSITION,
            "data": data,
        },
    }


def unread() -> dict[str, Any]:
    """The schema of an event whose operation was not understood, or refused as a reused number."""
    data = {
        "type": "object",
        "required": ["verdict", "seq", "bytes"],
        "properties": {
            "verdict": {"enum": ["quarantined", "op_id_reuse"]},
            "seq": {"type": "integer", "minimum": 1},
            "bytes": {"type": "string", "contentEncoding": "base64", "description": "what came, as it came"},
            "refusal": {"$ref": "#/properties/data/$defs/finding"},
            "findings": {"type": "array", "items": {"$ref": "#/properties/data/$defs/finding"}},
        },
        "$defs": {"finding": FINDING},
    }
    return _envelope(
        "unread", "An operation that could not be understood; it waits on the repair desk.", data
    )


def resync() -> dict[str, Any]:
    """The schema of the event that tells a reader to read what stands anew."""
    data = {
        "type": "object",
        "required": ["feed", "missed", "goes_on_after"],
        "properties": {
            "feed": {"enum": ["c", "v", "log"]},
            "missed": {"type": "integer", "minimum": 1, "description": "events that are not delivered"},
            "goes_on_after": {"type": "integer", "minimum": 0},
        },
    }
    text = "The reader was away too long: read the objects anew over REST, then go on after that position."
    return _envelope("resync", text, data)


def _data(one: Declared) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["operation", "verdict", "seq"],
        "properties": {
            "operation": operation(one),
            "verdict": {"enum": [str(verdict) for verdict in Verdict]},
            "seq": {"type": "integer", "minimum": 1},
            "version": {"type": "integer", "minimum": 0},
            "findings": {"type": "array", "items": {"$ref": "#/properties/data/$defs/finding"}},
            "refusal": {"$ref": "#/properties/data/$defs/finding"},
        },
        "$defs": {"finding": FINDING},
    }


FINDING: dict[str, Any] = {
    "type": "object",
    "required": ["code"],
    "properties": {name: {"type": "string"} for name in ("code", "path", "expected", "got")},
}


def operation(one: Declared) -> dict[str, Any]:
    """The schema of an operation on that type, as a site writes it."""
    return {
        "type": "object",
        "required": ["id", "type", "object", "kind", "at", "actor"],
        "properties": {
            "id": {"type": "string", "maxLength": 120},
            "type": {"const": one.type},
            "object": {"type": "string", "format": "uuid"},
            "kind": {"enum": sorted(str(kind) for kind in one.facts.kinds if kind is not Kind.RAW)},
            "base": {"type": "integer", "minimum": 0},
            "at": {"type": "string", "format": "date-time"},
            "actor": {"type": "string", "maxLength": 120},
            "site": {"type": "string", "maxLength": 16},
            "reason": {"type": "string"},
            "fields": fields(one),
        },
    }


def fields(one: Declared) -> dict[str, Any]:
    """The fields that an operation on that type may hold; a new object needs the required ones."""
    properties = {
        name: {**schema(field), "x-owner": str(one.sheet.owner_of(name))}
        for name, field in one.fields.items()
    }
    for name, lines in one.lines.items():
        properties[name] = _lines(lines)
    if one.facts.lifecycle is not None:
        commands = [step.name for step in one.facts.lifecycle.steps]
        properties["command"] = {"enum": commands}
        properties["from"] = {"enum": list(one.facts.lifecycle.states)}
    return {"type": "object", "x-required-for-new": list(one.required), "properties": properties}


def _lines(lines: Lines) -> dict[str, Any]:
    needed = [n for n, f in lines.fields.items() if not f.null and not f.has_default()]
    item = {
        "type": "object",
        "required": needed,
        "properties": {name: schema(field) for name, field in lines.fields.items()},
    }
    return {"type": "array", "maxItems": lines.most, "items": item}
