"""The scope of a lot: where it came from and where it went, as a graph and as the same rows in a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.interfaces.web import queries
from medloom.interfaces.web.columns import choice_word, column_of, columns_of, idle_free, object_address
from medloom.interfaces.web.viewer import Viewer, viewer_of
from medloom.interfaces.web.views.lists import drawing_of
from medloom.kernel.entity import catalogue
from medloom.trace import queries as trace
from medloom.trace.scopes.dimensions import condition
from medloom.trace.scopes.expression import Walk, group, text_of

#: Above this many lots the graph says nothing to a person any more: the table takes over.
DRAWN_MOST = 300
#: Lots of one scope page; a whole recall scope is exported, not scrolled.
LISTED_MOST = 2_000
EDGES_MOST = 10_000
LISTED = ("key", "site", "item", "kind", "state", "made")


@dataclass(frozen=True)
class Placed:
    """One lot in the scope: how many steps from the start (below nought: upstream) and its quantities."""

    lot: Any
    step: int
    into: str
    blocked: bool


def _levels(start: int, edges: Sequence[trace.Edge]) -> dict[int, int]:
    """Steps from the start: forward positive, backward negative."""
    ahead: dict[int, list[int]] = defaultdict(list)
    back: dict[int, list[int]] = defaultdict(list)
    for edge in edges:
        ahead[edge.parent].append(edge.child)
        back[edge.child].append(edge.parent)
    levels = {start: 0}
    for neighbours, sign in ((ahead, 1), (back, -1)):
        front, depth = [start], 0
        while front:
            depth += sign
            front = [n for one in front for n in neighbours[one] if n not in levels]
            for node in front:
                levels.setdefault(node, depth)
    return levels


def edges_inside(lots: Sequence[int], direction: str) -> list[trace.Edge]:
    inside = set(lots)
    found = trace.used_in(lots, most=EDGES_MOST) if len(lots) > 1 else []
    seen = {(e.parent, e.child, e.step) for e in found}
    more = trace.made_of(lots, most=EDGES_MOST) if direction != "ahead" else []
    found += [e for e in more if (e.parent, e.child, e.step) not in seen]
    return [e for e in found if e.parent in inside and e.child in inside]


def way_first(kind: str | None) -> str:
    """Where a lot's trace opens: finished goods on what they were made from, all else on what it became."""
    return "back" if kind == "finished" else "ahead"


def scope_context(request: HttpRequest, row: Any, viewer: Viewer) -> dict[str, Any]:
    """What the trace tab of a lot shows."""
    direction = request.GET.get("way", "")
    direction = direction if direction in ("ahead", "back", "both") else way_first(row.kind)
    reached: set[int] = {row.num}
    cut = False
    if direction in ("ahead", "both"):
        found = trace.forward([row.num], most=LISTED_MOST)
        reached |= set(found.lots)
        cut = found.cut
    if direction in ("back", "both"):
        found = trace.backward([row.num], most=LISTED_MOST)
        reached |= set(found.lots)
        cut = cut or found.cut
    declared = catalogue()["lot"]
    known = columns_of(declared)
    lots = {
        lot.num: lot for lot in declared.model._default_manager.filter(num__in=reached).select_related("item")
    }
    edges = edges_inside(sorted(lots), direction)
    levels = _levels(row.num, edges)
    blocked = {b.lot for b in trace.blocked(lots)}
    into: dict[int, list[str]] = defaultdict(list)
    for edge in edges:
        if edge.quantity is not None:
            into[edge.child].append(f"{lots[edge.parent].key}: {idle_free(edge.quantity)}")
    placed = sorted(
        (
            Placed(lot, levels.get(num, 0), "; ".join(into[num][:6]), num in blocked)
            for num, lot in lots.items()
        ),
        key=lambda p: (p.step, p.lot.site, p.lot.key),
    )
    state = column_of(declared.model._meta.get_field("state"))
    drawn = len(lots) <= DRAWN_MOST
    return {
        "way": direction,
        "as_scope": f"{reverse('web:scope')}?{urlencode({'q': _question(row, direction)})}",
        "ways": [("back", _("Where it came from")), ("ahead", _("Recall scope")), ("both", _("Both"))],
        "placed": placed[:LISTED_MOST],
        "cut": cut,
        "drawn": drawn,
        "graph": graph_of({row.num}, placed, edges, viewer, state) if drawn else None,
        "lot_columns": [known[n] for n in LISTED],
        "lot_drawing": drawing_of("lot", [], viewer, with_times=False),
        "plants": sorted({viewer.sites.get(p.lot.site, p.lot.site) for p in placed}),
        "perhaps": queries.refused_mentions(row.key, most=20),
    }


def _question(row: Any, direction: str) -> str:
    """The same as a scope's question, to be widened and frozen there."""
    lot = group(condition("lot", values=(row.key,)), condition("site", values=(row.site,)))
    ways = {"ahead": ("affected",), "back": ("origin",), "both": ("origin", "affected")}[direction]
    return " or ".join(text_of(Walk(way, lot)) for way in ways)


def graph_of(
    starts: Collection[int], placed: Sequence[Placed], edges: list[trace.Edge], viewer: Viewer, state: Any
) -> dict[str, Any]:
    """Nodes and arrows for the page's script; words are already in the reader's language."""
    nodes = [
        {
            "id": str(p.lot.num),
            "key": p.lot.key,
            "site": p.lot.site,
            "plant": viewer.sites.get(p.lot.site, p.lot.site),
            "item": p.lot.item.key if p.lot.item else "",
            "state": str(choice_word(state, p.lot.state).label),
            "tone": choice_word(state, p.lot.state).tone,
            "step": p.step,
            "start": p.lot.num in starts,
            "blocked": p.blocked,
            "address": object_address("lot", p.lot.object),
        }
        for p in placed
    ]
    amounts: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for edge in edges:
        amounts[edge.parent, edge.child].append(edge.quantity)
    arrows = [
        {
            "from": str(parent),
            "to": str(child),
            "amount": _sum(found),
        }
        for (parent, child), found in amounts.items()
    ]
    return {"nodes": nodes, "arrows": arrows}


def _sum(amounts: list[Any]) -> str:
    """What went in altogether; empty where no plant said."""
    known = [amount for amount in amounts if amount is not None]
    return idle_free(sum(known)) if known else ""


def start_trace(request: HttpRequest) -> HttpResponse:
    """Where a trace begins: name a lot, and its scope opens."""
    viewer = viewer_of(request)
    text = request.GET.get("lot", "").strip()
    found: list[Any] = []
    if text:
        model = catalogue()["lot"].model
        found = list(model._default_manager.filter(key__iexact=text, voided=False)[:2]) or list(
            model._default_manager.filter(key__icontains=text, voided=False).select_related("item")[:50]
        )
        if len(found) == 1:
            return HttpResponseRedirect(f"{object_address('lot', found[0].object)}?tab=trace")
    declared = catalogue()["lot"]
    known = columns_of(declared)
    context = {
        "text": text,
        "found": found,
        "columns": [known[n] for n in LISTED],
        "drawing": drawing_of("lot", found, viewer, with_times=False),
        "lots": reverse("web:list", args=["lot"]),
    }
    return render(request, "medloom/trace.html", context)
