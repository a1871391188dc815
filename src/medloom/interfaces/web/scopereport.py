"""What an export says of a scope: read once, live or frozen, in a request or in a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.recall import perhaps
from medloom.interfaces.web.scopeexport import Report
from medloom.interfaces.web.viewer import Viewer, now, viewer_for
from medloom.kernel.cursor import open_cursor
from medloom.parties.models import User
from medloom.trace.accounts.queries import handed_over
from medloom.trace.frozen.handed import Handed
from medloom.trace.frozen.lines import Line
from medloom.trace.frozen.queries import draw, frozen_handed, frozen_lines, lots_of
from medloom.trace.models import Scope
from medloom.trace.scopes.bounds import PAGE_S
from medloom.trace.scopes.consigned import EVERYTHING, Consigned, consigned
from medloom.trace.scopes.expression import parse, text_of
from medloom.trace.scopes.refusal import ScopeRefused


def report_of(actor: str, question: str, scope: UUID | None, *, most: int, seconds: float = PAGE_S) -> Report:
    """The report for that person: so many lots of a live scope, in so many seconds. Raises Problem."""
    viewer = viewer_for(User.objects.get(id=UUID(hex=actor)))
    return _frozen(scope, viewer) if scope is not None else _live(question, viewer, most, seconds)


def _live(question: str, viewer: Viewer, most: int, seconds: float) -> Report:
    try:
        expression = parse(question)
    except ScopeRefused as wrong:
        raise Problem(422, wrong.code, path=wrong.path, expected=wrong.expected, got=wrong.got) from None
    text = text_of(expression)
    try:
        with open_cursor() as cursor:
            drawn = draw(cursor, expression, text, most=most, seconds=seconds)
    except ScopeRefused as slow:
        raise Problem(422, slow.code, path=slow.path, expected=slow.expected, got=slow.got) from None
    if drawn.cut:
        raise Problem(422, "scope_too_large", expected=f"{most:,}", got=f"> {most:,}")
    about = [
        (_("What is asked"), text),
        (_("As of record"), str(drawn.as_of)),
        (_("Digest of its lines"), drawn.digest),
        (_("State"), _("not frozen")),
    ]
    waiting = perhaps(drawn.lines, expression)
    to_whom = consigned(drawn.handed, drawn.lines)
    return _report(_("Recall scope"), about, drawn.lines, waiting, viewer, drawn.handed, to_whom)


def _frozen(object_: UUID, viewer: Viewer) -> Report:
    scope = Scope.objects.filter(object=object_, state="frozen").first()
    if scope is None:
        raise Problem(404, "not_found")
    with open_cursor() as cursor:
        lines = frozen_lines(cursor, scope.num)
        kept = scope.consignments is not None
        handed = frozen_handed(cursor, scope.num) if kept else handed_over(cursor, lots_of(lines))
    about = [
        (_("Scope number"), scope.number),
        (_("What is asked"), scope.expression),
        (_("As of record"), str(scope.as_of)),
        (_("Digest of its lines"), scope.digest or ""),
        (_("State"), _("Frozen")),
        (_("Supersedes"), scope.supersedes or "–"),
        (_("Consignees"), _("as frozen, under the digest") if kept else _("as the shipments say today")),
    ]
    waiting = perhaps(lines, parse(scope.expression))
    to_whom = consigned(handed, lines, as_of=EVERYTHING if kept else scope.as_of)
    return _report(scope.title, about, lines, waiting, viewer, handed, to_whom)


def _report(
    title: str,
    about: Sequence[tuple[str, str]],
    lines: Sequence[Line],
    waiting: Sequence[dict[str, Any]],
    viewer: Viewer,
    handed: Sequence[Handed],
    to_whom: Sequence[Consigned],
) -> Report:
    return Report(title, [*about, *_asked_by(viewer)], lines, waiting, viewer, to_whom, handed)


def _asked_by(viewer: Viewer) -> list[tuple[str, str]]:
    return [(_("Exported by"), viewer.person), (_("At"), now().isoformat(timespec="seconds"))]
