"""The living data map: which data comes from where, whose it is, who reads it, and how it stands now."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.governance import queries as asked
from medloom.governance.measuring import judged
from medloom.interfaces.web.columns import label_of
from medloom.interfaces.web.export import spreadsheet
from medloom.interfaces.web.lineage import WORSE, picture_of
from medloom.interfaces.web.telling import promise_words, told
from medloom.interfaces.web.viewer import HQ, Viewer, now, viewer_of
from medloom.interfaces.web.views.lists import title_of
from medloom.interfaces.web.views.overview import ago
from medloom.interfaces.web.words import OWNERS, state_word
from medloom.kernel.entity import Declared, catalogue
from medloom.kernel.models import Session
from medloom.parties.models import Subscription
from medloom.parties.tokens import Token

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
                "tally": feed["new"],
                "late": late,
                "address": f"{reverse('web:list', args=[feed['type']])}?site={site}",
                "node": _node("t", site, feed["type"]),
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


def _node(kind: str, site: str, name: str) -> str:
    """Where a node's own page is; the map opens it beside the picture."""
    return f"{reverse('web:map-node')}?{urlencode({'kind': kind, 'site': site, 'name': name})}"


def show_map(request: HttpRequest) -> HttpResponse:
    """The picture from left to right, and the same rows as a table."""
    viewer = viewer_of(request)
    rows, site = nodes_of(viewer), request.GET.get("site", "")
    state = request.GET.get("state", "")
    shown = [row for row in rows if site in ("", row["site"]) and state in ("", row["state"])]
    if request.GET.get("export") == "xlsx":
        return _export(request, shown)
    picture = picture_of(shown, address=_node)
    counts = {name: sum(row["state"] == name for row in rows) for name in WORSE}
    context = {
        "rows": shown,
        "picture": picture if picture.count <= NODES_MOST else None,
        "programs": programs_of(viewer),
        "states": [(name, state_word(name).label, count) for name, count in counts.items() if count],
        "state": state,
        "site": site,
        "plants": list(viewer.sites.items()) if len(viewer.sites) > 1 else [],
        "several": len(viewer.sites) > 1,
    }
    return render(request, "medloom/map.html", context)


def programs_of(viewer: Viewer) -> list[dict[str, Any]]:
    """Programs that read on behalf of a party: webhooks and API tokens, with the types they may see."""
    hooks = Subscription.objects.exclude(state="ended").order_by("site", "name")
    tokens = Token.objects.filter(revoked__isnull=True, expires__gt=now()).order_by("site", "name")
    if not viewer.registrant:
        hooks, tokens = hooks.filter(site=viewer.site), tokens.filter(site=viewer.site)
    address = reverse("web:tokens")
    return [
        *(
            _program(
                viewer, row, "webhook", reverse("web:subscription", args=[row.id]), bool(row.failing_since)
            )
            for row in hooks
        ),
        *(_program(viewer, row, "key", address, False) for row in tokens),
    ]


def _program(viewer: Viewer, row: Any, icon: str, address: str, failing: bool) -> dict[str, Any]:
    party = viewer.sites.get(row.site) or (str(_("Registrant")) if row.site == HQ else row.site)
    return {
        "party": party,
        "name": row.name,
        "icon": icon,
        "types": row.types,
        "address": address,
        "failing": failing,
    }


def show_node(request: HttpRequest) -> HttpResponse:
    """One node: whose it is, what was promised, how it stands, where it comes from and who uses it."""
    viewer = viewer_of(request)
    kind, site, name = (request.GET.get(n, "")[:64] for n in ("kind", "site", "name"))
    fits = {
        "s": lambda row: row["site"] == site and row["system"] == name,
        "f": lambda row: row["site"] == site and row["feed"] == name,
        "t": lambda row: row["site"] == site and row["type"] == name,
        "r": lambda row: name in row["readers"],
    }.get(kind)
    rows = [row for row in nodes_of(viewer) if fits(row)] if fits else []
    if not rows:
        raise Http404
    declared = catalogue()[name] if kind == "t" else None
    context = {
        "kind": kind,
        "site": site,
        "name": name,
        "title": rows[0]["title"] if kind == "t" else name,
        "rows": rows,
        "first": rows[0],
        "state": max((row["state"] for row in rows), key=WORSE.index),
        "newest": max(row["newest"] for row in rows),
        "quarrels": max(row["quarrels"] for row in rows),
        "count": sum(row["rows"] for row in rows),
        "readers": list(dict.fromkeys(reader for row in rows for reader in row["readers"])),
        "programs": [p for p in programs_of(viewer) if _reads(p, kind, name, rows)],
        "fields": _fields(declared, rows) if declared else [],
        "uses": _uses(name) if declared else [],
        "agent": Session.objects.filter(site=site).values_list("seen", flat=True).first()
        if kind == "s"
        else None,
        "alone": not request.headers.get("HX-Request"),
    }
    return render(request, "medloom/map-node.html", context)


def _reads(program: dict[str, Any], kind: str, name: str, rows: list[dict[str, Any]]) -> bool:
    """Whether a program gets any of it: its party may, and it asked for one of these types."""
    parties = {name} if kind == "r" else {reader for row in rows for reader in row["readers"]}
    wanted = program["types"].split()
    own = program["party"] in parties or program["party"] == rows[0]["plant"]
    return own and (not wanted or any(row["type"] in wanted for row in rows))


def _fields(declared: Declared, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each field with its owner, and for each feed in how many of a hundred rows it held a value."""
    found = []
    for name, field in declared.fields.items():
        owner = str(declared.sheet.owner_of(name))
        shares = [
            (
                row["feed"],
                _node("f", row["site"], row["feed"]),
                round(100 * min(1.0, row["tally"].given[name] / row["tally"].whole)),
            )
            for row in rows
            if row["tally"].whole and row["tally"].given.get(name)
        ]
        found.append(
            {
                "name": name,
                "label": label_of(field),
                "owner": OWNERS[owner].label if owner in OWNERS else owner,
                "shares": shares,
                "best": max((share for _feed, _at, share in shares), default=0),
            }
        )
    return sorted(found, key=lambda field: -field["best"])


def _uses(type_: str) -> list[dict[str, Any]]:
    """Types that refer to this one, by which field: who builds on it."""
    return [
        {"title": title_of(other.type), "field": label_of(other.fields[ref.name]), "type": other.type}
        for other in catalogue().values()
        for ref in other.refs.values()
        if ref.type == type_ and ref.name in other.fields
    ]


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
