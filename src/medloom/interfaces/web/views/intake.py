"""Files and forms of a plant without any system: template, upload, preview of every row, recording."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from medloom.agent.templates import Filled
from medloom.derive.sheets import workbook_of
from medloom.derive.templates import LANGUAGES, TEMPLATES, Column, Template, columns_of, title_of
from medloom.governance import uploads
from medloom.governance.models import Upload
from medloom.interfaces.web.columns import object_address
from medloom.interfaces.web.intake import CHUNK_ROWS, Line, plan, read_upload, told
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import HQ, Viewer, now, viewer_of
from medloom.interfaces.web.writing import new_id, reason_of
from medloom.kernel.entity import catalogue
from medloom.kernel.fields import Choice, Day, Flag
from medloom.wire.operation import Kind, Operation
from medloom.wire.verdict import Answer, Verdict

#: Lines of a preview that are drawn; every row is counted, and those with trouble come first.
SHOWN_MOST = 300
FORM_ROWS = 8
MAY = ("planner", "quality", "it")
_ORDER = {"quarantined": 0, "rejected": 1, "conflict": 2, "parked": 3, "findings": 4, "accepted": 5, "": 6}


def _language() -> str:
    return "zh-hans" if translation.get_language() == "zh-hans" else "en"


def _writer(request: HttpRequest) -> Viewer:
    viewer = viewer_of(request)
    if not viewer.may(*MAY):
        raise Problem(403, "role_reads", got="upload")
    return viewer


def _site(viewer: Viewer, wanted: str) -> str:
    """For which site: a plant's person for their own, the registrant's people name it."""
    if not viewer.registrant:
        return viewer.site
    if wanted not in viewer.sites:
        raise Problem(422, "not_a_choice", path="/site", expected="|".join(viewer.sites), got=wanted)
    return wanted


def _template(name: str) -> Template:
    if name not in TEMPLATES or TEMPLATES[name].type not in catalogue():
        raise Http404
    return TEMPLATES[name]


def _templates() -> list[dict[str, Any]]:
    known = catalogue()
    return [
        {
            "name": each.name,
            "title": title_of(each, known[each.type]),
            "columns": len(columns_of(each, known[each.type], _language())),
        }
        for each in TEMPLATES.values()
        if each.type in known
    ]


def _uploads(viewer: Viewer) -> list[dict[str, Any]]:
    rows = Upload.objects.defer("data").order_by("-at")
    mine = rows if viewer.registrant else rows.filter(site=viewer.site)
    return [
        {
            "row": one,
            "title": title_of(_template(one.template), catalogue()[_template(one.template).type]),
            "plant": viewer.sites.get(one.site, one.site),
            "zone": viewer.zones.get(one.site, "UTC"),
        }
        for one in mine[:20]
        if one.template in TEMPLATES
    ]


def _plants(viewer: Viewer) -> list[tuple[str, str]]:
    return [(code, name) for code, name in viewer.sites.items() if code != HQ] if viewer.registrant else []


def show_intake(request: HttpRequest) -> HttpResponse:
    """The templates, a file to send, a form to fill in, and what was sent lately."""
    viewer = viewer_of(request)
    if request.method == "POST":
        return _take(request, _writer(request))
    context = {
        "templates": _templates(),
        "uploads": _uploads(viewer),
        "plants": _plants(viewer),
        "may": viewer.may(*MAY),
    }
    return render(request, "medloom/intake.html", context)


def _take(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Keep a file that can be read; nothing is recorded yet."""
    sent = request.FILES.get("file")
    if sent is None:
        raise Problem(422, "file_empty", path="/file", expected=".xlsx, .xls, .csv")
    site = _site(viewer, request.POST.get("site", ""))
    return _kept(viewer, site, str(sent.name), sent.read())


def _kept(viewer: Viewer, site: str, name: str, data: bytes) -> HttpResponse:
    filled = read_upload(name, data, zone=viewer.zones.get(site, "UTC"))
    lines = plan(filled, site=site, actor=viewer.actor, now=_stamp(), reason="")
    if not lines:
        raise Problem(422, "rows_none", path="/file", expected=_("at least one row below the sample"))
    upload = uploads.keep(
        site=site, actor=viewer.actor, name=name, template=filled.template.name,
        digest=hashlib.sha256(data).hexdigest(), data=data, rows=len(lines), at=now(),
    )  # fmt: skip
    return HttpResponseRedirect(reverse("web:upload", args=[upload.id]))


