"""The next revision of a document: what stands is copied into a form, what is recorded is a new draft."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from medloom.design.models import REVISION
from medloom.design.rules import next_revision
from medloom.interfaces.web.deeds import creates, may_edit
from medloom.interfaces.web.documents import latest_of
from medloom.interfaces.web.inputlists import lists_of, mark_unknown, point_out, read_lists
from medloom.interfaces.web.inputs import Input, inputs_of, read_inputs, wire_value
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import viewer_of
from medloom.interfaces.web.views.changes import frame_of, settled
from medloom.interfaces.web.views.objects import declared_of, row_of
from medloom.interfaces.web.writing import act_of, reason_of, refused
from medloom.kernel.entity import Declared
from medloom.wire.verdict import Answer

#: Not taken over: a new revision has days of its own.
FRESH = ("effective_from", "effective_until")


def revise(request: HttpRequest, type_: str, object_: Any) -> HttpResponse | Writing:
    """A draft of the next revision, with the fields and lines of this one to start from."""
    declared, viewer = declared_of(type_), viewer_of(request)
    row = row_of(declared, object_)
    if declared.facts.lifecycle is not REVISION:
        raise Problem(404, "command_unknown", got="revise")
    if not creates(viewer, declared):
        raise Problem(403, "role_reads", got=declared.type)
    zone = viewer.zones.get(row.site, "UTC")
    fixed = [n for n in declared.facts.key if n != "revision"]
    names = [n for n in declared.fields if n not in fixed and may_edit(viewer, declared, viewer.site, n)]
    inputs = inputs_of(declared, names, row=row, zone=zone)
    for one in inputs:
        if one.name == "revision":
            one.value = next_revision(latest_of(declared, row))
        elif one.name in FRESH:
            one.value = ""
    parts = [n for n in declared.lines if may_edit(viewer, declared, viewer.site, n)]
    context = frame_of(declared, row, _("Next revision of %(key)s") % {"key": row.key})
    context |= {"inputs": inputs, "lists": lists_of(declared, parts, num=row.num), "base": 0, "reason": ""}
    context["lead"] = _("A new draft is made; %(key)s stays as it is until the draft is released.") % {
        "key": row.key
    }
    if request.method != "POST":
        return render(request, "medloom/edit.html", context)
    context["reason"] = request.POST.get("reason", "")
    kept = inputs_of(declared, fixed, row=row, zone=zone)
    fields, fine = _whole(declared, kept, context, request.POST, zone=zone)
    if not fine or mark_unknown(declared, inputs, context["lists"], fields, site=row.site):
        return render(request, "medloom/edit.html", context, status=422)
    operation = act_of(viewer).create(type_, site=row.site, fields=fields, reason=reason_of(request.POST))

    def then(answers: list[Answer]) -> HttpResponse:
        if wrong := refused(answers):
            context["refusal"] = wrong[0][1]
            point_out(inputs, context["lists"], wrong[0][1])
            return render(request, "medloom/edit.html", context, status=409)
        return settled(request, type_, operation.object, _("Recorded as a draft."))

    return Writing([operation], then)


def _whole(
    declared: Declared, kept: list[Input], context: dict[str, Any], data: Any, *, zone: str
) -> tuple[dict[str, Any], bool]:
    """Everything the new revision holds: what is fixed, what the form says, every line."""
    inputs: list[Input] = context["inputs"]
    changed, fine = read_inputs(declared, inputs, data, zone=zone)
    lists, right = read_lists(declared, context["lists"], data)
    fields = {one.name: wire_value(declared.fields[one.name], one.value, zone=zone) for one in kept}
    for one in inputs:
        if one.name in changed:
            fields[one.name] = changed[one.name]
        elif one.value.strip() and one.error is None:
            fields[one.name] = wire_value(declared.fields[one.name], one.value, zone=zone)
    for each in context["lists"]:
        fields[each.name] = lists.get(each.name, each.stood)
    return fields, fine and right
