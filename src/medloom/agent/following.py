"""Rows of a plant's table that both sides write: followed both ways, by the steps of `wire.rows`.

Down: what the hub decided is written where the row is as the shadow says, and read back. Up: what a
person changed in the plant's own program becomes an operation, based on the version the row showed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from medloom.agent import declaration
from medloom.agent.cells import cell_of, wire_of
from medloom.agent.collector import Collector, Taken
from medloom.agent.notes import BOUND, DIRTY, natural_key
from medloom.agent.sources.rows import Row, original_text
from medloom.agent.sources.sql import Database, TableSource
from medloom.agent.translate import Translator, raw_outcome
from medloom.wire.operation import Kind
from medloom.wire.rows import SHADOWS, Rows, load
from medloom.wire.shadow import Edit, Shadow
from medloom.wire.sheet import Head, Sheet
from medloom.wire.stores import SiteStore
from medloom.wire.verdict import Refusal
from medloom.wire.writing import Draft

OBJECTS_MAX = 200
STATE = "state"


class Stated:
    """A site's store whose heads show their state as a value too, the initial one included."""

    def __init__(self, inner: SiteStore) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def head(self, object_: str) -> Head | None:
        """The head, with its state among its values."""
        head = self._inner.head(object_)
        if head is None or not head.state:
            return head
        return msgspec.structs.replace(head, values={**head.values, STATE: head.state})