def _stamp() -> str:
    return now().isoformat(timespec="milliseconds")


def give_template(request: HttpRequest, name: str) -> HttpResponse:
    """The empty template as a workbook, in the language asked for."""
    template = _template(name)
    language = request.GET.get("language", _language())
    if language not in LANGUAGES:
        raise Problem(422, "not_a_choice", path="/language", expected="|".join(LANGUAGES), got=language)
    body = workbook_of(template, catalogue()[template.type], language)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    answer = HttpResponse(body, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="medloom-{name}-{language[:2]}.xlsx"'
    return answer


def _upload(request: HttpRequest, wanted: Any) -> tuple[Viewer, Upload]:
    viewer = viewer_of(request)
    found = Upload.objects.filter(id=wanted).first()
    if found is None or not (viewer.registrant or found.site == viewer.site):
        raise Http404
    return viewer, found


def _read(viewer: Viewer, upload: Upload, reason: str = "") -> tuple[Filled, list[Line]]:
    filled = read_upload(upload.name, bytes(upload.data), zone=viewer.zones.get(upload.site, "UTC"))
    return filled, plan(filled, site=upload.site, actor=viewer.actor, now=_stamp(), reason=reason)


def show_upload(request: HttpRequest, upload: Any) -> HttpResponse | Writing:
    """Before recording: what every row would become. Afterwards: what became of it."""
    viewer, kept = _upload(request, upload)
    if kept.state != "shown":
        return render(request, "medloom/intake-upload.html", _context(viewer, kept, _made(kept)))
    filled, lines = _read(viewer, kept, reason=kept.name)
    asked = [line for line in lines if line.operation is not None]

    def then(answers: list[Answer]) -> HttpResponse:
        for line, answer in zip(asked, answers, strict=True):
            told(line, filled, answer)
        context = _context(viewer, kept, lines)
        context |= {"samples": filled.samples, "drift": _unknown(filled)}
        return render(request, "medloom/intake-upload.html", context)

    operations = [line.operation for line in asked if line.operation is not None]
    return Writing(operations, then, author=kept.site, rehearse=True)


def _unknown(filled: Filled) -> list[str]:
    """Columns of the sheet that the template does not have."""
    row = filled.delivery.sheets[filled.sheet][filled.header - 1]
    return [str(cell) for at, cell in enumerate(row) if at not in filled.columns and cell not in ("", None)]


def _context(viewer: Viewer, upload: Upload, lines: list[Line]) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for line in lines:
        name = "same" if line.same and not line.code else line.verdict
        counts[name] = counts.get(name, 0) + 1
    shown = sorted(lines, key=lambda line: (_ORDER.get("" if line.same else line.verdict, 5), line.row))
    template = _template(upload.template)
    return {
        "upload": upload,
        "template": title_of(template, catalogue()[template.type]),
        "plant": viewer.sites.get(upload.site, upload.site),
        # In a rehearsal a new object has a number that is taken back: there is no page to go to yet.
        "lines": [
            (line, "" if line.new and upload.state == "shown" else _address(template, line))
            for line in shown[:SHOWN_MOST]
        ],
        "hidden": max(0, len(shown) - SHOWN_MOST),
        "counts": sorted(counts.items(), key=lambda pair: _ORDER.get(pair[0], 9)),
        "wrong": sum(n for name, n in counts.items() if name in ("quarantined", "rejected", "conflict")),
        "may": viewer.may(*MAY),
        "percent": round(100 * upload.done / max(1, upload.rows)),
    }


def _address(template: Template, line: Line) -> str:
    made = line.same or (line.seq and line.verdict in ("accepted", "findings"))
    return object_address(template.type, line.object) if made and line.object else ""


def _made(upload: Upload) -> list[Line]:
    return [Line(**line) for line in upload.made]


def record_upload(request: HttpRequest, upload: Any) -> HttpResponse | Writing:
    """Record the next rows in the site's name; the page asks again until all are recorded."""
    _writer(request)
    viewer, kept = _upload(request, upload)
    if request.method != "POST":
        return HttpResponseRedirect(reverse("web:upload", args=[kept.id]))
    if kept.state == "shown":
        uploads.begin(kept, reason=reason_of(request.POST))
    if kept.state != "going":
        raise Problem(409, "nothing_to_do", got=kept.state)
    filled, lines = _read(viewer, kept, reason=kept.reason)
    part = lines[kept.done : kept.done + CHUNK_ROWS]
    asked = [line for line in part if line.operation is not None]

    def then(answers: list[Answer]) -> HttpResponse:
        for line, answer in zip(asked, answers, strict=True):
            told(line, filled, answer)
        uploads.note(kept, [_plain(line) for line in part], done=kept.done + len(part))
        return HttpResponseRedirect(reverse("web:upload", args=[kept.id]))

    operations = [line.operation for line in asked if line.operation is not None]
    return Writing(operations, then, author=kept.site)


def _plain(line: Line) -> dict[str, Any]:
    names = ("row", "key", "verdict", "code", "cell", "header", "expected", "got", "findings", "object")
    return {name: getattr(line, name) for name in (*names, "seq", "same", "new")}


def undo_upload(request: HttpRequest, upload: Any) -> HttpResponse | Writing:
    """Set back what it changed of objects that stood before; what it made stays, and is corrected instead."""
    _writer(request)
    viewer, kept = _upload(request, upload)
    if request.method != "POST" or kept.state not in ("done", "going"):
        raise Problem(409, "nothing_to_do", got=kept.state)
    reason = reason_of(request.POST)
    lines = [line for line in _made(kept) if line.seq and line.verdict in ("accepted", "findings")]
    operations = _setting_back(viewer, kept, lines, reason)

    def then(answers: list[Answer]) -> HttpResponse:
        done = sum(answer.verdict is Verdict.ACCEPTED for answer in answers)
        uploads.undone(kept, kept.made)
        said = _("Set back: %(done)s. What the file made anew stays; send the corrected file to correct it.")
        messages.success(request, said % {"done": done})
        return HttpResponseRedirect(reverse("web:upload", args=[kept.id]))

    return Writing(operations, then, author=kept.site)


def _setting_back(viewer: Viewer, upload: Upload, lines: list[Line], reason: str) -> list[Operation]:
    """Operations that let the values from before stand again, where nobody changed them since."""
    from medloom.interfaces.web.records import records
    from medloom.kernel.models import Entry

    entries = Entry.objects.filter(seq__in=[line.seq for line in lines if not line.new]).order_by("seq")
    found = []
    for record in records(entries):
        before = record.decision.get("before") or {}
        if record.kind == Kind.SET and before:
            found.append(
                Operation(
                    id=new_id(),
                    type=record.entry.type,
                    object=str(record.entry.object),
                    kind=Kind.SET,
                    at=_stamp(),
                    actor=viewer.actor,
                    fields=dict(before),
                    site=upload.site,
                    base=record.entry.version,
                    reason=reason,
                    compensates=str(record.body.get("id", "")),
                )
            )
    return found


def fill_form(request: HttpRequest, name: str) -> HttpResponse:
    """The same template as a grid on the page; cells pasted from a spreadsheet fall into place."""
    viewer, template = _writer(request), _template(name)
    declared = catalogue()[template.type]
    columns = columns_of(template, declared, _language())
    if request.method == "POST":
        site = _site(viewer, request.POST.get("site", ""))
        rows = list(zip(*(request.POST.getlist(f"c{at}") for at in range(len(columns))), strict=False))
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow([column.header for column in columns])
        writer.writerows(row for row in rows if any(cell.strip() for cell in row))
        stem = f"form-{name}-{now():%Y%m%d-%H%M%S}"
        return _kept(viewer, site, f"{stem}.csv", text.getvalue().encode("utf-8-sig"))
    context = {
        "title": title_of(template, declared),
        "template": template,
        "columns": [(at, column, _input(column)) for at, column in enumerate(columns)],
        "rows": range(1, FORM_ROWS + 1),
        "plants": _plants(viewer),
    }
    return render(request, "medloom/intake-form.html", context)


def _input(column: Column) -> dict[str, Any]:
    known: Any = column.field
    words = [str(text) for _word, text in known.choices or ()] if isinstance(known, Choice) else []
    if isinstance(known, Flag):
        words = [_("yes"), _("no")]
    ref = known.related_model.facts.type if hasattr(known, "related_model") and known.related_model else ""
    return {"words": words, "day": isinstance(known, Day), "ref": ref}
