"""One refused row, corrected field by field: what the mapping would have made of it, entered by a person."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from medloom.derive.headings import fields_of
from medloom.interfaces.web import queries, records
from medloom.interfaces.web.columns import label_of
from medloom.interfaces.web.inputlists import InputList, lists_of, mark_unknown, point_out, read_lists
from medloom.interfaces.web.inputs import Input, inputs_of, read_inputs
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.proposals import propose
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import Viewer, now, viewer_of
from medloom.interfaces.web.views.lists import title_of
from medloom.interfaces.web.words import cause_of
from medloom.interfaces.web.writing import new_id, reason_of, refused
from medloom.kernel.entity import Declared, catalogue
from medloom.kernel.models import Entry
from medloom.wire.operation import Kind, Operation
from medloom.wire.verdict import Answer, Refusal

#: What is told of a whole file or feed: there is no row to correct.
NO_ROW = frozenset(
    [
        "feed_drift",
        "file_unmapped",
        "file_broken",
        "file_encrypted",
        "file_too_large",
        "sheet_missing",
        "header_missing",
        "column_missing",
        "column_gone",
        "column_new",
        "row_gone",
    ]
)


@dataclass
class Mended:
    """A refused row beside the form that corrects it."""

    record: records.Record
    declared: Declared
    refusal: Refusal
    #: Column or field as it came, its value, the label of the field it is taken for, whether it was refused.
    cells: list[tuple[object, str, object, bool]] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    lists: list[InputList] = field(default_factory=list)

    @property
    def group(self) -> str:
        """The address of the rows of the same cause."""
        entry = self.record.entry
        asked = {
            "site": entry.site,
            "feed": entry.source or "",
            "type": entry.type,
            "verdict": entry.verdict,
            "code": self.refusal.code,
            "path": self.refusal.path,
        }
        return f"{reverse('web:repair-group')}?{urlencode(asked)}"


def correctable(record: records.Record) -> bool:
    """Whether there is a row that a person can correct: of a known type, and waiting for nothing."""
    code = str((record.decision.get("refusal") or {}).get("code", ""))
    return record.entry.type in catalogue() and record.entry.verdict != "parked" and code not in NO_ROW


def cells_of(record: records.Record) -> dict[str, str]:
    """The cells of a raw row as its author told them; none when it told none."""
    raw = record.body.get("raw") or {}
    try:
        told = json.loads(str(raw.get("original", "")))
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}


def _names(declared: Declared) -> dict[str, list[str]]:
    """Field -> its names in both languages."""
    found: dict[str, list[str]] = {name: [] for name in declared.fields}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            for name, known in declared.fields.items():
                found[name].append(str(label_of(known)))
    return found


def _entered(declared: Declared, name: str, value: Any) -> str:
    """A value of the row as the form takes it; as it came where the field would refuse it."""
    known = declared.fields[name]
    if value is None:
        return ""
    proposal = propose(known, value)
    fit = proposal.value if proposal is not None else value
    if isinstance(fit, bool):
        return "yes" if fit else "no"
    text = str(fit)
    unit = getattr(known, "unit", "")
    return text.removesuffix(f" {unit}") if unit else text


def _mended(record: records.Record, viewer: Viewer) -> Mended:
    declared = catalogue()[record.entry.type]
    told = record.decision.get("refusal") or {}
    refusal = Refusal(**{k: str(told.get(k, "")) for k in ("code", "path", "expected", "got")})
    found = Mended(record, declared, refusal)
    zone = viewer.zones.get(record.entry.site, "UTC")
    found.inputs = inputs_of(declared, declared.fields, zone=zone)
    found.lists = lists_of(declared, declared.lines, num=None)
    fields = dict(record.body.get("fields") or {})
    values: dict[str, Any] = fields
    if record.kind == Kind.RAW:
        cells = cells_of(record)
        taken = fields_of(cells, _names(declared))
        values = {name: cells[column] for column, name in taken.items()}
        wrong = refusal.path.removeprefix("/")
        found.cells = [
            (c, v, label_of(declared.fields[taken[c]]) if c in taken else "", c == wrong)
            for c, v in cells.items()
        ]
        if wrong in taken:
            refusal = Refusal(refusal.code, f"/fields/{taken[wrong]}", refusal.expected, refusal.got)
            values.pop(taken[wrong])
    else:
        wrong = refusal.path.removeprefix("/fields/").split("/")[0]
        found.cells = [
            (records.field_label(declared, n), records.word_of(declared, n, v), "", n == wrong)
            for n, v in fields.items()
        ]
        for each in found.lists:
            each.fill(declared.lines[each.name], fields.get(each.name))
    for one in found.inputs:
        if one.name in values:
            one.value = _entered(declared, one.name, values[one.name])
        if declared.facts.key == (one.name,):
            one.hint = _hint(declared, record)
    point_out(found.inputs, found.lists, refusal)
    return found


def _hint(declared: Declared, record: records.Record) -> str:
    """How numbers of this feed look: a corrected row must get the number that the plant's would get."""
    newest = (
        Entry.objects.filter(
            site=record.entry.site, type=record.entry.type, source=record.entry.source, verdict="accepted"
        )
        .order_by("-seq")
        .values_list("object", flat=True)
        .first()
    )
    key = declared.model._default_manager.filter(object=newest).values_list("key", flat=True).first()
    return str(_("written as in: %(key)s") % {"key": key}) if key else ""


