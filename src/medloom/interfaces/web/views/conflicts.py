"""Conflicts: both values next to each other; a person settles with a reason, and may undo it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.interfaces.web import queries, records
from medloom.interfaces.web.columns import object_address
from medloom.interfaces.web.deeds import writes
from medloom.interfaces.web.export import RECORDS_MOST, spreadsheet
from medloom.interfaces.web.listing import PAGE_ROWS, Question
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scope import Writing
from medloom.interfaces.web.viewer import Viewer, viewer_of
from medloom.interfaces.web.views.lists import title_of
from medloom.interfaces.web.words import state_word
from medloom.interfaces.web.writing import act_of, must_accept, reason_of, refused
from medloom.kernel.entity import Declared, catalogue
from medloom.kernel.models import Entry
from medloom.wire.judge import may_write
from medloom.wire.operation import Operation
from medloom.wire.verdict import Answer

#: Conflicts settled by one press of the button.
SETTLED_MOST = 200


@dataclass(frozen=True)
class Side:
    """One field in conflict: what the author sent, what stands, and what they both knew before."""

    name: str
    label: object
    sent: str
    stands: str
    differs: bool
    sent_wire: Any
    stands_wire: Any


def _stood(declared: Declared, row: Any, name: str) -> Any:
    """The wire value that stands now."""
    if row is None:
        return None
    field = declared.fields[name]
    value = getattr(row, name)
    return (value.key if value is not None else None) if name in declared.refs else field.wire(value)


def _sides(declared: Declared, record: records.Record, row: Any) -> list[Side]:
    found = []
    for name, sent in (record.body.get("fields") or {}).items():
        if name not in declared.fields:
            continue
        stands = _stood(declared, row, name)
        found.append(
            Side(
                name,
                records.field_label(declared, name),
                records.word_of(declared, name, sent),
                records.word_of(declared, name, stands),
                sent != stands,
                sent,
                stands,
            )
        )
    return found


def show_conflicts(request: HttpRequest) -> HttpResponse | Writing:
    """The conflicts, those that wait first of all; many may be settled in one way with one reason."""
    if request.method == "POST":
        return _settle_many(request)
    viewer, query = viewer_of(request), request.GET
    state = query.get("state", "open")
    state = "" if state == "all" else state
    page = max(1, int(query["page"])) if query.get("page", "").isdigit() else 1
    whole = query.get("export") == "xlsx"
    site, type_ = query.get("site", ""), query.get("type", "")
    first, most = (0, RECORDS_MOST) if whole else ((page - 1) * PAGE_ROWS, PAGE_ROWS)
    rows = queries.conflict_rows(state=state, first=first, most=most, site=site, type=type_)
    entries = {e.seq: e for e in Entry.objects.filter(seq__in=[r["seq"] for r in rows])}
    told = {r.entry.seq: r for r in records.records([entries[r["seq"]] for r in rows])}
    lines = []
    standing = _rows_of(entries.values())
    for row in rows:
        record = told[row["seq"]]
        declared = catalogue().get(record.entry.type)
        theirs = record.decision.get("theirs") or {}
        lines.append(
            {
                **row,
                "record": record,
                "title": title_of(record.entry.type) if declared else record.entry.type,
                "key": _key(declared, record, standing),
                "version": standing.get(record.entry.object, ("", 0))[1],
                "pairs": [
                    (
                        records.field_label(declared, name),
                        records.word_of(declared, name, (record.body.get("fields") or {}).get(name)),
                        records.word_of(declared, name, value),
                    )
                    for name, value in theirs.items()
                    if value != (record.body.get("fields") or {}).get(name)
                ][:3],
            }
        )
    total = rows[0]["total"] if rows else 0
    if whole:
        return _export(request, lines, total)
    types = sorted(((t, str(title_of(t))) for t in catalogue()), key=lambda pair: pair[1])
    context = {
        "questions": [
            Question("site", _("Sent by"), "choice", site, choices=list(viewer.sites.items())),
            Question("type", _("Type"), "choice", type_, choices=types),
        ],
        "kept": {"state": query.get("state", "")} if query.get("state") else {},
        "asked": bool(site or type_),
        "may": state == "open" and viewer.may("planner", "quality", "it"),
        "lines": lines,
        "total": total,
        "page": page,
        "more": total > page * PAGE_ROWS,
        "state": request.GET.get("state", "open"),
        "tabs": [
            ("open", _("To settle")),
            ("settled", _("Settled")),
            ("undone", _("Undone")),
            ("all", _("All")),
        ],
        "zones": viewer.zones,
    }
    return render(request, "medloom/conflicts.html", context)


def _export(request: HttpRequest, lines: list[dict[str, Any]], total: int) -> HttpResponse:
    """The conflicts of the query as a spreadsheet, one line for each value in conflict."""
    head = [
        *(_("Record"), _("State"), _("Type"), _("Number"), _("Sent by"), _("Person"), _("Arrived")),
        *(_("Field"), _("Sent, not in force"), _("Stands")),
    ]
    rows = [
        [
            line["seq"],
            str(state_word(line["state"]).label),
            str(line["title"]),
            line["key"],
            line["record"].entry.site,
            line["record"].actor,
            line["record"].entry.received.isoformat(timespec="seconds"),
            *(str(part) for part in pair),
        ]
        for line in lines
        for pair in line["pairs"] or [("", "", "")]
    ]
    return spreadsheet(request, name="conflicts", title=_("Conflicts"), head=head, rows=rows, count=total)


def _rows_of(entries: Iterable[Entry]) -> dict[Any, tuple[str, int]]:
    """Object id -> its number and version, for every entry's object that stands; a query for each type."""
    wanted: dict[str, list[Any]] = {}
    for entry in entries:
        if entry.type in catalogue():
            wanted.setdefault(entry.type, []).append(entry.object)
    found: dict[Any, tuple[str, int]] = {}
    for type_, ids in wanted.items():
        rows = catalogue()[type_].model._default_manager.filter(object__in=ids)
        found |= {o: (k, v) for o, k, v in rows.values_list("object", "key", "version")}
    return found


