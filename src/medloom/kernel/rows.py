"""From judged operations to rows: heads and lines, entries, projections; COPY for all that is new."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from medloom.kernel import queries
from medloom.kernel.batch import Batch
from medloom.kernel.case import Case, feed_of, route
from medloom.kernel.entity import Lines, Slot
from medloom.kernel.queries import Row
from medloom.kernel.ruling import Asked, Written
from medloom.wire.chain import operation_hash
from medloom.wire.operation import Kind
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
    moved = _write_heads(cursor, batch, last)
    many = len(batch.cases) >= queries.MANY
    if many:
        cursor.send()  # PostgreSQL takes the heads in while lines and entries are made
    _write_lines(cursor, batch, accepted)
    _write_entries(cursor, batch, build, many=many)
    for name, answer, count in moved:
        if answer.rowcount != count:
            raise HeadMoved(name)
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
    by_type: dict[str, list[Row]] = {}
    for (target, site, key), case in places.items():
        declared = batch.types[target]
        row: list[str | None] = [str(batch.resolved[target, site, key]), new_object(case, target, key)]
        row += [site, key, "0", "{}", str(case.seq), "t", "f"]
        lifecycle = declared.facts.lifecycle
        if lifecycle is not None:
            row.append(lifecycle.begins(Kind.OBSERVE))
        given = {**declared.defaults, declared.facts.key[0]: key}
        by_type.setdefault(target, []).append(row + _cells(batch, declared.slots.values(), given, site, {}))
    for target, rows in by_type.items():
        queries.write_rows(cursor, batch.types[target].table, batch.types[target].columns, rows)


def new_object(case: Case, target: str, key: str) -> str:
    """The object id of a placeholder: derived from its cause, so that a retry repeats it."""
    cause = case.operation.id if case.operation else str(case.received.number)
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{cause}\x00{target}\x00{key}"))


# -- heads and lines --------------------------------------------------------------------------


def _cells(
    batch: Batch, slots: Iterable[Slot], values: Mapping[str, Any], home: str, refs: Mapping[str, int]
) -> list[str | None]:
    """The declared fields as PostgreSQL reads them, references as internal numbers."""
    cells: list[str | None] = []
    for slot in slots:
        value = values.get(slot.name)
        if value is None:
            cells.append(None)
        elif slot.ref is not None:
            num = refs.get(slot.name) or batch.number((slot.ref.type, slot.ref.site(home), value))
            cells.append(None if num is None else str(num))
        else:
            cells.append(value if slot.cell is None else slot.cell(value))
    return cells


def _head_row(batch: Batch, case: Case) -> Row:
    declared, head = case.declared, case.head
    assert declared is not None and head is not None
    changed = orjson.dumps(head.changed).decode() if head.changed else "{}"
    row: list[str | None] = [str(case.num), head.object, head.site, case.key, str(head.version), changed]
    row += [str(case.seq), "f", "t" if head.values.get("voided") else "f"]
    if declared.facts.lifecycle is not None:
        row.append(head.state)
    refs = case.refs if case.new and head.version == 1 else {}
    return row + _cells(batch, declared.slots.values(), head.values, head.site, refs)


def _write_heads(cursor: Any, batch: Batch, last: dict[tuple[str, int], Case]) -> list[tuple[str, Any, int]]:
    """New rows and new versions; of the latter the type, the answer and how many rows it must change."""
    fresh: dict[str, list[Case]] = {}
    moved: dict[str, list[Case]] = {}
    for (name, num), case in last.items():
        (moved if (name, num) in batch.stood else fresh).setdefault(name, []).append(case)
    if any(not case.key for case in last.values()):
        keys = {id(head): key for (_, _, key), head in batch.bound.items()}
        for case in last.values():
            case.key = case.key or keys.get(id(case.head), "")
    for name, cases in sorted(fresh.items()):
        table, columns = batch.types[name].table, batch.types[name].columns
        queries.write_rows(cursor, table, columns, [_head_row(batch, case) for case in cases])
    guarded = []
    for name, cases in sorted(moved.items()):
        table, columns = batch.types[name].table, batch.types[name].columns
        rows = [_head_row(batch, case) for case in cases]
        stood = [batch.stood[name, case.num] for case in cases]
        guarded.append((name, queries.update_heads(cursor, table, columns, rows, stood), len(rows)))
    return guarded


def _write_lines(cursor: Any, batch: Batch, accepted: Iterable[Case]) -> None:
    copies: dict[str, tuple[Lines, list[Row]]] = {}
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
                cells = _cells(batch, lines.slots, row, case.home, {})
                out.append([str(case.num), str(position), str(version), *cells])
    for (table, parent), pairs in sorted(ended.items()):
        queries.replace_lines(cursor, table, parent, pairs)
    for table, (lines, out) in sorted(copies.items()):
        columns = (lines.parent, "line", "since", *(f.column for f in lines.fields.values()))
        queries.write_rows(cursor, table, columns, out)


# -- entries ----------------------------------------------------------------------------------


def _write_entries(cursor: Any, batch: Batch, build: int, *, many: bool) -> None:
    idents = [(c.ident, str(c.seq)) for c in batch.cases if c.ident]
    causes = _causes(cursor, batch)
    waiting = [(*what, str(case.seq), "f") for case in batch.cases for what in case.waits]
    queries.write_rows(cursor, "source_seen", ("ident", "seq"), idents)
    queries.write_rows(cursor, "waiting", ("type", "site", "key", "seq", "done"), waiting)
    if many:
        cursor.send()  # what is queued is worked at while the entries are made
    entries = (_entry(batch, case, build, causes) for case in batch.cases)
    queries.write_entries(cursor, ENTRY_COLUMNS, entries, many=many)


def _causes(cursor: Any, batch: Batch) -> dict[int, int]:
    """Entry -> the refused entry of the same author that its operation says to repair.

    What is judged again, or follows from an entry, has its cause already.
    """
    wanted = {
        case.seq: case.operation.repairs
        for case in batch.cases
        if case.operation is not None and case.operation.repairs and case.received.cause is None
    }
    if not wanted:
        return {}  # the common case
    beside = {c.operation.id: c.seq for c in batch.cases if c.operation is not None and c.refused}
    keys = {each: key for each in wanted.values() if (key := queries.split_id(each)) is not None}
    found = queries.latest_entries(cursor, list(keys.values()))
    causes = {}
    for seq, each in wanted.items():
        row = found.get(keys[each]) if each in keys else None
        if each in beside:
            causes[seq] = beside[each]
        elif row is not None and row["site"] == batch.author and row["verdict"] != Verdict.ACCEPTED:
            causes[seq] = row["seq"]
    return causes


def _entry(batch: Batch, case: Case, build: int, causes: Mapping[int, int]) -> tuple[int, Row, bool]:
    received, operation, judgement = case.received, case.operation, case.judgement
    cause = received.cause if received.cause is not None else causes.get(case.seq)
    body, encoding = body_text(received.raw)
    decision = decide(case)
    version = judgement.version if judgement and not case.refused else 0
    row = (
        str(case.seq),
        batch.author,
        received.epoch,
        received.chain,
        str(received.number),
        operation.type[:32] if operation else "",
        _object_of(case),
        case.home[:16],
        case.verdict.value,
        str(version),
        "{" + ",".join(route(case, batch.author, batch.wiring.sites)) + "}",
        feed_of(case),
        operation.source.feed[:64] if operation and operation.source else None,
        None if cause is None else str(cause),
        str(build),
        "\\x" + (received.hash or operation_hash(received.raw)).hex(),
        body,
        encoding,
        orjson.dumps(decision, option=orjson.OPT_SORT_KEYS).decode() if decision else None,
    )
    return case.seq, row, case.clean and not decision


def _object_of(case: Case) -> str | None:
    """The object as it is bound: a site that lost its store may name a known key by another id."""
    if case.head is not None and not case.refused:
        return case.head.object
    text = case.operation.object if case.operation else ""
    return text if len(text) == 36 and text.count("-") == 4 else None


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
                cells = [[None if value is None else str(value) for value in row] for row in rows]
                queries.write_rows(cursor, table, columns, cells)
        effect = wiring.effects.get(name)
        if effect is not None:
            effect(cursor, items)
    return written


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
