"""From judged operations to rows: heads and lines, entries, projections; COPY for all that is new."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import orjson
from django.db import connection

from medloom.kernel import queries
from medloom.kernel.batch import Batch
from medloom.kernel.case import Case, feed_of, route
from medloom.kernel.entity import Declared, Lines, Slot
from medloom.kernel.queries import NULL, escape
from medloom.kernel.ruling import Asked, Written
from medloom.wire.chain import operation_hash
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
        given = {**declared.defaults, declared.facts.key[0]: key}
        values += _cells(batch, declared.slots.values(), given, site, {}, clean=False)
        by_type.setdefault(target, []).append("\t".join(values) + "\n")
    for target, lines in by_type.items():
        declared = batch.types[target]
        queries.write_rows(cursor, declared.table, declared.columns, lines, len(lines))


def new_object(case: Case, target: str, key: str) -> str:
    """The object id of a placeholder: derived from its cause, so that a retry repeats it."""
    cause = case.operation.id if case.operation else str(case.received.number)
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{cause}\x00{target}\x00{key}"))


# -- heads and lines --------------------------------------------------------------------------


def _cells(
    batch: Batch,
    slots: Iterable[Slot],
    values: Mapping[str, Any],
    home: str,
    refs: Mapping[str, int],
    *,
    clean: bool,
) -> list[str]:
    """The declared fields as COPY text, references as internal numbers; `clean`: nothing needs escaping."""
    cells = []
    for slot in slots:
        value = values.get(slot.name)
        if value is None:
            cells.append(NULL)
        elif slot.ref is not None:
            num = refs.get(slot.name) or batch.number((slot.ref.type, slot.ref.site(home), value))
            cells.append(NULL if num is None else str(num))
        elif slot.cell is not None:
            cells.append(slot.cell(value))
        else:
            cells.append(value if clean else escape(value))
    return cells


def _head_line(batch: Batch, case: Case) -> str:
    declared, head = case.declared, case.head
    assert declared is not None and head is not None
    first = case.new and head.version == 1
    clean = first and case.clean
    changed = orjson.dumps(head.changed).decode() if head.changed else "{}"
    cells = [str(case.num), head.object, head.site, escape(case.key), str(head.version), escape(changed)]
    cells += [str(case.seq), "f", "t" if head.values.get("voided") else "f"]
    if declared.facts.lifecycle is not None:
        cells.append(head.state)
    cells += _cells(
        batch, declared.slots.values(), head.values, head.site, case.refs if first else {}, clean=clean
    )
    return "\t".join(cells) + "\n"


def _write_heads(cursor: Any, batch: Batch, last: dict[tuple[str, int], Case]) -> None:
    fresh: dict[str, list[Case]] = {}
    moved: dict[str, list[Case]] = {}
    for (name, num), case in last.items():
        (moved if (name, num) in batch.stood else fresh).setdefault(name, []).append(case)
    if any(not case.key for case in last.values()):
        keys = {id(head): key for (_, _, key), head in batch.bound.items()}
        for case in last.values():
            case.key = case.key or keys.get(id(case.head), "")
    for name, cases in sorted(fresh.items()):
        declared = batch.types[name]
        lines = (_head_line(batch, case) for case in cases)
        queries.write_rows(cursor, declared.table, declared.columns, lines, len(cases))
    for name, cases in sorted(moved.items()):
        declared = batch.types[name]
        rows = []
        for case in cases:
            cells = _head_line(batch, case)[:-1].split("\t")
            rows.append((case.num, batch.stood[name, case.num], [queries.plain(cell) for cell in cells]))
        if queries.update_heads(cursor, declared.table, column_types(declared), rows) != len(rows):
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
                cells = _cells(batch, lines.slots, row, case.home, {}, clean=case.clean)
                out.append(f"{case.num}\t{position}\t{version}\t" + "\t".join(cells) + "\n")
    for (table, parent), pairs in sorted(ended.items()):
        queries.replace_lines(cursor, table, parent, pairs)
    for table, (lines, out) in sorted(copies.items()):
        columns = (lines.parent, "line", "since", *(f.column for f in lines.fields.values()))
        queries.write_rows(cursor, table, columns, out, len(out))


# -- entries ----------------------------------------------------------------------------------


def _write_entries(cursor: Any, batch: Batch, build: int) -> None:
    idents = [f"{c.ident}\t{c.seq}\n" for c in batch.cases if c.ident and c.received.cause is None]
    waiting = [
        f"{target}\t{escape(site)}\t{escape(key)}\t{case.seq}\tf\n"
        for case in batch.cases
        for target, site, key in case.waits
    ]
    for partition, part in groupby(batch.cases, lambda case: queries.partition_of(case.seq)):
        cases = list(part)
        lines = (_entry(batch, case, build) for case in cases)
        queries.write_rows(cursor, partition, ENTRY_COLUMNS, lines, len(cases))
    queries.write_rows(cursor, "source_seen", ("ident", "seq"), idents, len(idents))
    queries.write_rows(cursor, "waiting", ("type", "site", "key", "seq", "done"), waiting, len(waiting))


def _entry(batch: Batch, case: Case, build: int) -> str:
    received, operation, judgement = case.received, case.operation, case.judgement
    body, encoding = body_text(received.raw)
    sites = route(case, batch.author, batch.wiring.sites)
    decision = decide(case)
    version = judgement.version if judgement and not case.refused else 0
    cells = (
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
        "\\\\x" + (received.hash or operation_hash(received.raw)).hex(),
        body if case.clean else escape(body),
        encoding or NULL,
        escape(orjson.dumps(decision, option=orjson.OPT_SORT_KEYS).decode()) if decision else NULL,
    )
    return "\t".join(cells) + "\n"


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
    renamed = case.operation is not case.received.operation  # another party's name was turned into ours
    told = judgement is not None and (judgement.version > 1 or renamed)
    if told and judgement is not None and case.verdict is Verdict.ACCEPTED:
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
                lines = ("\t".join([_cell(v) for v in row]) + "\n" for row in rows)
                queries.write_rows(cursor, table, columns, lines, len(rows))
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
        if name not in refs and (key := values.get(name)) is not None:
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
