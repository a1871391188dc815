"""The repair desk: refused rows by cause, their bytes, a proposed correction, many at once with a preview."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from medloom.interfaces.web import queries, records
from medloom.interfaces.web.columns import domain_words
from medloom.interfaces.web.deeds import writes
from medloom.interfaces.web.export import RECORDS_MOST, spreadsheet
from medloom.interfaces.web.listing import PAGE_ROWS, Question
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.proposals import propose
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.telling import expected_words
from medloom.interfaces.web.viewer import Viewer, now, viewer_of
from medloom.interfaces.web.views.lists import title_of
from medloom.interfaces.web.views.mending import cells_of, correctable
from medloom.interfaces.web.words import VERDICTS, cause_of
from medloom.interfaces.web.writing import new_id, reason_of, refused
from medloom.kernel.entity import Declared, catalogue
from medloom.kernel.meaning import Refused
from medloom.kernel.models import Entry
from medloom.wire import canonical
from medloom.wire.operation import Kind, Operation
from medloom.wire.verdict import Answer

#: Rows mended by one press of the button.
MENDED_MOST = 500
GROUP = ("site", "feed", "type", "verdict", "code", "path")
RULES = {
    "unit": gettext_lazy("unit added"),
    "whole": gettext_lazy("read as a whole number"),
    "yes_no": gettext_lazy("read as yes or no"),
    "day": gettext_lazy("read as a date"),
    "word": gettext_lazy("read as the word of the list"),
    "near_word": gettext_lazy("nearest word of the list"),
    "clean": gettext_lazy("blanks and invisible characters removed"),
    "given": gettext_lazy("as you entered"),
    "left_out": gettext_lazy("value left out"),
}


@dataclass
class Mending:
    """One refused row and what it would become."""

    record: records.Record
    name: str
    label: object
    was: Any
    becomes: Any = None
    rule: object = ""
    fields: dict[str, Any] = field(default_factory=dict)
    possible: bool = False
    why_not: str = ""
    #: Whether its fields can be corrected one by one.
    correctable: bool = False
    #: The row as it came, field by field, with the refused one marked.
    row: list[tuple[object, str, bool]] = field(default_factory=list)


def show_desk(request: HttpRequest) -> HttpResponse:
    """Waiting rows grouped by cause."""
    viewer, query = viewer_of(request), request.GET
    if query.get("export") == "xlsx":
        return _export(request, viewer)
    groups = queries.refused_groups(
        verdict=query.get("verdict", ""), site=query.get("site", ""), feed=query.get("feed", "")
    )
    for group in groups:
        group["address"] = _address(group)
        group["title"] = title_of(group["type"]) if group["type"] in catalogue() else group["type"]
        declared = catalogue().get(group["type"])
        group["field"] = _field_name(group["path"])
        group["label"] = records.field_label(declared, group["field"]) if group["field"] else ""
        if declared and group["field"] in declared.fields:
            group["expected"] = domain_words(declared.fields[group["field"]])
        group["plant"] = viewer.sites.get(group["site"], group["site"])
    context = {
        "groups": groups,
        "total": groups[0]["total"] if groups else 0,
        "verdicts": [("", _("All"))]
        + [(v, VERDICTS[v].label) for v in ("quarantined", "parked", "rejected")],
        "verdict": query.get("verdict", ""),
        "zones": viewer.zones,
        "questions": [
            Question("site", _("Plant"), "choice", query.get("site", ""), choices=list(viewer.sites.items())),
            Question("feed", _("Feed"), "code", query.get("feed", "").strip()),
        ],
        "kept": {"verdict": query["verdict"]} if query.get("verdict") else {},
        "asked": bool(query.get("site") or query.get("feed")),
    }
    return render(request, "medloom/repair.html", context)


def _export(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Every waiting row of the query as a spreadsheet: what a plant needs to mend its own files."""
    query = request.GET
    seqs = queries.waiting_rows(
        verdict=query.get("verdict", ""),
        site=query.get("site", ""),
        feed=query.get("feed", "").strip(),
        most=RECORDS_MOST + 1,
    )
    told = records.records(Entry.objects.filter(seq__in=seqs[:RECORDS_MOST]).order_by("seq"))
    head = [
        *(_("Record"), _("Plant"), _("Feed"), _("From"), _("Type"), _("Verdict"), _("Cause"), _("Code")),
        *(_("Field"), _("Expected"), _("Came"), _("The row as it came")),
    ]
    return spreadsheet(
        request,
        name="repair-desk",
        title=_("Repair desk"),
        head=head,
        rows=(_export_line(record, viewer) for record in told),
        count=len(seqs),
    )


