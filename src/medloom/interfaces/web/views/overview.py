"""The first page: each plant's health at a glance; and what waits for this person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from medloom.interfaces.web import queries
from medloom.interfaces.web.banners import banners
from medloom.interfaces.web.columns import columns_of
from medloom.interfaces.web.deeds import writes
from medloom.interfaces.web.desk import open_counts
from medloom.interfaces.web.listing import asked_rows, questions_of
from medloom.interfaces.web.listings import listing_of
from medloom.interfaces.web.tour import KEY, stops_of
from medloom.interfaces.web.viewer import HQ, Viewer, now, viewer_of
from medloom.interfaces.web.views.lists import drawing_of
from medloom.interfaces.web.views.matches import pairs_of
from medloom.kernel.entity import catalogue
from medloom.kernel.models import Session
from medloom.parties.models import Connection

#: Verdicts in the order of the bars, from good to bad.
BARS = ("accepted", "findings", "closed", "parked", "conflict", "rejected", "quarantined", "op_id_reuse")
#: A line that waits longer than this is shown as late: a hold must be at the plant within moments.
LANE_S_MOST = {"c": 60, "v": 900}
_ISO = {"PT1M": 60, "PT1H": 3600, "PT4H": 14_400, "PT12H": 43_200, "P1D": 86_400, "P7D": 604_800}


def freshness(newest: dt.datetime | None, promise: str, moment: dt.datetime) -> str:
    """How a feed keeps its promise: fresh within it, late within twice of it, stale beyond; "" unknown."""
    if newest is None:
        return ""
    age_s = (moment - newest).total_seconds()
    promised_s = _ISO.get(promise, 86_400)
    return "fresh" if age_s <= promised_s else "late" if age_s <= 2 * promised_s else "stale"


def ago(moment: dt.datetime | None, present: dt.datetime) -> str:
    """How long ago, in the largest unit that says something."""
    if moment is None:
        return str(_("never"))
    seconds = max(0, int((present - moment).total_seconds()))
    if seconds < 90:
        return str(ngettext("%(n)s second ago", "%(n)s seconds ago", seconds) % {"n": seconds})
    minutes = seconds // 60
    if minutes < 90:
        return str(ngettext("%(n)s minute ago", "%(n)s minutes ago", minutes) % {"n": minutes})
    hours = minutes // 60
    if hours < 36:
        return str(ngettext("%(n)s hour ago", "%(n)s hours ago", hours) % {"n": hours})
    return str(ngettext("%(n)s day ago", "%(n)s days ago", hours // 24) % {"n": hours // 24})


#: Steps of the small picture of arrivals, and the windows it may show: seconds of a step, its words.
STEPS = 30
WINDOWS = (
    (120, gettext_lazy("Arrived in the last hour")),
    (2_880, gettext_lazy("Arrived in the last 24 hours")),
    (86_400, gettext_lazy("Arrived in the last 30 days")),
)


def window_of(newest: dt.datetime | None, moment: dt.datetime) -> tuple[int, object]:
    """The shortest window in which something arrived; the longest when nothing did."""
    if newest is not None:
        for step_s, words in WINDOWS:
            if (moment - newest).total_seconds() < step_s * STEPS:
                return step_s, words
    return WINDOWS[-1]


def bars_of(counts: Sequence[int]) -> list[tuple[int, float, float]]:
    """Bars of a hundred by twenty: left edge, top, height; the tallest is the most that came in one step."""
    most = max(counts, default=0) or 1
    tall = [max(1.5, round(20 * n / most, 1)) if n else 0 for n in counts]
    return [(at, round(20 - height, 1), height) for at, height in enumerate(tall) if height]


def lanes_of(present: dt.datetime) -> dict[str, list[dict[str, Any]]]:
    """Site -> its two feeds, control first: lines it has not read, and since when the oldest waits."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in queries.unread():
        row["oldest_ago"] = ago(row["oldest"], present) if row["waiting"] and row["oldest"] else ""
        row["slow"] = (
            bool(row["oldest"]) and (present - row["oldest"]).total_seconds() > LANE_S_MOST[row["feed"]]
        )
        found.setdefault(row["site"], []).append(row)
    return found


