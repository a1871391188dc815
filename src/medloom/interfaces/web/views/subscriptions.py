"""Webhook subscriptions: make one, test it, pause it, see its deliveries, deliver again, end it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from medloom.exchange.stream import FeedForeign, feed_for, hub_epoch, newest
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.viewer import Viewer, now, viewer_of
from medloom.interfaces.web.views.lists import title_of
from medloom.interfaces.webhooks.address import AddressRefused, judged, networks, target_of
from medloom.interfaces.webhooks.courier import try_out
from medloom.kernel.cursor import open_cursor
from medloom.kernel.entity import catalogue
from medloom.parties.models import Attempt, SigningKey, Subscription, User
from medloom.parties.webhooks import (
    OVERLAPS_DAYS,
    end_overlap,
    go_back,
    key_numbers,
    renew_key,
    subscribe,
    take_back_key,
    turn,
)
from medloom.wire.webhook import private_key, public_text

SHOWN_MOST = 100
#: The picture of latencies shows so many of the newest attempts.
HEALTH_LAST = 60
KEY_DEEDS = ("renew", "take_back", "end_overlap")
#: Which attempts a tab of the page shows.
TABS = {
    "all": {"dead": False},
    "failed": {"dead": False, "error__gt": ""},
    "test": {"kind": "test"},
    "dead": {"dead": True},
}


def may_change(viewer: Viewer) -> bool:
    """Whether they make, test and end subscriptions."""
    return viewer.may("it")


def must_change(viewer: Viewer) -> None:
    """Refuse who may only read."""
    if not may_change(viewer):
        raise Problem(403, "role_reads", got="webhook")


def mine(viewer: Viewer) -> Any:
    """The subscriptions that they see: their party's; the registrant sees all."""
    rows = Subscription.objects.exclude(state="ended").order_by("site", "made")
    return rows if viewer.registrant else rows.filter(site=viewer.site)


def _told(row: Subscription) -> dict[str, Any]:
    """A subscription with how far it is behind."""
    with open_cursor() as cursor:
        end = newest(cursor, row.site, row.feed)
    tone, word = "good", _("Delivers")
    if row.state == "paused":
        tone, word = "warn", _("Paused")
    elif row.failing_since:
        tone, word = "bad", _("Cannot deliver")
    dead = Attempt.objects.filter(subscription=row, dead=True).count()
    return {
        "row": row,
        "end": end,
        "behind": max(end - row.position, 0),
        "tone": tone,
        "word": word,
        "dead": dead,
    }


def show_subscriptions(request: HttpRequest) -> HttpResponse:
    """All subscriptions of the party, the public keys, and the form for a new one."""
    viewer = viewer_of(request)
    given = {name: request.POST.get(name, "") for name in ("name", "url", "feed", "types", "start")}
    wrong = ""
    if request.method == "POST":
        must_change(viewer)
        if request.POST.get("do") in KEY_DEEDS:
            return _change_keys(request, viewer)
        made, wrong = _make(request, viewer, given)
        if made is not None:
            messages.success(request, _("The subscription is made and delivers from now on."))
            return HttpResponseRedirect(reverse("web:subscription", args=[made.id]))
    numbers = key_numbers(now())
    until = dict(SigningKey.objects.values_list("number", "until"))
    context = {
        "subscriptions": [_told(row) for row in mine(viewer)],
        "keys": [
            {"number": n, "text": public_text(private_key(settings.SECRET_KEY, n)), "until": until.get(n)}
            for n in numbers
        ],
        "given": given,
        "wrong": wrong,
        "may": may_change(viewer),
        "registrant": viewer.registrant,
        "zone": viewer.zones.get(viewer.site, "UTC"),
        "overlaps": OVERLAPS_DAYS,
        "types": sorted(((t, str(title_of(t))) for t in catalogue()), key=lambda pair: pair[1]),
    }
    return render(request, "medloom/subscriptions.html", context, status=422 if wrong else 200)


