"""What an agent reads of its plant: folders of files and tables, each with where its reading stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from medloom.agent.declaration import Mapping as Declared
from medloom.agent.sources.folder import Folder
from medloom.agent.sources.rows import Delivery
from medloom.agent.sources.sql import TableSource
from medloom.agent.translate import Outcome


@dataclass
class Watched:
    """One folder with its mappings, and the file that is being read. `due`: not read before (monotonic).

    `recognise` reads import templates, which need no mapping (agent/templates.py).
    """

    folder: Folder
    mappings: list[Declared]
    recognise: Callable[[Delivery], Any] = lambda delivery: None
    reading: Iterator[tuple[str, list[Outcome], bool]] | None = None
    digest: tuple[str, str] | None = None
    due: float = 0.0

    def put_off(self, *, until: float) -> None:
        """Give up the reading under way: what was not read to its end is read again from `until` on."""
        if self.reading is not None:
            self.reading.close()  # type: ignore[attr-defined]  # a generator, always
        self.reading, self.due = None, until


def watch(
    folder: Path,
    mappings: list[Declared],
    *,
    settle_seconds: float,
    recognise: Callable[[Delivery], Any] = lambda delivery: None,
) -> Watched:
    """A folder with the mappings that read files; `recognise` finds the import templates among the others."""
    files = [mapping for mapping in mappings if mapping.match.files]
    return Watched(Folder(folder, settle_seconds=settle_seconds), files, recognise)


def table_source(mapping: Declared) -> TableSource:
    """The table that a mapping reads."""
    match = mapping.match
    return TableSource(
        table=match.table,
        key=match.primary,
        modified=match.modified,
        schema=match.schema or None,
        overlap=timedelta(minutes=match.overlap_minutes),
    )