@dataclass
class Follower:
    """Follows one table of one plant for one object type.

    types     type -> declaration, for the form of values
    wall      the plant's wall clock, for the column that keeps the time of a change
    """

    store: SiteStore
    site: str
    database: Database
    mapping: declaration.Mapping
    source: TableSource
    sheet: Sheet
    fields: Mapping[str, Any]
    collector: Collector
    wall: Callable[[], datetime]
    now: Callable[[], str]

    def __post_init__(self) -> None:
        assert self.mapping.writes is not None
        self.writes = self.mapping.writes
        records = [r for r in self.mapping.records if r.type == self.writes.type]
        self.read_columns = {r.column: n for rec in records for n, r in rec.fields.items() if r.column}
        self.columns = {**self.read_columns, **self.writes.key, **self.writes.columns}
        names = tuple(dict.fromkeys(self.columns.values()))
        self._values = Rows(self.store, self.site, tuple(n for n in names if n != STATE), self._edit)
        stated: Any = Stated(self.store)
        self._states = Rows(stated, self.site, (STATE,) if STATE in names else (), self._command)

    # -- up -------------------------------------------------------------------------------------

    def poll(self, rows: list[Row]) -> list[Taken]:
        """Rows as they are now: edits become operations, rows nobody knows become objects."""
        taken = []
        for row in rows:
            key = self.key_of(row)
            shadow = load(self.store, key)
            values = self._wire(row.cells)
            if shadow is None and not self._known(key, values):
                taken += self._create(key, row, values)
                continue
            made = self._values.poll(key, values) + self._states.poll(key, values)
            taken.append(Taken(self.mapping.feed, row.at, tuple(own.id for own in made), {}))
        return taken

    def key_of(self, row: Row) -> str:
        """The name under which the row is followed."""
        return self._key({c: row.cells[c] for c in self.writes.key})

    def missing(self, seen: set[str]) -> int:
        """Rows followed that a whole sweep did not find: told to a person once; returns how many now."""
        told = 0
        for key in self.store.keys(SHADOWS):
            shadow = load(self.store, key)
            if shadow is None or shadow.type != self.writes.type or key in seen or shadow.gone:
                continue
            if shadow.writing or not _shown(shadow) or self._there(shadow):
                continue  # being made, never seen, or made or moved while the sweep was under way
            self._tell_gone(key, shadow)
            told += 1
        return told

    def _tell_gone(self, key: str, shadow: Shadow) -> None:
        """The row is there no more: an observation for a person, never taken as deleted, never made again."""
        refusal = Refusal("row_gone", "/row", "the row, as it was last seen", "")
        values = {name: str(value) for name, value in shadow.values.items() if value is not None}
        outcome = raw_outcome(self.mapping.feed, key, f"gone:{key}", self.writes.type, refusal, values)
        # At once: a row marked as gone has been told of, whatever happens in between.
        with self.store.transaction():
            self._values.poll(key, None)
            self.collector.take(self.mapping.feed, [outcome])

    def _there(self, shadow: Shadow) -> bool:
        table = self.database.table(self.source)
        place = {c: cell_of(table.c[c], shadow.values.get(n)) for c, n in self.writes.key.items()}
        return self.database.one(self.source, key=place) is not None

    def _known(self, key: str, values: Mapping[str, Any]) -> bool:
        """Begin to follow a row whose object the hub has: what differs is for a person to settle."""
        natural = natural_key(self.sheet, values)
        kept = self.store.get(BOUND, f"{self.writes.type}/{natural}") if natural else None
        head = self.store.head(kept.decode()) if kept is not None else None
        if head is None:
            return False
        self._adopt(key, head.object, self._head(head))
        return True

    def _adopt(self, key: str, object_: str, values: Mapping[str, Any]) -> None:
        """Follow a row from now on, as one that shows these values and whose versions nobody knows yet."""
        names = tuple(values)
        rows = Rows(self.store, self.site, names, self._edit)
        rows.adopt(key, type=self.writes.type, object=object_, row=values, made=None)

    def _create(self, key: str, row: Row, values: Mapping[str, Any]) -> list[Taken]:
        if not self.mapping.records:
            # A table that only the hub writes, and a row the hub knows nothing of: for a person.
            refusal = Refusal("row_unknown", "/row", "a row that the hub has sent")
            original = {name: original_text(cell) for name, cell in row.cells.items() if cell is not None}
            told = raw_outcome(self.mapping.feed, row.at, f"raw:{key}", self.writes.type, refusal, original)
            return self.collector.take(self.mapping.feed, [told])
        outcome = Translator(self.mapping).row(row, fallback=row.at)
        taken = self.collector.take(self.mapping.feed, [outcome])
        made = [self.store.own([each])[each] for rows in taken for each in rows.ids]
        if made and outcome.refusal is None:
            own = made[-1]
            self._values.adopt(key, type=self.writes.type, object=own.object, row=values, made=own)
        return taken

    # -- down -----------------------------------------------------------------------------------

    def deliver(self) -> int:
        """Write what is still due; returns how many rows were written.

        Raises SQLAlchemyError when the plant's database cannot be reached: everything stays due then.
        """
        done = 0
        for object_ in self.store.keys(DIRTY)[:OBJECTS_MAX]:
            type_ = self.store.get(DIRTY, object_)
            if type_ is None or type_.decode() != self.writes.type:
                continue
            head = self.store.head(object_)
            key = self._place(head) if head is not None else None
            if head is None or key is None or (head.site and head.site != self.site):
                self._clear(object_)
                continue
            done += self._row(object_, head, key)
        return done

    def _place(self, head: Head) -> dict[str, Any] | None:
        """The key columns of the row that shows this object, or None while a part is missing."""
        table = self.database.table(self.source)
        place = {c: cell_of(table.c[c], head.values.get(n)) for c, n in self.writes.key.items()}
        return None if any(value is None for value in place.values()) else place

    def _row(self, object_: str, head: Head, place: Mapping[str, Any]) -> int:
        key = self._key(place)
        if load(self.store, key) is None:
            row = self.database.one(self.source, key=place)
            if row is None:
                self._adopt(key, object_, self._wire({}))
            else:
                self.poll([row])
        due = {**self._values.plan(key), **self._states.plan(key)}
        if any(name in due for name in self.writes.columns.values()):
            back = self.database.change(self.source, key=place, decide=lambda cells: self._decide(key, cells))
            if back is None:
                return 0
            values = self._wire(back)
            self._values.confirm(key, values)
            self._states.confirm(key, values)
            return 1
        shadow = load(self.store, key)
        if shadow is not None and not shadow.captured:
            self._clear(object_)
        return 0

    def _decide(self, key: str, cells: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Inside the plant's transaction: the cells to write, or None to leave the row alone."""
        shadow = load(self.store, key)
        if cells is None and shadow is not None and _shown(shadow):
            if not shadow.gone:
                self._tell_gone(key, shadow)
            return None
        values = self._wire(cells or {})
        wanted = self._values.prepare(key, values)
        if cells is not None and load(self.store, key) != shadow and not wanted and self._open(key):
            return None
        state = self._states.plan(key)
        if state:
            self._intend_state(key, state)
        wanted = {**wanted, **state}
        table = self.database.table(self.source)
        found = {c: cell_of(table.c[c], wanted[n]) for c, n in self.writes.columns.items() if n in wanted}
        if not found and cells is not None:
            return None
        stamp = {self.writes.stamp: self.wall()} if self.writes.stamp else {}
        return {**found, **stamp}

    def _open(self, key: str) -> bool:
        shadow = load(self.store, key)
        return shadow is not None and bool(shadow.captured)

    def _intend_state(self, key: str, state: Mapping[str, Any]) -> None:
        shadow = load(self.store, key)
        if shadow is None:
            return
        head = self.store.head(shadow.object)
        version = head.version if head is not None else 0
        wider = msgspec.structs.replace(shadow, writing={**shadow.writing, **state}, writing_version=version)
        with self.store.transaction():
            self.store.put(SHADOWS, {key: msgspec.json.encode(wider)})

    def _clear(self, object_: str) -> None:
        with self.store.transaction():
            self.store.put(DIRTY, {object_: None})

    # -- forms ----------------------------------------------------------------------------------

    def _key(self, place: Mapping[str, Any]) -> str:
        return f"{self.mapping.feed}/" + "/".join(original_text(value) for value in place.values())

    def _wire(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        """The row's values in the declared forms; an empty cell is None."""
        return {n: wire_of(self.fields.get(n), cells.get(c)) for c, n in self.columns.items()}

    def _head(self, head: Head) -> dict[str, Any]:
        values = {n: head.values.get(n) for n in self.columns.values()}
        return {**values, **({STATE: head.state} if STATE in values else {})}

    def _edit(self, shadow: Shadow, edit: Edit) -> Draft:
        return self._draft(shadow, Kind.SET, edit.fields, edit.base)

    def _command(self, shadow: Shadow, edit: Edit) -> Draft:
        """A state that a person set in the plant's program is the command that leads there."""
        target = edit.fields.get(STATE)
        head = self.store.head(shadow.object)
        state = head.state if head is not None else ""
        steps = self.sheet.lifecycle.steps if self.sheet.lifecycle else ()
        step = next((s for s in steps if s.target == target and state in s.source), None)
        fields = {"command": step.name if step is not None else str(target), "from": state}
        return self._draft(shadow, Kind.COMMAND, fields, edit.base)

    def _draft(self, shadow: Shadow, kind: Kind, fields: dict[str, Any], base: int) -> Draft:
        return Draft(
            type=shadow.type,
            object=shadow.object,
            kind=kind,
            fields=fields,
            at=self.now(),
            actor=f"agent:{self.site}",
            chain="c" if kind is Kind.COMMAND else self.sheet.chain,
            base=base,
            hub=shadow.hub,
            clock="agent",
            reason=f"{self.mapping.feed}: changed in the plant's table",
        )


def _shown(shadow: Shadow) -> bool:
    """Whether the row was ever seen with anything in it."""
    return any(value is not None for value in shadow.values.values())
