"""Changing one object: its fields by a form, its state by a command; both say why."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from medloom.design.models import REVISION
from medloom.interfaces.web.columns import column_of, object_address
from medloom.interfaces.web.deeds import creates, deeds_of, may_edit
from medloom.interfaces.web.documents import in_force_of
from medloom.interfaces.web.inputlists import lists_of, mark_unknown, point_out, read_lists
from medloom.interfaces.web.inputs import inputs_of, read_inputs
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import viewer_of
from medloom.interfaces.web.views.lists import chapter_of, drawing_of, title_of
from medloom.interfaces.web.views.objects import declared_of, row_of
from medloom.interfaces.web.words import command_word
from medloom.interfaces.web.writing import act_of, must_accept, new_id, reason_of, refused
from medloom.kernel.entity import Declared
from medloom.wire.verdict import Answer


def settled(request: HttpRequest, type_: str, object_: Any, text: str) -> HttpResponse:
    """Say what was recorded, on the object's page."""
    messages.success(request, text)
    return HttpResponseRedirect(object_address(type_, object_))


def frame_of(declared: Declared, row: Any, title: object) -> dict[str, Any]:
    """What every form of one object shows around itself."""
    return {
        "declared": declared,
        "row": row,
        "title": title,
        "chapter": chapter_of(declared.type),
        "list_title": title_of(declared.type),
        "back": object_address(declared.type, row.object)
        if row is not None
        else reverse("web:list", args=[declared.type]),
    }


def read_form(
    declared: Declared, context: dict[str, Any], data: Any, *, zone: str, site: str
) -> tuple[dict[str, Any], bool]:
    """What inputs and lists of a form say anew, and whether all is right; errors stay at the inputs."""
    changed, fine = read_inputs(declared, context["inputs"], data, zone=zone)
    lists, right = read_lists(declared, context["lists"], data)
    changed |= lists
    unknown = mark_unknown(declared, context["inputs"], context["lists"], changed, site=site)
    return changed, fine and right and not unknown


def edit(request: HttpRequest, type_: str, object_: Any) -> HttpResponse | Writing:
    """Change the fields that this person's side owns; the base is the version that the form showed."""
    declared, viewer = declared_of(type_), viewer_of(request)
    row = row_of(declared, object_)
    zone = viewer.zones.get(row.site, "UTC")
    key = set(declared.facts.key)
    names = [n for n in declared.fields if n not in key and may_edit(viewer, declared, row.site, n)]
    parts = [n for n in declared.lines if may_edit(viewer, declared, row.site, n)]
    if not names and not parts:
        raise Problem(403, "role_reads", got=declared.type)
    context = frame_of(declared, row, _("Edit %(key)s") % {"key": row.key})
    context |= {"inputs": inputs_of(declared, names, row=row, zone=zone), "base": row.version, "reason": ""}
    context["lists"] = lists_of(declared, parts, num=row.num)
    if request.method != "POST":
        return render(request, "medloom/edit.html", context)
    changed, fine = read_form(declared, context, request.POST, zone=zone, site=row.site)
    context["base"] = base = int(request.POST.get("base", "0") or 0)
    context["reason"] = request.POST.get("reason", "")
    if not fine or not changed:
        context["nothing"] = fine and not changed
        return render(request, "medloom/edit.html", context, status=422)
    operation = act_of(viewer).change(
        type_, str(row.object), site=row.site, base=base, fields=changed, reason=reason_of(request.POST)
    )

    def then(answers: list[Answer]) -> HttpResponse:
        if wrong := refused(answers):
            context.update(refusal=wrong[0][1], theirs=wrong[0][0].theirs)
            point_out(context["inputs"], context["lists"], wrong[0][1])
            return render(request, "medloom/edit.html", context, status=409)
        from medloom.interfaces.web.views.undoing import undo_link

        said = _("Recorded. The plant receives it with its next contact.")
        return settled(request, type_, row.object, undo_link(type_, row.object, said))

    return Writing([operation], then)


