"""Rows that were told as unreadable, until they are told well: their correction names what it repairs.

A refused row waits on the hub's repair desk. When the same row comes again and is understood, its
operation carries `repairs`, and the desk's entry is closed by it. The same row is: the one with its key; or
the one that stands at its place (a key may itself have been unreadable: a destroyed date), once the refused
row is no longer in the file and what stands there shares a part of its key.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import msgspec

from medloom.agent.notes import source_name
from medloom.agent.translate import Draft
from medloom.wire.operation import Kind
from medloom.wire.stores import SiteStore
from medloom.wire.verdict import Refusal

UNREAD = "unread"
RAW_KEY = "raw:"
#: The record that a row reads again as it was recorded before it became unreadable.
AS_RECORDED = Refusal(code="row_as_recorded")


class Told(msgspec.Struct, frozen=True):
    """An unreadable row: the type and key it was taken for, where it stood, the operation that told it."""

    feed: str
    type: str
    key: str
    at: str
    id: str


def _parts(key: str) -> list[str]:
    return key.split("/")


@dataclass
class Unread:
    """The unreadable rows of one site that wait; kept in its store, read once.

    Without a store: rows given from elsewhere, to ask `of` them only.
    """

    store: SiteStore | None
    _rows: dict[str, Told] | None = None
    _gone: Set[str] = frozenset()

    @property
    def rows(self) -> dict[str, Told]:
        """Source name -> row."""
        if self._rows is None:
            assert self.store is not None
            kept = {name: self.store.get(UNREAD, name) for name in self.store.keys(UNREAD)}
            self._rows = {n: msgspec.json.decode(raw, type=Told) for n, raw in kept.items() if raw}
        return self._rows

    def reload(self) -> None:
        """What was noted in a transaction that failed is not true."""
        self._rows = None

    def note(self, draft: Draft, identity: str) -> None:
        """A row was told as unreadable; the caller holds the transaction."""
        assert self.store is not None
        source = draft.source
        key = source.key.removeprefix(RAW_KEY)
        told = Told(source.feed, draft.type, key, source.at, identity)
        name = source_name(source.feed, source.key)
        self.store.put(UNREAD, {name: msgspec.json.encode(told)})
        self.rows[name] = told

    def mended(self, identity: str) -> None:
        """An operation that repairs this one was written; the caller holds the transaction."""
        assert self.store is not None
        names = [name for name, told in self.rows.items() if told.id == identity]
        self.store.put(UNREAD, dict.fromkeys(names))
        for name in names:
            del self.rows[name]

    def waits_in(self, feed: str, file: str) -> bool:
        """Whether a row of that file waits."""
        return any(told.feed == feed and told.at.startswith(f"{file}#") for told in self.rows.values())

    def arrives(self, feed: str, file: str, refused: Set[str]) -> None:
        """A file is about to be read; `refused`: source keys of the rows that are unreadable in it."""
        self._gone = {
            name
            for name, told in self.rows.items()
            if told.feed == feed and told.at.startswith(f"{file}#") and f"{RAW_KEY}{told.key}" not in refused
        }

    def of(self, draft: Draft, *, there: bool = False) -> Told | None:
        """The unreadable row that this draft tells well, or tells as unreadable once more.

        there  only one that stood at the very place
        """
        if not self.rows:
            return None  # the common case
        source = draft.source
        key = source.key.removeprefix(RAW_KEY if draft.kind is Kind.RAW else f"{draft.type}:")
        told = self.rows.get(source_name(source.feed, f"{RAW_KEY}{key}"))
        if told is not None and told.type == draft.type and (not there or told.at == source.at):
            return told
        return next(
            (each for name, each in self.rows.items() if self._replaced(name, each, draft, key)), None
        )

    def _replaced(self, name: str, told: Told, draft: Draft, key: str) -> bool:
        if (told.feed, told.at, told.type) != (draft.source.feed, draft.source.at, draft.type):
            return False
        if "!" in told.at.rpartition("#")[2] and name not in self._gone:
            return False  # rows of a file move; those of a table stand at their key
        was, is_ = _parts(told.key), _parts(key)
        empty = told.key.endswith(
            told.at.rpartition("#")[2]
        )  # it had no key: the file's digest and its place
        return empty or len(was) == 1 or any(one == other for one, other in zip(was, is_, strict=False))
