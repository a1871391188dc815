"""A filled-in import template is recognised by itself: its mapping is derived, nobody writes one.

By the mark in its instructions; where those were deleted, by its headers. The columns may stand in any
order and be left out; a column that the template does not have is told as drift, as in any other file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from django.utils import translation

from medloom.agent import declaration
from medloom.agent.sources.rows import Delivery, is_blank, original_text
from medloom.agent.translate import Outcome, Translator, raw_outcome
from medloom.derive.templates import (
    LANGUAGES,
    ROWS_MOST,
    TEMPLATES,
    Column,
    Template,
    columns_of,
    is_sample,
    kind_of,
    named_in,
)
from medloom.kernel.entity import Declared
from medloom.kernel.fields import Choice, Count, Day, Expiry, Flag, Instant, Number, Quantity, Ref, Text
from medloom.wire.verdict import Refusal

#: The header stands in one of the first rows.
HEAD_ROWS = 6
FEED = "template_"


@dataclass(frozen=True)
class Filled:
    """A filled-in template: what it is, where its header stands, and how its rows are read.

    columns  letters' index -> column, for every column that the template knows
    """

    template: Template
    language: str
    sheet: str
    header: int
    columns: Mapping[int, Column]
    mapping: declaration.Mapping
    delivery: Delivery
    samples: tuple[int, ...] = ()
    leftovers: Mapping[int, str] = field(default_factory=dict)

    def outcomes(self) -> Iterator[Outcome]:
        """What each row becomes; a row that still holds words of the sample is refused as such."""
        serials = not self.delivery.name.lower().endswith(".csv")
        for outcome in Translator(self.mapping, serials=serials).file(self.delivery):
            number = int(outcome.at.rpartition("!")[2]) if "!" in outcome.at else 0
            if number not in self.leftovers or not outcome.drafts:
                yield outcome
                continue
            header = self.leftovers[number]
            refusal = Refusal("sample_left", f"/{header}", "a value of your own, or an empty cell", "")
            draft = outcome.drafts[-1]
            original = {str(k): original_text(v) for k, v in draft.fields.items()}
            yield raw_outcome(
                self.mapping.feed, outcome.at, f"raw:{outcome.at}", draft.type, refusal, original, draft.zone
            )


def recognise(delivery: Delivery, types: Mapping[str, Declared], *, zone: str = "UTC") -> Filled | None:
    """The template that a file is, or None. `zone`: the plant's, for moments and days."""
    for sheet, cells in delivery.sheets.items():
        named = _named(cells)
        kinds = [named] if named else [(t, lang) for t in TEMPLATES.values() for lang in LANGUAGES]
        found = [
            (header, *place)
            for header in range(1, min(HEAD_ROWS, len(cells)) + 1)
            for place in _fits(cells[header - 1], kinds, types, strict=named is None)
        ]
        if found:
            header, template, language, columns = max(found, key=lambda each: len(each[3]))
            return _filled(delivery, sheet, cells, header, template, language, columns, types, zone)
    return None


def _named(cells: list[list[Any]]) -> tuple[Template, str] | None:
    texts = (cell for row in cells[:HEAD_ROWS] for cell in row[:2] if isinstance(cell, str))
    return next((found for text in texts if (found := named_in(text)) is not None), None)


def _fits(
    row: list[Any], kinds: list[tuple[Template, str]], types: Mapping[str, Declared], *, strict: bool
) -> Iterator[tuple[Template, str, dict[int, Column]]]:
    """Templates of which this row is the header: strict, when nothing else names the template."""
    texts = {at: original_text(cell).strip() for at, cell in enumerate(row) if not is_blank(cell)}
    for template, language in kinds:
        if template.type not in types:
            continue
        known = {column.header: column for column in columns_of(template, types[template.type], language)}
        columns = {at: known[text] for at, text in texts.items() if text in known}
        whole = all(each in columns.values() for each in known.values() if each.must)
        if columns and whole and (not strict or len(columns) == len(texts) > 1):
            yield template, language, columns


