"""Write-back: what the hub decided goes into the plant's table, where the row is as the shadow says.

Delivered means written and read back in the plant's transaction. A row that differs from its shadow is
left alone: the difference first becomes an operation, and the write-back waits for its verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from medloom.agent import declaration
from medloom.agent.collector import Collector
from medloom.agent.notes import DIRTY, SOURCE, Shadow, natural_key, read_shadow, shadow_bytes, source_name
from medloom.agent.sources.rows import original_text
from medloom.agent.sources.sql import Database, Delivered, TableSource
from medloom.agent.translate import Translator
from medloom.wire.operation import hub_label
from medloom.wire.sheet import Head, Sheet
from medloom.wire.stores import SiteStore

OBJECTS_MAX = 200


@dataclass
class Deliverer:
    """Delivers objects of one type into one table of one plant."""

    store: SiteStore
    site: str
    database: Database
    mapping: declaration.Mapping
    source: TableSource
    sheet: Sheet
    collector: Collector
    wall: Callable[[], datetime]

    @property
    def writes(self) -> declaration.Writes:
        """What is written; a deliverer without it is never made."""
        assert self.mapping.writes is not None
        return self.mapping.writes

    def deliver(self) -> int:
        """Write what is still due; returns how many rows were written. Raises SQLAlchemyError when the
        plant's database cannot be reached: everything stays due then."""
        done = 0
        for object_ in self.store.keys(DIRTY)[:OBJECTS_MAX]:
            type_ = self.store.get(DIRTY, object_)
            if type_ is None or type_.decode() != self.writes.type:
                continue
            if self.store.pending(object_):
                continue
            head = self.store.head(object_)
            if head is None or (head.site and head.site != self.site):
                self._settle(object_, None, "")
                continue
            done += self._row(object_, head)
        return done

    def _row(self, object_: str, head: Head) -> int:
        key = {column: head.values.get(name) for column, name in self.writes.key.items()}
        natural = natural_key(self.sheet, head.values)
        if natural is None or any(value is None for value in key.values()):
            self._settle(object_, None, "")
            return 0
        name = self._name(key)
        shadow = read_shadow(self.store, name) or Shadow(object=object_)
        wanted = {c: self._wire(head, field) for c, field in self.writes.columns.items()}
        table = self.database.table(self.source)
        values = {c: cell_of(table.c[c], v) for c, v in wanted.items()}
        due = {c: v for c, v in values.items() if shadow.cells.get(c) != original_text(v)}
        if due or not shadow.cells:
            seen = {c: shadow.cells[c] for c in values if c in shadow.cells}
            stamp = {self.writes.stamp: self.wall()} if self.writes.stamp else {}
            result = self.database.write_back(
                self.source, key=key, shadow=seen, values={**due, **stamp}, same=tuple(due)
            )
            if not isinstance(result, Delivered):
                self._capture(key)
                return 0
            shadow.cells.update({c: original_text(v) for c, v in result.now.items()})
        self._learn(shadow, head)
        self._settle(object_, shadow, name)
        return int(bool(due))

    def _learn(self, shadow: Shadow, head: Head) -> None:
        """The plant's row now shows the hub's values: their versions are what its next edit is based on."""
        shadow.hub = hub_label(self.store.hub_epoch())
        shadow.versions = {"": 1}
        for column, name in {**self.writes.columns, **self.writes.key}.items():
            shadow.versions[name] = head.changed.get(name, 1)
            if column in shadow.cells and name in self._read_fields():
                value = head.values.get(name)
                if value is None:
                    shadow.fields.pop(name, None)
                else:
                    shadow.fields[name] = value
        for name in self._read_fields():
            shadow.versions.setdefault(name, head.changed.get(name, 1))
            if name not in shadow.fields and head.values.get(name) is not None:
                shadow.fields[name] = head.values[name]

    def _read_fields(self) -> set[str]:
        return {n for r in self.mapping.records if r.type == self.writes.type for n in r.fields}

    def _capture(self, key: Mapping[str, Any]) -> None:
        """The plant changed the row meanwhile: its difference becomes an operation before anything else."""
        row = self.database.one(self.source, key=key)
        if row is not None and self.mapping.records:
            outcome = Translator(self.mapping).row(row, fallback=row.at)
            self.collector.take(self.mapping.feed, [outcome], cells={outcome.at: row.cells})

    def _name(self, key: Mapping[str, Any]) -> str:
        translator = Translator(self.mapping)
        return source_name(self.mapping.feed, translator.key_of(self.writes.type, key))

    def _wire(self, head: Head, name: str) -> Any:
        return head.state if name == "state" else head.values.get(name)

    def _settle(self, object_: str, shadow: Shadow | None, name: str) -> None:
        with self.store.transaction():
            if shadow is not None:
                self.store.put(SOURCE, {name: shadow_bytes(shadow)})
            self.store.put(DIRTY, {object_: None})


def cell_of(column: sa.Column[Any], value: Any) -> Any:
    """A wire value as the plant's column holds it: a quantity without its unit, days and times as such."""
    if value is None:
        return None
    try:
        kind = column.type.python_type
    except NotImplementedError:
        return value
    text = str(value)
    if kind.__name__ in ("Decimal", "float", "int"):
        return kind(text.split(" ", 1)[0])
    if kind.__name__ in ("date", "datetime", "time"):
        return kind.fromisoformat(text)
    return kind(value)
