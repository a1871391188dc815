"""What the page of a scope shows, live or frozen: figures, quantities, map, graph and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from medloom.interfaces.web import queries
from medloom.interfaces.web.columns import column_of, columns_of, unit_word
from medloom.interfaces.web.consigning import SHOWN_MOST as RECEIVED_MOST
from medloom.interfaces.web.consigning import received, takers, undated_words
from medloom.interfaces.web.plantmap import draw_map
from medloom.interfaces.web.scopewords import meant_words
from medloom.interfaces.web.viewer import Viewer
from medloom.interfaces.web.views.lists import drawing_of
from medloom.interfaces.web.views.scope import DRAWN_MOST, Placed, edges_inside, graph_of
from medloom.kernel.entity import catalogue
from medloom.parties.models import Site
from medloom.trace import queries as trace
from medloom.trace.frozen.handed import Handed
from medloom.trace.frozen.lines import Line, ordered
from medloom.trace.scopes.balance import PARTS, Balance, totals
from medloom.trace.scopes.consigned import EVERYTHING, consigned
from medloom.trace.scopes.expression import Expression, groups_of
from medloom.trace.scopes.mentions import mentions

#: Rows of one page; the export holds them all.
SHOWN_MOST = 500
#: Waiting rows that are looked through for a scope's lots.
WAITING_MOST = 20_000
PERHAPS_MOST = 50
RANGES_SHOWN = 12
LISTED = ("key", "site", "item", "state")


@dataclass(frozen=True)
class Bar:
    """One part of a quantity's bar: which, its share of the whole in per cent, where it begins."""

    name: str
    share: float
    at: float
    value: Decimal


@dataclass(frozen=True)
class Shown:
    """One line as the table shows it."""

    lot: Any
    line: Line
    unit: object
    unknown: Decimal | None
    bars: list[Bar]
    blocked: bool

    @property
    def meant(self) -> tuple[str, str]:
        """Which part of the lot, and why; two empty texts for a whole one."""
        if self.line.meant == "whole":
            return "", ""
        return meant_words(self.line.meant, numbered=bool(self.line.ranges))

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """First and last number of each range of devices, as many as a page shows."""
        return self.line.spans[:RANGES_SHOWN]


def bars_of(balance: Balance) -> list[Bar]:
    """The parts of what was made; what more went out than was made has no place in it."""
    unknown = balance.unknown or Decimal(0)
    parts = [(name, getattr(balance, name)) for name in PARTS] + [("unknown", unknown)]
    whole = sum(max(value, Decimal(0)) for _, value in parts)
    found, at = [], 0.0
    for name, value in parts:
        share = float(max(value, Decimal(0)) / whole * 100) if whole else 0.0
        found.append(Bar(name, round(share, 3), round(at, 3), value))
        at += share
    return found


def regions_of() -> dict[str, str]:
    """Site -> its region, where one is stated."""
    return dict(Site.objects.filter(region__isnull=False).values_list("code", "region"))


def result_of(
    lines: Sequence[Line],
    viewer: Viewer,
    *,
    handed: Sequence[Handed],
    expression: Expression | None,
    as_of: int = EVERYTHING,
) -> dict[str, Any]:
    """Everything below the question: the same for a live scope and a frozen one.

    `as_of` is told where what went to whom is that of today: what was recorded behind it is named.
    """
    told = ordered(lines)
    to_whom = consigned(handed, told, as_of=as_of)
    shown = told[:SHOWN_MOST]
    declared = catalogue()["lot"]
    known = columns_of(declared)
    model = declared.model._default_manager
    lots = {lot.num: lot for lot in model.filter(num__in=[ln.lot for ln in shown]).select_related("item")}
    blocked = {each.lot for each in trace.blocked([line.lot for line in shown])}
    rows = [
        Shown(
            lots[line.lot], line, unit_word(line.balance.unit), line.balance.unknown,
            bars_of(line.balance), line.lot in blocked,
        )
        for line in shown
        if line.lot in lots
    ]  # fmt: skip
    sums = [(unit_word(unit), one, bars_of(one)) for unit, one in sorted(totals(_sums(told)).items())]
    return {
        "count": len(told),
        "devices": sum(line.devices for line in told),
        "plants": len({line.site for line in told}),
        "starts": sum(1 for line in told if line.distance == 0),
        "sums": sums,
        "in_part": [
            (count, numbered, *meant_words(word, numbered=numbered))
            for (word, numbered), count in sorted(Counter(map(_meant, told)).items())
            if word != "whole"
        ],
        "map": draw_map(told, names=viewer.sites, regions=regions_of(), takers=takers(to_whom)),
        "received": received(to_whom, viewer, expression),
        "received_more": max(0, len(to_whom) - RECEIVED_MOST),
        "consignees": len({one.consignee for one in to_whom if one.consignee}),
        "came_back": any(one.returned for one in to_whom),
        "told_since": any(one.since for one in to_whom),
        "undated": undated_words(handed, [line.lot for line in told]),
        "rows": rows,
        "more": len(told) - len(shown),
        "graph": _graph(rows, told, viewer) if 0 < len(told) <= DRAWN_MOST else None,
        "drawn_most": DRAWN_MOST,
        "lot_columns": [known[name] for name in LISTED],
        "drawing": drawing_of("lot", [], viewer, with_times=False),
    }


def _meant(line: Line) -> tuple[str, bool]:
    """What of the lot is meant, and whether any of it has a number."""
    return line.meant, bool(line.ranges)


def _sums(lines: Iterable[Line]) -> Iterable[Balance]:
    return (line.balance for line in lines)


def _graph(rows: Sequence[Shown], told: Sequence[Line], viewer: Viewer) -> dict[str, Any]:
    state = column_of(catalogue()["lot"].model._meta.get_field("state"))
    placed = [Placed(row.lot, row.line.distance, "", row.blocked) for row in rows]
    edges = edges_inside([row.lot.num for row in rows], "both")
    starts = {line.lot for line in told if line.distance == 0}
    return graph_of(starts, placed, edges, viewer, state)


def perhaps(lines: Sequence[Line], expression: Expression | None) -> list[dict[str, Any]]:
    """Waiting rows that name a lot of the scope, or what was asked for and nobody has admitted yet."""
    waiting = queries.waiting_bodies(most=WAITING_MOST)
    if not waiting:
        return []
    keys = {line.key for line in lines}
    if expression is not None:
        keys |= {
            value
            for group in groups_of(expression)
            for one in group.conditions
            if one.name in ("lot", "supplier_lot", "serial")
            for value in one.values
        }
    found = mentions(((row["seq"], row["body"]) for row in waiting), keys)
    return [{**row, "words": found[row["seq"]]} for row in waiting if row["seq"] in found]
