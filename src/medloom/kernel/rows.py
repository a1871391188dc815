"""From judged operations to rows: heads and lines, entries, projections; COPY for all that is new."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from django.db import connection

from medloom.kernel import queries
from medloom.kernel.batch import Batch
from medloom.kernel.case import Case, feed_of, route
from medloom.kernel.entity import Declared, Lines
from medloom.kernel.meaning import NULL, escape
from medloom.kernel.ruling import Asked, Written
from medloom.wire.chain import operation_hash
from medloom.wire.sheet import Head
from medloom.wire.verdict import Verdict

ENTRY_COLUMNS = (
    "seq",
    "site",
    "epoch",
    "chain",
    "number",
    "type",
    "object",
    "home",
    "verdict",
    "version",
    "sites",
    "feed",
    "source",
    "cause",
    "build",
    "hash",
    "body",
    "encoding",
    "decision",
)


class HeadMoved(Exception):
    """A row had another version than the one read under its lock: judged again from the start."""


def write(cursor: Any, batch: Batch, *, build: int) -> dict[str, list[Written]]:
    """Write everything the batch decided, in one transaction. Returns what was accepted, by type.

    Raises HeadMoved, and psycopg's UniqueViolation when another transaction made the same new object
    first: the caller starts the batch again and meets the winner's row.
    """
    accepted = [c for c in batch.cases if not c.refused]
    places = _places(batch)
    new = [c for c in accepted if c.new]
    seqs, nums = queries.draw(cursor, len(batch.cases), len(new) + len(places))
    for case, seq in zip(batch.cases, seqs, strict=True):
        case.seq = seq
    _number(batch, new, places, nums)
    last: dict[tuple[str, int], Case] = {}
    for case in accepted:
        assert case.declared is not None and case.operation is not None
        case.num = batch.numbers[case.operation.object] if not case.head else batch.numbers[case.head.object]
        last[case.declared.type, case.num] = case
    _write_places(cursor, batch, places)
    _write_heads(cursor, batch, last)
    _write_lines(cursor, batch, accepted)
    _write_entries(cursor, batch, build)
    return _project(cursor, batch, accepted)


# -- numbers and placeholders -----------------------------------------------------------------


def _places(batch: Batch) -> dict[tuple[str, str, str], Case]:
    """Placeholders to make, each with the first case that asked for it."""
    found: dict[tuple[str, str, str], Case] = {}
    for case in batch.cases:
        if not case.refused:
            for place in case.places:
                if batch.number(place) is None and place not in batch.bound:
                    found.setdefault(place, case)
    return found


def _number(
    batch: Batch, new: Sequence[Case], places: dict[tuple[str, str, str], Case], nums: list[int]
) -> None:
    drawn = iter(nums)
    for case in new:
        assert case.head is not None
        batch.numbers[case.head.object] = next(drawn)
    for place in places:
        batch.resolved[place] = next(drawn)


def _write_places(cursor: Any, batch: Batch, places: dict[tuple[str, str, str], Case]) -> None:
    """A placeholder has version 0 and only its key; the real object takes it over as version 1."""
    by_type: dict[str, list[str]] = {}
    for (target, site, key), case in places.items():
        declared = batch.types[target]
        num = batch.resolved[target, site, key]
        values = [str(num), new_object(case, target, key), escape(site), escape(key), "0", "{}"]
        values += [str(case.seq), "t", "f"]
        lifecycle = declared.facts.lifecycle
        if lifecycle is not None:
            values.append(lifecycle.initial)
        for name, field in declared.fields.items():
            if name == declared.facts.key[0]:
                values.append(escape(key))
            elif field.has_default():
                values.append(field.cell(field.wire(field.get_default())))
            else:
                values.append(NULL)
        by_type.setdefault(target, []).append("\t".join(values) + "\n")
    for target, lines in by_type.items():
        declared = batch.types[target]
        queries.write_rows(cursor, declared.table, declared.columns, lines)


def new_object(case: Case, target: str, key: str) -> str:
    """The object id of a placeholder: derived from its cause, so that a retry repeats it."""
    cause = case.operation.id if case.operation else str(case.received.number)
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{cause}\x00{target}\x00{key}"))


# -- heads and lines --------------------------------------------------------------------------


def _cells(batch: Batch, declared: Declared, head: Head) -> list[str]:
    """The declared fields of a head as COPY text, references as internal numbers."""
    cells = []
    values = head.values
    refs = declared.refs
    for name, field in declared.fields.items():
        value = values.get(name)
        if value is None:
            cells.append(NULL)
        elif name in refs:
            ref = refs[name]
            num = batch.number((ref.type, "" if ref.network else head.site, value))
            cells.append(NULL if num is None else str(num))
        else:
            cells.append(field.cell(value))
    return cells


def _head_cells(batch: Batch, case: Case, num: int) -> list[str]:
    declared, head = case.declared, case.head
    assert declared is not None and head is not None
    key = case.key
    changed = orjson.dumps(head.changed).decode() if head.changed else "{}"
    cells = [str(num), head.object, head.site, escape(key), str(head.version), escape(changed)]
    cells += [str(case.seq), "f", "t" if head.values.get("voided") else "f"]
    if declared.facts.lifecycle is not None:
        cells.append(head.state)
    return cells + _cells(batch, declared, head)


def _write_heads(cursor: Any, batch: Batch, last: dict[tuple[str, int], Case]) -> None:
    fresh: dict[str, list[str]] = {}
    moved: dict[str, list[tuple[int, int, list[Any]]]] = {}
    keys = {id(head): key for (_, _, key), head in batch.bound.items()}
    for (name, num), case in last.items():
        if case.head is not None and not case.key:
            case.key = keys.get(id(case.head), "")
        cells = _head_cells(batch, case, num)
        stood = batch.stood.get((name, num))
        if stood is None:
            fresh.setdefault(name, []).append("\t".join(cells) + "\n")
        else:
            moved.setdefault(name, []).append((num, stood, [queries.plain(cell) for cell in cells]))
    for name in sorted(fresh):
        queries.write_rows(cursor, batch.types[name].table, batch.types[name].columns, fresh[name])
    for name in sorted(moved):
        declared = batch.types[name]
        if queries.update_heads(cursor, declared.table, column_types(declared), moved[name]) != len(
            moved[name]
        ):
            raise HeadMoved(name)


_TYPES: dict[str, tuple[tuple[str, str], ...]] = {}


def column_types(declared: Declared) -> tuple[tuple[str, str], ...]:
    """(column, SQL type) of every column of an object's table."""
    if declared.table not in _TYPES:
        kinds = {f.column: f.db_type(connection) for f in declared.model._meta.concrete_fields}
        _TYPES[declared.table] = tuple((c, str(kinds[c])) for c in declared.columns)
    return _TYPES[declared.table]


