"""The fields of a first mapping when the object type is known: by the names that its declaration gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils import translation

from medloom.agent import guess
from medloom.agent.sources.rows import is_blank, original_text
from medloom.agent.units import same_dimension
from medloom.derive.headings import fields_of, plain
from medloom.derive.templates import LANGUAGES
from medloom.kernel.entity import Declared, Lines
from medloom.kernel.fields import Choice, Count, Day, Expiry, Flag, Instant, Number, Quantity, Ref, Text

_IGNORED = "    # 未找到对应字段，请核对 · no field of this type fits these: check, or map them by hand\n"
_FREE = "      # 还没有列对应的字段，* 为必填 · fields that no column fits yet, * must be filled:\n"
#: What a column of all defects together is called, where no class of them has a column of its own.
_ALL_DEFECTS = re.compile(r"不良|废品|次品|\b(defects?|defective|bad|ng|rejects?|rejected)\b", re.IGNORECASE)
#: What the amount of a lot used is called.
_AMOUNT = re.compile(r"用量|耗用|领用量|\b(consumed|consumption|usage)\b", re.IGNORECASE)
#: From this share of fitting cells on a column may be a field's.
HOLDS_SHARE = 0.5
#: Day numbers of a spreadsheet between these are days of 1954 to 2064.
DAY_FIRST, DAY_LAST = 20_000, 60_000
_KINDS: tuple[tuple[type, str], ...] = (
    (Count, "integer"),
    (Number, "number"),
    (Flag, "boolean"),
    (Day, "date"),
    (Instant, "datetime"),
    (Expiry, "text"),
    (Text, "text"),
)


def labels_of(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """Field -> its names for people, in every language."""
    found: dict[str, list[str]] = {name: [] for name in fields}
    for language in LANGUAGES:
        with translation.override(language):
            for name, field in fields.items():
                found[name].append(str(field.verbose_name))
    return found


def known_fields(
    declared: Declared,
    columns: Mapping[str, list[Any]],
    *,
    number: str = "",
    ignored: Mapping[str, str] | None = None,
) -> str:
    """The rest of the YAML text: fields, lists of counts, what is still free, and what is ignored.

    `number`: the one column that is a table's primary key, so the object's number; "" for none.
    `ignored`: further columns that are not taken over, with the reason.
    """
    labels = labels_of(declared.fields)
    given = {number: "number"} if number in columns and declared.facts.key == ("number",) else {}
    named = given | fields_of(
        [column for column in columns if column not in given],
        {name: words for name, words in labels.items() if name not in given.values()},
        lambda column, name: _holds(declared.fields[name], columns[column]),
    )
    rest = [column for column in columns if column not in named]
    lines = [
        _field(declared, named[column], column, columns[column]) for column in columns if column in named
    ]
    key = declared.facts.key
    if key == ("number",) and "number" not in named.values() and "number" not in declared.defaults:
        lines.insert(0, "      number: {as: key}  # 由业务主键列组成 · made of the key columns\n")
    for name, each in declared.lines.items():
        counted = _counted(each, rest)
        if counted:
            lines.append(_list(name, each, counted))
            rest = [column for column in rest if column not in counted]
    used = _consumed(declared, named, rest)
    if used:
        lot = next(column for column, name in named.items() if name == "resin_lot")
        lines = [line for line in lines if not line.startswith("      resin_lot:")]
        lines.append(_inputs(lot, used))
        rest.remove(used)
    for unit, line in _units(declared, named).items():
        lines.append(line)
        named[f" {unit}"] = unit  # no column: the header of the number names it
    free = "".join(_free(declared, name, labels[name]) for name in labels if name not in named.values())
    why = {**(ignored or {}), **dict.fromkeys(rest, "未映射 not mapped")}
    passed = "".join(
        f"  {guess.quoted(column)}: {reason}{_example(columns.get(column, []))}\n"
        for column, reason in why.items()
    )
    note = _IGNORED if rest else ""
    return (
        "".join(lines)
        + (f"{_FREE}{free}" if free and (rest or guess.FILL in free) else "")
        + (f"ignored:\n{note}{passed}" if why else "")
    )


def _free(declared: Declared, name: str, labels: list[str]) -> str:
    """A line about a field that no column fits; nothing about the number that the key columns make."""
    if name in ("number", "state") and declared.facts.key == ("number",):
        return ""
    needed = name in (*declared.facts.key, *declared.required) and name not in declared.defaults
    told = f"{name}{'*' if needed else ''}: {' · '.join(dict.fromkeys(labels))}"
    domain = f" ({declared.fields[name].domain()})" if needed else ""
    return f"      #   {told}{domain}{guess.FILL if needed else ''}\n"


def _units(declared: Declared, named: Mapping[str, str]) -> dict[str, str]:
    """Fields that hold the unit of a number, and their lines, where the number's header names the unit."""
    found: dict[str, str] = {}
    for column, name in named.items():
        field = declared.fields[name]
        unit = field.unit_in if isinstance(field, Number) else ""
        stated = guess.unit_in(column)
        if not stated or unit not in declared.fields or unit in named.values() or unit in found:
            continue
        words = getattr(declared.fields[unit], "words", None)
        fill = f"{guess.FILL}: {declared.fields[unit].domain()}" if words and stated not in words else ""
        value = f"{{as: constant, value: {guess.quoted(stated)}}}"
        found[unit] = f"      {unit}: {value}  # 列名中的单位 · named in the header{fill}\n"
    return found