def _change_keys(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Replace the signing key, take that back, or end the time in which both sign."""
    if not viewer.registrant:
        raise Problem(403, "role_reads", got="webhook")
    deed, at = request.POST["do"], now()
    if deed == "renew":
        days = int(request.POST.get("overlap", "7")) if request.POST.get("overlap", "7").isdigit() else 0
        if days not in OVERLAPS_DAYS:
            raise Problem(422, "not_a_choice", path="/overlap", expected=", ".join(map(str, OVERLAPS_DAYS)))
        renew_key(at, dt.timedelta(days=days))
        messages.success(
            request,
            ngettext(
                "A new key signs from now on; the former one beside it for %(n)s day.",
                "A new key signs from now on; the former one beside it for %(n)s days.",
                days,
            )
            % {"n": days},
        )
    elif deed == "take_back":
        if not take_back_key(at):
            raise Problem(409, "nothing_to_do", path="/do")
        messages.success(
            request, _("The other key stays in force; this one signs beside it for 7 more days.")
        )
    else:
        if not end_overlap(at):
            raise Problem(409, "nothing_to_do", path="/do")
        messages.success(request, _("Only the key in force signs from now on."))
    return HttpResponseRedirect(request.path)


def _make(request: HttpRequest, viewer: Viewer, given: dict[str, str]) -> tuple[Subscription | None, str]:
    """The new subscription, or what is wrong in words."""
    types = given["types"].replace(",", " ").split()
    unknown = [t for t in types if t not in catalogue() and t != "unread"]
    if unknown:
        return None, _("There is no object type %(name)s.") % {"name": unknown[0]}
    try:
        judged(target_of(given["url"].strip()), networks(settings.WEBHOOK_NETWORKS))
        feed = feed_for(viewer.site, given["feed"])
    except FeedForeign:
        return None, _("There is no such feed.")
    except AddressRefused as error:
        return None, _refused(error)
    with open_cursor() as cursor:
        hub = hub_epoch(cursor)
        start = newest(cursor, viewer.site, feed) if given["start"] == "now" else 0
    user = User.objects.get(id=uuid.UUID(viewer.actor))
    try:
        made = subscribe(
            user, name=given["name"], url=given["url"].strip(), feed=feed, types=" ".join(types),
            position=start, hub=hub, now=now(),
        )  # fmt: skip
    except ValueError:
        return None, _("Give it a name. A party has at most 50 subscriptions.")
    return made, ""


def _refused(error: AddressRefused) -> str:
    words = {
        "address_wrong": _("The address must be like https://host/path, without user and password."),
        "address_unknown": _("There is no such host."),
        "address_internal": _("The address leads into an inner network; only public addresses are called."),
        "address_plain": _("The address must begin with https."),
    }
    return words[error.code]


def show_subscription(request: HttpRequest, name: uuid.UUID) -> HttpResponse:
    """One subscription with its deliveries, and what can be done about it."""
    viewer = viewer_of(request)
    row = mine(viewer).filter(id=name).first()
    if row is None:
        raise Http404
    if request.method == "POST":
        must_change(viewer)
        if row.site != viewer.site:
            raise Problem(403, "foreign_site", got=row.site)
        return _do(request, row)
    tab = request.GET.get("show", "")
    tab = tab if tab in TABS else "all"
    attempts = Attempt.objects.filter(subscription=row)
    context = _told(row) | {
        "attempts": attempts.filter(**TABS[tab]).defer("asked", "answered").order_by("-id")[:SHOWN_MOST],
        "tab": tab,
        "tabs": [
            ("all", _("Deliveries"), attempts.filter(dead=False).count()),
            ("failed", _("Not taken"), attempts.filter(**TABS["failed"]).count()),
            ("test", _("Tests"), attempts.filter(kind="test").count()),
            ("dead", _("Given up"), attempts.filter(dead=True).count()),
        ],
        "health": health_of(attempts.filter(dead=False).order_by("-id")[:HEALTH_LAST]),
        "may": may_change(viewer) and row.site == viewer.site,
        "plant": viewer.sites.get(row.site, row.site),
        "zone": viewer.zones.get(row.site, "UTC"),
    }
    return render(request, "medloom/subscription.html", context)


def health_of(attempts: Any) -> dict[str, Any]:
    """How the newest attempts went: share taken, median and slowest answer in ms, and a bar for each."""
    told = [(a.took_ms, not a.error) for a in attempts][::-1]
    if not told:
        return {}
    waits = sorted(ms for ms, _taken in told)
    most = max(waits[-1], 1)
    bars = [
        (HEALTH_LAST - len(told) + at, round(20 - tall, 1), tall, "good" if taken else "bad")
        for at, (ms, taken) in enumerate(told)
        for tall in (max(2.0, round(20 * ms / most, 1)),)
    ]
    taken = sum(one for _ms, one in told)
    return {
        "count": len(told),
        "share": f"{100 * taken / len(told):.0f} %",
        "tone": "good" if taken == len(told) else "warn",
        "median_ms": waits[len(waits) // 2],
        "slowest_ms": waits[-1],
        "bars": bars,
    }


def _newest(row: Subscription) -> int:
    return int(Attempt.objects.filter(subscription=row).order_by("-id").values_list("id", flat=True)[0])


def _do(request: HttpRequest, row: Subscription) -> HttpResponse:
    deed, at = request.POST.get("do", ""), now()
    if deed in ("pause", "go_on", "end"):
        turn(row, {"pause": "paused", "go_on": "active", "end": "ended"}[deed], at)
        if deed == "end":
            messages.success(request, _("The subscription is ended; nothing is delivered any more."))
            return HttpResponseRedirect(reverse("web:subscriptions"))
        messages.success(request, _("Paused.") if deed == "pause" else _("It delivers again."))
    elif deed == "test":
        sent = try_out(row, at)
        if sent.taken:
            messages.success(
                request, _("The receiver took the test: HTTP %(status)s.") % {"status": sent.status}
            )
        else:
            messages.error(request, _("The receiver did not take it: %(why)s.") % {"why": sent.error})
        return HttpResponseRedirect(reverse("web:delivery", args=[row.id, _newest(row)]))
    elif deed == "replay":
        text = request.POST.get("position", "")
        with open_cursor() as cursor:
            end, hub = newest(cursor, row.site, row.feed), hub_epoch(cursor)
        if not (text.isascii() and text.isdecimal()) or int(text) > end:
            expected = _("a position from 0 to %(end)s") % {"end": end}
            raise Problem(422, "out_of_range", path="/position", expected=expected)
        go_back(row, int(text), hub, at)
        messages.success(request, _("It delivers again from behind position %(n)s.") % {"n": text})
    else:
        raise Problem(422, "nothing_selected", path="/do")
    return HttpResponseRedirect(request.path)
