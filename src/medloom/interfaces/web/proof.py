"""The proof beside each record: its bytes hashed again, its place in the log and in every feed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from medloom.interfaces.web.records import raw_bytes
from medloom.interfaces.web.viewer import Viewer
from medloom.kernel.models import Entry, FeedLine, Hub, Leaf, Seal
from medloom.wire.chain import entry_hash, feed_link, feed_start, operation_hash

#: Lines of each feed that are recomputed when a person asks.
CHECKED_MOST = 2_000


@dataclass(frozen=True)
class Line:
    """One feed line: where a site reads the record, and the chain's head there."""

    site: str
    feed: str
    position: int
    chain: str


@dataclass(frozen=True)
class Checked:
    """How far back one feed's chain was recomputed, and where it breaks (0 = nowhere)."""

    site: str
    feed: str
    last: int
    lines: int
    broken_at: int


@dataclass(frozen=True)
class Proof:
    """What can be checked of one record."""

    matches: bool
    leaf: int | None
    size: int
    lines: list[Line]


def proof_of(entries: Iterable[Entry], viewer: Viewer) -> dict[int, Proof]:
    """The proof of each entry by its number; three queries for all of them."""
    entries = list(entries)
    numbers = [e.seq for e in entries]
    leaves = dict(Leaf.objects.filter(seq__in=numbers).values_list("seq", "index"))
    size = Seal.objects.order_by("-id").values_list("size", flat=True).first() or 0
    lines: dict[int, list[Line]] = {}
    for line in FeedLine.objects.filter(seq__in=numbers).order_by("site", "feed"):
        if viewer.registrant or line.site == viewer.site:
            found = Line(line.site, line.feed, line.position, bytes(line.chain).hex())
            lines.setdefault(line.seq, []).append(found)
    return {
        e.seq: Proof(
            operation_hash(raw_bytes(e)) == bytes(e.hash), leaves.get(e.seq), size, lines.get(e.seq, [])
        )
        for e in entries
    }


def _digest(entry: Entry) -> bytes:
    """The entry's hash, from its bytes as they are stored now."""
    return entry_hash(
        seq=entry.seq,
        operation=operation_hash(raw_bytes(entry)),
        verdict=entry.verdict,
        object=str(entry.object or ""),
        version=entry.version,
        decision=(entry.decision or "").encode(),
    )


def check_feed(site: str, feed: str) -> Checked:
    """Recompute the newest part of one feed's chain from the stored bytes, line by line.

    A changed byte, a removed, added or moved line breaks it at that position. A hub that was restored
    has several epochs; a line holds under one of them.
    """
    lines = list(FeedLine.objects.filter(site=site, feed=feed).order_by("-position")[: CHECKED_MOST + 1])[
        ::-1
    ]
    if not lines:
        return Checked(site, feed, 0, 0, 0)
    epochs = [epoch.hex for epoch in Hub.objects.order_by("-id").values_list("epoch", flat=True)]
    entries = Entry.objects.in_bulk([line.seq for line in lines])
    head = feed_start(site=site, feed=feed) if lines[0].position == 1 else bytes(lines[0].chain)
    first = 0 if lines[0].position == 1 else 1
    expected = lines[0].position + first
    for line in lines[first:]:
        entry = entries.get(line.seq)
        links = (
            {feed_link(head, position=expected, hub_epoch=e, entry=_digest(entry)) for e in epochs}
            if entry is not None and line.position == expected
            else set()
        )
        if bytes(line.chain) not in links:
            return Checked(site, feed, lines[-1].position, len(lines) - first, expected)
        head = bytes(line.chain)
        expected += 1
    return Checked(site, feed, lines[-1].position, len(lines) - first, 0)


def check_feeds(sites: Iterable[str]) -> list[Checked]:
    """Both feeds of every site that the person may see."""
    found = [check_feed(site, feed) for site in sites for feed in ("c", "v")]
    return [one for one in found if one.last]