def _consumed(declared: Declared, named: Mapping[str, str], rest: list[str]) -> str:
    """The column that says how much of the lot used went in; "" where no list takes an amount of it."""
    inputs = declared.lines.get("inputs")
    if inputs is None or "quantity" not in inputs.fields or "resin_lot" not in named.values():
        return ""
    return next((column for column in rest if _AMOUNT.search(plain(column))), "")


def _inputs(lot: str, amount: str) -> str:
    """The list that names the lot used with its amount."""
    unit = guess.quoted(guess.unit_in(amount) or "kg")
    fill = "" if guess.unit_in(amount) else guess.FILL
    return (
        "      inputs:  # 投入批次及用量 · the lot used, with its amount\n"
        "        as: list\n        members:\n"
        "          - keep_if: [lot]\n            fields:\n"
        f"              lot: {{column: {guess.quoted(lot)}, as: lot}}\n"
        f"              quantity: {{column: {guess.quoted(amount)}, as: number}}\n"
        f"              unit: {{as: constant, value: {unit}}}{'  #' + fill if fill else ''}\n"
    )


def _example(values: list[Any]) -> str:
    sample = next((original_text(cell) for cell in values if not is_blank(cell)), "")
    return f"  # 例 · e.g. {sample[:40]!r}" if sample else ""


def _holds(field: Any, values: list[Any]) -> bool:
    """Whether the cells can be values of the field: no number is a time, and no word a number."""
    held = [value for value in values if not is_blank(value)]
    share, _comma = guess.numbers_among(held)
    if isinstance(field, Count | Number | Quantity):
        return share >= HOLDS_SHARE
    days = sum(isinstance(value, date) for value in held)
    if isinstance(field, Day | Instant | Expiry):
        serials = sum(isinstance(v, int | float) and DAY_FIRST < v < DAY_LAST for v in held)
        return not held or share < HOLDS_SHARE or serials == len(held)
    return not held or days < HOLDS_SHARE * len(held)


