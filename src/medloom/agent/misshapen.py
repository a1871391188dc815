"""A mapping of the wrong shape: its place in full, what is permitted there, and what stands there. Pure."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import msgspec

_STEP = re.compile(r"\.([\w]+)|\[(\d+)\]|\[(\.\.\.)\]")
_GOT = re.compile(r"Expected (.+), got `(\w+)`")
_NAMES = {
    "`str`": "a text", "`int`": "a whole number", "`float`": "a number", "`bool`": "true or false",
    "`array`": "a list", "`object`": "keys with values", "`null`": "nothing",
}  # fmt: skip
GOT_CHARACTERS_MAX = 80


def told(error: msgspec.ValidationError, tree: Any, type_: Any, *, name: str) -> tuple[str, str, str]:
    """Place, what is expected and what was found, of an error in converting `tree` to `type_`.

    The library writes `[...]` for an entry of a mapping and does not say which; it is found by trying.
    """
    reason, _, at = str(error).partition(" - at ")
    places = re.findall(r"`(\$[^`]*)`", at)
    place, node = _followed(places[0] if places else "$", copy.deepcopy(tree), type_, str(error))
    kinds = _types_at(place, msgspec.inspect.type_info(type_))
    shown = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    if "unknown field" in reason:
        unknown = re.findall(r"`([^`]*)`", reason)[-1]
        return f"{shown}.{unknown}", "one of " + ", ".join(sorted(_keys(kinds))), unknown
    if "missing required field" in reason:
        missing = re.findall(r"`([^`]*)`", reason)[-1]
        return shown if places else name, f"the key {missing}", ", ".join(node) if _keyed(node) else ""
    words = [str(word) for kind in kinds for word in getattr(kind, "values", ())]
    if "enum value" in reason and words:
        return shown, "one of " + ", ".join(words), _short(node)
    wrong = _GOT.fullmatch(reason)
    expected = reason
    if wrong:
        expected = " or ".join(_NAMES.get(each, each) for each in wrong.group(1).split(" | "))
    if at.startswith("`key`") and _keyed(node):
        return shown, f"{expected} as key", ", ".join(str(key) for key in node if not isinstance(key, str))
    return shown if places else name, expected, _short(node)


def _followed(pattern: str, tree: Any, type_: Any, message: str) -> tuple[list[str | int], Any]:
    """The steps of a place with each `[...]` told, and what stands there. Changes `tree`."""
    steps: list[str | int] = []
    node = tree
    for name, index, _any in _STEP.findall(pattern):
        if index:
            steps.append(int(index))
        elif name:
            steps.append(name)
        else:
            steps.append(_guilty(node, tree, type_, message))
        try:
            node = node[steps[-1]]
        except (KeyError, IndexError, TypeError):
            return steps, None
    return steps, node


def _guilty(node: Any, tree: Any, type_: Any, message: str) -> Any:
    """The key of the entry that alone brings the same error; only that entry stays."""
    entries = dict(node)
    for key, value in entries.items():
        node.clear()
        node[key] = value
        try:
            msgspec.convert(tree, type_)
        except msgspec.ValidationError as error:
            if str(error) == message:
                return key
    node.update(entries)
    return "..."


def _types_at(steps: list[str | int], root: Any) -> list[Any]:
    """The declarations that a value at that place may follow."""
    kinds = [root]
    for step in steps:
        kinds = [inner for kind in _each(kinds) for inner in _into(kind, step)]
    return list(_each(kinds))


def _each(kinds: list[Any]) -> Iterator[Any]:
    for kind in kinds:
        if isinstance(kind, msgspec.inspect.UnionType):
            yield from kind.types
        else:
            yield kind


def _into(kind: Any, step: str | int) -> Iterator[Any]:
    if isinstance(kind, msgspec.inspect.StructType):
        yield from (field.type for field in kind.fields if field.encode_name == step)
    elif isinstance(kind, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
        yield kind.item_type
    elif isinstance(kind, msgspec.inspect.DictType):
        yield kind.value_type


def _keys(kinds: list[Any]) -> list[str]:
    structs = [kind for kind in kinds if isinstance(kind, msgspec.inspect.StructType)]
    return [field.encode_name for kind in structs for field in kind.fields]


def _keyed(node: Any) -> bool:
    return isinstance(node, dict)


def _short(node: Any) -> str:
    return str(node)[:GOT_CHARACTERS_MAX]
