"""Webhook subscriptions: make one, test it, pause it, see its deliveries, deliver again, end it."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.exchange.stream import FeedForeign, feed_for, hub_epoch, newest
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.viewer import Viewer, now, viewer_of
from medloom.interfaces.webhooks.address import AddressRefused, judged, networks, target_of
from medloom.interfaces.webhooks.courier import try_out
from medloom.kernel.cursor import open_cursor
from medloom.kernel.entity import catalogue
from medloom.parties.models import Attempt, SigningKey, Subscription, User
from medloom.parties.webhooks import go_back, key_numbers, renew_key, subscribe, turn
from medloom.wire.webhook import private_key, public_text

SHOWN_MOST = 100


def _may(viewer: Viewer) -> bool:
    return viewer.may("it")


def _must(viewer: Viewer) -> None:
    if not _may(viewer):
        raise Problem(403, "role_reads", got="webhook")


def _mine(viewer: Viewer) -> Any:
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
        _must(viewer)
        if request.POST.get("do") == "renew":
            if not viewer.registrant:
                raise Problem(403, "role_reads", got="webhook")
            renew_key(now())
            messages.success(request, _("A new key signs from now on; the former one beside it for 7 days."))
            return HttpResponseRedirect(request.path)
        made, wrong = _make(request, viewer, given)
        if made is not None:
            messages.success(request, _("The subscription is made and delivers from now on."))
            return HttpResponseRedirect(reverse("web:subscription", args=[made.id]))
    numbers = key_numbers(now())
    until = dict(SigningKey.objects.values_list("number", "until"))
    context = {
        "subscriptions": [_told(row) for row in _mine(viewer)],
        "keys": [
            {"number": n, "text": public_text(private_key(settings.SECRET_KEY, n)), "until": until.get(n)}
            for n in numbers
        ],
        "given": given,
        "wrong": wrong,
        "may": _may(viewer),
        "registrant": viewer.registrant,
        "zone": viewer.zones.get(viewer.site, "UTC"),
    }
    return render(request, "medloom/subscriptions.html", context, status=422 if wrong else 200)


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
    row = _mine(viewer).filter(id=name).first()
    if row is None:
        raise Http404
    if request.method == "POST":
        _must(viewer)
        if row.site != viewer.site:
            raise Problem(403, "foreign_site", got=row.site)
        return _do(request, row)
    context = _told(row) | {
        "attempts": Attempt.objects.filter(subscription=row, dead=False).order_by("-id")[:SHOWN_MOST],
        "letters": Attempt.objects.filter(subscription=row, dead=True).order_by("-id")[:SHOWN_MOST],
        "may": _may(viewer) and row.site == viewer.site,
        "plant": viewer.sites.get(row.site, row.site),
        "zone": viewer.zones.get(row.site, "UTC"),
    }
    return render(request, "medloom/subscription.html", context)


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
