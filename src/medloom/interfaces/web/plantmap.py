"""A schematic map of the plants in a scope: regions side by side, plants in them, arrows for what went where.

No map of the world is drawn and no tile is fetched: what matters is who has how much, and from whom. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medloom.trace.frozen.lines import Line

WIDE, TALL, GAP_X, GAP_Y, EDGE, HEAD = 190, 74, 96, 22, 14, 26


@dataclass(frozen=True)
class Spot:
    """One plant on the map, with its place in drawing units."""

    site: str
    name: str
    lots: int
    devices: int
    starts: int
    x: int
    y: int

    @property
    def short(self) -> str:
        """Its name as far as the box takes it; a Chinese letter is as wide as two."""
        room, kept = 22, ""
        for letter in self.name:
            room -= 2 if ord(letter) > 0x2E80 else 1
            if room < 0:
                return f"{kept}…"
            kept += letter
        return kept

    @property
    def end(self) -> int:
        """Its right edge."""
        return self.x + WIDE

    @property
    def middle(self) -> int:
        """The height of its middle."""
        return self.y + TALL // 2


@dataclass(frozen=True)
class Region:
    """A region's frame."""

    name: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Arrow:
    """What went from one plant to another: so many lots."""

    path: str
    lots: int
    x: int
    y: int


@dataclass(frozen=True)
class PlantMap:
    """Everything that is drawn."""

    regions: tuple[Region, ...]
    spots: tuple[Spot, ...]
    arrows: tuple[Arrow, ...]
    width: int
    height: int


def draw_map(lines: Sequence[Line], *, names: Mapping[str, str], regions: Mapping[str, str]) -> PlantMap:
    """The plants of these lines; regions from the one where the goods come from to where they went."""
    by_site: dict[str, list[Line]] = {}
    for line in lines:
        by_site.setdefault(line.site, []).append(line)
    home = {line.lot: line.site for line in lines}
    rank = {site: sum(line.distance for line in mine) / len(mine) for site, mine in by_site.items()}
    grouped: dict[str, list[str]] = {}
    for site in sorted(by_site, key=lambda one: (rank[one], one)):
        grouped.setdefault(regions.get(site, ""), []).append(site)
    spots: dict[str, Spot] = {}
    frames = []
    tallest = max((len(sites) for sites in grouped.values()), default=0)
    for column, (region, sites) in enumerate(grouped.items()):
        x = EDGE + column * (WIDE + GAP_X)
        top = EDGE + HEAD + (tallest - len(sites)) * (TALL + GAP_Y) // 2
        for at, site in enumerate(sites):
            mine = by_site[site]
            spots[site] = Spot(
                site, names.get(site, site), len(mine), sum(line.devices for line in mine),
                sum(1 for line in mine if line.distance == 0), x, top + at * (TALL + GAP_Y),
            )  # fmt: skip
        height = HEAD + len(sites) * (TALL + GAP_Y) - GAP_Y + 2 * EDGE - 6
        frames.append(Region(region, x - EDGE, top - HEAD - 4, WIDE + 2 * EDGE, height))
    flows: dict[tuple[str, str], int] = {}
    for line in lines:
        source = home.get(line.via)
        if source and source != line.site:
            ends = (source, line.site) if line.distance >= 0 else (line.site, source)
            flows[ends] = flows.get(ends, 0) + 1
    width = 2 * EDGE + len(grouped) * (WIDE + GAP_X) - GAP_X if grouped else 0
    width += GAP_X // 2 if any(spots[a].x == spots[b].x for a, b in flows) else 0
    height = 2 * EDGE + HEAD + tallest * (TALL + GAP_Y) - GAP_Y + 6
    arrows = tuple(_arrow(spots[a], spots[b], count) for (a, b), count in sorted(flows.items()))
    return PlantMap(tuple(frames), tuple(spots.values()), arrows, width, height)


def _arrow(one: Spot, other: Spot, lots: int) -> Arrow:
    if one.x == other.x:  # within a region: along the right side
        bend = one.end + GAP_X // 2 - 6
        begin, end = f"M{one.end} {one.middle}", f"{other.end + 7} {other.middle}"
        path = f"{begin} C{bend} {one.middle} {bend} {other.middle} {end}"
        return Arrow(path, lots, bend - 16, (one.middle + other.middle) // 2)
    ahead = one.x < other.x
    begin, end = (one.end, other.x - 7) if ahead else (one.x, other.end + 7)
    middle = (begin + end) // 2
    path = f"M{begin} {one.middle} C{middle} {one.middle} {middle} {other.middle} {end} {other.middle}"
    return Arrow(path, lots, middle, (one.middle + other.middle) // 2 - 6)
