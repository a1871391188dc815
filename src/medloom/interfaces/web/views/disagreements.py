"""Two laboratories that disagree: both sides next to each other, and one person's decision with a reason."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.inspection.actions import settle
from medloom.inspection.models import Stand
from medloom.inspection.queries import measured_parts
from medloom.interfaces.web.columns import object_address
from medloom.interfaces.web.deeds import deeds_of
from medloom.interfaces.web.measuring import Issue, Matrix, compared, issues, matrix, said_of
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import viewer_of
from medloom.interfaces.web.views.lists import chapter_of, title_of
from medloom.interfaces.web.views.objects import declared_of, row_of
from medloom.interfaces.web.writing import act_of, must_accept, reason_of
from medloom.kernel.cursor import open_cursor
from medloom.wire.verdict import Answer

CHOICES = ("first", "second", "remeasure")


def _issues(row: Any) -> tuple[list[Issue], Matrix]:
    with open_cursor() as cursor:
        rows = measured_parts(cursor, row.site, row.item.key)
    sides = compared(rows, row.site, row.item.key)
    lines = Stand._default_manager.filter(parent_id=row.num, until=None)
    stands = {line.characteristic: line.stands for line in lines}
    return issues(sides.get(row.first, []), sides.get(row.second, []), stands), matrix(rows)


def show_disagreement(request: HttpRequest, object_: Any) -> HttpResponse | Writing:
    """Both sides; the registrant says for each characteristic whose verdict counts."""
    viewer, declared = viewer_of(request), declared_of("disagreement")
    row = row_of(declared, object_)
    found, parts = _issues(row)
    deeds = {deed.name: deed for deed in deeds_of(viewer, declared, row)}
    may = not deeds["settle"].barred and row.state == "open"
    context: dict[str, Any] = {
        "row": row,
        "issues": found,
        "said": {
            side: {issue.subject: said_of(parts, laboratory, issue.subject) for issue in found}
            for side, laboratory in (("first", row.first), ("second", row.second))
        },
        "matrix": parts,
        "may": may,
        "barred": deeds["settle"].barred,
        "reopen": deeds["reopen"],
        "plant": viewer.sites.get(row.site, row.site),
        "chapter": chapter_of("disagreement"),
        "list_title": title_of("disagreement"),
        "history": f"{object_address('disagreement', row.object)}?tab=history",
        "matrix_address": f"{reverse('web:measured')}?site={row.site}&item={row.item.key}",
        "choices": [
            ("first", _("%(laboratory)s counts") % {"laboratory": row.first}),
            ("second", _("%(laboratory)s counts") % {"laboratory": row.second}),
            ("remeasure", _("Measure again")),
        ],
        "both": {lot for issue in found for lot in issue.lots},
    }
    if request.method != "POST":
        return render(request, "medloom/disagreement.html", context)
    if not may:
        raise Problem(409 if row.state != "open" else 403, "illegal_state", expected=deeds["settle"].barred)
    stands = {issue.subject: request.POST.get(f"stands:{issue.subject}", "") for issue in found}
    missing = [subject for subject, word in stands.items() if word not in CHOICES]
    if missing or not stands:
        context["wrong"] = _("Choose for every characteristic whose verdict counts.")
        context["picked"] = stands
        return render(request, "medloom/disagreement.html", context, status=422)
    operations = settle(
        act=act_of(viewer),
        site=row.site,
        disagreement=str(row.object),
        base=row.version,
        stands=stands,
        reason=reason_of(request.POST),
    )

    def then(answers: list[Answer]) -> HttpResponse:
        must_accept(answers)
        messages.success(request, _("Settled. Both laboratories' results stay as they are; holds stay, too."))
        return HttpResponseRedirect(reverse("web:disagreement", args=[row.object]))

    return Writing(operations, then)
