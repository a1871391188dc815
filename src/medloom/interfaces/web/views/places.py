"""Connections and agents, stock, the search, the data dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from medloom.interfaces.web import queries
from medloom.interfaces.web.columns import Column, columns_of, label_of, object_address
from medloom.interfaces.web.export import spreadsheet
from medloom.interfaces.web.listing import EXPORT_MOST, PAGE_ROWS, Question
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.records import names_of
from medloom.interfaces.web.viewer import HQ, Viewer, now, viewer_of
from medloom.interfaces.web.views.identify import address_behind
from medloom.interfaces.web.views.lists import drawing_of, title_of
from medloom.interfaces.web.views.overview import ago, freshness, lanes_of
from medloom.interfaces.web.words import ALARMS, cause_of
from medloom.kernel.alarms import see
from medloom.kernel.entity import catalogue
from medloom.kernel.models import Alarm, ChainState, Session
from medloom.materials.models import Move
from medloom.parties.agents import agents_of
from medloom.parties.models import Connection, Key

#: Numbers offered below a field of a form.
SUGGESTED_MOST = 20


def show_connections(request: HttpRequest) -> HttpResponse:
    """Each plant's port and its agent: when it was last heard, its chains, feeds, keys and freshness."""
    viewer, present = viewer_of(request), now()
    sessions = {s.site: s for s in Session.objects.all()}
    connections: dict[str, list[Any]] = {}
    for connection in Connection.objects.filter(voided=False).order_by("key"):
        connections.setdefault(connection.site, []).append(connection)
    chains: dict[str, list[Any]] = {}
    for chain in ChainState.objects.order_by("site", "chain"):
        chains.setdefault(chain.site, []).append(chain)
    positions = lanes_of(present)
    keys: dict[str, list[Any]] = {}
    for key in Key.objects.order_by("-since"):
        keys.setdefault(key.site, []).append(key)
    feeds: dict[str, list[Any]] = {}
    for row in queries.feed_freshness():
        promise = connections[row["site"]][0].promise if row["site"] in connections else "P1D"
        row |= {"fresh": freshness(row["newest"], promise, present), "ago": ago(row["newest"], present)}
        feeds.setdefault(row["site"], []).append(row)
    plants, by_hand = [], {site: at for site, at in queries.sent_by_hand().items() if site != HQ}
    for code, name in viewer.sites.items():
        session = sessions.get(code)
        plants.append(
            {
                "code": code,
                "name": name,
                "zone": viewer.zones.get(code, "UTC"),
                "ports": connections.get(code, []),
                "session": session,
                "agents": agents_of(session),
                "heard": ago(session.seen, present) if session else "",
                "by_hand": by_hand.get(code),
                "by_hand_ago": ago(by_hand[code], present) if code in by_hand else "",
                "online": session is not None and (present - session.seen).total_seconds() < 180,
                "chains": chains.get(code, [])[-6:],
                "positions": positions.get(code, []),
                "keys": keys.get(code, []),
                "feeds": feeds.get(code, []),
            }
        )
    declared = catalogue()["connection"]
    rows = [c for found in connections.values() for c in found]
    context = {
        "plants": plants,
        "known": columns_of(declared),
        "drawing": drawing_of("connection", rows, viewer, with_times=False),
        "present": present,
    }
    return render(request, "medloom/connections.html", context)


def show_alarms(request: HttpRequest) -> HttpResponse:
    """What the hub and the worker say a person must look at; looking is noted with name and time."""
    viewer = viewer_of(request)
    own = "" if viewer.registrant else viewer.site
    if request.method == "POST":
        if not viewer.may("it", "quality", "planner", "admin"):
            raise Problem(403, "role_reads", got="alarm")
        wanted = [int(n) for n in request.POST.getlist("alarm") if n.isdigit()]
        done = see(wanted, who=viewer.actor, at=now(), site=own)
        messages.success(request, _("Noted as seen: %(count)s.") % {"count": done})
        return HttpResponseRedirect(request.path)
    rows = Alarm.objects.filter(site=own) if own else Alarm.objects.all()
    open_only = request.GET.get("state", "open") == "open"
    shown = list((rows.filter(seen_at__isnull=True) if open_only else rows).order_by("-id")[:200])
    names = names_of(a.seen_by for a in shown if a.seen_by)
    if request.GET.get("export") == "xlsx":
        return _export_alarms(request, shown, names, viewer)
    context = {
        "alarms": [
            {
                "row": a,
                "why": ALARMS.get(a.code) or cause_of(a.code),
                "plant": viewer.sites.get(a.site, a.site),
                "zone": viewer.zones.get(a.site, "UTC"),
                "who": names.get(a.seen_by or "", a.seen_by or ""),
            }
            for a in shown
        ],
        "state": "open" if open_only else "all",
        "may": viewer.may("it", "quality", "planner", "admin"),
    }
    return render(request, "medloom/alarms.html", context)