def plants_of(viewer: Viewer) -> list[dict[str, Any]]:
    """Each plant with its figures, its agent and its freshness."""
    present = now()
    agents = dict(Session.objects.values_list("site", "seen"))
    promises = dict(Connection.objects.values_list("site", "promise"))
    states = dict(Connection.objects.values_list("site", "state"))
    figures = queries.plant_figures()
    windows = {row["site"]: window_of(row["newest"], present) for row in figures}
    arrived = queries.arrivals({site: step_s for site, (step_s, _words) in windows.items()}, STEPS)
    lanes, by_hand = lanes_of(present), queries.sent_by_hand()
    found = []
    for row in figures:
        total = max(1, row["total"])
        parts = {**row, "accepted": row["accepted"] - row["findings"]}
        seen = agents.get(row["site"])
        found.append(
            {
                **row,
                "name": viewer.sites.get(row["site"], row["site"]),
                "zone": viewer.zones.get(row["site"], "UTC"),
                "hub": row["site"] == HQ,
                "agent": seen,
                "agent_ago": ago(seen, present),
                "by_hand_ago": ago(by_hand[row["site"]], present) if row["site"] in by_hand else "",
                "online": seen is not None and (present - seen).total_seconds() < 180,
                "fresh": freshness(row["newest"], promises.get(row["site"], "P1D"), present),
                "newest_ago": ago(row["newest"], present),
                "lanes": lanes.get(row["site"], []),
                "window": windows[row["site"]][1],
                "arrived": sum(arrived[row["site"]]),
                "spark": bars_of(arrived[row["site"]]),
                "connection": states.get(row["site"], ""),
                "bars": [
                    (name, round(100 * parts[name] / total, 1), parts[name]) for name in BARS if parts[name]
                ],
            }
        )
    return found


def show_overview(request: HttpRequest) -> HttpResponse:
    """Lag, backlog, verdicts and freshness of each plant, and the last orders that moved."""
    viewer = viewer_of(request)
    plants = [p for p in plants_of(viewer) if not (p["hub"] and not p["total"])]
    lag = queries.log_lag()
    counts = open_counts(viewer)
    alerts, alerts_address = listed("alert", "raised,acknowledged", viewer)
    context = {
        "banners": banners(viewer),
        "plants": plants,
        "several": len(plants) > 1,
        "lag": max(0, (lag["newest"] or 0) - (lag["last"] or 0)) if lag["last"] else 0,
        "log": lag,
        "counts": counts,
        "holds": counts.get("list:hold", 0),
        "feeds": [
            {**f, "plant": viewer.sites.get(f["site"], f["site"]), "ago": ago(f["newest"], now())}
            for f in queries.feed_freshness()
        ],
        "orders": _orders(viewer),
        "alerts": alerts,
        "alerts_address": alerts_address,
        "tour": stops_of(viewer) if _offers_tour(request) else [],
    }
    return render(request, "medloom/overview.html", context)


def listed(type_: str, state: str, viewer: Viewer) -> tuple[int, str]:
    """How many objects in that state the list shows, and the address that shows them: one question."""
    listing, declared = listing_of(type_), catalogue()[type_]
    questions = questions_of(listing, declared, query=QueryDict(f"state={state}"), sites=viewer.sites)
    address = f"{reverse('web:list', args=[type_])}?state={state}"
    return asked_rows(declared, questions).count(), address


def _offers_tour(request: HttpRequest) -> bool:
    """In a demonstration, until the person has begun or dismissed it."""
    return bool(getattr(settings, "DEMONSTRATION", False)) and request.session.get(KEY) is None


