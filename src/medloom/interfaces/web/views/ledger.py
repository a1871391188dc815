"""The ledger: every record, refused ones too, filtered; and whether the chains hold."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from medloom.interfaces.web import queries, records
from medloom.interfaces.web.columns import object_address
from medloom.interfaces.web.export import RECORDS_MOST, spreadsheet
from medloom.interfaces.web.listing import PAGE_ROWS, Question, day_of
from medloom.interfaces.web.proof import check_feeds, proof_of
from medloom.interfaces.web.receipts import public_key, receipt_of
from medloom.interfaces.web.viewer import viewer_of
from medloom.interfaces.web.views.lists import title_of
from medloom.interfaces.web.words import KINDS, VERDICTS, cause_of, verdict_word
from medloom.kernel.entity import catalogue
from medloom.kernel.models import Entry, Leaf
from medloom.wire.receipt import receipt_bytes

#: Objects of one type whose number may hold the text that was asked for.
OBJECTS_MOST = 200


def _questions(query: Any, sites: Any) -> list[Question]:
    def ask(name: str, label: object, kind: str, choices: Any = ()) -> Question:
        return Question(
            name,
            label,
            kind,
            query.get(name, "").strip(),
            query.get(f"{name}_until", "").strip(),
            list(choices),
        )

    types = sorted(((t, str(title_of(t))) for t in catalogue()), key=lambda pair: pair[1])
    return [
        ask("seq", _("Record number"), "code"),
        ask("q", _("Object's number"), "code"),
        ask("verdict", _("Verdict"), "choice", ((v, w.label) for v, w in VERDICTS.items())),
        ask("site", _("Author"), "choice", sites.items()),
        ask("type", _("Type"), "choice", types),
        ask("received", _("Arrived"), "day"),
        ask("source", _("Feed"), "code"),
    ]


def _asked(questions: list[Question]) -> Any:
    """The records that answer the query, unordered."""
    rows = Entry.objects.all()
    asked = {q.name: q for q in questions}
    for name in ("verdict", "site", "type", "source"):
        if asked[name].value:
            rows = rows.filter(**{name: asked[name].value})
    if asked["seq"].value:
        rows = rows.filter(seq=int(asked["seq"].value)) if asked["seq"].value.isdigit() else rows.none()
    if text := asked["q"].value:
        tables = [(d.type, d.table) for d in catalogue().values()]
        found = queries.find_key(text, tables, most=OBJECTS_MOST)
        rows = rows.filter(object__in=[row["object"] for row in found])
    if first := day_of(asked["received"].value):
        rows = rows.filter(received__date__gte=first)
    if last := day_of(asked["received"].until):
        rows = rows.filter(received__date__lte=last)
    return rows


def show_ledger(request: HttpRequest) -> HttpResponse:
    """One page of records, newest first; the next page continues below the last number seen."""
    viewer, query = viewer_of(request), request.GET
    questions = _questions(query, viewer.sites)
    rows = _asked(questions)
    if query.get("export") == "xlsx":
        return _export(request, rows)
    below = query.get("below", "")
    if below.isdigit():
        rows = rows.filter(seq__lt=int(below))
    found = list(rows.order_by("-seq")[: PAGE_ROWS + 1])
    shown = found[:PAGE_ROWS]
    context = {
        "questions": questions,
        "records": records.records(shown),
        "proofs": proof_of(shown, viewer),
        "below": shown[-1].seq if len(found) > PAGE_ROWS else None,
        "asked": any(q.value or q.until for q in questions),
        "lag": queries.log_lag(),
        "checked": check_feeds(viewer.sites) if query.get("check") == "chains" else None,
        "names": viewer.sites,
        "zones": viewer.zones,
        "titles": {t: title_of(t) for t in catalogue()},
        "keys": _keys(shown),
        "hub_key": public_key(),
    }
    return render(request, "medloom/ledger.html", context)


def _export(request: HttpRequest, rows: Any) -> HttpResponse:
    """The records that answer the query as a spreadsheet, oldest first."""
    count = rows[: RECORDS_MOST + 1].count()
    entries = list(rows.order_by("seq")[:RECORDS_MOST])
    keys = _keys(entries)
    told = records.records(entries)
    head = [
        *(_("Record"), _("Arrived"), _("Verdict"), _("Author"), _("Person"), _("Type"), _("Number")),
        *(_("Version"), _("Kind"), _("Cause"), _("Changes"), _("Reason"), _("From"), "SHA-256"),
    ]
    lines = ([*_line(r), keys.get(str(r.entry.object), ("",))[0]] for r in told)
    return spreadsheet(
        request,
        name="ledger",
        title=_("All records"),
        head=head,
        rows=([*line[:6], line[-1], *line[6:-1]] for line in lines),
        count=count,
    )


def _line(record: records.Record) -> list[Any]:
    """One record in words, without its object's number."""
    entry = record.entry
    refusal = record.decision.get("refusal") or {}
    changes = "; ".join(f"{c.label}: {f'{c.old} → ' if c.old else ''}{c.new}" for c in record.changes)
    return [
        entry.seq,
        entry.received.isoformat(timespec="seconds"),
        str(verdict_word(entry.verdict).label),
        entry.site,
        record.actor,
        str(title_of(entry.type)) if entry.type in catalogue() else entry.type,
        entry.version,
        str(record.command or (KINDS[record.kind].label if record.kind in KINDS else record.kind)),
        str(cause_of(refusal["code"]).label) if refusal.get("code") else "",
        changes,
        record.reason,
        record.place,
        record.hash,
    ]


def _keys(entries: list[Entry]) -> dict[str, tuple[str, str]]:
    """Object id -> its number and address, for the accepted records of this page."""
    wanted: dict[str, set[Any]] = {}
    for entry in entries:
        if entry.object is not None and entry.type in catalogue():
            wanted.setdefault(entry.type, set()).add(entry.object)
    found = {}
    for type_, ids in wanted.items():
        rows = catalogue()[type_].model._default_manager.filter(object__in=ids).values_list("object", "key")
        found.update({str(o): (k, object_address(type_, o)) for o, k in rows})
    return found


def show_record(request: HttpRequest, seq: int) -> HttpResponse:
    """One record with its proof."""
    viewer = viewer_of(request)
    entry = Entry.objects.filter(seq=seq).first()
    if entry is None:
        raise Http404
    later = list(Entry.objects.filter(cause=seq).order_by("seq")[:20])
    told = records.records([entry, *later])
    first, refused = told[0], entry.verdict in ("quarantined", "rejected", "op_id_reuse")
    context = {
        "records": told,
        "proofs": proof_of([entry, *later], viewer),
        "zone": viewer.zones.get(entry.site, "UTC"),
        "seq": seq,
        "keys": _keys([entry]),
        "mends": entry.cause if first.body.get("repairs") else None,
        "mended": next((e.seq for e in later if e.verdict == "accepted"), None) if refused else None,
        "hub_key": public_key(),
        "sealed": Leaf.objects.filter(seq=seq).exists(),
        "entry": entry,
        "title": title_of(entry.type) if entry.type in catalogue() else entry.type,
    }
    return render(request, "medloom/record.html", context)


def give_proof(request: HttpRequest, seq: int) -> HttpResponse:
    """The receipt of one record as a file, for whoever checks it elsewhere."""
    entry = Entry.objects.filter(seq=seq).first()
    if entry is None:
        raise Http404
    found = HttpResponse(receipt_bytes(receipt_of(entry)), content_type="application/json")
    found["Content-Disposition"] = f'attachment; filename="medloom-proof-{seq}.json"'
    return found
