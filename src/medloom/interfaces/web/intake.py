"""A filled-in template as operations of the site that sent it: the same reading as an agent's, at the hub.

For a plant without any system. What the agent's reader refuses here goes up as a raw row, as an agent would
send it, so that every row of the sheet has one verdict; what stands already with the same values makes none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from medloom.agent.guess import letters
from medloom.agent.notes import source_name
from medloom.agent.sources.rows import Delivery
from medloom.agent.sources.tables import read_table
from medloom.agent.templates import Filled, recognise, too_many
from medloom.agent.translate import Draft, Outcome
from medloom.agent.unread import RAW_KEY, Told, Unread
from medloom.derive.templates import ROWS_MOST
from medloom.interfaces.web import queries
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.records import records
from medloom.interfaces.web.writing import new_id
from medloom.kernel.entity import Declared, catalogue
from medloom.kernel.models import Entry
from medloom.wire.operation import Kind, Operation
from medloom.wire.verdict import Answer, Refusal, Verdict

#: A template of 2,000 rows is far below; whatever is larger is refused before it is looked into.
UPLOAD_BYTES_MAX = 4 * 1024 * 1024
#: Rows recorded by one request: a few hundred milliseconds, so that the page can show how far it is.
CHUNK_ROWS = 200


@dataclass
class Line:
    """One row of the sheet: what it would become, or has become.

    cell  address of the cell at fault ("C7"), `header` what stands over it
    same  it stands already as the row says it
    """

    row: int
    key: str
    operation: Operation | None = None
    verdict: str = ""
    code: str = ""
    cell: str = ""
    header: str = ""
    expected: str = ""
    got: str = ""
    findings: list[str] = field(default_factory=list)
    object: str = ""
    seq: int = 0
    same: bool = False
    new: bool = False


def read_upload(name: str, data: bytes, *, zone: str) -> Filled:
    """The template that was sent. Raises Problem: too large, unreadable, hostile, or no template at all."""
    if len(data) > UPLOAD_BYTES_MAX:
        raise Problem(
            413, "file_too_large", path="/file", expected=f"<= {UPLOAD_BYTES_MAX}", got=str(len(data))
        )
    delivery = read_table(name, data)
    if delivery.refusal is not None:
        raise Problem.of(delivery.refusal)
    filled = recognise(delivery, catalogue(), zone=zone)
    if filled is None:
        raise Problem(422, "template_unknown", path="/file", got=_first_words(delivery))
    if count := too_many(filled):
        raise Problem(413, "rows_too_many", path="/file", expected=f"<= {ROWS_MOST:,}", got=f"{count:,}")
    return filled


def _first_words(delivery: Delivery) -> str:
    rows = next(iter(delivery.sheets.values()), [])
    words = [str(cell) for row in rows[:3] for cell in row if cell not in ("", None)]
    return ", ".join(words)[:200]


def plan(filled: Filled, *, site: str, actor: str, now: str, reason: str) -> list[Line]:
    """Every row of the sheet with the operation it asks for, set-wise compared with what stands."""
    declared = catalogue()[filled.template.type]
    outcomes = [outcome for outcome in filled.outcomes() if outcome.drafts]
    keys = [declared.natural_key(o.drafts[0].fields) for o in outcomes if o.refusal is None]
    stands = _standing(declared, site, [key for key in keys if key])
    unread = _waiting(filled, site, outcomes)
    maker = _Maker(filled, declared, site, actor, now, reason, stands, unread)
    return [maker.line(outcome) for outcome in outcomes]


def _waiting(filled: Filled, site: str, outcomes: Iterable[Outcome]) -> Unread:
    """Rows of this template that the site sent before and that wait on the repair desk."""
    rows = {}
    for found in queries.waiting_of_feed(site=site, feed=filled.mapping.feed):
        body = json.loads(found["body"])
        source = body["source"]
        key = source["key"].removeprefix(RAW_KEY).removeprefix(f"{found['type']}:")
        told = Told(source["feed"], found["type"], key, source.get("at", ""), body["id"])
        rows.setdefault(source_name(told.feed, f"{RAW_KEY}{key}"), told)
    unread = Unread(None, rows)
    refused = {each.drafts[0].source.key for each in outcomes if each.refusal is not None}
    unread.arrives(filled.mapping.feed, filled.delivery.name, refused)
    return unread


def _standing(declared: Declared, site: str, keys: Iterable[str]) -> dict[str, Any]:
    refs = [name for name in declared.fields if name in declared.refs]
    rows = declared.model._default_manager.filter(site=site, key__in=list(keys)).select_related(*refs)
    return {row.key: row for row in rows}


def _wire(declared: Declared, row: Any, name: str) -> Any:
    value = getattr(row, name)
    if name in declared.refs:
        return value.key if value is not None else None
    return declared.fields[name].wire(value)


def canonical(declared: Declared, name: str, value: Any) -> Any:
    """A value in its field's one form; what the field refuses stays, and the door says why."""
    known = declared.fields.get(name)
    try:
        return known.accept(value) if known is not None else value
    except ValueError:
        return value


