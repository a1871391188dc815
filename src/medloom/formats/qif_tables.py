"""A QIF file as tables: one row for each part and for each measured value, in millimetres and degrees."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from medloom.formats.cells import Converted, Unreadable
from medloom.formats.qif import Measured, Planned, Qif, Report, decimal_of

#: Angles beside the kinds with that word in their name; every other measured kind is a length.
_ANGLES = frozenset({"angular_coordinate", "user_defined_angular"})
#: Of what a user defines only this is a length: masses, temperatures and the like are none.
_OWN, _OWN_LENGTH = "user_defined_", "user_defined_linear"
#: What one of a file's unit is in the unit told here; a radian is told with 12 digits.
_TO = {
    "mm": ("mm", Decimal(1)),
    "[in_i]": ("mm", Decimal("25.4")),
    "um": ("mm", Decimal("0.001")),
    "cm": ("mm", Decimal(10)),
    "m": ("mm", Decimal(1000)),
    "deg": ("deg", Decimal(1)),
    "rad": ("deg", Decimal("57.2957795130823")),
}
INSPECTION_COLUMNS = (
    "report",
    "position",
    "serial",
    "stated",
    "performed",
    "program",
    "software",
    "drawing",
    "part",
    "order",
    "file",
    "sha256",
)
RESULT_COLUMNS = (
    "report",
    "position",
    "serial",
    "characteristic",
    "code",
    "kind",
    "value",
    "unit",
    "nominal",
    "low",
    "high",
    "stated",
    "gauge",
    "performed",
    "note",
    "file",
    "series",
)
PLAN_COLUMNS = ("characteristic", "code", "kind", "unit", "nominal", "low", "high", "gauge", "note")


def code_of(name: str) -> str:
    """The characteristic's name as a part of other names: without blanks, slashes and marks."""
    return re.sub(r"[^\w.#+-]+", ".", name).strip(".")


def is_angle(kind: str) -> bool:
    """Whether a characteristic of that kind is measured as an angle."""
    return kind in _ANGLES or "angle" in kind.split("_")


def told(qif: Qif, number: Decimal | str | None, kind: str, own: str = "") -> tuple[Any, str]:
    """A number in millimetres or degrees, and that unit; `linear` or `angular` when the file says none.

    own  the unit that the value states for itself
    """
    angle = is_angle(kind)
    unit = own or (qif.angular if angle else qif.linear)
    if kind.startswith(_OWN) and not angle and kind != _OWN_LENGTH and number is not None:
        return Unreadable("unit_unknown", "a length or an angle", f"{number} {own} of {kind}"), own
    value = decimal_of(number) if isinstance(number, str) else number
    if value is None:
        shown = number or ""
        return (Unreadable("number_type", "a finite number", str(shown)) if shown else None), unit
    if not unit:
        return value, "angular" if angle else "linear"
    if unit not in _TO:
        return Unreadable("unit_unknown", "|".join(_TO), unit), unit
    target, factor = _TO[unit]
    if unit == target:
        return value, target
    return Converted(value * factor, f"{number} {unit}", "unit"), target


def tables(qif: Qif, *, name: str, digest: str) -> dict[str, list[list[Any]]]:
    """The file as tables with a header row each: `inspections`, `results`, `plan`.

    digest  SHA-256 of the file, hex; it names the reports of a file without an identity of its own
    """
    base = (qif.identity or digest)[:8]
    inspections: list[list[Any]] = [list(INSPECTION_COLUMNS)]
    results: list[list[Any]] = [list(RESULT_COLUMNS)]
    for report in qif.reports:
        number = f"{base}-{report.position:02}"
        inspections.append(
            [
                number,
                report.position,
                report.serial,
                report.stated,
                qif.performed,
                qif.program,
                qif.software,
                qif.drawing,
                qif.part,
                qif.order,
                name,
                digest,
            ]
        )
        results += [_result_row(qif, report, one, (number, name)) for one in report.measured]
    plan: list[list[Any]] = [list(PLAN_COLUMNS), *(_plan_row(qif, each) for each in qif.plan)]
    return {"inspections": inspections, "results": results, "plan": plan}


def _result_row(qif: Qif, report: Report, one: Measured, named: tuple[str, str]) -> list[Any]:
    limits, kind = one.planned.limits, one.planned.kind
    value, unit = told(qif, one.value, kind, one.unit)
    low, nominal, high = (told(qif, each, kind)[0] for each in (limits.low, limits.nominal, limits.high))
    number, file = named
    return [
        number,
        report.position,
        report.serial,
        one.fault or one.planned.name,
        code_of(one.planned.name),
        kind,
        value,
        unit,
        nominal,
        low,
        high,
        one.stated,
        one.planned.gauge,
        qif.performed,
        limits.note,
        file,
        len(report.measured),
    ]


def _plan_row(qif: Qif, planned: Planned) -> list[Any]:
    limits, kind = planned.limits, planned.kind
    low, nominal, high = (told(qif, each, kind)[0] for each in (limits.low, limits.nominal, limits.high))
    unit = told(qif, Decimal(0), kind)[1]
    return [
        planned.name,
        code_of(planned.name),
        kind,
        unit,
        nominal,
        low,
        high,
        planned.gauge,
        limits.note,
    ]