def _write_lines(cursor: Any, batch: Batch, accepted: Iterable[Case]) -> None:
    copies: dict[str, tuple[Lines, list[str]]] = {}
    ended: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for case in accepted:
        for name, rows in case.lines.items():
            assert case.declared is not None and case.judgement is not None
            if name not in case.judgement.changes:
                continue
            lines = case.declared.lines[name]
            version = case.judgement.version
            if version > 1:
                ended.setdefault((lines.table, lines.parent), []).append((case.num, version))
            out = copies.setdefault(lines.table, (lines, []))[1]
            for position, row in enumerate(rows, 1):
                out.append(_line(batch, case, lines, row, position, version))
    for (table, parent), pairs in sorted(ended.items()):
        queries.replace_lines(cursor, table, parent, pairs)
    for table, (lines, out) in sorted(copies.items()):
        columns = (lines.parent, "line", "since", *(f.column for f in lines.fields.values()))
        queries.write_rows(cursor, table, columns, out)


def _line(batch: Batch, case: Case, lines: Lines, row: dict[str, Any], position: int, version: int) -> str:
    cells = [str(case.num), str(position), str(version)]
    refs = {ref.name: ref for ref in lines.refs}
    for name, field in lines.fields.items():
        value = row.get(name)
        if value is not None and name in refs:
            num = batch.number((refs[name].type, refs[name].site(case.home), value))
            cells.append(NULL if num is None else str(num))
        else:
            cells.append(field.cell(value))
    return "\t".join(cells) + "\n"


# -- entries ----------------------------------------------------------------------------------


def _write_entries(cursor: Any, batch: Batch, build: int) -> None:
    lines, idents, waiting = [], [], []
    for case in batch.cases:
        lines.append(_entry(batch, case, build))
        if case.ident is not None and case.received.cause is None:
            idents.append(f"{case.ident}\t{case.seq}\n")
        for target, site, key in case.waits:
            waiting.append(f"{target}\t{escape(site)}\t{escape(key)}\t{case.seq}\tf\n")
    queries.write_rows(cursor, "entry", ENTRY_COLUMNS, lines)
    queries.write_rows(cursor, "source_seen", ("ident", "seq"), idents)
    queries.write_rows(cursor, "waiting", ("type", "site", "key", "seq", "done"), waiting)


