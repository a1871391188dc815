"""Every derived document, by its path in api/."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import translation

from medloom.derive.access import access
from medloom.derive.asyncapi import asyncapi
from medloom.derive.datamap import data_map
from medloom.derive.errors import errors
from medloom.derive.events import event, resync, unread
from medloom.derive.graphql import graphql_document
from medloom.derive.lifecycles import lifecycles
from medloom.derive.openapi import openapi
from medloom.kernel.entity import Declared, catalogue

#: First line of each text document.
NOTE = "<!-- Derived from the models by `make api`; changes made here are lost. -->\n\n"


def documents() -> dict[str, str]:
    """Path -> text of everything that is derived; the same on every machine and in every language."""
    with translation.override("en"):
        declared = list(catalogue().values())
        texts = {
            "access.md": NOTE + access(declared),
            "asyncapi.json": _json(asyncapi(declared)),
            "data-map.md": NOTE + data_map(declared),
            "errors.md": NOTE + errors(),
            "schema.graphql": graphql_document(declared),
            "lifecycles.md": NOTE + lifecycles(declared),
            "openapi.json": compact(openapi(declared)) + "\n",
        }
        return texts | _events(declared)


def _events(declared: Sequence[Declared]) -> dict[str, str]:
    found = {one.type: event(one) for one in declared} | {"unread": unread(), "resync": resync()}
    return {f"events/{name}.v1.json": _json(schema) for name, schema in sorted(found.items())}


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


#: Longest line of a compact document: a parameter or a field with its domain stands in one.
LINE_MOST = 180


def compact(value: Any, depth: int = 0) -> str:
    """JSON for people and for diffs: what fits into a line stands in one."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + 2 * depth <= LINE_MOST or not isinstance(value, dict | list) or not value:
        return flat
    inner = "  " * (depth + 1)
    if isinstance(value, dict):
        parts = [
            f"{inner}{json.dumps(k, ensure_ascii=False)}: {compact(v, depth + 1)}" for k, v in value.items()
        ]
    else:
        parts = [inner + compact(each, depth + 1) for each in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return first + "\n" + ",\n".join(parts) + "\n" + "  " * depth + last
