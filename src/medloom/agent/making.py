"""Making the fields of one object from the cells of one row, by the rules of its mapping. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medloom.agent import declaration
from medloom.agent.normalise import Context, ValueRefused, clean, shown_original
from medloom.agent.shaping import Shape, shaped
from medloom.agent.sources.rows import original_text, told
from medloom.agent.units import UNIT, micro
from medloom.wire.verdict import Refusal


class RowRefused(ValueError):
    """A row that the agent itself cannot make sense of."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class Twins:
    """Rows of one file that share a key: equal ones are one row told twice, different ones are two.

    A second row under the key of the first would be taken for its correction and replace it; so it gets
    a key of its own, `...~2`, in the order of the file.
    """

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}

    def name(self, key: str, content: str) -> str:
        """The key to use for that content."""
        known = self._known.setdefault(key, {})
        if content not in known:
            known[content] = key if not known else f"{key}~{len(known) + 1}"
        return known[content]


def _meant(text: str, shape: Shape, rules: list[str]) -> str:
    found = shaped(text, shape)
    if found is None:
        raise ValueRefused("pattern", expected=shape.extract, got=text)
    if found != text:
        rules.append("shape")
    return found


@dataclass
class Maker:
    """Makes the fields of one record from one row, and notes originals and rules on the way."""

    context: Context
    cells: Mapping[str, Any]
    was: dict[str, tuple[Any, str]]
    seen: dict[str, str]
    counts: set[tuple[str, str]]

    def make(self, rule: declaration.Field, *, path: str) -> Any:
        if rule.kind == "constant":
            return rule.value
        if rule.kind == "key":
            return None
        if rule.kind == "list":
            return self._list(rule, path=path)
        if rule.kind == "join":
            part = declaration.Field(column="-", kind="text")
            values = [
                name[1:] if name.startswith("=") else self._cell(name, part, path=f"{path}/{n}")
                for n, name in enumerate(rule.columns)
            ]
            values += [self.make(each, path=f"{path}/of/{n}") for n, each in enumerate(rule.of)]
            return rule.by.join(str(value) for value in values if value is not None) or None
        value = self._cell(rule.column, rule, path=path)
        if value is None and rule.instead is not None:
            value = self.make(rule.instead, path=path)
        if value is None and rule.default is not None:
            return rule.default
        if value is None and rule.required:
            cell = original_text(self.cells.get(rule.column))
            raise RowRefused(Refusal("value_missing", f"/{rule.column}", f"a value for {path}", cell))
        return value

    def _list(self, rule: declaration.Field, *, path: str) -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = []
        for number, member in enumerate(rule.members):
            if not member.each:
                self._member(member, found, path=f"{path}/{number}")
                continue
            whole, several = self.cells, self.cells.get(member.each) or ()
            for nth, cells in enumerate(several):
                self.cells = {**whole, **cells}
                self._member(member, found, path=f"{path}/{number}.{nth}")
            self.cells = whole
            self.seen[member.each] = json.dumps(several, sort_keys=True)
        return found

    def _member(self, member: declaration.Part, found: list[dict[str, Any]], *, path: str) -> None:
        made = {name: self.make(r, path=f"{path}/{name}") for name, r in member.fields.items()}
        if all(made.get(name) not in (None, 0) for name in member.keep_if):
            if isinstance(made.get(UNIT), str):
                made[UNIT] = micro(made[UNIT])
            found.append({name: value for name, value in made.items() if value is not None})

    def _cell(self, column: str, rule: declaration.Field, *, path: str) -> Any:
        cell = self.cells.get(column)
        self.seen[column] = original_text(cell)
        try:
            value, rules = clean(cell, rule, self.context)
            if rule.shape is not None and value is not None:
                value = _meant(str(value), rule.shape, rules)
        except ValueRefused as refused:
            if rule.damaged == "leave_out":
                self.was[path] = (told(original_text(cell))[:500], refused.code)
                self.counts.add((column, refused.code))
                return None
            raise RowRefused(
                Refusal(refused.code, f"/{column}", refused.expected, refused.got or original_text(cell))
            ) from refused
        if rules:
            self.was[path] = (told(shown_original(cell, rules))[:500], "+".join(rules))
            self.counts.update((column, name) for name in rules)
        return value
