"""Holds: raise one (anyone may, at once), clear one (the registrant, with password again and its meaning)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.interfaces.web.columns import column_of, object_address
from medloom.interfaces.web.deeds import deeds_of, writes
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import Viewer, now, viewer_of
from medloom.interfaces.web.views.lists import chapter_of, drawing_of, title_of
from medloom.interfaces.web.views.objects import declared_of, row_of
from medloom.interfaces.web.writing import act_of, must_accept, reason_of, refused
from medloom.materials import actions as holds
from medloom.wire.operation import Operation
from medloom.wire.verdict import Answer

#: Lots put on hold by one form.
HELD_MOST = 200


def _targets(request: HttpRequest) -> dict[str, list[Any]]:
    """The lots and equipment that the address names, as far as this person may see them."""
    found: dict[str, list[Any]] = {}
    wanted = {
        "lot": request.GET.getlist("object") + request.GET.getlist("lot"),
        "equipment": request.GET.getlist("equipment"),
    }
    for type_, ids in wanted.items():
        if len(ids) > HELD_MOST:
            raise Problem(422, "too_many", expected=str(HELD_MOST), got=str(len(ids)))
        if ids:
            declared = declared_of(type_)
            found[type_] = [row_of(declared, object_) for object_ in dict.fromkeys(ids)]
    if not any(found.values()):
        raise Problem(422, "nothing_selected", path="/object", expected=_("at least one lot or machine"))
    return found


def raise_hold(request: HttpRequest) -> HttpResponse | Writing:
    """Put a hold on lots or equipment: one hold for each, with its cause."""
    viewer = viewer_of(request)
    if not writes(viewer, "hold"):
        raise Problem(403, "role_reads", got="hold")
    targets = _targets(request)
    context: dict[str, Any] = {
        "targets": targets,
        "chapter": chapter_of("hold"),
        "list_title": title_of("hold"),
    }
    if request.method != "POST":
        return render(request, "medloom/hold-raise.html", context)
    cause = reason_of(request.POST)
    spreads = request.POST.get("spreads") == "yes"
    operations = [
        _hold(viewer, type_, row, cause, spreads) for type_, rows in targets.items() for row in rows
    ]

    def then(answers: list[Answer]) -> HttpResponse:
        wrong = refused(answers)
        if wrong:
            context["refusal"] = wrong[0][1]
            return render(request, "medloom/hold-raise.html", context, status=422)
        messages.success(
            request,
            _("On hold: %(count)s. Every plant concerned receives it first of all.")
            % {"count": len(answers)},
        )
        if len(operations) == 1:
            return HttpResponseRedirect(object_address("hold", operations[0].object))
        return HttpResponseRedirect(f"{reverse('web:list', args=['hold'])}?state=open")

    return Writing(operations, then)


def _hold(viewer: Viewer, type_: str, row: Any, cause: str, spreads: bool) -> Operation:
    act = act_of(viewer)
    number = f"H-{now():%y%m%d}-{act.mint().replace('-', '')[-8:].upper()}"
    return holds.raise_hold(
        act=act, site=row.site, number=number, cause=cause, spreads=spreads, **{type_: row.key}
    )


def clear_hold(request: HttpRequest, object_: Any) -> HttpResponse | Writing:
    """Clear a hold: a signature. Password again, meaning, reason (21 CFR 11.50, 11.200)."""
    viewer, hold = viewer_of(request), declared_of("hold")
    row = row_of(hold, object_)
    deed = next(d for d in deeds_of(viewer, hold, row) if d.name == "clear")
    if deed.barred:
        raise Problem(
            409 if row.state != "open" else 403,
            "illegal_state" if row.state != "open" else "not_permitted",
            path="/state",
            expected=deed.barred,
        )
    meaning = column_of(hold.fields["meaning"])
    context = {
        "row": row,
        "plant": viewer.sites.get(row.site, row.site),
        "meanings": meaning.words,
        "others": _others(row),
        "drawing": drawing_of("hold", [row], viewer),
        "chapter": chapter_of("hold"),
        "list_title": title_of("hold"),
        "cause_column": column_of(hold.fields["cause"]),
        "signer": viewer.person,
        "back": object_address("hold", row.object),
        "picked": request.POST.get("meaning", ""),
        "reason": request.POST.get("reason", ""),
    }
    if request.method != "POST":
        return render(request, "medloom/hold-clear.html", context)
    user: Any = request.user
    if picked := request.POST.get("meaning", ""):
        context["picked"] = picked
    if picked not in dict(meaning.words):
        context["wrong"] = _("Choose what your signature means.")
        return render(request, "medloom/hold-clear.html", context, status=422)
    if authenticate(request, username=user.username, password=request.POST.get("password", "")) != user:
        context["wrong"] = _("The password is wrong. Nothing was signed; the attempt is counted.")
        return render(request, "medloom/hold-clear.html", context, status=403)
    operation = holds.clear_hold(
        act=act_of(viewer),
        site=row.site,
        hold=str(row.object),
        reason=reason_of(request.POST),
        meaning=picked,
    )

    def then(answers: list[Answer]) -> HttpResponse:
        must_accept(answers)
        messages.success(request, _("The hold is cleared and signed."))
        return HttpResponseRedirect(object_address("hold", row.object))

    return Writing([operation], then)


def _others(row: Any) -> list[Any]:
    """Other open holds on the same lot: clearing one leaves the rest."""
    if row.lot_id is None:
        return []
    return list(type(row)._default_manager.filter(lot=row.lot_id, state="open").exclude(num=row.num)[:10])
