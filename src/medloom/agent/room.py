"""Whether the agent's store has room: what must wait while it has not, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from medloom.agent.file import FILL_EDITS, FILL_OBSERVATIONS, FILLS, STORE_FULL, StoreFull, code_of_fill
from medloom.agent.trouble import Troubles

log = structlog.get_logger(__name__)
#: A full store is looked at again after this long.
FULL_SECONDS = 5.0


@dataclass
class Room:
    """The room in one store; a store in memory has always some. `clock` is monotonic seconds.

    full_until  something found no room: nothing is read before
    stuck       who found none and has not found any since: "plant" or "hub"
    """

    store: Any
    trouble: Troubles
    clock: Callable[[], float]
    full_until: float = 0.0
    stuck: set[str] = field(default_factory=set)

    def for_facts(self) -> bool:
        """Whether anything at all may be read; from 98 % on nothing is, and what was taken is still sent."""
        if self.full_until and self.clock() < self.full_until:
            return False
        self.full_until = 0.0
        return self._look() < FILL_OBSERVATIONS

    def for_edits(self) -> bool:
        """Whether edits may be read: from 90 % on they wait, so that what happens still finds room."""
        return self._share() < FILL_EDITS

    def _share(self) -> float:
        fill = getattr(self.store, "fill", None)
        return float(fill()) if fill is not None else 0.0

    def _look(self) -> float:
        share = self._share()
        # Whatever the figures say: something found no room, and has not since.
        self._tell(STORE_FULL if self.stuck else code_of_fill(share))
        return share

    def _tell(self, code: str) -> None:
        self.trouble.over(*(each for each in FILLS if each != code))
        if code:
            self.trouble.note(code, self.store.fill_text(), now=self.clock())

    def full(self, error: StoreFull, *, where: str = "plant") -> float:
        """Nothing of a step was kept, for want of room: it is taken up again later. Returns when."""
        self.stuck.add(where)
        self.full_until = self.clock() + FULL_SECONDS
        self._tell(STORE_FULL)
        log.warning("store_full", why=str(error))
        return self.full_until

    def found(self, where: str) -> None:
        """It went well this time."""
        self.stuck.discard(where)