def _orders(viewer: Viewer) -> dict[str, Any] | None:
    """The work orders that moved last."""
    declared = catalogue().get("work_order")
    if declared is None:
        return None
    rows = list(
        declared.model._default_manager.filter(voided=False).order_by("-entry").select_related("item")[:8]
    )
    known = columns_of(declared)
    names = ["key", "site", "state", "item", "quantity", "due"]
    return {
        "rows": rows,
        "columns": [known[n] for n in names if n in known and (n != "site" or len(viewer.sites) > 1)],
        "drawing": drawing_of("work_order", rows, viewer),
    }


def _about_data(viewer: Viewer) -> list[tuple[str, str, int, str, str, bool]]:
    """Alerts about the data, and what it suggests to correct."""
    return [
        (
            _("Look at data alerts"),
            _("Feeds that are late, have changed their form or break a rule."),
            *listed("alert", "raised,acknowledged", viewer),
            "bell",
            writes(viewer, "alert"),
        ),
        (
            _("Decide on proposed corrections"),
            _("Spellings that keep coming, values off by a factor."),
            *listed("correction", "proposed", viewer),
            "wand",
            writes(viewer, "correction") and viewer.registrant,
        ),
    ]


def show_tasks(request: HttpRequest) -> HttpResponse:
    """What this person can decide now, each with the number that waits and the way there."""
    viewer = viewer_of(request)
    counts = open_counts(viewer)
    tasks = [
        (
            _("Settle conflicts"),
            _("Both sides changed one value."),
            counts["conflicts"],
            reverse("web:conflicts"),
            "git-compare",
            True,
        ),
        (
            _("Mend refused rows"),
            _("Rows that arrived and were not admitted."),
            counts["repair"],
            reverse("web:repair"),
            "inbox",
            viewer.may("planner", "quality", "it"),
        ),
        (
            _("Decide on similar lots"),
            _("Numbers that a slip of the pen would explain."),
            len(pairs_of(viewer)),
            reverse("web:matches"),
            "arrows-split",
            writes(viewer, "alias"),
        ),
        *_about_data(viewer),
        *_about_laboratories(viewer),
        (
            _("Look at open holds"),
            _("Lots and machines that may not be used."),
            *listed("hold", "open", viewer),
            "hand-stop",
            True,
        ),
    ]
    tasks.append(_about_orders(viewer))
    lines = [
        {"label": label, "said": text, "count": count, "address": address, "icon": icon, "mine": mine}
        for label, text, count, address, icon, mine in tasks
    ]
    mine = [line for line in lines if line["count"] and line["mine"]]
    context = {
        "groups": [
            (_("For you to decide"), mine),
            (_("Another role decides; you may look"), [t for t in lines if t["count"] and not t["mine"]]),
            (_("Nothing waits here"), [t for t in lines if not t["count"]]),
        ],
        "clear": not mine,
    }
    return render(request, "medloom/tasks.html", context)


def _about_orders(viewer: Viewer) -> tuple[Any, ...]:
    """Orders that wait for this side."""
    state, words = (
        ("draft", _("Release work orders"))
        if viewer.registrant
        else ("released", _("Acknowledge work orders"))
    )
    said = (
        _("Drafts: no plant works by them yet.")
        if viewer.registrant
        else _("Orders that the registrant dispatched to you.")
    )
    return (
        words,
        said,
        *listed("work_order", state, viewer),
        "clipboard-list",
        writes(viewer, "work_order"),
    )


def _about_laboratories(viewer: Viewer) -> list[tuple[Any, ...]]:
    """Laboratories that disagree: one task for each item about which they do."""
    return [
        (
            _("Decide between laboratories"),
            _("Two laboratories judge the same parts differently."),
            *listed("disagreement", "open", viewer),
            "microscope",
            viewer.registrant and writes(viewer, "disagreement"),
        )
    ]
