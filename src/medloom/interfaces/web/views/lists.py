"""The list of every object type, and its export."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from medloom.interfaces.web.columns import Drawing, exported
from medloom.interfaces.web.deeds import Deed, creates
from medloom.interfaces.web.export import spreadsheet
from medloom.interfaces.web.listing import EXPORT_MOST, Sheet, answer, marks_of
from medloom.interfaces.web.listings import listing_of
from medloom.interfaces.web.pagemap import CHAPTERS
from medloom.interfaces.web.viewer import Viewer, viewer_of
from medloom.kernel.entity import Declared, catalogue
from medloom.kernel.models import Entry


def title_of(type_: str) -> object:
    """What a list of that type is called: its name in the page map, else the model's own."""
    for chapter in CHAPTERS:
        for page in chapter.pages:
            if type_ in page.types:
                return page.label
    return capfirst(catalogue()[type_].model._meta.verbose_name)


def chapter_of(type_: str) -> object:
    """The heading in the page map under which that type is."""
    return next((c.label for c in CHAPTERS for p in c.pages if type_ in p.types), "")


def drawing_of(type_: str, rows: list[Any], viewer: Viewer, *, with_times: bool = True) -> Drawing:
    """What drawing these rows needs; one query for the times of their last records."""
    numbers = [row.entry for row in rows] if with_times else []
    received = dict(Entry.objects.filter(seq__in=numbers).values_list("seq", "received")) if numbers else {}
    return Drawing(type_, zones=viewer.zones, names=viewer.sites, received=received)


def show_list(request: HttpRequest, type_: str) -> HttpResponse:
    """One page of one type's list, or its export."""
    if type_ not in catalogue():
        raise Http404
    viewer = viewer_of(request)
    listing = listing_of(type_)
    whole = request.GET.get("export") == "xlsx"
    sheet = answer(listing, query=request.GET, sites=viewer.sites, whole=whole)
    drawing = drawing_of(type_, sheet.rows, viewer, with_times=any(c.kind == "entry" for c in sheet.chosen))
    if whole:
        return _export(request, sheet, drawing)
    query = request.GET.copy()
    for name in ("page", "columns", "order"):
        query.pop(name, None)
    asked = {k: v for k, v in query.items() if v}
    marks = marks_of(listing, viewer.sites)
    context = {
        "sheet": sheet,
        "drawing": drawing,
        "title": title_of(type_),
        "chapter": chapter_of(type_),
        "views": [
            {"name": v.name, "address": v.address, "here": dict(v.query) == asked}
            for v in listing.views
            # A view of marks that this person may not see would show everything.
            if marks or not (listing.marks and listing.marks.name in v.query)
        ]
        or [{"name": _("All"), "address": "?", "here": not asked}],
        "picked": request.GET.getlist("columns"),
        "kept": [(k, v) for k, v in request.GET.items() if k not in ("columns", "page") and v],
        "bulk": [
            {"address": reverse(f"web:{b.page}"), "label": b.label, "icon": b.icon}
            for b in listing.bulk
            if b.who == "all" or viewer.registrant
        ],
        "about": "",
        "deeds": _deeds(viewer, sheet.declared),
    }
    return render(request, "medloom/list.html", context)


def _deeds(viewer: Viewer, declared: Declared) -> list[Deed]:
    if not creates(viewer, declared):
        return []
    return [
        Deed("new", _("New"), "file-description", reverse("web:create", args=[declared.type]), first=True)
    ]


def _export(request: HttpRequest, sheet: Sheet, drawing: Drawing) -> HttpResponse:
    head = [f"{c.label} ({c.unit})" if c.unit and c.unit != "1" else str(c.label) for c in sheet.chosen]
    return spreadsheet(
        request,
        name=sheet.listing.type,
        title=title_of(sheet.listing.type),
        head=head,
        rows=([exported(c, row, drawing) for c in sheet.chosen] for row in sheet.rows),
        count=sheet.count,
        most=EXPORT_MOST,
    )
