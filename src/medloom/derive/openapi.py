"""OpenAPI 3.1 of the addresses that exist: the agents' doors under /sync/, other programs' under /api/v1/.

The former are derived from the protocol's messages, the latter from the models (see `rest`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from medloom.derive import rest
from medloom.derive.events import operation
from medloom.derive.sharing import share_parameters
from medloom.kernel.entity import Declared
from medloom.wire import messages, verdict

#: Address -> (what it does, message asked, messages answered, needs a session).
_DOORS: dict[str, tuple[str, Any, tuple[Any, ...]]] = {
    "hello": ("Open a session", messages.Hello, (messages.Challenge, messages.Welcome)),
    "push": ("Send operations of one chain", None, (messages.Answers,)),
    "pull": ("Read lines of a feed", messages.Pull, (messages.Page,)),
    "hand-back": ("Give a restored hub its lines again", messages.HandBack, (messages.HandedBack,)),
    "snapshot": ("Read what stands", messages.SnapshotPull, (messages.SnapshotPage,)),
}
_ENROL = {
    "type": "object",
    "required": ["site", "code", "key"],
    "additionalProperties": False,
    "properties": {
        "site": {"type": "string"},
        "code": {"type": "string", "description": "one-time code"},
        "key": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$", "description": "Ed25519 public key"},
    },
}
_PUSH = (
    "Newline-delimited canonical JSON: a signed header line, then one operation a line, each exactly "
    "the bytes its author hashed."
)


def openapi(types: Sequence[Declared]) -> dict[str, Any]:
    """The whole document."""
    kinds = [messages.Refused, verdict.Answer]
    for _, asked, answered in _DOORS.values():
        kinds += [kind for kind in (asked, *answered) if kind is not None]
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    paths = {"/sync/enrol": {"post": _enrol()}}
    paths |= {f"/sync/{name}": {"post": _door(name)} for name in _DOORS}
    paths |= rest.paths(types)
    schemas |= rest.schemas(types)
    schemas |= {f"operation.{one.type}": _operation(one, schemas) for one in types}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Medloom",
            "version": str(messages.SCHEMA),
            "description": (
                "Programs of a party use /api/v1/ with a token. Agents use /sync/, where requests are signed "
                "over method, target, digest and session token (RFC 9421)."
            ),
        },
        "paths": paths,
        "components": {
            "securitySchemes": rest.SECURITY,
            "parameters": rest.parameters() | share_parameters(paths),
            "responses": rest.responses(),
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _operation(one: Declared, schemas: dict[str, Any]) -> dict[str, Any]:
    """An agent's operation; its fields by reference where programs send the same."""
    found = operation(one)
    if found["properties"].get("fields") == schemas[f"fields.{one.type}"]:
        given = {"$ref": f"#/components/schemas/fields.{one.type}"}
        found = {**found, "properties": {**found["properties"], "fields": given}}
    return found


def _enrol() -> dict[str, Any]:
    return {
        "operationId": "enrol",
        "summary": "Bring an agent's first key",
        "requestBody": _json_body(_ENROL),
        "responses": {"204": {"description": "The key is known"}, **_refusals()},
    }


def _door(name: str) -> dict[str, Any]:
    summary, asked, answered = _DOORS[name]
    schema = {"oneOf": [_ref(kind) for kind in answered]} if len(answered) > 1 else _ref(answered[0])
    if asked is None:
        operations = {"type": "string", "description": _PUSH}
        body = {"required": True, "content": {"application/x-ndjson": {"schema": operations}}}
    else:
        body = _json_body(_ref(asked))
    good = {"description": "The header Medloom-Message names the message", **_content(schema)}
    return {
        "operationId": name.replace("-", "_"),
        "summary": summary,
        "requestBody": body,
        "responses": {"200": good, **_refusals()},
    }


def _json_body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, **_content(schema)}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _refusals() -> dict[str, Any]:
    refused = _content(_ref(messages.Refused))
    said = {
        "400": "Not a message of the protocol",
        "401": "Not signed by a valid key of the site",
        "403": "Another site, or not enrolled",
        "409": "The session does not fit: the code says what the agent does",
        "413": "Too large",
        "503": "Come back with the same after Retry-After seconds",
    }
    return {status: {"description": text, **refused} for status, text in said.items()}
