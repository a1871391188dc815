"""From a plant's row to what it asks for: drafts of operations, or the row itself with the reason of refusal.

Pure. One row is one group with one outcome: either all its drafts, or one raw operation that carries
the original cells, so that the repair desk has every row and nothing is dropped.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from medloom.agent import declaration
from medloom.agent.normalise import Context, ValueRefused, clean, shown_original
from medloom.agent.sources.rows import Delivery, Row, is_blank, numbered, original_text
from medloom.wire.operation import Kind, Source
from medloom.wire.verdict import Finding, Refusal

HEADER_SEARCH_ROWS = 20
RAW_CHARACTERS_MAX = 16_000


@dataclass(frozen=True)
class Draft:
    """An operation before it has an id, an object and a base: those are the store's to give."""

    type: str
    kind: Kind
    fields: Mapping[str, Any]
    source: Source
    #: Event time, RFC 3339, or empty when the source does not say.
    at: str = ""
    zone: str = "UTC"
    raw: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What one row became. `refusal` is set when the agent itself could not make sense of it."""

    at: str
    key: str
    drafts: tuple[Draft, ...]
    refusal: Refusal | None = None
    normalised: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Header:
    """Where each known column stands in a sheet, and how the sheet differs from the mapping."""

    row: int
    columns: Mapping[str, int]
    drift: tuple[Finding, ...] = ()


def digest_of(parts: Any) -> str:
    """SHA-256 over an unambiguous text of the parts, hex."""
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _spelling(name: Any) -> str:
    """A header as it is compared: without case, blanks and marks. A unit in brackets stays part of it."""
    return re.sub(r"[\W_]+", "", original_text(name).casefold())


def columns_of(mapping: declaration.Mapping) -> tuple[set[str], set[str]]:
    """Columns the mapping reads, and among them those without which no row can be understood."""
    used: set[str] = set()
    needed: set[str] = set()
    for record in mapping.records:
        used.update(record.key, record.when, record.unless, (record.at,) if record.at else ())
        for rule in _flat(record.fields):
            used.update(rule.columns, (rule.column,) if rule.column else ())
            if rule.required and rule.column:
                needed.add(rule.column)
    return used, needed


def _flat(fields: Mapping[str, declaration.Field]) -> Iterator[declaration.Field]:
    for rule in fields.values():
        yield rule
        for member in rule.members:
            yield from _flat(member.fields)


class Translator:
    """One mapping at work on one delivery after another. Holds no state of the plant."""

    def __init__(self, mapping: declaration.Mapping, *, serials: bool = False) -> None:
        self.mapping = mapping
        self.used, self.needed = columns_of(mapping)
        missing = frozenset(word.casefold() for word in mapping.missing)
        self.context = Context(missing=missing, lots=mapping.lots, zone=mapping.zone, serials=serials)

    # Files

    def file(self, delivery: Delivery) -> Iterator[Outcome]:
        """Every row of a file; a file that cannot be read as a whole is one refused outcome."""
        if delivery.refusal is not None:
            yield self._refused_file(delivery, delivery.refusal)
            return
        found = False
        for sheet, cells in delivery.sheets.items():
            if self.mapping.match.sheet not in ("*", sheet) or not any(any(row) for row in cells):
                continue
            header = self.header(cells)
            if isinstance(header, Refusal):
                # A workbook may hold sheets of other feeds; only the first sheet must be understood.
                if self.mapping.match.sheet == "*" and (found or len(delivery.sheets) > 1):
                    continue
                yield self._refused_file(delivery, header)
                return
            found = True
            yield from self._sheet(delivery, sheet, cells, header)
        if not found:
            expected = f"sheet {self.mapping.match.sheet} with columns {', '.join(sorted(self.needed))}"
            refusal = Refusal("sheet_missing", "/file", expected, ", ".join(delivery.sheets))
            yield self._refused_file(delivery, refusal)

    def header(self, cells: list[list[Any]]) -> Header | Refusal:
        """Find the header: the declared row, or the first of 20 that has every needed column."""
        declared = self.mapping.match.header
        rows = [declared] if declared else range(1, min(HEADER_SEARCH_ROWS, len(cells)) + 1)
        best: tuple[int, dict[str, int]] = (0, {})
        for number in rows:
            columns = self._locate(cells[number - 1]) if number <= len(cells) else {}
            if len(columns) > len(best[1]):
                best = (number, columns)
            if self.needed <= set(columns) and columns:
                return Header(number, columns, self._drift(cells[number - 1], columns))
        absent = sorted(self.needed - set(best[1])) or sorted(self.used)
        got = ", ".join(original_text(cell) for cell in cells[max(best[0], 1) - 1]) if cells else ""
        return Refusal("column_missing", f"/{absent[0]}", ", ".join(absent), got[:500])

    def _locate(self, cells: list[Any]) -> dict[str, int]:
        spelled: dict[str, int] = {}
        for index, cell in enumerate(cells):
            spelled.setdefault(_spelling(cell), index)
        found = {}
        for column in self.used:
            for name in (column, *self.mapping.aliases.get(column, ())):
                if _spelling(name) and _spelling(name) in spelled:
                    found[column] = spelled[_spelling(name)]
                    break
        return found

    def _drift(self, cells: list[Any], columns: Mapping[str, int]) -> tuple[Finding, ...]:
        taken = set(columns.values())
        ignored = {_spelling(name) for name in self.mapping.ignored}
        fresh = [
            Finding(
                "column_new", f"/{original_text(cell)}", "a mapped or ignored column", original_text(cell)
            )
            for index, cell in enumerate(cells)
            if index not in taken and not is_blank(cell) and _spelling(cell) not in ignored
        ]
        gone = [Finding("column_gone", f"/{name}", name, "") for name in sorted(self.used - set(columns))]
        return (*fresh, *gone)

    def _sheet(
        self, delivery: Delivery, sheet: str, cells: list[list[Any]], header: Header
    ) -> Iterator[Outcome]:
        if header.drift:
            yield Outcome(f"{delivery.name}#{sheet}!{header.row}", "", (), findings=header.drift)
        twins = Twins()
        names = [original_text(cell) for cell in cells[header.row - 1]]
        for number, values in numbered(cells, header_row=header.row):
            picked = {name: values[i] if i < len(values) else None for name, i in header.columns.items()}
            whole = {name: value for name, value in zip(names, values, strict=False) if not is_blank(value)}
            yield self.row(
                Row(f"{delivery.name}#{sheet}!{number}", picked),
                fallback=f"{delivery.digest}#{sheet}!{number}",
                twins=twins,
                whole=whole,
            )

    # Rows

    def row(
        self, row: Row, *, fallback: str, twins: Twins | None = None, whole: Mapping[str, Any] | None = None
    ) -> Outcome:
        """One row. `fallback` is its key when its own key columns are all empty; `whole` all its cells."""
        drafts: list[Draft] = []
        counts: set[tuple[str, str]] = set()
        for record in self.mapping.records:
            if any(self._empty(row.cells.get(name)) for name in record.when):
                continue
            if any(not self._empty(row.cells.get(name)) for name in record.unless):
                continue
            try:
                drafts.append(self._draft(record, row, fallback=fallback, twins=twins, counts=counts))
            except RowRefused as refused:
                return self._refused_row(row, refused.refusal, whole or row.cells, fallback=fallback)
        if not drafts:
            refusal = Refusal("row_unknown", "/", "a row that speaks of a declared object")
            return self._refused_row(row, refusal, whole or row.cells, fallback=fallback)
        findings = tuple(self._balances(drafts))
        return Outcome(
            row.at, drafts[-1].source.key, tuple(drafts), None, Counter(rule for _, rule in counts), findings
        )

    def _empty(self, value: Any) -> bool:
        return is_blank(value) or (
            isinstance(value, str) and value.strip().casefold() in self.context.missing
        )

    def _key(self, record: declaration.Record, row: Row, fallback: str) -> str:
        parts = [self._key_part(row.cells.get(name)) for name in record.key]
        return "/".join(parts) if any(parts) else fallback

    def _key_part(self, value: Any) -> str:
        if self._empty(value):
            return ""
        # Blanks and case never make another row of it; everything else does.
        return re.sub(r"\s+", "", original_text(value)).upper().replace("/", "%2F")

    def _draft(
        self,
        record: declaration.Record,
        row: Row,
        *,
        fallback: str,
        twins: Twins | None,
        counts: set[tuple[str, str]],
    ) -> Draft:
        fields: dict[str, Any] = {}
        was: dict[str, tuple[Any, str]] = {}
        maker = _Maker(self.context, row.cells, was, {}, counts)
        for name, rule in record.fields.items():
            value = maker.make(rule, path=name)
            if value is not None:
                fields[name] = value
        if record.mentioned:
            named = {r.column: str(fields.get(n)) for n, r in record.fields.items() if r.column}
            key = "/".join(named.get(column, "") for column in record.key)
            content = digest_of([record.type, key])
        else:
            key = self._key(record, row, fallback)
            constants = {n: r.value for n, r in record.fields.items() if r.kind == "constant"}
            content = digest_of([record.type, maker.seen, constants])
            if twins is not None and record.kind == "observe":
                key = twins.name(key, content)
        for name, rule in record.fields.items():
            if rule.kind == "key":
                fields[name] = key.rstrip("/")
        source = Source(self.mapping.feed, f"{record.type}:{key}", content, at=row.at, was=was)
        at = self._event_time(record, row)
        return Draft(record.type, Kind(record.kind), fields, source, at=at, zone=self.mapping.zone)

    def _event_time(self, record: declaration.Record, row: Row) -> str:
        if not record.at:
            return ""
        rule = declaration.Field(column=record.at, kind="datetime")
        maker = _Maker(self.context, row.cells, {}, {}, set())
        return str(maker.make(rule, path="at") or "")

    def _balances(self, drafts: Iterable[Draft]) -> Iterator[Finding]:
        for balance in self.mapping.balances:
            for draft in drafts:
                if balance.equals not in draft.fields:
                    continue
                total = _number(draft.fields[balance.equals])
                parts = [_sum(draft.fields, name) for name in (*balance.sum, *balance.product)]
                made = sum(parts, Decimal(0))
                if balance.product:
                    made = Decimal(1)
                    for part in parts:
                        made *= part
                if made != total:
                    yield Finding(balance.name, f"/fields/{balance.equals}", str(made), str(total))

    # Refusals

    def _refused_row(self, row: Row, refusal: Refusal, whole: Mapping[str, Any], *, fallback: str) -> Outcome:
        record = self.mapping.records[-1]
        original = {name: original_text(value) for name, value in whole.items() if not is_blank(value)}
        key = f"raw:{self._key(record, row, fallback)}"
        return self._raw(row.at, key, record.type, refusal, original)

    def _refused_file(self, delivery: Delivery, refusal: Refusal) -> Outcome:
        type_ = self.mapping.records[-1].type
        original = {"file": delivery.name, "sha256": delivery.digest, "bytes": str(delivery.size_bytes)}
        return self._raw(delivery.name, f"file:{delivery.digest}", type_, refusal, original)

    def _raw(self, at: str, key: str, type_: str, refusal: Refusal, original: Mapping[str, str]) -> Outcome:
        source = Source(feed=self.mapping.feed, key=key, hash=digest_of(dict(original)), at=at)
        text = json.dumps(dict(original), ensure_ascii=False)[:RAW_CHARACTERS_MAX]
        raw = {
            "code": refusal.code,
            "path": refusal.path,
            "expected": refusal.expected[:500],
            "got": refusal.got[:500],
            "original": text,
        }
        draft = Draft(type_, Kind.RAW, {}, source, zone=self.mapping.zone, raw=raw)
        return Outcome(at, key, (draft,), refusal)


class RowRefused(ValueError):
    """A row that the agent itself cannot make sense of."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class Twins:
    """Rows of one file that share a key: equal ones are one row told twice, different ones are two.

    A second row under the key of the first would be taken for its correction and replace it; so it gets
    a key of its own, `...~2`, in the order of the file.
    """

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}

    def name(self, key: str, content: str) -> str:
        """The key to use for that content."""
        known = self._known.setdefault(key, {})
        if content not in known:
            known[content] = key if not known else f"{key}~{len(known) + 1}"
        return known[content]