def _filled(
    delivery: Delivery,
    sheet: str,
    cells: list[list[Any]],
    header: int,
    template: Template,
    language: str,
    columns: dict[int, Column],
    types: Mapping[str, Declared],
    zone: str,
) -> Filled:
    declared = types[template.type]
    key = next(at for at, column in columns.items() if column.path == declared.facts.key[0])
    samples, leftovers, kept = [], {}, list(cells)
    for number in range(header + 1, len(cells) + 1):
        row = cells[number - 1]
        marked = [at for at, cell in enumerate(row) if is_sample(cell)]
        if key in marked:
            samples.append(number)
            kept[number - 1] = []
        elif marked:
            named = columns.get(marked[0])
            leftovers[number] = named.header if named else original_text(cells[header - 1][marked[0]])
    mapping = mapping_of(template, declared, tuple(columns.values()), header=header, sheet=sheet, zone=zone)
    return Filled(
        template,
        language,
        sheet,
        header,
        columns,
        mapping,
        replace(delivery, sheets={sheet: kept}),
        tuple(samples),
        leftovers,
    )


def too_many(filled: Filled) -> int:
    """How many rows it has when they are more than one file may hold; 0 when it may be read."""
    rows = filled.delivery.sheets[filled.sheet][filled.header :]
    count = sum(any(not is_blank(cell) for cell in row) for row in rows)
    return count if count > ROWS_MOST else 0


def mapping_of(
    template: Template, declared: Declared, columns: tuple[Column, ...], *, header: int, sheet: str, zone: str
) -> declaration.Mapping:
    """The mapping that reads these columns of the template."""
    headers = {column.path: column.header for column in columns}
    fields = {c.path: _rule(c) for c in columns if "/" not in c.path}
    fields |= {n: declaration.Field(kind="constant", value=v) for n, v in template.constants.items()}
    for name in template.lists:
        members = _members(name, declared, columns)
        if members:
            fields[name] = declaration.Field(kind="list", members=members)
    record = declaration.Record(
        type=template.type,
        key=tuple(headers[name] for name in declared.facts.key),
        fields=fields,
        kind=str(kind_of(declared)),  # type: ignore[arg-type]
        at=headers.get(template.at, ""),
    )
    return declaration.Mapping(
        feed=FEED + template.name,
        match=declaration.Match(files=("*",), sheet=sheet, header=header),
        records=(record,),
        zone=zone,
    )


def _members(name: str, declared: Declared, columns: tuple[Column, ...]) -> tuple[declaration.Part, ...]:
    lines, found = declared.lines[name], []
    groups: dict[str, list[Column]] = {}
    for column in columns:
        parts = column.path.split("/")
        if parts[0] == name:
            groups.setdefault(parts[1], []).append(column)
    for code, group in groups.items():
        if len(group[0].path.split("/")) == 2:
            word = next(n for n, f in lines.fields.items() if isinstance(f, Choice))
            number = next(n for n, f in lines.fields.items() if isinstance(f, Count))
            fields = {word: declaration.Field(kind="constant", value=code), number: _rule(group[0])}
            found.append(declaration.Part(fields=fields, keep_if=(number,)))
        else:
            named = {column.path.rpartition("/")[2]: _rule(column) for column in group}
            found.append(declaration.Part(fields=named, keep_if=(next(iter(named)),)))
    return tuple(found)


#: Kinds of cells by kinds of fields; anything else is a code.
_KINDS: tuple[tuple[type, declaration.FieldKind], ...] = (
    (Count, "integer"),
    (Number, "number"),
    (Flag, "boolean"),
    (Day, "date"),
    (Expiry, "text"),
    (Instant, "datetime"),
    (Text, "text"),
)


def _rule(column: Column) -> declaration.Field:
    """How a cell of that column is read."""
    known: Any = column.field
    made = declaration.Field(column=column.header, required=column.must)
    if isinstance(known, Choice):
        return msgspec.structs.replace(made, kind="choice", choices=_choices(known))
    if isinstance(known, Quantity):
        unit = declaration.Unit(source=known.unit, target=known.unit)
        return msgspec.structs.replace(made, kind="quantity", unit=unit)
    kind = next((name for cls, name in _KINDS if isinstance(known, cls)), "code")
    facts = getattr(known.related_model if isinstance(known, Ref) else known.model, "facts", None)
    if facts is not None and facts.type == "lot" and (isinstance(known, Ref) or column.path == "number"):
        kind = "lot"
    return msgspec.structs.replace(made, kind=kind)


def _choices(known: Any) -> dict[str, str]:
    """Every word of the choice in every language, and the code itself."""
    found = {str(word): str(word) for word, _text in known.choices}
    for language in LANGUAGES:
        with translation.override(language):
            found |= {str(text): str(word) for word, text in known.choices}
    return found
