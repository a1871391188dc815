"""What a poll has read of its overlap window: a row that reads as it did before costs next to nothing.

Every poll reads the window again, for a transaction that began earlier can commit behind the newest row.
Nearly all of it was read by the poll before; only a row that is new or reads otherwise is taken further.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from medloom.agent.sources.rows import Row

#: Rows remembered of one window; of a larger one the newest.
REMEMBERED_MOST = 50_000
_DIGEST_BYTES = 16


@dataclass
class Window:
    """Digests of the rows of one table's window by key, in memory only: after a start all is taken once.

    place  where the hub's feeds stood when they were taken, for rows that are followed both ways
    """

    place: str = ""
    _before: dict[Hashable, bytes] = field(default_factory=dict)
    _now: dict[Hashable, bytes] = field(default_factory=dict)

    def unknown(self, rows: Sequence[tuple[Hashable, Row]], place: str = "") -> list[Row]:
        """The rows that are new or read otherwise than before; all of them once the hub's place has moved."""
        if place != self.place:
            self._before.clear()
            self.place = place
        found = []
        for key, row in rows:
            digest = hashlib.blake2b(
                repr(list(row.cells.items())).encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES
            ).digest()
            if self._before.get(key) != digest and self._now.get(key) != digest:
                found.append(row)
            self._now.pop(key, None)
            self._now[key] = digest
        while len(self._now) > REMEMBERED_MOST:
            del self._now[next(iter(self._now))]
        return found

    def end(self) -> None:
        """A poll is over: what it read is what the next one knows."""
        self._before, self._now = self._now, {}

    def forget(self) -> None:
        """What was read may not have been taken."""
        self._before, self._now = {}, {}
