"""Dispatch of work orders to their plants: one or many, with a preview of what follows."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.interfaces.web.columns import columns_of
from medloom.interfaces.web.deeds import writes
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import viewer_of
from medloom.interfaces.web.views.lists import drawing_of
from medloom.interfaces.web.words import cause_of
from medloom.interfaces.web.writing import act_of, reason_of, refused
from medloom.kernel.entity import catalogue
from medloom.production.actions import release
from medloom.production.models import WorkOrder
from medloom.wire.verdict import Answer

DISPATCHED_MOST = 200


def dispatch_many(request: HttpRequest) -> HttpResponse | Writing:
    """Show which of the selected orders can go to their plants, then release them."""
    viewer = viewer_of(request)
    if not writes(viewer, "work_order") or not viewer.registrant:
        raise Problem(403, "role_reads", got="work_order")
    ids = (request.POST if request.method == "POST" else request.GET).getlist("object")
    if not ids or len(ids) > DISPATCHED_MOST:
        raise Problem(
            422, "nothing_selected", path="/object", expected=f"1-{DISPATCHED_MOST}", got=str(len(ids))
        )
    rows = list(WorkOrder.objects.filter(object__in=ids).select_related("item").order_by("key"))
    ready: list[Any] = [r for r in rows if r.state == "draft" and not r.placeholder]
    known = columns_of(catalogue()["work_order"])
    names = [n for n in ("key", "site", "state", "item", "quantity", "due") if n in known]
    context = {
        "ready": ready,
        "others": [r for r in rows if r not in ready],
        "columns": [known[n] for n in names],
        "drawing": drawing_of("work_order", rows, viewer, with_times=False),
    }
    if request.method != "POST":
        return render(request, "medloom/dispatch.html", context)
    if not ready:
        raise Problem(409, "nothing_to_do", expected=_("orders in draft"))
    reason, act = reason_of(request.POST), act_of(viewer)
    operations = [release(act=act, site=r.site, order=str(r.object), reason=reason) for r in ready]

    def then(answers: list[Answer]) -> HttpResponse:
        wrong = refused(answers)
        messages.success(
            request,
            _("Dispatched: %(count)s. The plants receive them first of all.")
            % {"count": len(answers) - len(wrong)},
        )
        for answer, refusal in wrong[:5]:
            messages.warning(
                request, f"{cause_of(refusal.code).label} ({answer.verdict}): {refusal.expected}"
            )
        return HttpResponseRedirect(reverse("web:list", args=["work_order"]))

    return Writing(operations, then)
