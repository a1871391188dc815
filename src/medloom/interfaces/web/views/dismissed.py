"""Rows that left the repair desk: dismissed by a person (undone here too), or closed by their correction."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.interfaces.web import queries, records
from medloom.interfaces.web.listing import Question
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import Viewer, now, viewer_of
from medloom.interfaces.web.views.lists import title_of
from medloom.interfaces.web.writing import new_id, reason_of
from medloom.kernel.entity import catalogue
from medloom.kernel.models import Entry
from medloom.wire.operation import Kind, Operation
from medloom.wire.verdict import Answer

#: Dismissals shown, and put back by one press of the button.
SHOWN_MOST = 200


def _may(viewer: Viewer) -> bool:
    return viewer.may("planner", "quality", "it")


def show_dismissed(request: HttpRequest) -> HttpResponse | Writing:
    """The newest dismissals that stand: which row, who, when and why; ticked ones wait again."""
    viewer = viewer_of(request)
    found = queries.dismissed_rows(most=SHOWN_MOST)
    if request.method == "POST":
        return _put_back(request, viewer, {row["seq"] for row in found})
    numbers = [row["seq"] for row in found] + [row["row"] for row in found]
    told = {r.entry.seq: r for r in records.records(Entry.objects.filter(seq__in=numbers))}
    context: dict[str, Any] = {
        "lines": [
            {
                "said": told[row["seq"]],
                "row": told[row["row"]],
                "title": _title(told[row["row"]].entry.type),
                "plant": viewer.sites.get(told[row["row"]].entry.site, told[row["row"]].entry.site),
            }
            for row in found
            if row["row"] in told
        ],
        "zones": viewer.zones,
        "may": _may(viewer),
    }
    return render(request, "medloom/dismissed.html", context)


def show_mended(request: HttpRequest) -> HttpResponse:
    """Refused rows that were closed by their correction: each beside the record that repaired it."""
    viewer, query = viewer_of(request), request.GET
    site, feed = query.get("site", ""), query.get("feed", "").strip()
    found = queries.mended_rows(site=site, feed=feed, most=SHOWN_MOST)
    numbers = {row[name] for row in found for name in ("row", "by")}
    told = {r.entry.seq: r for r in records.records(Entry.objects.filter(seq__in=numbers))}
    context = {
        "lines": [
            {
                "row": (row := told[each["row"]]),
                "by": (by := told[each["by"]]),
                "title": _title(row.entry.type),
                "plant": viewer.sites.get(row.entry.site, row.entry.site),
                "itself": by.entry.source is not None,
            }
            for each in found
            if each["row"] in told and each["by"] in told
        ],
        "zones": viewer.zones,
        "asked": bool(site or feed),
        "questions": [
            Question("site", _("Plant"), "choice", site, choices=list(viewer.sites.items())),
            Question("feed", _("Feed"), "code", feed),
        ],
    }
    return render(request, "medloom/mended.html", context)


def _title(type_: str) -> object:
    return title_of(type_) if type_ in catalogue() else type_


def _put_back(request: HttpRequest, viewer: Viewer, standing: set[int]) -> Writing:
    if not _may(viewer):
        raise Problem(403, "role_reads")
    wanted = {int(n) for n in request.POST.getlist("seq") if n.isdigit()} & standing
    if not wanted:
        raise Problem(422, "nothing_selected", path="/seq", expected=_("at least one row"))
    reason = reason_of(request.POST)
    told = records.records(Entry.objects.filter(seq__in=wanted).order_by("seq"))
    authors = {record.entry.site for record in told}
    if len(authors) > 1:
        raise Problem(422, "foreign_site", path="/seq", expected=_("rows of one plant at a time"))
    operations = [_taken_back(record, viewer, reason) for record in told]

    def then(answers: list[Answer]) -> HttpResponse:
        messages.success(request, _("Back on the repair desk: %(done)s.") % {"done": len(answers)})
        return HttpResponseRedirect(reverse("web:repair"))

    return Writing(operations, then, causes=[r.entry.seq for r in told], author=authors.pop())


def _taken_back(record: records.Record, viewer: Viewer, reason: str) -> Operation:
    """A record that a dismissal was a mistake: the row waits again."""
    return Operation(
        id=new_id(),
        type=record.entry.type,
        object=str(record.entry.object or new_id()),
        kind=Kind.RAW,
        at=now().isoformat(timespec="milliseconds"),
        actor=viewer.actor,
        reason=reason,
        compensates=str(record.body.get("id", "")),
        raw={"code": queries.TAKEN_BACK, "text": str(record.entry.seq)},
    )