def correct(request: HttpRequest, seq: int) -> HttpResponse | Writing:
    """The form of one refused row, and its sending anew in its author's name, linked to the original."""
    viewer = viewer_of(request)
    entry = Entry.objects.filter(seq=seq).first()
    if entry is None:
        raise Http404
    record = records.records([entry])[0]
    if not correctable(record):
        raise Problem(409, "nothing_to_do", expected=_("a refused row that can be corrected"))
    if not queries.still_waits(seq):
        raise Problem(409, "nothing_to_do", expected=_("rows that still wait and can be mended"))
    if not viewer.may("planner", "quality", "it"):
        raise Problem(403, "role_reads", got=entry.type)
    mended = _mended(record, viewer)
    context: dict[str, Any] = {
        "mended": mended,
        "inputs": mended.inputs,
        "lists": mended.lists,
        "seq": seq,
        "title": title_of(entry.type),
        "plant": viewer.sites.get(entry.site, entry.site),
        "refusal": mended.refusal,
    }
    if request.method != "POST":
        return render(request, "medloom/repair-row.html", context)
    return _send(request, viewer, mended, context)


def _send(
    request: HttpRequest, viewer: Viewer, mended: Mended, context: dict[str, Any]
) -> HttpResponse | Writing:
    declared, entry = mended.declared, mended.record.entry
    zone = viewer.zones.get(entry.site, "UTC")
    for one in mended.inputs:
        one.value, one.error = "", None
    for each in mended.lists:
        each.error = None
    fields, fine = read_inputs(declared, mended.inputs, request.POST, zone=zone)
    lists, right = read_lists(declared, mended.lists, request.POST)
    fields |= lists
    context["reason"] = request.POST.get("reason", "")
    kind = _kind(mended)
    waits = kind is not Kind.OBSERVE and mark_unknown(
        declared, mended.inputs, mended.lists, fields, site=entry.home or entry.site
    )
    if not fine or not right or waits:
        return render(request, "medloom/repair-row.html", context, status=422)
    operation = _operation(mended, viewer, fields, kind, reason_of(request.POST))

    def then(answers: list[Answer]) -> HttpResponse:
        wrong = refused(answers)
        if not wrong:
            messages.success(request, _("Corrected and recorded: %(key)s.") % {"key": _key(declared, fields)})
            return HttpResponseRedirect(mended.group)
        messages.warning(
            request, _("Refused again: %(cause)s.") % {"cause": cause_of(wrong[0][1].code).label}
        )
        again = Entry.objects.filter(cause=entry.seq).order_by("-seq").values_list("seq", flat=True).first()
        return HttpResponseRedirect(
            reverse("web:repair-row" if again else "web:repair", args=[again] if again else [])
        )

    return Writing([operation], then, causes=(entry.seq,), author=entry.site)


def _key(declared: Declared, fields: dict[str, Any]) -> str:
    return declared.natural_key({**declared.defaults, **fields}) or ""


def _kind(mended: Mended) -> Kind:
    """As its author meant it; a row that nobody could read is what its type mostly is."""
    if mended.record.kind != Kind.RAW:
        return Kind(mended.record.kind)
    return Kind.OBSERVE if Kind.OBSERVE in mended.declared.facts.kinds else Kind.SET


def _operation(mended: Mended, viewer: Viewer, fields: dict[str, Any], kind: Kind, reason: str) -> Operation:
    body, entry = mended.record.body, mended.record.entry
    stands = mended.declared.model._default_manager.filter(
        key=_key(mended.declared, fields), site__in=(entry.home or entry.site, "")
    ).first()
    return Operation(
        id=new_id(),
        type=entry.type,
        object=str(stands.object if stands is not None else body.get("object") or new_id()),
        kind=kind,
        at=str(body.get("at") or now().isoformat(timespec="milliseconds")),
        zone=str(body.get("zone") or "UTC"),
        clock=str(body.get("clock") or "unknown"),
        actor=viewer.actor,
        fields=fields,
        site=str(body.get("site") or ""),
        base=stands.version if stands is not None and kind is Kind.SET else 0,
        reason=reason,
        repairs=str(body.get("id", "")),
    )
