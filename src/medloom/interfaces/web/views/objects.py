"""The page of one object: facts with their sources, related objects, history with proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.interfaces.web import records
from medloom.interfaces.web.columns import Column, Drawing, column_of, columns_of
from medloom.interfaces.web.deeds import deeds_of
from medloom.interfaces.web.glance import glance_of
from medloom.interfaces.web.proof import proof_of
from medloom.interfaces.web.viewer import Viewer, viewer_of
from medloom.interfaces.web.views.lists import chapter_of, drawing_of, title_of
from medloom.kernel.entity import Declared, catalogue
from medloom.kernel.models import Entry

#: Related objects of one type shown on the page; the rest is one click away in its list.
RELATED_MOST = 8


@dataclass(frozen=True)
class Fact:
    """One value with its owner and where it came from."""

    column: Column
    owner: str
    source: records.Record | None
    change: records.Change | None


@dataclass(frozen=True)
class Relation:
    """Objects of one type that refer to this one."""

    title: object
    columns: list[Column]
    rows: list[Any]
    drawing: Drawing
    more: bool
    address: str


@dataclass(frozen=True)
class Inside:
    """A list inside the object: its head and lines."""

    title: object
    columns: list[Column]
    rows: list[Any]


def declared_of(type_: str) -> Declared:
    """The declaration of a type. Raises Http404 for an unknown one."""
    found = catalogue().get(type_)
    if found is None:
        raise Http404
    return found


def row_of(declared: Declared, object_: Any) -> Any:
    """The object if this person may see it. Raises Http404: another party's looks like none."""
    row = declared.model._default_manager.filter(object=object_).select_related(*declared.refs).first()
    if row is None:
        raise Http404
    return row


def _facts(declared: Declared, row: Any, latest: dict[str, records.Record]) -> list[Fact]:
    found = []
    for name, column in columns_of(declared).items():
        if name in ("key", "version", "entry", "state"):
            continue
        record = latest.get(name)
        change = next((c for c in record.changes if c.name == name), None) if record else None
        owner = str(declared.sheet.owner_of(name)) if name in declared.fields else ""
        found.append(Fact(column, owner, record, change))
    return found


def _inside(declared: Declared, row: Any) -> list[Inside]:
    found = []
    for name, lines in declared.lines.items():
        refs = [n for n, f in lines.fields.items() if f.is_relation]
        rows = lines.model._default_manager.filter(**{lines.parent: row.num}).order_by("line")
        if any(f.name == "until" for f in lines.model._meta.concrete_fields):
            rows = rows.filter(until=None)
        rows = rows.select_related(*refs) if refs else rows
        found.append(
            Inside(
                records.label_of_lines(declared, name),
                [column_of(f) for f in lines.fields.values()],
                list(rows[:200]),
            )
        )
    return found


def _relations(declared: Declared, row: Any, viewer: Viewer) -> list[Relation]:
    found = []
    for other in catalogue().values():
        for name, ref in other.refs.items():
            if ref.type != declared.type:
                continue
            rows = list(
                other.model._default_manager.filter(**{name: row.num, "voided": False})
                .order_by("-num")
                .select_related(*other.refs)[: RELATED_MOST + 1]
            )
            if not rows:
                continue
            known = [c for c in columns_of(other).values() if c.kind != "text" and c.name != name]
            column = column_of(other.fields[name])
            same = len([r for r in other.refs.values() if r.type == declared.type]) > 1
            title = f"{title_of(other.type)} · {column.label}" if same else title_of(other.type)
            shown = rows[:RELATED_MOST]
            address = f"{reverse('web:list', args=[other.type])}?{name}={row.key}"
            found.append(
                Relation(
                    title,
                    [c for c in known if c.name != "version"][:8],
                    shown,
                    drawing_of(other.type, shown, viewer, with_times=False),
                    len(rows) > RELATED_MOST,
                    address,
                )
            )
    return found


def show_object(request: HttpRequest, type_: str, object_: Any) -> HttpResponse:
    """One object's page; the tab is in the address."""
    declared = declared_of(type_)
    viewer = viewer_of(request)
    row = row_of(declared, object_)
    tab = request.GET.get("tab", "results" if type_ == "inspection" else "facts")
    told = records.history(row.object) or records.records(Entry.objects.filter(seq=row.entry))
    tabs = [("facts", _("Facts"), ""), ("related", _("Related"), "")]
    if type_ == "lot":
        tabs.append(("trace", _("Trace"), ""))
    if type_ == "inspection":
        tabs.insert(0, ("results", _("Results"), ""))
    tabs.append(("history", _("History"), Entry.objects.filter(object=row.object).count()))
    if tab not in {t[0] for t in tabs}:
        raise Http404
    known = columns_of(declared)
    deeds = deeds_of(viewer, declared, row)
    context: dict[str, Any] = {
        "declared": declared,
        "row": row,
        "title": row.key,
        "chapter": chapter_of(type_),
        "list_title": title_of(type_),
        "kind": declared.model._meta.verbose_name,
        "state": known.get("state"),
        "holds": _open_holds(row) if type_ == "lot" else [],
        "deeds": deeds,
        "far": [d for d in deeds if d.far],
        "tab": tab,
        "tabs": tabs,
        "zone": viewer.zones.get(row.site, "UTC"),
        "plant": viewer.sites.get(row.site, row.site),
        "drawing": drawing_of(type_, [row], viewer),
        "latest": told[0] if told else None,
    }
    if tab == "facts":
        inside = _inside(declared, row)
        context |= {
            "glance": glance_of(type_, row),
            "facts": _facts(declared, row, records.sources(told)),
            "inside": inside,
            "bare": [part.title for part in inside if not part.rows],
        }
    elif tab == "related":
        context["relations"] = _relations(declared, row, viewer)
    elif tab == "history":
        context |= _history(request, declared, row, viewer, told)
    elif tab == "results":
        from medloom.interfaces.web.views.measured import results_context

        context |= results_context(row)
    elif tab == "trace":
        from medloom.interfaces.web.views.scope import scope_context

        context |= scope_context(request, row, viewer)
    return render(request, "medloom/object.html", context)


def _history(
    request: HttpRequest, declared: Declared, row: Any, viewer: Viewer, told: list[records.Record]
) -> dict[str, Any]:
    """The records of the object, or those that touched one field."""
    from medloom.interfaces.web.views.undoing import undoable

    fields: dict[str, object] = {}
    for record in told:
        for change in record.changes:
            fields.setdefault(change.name, change.label)
    field = request.GET.get("field", "")
    touched = [(r, c) for r in told for c in r.changes if c.name == field]
    return {
        "records": told,
        "proofs": proof_of([r.entry for r in told], viewer),
        "undoable": undoable(viewer, declared, row, told),
        "fields": sorted(fields.items(), key=lambda pair: str(pair[1])),
        "field": field if field in fields else "",
        "touched": touched,
        "field_label": fields.get(field, ""),
    }


def _open_holds(row: Any) -> list[Any]:
    hold = catalogue().get("hold")
    return list(hold.model._default_manager.filter(lot=row.num, state="open")[:5]) if hold else []
