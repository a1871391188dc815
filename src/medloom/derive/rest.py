"""OpenAPI of the addresses under /api/v1/: read from the models, as the views are, so that both agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medloom.derive.bodies import ENTRY, ENTRY_TOLD, MOMENT, PROBLEM, SAID, SITE, TEXT, UUID, VERDICT, WISH
from medloom.derive.events import fields
from medloom.derive.filters import filters, orders
from medloom.derive.meaning import schema
from medloom.kernel.entity import Declared
from medloom.wire.operation import Kind

ROOT = "/api/v1"
#: Rows of a page, and operations of a batch, at most.
PAGE_ROWS, PAGE_ROWS_MOST, BATCH_MOST = 50, 500, 2_000

#: Status -> what it means at these addresses. The body of each is a problem (RFC 9457).
REFUSED = {
    "400": "The request cannot be read: `path` names the place",
    "401": "No living token",
    "403": "The token was not given this right",
    "404": "There is nothing here, or it is another party's",
    "405": "The address has no such method",
    "406": "Only JSON is answered",
    "409": "In conflict with what stands: `theirs` shows it, and a person decides",
    "411": "The length of the body is not told",
    "412": "Stale: the fields in `stale` changed after the version in If-Match",
    "413": "The body is too large, or too many operations at once",
    "415": "The body is of a kind or compression not taken here",
    "422": "Rejected or quarantined: `code`, `path` and `expected` say why; it has an entry all the same",
    "428": "A change must name the version it is made on by If-Match",
    "429": "Too many requests: wait as long as Retry-After says",
    "500": "Something broke at the hub; nothing was recorded",
    "503": "The hub cannot write just now: the same again after Retry-After",
}
#: What an accepted or parked operation answers, by the name of the response.
TOLD = {
    "Known": "Accepted; it was there already",
    "Made": "Made",
    "Changed": "Changed",
    "Done": "Done",
    "Parked": "Parked: judged again when what it misses arrives",
}
_ALWAYS = ("400", "401", "403", "404", "405", "406", "429", "500", "503")
_WRITES = ("409", "411", "413", "415", "422")


def paths(types: Sequence[Declared]) -> dict[str, Any]:
    """Every address with its methods."""
    found: dict[str, Any] = {f"{ROOT}/me": {"get": _me()}}
    found[f"{ROOT}/operations"] = {"post": _batch()}
    found[f"{ROOT}/operations/{{operation}}"] = {"get": _operation()}
    found[f"{ROOT}/graphql"] = {"post": _graphql()}
    for one in types:
        base = f"{ROOT}/{one.type}"
        found[base] = {"get": _list(one), "post": _make(one)}
        found[f"{base}/{{id}}"] = {"get": _one(one)} | (
            {"patch": _change(one)} if Kind.SET in one.facts.kinds else {}
        )
        found[f"{base}/{{id}}/history"] = {"get": _history(one)}
        if one.facts.lifecycle is not None:
            found[f"{base}/{{id}}/commands/{{command}}"] = {"post": _command(one)}
    return found


def schemas(types: Sequence[Declared]) -> dict[str, Any]:
    """What the addresses take and answer."""
    return {
        "Problem": PROBLEM,
        "Verdict": VERDICT,
        "Entry": ENTRY_TOLD,
        "Operation": WISH,
        **{f"said.{name}": body for name, body in SAID.items()},
        "said.site": {**SITE, "description": "whose; your own when you say nothing"},
        **{f"object.{one.type}": shown(one) for one in types},
        **{f"fields.{one.type}": _given(one) for one in types},
    }


def responses() -> dict[str, Any]:
    """Verdicts and refusals, once for all addresses."""
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    told = {name: _json(text, _ref("Verdict")) for name, text in TOLD.items()}
    return told | {
        f"Refused{status}": {"description": text, "content": problem} for status, text in REFUSED.items()
    }


def parameters() -> dict[str, Any]:
    """Parameters that several addresses take."""
    key = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"}
    return {
        "Limit": _query(
            "limit", {"type": "integer", "minimum": 1, "maximum": PAGE_ROWS_MOST, "default": PAGE_ROWS}
        ),
        "Cursor": _query("cursor", {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,400}$"}),
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "schema": key,
            "description": "The same request under the same key is answered as the first time, for ever",
        },
    }


SECURITY = {"token": {"type": "http", "scheme": "bearer", "description": "A token of the page API tokens"}}


def shown(one: Declared) -> dict[str, Any]:
    """An object as it is answered; any value may be empty: a placeholder has only its key."""
    values: dict[str, Any] = {}
    for name, field in one.fields.items():
        found = schema(field)
        kind = found["type"]
        if "null" not in kind:
            found = {**found, "type": [kind, "null"]}
            if "enum" in found:
                found["enum"] = [*found["enum"], None]
        values[name] = found
    values |= {name: {"type": "array"} for name in one.lines}
    properties: dict[str, Any] = {
        "id": UUID,
        "type": {"const": one.type},
        "site": SITE,
        "key": {"type": "string", "maxLength": 200},
        "version": ENTRY,
        "entry": ENTRY,
        "placeholder": {"type": "boolean", "description": "known only from a reference so far"},
        "voided": {"type": "boolean", "description": "taken back by a correcting operation"},
        "href": TEXT,
        "as_of": MOMENT,
        "fields": {"type": "object", "properties": values},
    }
    if one.facts.lifecycle is not None:
        properties["state"] = {"enum": list(one.facts.lifecycle.states)}
    required = [name for name in properties if name != "as_of"]
    text = " ".join((one.model.__doc__ or "").split())
    return {"type": "object", "description": text, "required": required, "properties": properties}


def _given(one: Declared) -> dict[str, Any]:
    """The fields of an operation on the type; commands stand beside them here."""
    found = fields(one)
    properties = {n: body for n, body in found["properties"].items() if n not in ("command", "from")}
    return {**found, "properties": properties}


# -- addresses --------------------------------------------------------------------------------


def _list(one: Declared) -> dict[str, Any]:
    asked = [_query(f.name, f.schema, f.text) for f in filters(one).values()]
    asked.append(_query("sort", {"type": "string", "enum": list(orders(one))}))
    asked.append(_fields(one))
    asked += [_parameter("Limit"), _parameter("Cursor")]
    body = {
        "type": "object",
        "required": ["type", "items", "next"],
        "properties": {
            "type": {"const": one.type},
            "items": {"type": "array", "items": _ref(f"object.{one.type}")},
            "next": {"type": ["string", "null"], "description": "where the next page is"},
        },
    }
    return _address(one, "list", f"List: {_name(one)}", asked, {"200": _json("One page", body)})


def _make(one: Declared) -> dict[str, Any]:
    what = "New, or told anew" if Kind.SET not in one.facts.kinds else "New"
    good = {"200": _answer("Known"), "201": _answer("Made"), "202": _answer("Parked")}
    found = _address(one, "make", f"{what}: {_name(one)}", [_parameter("IdempotencyKey")], good, _WRITES)
    return {**found, "requestBody": _body(_envelope(one, site=not one.facts.network))}


def _one(one: Declared) -> dict[str, Any]:
    site = [] if one.facts.network else [_query("site", SITE, "whose, where several have the key")]
    asked = [_id(TEXT), *site, _fields(one), _query("as_of", MOMENT, "as it stood at that moment")]
    tag = {
        "name": "If-None-Match",
        "in": "header",
        "schema": TEXT,
        "description": "the ETag of what you have: 304 while it stands",
    }
    good = _json("The object", _ref(f"object.{one.type}"))
    good["headers"] = {"ETag": {"schema": TEXT, "description": "the version"}}
    answers = {"200": good, "304": {"description": "You have what stands"}}
    return _address(one, "get", f"One by id or natural key: {_name(one)}", [*asked, tag], answers, ("409",))


def _change(one: Declared) -> dict[str, Any]:
    tag = {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
        "description": "the version you have seen",
    }
    site = [] if one.facts.network else [_query("site", SITE, "whose, where several have the key")]
    asked = [_id(TEXT), *site, tag, _parameter("IdempotencyKey")]
    answers = {"200": _answer("Changed"), "202": _answer("Parked")}
    more = (*_WRITES, "412", "428")
    found = _address(one, "change", f"Change fields: {_name(one)}", asked, answers, more)
    return {**found, "requestBody": _body(_envelope(one, site=False))}


def _command(one: Declared) -> dict[str, Any]:
    assert one.facts.lifecycle is not None
    steps = {"type": "string", "enum": [step.name for step in one.facts.lifecycle.steps]}
    name = {"name": "command", "in": "path", "required": True, "schema": steps}
    body = _envelope(one, site=False)
    body["properties"] = {"from": {"enum": list(one.facts.lifecycle.states)}, **body["properties"]}
    body["required"] = ["from"]
    asked = [_id(UUID), name, _parameter("IdempotencyKey")]
    answers = {"200": _answer("Done"), "202": _answer("Parked")}
    more = (*_WRITES, "412")
    found = _address(one, "command", f"Give a state command: {_name(one)}", asked, answers, more)
    return {**found, "requestBody": _body(body)}


def _history(one: Declared) -> dict[str, Any]:
    after = {"type": "integer", "minimum": 0, "maximum": 2**53}
    asked = [_id(UUID), _query("after", after, "entries behind this one"), _parameter("Limit")]
    body = {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": _ref("Entry")},
            "next": {"type": ["string", "null"]},
        },
    }
    return _address(one, "history", f"Entries: {_name(one)}", asked, {"200": _json("Entries", body)})


def _me() -> dict[str, Any]:
    body = {
        "type": "object",
        "required": ["site", "actor", "program", "expires", "types"],
        "properties": {
            "site": SITE,
            "actor": {**TEXT, "description": "your id in operations"},
            "program": TEXT,
            "expires": MOMENT,
            "types": {"type": "object", "description": "types you see, and whether you may write them"},
        },
    }
    return _plain("me", "Who the token speaks for", [], {"200": _json("You", body)})


def _operation() -> dict[str, Any]:
    name = {"name": "operation", "in": "path", "required": True, "schema": UUID}
    body = _ref("Entry")
    return _plain("operation", "What became of one operation", [name], {"200": _json("Its entry", body)})


def _batch() -> dict[str, Any]:
    body = {
        "type": "object",
        "required": ["answers"],
        "properties": {"answers": {"type": "array", "items": _ref("Verdict")}},
    }
    answers = {"200": _json("A verdict for each, in order", body)}
    asked = [_parameter("IdempotencyKey")]
    found = _plain("operations", "Many operations, each with its verdict", asked, answers, _WRITES)
    many = {"type": "array", "items": _ref("Operation"), "minItems": 1, "maxItems": BATCH_MOST}
    lines = {"type": "string", "description": "one operation a line; a bad line stops no neighbour"}
    content = {"application/json": {"schema": many}, "application/x-ndjson": {"schema": lines}}
    return {**found, "requestBody": {"required": True, "content": content}}


def _graphql() -> dict[str, Any]:
    asked = {
        "type": "object",
        "required": ["query"],
        "additionalProperties": False,
        "properties": {
            "query": {**TEXT, "description": "a document of the schema in /api/schema.graphql"},
            "variables": {"type": "object"},
            "operationName": {"type": ["string", "null"]},
        },
    }
    body = {"type": "object", "required": ["data"], "properties": {"data": {"type": "object"}}}
    answers = {"200": _json("What was asked for", body)}
    found = _plain("graphql", "Ask by GraphQL, for reading", [], answers, ("409", "411", "413", "415", "422"))
    return {**found, "requestBody": _body(asked)}


# -- parts ------------------------------------------------------------------------------------


def _address(
    one: Declared, what: str, summary: str, asked: list[Any], good: dict[str, Any], more: Sequence[str] = ()
) -> dict[str, Any]:
    return {**_plain(f"{what}_{one.type}", summary, asked, good, more), "tags": [one.type]}


def _plain(
    name: str, summary: str, asked: list[Any], good: dict[str, Any], more: Sequence[str] = ()
) -> dict[str, Any]:
    refused = {s: {"$ref": f"#/components/responses/Refused{s}"} for s in sorted({*_ALWAYS, *more})}
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"token": []}],
        **({"parameters": asked} if asked else {}),
        "responses": {**good, **refused},
    }


def _name(one: Declared) -> str:
    return str(one.model._meta.verbose_name)


def _query(name: str, body: dict[str, Any], text: str = "") -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": body, **({"description": text} if text else {})}


def _fields(one: Declared) -> dict[str, Any]:
    word = "|".join([*one.fields, *one.lines])
    body = {"type": "string", "pattern": f"^({word})(,({word}))*$", "maxLength": 2000}
    return _query("fields", body, "only these, separated by commas")


def _id(body: dict[str, Any]) -> dict[str, Any]:
    return {"name": "id", "in": "path", "required": True, "schema": body}


def _parameter(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}


def _answer(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{name}"}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(text: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": body}}}


def _body(body: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": body}}}


def _envelope(one: Declared, *, site: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {"fields": _ref(f"fields.{one.type}")}
    properties |= {name: _ref(f"said.{name}") for name in (*SAID, *(("site",) if site else ()))}
    return {"type": "object", "additionalProperties": False, "required": ["fields"], "properties": properties}
