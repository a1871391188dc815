"""Which key is which object, kept by each process between batches."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache

from medloom.kernel.entity import catalogue

#: (type, site, key) -> internal number. A key is bound once and never again, so this never goes stale.
#: Bounded: the oldest half goes when it is full.
KEPT: OrderedDict[tuple[str, str, str], int] = OrderedDict()
_MOST = 60_000  # some 15 MB


def remember(bound: Mapping[tuple[str, str, str], int]) -> None:
    """Keep bindings; called only after their commit."""
    if len(KEPT) + len(bound) > _MOST:
        for _ in range(min(len(KEPT), _MOST // 2)):
            KEPT.popitem(last=False)
    KEPT.update(bound)


@lru_cache(maxsize=1)
def referred() -> frozenset[str]:
    """Every type that some field or line refers to."""
    refs = [ref for declared in catalogue().values() for ref in declared.refs.values()]
    refs += [
        ref for declared in catalogue().values() for lines in declared.lines.values() for ref in lines.refs
    ]
    return frozenset(ref.type for ref in refs)


def forget() -> None:
    """Drop every kept binding (another database, a test)."""
    KEPT.clear()
