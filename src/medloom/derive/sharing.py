"""What several addresses of the OpenAPI document say alike is said once, and referred to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def share_parameters(paths: dict[str, Any]) -> dict[str, Any]:
    """Put a reference wherever a parameter stands more than once in `paths`; the parameters, by their names.

    One that only a type's own addresses have is called after both, `fields.lot`; others by their own name,
    the second meaning of a name with a number behind it, the more frequent one first.
    """
    met: dict[str, list[str]] = {}
    for operation in _operations(paths):
        for each in operation.get("parameters", ()):
            if "$ref" not in each:
                met.setdefault(_text(each), []).append(next(iter(operation.get("tags", ())), ""))
    named: dict[str, str] = {}
    found: dict[str, Any] = {}
    for text, tags in sorted(met.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        if len(tags) > 1:
            one: dict[str, Any] = json.loads(text)
            base = f"{one['name']}.{tags[0]}" if len({*tags}) == 1 and tags[0] else one["name"]
            numbers = [base, *(f"{base}-{n}" for n in range(2, len(found) + 3))]
            named[text] = next(name for name in numbers if name not in found)
            found[named[text]] = one
    for operation in _operations(paths):
        if "parameters" in operation:
            operation["parameters"] = [
                {"$ref": f"#/components/parameters/{named[_text(each)]}"} if _text(each) in named else each
                for each in operation["parameters"]
            ]
    return dict(sorted(found.items()))


def _operations(paths: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in paths.values():
        yield from methods.values()


def _text(parameter: dict[str, Any]) -> str:
    return json.dumps(parameter, ensure_ascii=False)
