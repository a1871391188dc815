"""Import templates for a plant without any system: which columns a type's sheet has, under which headers.

Derived from the declarations, in the custom of Chinese import sheets: instructions in one merged cell,
headers below it, `*` for what must be filled in, the unit in full-width brackets. Headers come from gettext,
so the same template is there in every language, and each is read back whatever the reader's language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from medloom.kernel.entity import Declared
from medloom.kernel.fields import Choice, Code, Count, Day, Expiry, Flag, Instant, Number, Quantity, Ref, Text
from medloom.kernel.meaning import Meaning
from medloom.wire.operation import Kind
from medloom.wire.sheet import Owner

LANGUAGES = ("zh-hans", "en")
#: A cell that begins with one of these belongs to the sample row.
SAMPLE_MARKS = ("示例", "EXAMPLE")
#: In the instructions, so that a file names its template whatever it is called.
_MARK = re.compile(r"medloom:([a-z_]+):(zh-hans|en)\b")
#: Rows of one template; what a plant without a system makes in a day is far fewer.
ROWS_MOST = 2_000


@dataclass(frozen=True)
class Template:
    """One sheet that a plant may fill in.

    name       its own name, unique; `type` the object type of each row
    constants  fields that every row of it has, and that are no columns
    leave      fields that are not asked
    lists      list field -> how many numbered groups of columns; 0 for one column for each word of its choice
    at         field that says when it happened, "" for none
    """

    name: str
    type: str
    constants: Mapping[str, Any] = field(default_factory=dict)
    leave: tuple[str, ...] = ()
    lists: Mapping[str, int] = field(default_factory=dict)
    at: str = ""


TEMPLATES: Mapping[str, Template] = {
    each.name: each
    for each in (
        Template("item", "item"),
        Template("equipment", "equipment"),
        Template("work_order", "work_order", leave=("progress",)),
        Template("lot", "lot"),
        Template("step_record", "step_record", lists={"defects": 0, "inputs": 3}, at="day"),
        Template("receipt", "receipt", leave=("purchase_line",), at="received"),
        Template("shipment", "shipment", lists={"lines": 3}, at="shipped"),
        Template("move", "move", at="moved"),
        Template("result", "result", at="measured"),
        Template("hold", "hold"),
    )
}


@dataclass(frozen=True)
class Column:
    """One column of a template. `path`: the field, `defects/crack`, or `inputs/2/lot`."""

    path: str
    header: str
    field: Meaning
    must: bool


def title_of(template: Template, declared: Declared) -> str:
    """The template's name for people, in the language that is active."""
    return str(capfirst(declared.model._meta.verbose_name))


def kind_of(declared: Declared) -> Kind:
    """How a row of it is told: as master data where the type takes that, else as an observation."""
    return Kind.SET if Kind.SET in declared.facts.kinds else Kind.OBSERVE


def columns_of(template: Template, declared: Declared, language: str) -> tuple[Column, ...]:
    """The columns, key first, under their headers in that language."""
    with translation.override(language):
        return tuple(_columns(template, declared))


def _columns(template: Template, declared: Declared) -> Iterator[Column]:
    key = declared.facts.key
    names = (*key, *(name for name in declared.fields if name not in key))
    for name in names:
        known = declared.fields[name]
        asked = name not in template.constants and name not in template.leave
        if asked and declared.sheet.owner_of(name) is not Owner.REGISTRANT:
            must = name in key or name in declared.required
            yield Column(name, header_of(known.verbose_name, known, must=must), known, must)
    for name, count in template.lists.items():
        lines = declared.lines[name]
        label = str(capfirst(lines.model._meta.verbose_name))
        if not count:
            word, number = _word_and_number(lines.fields)
            for code, text in word.choices or ():
                yield Column(f"{name}/{code}", header_of(f"{label} {text}", number), number, must=False)
            continue
        for group in range(1, count + 1):
            for part, known in lines.fields.items():
                title = header_of(f"{label} {group} {known.verbose_name}", known)
                yield Column(f"{name}/{group}/{part}", title, known, must=False)


def _word_and_number(fields: Mapping[str, Any]) -> tuple[Any, Any]:
    word = next(each for each in fields.values() if isinstance(each, Choice))
    return word, next(each for each in fields.values() if isinstance(each, Count))


def header_of(label: object, known: Any, *, must: bool = False) -> str:
    """Label, unit in full-width brackets, `*` for what must be filled in."""
    unit = getattr(known, "unit", "")
    return f"{capfirst(str(label))}{f'（{unit}）' if unit not in ('', '1') else ''}{'*' if must else ''}"


def instructions(template: Template, columns: tuple[Column, ...], language: str) -> str:
    """What stands in the merged cell above the headers; its last line names the template to the reader."""
    with translation.override(language):
        lines = [
            _("Columns with * must be filled in; leave a cell empty where nothing is known."),
            _("Enter numbers only where a header names a unit; the unit is fixed by the header."),
            _("Dates as 2026-11-23. Codes and lot numbers are text: leading zeros stay."),
            _("At most %(count)s rows. The sample row is never imported; delete it or leave it.")
            % {"count": f"{ROWS_MOST:,}"},
            _("Leave this cell and the header row as they are; columns may be moved or left out."),
        ]
    text = "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))
    return f"{text}\nmedloom:{template.name}:{language}"


def named_in(text: str) -> tuple[Template, str] | None:
    """The template and language that a cell's text names."""
    found = _MARK.search(text)
    if found is None or found.group(1) not in TEMPLATES:
        return None
    return TEMPLATES[found.group(1)], found.group(2)


def is_sample(value: Any) -> bool:
    """Whether a cell holds what only the sample row holds."""
    return isinstance(value, str) and value.strip().upper().startswith(SAMPLE_MARKS)


def sample_of(column: Column, language: str) -> Any:
    """What the sample row holds in that column: text that can never be taken for the plant's own."""
    mark = SAMPLE_MARKS[LANGUAGES.index(language)]
    known = column.field
    if isinstance(known, Choice):
        with translation.override(language):
            return str(next(iter(known.choices or ()))[1])
    if isinstance(known, Expiry):
        return "2027-05"
    if isinstance(known, Text | Ref):
        return mark
    if isinstance(known, Code):
        return f"{mark}-001" if column.must and column.path not in ("unit", "kind") else mark
    samples: tuple[tuple[type, Any], ...] = (
        (Count, 100),
        (Quantity, 12.5),
        (Number, 12.5),
        (Flag, "是" if language == "zh-hans" else "yes"),
        (Day, "2026-11-23"),
        (Instant, "2026-11-23 08:30"),
    )
    return next((value for kind, value in samples if isinstance(known, kind)), mark)
