"""Lists inside an object as rows of a form: a BOM's lines, a step's defects. Rows are added and removed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medloom.interfaces.web.columns import domain_words, kind_of, label_of, unit_word
from medloom.interfaces.web.inputs import Input, ref_of, shown_value, wire_value
from medloom.interfaces.web.records import label_of_lines
from medloom.kernel.entity import Declared, Lines
from medloom.kernel.meaning import Refused
from medloom.wire.verdict import Refusal


@dataclass
class InputList:
    """One list of a form. `blank` is an empty row for the page to copy, its number standing as `__n__`."""

    name: str
    label: object
    blank: list[Input]
    rows: list[list[Input]] = field(default_factory=list)
    #: The lines that stood when the form was made, as the wire has them.
    stood: list[dict[str, Any]] = field(default_factory=list)
    error: Refusal | None = None

    def fill(self, lines: Lines, told: Any) -> None:
        """Rows with the values that an operation carried, as far as they can be shown."""
        if isinstance(told, list) and told:
            self.rows = [
                _row(lines, n, {k: _plain(lines, k, v) for k, v in line.items() if k in lines.fields})
                for n, line in enumerate(told[: lines.most])
                if isinstance(line, dict)
            ]


def _plain(lines: Lines, name: str, value: Any) -> str:
    unit = getattr(lines.fields[name], "unit", "")
    return str(value).removesuffix(f" {unit}") if unit else str(value)


def _row(lines: Lines, number: object, values: Mapping[str, str]) -> list[Input]:
    found = []
    for name, known in lines.fields.items():
        kind = kind_of(known)
        default = shown_value(known, known.get_default(), zone="UTC") if known.has_default() else ""
        found.append(
            Input(
                f"{lines.name}-{number}-{name}",
                label_of(known),
                kind,
                values.get(name, default),
                unit=unit_word(getattr(known, "unit", "")),
                must=not known.null and not known.has_default(),
                words=[(w, label) for w, label in known.choices or ()] if kind == "state" else [],
                hint=domain_words(known),
                ref=ref_of(known),
            )
        )
    return found


def standing(lines: Lines, num: int) -> list[Any]:
    """The lines of the object of that internal number, as they stand."""
    refs = [n for n, f in lines.fields.items() if f.is_relation]
    rows = lines.model._default_manager.filter(**{lines.parent: num}).order_by("line")
    if any(f.name == "until" for f in lines.model._meta.concrete_fields):
        rows = rows.filter(until=None)
    return list((rows.select_related(*refs) if refs else rows)[: lines.most])


def lists_of(declared: Declared, names: Iterable[str], *, num: int | None) -> list[InputList]:
    """These lists as they stand; with no object, each with one empty row."""
    found = []
    for name in names:
        lines = declared.lines[name]
        one = InputList(name, label_of_lines(declared, name), _row(lines, "__n__", {}))
        shown = [
            {n: shown_value(f, getattr(line, n), zone="UTC") for n, f in lines.fields.items()}
            for line in (standing(lines, num) if num is not None else [])
        ]
        one.rows = [_row(lines, n, values) for n, values in enumerate(shown)]
        one.stood, _fine = _wire(lines, one.rows)
        if not one.rows:
            one.rows = [_row(lines, 0, {})]
        found.append(one)
    return found


def _wire(lines: Lines, rows: Sequence[list[Input]]) -> tuple[list[dict[str, Any]], bool]:
    """The rows as the wire has them, and whether all were right; errors stay at their inputs."""
    found, fine = [], True
    for row in rows:
        line: dict[str, Any] = {}
        for one, (name, known) in zip(row, lines.fields.items(), strict=True):
            if not one.value.strip() and not one.must:
                continue
            try:
                line[name] = wire_value(known, one.value, zone="UTC")
            except Refused as refused:
                fine = False
                path = f"/fields/{lines.name}/{len(found)}/{name}"
                one.error = Refusal(
                    code=refused.code, path=path, expected=domain_words(known), got=one.value[:80]
                )
        found.append(line)
    return found, fine


def read_lists(
    declared: Declared, lists: Sequence[InputList], data: Mapping[str, Any]
) -> tuple[dict[str, Any], bool]:
    """The lists that differ from what stood, whole, and whether every row was right.

    A row whose required inputs are all empty is none.
    """
    changed: dict[str, Any] = {}
    fine = True
    for one in lists:
        lines = declared.lines[one.name]
        wanted = re.compile(rf"{re.escape(one.name)}-(\d{{1,4}})-(\w+)")
        values: dict[int, dict[str, str]] = {}
        for name in data:
            hit = wanted.fullmatch(name)
            if hit and hit[2] in lines.fields:
                values.setdefault(int(hit[1]), {})[hit[2]] = str(data[name])
        rows = [_row(lines, n, values[n]) for n in sorted(values)[: lines.most]]
        one.rows = [row for row in rows if any(i.value.strip() for i in row if i.must)]
        told, right = _wire(lines, one.rows)
        fine = fine and right
        if right and told != one.stood:
            changed[one.name] = told
        if not one.rows:
            one.rows = [_row(lines, 0, {})]
    return changed, fine


def point_out(inputs: Sequence[Input], lists: Sequence[InputList], refusal: Refusal) -> bool:
    """Set a refusal of the write door at the input it names; whether there was one."""
    parts = refusal.path.removeprefix("/fields/").split("/")
    for one in inputs:
        if one.name == parts[0]:
            one.error = refusal
            return True
    for each in lists:
        if each.name != parts[0]:
            continue
        named = parts[2] if len(parts) == 3 else ""
        rows = each.rows[int(parts[1]) : int(parts[1]) + 1] if named and parts[1].isdigit() else each.rows
        told = [one for row in rows for one in row]
        hits = [
            one for one in told if (one.name.endswith(f"-{named}") if named else one.value == refusal.got)
        ]
        for hit in hits:
            hit.error = refusal
        if not hits:
            each.error = refusal
        return True
    return False


def mark_unknown(
    declared: Declared,
    inputs: Sequence[Input],
    lists: Sequence[InputList],
    fields: Mapping[str, Any],
    *,
    site: str,
) -> bool:
    """Mark what names an object that is not there, before it is sent: a request would wait for it unseen."""
    unknown = False
    for one in inputs:
        ref = declared.refs.get(one.name)
        if ref is not None and fields.get(one.name) is not None:
            unknown |= _mark(one, ref, fields[one.name], site)
    for each in lists:
        refs = {ref.name: ref for ref in declared.lines[each.name].refs}
        for row in each.rows if each.name in fields else ():
            for one in row:
                ref = refs.get(one.name.rsplit("-", 1)[-1])
                if ref is not None and one.value.strip():
                    unknown |= _mark(one, ref, one.value.strip(), site)
    return unknown


def _mark(one: Input, ref: Any, key: str, site: str) -> bool:
    from medloom.kernel.entity import catalogue

    model = catalogue()[ref.type].model
    if model._default_manager.filter(key=key, site=ref.site(site), voided=False).exists():
        return False
    one.error = Refusal(code=f"unknown_{ref.type}", path=f"/fields/{one.name}", got=key)
    return True