def _export_line(record: records.Record, viewer: Viewer) -> list[Any]:
    entry, refusal = record.entry, record.decision.get("refusal") or {}
    declared = catalogue().get(entry.type)
    cells = cells_of(record) if record.kind == Kind.RAW else dict(record.body.get("fields") or {})
    return [
        entry.seq,
        str(viewer.sites.get(entry.site, entry.site)),
        entry.source or "",
        record.place,
        str(title_of(entry.type)) if declared else entry.type,
        str(VERDICTS[entry.verdict].label),
        str(cause_of(str(refusal.get("code", ""))).label),
        str(refusal.get("code", "")),
        record.path,
        expected_words(str(refusal.get("expected", ""))),
        str(refusal.get("got", "")),
        "; ".join(f"{name}: {value}" for name, value in cells.items()) or record.text,
    ]


def _address(group: dict[str, Any]) -> str:
    from urllib.parse import urlencode

    return f"{reverse('web:repair-group')}?{urlencode({n: group[n] for n in GROUP})}"


def _field_name(path: str) -> str:
    return path.removeprefix("/fields/").split("/")[0] if path.startswith("/fields/") else ""


def _mending(record: records.Record, viewer: Viewer, given: str | None) -> Mending:
    """What would become of one row: with the value given by the person, else with a proposal."""
    declared = catalogue().get(record.entry.type)
    fields = dict(record.body.get("fields") or {})
    name = _field_name(str((record.decision.get("refusal") or {}).get("path", "")))
    found = Mending(record, name, records.field_label(declared, name), fields.get(name), fields=fields)
    found.row = [
        (records.field_label(declared, n), records.word_of(declared, n, v), n == name)
        for n, v in fields.items()
    ]
    if record.kind == Kind.RAW:
        found.was = (record.decision.get("refusal") or {}).get("got")
        cells = cells_of(record)
        found.row = [(column, value, f"/{column}" == record.path) for column, value in cells.items()]
    found.correctable = correctable(record) and viewer.may("planner", "quality", "it")
    if declared is None or record.kind == Kind.RAW:
        found.why_not = (
            str(_("Its fields can be corrected by hand."))
            if found.correctable
            else str(
                _("It could not be read. Mend the file or the feed's mapping; the row then comes again.")
            )
        )
    elif not (viewer.registrant or viewer.site == record.entry.site) or not viewer.may(
        "planner", "quality", "it"
    ):
        found.why_not = str(_("Your role reads these, it does not change them."))
    elif record.entry.verdict == "parked":
        found.why_not = str(_("It is judged again by itself when what is missing arrives."))
    elif name in declared.fields:
        _fill(found, declared, given)
    else:
        found.why_not = str(_("There is no single value to correct here."))
    return found


def _fill(found: Mending, declared: Declared, given: str | None) -> None:
    known = declared.fields[found.name]
    if given == "":
        if known.null:
            found.becomes, found.rule, found.possible = None, RULES["left_out"], True
        else:
            found.why_not = str(_("This value is required."))
    elif given is not None:
        try:
            found.becomes = known.accept(_typed(known, given))
            found.rule, found.possible = RULES["given"], True
        except Refused:
            found.why_not = str(_("Not taken: expected %(expected)s") % {"expected": domain_words(known)})
    else:
        proposal = propose(known, found.was)
        if proposal is not None:
            found.becomes, found.rule, found.possible = proposal.value, RULES[proposal.rule], True
        else:
            found.why_not = str(_("No safe correction is known: enter the right value."))
    if found.possible:
        found.fields[found.name] = found.becomes


def _typed(known: Any, given: str) -> Any:
    """What a person typed, as the wire would carry it."""
    proposal = propose(known, given)
    return proposal.value if proposal is not None else given


def _group(query: Any) -> dict[str, str]:
    if any(n not in query for n in GROUP):
        raise Http404
    return {n: query.get(n, "") for n in GROUP}


