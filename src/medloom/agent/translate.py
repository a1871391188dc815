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
from pathlib import PurePath
from typing import Any

from medloom.agent import declaration
from medloom.agent.header import Header, columns_of, find_header
from medloom.agent.making import Maker, RowRefused, Twins
from medloom.agent.normalise import Context
from medloom.agent.sources.rows import Delivery, Row, is_blank, numbered, original_text, told
from medloom.agent.units import UNIT, micro
from medloom.agent.unpivot import Unpivot, unpivoted
from medloom.wire.operation import Kind, Source
from medloom.wire.verdict import Finding, Refusal

RAW_CHARACTERS_MAX = 16_000
KEY_CHARACTERS_MAX = 400
#: Feed of files that no mapping reads, and the type under which what is no row is told.
UNMAPPED, RAW_TYPE = "unmapped", "step_record"


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


def digest_of(parts: Any) -> str:
    """SHA-256 over an unambiguous text of the parts, hex."""
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def drift_outcome(feed: str, outcome: Outcome) -> Outcome:
    """What a file's header told of drift, as one raw operation, so that the repair desk shows it once."""
    told_ = [f"{finding.code} {finding.path}" for finding in outcome.findings]
    refusal = Refusal("feed_drift", outcome.findings[0].path, "the columns of the mapping", ", ".join(told_))
    return raw_outcome(
        feed, outcome.at, f"drift:{outcome.key}", RAW_TYPE, refusal, {"file": outcome.at, "drift": told_}
    )


def unmapped_file(delivery: Delivery, mappings: Iterable[declaration.Mapping]) -> Outcome:
    """A file that no mapping reads, as one raw operation: it is not passed over in silence."""
    patterns = ", ".join(pattern for mapping in mappings for pattern in mapping.match.files)
    refusal = Refusal("file_unmapped", "/file", patterns[:500], delivery.name)
    original = {"file": delivery.name, "sha256": delivery.digest, "bytes": str(delivery.size_bytes)}
    return raw_outcome(UNMAPPED, delivery.name, f"file:{delivery.digest}", RAW_TYPE, refusal, original)


def raw_outcome(
    feed: str, at: str, key: str, type_: str, refusal: Refusal, original: Mapping[str, Any], zone: str = "UTC"
) -> Outcome:
    """An outcome that is one raw operation: the original, why it was not understood, what was expected."""
    source = Source(feed=feed, key=key, hash=digest_of(dict(original)), at=told(at)[:2000])
    text = json.dumps({told(k): _told(v) for k, v in original.items()}, ensure_ascii=False)
    raw = {
        "code": refusal.code,
        "path": told(refusal.path)[:500],
        "expected": told(refusal.expected)[:500],
        "got": told(refusal.got)[:500],
        "original": text[:RAW_CHARACTERS_MAX],
    }
    draft = Draft(type_, Kind.RAW, {}, source, zone=zone, raw=raw)
    return Outcome(at, key, (draft,), refusal)


def _told(value: Any) -> Any:
    return [told(each) for each in value] if isinstance(value, list) else told(value)


class Translator:
    """One mapping at work on one delivery after another. Holds no state of the plant."""

    def __init__(self, mapping: declaration.Mapping, *, serials: bool = False) -> None:
        self.mapping = mapping
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
            if self.mapping.match.unpivot is not None:
                rows = list(self._unpivoted(delivery, sheet, cells, self.mapping.match.unpivot))
                found = found or bool(rows)
                yield from rows
                continue
            header = find_header(self.mapping, cells)
            if isinstance(header, Refusal):
                # A workbook may hold sheets of other feeds; only the first sheet must be understood.
                if self.mapping.match.sheet == "*" and (found or len(delivery.sheets) > 1):
                    continue
                yield self._refused_file(delivery, header)
                return
            found = True
            yield from self._sheet(delivery, sheet, cells, header)
        if not found:
            needed = ", ".join(sorted(columns_of(self.mapping)[1]))
            expected = f"sheet {self.mapping.match.sheet} with columns {needed}"
            refusal = Refusal("sheet_missing", "/file", expected, ", ".join(delivery.sheets))
            yield self._refused_file(delivery, refusal)

    def _sheet(
        self, delivery: Delivery, sheet: str, cells: list[list[Any]], header: Header
    ) -> Iterator[Outcome]:
        if header.drift:
            yield Outcome(f"{delivery.name}#{sheet}!{header.row}", delivery.digest, (), findings=header.drift)
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

    def _unpivoted(
        self, delivery: Delivery, sheet: str, cells: list[list[Any]], rule: Unpivot
    ) -> Iterator[Outcome]:
        twins = Twins()
        for place, values in unpivoted(cells, rule):
            # The file's own name and digest are cells too: an inspection says what it was read from.
            report = f"{delivery.digest[:8]}-{values[rule.position]:02}"
            about = {"file": PurePath(delivery.name).name, "sha256": delivery.digest, "report": report}
            row = Row(f"{delivery.name}#{sheet}!{place}", values | about)
            yield self.row(row, fallback=f"{delivery.digest}#{sheet}!{place}", twins=twins)

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

    def key_of(self, type_: str, cells: Mapping[str, Any]) -> str:
        """The source key of the row that speaks of that type and holds these key cells."""
        record = next((r for r in self.mapping.records if r.type == type_), None)
        if record is None:
            return f"{type_}:" + "/".join(self._key_part(value) for value in cells.values())
        return f"{type_}:{self._key(record, Row('', dict(cells)), '')}"

    def _empty(self, value: Any) -> bool:
        return is_blank(value) or (
            isinstance(value, str) and value.strip().casefold() in self.context.missing
        )

    def _key(self, record: declaration.Record, row: Row, fallback: str) -> str:
        parts = [self._key_part(row.cells.get(name)) for name in record.key]
        key = told("/".join(parts) if any(parts) else fallback)
        # The hub keeps 500 characters; a longer key is told by its beginning and its digest.
        return key if len(key) <= KEY_CHARACTERS_MAX else f"{key[:120]}...{digest_of(key)}"

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
        maker = Maker(self.context, row.cells, was, {}, counts)
        for name, rule in record.fields.items():
            value = maker.make(rule, path=name)
            if value is not None:
                fields[name] = micro(value) if name == UNIT and isinstance(value, str) else value
        if record.mentioned:
            named = {r.column: str(fields.get(n)) for n, r in record.fields.items() if r.column}
            parts = [named.get(name) or self._key_part(row.cells.get(name)) for name in record.key]
            key = "/".join(parts)
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
        source = Source(self.mapping.feed, f"{record.type}:{key}", content, at=told(row.at)[:2000], was=was)
        at = self._event_time(record, row)
        return Draft(record.type, Kind(record.kind), fields, source, at=at, zone=self.mapping.zone)

    def _event_time(self, record: declaration.Record, row: Row) -> str:
        if not record.at:
            return ""
        rule = declaration.Field(column=record.at, kind="datetime")
        maker = Maker(self.context, row.cells, {}, {}, set())
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
        return raw_outcome(self.mapping.feed, at, key, type_, refusal, original, self.mapping.zone)


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
