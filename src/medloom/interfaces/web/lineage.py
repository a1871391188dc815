"""The picture of the data map: plants as bands, in each what comes from where; then who reads. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

#: States of a feed or kind of data, the gravest last.
WORSE = ("fresh", "late", "stale", "disputed")


@dataclass
class Node:
    """One box. `state` is the gravest of what it stands for; `rows` and `ago` are of its newest part."""

    id: str
    label: str
    address: str
    type: str = ""
    state: str = "fresh"
    rows: int = 0
    ago: str = ""
    newest: Any = None
    synthetic: bool = False

    def take(self, row: Mapping[str, Any]) -> None:
        """Stand for one more row of the map."""
        self.state = max(self.state, row["state"], key=WORSE.index)
        self.rows += row["rows"]
        if self.newest is None or row["newest"] > self.newest:
            self.newest, self.ago = row["newest"], row["ago"]


@dataclass
class Band:
    """One plant: its source systems, its feeds, and the kinds of data that they fill."""

    site: str
    plant: str
    systems: dict[str, Node] = field(default_factory=dict)
    feeds: dict[str, Node] = field(default_factory=dict)
    types: dict[str, Node] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[tuple[str, list[Node]], ...]:
        """From left to right."""
        return (
            ("system", list(self.systems.values())),
            ("feed", list(self.feeds.values())),
            ("type", list(self.types.values())),
        )

    @property
    def troubles(self) -> list[tuple[str, int]]:
        """How many of its kinds of data are late, stale or disputed."""
        states = [node.state for node in self.types.values()]
        return [(state, states.count(state)) for state in WORSE[1:] if state in states]


@dataclass
class Picture:
    """Everything that is drawn: bands, readers, and arrows between the ids of boxes."""

    bands: list[Band]
    readers: list[Node]
    arrows: list[tuple[str, str]]

    @property
    def count(self) -> int:
        """How many boxes there are."""
        inside = (len(band.systems) + len(band.feeds) + len(band.types) for band in self.bands)
        return sum(inside) + len(self.readers)


def picture_of(rows: Sequence[Mapping[str, Any]], *, address: Callable[[str, str, str], str]) -> Picture:
    """Bands of plants in the order of the rows; `address(kind, site, name)` is where a box leads."""
    bands: dict[str, Band] = {}
    readers: dict[str, Node] = {}
    arrows: dict[tuple[str, str], None] = {}

    def box(place: dict[str, Node], kind: str, site: str, name: str, label: str, type_: str = "") -> Node:
        node = Node(f"{kind}/{site}/{name}", label, address(kind, site, name), type_)
        return place.setdefault(name, node)

    for row in rows:
        site = row["site"]
        band = bands.setdefault(site, Band(site, row["plant"]))
        feed = box(band.feeds, "f", site, row["feed"], row["feed"])
        feed.synthetic = row["synthetic"]
        chain = [
            box(band.systems, "s", site, row["system"], row["system"]),
            feed,
            box(band.types, "t", site, row["type"], row["title"], row["type"]),
        ]
        for node in chain:
            node.take(row)
        arrows |= dict.fromkeys(pairwise(node.id for node in chain))
        for reader in row["readers"]:
            arrows[chain[-1].id, box(readers, "r", "", reader, reader).id] = None
    return Picture(list(bands.values()), list(readers.values()), list(arrows))