@dataclass
class _Maker:
    filled: Filled
    declared: Declared
    site: str
    actor: str
    now: str
    reason: str
    stands: Mapping[str, Any]
    unread: Unread

    def line(self, outcome: Outcome) -> Line:
        number = int(outcome.at.rpartition("!")[2]) if "!" in outcome.at else 0
        draft = outcome.drafts[0]
        if outcome.refusal is not None:
            line = Line(number, "", self._operation(draft, new_id(), Kind.RAW))
            point_at(line, self.filled, outcome.refusal)
            return line
        key = self.declared.natural_key(draft.fields) or ""
        row = self.stands.get(key)
        line = Line(number, key, object=str(row.object) if row is not None else "", new=row is None)
        fields = {n: canonical(self.declared, n, v) for n, v in draft.fields.items()}
        if row is not None and draft.kind is Kind.SET and not row.placeholder:
            changed = {n: v for n, v in fields.items() if self._differs(row, n, v)}
            line.same = not changed
            if changed:
                line.operation = self._operation(
                    draft, str(row.object), draft.kind, changed, base=row.version
                )
            return line
        object_ = line.object or new_id()
        base = row.version if row is not None and draft.kind is Kind.SET else 0
        corrects = _told_by(row) if row is not None and draft.kind is Kind.OBSERVE else ""
        line.operation = self._operation(draft, object_, draft.kind, fields, base=base, corrects=corrects)
        return line

    def _differs(self, row: Any, name: str, value: Any) -> bool:
        return name in self.declared.fields and _wire(self.declared, row, name) != value

    def _operation(
        self,
        draft: Draft,
        object_: str,
        kind: Kind,
        fields: Mapping[str, Any] | None = None,
        *,
        base: int = 0,
        corrects: str = "",
    ) -> Operation:
        return Operation(
            id=new_id(),
            type=draft.type,
            object=object_,
            kind=kind,
            at=draft.at or self.now,
            zone=draft.zone,
            clock="source" if draft.at else "hub",
            actor=self.actor,
            fields=dict(fields or {}),
            site=self.site,
            base=base,
            reason=self.reason,
            source=draft.source,
            corrects=corrects,
            repairs=told.id if (told := self.unread.of(draft)) is not None else "",
            raw=dict(draft.raw),
        )


def _told_by(row: Any) -> str:
    """The operation that told what stands; a placeholder was told by none."""
    entry = Entry.objects.filter(seq=row.entry, object=row.object).first()
    return str(records([entry])[0].body.get("id", "")) if entry is not None else ""


def point_at(line: Line, filled: Filled, refusal: Refusal) -> None:
    """Name the cell that a refusal means: by its header, or by the field that the door names."""
    line.verdict, line.code = str(Verdict.QUARANTINED), refusal.code
    line.expected, line.got = refusal.expected, refusal.got
    _locate(line, filled, refusal.path)


def _locate(line: Line, filled: Filled, path: str) -> None:
    wanted = path.removeprefix("/fields/").removeprefix("/")
    for at, column in filled.columns.items():
        if wanted in (column.header, column.path) or wanted.startswith(f"{column.path}/"):
            line.cell, line.header = f"{letters(at)}{line.row}", column.header
            return
    line.header = wanted


def told(line: Line, filled: Filled, answer: Answer) -> None:
    """Note in a line what the door has answered, or would."""
    verdict = "findings" if answer.verdict is Verdict.ACCEPTED and answer.findings else str(answer.verdict)
    if answer.refusal is not None and not line.code:
        point_at(line, filled, answer.refusal)
    line.verdict, line.seq = verdict, answer.seq
    line.same = line.same or answer.repeated
    line.findings = [finding.code for finding in answer.findings]
    if answer.findings and not line.code:
        # What is told beside a row that stands: the first one has its cell named, as a refusal has.
        first = answer.findings[0]
        line.expected, line.got = first.expected, first.got
        _locate(line, filled, first.path)
    if not line.object and line.operation is not None and answer.verdict is Verdict.ACCEPTED:
        line.object = line.operation.object
