"""The page of a recall scope: ask it from any side, see what it holds, freeze it, see what came in since."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.interfaces.web.consigning import since
from medloom.interfaces.web.deeds import writes
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.recall import PERHAPS_MOST, SHOWN_MOST, perhaps, result_of
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.scopeform import Block, Row, blocks_of, expression_of, read_blocks
from medloom.interfaces.web.scopewords import JOINS, SIDES, WAYS
from medloom.interfaces.web.viewer import Viewer, now, viewer_of
from medloom.interfaces.web.views.objects import declared_of, row_of
from medloom.interfaces.web.writing import act_of, reason_of, refused
from medloom.kernel.cursor import open_cursor
from medloom.materials.models import Hold
from medloom.trace.accounts.queries import devices, handed_over
from medloom.trace.actions import freeze_scope
from medloom.trace.frozen.lines import LINES_MOST, difference
from medloom.trace.frozen.queries import draw, frozen_handed, frozen_lines, lots_of
from medloom.trace.models import Scope
from medloom.trace.offers.queries import offered
from medloom.trace.scopes.bounds import COUNT_S, bounded
from medloom.trace.scopes.consigned import EVERYTHING
from medloom.trace.scopes.dimensions import DIMENSIONS
from medloom.trace.scopes.expression import TEXT_LENGTH_MAX, Expression, parse, text_of
from medloom.trace.scopes.queries import evaluate
from medloom.trace.scopes.refusal import ScopeRefused
from medloom.wire.verdict import Answer

#: Lots on hold and frozen scopes that an empty page offers.
BEGIN_MOST = 6
#: Rows of the table before somebody asks for all that a page shows: a scope is read from its top.
LISTED_MOST = 50
KINDS = {name: dimension.kind for name, dimension in DIMENSIONS.items()}


def scope_address(text: str) -> str:
    """Where a scope that is not frozen is: its question is in the address."""
    return f"{reverse('web:scope')}?{urlencode({'q': text})}"


def _exports(address: str, text: str = "") -> dict[str, Any]:
    kinds = [("xlsx", _("Workbook (XLSX)")), ("pdf", _("Report (PDF)")), ("json", "EPCIS 2.0 (JSON-LD)")]
    return {"export_kinds": kinds, "export_at": address, "export_query": urlencode({"q": text})}


def _asked(request: HttpRequest) -> tuple[Expression | None, dict[str, Any]]:
    """The question of the request, and what the form shows of it."""
    if any(name.startswith("name0-") for name in request.GET):
        expression, blocks = expression_of(read_blocks(request.GET.dict()))
        return expression, {"blocks": blocks, "text": text_of(expression) if expression else ""}
    text = request.GET.get("q", "")[: TEXT_LENGTH_MAX + 1]
    if not text.strip():
        return None, {"blocks": [_first(request)], "text": ""}
    try:
        expression = parse(text)
    except ScopeRefused as wrong:
        return None, {"blocks": None, "text": text, "wrong": wrong}
    return expression, {"blocks": blocks_of(expression), "text": text_of(expression)}


def _first(request: HttpRequest) -> Block:
    """The block that an empty form begins with; `lot` in the address fills it in."""
    name = next((n for n in DIMENSIONS if request.GET.get(n)), "lot")
    return Block(rows=(Row(name, value=request.GET.get(name, "")),))


def _form(context: dict[str, Any]) -> dict[str, Any]:
    return {**context, "sides": SIDES, "ways": WAYS, "joins": JOINS, "kinds": KINDS, "spare": Row()}


def build(request: HttpRequest) -> HttpResponse:
    """The question as a form and, once it can be asked, its answer."""
    expression, asked = _asked(request)
    viewer = viewer_of(request)
    if expression is not None and "q" not in request.GET:
        return HttpResponseRedirect(scope_address(asked["text"]))
    context = _form(asked) | {"may_freeze": _may_freeze(viewer)}
    if expression is None and not request.GET:
        context |= _starters()
    status = 422 if asked.get("wrong") or (expression is None and len(request.GET) > 1) else 200
    if expression is not None:
        try:
            context |= _answer(expression, asked["text"], viewer)
        except ScopeRefused as slow:
            return render(request, "medloom/recall.html", context | {"wrong": slow}, status=422)
        context |= _listed(request, context["rows"])
        context["supersedes"] = request.GET.get("supersedes", "")
        context |= _exports(f"{reverse('web:scope')}export/", asked["text"])
    return render(request, "medloom/recall.html", context, status=status)


def _starters() -> dict[str, Any]:
    """What an empty page offers to begin with: the lots that are on hold, and the scopes that were frozen."""
    # A hold that only follows from another one is no cause to begin with.
    holds = Hold.objects.filter(state="open", lot__isnull=False, voided=False).select_related("lot")
    holds = holds.exclude(cause__contains="after_hold")
    lots = {hold.lot.key: hold for hold in holds.order_by("-num")[:40]}
    return {
        "begin": [
            {"lot": key, "cause": hold.cause, "address": f"{reverse('web:scope')}?{urlencode({'lot': key})}"}
            for key, hold in list(lots.items())[:BEGIN_MOST]
        ],
        "recent": list(Scope.objects.filter(state="frozen", voided=False).order_by("-num")[:BEGIN_MOST]),
    }


def _listed(request: HttpRequest, rows: list[Any]) -> dict[str, Any]:
    """The rows that the page begins with, and how many more there are; all where the address says so."""
    whole = request.GET.get("rows") == "all"
    listed = rows if whole else rows[:LISTED_MOST]
    return {"listed": listed, "rest": len(rows) - len(listed)}


def _may_freeze(viewer: Viewer) -> str:
    """Empty when the person may; else why not."""
    if not viewer.registrant:
        return str(_("Only the registrant freezes a scope."))
    return "" if writes(viewer, "scope") else str(_("Your role reads these, it does not change them."))


def _answer(expression: Expression, text: str, viewer: Viewer) -> dict[str, Any]:
    with open_cursor() as cursor:
        drawn = draw(cursor, expression, text)
    waiting = perhaps(drawn.lines, expression)
    return {
        "drawn": drawn,
        **result_of(drawn.lines, viewer, handed=drawn.handed, expression=expression),
        "perhaps": waiting[:PERHAPS_MOST],
        "perhaps_count": len(waiting),
        "most": LINES_MOST,
        "shown_most": SHOWN_MOST,
    }


def count(request: HttpRequest) -> HttpResponse:
    """How much the question holds as it stands, while it is being typed."""
    expression, context = _asked(request)
    if expression is not None:
        try:
            with open_cursor() as cursor, bounded(cursor, COUNT_S) as asked:
                found = evaluate(asked, expression, most=LINES_MOST)
                ranges = devices(asked, found.portions)
        except ScopeRefused as slow:
            return render(request, "medloom/recall/count.html", context | {"wrong": slow})
        context |= {
            "found": found,
            "count": len(found.portions),
            "devices": sum(units for mine in ranges.values() for _, units in mine),
        }
    return render(request, "medloom/recall/count.html", context)


def offer(request: HttpRequest, dimension: str) -> JsonResponse:
    """Values of a dimension that hold what was typed."""
    if dimension not in DIMENSIONS:
        raise Http404
    with open_cursor() as cursor:
        return JsonResponse({"keys": offered(cursor, dimension, request.GET.get("q", "").strip()[:64])})


def freeze(request: HttpRequest) -> HttpResponse | Writing:
    """Freeze what the question holds now: one record with the digest of its lines, and the lines."""
    viewer = viewer_of(request)
    text = request.POST.get("q", "")
    if request.method != "POST":
        return HttpResponseRedirect(scope_address(request.GET.get("q", "")))
    if barred := _may_freeze(viewer):
        raise Problem(403, "role_reads", expected=barred, got="scope")
    try:
        expression = parse(text)
    except ScopeRefused as wrong:
        raise Problem(422, wrong.code, path=wrong.path, expected=wrong.expected, got=wrong.got) from None
    title = request.POST.get("title", "").strip()[:200]
    if not title:
        raise Problem(422, "missing", path="/title", expected=_("a title"))
    try:
        with open_cursor() as cursor:
            drawn = draw(cursor, expression, text_of(expression))
    except ScopeRefused as slow:
        raise Problem(422, slow.code, path=slow.path, expected=slow.expected, got=slow.got) from None
    act = act_of(viewer)
    operations = freeze_scope(
        act=act,
        number=f"RS-{now():%y%m%d}-{act.mint().replace('-', '')[-8:].upper()}",
        title=title,
        expression=text_of(expression),
        drawn=drawn,
        reason=reason_of(request.POST),
        supersedes=request.POST.get("supersedes", "").strip()[:64],
    )

    def then(answers: list[Answer]) -> HttpResponse:
        wrong = [refusal for _, refusal in refused(answers) if refusal.code != "group_refused"]
        if wrong:
            raise Problem.of(wrong[0], status=409 if wrong[0].code == "scope_moved" else 422)
        messages.success(request, _("Frozen with its digest. What comes in from now on is shown beside it."))
        return HttpResponseRedirect(reverse("web:scope-frozen", args=[operations[0].object]))

    return Writing(operations, then)


def show_frozen(request: HttpRequest, object_: Any) -> HttpResponse:
    """A frozen scope: its lines as they were kept, and what the same question answers beyond them now."""
    viewer = viewer_of(request)
    scope = row_of(declared_of("scope"), object_)
    expression = parse(scope.expression)
    whole = scope.consignments is not None
    with open_cursor() as cursor:
        kept = frozen_lines(cursor, scope.num)
        today = handed_over(cursor, lots_of(kept))
        handed = frozen_handed(cursor, scope.num) if whole else today
        try:
            changes, slow = difference(kept, draw(cursor, expression, scope.expression).lines), None
        except ScopeRefused as refusal:
            changes, slow = None, refusal
    as_of = EVERYTHING if whole else scope.as_of
    context = {
        "scope": scope,
        "changes": changes,
        "slow": slow,
        "handed_since": since(handed, today) if whole else None,
        "address": scope_address(scope.expression),
        "again": f"{scope_address(scope.expression)}&{urlencode({'supersedes': scope.number})}",
        "successors": list(Scope.objects.filter(supersedes=scope.number, voided=False).order_by("num")),
        "text": scope.expression,
        **result_of(kept, viewer, handed=handed, expression=expression, as_of=as_of),
        "shown_most": SHOWN_MOST,
    }
    context |= _listed(request, context["rows"])
    waiting = perhaps(kept, expression)
    context |= {"perhaps": waiting[:PERHAPS_MOST], "perhaps_count": len(waiting)}
    context |= _exports(f"{reverse('web:scope-frozen', args=[scope.object])}export/")
    return render(request, "medloom/recall/frozen.html", context)
