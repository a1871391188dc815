"""Large exports of scopes: kept as a job, made by the worker, fetched when they are done.

A job is a row of the framework, not a business fact: it is written past the write door, holds nothing that
its owner could not ask for again, and goes after a week.
"""

from __future__ import annotations

import datetime as dt
import logging
from uuid import UUID

import orjson
from django.utils import translation
from django.utils.translation import gettext as _

from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scopeexport import Report, epcis_of, workbook_of
from medloom.interfaces.web.scopeprint import FontMissing, print_of
from medloom.interfaces.web.scopereport import report_of
from medloom.kernel.access import seeing
from medloom.trace.frozen.lines import LINES_MOST
from medloom.trace.models import ScopeExport
from medloom.trace.scopes.bounds import JOB_S

log = logging.getLogger(__name__)

KINDS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/ld+json",
}
KEPT_DAYS = 7


def made(report: Report, kind: str, *, at: dt.datetime) -> bytes:
    """The bytes of one export. Raises FontMissing."""
    if kind == "xlsx":
        return workbook_of(report)
    if kind == "pdf":
        return print_of(report)
    return orjson.dumps(epcis_of(report, created=at))


def keep_job(
    job: UUID, *, actor: str, sees: str, kind: str, question: str, scope: UUID | None, language: str
) -> ScopeExport:
    """Write down what is to be made; the worker is told by whoever calls."""
    return ScopeExport.objects.create(
        id=job, actor=actor, sees=sees, kind=kind, question=question, scope=scope, language=language
    )


def run_job(job: UUID, *, at: dt.datetime) -> str:
    """Make one export; returns its state afterwards. A job that is running or done already is left alone."""
    if not ScopeExport.objects.filter(id=job, state="waiting").update(state="running", step=1):
        return "left"
    row = ScopeExport.objects.get(id=job)
    try:
        with translation.override(row.language):
            with seeing(row.sees):
                report = report_of(row.actor, row.question, row.scope, most=LINES_MOST, seconds=JOB_S)
            ScopeExport.objects.filter(id=job).update(step=2, lots=len(report.lines))
            with seeing(row.sees):
                body = made(report, row.kind, at=at)
    except (Problem, FontMissing) as refused:
        code = refused.code if isinstance(refused, Problem) else "letters_missing"
        ScopeExport.objects.filter(id=job).update(state="failed", code=code)
        return "failed"
    except Exception:
        log.exception("export %s", job)
        ScopeExport.objects.filter(id=job).update(state="failed", code="broken")
        return "failed"
    ScopeExport.objects.filter(id=job).update(state="done", step=3, body=body)
    return "done"


def drop_old(now: dt.datetime) -> int:
    """Take away exports that nobody fetches any more; how many."""
    gone, _each = ScopeExport.objects.filter(asked__lt=now - dt.timedelta(days=KEPT_DAYS)).delete()
    return gone


def step_words() -> list[str]:
    """What is done at each step."""
    return [_("Waiting for the worker"), _("Reading the lots"), _("Writing the file"), _("Done")]
