"""What the addresses under /api/v1/ take and answer whatever the type, as JSON Schema."""

from __future__ import annotations

from typing import Any

from medloom.derive.events import FINDING
from medloom.wire.verdict import Verdict

TEXT = {"type": "string"}
UUID = {"type": "string", "format": "uuid"}
MOMENT = {"type": "string", "format": "date-time"}
ENTRY = {"type": "integer", "minimum": 0}
SITE = {"type": "string", "maxLength": 16}
REASON = {"type": "string", "maxLength": 2000, "description": "why; a change must say it"}

SOURCE = {
    "type": "object",
    "description": "where you have it from: the same feed, key and content is told once",
    "required": ["feed", "key"],
    "additionalProperties": False,
    "properties": {
        "feed": {"type": "string", "maxLength": 120},
        "key": {"type": "string", "maxLength": 500},
        "hash": {"type": "string", "maxLength": 120},
        "at": {"type": "string", "maxLength": 2000},
    },
}
SAID: dict[str, Any] = {
    "reason": REASON,
    "at": {**MOMENT, "description": "when it happened; now when you say nothing"},
    "zone": {"type": "string", "maxLength": 120, "description": "IANA time zone of the place"},
    "source": SOURCE,
}
WISH: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type"],
    "properties": {
        "type": TEXT,
        "fields": {"type": "object"},
        "id": {**TEXT, "description": "an object that stands, by its id"},
        "key": {**TEXT, "description": "or by its natural key"},
        "site": SITE,
        "base": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "description": "version you knew"},
        "command": {**TEXT, "description": "a state command, with the state it is given in"},
        "from": TEXT,
        "group": {**TEXT, "description": "neighbours of one group share the worst verdict"},
        **SAID,
    },
}
FINDINGS = {"type": "array", "items": FINDING}
VERDICT: dict[str, Any] = {
    "type": "object",
    "required": ["operation", "verdict", "repeated", "entry"],
    "properties": {
        "operation": UUID,
        "verdict": {"enum": [str(each) for each in Verdict]},
        "repeated": {"type": "boolean", "description": "this was asked before, and is answered again"},
        "entry": ENTRY,
        "id": UUID,
        "version": ENTRY,
        "href": TEXT,
        "findings": FINDINGS,
        "refusal": FINDING,
        "theirs": {"type": "object", "description": "what stands of the fields in conflict"},
        "first": {**TEXT, "description": "the operation that told the same before"},
    },
}
ENTRY_TOLD: dict[str, Any] = {
    "type": "object",
    "required": ["entry", "operation", "verdict", "version", "received", "author", "kind", "hash"],
    "properties": {
        "entry": ENTRY,
        "operation": TEXT,
        "verdict": {"enum": [str(each) for each in Verdict]},
        "version": ENTRY,
        "received": MOMENT,
        "author": {**SITE, "description": "the site that wrote it"},
        "kind": TEXT,
        "at": TEXT,
        "actor": TEXT,
        "reason": TEXT,
        "asked": {"type": "object"},
        "source": {"type": "object"},
        "cause": ENTRY,
        "hash": {**TEXT, "description": "SHA-256 of the operation's bytes"},
        "before": {"type": "object"},
        "after": {"type": "object"},
        "findings": FINDINGS,
        "refusal": FINDING,
        "theirs": {"type": "object"},
        "type": TEXT,
        "object": TEXT,
    },
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {**TEXT, "description": "urn:medloom:problem: and the code"},
        "title": TEXT,
        "status": {"type": "integer"},
        "code": {**TEXT, "description": "stable; api/errors.md says what to do"},
        "todo": TEXT,
        "path": {**TEXT, "description": "JSON pointer into the body, or ?parameter"},
        "expected": TEXT,
        "got": TEXT,
        "operation": TEXT,
        "verdict": TEXT,
        "entry": ENTRY,
        "repeated": {"type": "boolean"},
        "theirs": {"type": "object"},
        "stale": {"type": "array", "items": TEXT},
    },
}