def _entry(batch: Batch, case: Case, build: int) -> str:
    received, operation, judgement = case.received, case.operation, case.judgement
    body, encoding = body_text(received.raw)
    sites = route(case, batch.author, batch.wiring.sites)
    decision = decide(case)
    version = judgement.version if judgement and not case.refused else 0
    return (
        "\t".join(
            (
                str(case.seq),
                batch.author,
                received.epoch,
                received.chain,
                str(received.number),
                escape(operation.type[:32]) if operation else "",
                _uuid_or_null(_object_of(case)),
                escape(case.home[:16]),
                case.verdict.value,
                str(version),
                "{" + ",".join(sites) + "}",
                feed_of(case),
                escape(operation.source.feed[:64]) if operation and operation.source else NULL,
                NULL if received.cause is None else str(received.cause),
                str(build),
                "\\\\x" + operation_hash(received.raw).hex(),
                escape(body),
                encoding or NULL,
                escape(orjson.dumps(decision, option=orjson.OPT_SORT_KEYS).decode()) if decision else NULL,
            )
        )
        + "\n"
    )


def _object_of(case: Case) -> str:
    """The object as it is bound: a site that lost its store may name a known key by another id."""
    if case.head is not None and not case.refused:
        return case.head.object
    return case.operation.object if case.operation else ""


def _uuid_or_null(text: str) -> str:
    return text if len(text) == 36 and text.count("-") == 4 else NULL


def body_text(raw: bytes) -> tuple[str, str | None]:
    """The bytes as text; base64 where they are no text that PostgreSQL can hold."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode(), "base64"
    if "\x00" in text:
        return base64.b64encode(raw).decode(), "base64"
    return text, None


def decide(case: Case) -> dict[str, Any]:
    """What the entry adds to the operation: refusal, findings, and old and new values of an update."""
    decision: dict[str, Any] = {}
    judgement = case.judgement
    if case.refused and judgement is not None:
        if judgement.refusal is not None:
            r = judgement.refusal
            decision["refusal"] = {"code": r.code, "path": r.path, "expected": r.expected, "got": r.got}
        if judgement.theirs:
            decision["theirs"] = dict(judgement.theirs)
    if case.findings:
        decision["findings"] = [
            {"code": f.code, "path": f.path, "expected": f.expected, "got": f.got} for f in case.findings
        ]
    if judgement is not None and judgement.version > 1 and case.verdict is Verdict.ACCEPTED:
        decision["before"] = {name: case.current.get(name) for name in judgement.changes}
        decision["after"] = dict(judgement.changes)
    return decision


# -- projections ------------------------------------------------------------------------------


def _project(cursor: Any, batch: Batch, accepted: Sequence[Case]) -> dict[str, list[Written]]:
    written: dict[str, list[Written]] = {}
    wiring = batch.wiring
    watched = {*wiring.projections, *wiring.effects, *(name for name, _ in wiring.reactions)}
    for case in accepted:
        assert case.declared is not None
        if case.declared.type in watched:
            written.setdefault(case.declared.type, []).append(_written(batch, case))
    for name, items in written.items():
        project = wiring.projections.get(name)
        if project is not None:
            for table, columns, rows in project(items):
                lines = ["\t".join(_cell(v) for v in row) + "\n" for row in rows]
                queries.write_rows(cursor, table, columns, lines)
        effect = wiring.effects.get(name)
        if effect is not None:
            effect(cursor, items)
    return written


def _cell(value: Any) -> str:
    if value is None:
        return NULL
    return escape(value) if isinstance(value, str) else str(value)


def _written(batch: Batch, case: Case) -> Written:
    declared, operation, judgement = case.declared, case.operation, case.judgement
    assert declared is not None and operation is not None and judgement is not None
    values = case.head.values if case.head is not None else case.fields
    refs = dict(case.refs)
    for name, ref in declared.refs.items():
        key = values.get(name)
        if key is not None and name not in refs:
            num = batch.number((ref.type, ref.site(case.home), key))
            if num:
                refs[name] = num
    asked = Asked(operation, batch.author, case.home, case.fields, refs, case.current, case.num)
    lines = {name: _with_numbers(batch, case, name) for name in case.lines}
    return Written(asked, case.num, case.seq, judgement.version, case.key, refs, lines, tuple(case.findings))


def _with_numbers(batch: Batch, case: Case, name: str) -> list[dict[str, Any]]:
    """The lines of a list with the internal number of each reference beside it: `lot` and `lot_num`."""
    assert case.declared is not None
    refs = case.declared.lines[name].refs
    if not refs:
        return case.lines[name]
    found = []
    for row in case.lines[name]:
        nums = {
            f"{ref.name}_num": batch.number((ref.type, ref.site(case.home), row[ref.name]))
            for ref in refs
            if row.get(ref.name) is not None
        }
        found.append({**row, **nums})
    return found