@dataclass
class _Maker:
    """Makes the fields of one record from one row, and notes originals and rules on the way."""

    context: Context
    cells: Mapping[str, Any]
    was: dict[str, tuple[Any, str]]
    seen: dict[str, str]
    counts: set[tuple[str, str]]

    def make(self, rule: declaration.Field, *, path: str) -> Any:
        if rule.kind == "constant":
            return rule.value
        if rule.kind == "key":
            return None
        if rule.kind == "list":
            return self._list(rule, path=path)
        if rule.kind == "join":
            part = declaration.Field(column="-", kind="text")
            values = [self._cell(name, part, path=f"{path}/{n}") for n, name in enumerate(rule.columns)]
            return rule.by.join(value for value in values if value is not None) or None
        value = self._cell(rule.column, rule, path=path)
        if value is None and rule.default is not None:
            return rule.default
        if value is None and rule.required:
            cell = original_text(self.cells.get(rule.column))
            raise RowRefused(Refusal("value_missing", f"/{rule.column}", f"a value for {path}", cell))
        return value

    def _list(self, rule: declaration.Field, *, path: str) -> list[dict[str, Any]] | None:
        found = []
        for number, member in enumerate(rule.members):
            made = {name: self.make(r, path=f"{path}/{number}/{name}") for name, r in member.fields.items()}
            if all(made.get(name) not in (None, 0) for name in member.keep_if):
                found.append({name: value for name, value in made.items() if value is not None})
        return found

    def _cell(self, column: str, rule: declaration.Field, *, path: str) -> Any:
        cell = self.cells.get(column)
        self.seen[column] = original_text(cell)
        try:
            value, rules = clean(cell, rule, self.context)
        except ValueRefused as refused:
            raise RowRefused(
                Refusal(refused.code, f"/{column}", refused.expected, refused.got or original_text(cell))
            ) from refused
        if rules:
            self.was[path] = (shown_original(cell, rules), "+".join(rules))
            self.counts.update((column, name) for name in rules)
        return value


def _number(value: Any) -> Decimal:
    try:
        return Decimal(str(value).split(" ", 1)[0])
    except InvalidOperation:
        return Decimal(0)


def _sum(fields: Mapping[str, Any], name: str) -> Decimal:
    """A field's number, or the sum over a list (`defects.count`)."""
    outer, _, inner = name.partition(".")
    value = fields.get(outer)
    if isinstance(value, list):
        return sum((_number(member.get(inner, 0)) for member in value), Decimal(0))
    return _number(value) if value is not None else Decimal(0)
