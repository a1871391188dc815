"""The proof beside each record: its bytes hashed again, its place in the log and in every feed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from medloom.interfaces.web.records import raw_bytes
from medloom.interfaces.web.viewer import Viewer
from medloom.kernel.models import Entry, FeedLine, Leaf, Seal
from medloom.wire.chain import operation_hash


@dataclass(frozen=True)
class Line:
    """One feed line: where a site reads the record, and the chain's head there."""

    site: str
    feed: str
    position: int
    chain: str


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