def show_group(request: HttpRequest) -> HttpResponse | Writing:
    """The rows of one cause, each with its bytes and what it would become; mend those that are ticked."""
    viewer = viewer_of(request)
    group = _group(request.GET)
    page = max(1, int(request.GET["page"])) if request.GET.get("page", "").isdigit() else 1
    given = request.POST.get("value") if "value" in request.POST else request.GET.get("value")
    if request.GET.get("clear") == "1":
        given = ""
    elif given == "":
        given = None
    if request.method == "POST":
        return _mend(request, viewer, group, given)
    seqs = queries.refused_rows(group, first=(page - 1) * PAGE_ROWS, most=PAGE_ROWS + 1)
    shown = records.records(Entry.objects.filter(seq__in=seqs[:PAGE_ROWS]).order_by("seq"))
    mendings = [_mending(r, viewer, given) for r in shown]
    declared = catalogue().get(group["type"])
    name = _field_name(group["path"])
    context = {
        "group": group,
        "mendings": mendings,
        "possible": sum(m.possible for m in mendings),
        "title": title_of(group["type"]) if declared else group["type"],
        "label": records.field_label(declared, name) if name else "",
        "refusal": _common(declared, name, group, shown),
        "domain": domain_words(declared.fields[name]) if declared and name in declared.fields else "",
        "words": [(w, label) for w, label in declared.fields[name].choices or ()]
        if declared and name in declared.fields
        else [],
        "optional": bool(declared and name in declared.fields and declared.fields[name].null),
        "given": given,
        "page": page,
        "more": len(seqs) > PAGE_ROWS,
        "kept": [(n, v) for n, v in group.items()],
        "zone": viewer.zones.get(group["site"], "UTC"),
        "plant": viewer.sites.get(group["site"], group["site"]),
        "query": request.GET.urlencode(),
        "may": viewer.may("planner", "quality", "it"),
    }
    return render(request, "medloom/repair-group.html", context)


def _common(
    declared: Declared | None, name: str, group: dict[str, str], shown: list[records.Record]
) -> dict[str, str]:
    """What the rows of a cause have in common: code, field, and what would have been right."""
    told = (shown[0].decision.get("refusal") if shown else None) or {}
    known = declared.fields.get(name) if declared else None
    expected = domain_words(known) if known is not None else str(told.get("expected", ""))
    return {"code": group["code"], "path": group["path"], "expected": expected}


def _picked(request: HttpRequest, group: dict[str, str]) -> list[Entry]:
    """The refused entries that were ticked, as far as they still wait."""
    wanted = {int(s) for s in request.POST.getlist("seq") if s.isdigit()}
    if not wanted:
        raise Problem(422, "nothing_selected", path="/seq", expected=_("at least one row"))
    if len(wanted) > MENDED_MOST:
        raise Problem(422, "too_many", path="/seq", expected=str(MENDED_MOST), got=str(len(wanted)))
    waiting = set(queries.refused_rows(group, first=0, most=5_000))
    return list(Entry.objects.filter(seq__in=wanted & waiting).order_by("seq"))


def _mend(request: HttpRequest, viewer: Viewer, group: dict[str, str], given: str | None) -> Writing:
    if not viewer.may("planner", "quality", "it"):
        raise Problem(403, "role_reads", got=group["type"])
    reason = reason_of(request.POST)
    dismiss = request.POST.get("act") == "dismiss"
    operations: list[Operation] = []
    causes: list[int] = []
    for record in records.records(_picked(request, group)):
        made = _dismissed(record, viewer, reason) if dismiss else _mended(record, viewer, given, reason)
        if made is not None:
            operations.append(made)
            causes.append(record.entry.seq)
    if not operations:
        raise Problem(409, "nothing_to_do", expected=_("rows that still wait and can be mended"))

    def then(answers: list[Answer]) -> HttpResponse:
        wrong = 0 if dismiss else len(refused(answers))
        done = len(answers) - wrong
        text = _("Dismissed: %(done)s.") if dismiss else _("Mended and recorded: %(done)s.")
        messages.success(request, text % {"done": done})
        if wrong:
            messages.warning(request, _("Refused again, with a new cause: %(wrong)s.") % {"wrong": wrong})
        return HttpResponseRedirect(reverse("web:repair"))

    return Writing(operations, then, causes=causes, author=group["site"])


def _mended(record: records.Record, viewer: Viewer, given: str | None, reason: str) -> Operation | None:
    """The mended form of a refused operation: a new one, linked to the original, in its author's name."""
    mending = _mending(record, viewer, given)
    if not mending.possible:
        return None
    text = canonical.decode_operation(record.text.encode())
    return Operation(
        id=new_id(),
        type=text.type,
        object=text.object,
        kind=text.kind,
        at=text.at,
        zone=text.zone,
        clock=text.clock,
        actor=viewer.actor,
        fields=mending.fields,
        site=text.site,
        base=text.base,
        reason=reason,
        group="",
        repairs=text.id,
    )


def _dismissed(record: records.Record, viewer: Viewer, reason: str) -> Operation | None:
    """A record that a person found this row to be nothing (a title line, a total): it waits no longer."""
    if not writes(viewer, "lot") and not viewer.may("planner", "quality", "it"):
        return None
    return Operation(
        id=new_id(),
        type=record.entry.type or "raw",
        object=str(record.entry.object or new_id()),
        kind=Kind.RAW,
        at=now().isoformat(timespec="milliseconds"),
        actor=viewer.actor,
        reason=reason,
        repairs=str(record.body.get("id", "")),
        raw={"code": "dismissed", "text": str(record.entry.seq)},
    )
