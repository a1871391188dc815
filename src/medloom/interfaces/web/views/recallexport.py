"""Exports of a scope, live or frozen: workbook, printed report, EPCIS 2.0; large ones as a job."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from procrastinate.contrib.django import app

from medloom.interfaces.web.exportjobs import KINDS, keep_job, made, step_words
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scope import sees
from medloom.interfaces.web.scopeprint import FontMissing
from medloom.interfaces.web.scopereport import report_of
from medloom.interfaces.web.viewer import now, viewer_of
from medloom.interfaces.web.writing import new_id
from medloom.kernel.cursor import open_cursor
from medloom.trace.models import Scope, ScopeExport
from medloom.trace.scopes.expression import parse
from medloom.trace.scopes.queries import evaluate
from medloom.trace.scopes.refusal import ScopeRefused

#: Lots that one request exports; more are a job of the worker.
EXPORTED_MOST = 5_000


def export_live(request: HttpRequest, kind: str) -> HttpResponse:
    """The scope that the address asks for, as it is now."""
    question = request.GET.get("q", "")
    try:
        with open_cursor() as cursor:
            count = len(evaluate(cursor, parse(question), most=EXPORTED_MOST + 1).portions)
    except ScopeRefused as wrong:
        raise Problem(422, wrong.code, path=wrong.path, expected=wrong.expected, got=wrong.got) from None
    return _answer(request, kind, count, question=question, name=f"scope-{now():%Y%m%d-%H%M}")


def export_frozen(request: HttpRequest, object_: Any, kind: str) -> HttpResponse:
    """A frozen scope with the lines that were kept."""
    scope = Scope.objects.filter(object=object_, state="frozen").first()
    if scope is None:
        raise Http404
    return _answer(request, kind, scope.lots or 0, scope=scope.object, name=scope.number)


def _answer(
    request: HttpRequest, kind: str, count: int, *, name: str, question: str = "", scope: Any = None
) -> HttpResponse:
    """The file at once; above the limit a page that offers the job."""
    if kind not in KINDS:
        raise Http404
    if count > EXPORTED_MOST:
        offered = {"kind": kind, "question": question, "scope": scope or "", "most": EXPORTED_MOST}
        return render(request, "medloom/recall/job.html", offered)
    report = report_of(viewer_of(request).actor, question, scope, most=EXPORTED_MOST)
    try:
        body = made(report, kind, at=now())
    except FontMissing:
        raise Problem(503, "letters_missing", expected="make assets") from None
    return _file(body, kind, name)


def _file(body: bytes, kind: str, name: str) -> HttpResponse:
    found = HttpResponse(body, content_type=KINDS[kind])
    found["Content-Disposition"] = content_disposition_header(True, f"{name}.{kind}")
    return found


def start_job(request: HttpRequest) -> HttpResponse:
    """Hand an export to the worker."""
    kind, scope = request.POST.get("kind", ""), request.POST.get("scope", "")
    if request.method != "POST" or kind not in KINDS:
        raise Http404
    job = keep_job(
        uuid.UUID(new_id()),
        actor=viewer_of(request).actor,
        sees=sees(request),
        kind=kind,
        question=request.POST.get("question", "")[:4_000],
        scope=uuid.UUID(scope) if scope else None,
        language=get_language() or "en",
    )
    app.configure_task("medloom.make_export", allow_unknown=True).defer(job=str(job.id))
    return HttpResponseRedirect(reverse("web:scope-job", args=[job.id]))


def show_job(request: HttpRequest, job: Any) -> HttpResponse:
    """How far it is; the person who asked may fetch it when it is done."""
    row = _own(request, job)
    steps = step_words()
    context = {"job": row, "step": steps[row.step], "share": round(100 * row.step / (len(steps) - 1))}
    return render(request, "medloom/recall/job.html", context)


def fetch_job(request: HttpRequest, job: Any) -> HttpResponse:
    """The file."""
    row = _own(request, job)
    if row.state != "done" or row.body is None:
        raise Http404
    return _file(bytes(row.body), row.kind, f"scope-{row.asked:%Y%m%d-%H%M}")


def _own(request: HttpRequest, job: Any) -> ScopeExport:
    row = ScopeExport.objects.filter(id=job, actor=viewer_of(request).actor).first()
    if row is None:
        raise Http404
    return row
