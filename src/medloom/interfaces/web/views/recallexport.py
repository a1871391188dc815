"""Exports of a scope, live or frozen: workbook, printed report, EPCIS 2.0."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.recall import perhaps
from medloom.interfaces.web.scopeexport import Report, epcis_of, workbook_of
from medloom.interfaces.web.scopeprint import FontMissing, print_of
from medloom.interfaces.web.viewer import Viewer, now, viewer_of
from medloom.interfaces.web.views.objects import declared_of, row_of
from medloom.kernel.cursor import open_cursor
from medloom.trace.frozen.queries import draw, frozen_lines
from medloom.trace.scopes.expression import parse, text_of
from medloom.trace.scopes.refusal import ScopeRefused

#: Lots that one request exports.
EXPORTED_MOST = 20_000
KINDS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/ld+json",
}


def export_live(request: HttpRequest, kind: str) -> HttpResponse:
    """The scope that the address asks for, as it is now."""
    try:
        expression = parse(request.GET.get("q", ""))
    except ScopeRefused as wrong:
        raise Problem(422, wrong.code, path=wrong.path, expected=wrong.expected, got=wrong.got) from None
    text = text_of(expression)
    with open_cursor() as cursor:
        drawn = draw(cursor, expression, text, most=EXPORTED_MOST + 1)
    viewer = viewer_of(request)
    about = [
        (_("What is asked"), text),
        (_("As of record"), str(drawn.as_of)),
        (_("Digest of its lines"), drawn.digest),
        (_("State"), _("not frozen")),
    ]
    report = Report(
        _("Recall scope"), [*about, *_asked_by(viewer)], drawn.lines, perhaps(drawn.lines, expression), viewer
    )
    return _answer(report, kind, name=f"scope-{now():%Y%m%d-%H%M}")


def export_frozen(request: HttpRequest, object_: Any, kind: str) -> HttpResponse:
    """A frozen scope with the lines that were kept."""
    scope, viewer = row_of(declared_of("scope"), object_), viewer_of(request)
    with open_cursor() as cursor:
        lines = frozen_lines(cursor, scope.num)
    about = [
        (_("Scope number"), scope.number),
        (_("What is asked"), scope.expression),
        (_("As of record"), str(scope.as_of)),
        (_("Digest of its lines"), scope.digest),
        (_("State"), _("Frozen")),
        (_("Supersedes"), scope.supersedes or "–"),
    ]
    waiting = perhaps(lines, parse(scope.expression))
    report = Report(scope.title, [*about, *_asked_by(viewer)], lines, waiting, viewer)
    return _answer(report, kind, name=scope.number)


def _asked_by(viewer: Viewer) -> list[tuple[str, str]]:
    return [(_("Exported by"), viewer.person), (_("At"), now().isoformat(timespec="seconds"))]


def _answer(report: Report, kind: str, *, name: str) -> HttpResponse:
    if kind not in KINDS:
        raise Http404
    if len(report.lines) > EXPORTED_MOST:
        most = _("at most %(most)s rows; narrow the query") % {"most": f"{EXPORTED_MOST:,}"}
        raise Problem(422, "export_too_large", expected=most, got=f"{len(report.lines):,}")
    if kind == "xlsx":
        body = workbook_of(report)
    elif kind == "pdf":
        try:
            body = print_of(report)
        except FontMissing:
            raise Problem(503, "letters_missing", expected="make assets") from None
    else:
        body = orjson.dumps(epcis_of(report, created=now()))
    found = HttpResponse(body, content_type=KINDS[kind])
    found["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return found
