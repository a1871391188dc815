"""One delivery of a webhook: what was sent, what came back, each try at it; send it again."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.viewer import now, viewer_of
from medloom.interfaces.web.views.subscriptions import may_change, mine, must_change
from medloom.interfaces.webhooks.courier import PositionsGone, body_of, send_again
from medloom.parties.models import Attempt, Subscription

#: Of a delivery's body this much is shown; all of it stands in the ledger.
SHOWN_BYTES, SEQS_SHOWN = 12_000, 12


def _body(row: Subscription, attempt: Attempt) -> dict[str, Any]:
    """The body as it was sent, read from the ledger again and proved by its digest."""
    try:
        events, _bytes = body_of(row, attempt)
    except PositionsGone:
        return {"gone": True}
    text = orjson.dumps(events, option=orjson.OPT_INDENT_2).decode()
    return {
        "text": text[:SHOWN_BYTES],
        "cut": max(0, len(text) - SHOWN_BYTES),
        "seqs": [event["data"]["seq"] for event in events][:SEQS_SHOWN],
        "more": max(0, len(events) - SEQS_SHOWN),
    }


def show_delivery(request: HttpRequest, name: uuid.UUID, attempt: int) -> HttpResponse:
    """Request, answer and tries of one delivery; POST sends it again."""
    viewer = viewer_of(request)
    row = mine(viewer).filter(id=name).first()
    one = Attempt.objects.filter(subscription=row, id=attempt).first() if row else None
    if row is None or one is None:
        raise Http404
    may = may_change(viewer) and row.site == viewer.site
    if request.method == "POST":
        must_change(viewer)
        if not may:
            raise Problem(403, "foreign_site", got=row.site)
        return _again(request, row, one)
    same = Attempt.objects.filter(subscription=row, named=one.named).exclude(named="")
    context = {
        "row": row,
        "one": one,
        "body": _body(row, one),
        "tries": same.defer("asked", "answered").order_by("id")[:50],
        "may": may,
        "zone": viewer.zones.get(row.site, "UTC"),
    }
    return render(request, "medloom/delivery.html", context)


def _again(request: HttpRequest, row: Subscription, one: Attempt) -> HttpResponse:
    try:
        made = send_again(row, one, now())
    except PositionsGone:
        raise Problem(409, "positions_gone", path="/positions", got=one.named) from None
    if made.error:
        messages.error(request, _("The receiver did not take it: %(why)s.") % {"why": made.error})
    else:
        messages.success(request, _("The receiver took it: HTTP %(status)s.") % {"status": made.status})
    return HttpResponseRedirect(reverse("web:delivery", args=[row.id, made.id]))