def _export_alarms(
    request: HttpRequest, shown: list[Alarm], names: Mapping[str, str], viewer: Viewer
) -> HttpResponse:
    head = [_("Raised"), _("Plant"), _("Alarm"), _("What to do"), _("Detail"), _("Seen"), _("Person")]
    rows = []
    for alarm in shown:
        why = ALARMS.get(alarm.code) or cause_of(alarm.code)
        seen = alarm.seen_at.isoformat() if alarm.seen_at else ""
        plant, who = viewer.sites.get(alarm.site, alarm.site), names.get(alarm.seen_by or "", "")
        rows.append([alarm.raised.isoformat(), plant, str(why.label), str(why.todo), alarm.detail, seen, who])
    return spreadsheet(request, name="alarms", title=_("Alarms"), head=head, rows=rows, count=len(rows))


def _stock_columns(viewer: Viewer) -> list[Column]:
    """The columns of stock; the plant's only where there are several."""
    status = label_of(Move._meta.get_field("status"))
    found = [
        Column("lot", _("Lot"), "code", path="lot"),
        Column("item", _("Item"), "code", path="item"),
        Column("site", _("Plant"), "site", path="site"),
        Column("location", _("Location"), "code", path="location"),
        Column("status", status, "state", path="status"),
        Column("quantity", _("Quantity"), "quantity", path="quantity"),
    ]
    return [c for c in found if c.name != "site" or len(viewer.sites) > 1]


def _plain_stock(row: dict[str, Any], name: str) -> Any:
    """One value of stock for a spreadsheet."""
    if name == "quantity":
        return float(row[name])
    return str(row[{"site": "plant", "status": "word"}.get(name, name)] or "")


def show_stock(request: HttpRequest) -> HttpResponse:
    """How much of which lot stands where; made of moves and nothing else."""
    viewer, query = viewer_of(request), request.GET
    whole = query.get("export") == "xlsx"
    page = max(1, int(query["page"])) if query.get("page", "").isdigit() else 1
    statuses = list(Move._meta.get_field("status").choices or ())
    key, site, status = (query.get(n, "").strip() for n in ("q", "site", "status"))
    order = query.get("order", "")
    first, most = (0, EXPORT_MOST) if whole else ((page - 1) * PAGE_ROWS, PAGE_ROWS)
    rows = queries.stock_rows(key=key, site=site, status=status, order=order, first=first, most=most)
    total = rows[0]["total"] if rows else 0
    words = dict(statuses)
    for row in rows:
        row |= {
            "address": object_address("lot", row["object"]),
            "word": words.get(row["status"], row["status"]),
            "plant": viewer.sites.get(row["site"], row["site"]),
            "unit": "" if row["unit"] == "1" else row["unit"],
        }
    columns = _stock_columns(viewer)
    if whole:
        lines = [[*(_plain_stock(row, c.name) for c in columns), row["unit"]] for row in rows]
        head = [*(c.label for c in columns), _("Unit")]
        return spreadsheet(
            request, name="stock", title=_("Stock"), head=head, rows=lines, count=total, most=EXPORT_MOST
        )
    questions = [
        Question("q", _("Lot or item"), "code", key),
        Question("status", label_of(Move._meta.get_field("status")), "choice", status, choices=statuses),
    ]
    if len(viewer.sites) > 1:
        questions.insert(1, Question("site", _("Plant"), "choice", site, choices=list(viewer.sites.items())))
    context = {
        "rows": rows,
        "total": total,
        "page": page,
        "more": total > page * PAGE_ROWS,
        "columns": columns,
        "order": order,
        "several": len(viewer.sites) > 1,
        "questions": questions,
        "asked": bool(key or status or site),
        "tones": {"free": "good", "quality": "warn", "blocked": "held"},
    }
    return render(request, "medloom/stock.html", context)


def find(request: HttpRequest) -> HttpResponse:
    """Any object by part of its number, or by its UDI; one exact hit opens at once."""
    text = request.GET.get("q", "").strip()[:64]
    found: list[dict[str, Any]] = []
    if len(text) >= 2:
        tables = [(d.type, d.table) for d in catalogue().values()]
        found = queries.find_key(text, tables, most=12)
        exact = [row for row in found if row["exact"]]
        if len(exact) == 1:
            return HttpResponseRedirect(object_address(exact[0]["type"], exact[0]["object"]))
        if not exact and (place := address_behind(request.GET.get("q", ""))):
            return HttpResponseRedirect(place)
    viewer = viewer_of(request)
    for row in found:
        row |= {
            "title": title_of(row["type"]),
            "address": object_address(row["type"], row["object"]),
            "plant": viewer.sites.get(row["site"], row["site"]),
        }
    return render(request, "medloom/find.html", {"text": text, "found": found, "short": len(text) < 2})


def suggest(request: HttpRequest, type_: str) -> JsonResponse:
    """Numbers of that type that hold the text, for a form's field; of one plant where it is known."""
    declared = catalogue().get(type_)
    if declared is None:
        raise Http404
    text, site = request.GET.get("q", "").strip()[:64], request.GET.get("site", "")
    rows = declared.model._default_manager.filter(voided=False, key__icontains=text)
    if site and not declared.facts.network:
        rows = rows.filter(site=site)
    keys = rows.order_by("key").values_list("key", flat=True)[:SUGGESTED_MOST]
    return JsonResponse({"keys": list(dict.fromkeys(keys))})
