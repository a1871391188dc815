"""What a site does with lines that the hub lost: keep them on disk, hand them back, wait for them.

Between the rewind and the new lines, the state here is older than what the plant's rows show; so
nothing is written back while anything is awaited.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from medloom.wire.feed import FeedLine, decode_line, encode_line
from medloom.wire.stores import SiteStore

#: The store's space of lines that the hub lost and has not taken back yet, in their order.
OWED = "owed"
#: The store's space of operations in such lines, until their new lines have come.
AWAITED = "awaited"
#: Lines in one part of a hand-back.
HAND_BACK_LINES = 500


def owe(store: SiteStore, lines: Sequence[FeedLine]) -> None:
    """Keep what the hub lost until it has taken it back: a crash in between must not lose it too."""
    if not lines:
        return
    kept = store.keys(OWED)
    part = int(kept[-1].split("/")[0]) + 1 if kept else 1
    ordered = sorted(lines, key=lambda line: line.seq)
    store.put(OWED, {f"{part:06d}/{at:09d}": encode_line(line) for at, line in enumerate(ordered)})
    store.put(AWAITED, {line.id: b"1" for line in ordered})


def owed_part(store: SiteStore) -> tuple[FeedLine, ...]:
    """The next lines to hand back, in order; a group is not cut in two."""
    lines: list[FeedLine] = []
    group = ""
    for key in store.keys(OWED):
        line = _owed(store, key)
        if len(lines) >= HAND_BACK_LINES - 1:
            operation = line.operation()
            named = operation.group if operation is not None else ""
            if len(lines) >= HAND_BACK_LINES and (not group or named != group):
                break
            group = named
        lines.append(line)
    return tuple(lines)


def arrived(store: SiteStore, ids: Collection[str]) -> None:
    """Lines that have come, or come back by themselves, are neither owed nor waited for."""
    store.put(AWAITED, dict.fromkeys(ids))
    owed = {key: _owed(store, key).id for key in store.keys(OWED)}
    store.put(OWED, dict.fromkeys(key for key, each in owed.items() if each in ids))


def _owed(store: SiteStore, key: str) -> FeedLine:
    kept = store.get(OWED, key)
    assert kept is not None
    return decode_line(kept)
