"""The device catalogue from a file: send it, look at what each record would be, record it, set it back."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.design.catalogue import Plan, plan, standing
from medloom.design.gudid import Read, read_gudid, release_day
from medloom.governance import uploads
from medloom.governance.models import Upload
from medloom.interfaces.web.columns import label_of, object_address
from medloom.interfaces.web.deeds import writes
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.records import records
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import HQ, Viewer, now, viewer_of
from medloom.interfaces.web.views.lists import chapter_of
from medloom.interfaces.web.writing import act_of, reason_of
from medloom.kernel.entity import catalogue
from medloom.kernel.models import Entry
from medloom.wire.operation import Operation
from medloom.wire.verdict import Answer, FileRefused, Verdict

TEMPLATE = "gudid"
BYTES_MAX = 32 * 1024 * 1024
#: Larger files are a job for the command.
RECORDS_MOST = 5_000
CHUNK_RECORDS = 200
SHOWN_MOST = 300
ORDER = ("refused", "changed", "new", "same")


def _writer(request: HttpRequest) -> Viewer:
    viewer = viewer_of(request)
    if not (viewer.registrant and writes(viewer, "device")):
        raise Problem(403, "role_reads", got="device")
    return viewer


def _read(data: bytes, name: str) -> list[Read]:
    if len(data) > BYTES_MAX:
        raise Problem(
            413, "file_too_large", path="/file", expected=f"<= {BYTES_MAX} bytes", got=str(len(data))
        )
    found: list[Read] = []
    try:
        for each in read_gudid(io.BytesIO(data), released=release_day(name)):
            found.append(each)
            if len(found) > RECORDS_MOST:
                expected = _("at most %(most)s records; larger files: medloom device import") % {
                    "most": RECORDS_MOST
                }
                raise Problem(413, "file_too_large", path="/file", expected=expected)
    except FileRefused as refused:
        raise Problem.of(refused.refusal) from refused
    return found


def show_catalogue(request: HttpRequest) -> HttpResponse:
    """A file to send, and what was sent lately."""
    viewer = viewer_of(request)
    if not viewer.registrant:
        raise Http404
    if request.method == "POST":
        return _keep(request, _writer(request))
    kept = Upload.objects.filter(template=TEMPLATE).defer("data").order_by("-at")[:20]
    context = {"uploads": kept, "may": writes(viewer, "device"), "chapter": chapter_of("device")}
    return render(request, "medloom/catalogue.html", context)


def _keep(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    sent = request.FILES.get("file")
    if sent is None:
        raise Problem(422, "file_empty", path="/file", expected=".xml")
    if (sent.size or 0) > BYTES_MAX:
        raise Problem(
            413, "file_too_large", path="/file", expected=f"<= {BYTES_MAX} bytes", got=str(sent.size)
        )
    data = sent.read()
    read = _read(data, str(sent.name))
    if not read:
        raise Problem(422, "rows_none", path="/file", expected=_("at least one device record"))
    kept = uploads.keep(
        site=HQ, actor=viewer.actor, name=str(sent.name), template=TEMPLATE,
        digest=hashlib.sha256(data).hexdigest(), data=data, rows=len(read), at=now(),
    )  # fmt: skip
    return HttpResponseRedirect(reverse("web:catalogue-file", args=[kept.id]))


def _kept(request: HttpRequest, wanted: Any) -> tuple[Viewer, Upload]:
    viewer = viewer_of(request)
    found = Upload.objects.filter(id=wanted, template=TEMPLATE).first()
    if found is None or not viewer.registrant:
        raise Http404
    return viewer, found


def _plans(viewer: Viewer, kept: Upload, part: slice) -> list[Plan]:
    read = _read(bytes(kept.data), kept.name)
    earlier = {each.di for each in read[: part.start or 0]}
    reason = kept.reason or f"GUDID {kept.name}"[:500]
    chosen = read[part]
    return plan(chosen, standing(r.di for r in chosen), act=act_of(viewer), reason=reason, earlier=earlier)


def show_file(request: HttpRequest, upload: Any) -> HttpResponse:
    """Before recording: what each record would be. Afterwards: what became of it."""
    viewer, kept = _kept(request, upload)
    if kept.state == "shown":
        lines = [_line(one) for one in _plans(viewer, kept, slice(0, None))]
    else:
        lines = list(kept.made)
    counts = Counter(line["what"] for line in lines)
    shown = sorted(lines, key=lambda line: (ORDER.index(line["what"]), line["line"]))[:SHOWN_MOST]
    fields = {**catalogue()["device"].fields, **catalogue()["device"].lines}
    for line in shown:
        line["labels"] = [_label(fields[name]) for name in line["fields"] if name in fields]
    context = {
        "upload": kept,
        "lines": shown,
        "hidden": max(0, len(lines) - len(shown)),
        "counts": [(name, counts[name]) for name in ORDER if counts[name]],
        "may": writes(viewer, "device"),
        "nothing": not (counts["new"] or counts["changed"]),
        "chapter": chapter_of("device"),
    }
    return render(request, "medloom/catalogue-file.html", context)


def _label(field: Any) -> object:
    model = getattr(field, "model", None)
    return label_of(field) if hasattr(field, "accept") else model._meta.verbose_name if model else ""


def _line(one: Plan, answer: Answer | None = None) -> dict[str, Any]:
    """One record as it is shown and kept: only what JSON can hold."""
    made = one.operation
    line = {
        "line": one.line, "di": one.di, "what": one.what, "brand": one.brand,
        "fields": list(one.fields) if one.what == "changed" else [], "code": "", "path": "", "expected": "",
        "got": "", "findings": [], "address": "", "seq": 0,
    }  # fmt: skip
    refusal = one.refusal
    if answer is not None and made is not None:
        line |= {"findings": [finding.code for finding in answer.findings], "seq": answer.seq}
        if answer.verdict is Verdict.ACCEPTED:
            line["address"] = object_address("device", made.object)
        else:
            line["what"], refusal = "refused", answer.refusal
    if refusal is not None:
        line |= {"code": refusal.code, "path": refusal.path, "expected": refusal.expected, "got": refusal.got}
    return line


def record_file(request: HttpRequest, upload: Any) -> HttpResponse | Writing:
    """Record the next records; the page asks again until all are recorded."""
    viewer = _writer(request)
    _viewer, kept = _kept(request, upload)
    if request.method != "POST":
        return HttpResponseRedirect(reverse("web:catalogue-file", args=[kept.id]))
    if kept.state == "shown":
        uploads.begin(kept, reason=reason_of(request.POST))
    if kept.state != "going":
        raise Problem(409, "nothing_to_do", got=kept.state)
    start = kept.done
    plans = _plans(viewer, kept, slice(start, start + CHUNK_RECORDS))
    asked = [one for one in plans if one.operation is not None]

    def then(answers: list[Answer]) -> HttpResponse:
        by_line = {id(one): answer for one, answer in zip(asked, answers, strict=True)}
        lines = [_line(one, by_line.get(id(one))) for one in plans]
        uploads.note(kept, lines, done=start + len(plans))
        return HttpResponseRedirect(reverse("web:catalogue-file", args=[kept.id]))

    return Writing([one.operation for one in asked if one.operation], then, author=HQ)


def undo_file(request: HttpRequest, upload: Any) -> HttpResponse | Writing:
    """Let the values from before stand again in what the file changed; devices it made anew stay."""
    viewer = _writer(request)
    _viewer, kept = _kept(request, upload)
    if request.method != "POST" or kept.state != "done":
        raise Problem(409, "nothing_to_do", got=kept.state)
    reason, act = reason_of(request.POST), act_of(viewer)
    seqs = [line["seq"] for line in kept.made if line["what"] == "changed" and line["seq"]]
    operations: list[Operation] = []
    for record in records(Entry.objects.filter(seq__in=seqs).order_by("seq")):
        before = record.decision.get("before") or {}
        if before:
            operations.append(
                act.change(
                    "device", str(record.entry.object), site="", base=record.entry.version,
                    fields=before, reason=reason, compensates=str(record.body.get("id", "")),
                )
            )  # fmt: skip

    def then(answers: list[Answer]) -> HttpResponse:
        done = sum(answer.verdict is Verdict.ACCEPTED for answer in answers)
        uploads.undone(kept, kept.made)
        said = _("Set back: %(done)s of %(count)s. Devices that the file made anew stay.")
        messages.success(request, said % {"done": done, "count": len(answers)})
        return HttpResponseRedirect(reverse("web:catalogue-file", args=[kept.id]))

    return Writing(operations, then, author=HQ)
