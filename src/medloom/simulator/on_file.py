"""The same runs with each site's store in an encrypted file: `SqliteSite` in place of the memory."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medloom.agent.store import SqliteSite
from medloom.simulator.run import Parts
from medloom.simulator.site_actor import SiteActor
from medloom.wire.feed import decode_line
from medloom.wire.sheet import Sheet

_KEY = bytes(range(32))
_COUNT = itertools.count()


class FileSite(SqliteSite):
    """A store that can be backed up and looked through, as the simulator needs it."""

    def __init__(
        self, folder: Path, site: str, sheets: Mapping[str, Sheet], path: Path | None = None
    ) -> None:
        self.folder = folder
        super().__init__(path or folder / f"{site}{next(_COUNT)}.db", site=site, sheets=sheets, key=_KEY)
        # What a power cut leaves is another test's; here only what a transaction holds together counts.
        self._db.pragma("synchronous", "off")

    def copy(self) -> FileSite:
        """A backup, or a clone: a copy of the file and its log, as a power cut would leave them.

        Not of the file after a checkpoint: inside a transaction a checkpoint does nothing.
        """
        path = self.folder / f"{self.site}{next(_COUNT)}.db"
        for end in ("", "-wal"):
            kept = Path(f"{self.path}{end}")
            if kept.exists():
                shutil.copyfile(kept, f"{path}{end}")
        return FileSite(self.folder, self.site, self.sheets, path)

    def raws_held(self) -> set[bytes]:
        """Every operation whose bytes this store holds."""
        held = {bytes(row[0]) for row in self._rows("select raw from own where raw is not null")}
        held |= {decode_line(row[0]).raw for row in self._rows("select body from line")}
        held |= {decode_line(row[0]).raw for row in self._rows("select value from kept where space = 'owed'")}
        return held


def parts(folder: Path) -> Parts:
    """A simulator whose sites keep their stores in that folder."""

    class FileActor(SiteActor):
        @staticmethod
        def new_store(site: str, sheets: Mapping[str, Sheet]) -> Any:
            return FileSite(folder, site, sheets)

    return Parts(site=FileActor)