def _key(declared: Declared | None, record: records.Record, standing: dict[Any, tuple[str, int]]) -> str:
    if declared is None:
        return ""
    known = standing.get(record.entry.object)
    return known[0] if known else declared.natural_key(record.body.get("fields") or {}) or ""


def _known(seq: int) -> tuple[records.Record, Declared, Any]:
    entry = Entry.objects.filter(seq=seq, verdict="conflict").first()
    declared = catalogue().get(entry.type) if entry is not None else None
    if entry is None or declared is None:
        raise Http404
    record = records.records([entry])[0]
    rows = declared.model._default_manager.select_related(*declared.refs)
    row = rows.filter(object=entry.object).first()
    if row is None:
        key = declared.natural_key(record.body.get("fields") or {})
        row = rows.filter(key=key, site__in=(entry.home, "")).first()
    return record, declared, row


def settle(request: HttpRequest, seq: int) -> HttpResponse | Writing:
    """Both sides of one conflict, what follows from each choice, and the decision."""
    viewer = viewer_of(request)
    record, declared, row = _known(seq)
    sides = _sides(declared, record, row)
    status = next((r for r in _status(seq)), None) or {"state": "open", "settled": None, "undone": None}
    barred = _barred(viewer, declared, row, sides, status["state"])
    context = {
        "record": record,
        "declared": declared,
        "row": row,
        "sides": sides,
        "status": status,
        "barred": barred,
        "title": title_of(declared.type),
        "zone": viewer.zones.get(record.entry.home, "UTC"),
        "base": record.body.get("base", 0),
        "author": viewer.sites.get(record.entry.site, record.entry.site),
        "standing": _standing(row),
        "settlement": _one(status["settled"]),
        "undoing": _one(status["undone"]),
        "reason": request.POST.get("reason", ""),
    }
    if request.method != "POST":
        return render(request, "medloom/conflict.html", context)
    if barred:
        raise Problem(409, "illegal_state", path="/state", expected=barred, got=status["state"])
    choice = request.POST.get("choice")
    if choice not in ("sent", "stands"):
        raise Problem(422, "not_a_choice", path="/choice", expected="sent|stands", got=str(choice))
    if request.POST.get("version") != str(row.version):
        raise Problem(
            409, "stale", path="/version", expected=str(row.version), got=request.POST.get("version", "")
        )
    operation = _settlement(viewer, record, declared, row, choice=choice, reason=reason_of(request.POST))

    def then(answers: list[Answer]) -> HttpResponse:
        must_accept(answers)
        messages.success(request, _("Settled. Both sides receive the value that stands."))
        return HttpResponseRedirect(reverse("web:conflict", args=[seq]))

    return Writing([operation], then, causes=(seq,))


def _settlement(
    viewer: Viewer, record: records.Record, declared: Declared, row: Any, *, choice: str, reason: str
) -> Operation:
    """The operation that lets the value sent or the value that stands be the one, as a new version."""
    fields = {
        s.name: s.sent_wire if choice == "sent" else s.stands_wire
        for s in _sides(declared, record, row)
        if s.name not in declared.facts.key
    }
    return act_of(viewer).change(
        declared.type,
        str(row.object),
        site=row.site,
        base=row.version,
        fields=fields,
        reason=reason,
        repairs=str(record.body.get("id", "")),
    )


