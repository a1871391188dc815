"""Taking one change back: the values from before it, as a new record that names the one it undoes."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from medloom.design.models import REVISION
from medloom.interfaces.web import records
from medloom.interfaces.web.deeds import may_edit
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import Viewer, viewer_of
from medloom.interfaces.web.views.changes import frame_of, settled
from medloom.interfaces.web.views.objects import declared_of, row_of
from medloom.interfaces.web.writing import act_of, must_accept, reason_of
from medloom.kernel.entity import Declared
from medloom.kernel.models import Entry
from medloom.wire.operation import Kind
from medloom.wire.verdict import Answer


def undoable(viewer: Viewer, declared: Declared, row: Any, told: list[records.Record]) -> set[int]:
    """The records of one object that this person can take back: changes whose values all still stand."""
    if declared.facts.lifecycle is REVISION and row.state != "draft":
        return set()
    latest = records.sources(told)
    found = set()
    for record in told:
        before = record.decision.get("before") or {}
        names = [change.name for change in record.changes]
        if (
            record.entry.verdict == "accepted"
            and record.kind == Kind.SET
            and before
            and names
            and all(latest.get(name) is record for name in names)
            and all(may_edit(viewer, declared, row.site, name) for name in names)
        ):
            found.add(record.entry.seq)
    return found


def undo_link(type_: str, object_: Any, text: str) -> SafeString:
    """A message with the way back from the change that was just recorded."""
    seq = Entry.objects.filter(object=object_).order_by("-seq").values_list("seq", flat=True).first()
    if seq is None:
        return format_html("{}", text)
    return format_html(
        '{} <a href="{}">{}</a>', text, reverse("web:undo", args=[type_, object_, seq]), _("Undo")
    )


def undo(request: HttpRequest, type_: str, object_: Any, seq: int) -> HttpResponse | Writing:
    """Say what would stand again, and let it stand again with a reason."""
    declared, viewer = declared_of(type_), viewer_of(request)
    row = row_of(declared, object_)
    told = records.history(row.object)
    record = next((r for r in told if r.entry.seq == seq), None)
    if record is None:
        raise Http404
    if seq not in undoable(viewer, declared, row, told):
        raise Problem(409, "not_undoable", path="/seq", got=str(seq))
    context = frame_of(declared, row, _("Undo a change of %(key)s") % {"key": row.key})
    context |= {"record": record, "zone": viewer.zones.get(row.site, "UTC")}
    if request.method != "POST":
        return render(request, "medloom/undo.html", context)
    before = record.decision.get("before") or {}
    operation = act_of(viewer).change(
        type_,
        str(row.object),
        site=row.site,
        base=record.entry.version,
        fields={change.name: before.get(change.name) for change in record.changes},
        reason=reason_of(request.POST),
        compensates=str(record.body.get("id", "")),
    )

    def then(answers: list[Answer]) -> HttpResponse:
        must_accept(answers)
        return settled(request, type_, row.object, _("Undone. Both records stay in the history."))

    return Writing([operation], then, causes=(seq,))
