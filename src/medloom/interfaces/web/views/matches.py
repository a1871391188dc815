"""Lots whose numbers are nearly alike: a person says whether they are one lot or two."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from medloom.interfaces.web.columns import columns_of
from medloom.interfaces.web.deeds import writes
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import Viewer, viewer_of
from medloom.interfaces.web.views.lists import drawing_of
from medloom.interfaces.web.writing import act_of, reason_of, refused
from medloom.kernel.cursor import open_cursor
from medloom.kernel.entity import catalogue
from medloom.materials.actions import merge_lots, part_lots
from medloom.materials.models import Lot
from medloom.materials.queries import near_matches
from medloom.wire.operation import Operation
from medloom.wire.verdict import Answer

PAIRS_MOST = 100
DIFFERENCES = {
    "letters": gettext_lazy("letters or figures that look the same"),
    "case": gettext_lazy("upper and lower case"),
    "blanks": gettext_lazy("blanks"),
    "punctuation": gettext_lazy("punctuation"),
    "order": gettext_lazy("two letters that have changed places"),
    "suffix": gettext_lazy("one more letter at the end"),
}


def pairs_of(viewer: Viewer) -> list[dict[str, Any]]:
    """The pairs that wait for a decision, with both lots, plant by plant."""
    found: list[dict[str, Any]] = []
    for site in viewer.sites:
        with open_cursor() as cursor:
            near = near_matches(cursor, site, most=PAIRS_MOST)
        keys = {n.first for n in near} | {n.second for n in near}
        lots = {lot.key: lot for lot in Lot.objects.filter(site=site, key__in=keys).select_related("item")}
        for one in near:
            if one.first in lots and one.second in lots:
                first, second = lots[one.first], lots[one.second]
                found.append(
                    {
                        "site": site,
                        "plant": viewer.sites[site],
                        "first": first,
                        "second": second,
                        "differ": DIFFERENCES.get(one.differ, one.differ),
                        "value": f"{site}\t{first.key}\t{second.key}",
                    }
                )
    return found[:PAIRS_MOST]


def show_matches(request: HttpRequest) -> HttpResponse | Writing:
    """The proposals, both lots next to each other; many may be decided at once."""
    viewer = viewer_of(request)
    pairs = pairs_of(viewer)
    if request.method == "POST":
        return _decide(request, viewer, pairs)
    known = columns_of(catalogue()["lot"])
    rows = [lot for pair in pairs for lot in (pair["first"], pair["second"])]
    context = {
        "pairs": pairs,
        "may": writes(viewer, "alias"),
        "columns": [known[n] for n in ("item", "state", "made", "entry") if n in known],
        "key": known["key"],
        "drawing": drawing_of("lot", rows, viewer),
    }
    return render(request, "medloom/matches.html", context)


def _decide(request: HttpRequest, viewer: Viewer, pairs: list[dict[str, Any]]) -> Writing:
    if not writes(viewer, "alias"):
        raise Problem(403, "role_reads", got="alias")
    wanted = set(request.POST.getlist("pair"))
    picked = [p for p in pairs if p["value"] in wanted]
    if not picked:
        raise Problem(422, "nothing_selected", path="/pair", expected=_("at least one pair"))
    decision = request.POST.get("act")
    if decision not in ("same", "different"):
        raise Problem(422, "not_a_choice", path="/act", expected="same|different", got=str(decision))
    decide = merge_lots if decision == "same" else part_lots
    reason, act = reason_of(request.POST), act_of(viewer)
    operations: list[Operation] = [
        decide(act=act, site=p["site"], lot=p["first"].key, other=p["second"].key, reason=reason)
        for p in picked
    ]

    def then(answers: list[Answer]) -> HttpResponse:
        wrong = refused(answers)
        messages.success(request, _("Decided: %(count)s.") % {"count": len(answers) - len(wrong)})
        if wrong:
            messages.warning(
                request,
                _("Not recorded: %(count)s, %(code)s.") % {"count": len(wrong), "code": wrong[0][1].code},
            )
        return HttpResponseRedirect(reverse("web:matches"))

    return Writing(operations, then)