def create(request: HttpRequest, type_: str) -> HttpResponse | Writing:
    """A new object of the registrant's or of the person's own plant."""
    declared, viewer = declared_of(type_), viewer_of(request)
    if not creates(viewer, declared):
        raise Problem(403, "role_reads", got=declared.type)
    zone = viewer.zones.get(viewer.site, "UTC")
    names = [n for n in declared.fields if may_edit(viewer, declared, viewer.site, n)]
    context = frame_of(declared, None, _("New: %(kind)s") % {"kind": declared.model._meta.verbose_name})
    context |= {"inputs": inputs_of(declared, names, zone=zone), "base": 0, "reason": ""}
    parts = [n for n in declared.lines if may_edit(viewer, declared, viewer.site, n)]
    context["lists"] = lists_of(declared, parts, num=None)
    # A plant is its own home: there is nothing to choose, and on a new hub nothing to choose from.
    home = "" if declared.facts.network else "code" if type_ == "site" else "site"
    if home == "site":
        context |= {"sites": [(c, n) for c, n in viewer.sites.items()], "site": request.POST.get("site", "")}
    if request.method != "POST":
        return render(request, "medloom/edit.html", context)
    site = request.POST.get(home, "").strip() if home else ""
    if home == "site" and site not in viewer.sites:
        raise Problem(422, "not_a_choice", path="/site", expected="|".join(viewer.sites), got=site)
    fields, fine = read_form(declared, context, request.POST, zone=zone, site=site)
    context["reason"] = request.POST.get("reason", "")
    if not fine:
        return render(request, "medloom/edit.html", context, status=422)
    operation = act_of(viewer).create(type_, site=site, fields=fields, reason=reason_of(request.POST))

    def then(answers: list[Answer]) -> HttpResponse:
        if wrong := refused(answers):
            context["refusal"] = wrong[0][1]
            point_out(context["inputs"], context["lists"], wrong[0][1])
            return render(request, "medloom/edit.html", context, status=409)
        return settled(request, type_, operation.object, _("Recorded."))

    return Writing([operation], then)


#: What follows from a command, said before the button.
CONSEQUENCES: dict[tuple[str, str], object] = {
    ("work_order", "release"): gettext_lazy(
        "The plant receives the order; its quantity and item are then fixed for both sides."
    ),
    ("parameter", "release"): gettext_lazy("The plant receives this revision and works to it."),
    ("specification", "release"): gettext_lazy("Results are judged by this revision from now on."),
    ("bom", "release"): gettext_lazy(
        "Orders may name this revision from now on; it is not changed any more."
    ),
    ("lot", "release_market"): gettext_lazy("The lot may be shipped. Only the registrant may say so."),
    ("lot", "reject"): gettext_lazy("The lot may neither be used nor shipped."),
}


def command(request: HttpRequest, type_: str, object_: Any, name: str) -> HttpResponse | Writing:
    """Give a state command after stating what follows from it."""
    declared, viewer = declared_of(type_), viewer_of(request)
    row = row_of(declared, object_)
    deed = next((d for d in deeds_of(viewer, declared, row) if d.name == name), None)
    if deed is None:
        raise Problem(404, "command_unknown", got=name)
    step = declared.facts.lifecycle.step(name) if declared.facts.lifecycle else None
    if step is None or (deed.address != request.path and not deed.barred):
        raise Problem(404, "command_unknown", got=name)
    if deed.barred:
        raise Problem(409, "illegal_state", path="/state", expected=deed.barred, got=str(row.state))
    said = CONSEQUENCES.get((type_, name), "")
    replaced = (
        in_force_of(declared, row) if name == "release" and declared.facts.lifecycle is REVISION else []
    )
    context = frame_of(declared, row, f"{command_word(name)} · {row.key}")
    context |= {
        "said": said,
        "replaced": replaced,
        "step": step,
        "label": command_word(name),
        "column": column_of(declared.model._meta.get_field("state")),
        "drawing": drawing_of(type_, [row], viewer),
        "danger": name in ("reject", "retire"),
    }
    if request.method != "POST":
        return render(request, "medloom/command.html", context)
    act, reason = act_of(viewer), reason_of(request.POST)
    steps = [(other, "supersede", "released") for other in replaced]
    steps.append((row, name, request.POST.get("from", row.state)))
    group = new_id() if replaced else ""
    operations = [
        act.command(type_, str(one.object), site=one.site, name=what, state=state, reason=reason, group=group)
        for one, what, state in steps
    ]

    def then(answers: list[Answer]) -> HttpResponse:
        must_accept(answers)
        return settled(request, type_, row.object, _("Recorded: %(what)s.") % {"what": command_word(name)})

    return Writing(operations, then)