def _settle_many(request: HttpRequest) -> Writing:
    """Settle the ticked conflicts alike; one that changed since the page was made is left for a person."""
    viewer, choice = viewer_of(request), request.POST.get("choice", "")
    if choice not in ("sent", "stands"):
        raise Problem(422, "not_a_choice", path="/choice", expected="sent|stands", got=choice)
    ticked = [value.split(":") for value in request.POST.getlist("conflict") if ":" in value]
    if not ticked:
        raise Problem(422, "nothing_selected", path="/conflict", expected=_("at least one conflict"))
    if len(ticked) > SETTLED_MOST:
        raise Problem(422, "too_many", path="/conflict", expected=str(SETTLED_MOST), got=str(len(ticked)))
    reason = reason_of(request.POST)
    operations, causes = [], []
    for seq, version in ticked:
        record, declared, row = _known(int(seq) if seq.isdigit() else 0)
        status = next(iter(_status(record.entry.seq)), {"state": "open"})["state"]
        barred = _barred(viewer, declared, row, _sides(declared, record, row), status)
        if not barred and str(row.version) == version:
            operations.append(_settlement(viewer, record, declared, row, choice=choice, reason=reason))
            causes.append(record.entry.seq)
    if not operations:
        raise Problem(409, "nothing_to_do", expected=_("conflicts that still wait and are yours to settle"))

    def then(answers: list[Answer]) -> HttpResponse:
        done = len(answers) - len(refused(answers))
        messages.success(request, _("Settled: %(done)s.") % {"done": done})
        if len(ticked) > done:
            left = {"left": len(ticked) - done}
            messages.warning(request, _("Left for you to look at: %(left)s.") % left)
        return HttpResponseRedirect(reverse("web:conflicts"))

    return Writing(operations, then, causes=causes)


def undo(request: HttpRequest, seq: int) -> HttpResponse | Writing:
    """Take a settlement back: the values from before it stand again, if nothing changed since."""
    viewer = viewer_of(request)
    _record, declared, row = _known(seq)
    status = next((r for r in _status(seq)), None)
    if request.method != "POST" or status is None or status["state"] != "settled":
        raise Problem(
            409, "illegal_state", path="/state", expected="settled", got=status["state"] if status else "open"
        )
    settlement = records.records(Entry.objects.filter(seq=status["settled"]))[0]
    if not writes(viewer, declared.type):
        raise Problem(403, "role_reads", got=declared.type)
    before = settlement.decision.get("before") or {}
    written = settlement.body.get("fields") or {}
    fields = {name: before.get(name, written[name]) for name in written}
    operation = act_of(viewer).change(
        declared.type,
        str(row.object),
        site=row.site,
        base=settlement.entry.version,
        fields=fields,
        reason=reason_of(request.POST),
        compensates=str(settlement.body.get("id", "")),
    )

    def then(answers: list[Answer]) -> HttpResponse:
        must_accept(answers)
        messages.success(request, _("Undone. The value from before the settlement stands again."))
        return HttpResponseRedirect(reverse("web:conflict", args=[seq]))

    return Writing([operation], then, causes=(settlement.entry.seq,))


def _status(seq: int) -> list[dict[str, Any]]:
    return queries.conflict_rows(state="", first=0, most=1, seq=seq)


def _one(seq: int | None) -> records.Record | None:
    return records.records(Entry.objects.filter(seq=seq))[0] if seq else None


def _standing(row: Any) -> records.Record | None:
    """The record that made what stands."""
    return _one(row.entry) if row is not None else None


def _barred(viewer: Any, declared: Declared, row: Any, sides: list[Side], state: str) -> str:
    """Why this person cannot settle it; empty when they can."""
    if state == "settled":
        return str(_("It is settled already. Undo the settlement first."))
    if row is None:
        return str(_("The object it was meant for is not visible to you."))
    if not writes(viewer, declared.type):
        return str(_("Your role reads these, it does not change them."))
    foreign = [s for s in sides if not may_write(declared.sheet.owner_of(s.name), viewer.site, row.site)]
    if foreign:
        return str(_("%(field)s belongs to the other side.") % {"field": foreign[0].label})
    return ""


def object_link(declared: Declared, row: Any) -> str:
    """The address of the object in conflict."""
    return object_address(declared.type, row.object)