def _field(declared: Declared, name: str, column: str, values: list[Any]) -> str:
    field, (kind, note) = declared.fields[name], guess.kind_of_cells(column, values)
    unit = ""
    if isinstance(field, Quantity):
        named = guess.unit_in(column)
        stated = named if named and same_dimension(named, field.unit) else field.unit
        if named and stated != named:
            note = f"{named}?{guess.FILL}: {field.unit}"
        kind, unit = "quantity", f", unit: {{from: {guess.quoted(stated)}, to: {guess.quoted(field.unit)}}}"
    elif isinstance(field, Choice):
        choices, unknown = _choices(field, values)
        kind, unit = "choice", f", choices: {choices}"
        if unknown:
            ours = " ".join(word for word, _text in field.choices)
            asked = ", ".join(unknown)
            note = "; ".join([*([note] if note else []), f"<- 请核对 · say what is meant by {asked}: {ours}"])
    else:
        kind = next((known for cls, known in _KINDS if isinstance(field, cls)), "code")
        target = field.related_model if isinstance(field, Ref) else field.model
        facts = getattr(target, "facts", None)
        if facts is not None and facts.type == "lot" and (isinstance(field, Ref) or name == "number"):
            kind = "lot"
    if kind in ("number", "quantity", "integer") and guess.numbers_among(values)[1]:
        unit += ', comma: ","'
    form, sure = guess.day_form(values) if kind == "date" else ("", True)
    if form:
        unit += f', formats: ["{form}"]'
        note = note if sure else "<- 日/月还是月/日？请核对 · day first or month first? check"
    required = ", required: true" if name in (*declared.facts.key, *declared.required) else ""
    sample = next((original_text(cell) for cell in values if not is_blank(cell)), "")
    comment = f"例 · e.g. {sample[:40]!r}" + (f"; {note}" if note else "")
    return f"      {name}: {{column: {guess.quoted(column)}, as: {kind}{unit}{required}}}  # {comment}\n"


def _choices(field: Any, values: list[Any]) -> tuple[str, list[str]]:
    """The plant's words in the sample, each with ours where it is one of them; and those that are none."""
    words: dict[str, str] = {}
    for language in LANGUAGES:
        with translation.override(language):
            words |= {str(text).casefold(): word for word, text in field.choices}
    seen = dict.fromkeys(original_text(value).strip() for value in values if not is_blank(value))
    first = next(word for word, _text in field.choices)
    pairs = [f"{guess.quoted(each)}: {words.get(each.casefold(), first)}" for each in list(seen)[:12]]
    unknown = [each for each in list(seen)[:12] if each.casefold() not in words]
    return "{" + ", ".join(pairs or [f"{first}: {first}"]) + "}", unknown


def _counted(lines: Lines, columns: list[str]) -> dict[str, str]:
    """Columns that are named as the words of a list's choice (classes of defects), and those words."""
    word = next((field for field in lines.fields.values() if isinstance(field, Choice)), None)
    number = next((field for field in lines.fields.values() if isinstance(field, Count)), None)
    if word is None or number is None or len(lines.fields) != 2:
        return {}
    known: dict[str, str] = {}
    for language in LANGUAGES:
        with translation.override(language):
            known |= {plain(str(text)): code for code, text in word.choices}
    classes = {column: known[plain(column)] for column in columns if plain(column) in known}
    # One count of them all belongs to no class; beside classes it would be their sum, counted twice.
    sums = [column for column in columns if "other" in known.values() and _ALL_DEFECTS.search(plain(column))]
    return classes or dict.fromkeys(sums[:1], "other")


def _list(name: str, lines: Lines, counted: Mapping[str, str]) -> str:
    word = next(n for n, field in lines.fields.items() if isinstance(field, Choice))
    number = next(n for n, field in lines.fields.items() if isinstance(field, Count))
    text = f"      {name}:\n        as: list\n        members:\n"
    for column, code in counted.items():
        constant = f"{word}: {{as: constant, value: {code}}}"
        count = f"{number}: {{column: {guess.quoted(column)}, as: integer}}"
        text += f"          - {{keep_if: [{number}], fields: {{{constant}, {count}}}}}\n"
    return text
