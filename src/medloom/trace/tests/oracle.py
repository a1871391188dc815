"""A fast breadth-first search in numpy: what the walks are compared with, and the benchmark's denominator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Graph:
    """Edges as compressed rows: `targets[begins[n]:begins[n + 1]]` are the successors of node n."""

    def __init__(self, *, nodes: int, sources: Ints, targets: Ints) -> None:
        order = np.argsort(sources, kind="stable")
        degrees = np.bincount(sources, minlength=nodes)
        self._set(np.concatenate([[0], np.cumsum(degrees)]), targets[order].astype(np.int32))

    @classmethod
    def of_rows(cls, *, begins: Ints, targets: NDArray[np.int32]) -> Graph:
        """A graph whose rows are laid out already."""
        graph = cls.__new__(cls)
        graph._set(begins, targets)
        return graph

    def _set(self, begins: Ints, targets: NDArray[np.int32]) -> None:
        self.begins, self.targets = begins, targets
        self._seen = np.zeros(len(begins) - 1, dtype=bool)
        self._slot = np.zeros(len(begins) - 1, dtype=np.int32)

    def reach(self, starts: Ints) -> Ints:
        """Every node reachable from `starts`, these included, in the order of discovery.

        Duplicates within a level go by scattering positions and reading them back: the last writer of a
        node wins, everyone else sees another number. That is linear where sorting (np.unique) is not.
        """
        seen, slot = self._seen, self._slot
        fresh = np.unique(starts)
        seen[fresh] = True
        found = [fresh]
        while len(fresh):
            begins = self.begins[fresh]
            counts = self.begins[fresh + 1] - begins
            total = int(counts.sum())
            offsets = np.repeat(begins - np.cumsum(counts) + counts, counts)
            fresh = self.targets[offsets + np.arange(total)]
            fresh = fresh[~seen[fresh]]
            places = np.arange(len(fresh), dtype=np.int32)
            slot[fresh] = places
            fresh = fresh[slot[fresh] == places]
            seen[fresh] = True
            found.append(fresh)
        answer = np.concatenate(found)
        seen[answer] = False
        return answer
