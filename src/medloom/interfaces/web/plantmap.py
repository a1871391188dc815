"""A schematic map of the plants in a scope: regions side by side, plants in them, arrows for what went where.

No map of the world is drawn and no tile is fetched: what matters is who has how much, and from whom. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from medloom.trace.frozen.lines import Line

WIDE, TALL, GAP_X, GAP_Y, EDGE, HEAD = 190, 74, 96, 22, 14, 26
#: Boxes of consignees, lower than a plant's; so many are drawn, the others are one box together.
LOW, GAP_LOW, TAKERS_DRAWN = 46, 12, 8


def clipped(name: str, room: float = 22.5) -> str:
    """A name as far as a box takes it; a Chinese letter is as wide as two, a capital as one and a half."""
    kept = ""
    for letter in name:
        room -= 2 if ord(letter) > 0x2E80 else 1.4 if letter.isupper() else 1
        if room < 0:
            return f"{kept}…"
        kept += letter
    return kept


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
        """Its name as far as the box takes it."""
        return clipped(self.name)

    @property
    def end(self) -> int:
        """Its right edge."""
        return self.x + WIDE

    @property
    def middle(self) -> int:
        """The height of its middle."""
        return self.y + TALL // 2


@dataclass(frozen=True)
class Taker:
    """A consignee, or several that are drawn as one: how much it received, from which plants.

    quantity  in words, with its unit
    more      how many it stands for; 0 for a single one
    unknown   whether it stands for what left without a consignee on record
    """

    name: str
    quantity: str
    sites: frozenset[str]
    more: int = 0
    unknown: bool = False
    x: int = 0
    y: int = 0

    @property
    def short(self) -> str:
        """Its name as far as the box takes it."""
        return clipped(self.name)

    @property
    def middle(self) -> int:
        """The height of its middle."""
        return self.y + LOW // 2


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
    """What went from one plant to another: so many lots; or to a consignee, whose box says how much."""

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
    takers: tuple[Taker, ...]
    taken: Region | None
    width: int
    height: int


def draw_map(
    lines: Sequence[Line],
    *,
    names: Mapping[str, str],
    regions: Mapping[str, str],
    takers: Sequence[Taker] = (),
) -> PlantMap:
    """The plants of these lines; regions from the one where the goods come from to where they went.

    On the right, where everything ends, those who received it.
    """
    by_site: dict[str, list[Line]] = {}
    for line in lines:
        by_site.setdefault(line.site, []).append(line)
    rank = {site: sum(line.distance for line in mine) / len(mine) for site, mine in by_site.items()}
    grouped: dict[str, list[str]] = {}
    for site in sorted(by_site, key=lambda one: (rank[one], one)):
        grouped.setdefault(regions.get(site, ""), []).append(site)
    stacks = [len(sites) * (TALL + GAP_Y) - GAP_Y for sites in grouped.values()]
    tallest = max([*stacks, len(takers) * (LOW + GAP_LOW) - GAP_LOW if takers else 0], default=0)
    spots: dict[str, Spot] = {}
    frames = []
    for column, ((region, sites), stack) in enumerate(zip(grouped.items(), stacks, strict=True)):
        x, top = _place(column, stack, tallest)
        for at, site in enumerate(sites):
            mine = by_site[site]
            spots[site] = Spot(
                site, names.get(site, site), len(mine), sum(line.devices for line in mine),
                sum(1 for line in mine if line.distance == 0), x, top + at * (TALL + GAP_Y),
            )  # fmt: skip
        frames.append(_frame(region, x, top, stack))
    flows = _flows(lines)
    columns = len(grouped) + bool(takers)
    width = 2 * EDGE + columns * (WIDE + GAP_X) - GAP_X if columns else 0
    if any(spots[a].x == spots[b].x == _place(columns - 1, 0, 0)[0] for a, b in flows):
        width += GAP_X // 2  # an arrow bends beyond the last column
    arrows = [_arrow(spots[a], spots[b], count) for (a, b), count in sorted(flows.items())]
    placed, frame = _taken(takers, len(grouped), tallest)
    arrows += [_handed(spots[site], one) for one in placed for site in sorted(one.sites) if site in spots]
    height = 2 * EDGE + HEAD + tallest + 6
    return PlantMap(tuple(frames), tuple(spots.values()), tuple(arrows), placed, frame, width, height)


def _place(column: int, stack: int, tallest: int) -> tuple[int, int]:
    """Left edge of a column and the top of its boxes, which stand in the middle of the drawing's height."""
    return EDGE + column * (WIDE + GAP_X), EDGE + HEAD + (tallest - stack) // 2


def _frame(name: str, x: int, top: int, stack: int) -> Region:
    return Region(name, x - EDGE, top - HEAD - 4, WIDE + 2 * EDGE, HEAD + stack + 2 * EDGE - 6)


def _flows(lines: Sequence[Line]) -> dict[tuple[str, str], int]:
    """From plant, to plant -> how many lots."""
    home = {line.lot: line.site for line in lines}
    flows: dict[tuple[str, str], int] = {}
    for line in lines:
        source = home.get(line.via)
        if source and source != line.site:
            ends = (source, line.site) if line.distance >= 0 else (line.site, source)
            flows[ends] = flows.get(ends, 0) + 1
    return flows


def _taken(takers: Sequence[Taker], column: int, tallest: int) -> tuple[tuple[Taker, ...], Region | None]:
    if not takers:
        return (), None
    stack = len(takers) * (LOW + GAP_LOW) - GAP_LOW
    x, top = _place(column, stack, tallest)
    placed = tuple(replace(one, x=x, y=top + at * (LOW + GAP_LOW)) for at, one in enumerate(takers))
    return placed, _frame("", x, top, stack)


def _handed(one: Spot, taker: Taker) -> Arrow:
    begin, end = one.end, taker.x - 7
    bend = end - GAP_X // 2
    path = f"M{begin} {one.middle} C{bend} {one.middle} {bend} {taker.middle} {end} {taker.middle}"
    return Arrow(path, 0, bend, taker.middle)


def _arrow(one: Spot, other: Spot, lots: int) -> Arrow:
    if one.x == other.x and abs(one.y - other.y) == TALL + GAP_Y:  # the next one below or above
        side = 1 if one.y < other.y else -1  # both ways stand side by side
        begin, end = (one.y + TALL, other.y - 3) if side > 0 else (one.y, other.y + TALL + 3)
        x = one.x + WIDE // 2 + 14 * side
        return Arrow(f"M{x} {begin} L{x} {end}", lots, x + 18 * side, (begin + end) // 2 + 5)
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
