"""The living data map: which data comes from where, whose it is, who reads it, and how it stands now."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.governance import queries as asked
from medloom.governance.measuring import judged
from medloom.interfaces.web.export import spreadsheet
from medloom.interfaces.web.telling import promise_words, told
from medloom.interfaces.web.viewer import HQ, Viewer, now, viewer_of
from medloom.interfaces.web.views.lists import title_of
from medloom.interfaces.web.views.overview import ago
from medloom.interfaces.web.words import OWNERS, state_word
from medloom.kernel.entity import catalogue

#: Above so many nodes the table takes over: nobody reads a larger picture.
NODES_MOST = 300


def nodes_of(viewer: Viewer) -> list[dict[str, Any]]:
    """One row for each feed of each plant and the type it fills, with its owner, promise and state."""
    disputed, systems, present = asked.disputed(), asked.systems(), now()
    found = []
    for feed in judged(present, site="" if viewer.registrant else viewer.site):
        declared = catalogue().get(feed["type"])
        if declared is None:
            continue
        site, facts = feed["site"], declared.facts
        system = systems.get(site, {})
        quarrels = disputed.get((site, feed["type"]), 0)
        late = feed["late"]
        state = "disputed" if quarrels else "fresh" if late <= 1 else "late" if late <= 2 else "stale"
        readers = [site, HQ] if facts.readers == "site" else [HQ] if facts.readers == "registrant" else ["*"]
        found.append(
            {
                "site": site,
                "plant": viewer.sites.get(site, site),
                "feed": feed["feed"],
                "type": feed["type"],
                "title": str(title_of(feed["type"])),
                "system": _system(feed["feed"], system),
                "owner": OWNERS[str(facts.owner)].label if str(facts.owner) in OWNERS else str(facts.owner),
                "steward": told(facts.steward),
                "promise": promise_words(system.get("promise") or facts.fresh),
                "newest": feed["newest"],
                "ago": ago(feed["newest"], present),
                "zone": viewer.zones.get(site, "UTC"),
                "rows": feed["rows"],
                "score": feed["score"],
                "state": state,
                "quarrels": quarrels,
                "readers": _readers(viewer, readers, site),
                "synthetic": feed["feed"].startswith("synthetic_"),
                "address": f"{reverse('web:list', args=[feed['type']])}?site={site}",
            }
        )
    return found


def _system(feed: str, connection: dict[str, Any]) -> str:
    if feed.startswith("template_"):
        return str(_("By hand (template or form)"))
    if feed.startswith("synthetic_"):
        return str(_("Generated (synthetic)"))
    return str(connection.get("system") or {"file": _("Files"), "database": _("Database")}.get(
        connection.get("level", ""), _("Plant's system")
    ))  # fmt: skip


def _readers(viewer: Viewer, codes: list[str], own: str) -> list[str]:
    if "*" in codes:
        return [str(_("every plant"))]
    known = {**viewer.sites, HQ: viewer.sites.get(HQ) or str(_("Registrant"))}
    return [
        known.get(code, code) for code in dict.fromkeys(code for code in codes if code != own or code == HQ)
    ]


def picture_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Nodes and arrows: system -> feed -> type at its plant -> who reads it."""
    nodes: dict[str, dict[str, Any]] = {}
    arrows: dict[tuple[str, str], None] = {}
    for row in rows:
        system, feed = f"s/{row['site']}/{row['system']}", f"f/{row['site']}/{row['feed']}"
        thing = f"t/{row['site']}/{row['type']}"
        nodes.setdefault(system, {"label": row["system"], "sub": row["plant"], "kind": "system"})
        nodes.setdefault(feed, {"label": row["feed"], "sub": row["plant"], "kind": "feed"})
        made = nodes.setdefault(
            thing, {"label": row["title"], "sub": row["plant"], "kind": "type", "address": row["address"]}
        )
        worse = ("fresh", "late", "stale", "disputed")
        states = [made.get("state", "fresh"), row["state"]]
        made["state"] = max(states, key=worse.index)
        chain = [system, feed, thing]
        for reader in row["readers"]:
            nodes.setdefault(f"r/{reader}", {"label": reader, "sub": "", "kind": "reader"})
            arrows[thing, f"r/{reader}"] = None
        arrows |= dict.fromkeys(pairwise(chain))
    return {
        "nodes": [{"id": name, **node} for name, node in nodes.items()],
        "arrows": [{"from": one, "to": other} for one, other in arrows],
    }


def show_map(request: HttpRequest) -> HttpResponse:
    """The picture from left to right, and the same rows as a table."""
    viewer = viewer_of(request)
    rows, site = nodes_of(viewer), request.GET.get("site", "")
    state = request.GET.get("state", "")
    shown = [row for row in rows if site in ("", row["site"]) and state in ("", row["state"])]
    if request.GET.get("export") == "xlsx":
        return _export(request, shown)
    picture = picture_of(shown)
    counts = {
        name: sum(row["state"] == name for row in rows) for name in ("fresh", "late", "stale", "disputed")
    }
    context = {
        "rows": shown,
        "picture": picture if len(picture["nodes"]) <= NODES_MOST else None,
        "states": [(name, state_word(name).label, count) for name, count in counts.items() if count],
        "state": state,
        "site": site,
        "plants": list(viewer.sites.items()) if len(viewer.sites) > 1 else [],
        "several": len(viewer.sites) > 1,
    }
    return render(request, "medloom/map.html", context)


def _export(request: HttpRequest, rows: list[dict[str, Any]]) -> HttpResponse:
    names = ("plant", "system", "feed", "title", "owner", "steward", "promise", "state", "rows", "score")
    head = [
        *(_("Plant"), _("Source system"), _("Feed"), _("Type"), _("Owner"), _("Steward")),
        *(_("Freshness promise"), _("State"), _("Rows"), _("Score"), _("Newest"), _("Read by")),
    ]
    lines = [
        [
            *(row[n] if isinstance(row[n], int | float) else str(row[n]) for n in names),
            row["newest"].isoformat(),
            ", ".join(row["readers"]),
        ]
        for row in rows
    ]
    return spreadsheet(request, name="data-map", title=_("Data map"), head=head, rows=lines, count=len(lines))
