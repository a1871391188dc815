"""Exact conversions between the units plants write and the units of the one declaration (UCUM codes)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Scale:
    """`base = (value + offset) * factor`; the offset is only for temperatures."""

    dimension: str
    factor: Decimal
    offset: Decimal = Decimal(0)


def _scale(dimension: str, factor: str, offset: str = "0") -> Scale:
    return Scale(dimension, Decimal(factor), Decimal(offset))


#: Exact by definition (international yard and pound, 1959; SI brochure). A unit missing here is
#: refused when the mapping is loaded, never guessed.
UNITS = {
    "m": _scale("length", "1"),
    "mm": _scale("length", "0.001"),
    "um": _scale("length", "0.000001"),
    "cm": _scale("length", "0.01"),
    "[in_i]": _scale("length", "0.0254"),
    "kg": _scale("mass", "1"),
    "g": _scale("mass", "0.001"),
    "mg": _scale("mass", "0.000001"),
    "t": _scale("mass", "1000"),
    "[lb_av]": _scale("mass", "0.45359237"),
    "s": _scale("time", "1"),
    "ms": _scale("time", "0.001"),
    "min": _scale("time", "60"),
    "h": _scale("time", "3600"),
    "d": _scale("time", "86400"),
    "Pa": _scale("pressure", "1"),
    "kPa": _scale("pressure", "1000"),
    "MPa": _scale("pressure", "1000000"),
    "bar": _scale("pressure", "100000"),
    "[psi]": _scale("pressure", "6894.757293168361"),
    "N": _scale("force", "1"),
    "kN": _scale("force", "1000"),
    "Cel": _scale("temperature", "1", "273.15"),
    "K": _scale("temperature", "1"),
    # UCUM has no rev/min of its own: `{rpm}/min` is the customary annotation; plants write rpm.
    "rpm": _scale("frequency", "1"),
    "/min": _scale("frequency", "1"),
    "/s": _scale("frequency", "60"),
    "mm/min": _scale("velocity", "1"),
    "mm/s": _scale("velocity", "60"),
    "m/min": _scale("velocity", "1000"),
    "[in_i]/min": _scale("velocity", "25.4"),
    "N.m": _scale("torque", "1"),
    "[lbf_av].[in_i]": _scale("torque", "0.1129848290276167"),
    "1": _scale("count", "1"),
    "{pcs}": _scale("count", "1"),
    "10*3.{pcs}": _scale("count", "1000"),
    "10*4.{pcs}": _scale("count", "10000"),
    "%": _scale("count", "0.01"),
}


#: How plants write units that have a code here; read in headers only, for a draft that a person checks.
_WRITTEN = {
    "克": "g", "千克": "kg", "公斤": "kg", "毫克": "mg", "吨": "t", "米": "m", "毫米": "mm", "厘米": "cm",
    "微米": "um", "升": "L", "l": "L", "个": "1", "件": "1", "只": "1", "支": "1", "pcs": "1", "ea": "1",
    "秒": "s", "小时": "h", "°c": "Cel", "kg": "kg", "mm": "mm", "um": "um", "cm": "cm", "rpm": "rpm",
}  # fmt: skip


#: The field of an object or a line that holds a unit.
UNIT = "unit"


def micro(unit: str) -> str:
    """The unit with the letter u for both signs of micro (U+00B5, U+03BC), as UCUM writes it."""
    return unit.replace("\u00b5", "u").replace("\u03bc", "u")


def read_unit(text: str) -> str:
    """The code of a unit as a header writes it (微米, µm, KG, 件); what is not known stays as it is."""
    text = micro(unicodedata.normalize("NFKC", text).strip())
    return text if text in UNITS else _WRITTEN.get(text.casefold(), text)


def is_unit(text: str) -> bool:
    """Whether a text is a unit known here."""
    return (code := read_unit(text)) in UNITS or code == "L"


def known_units() -> str:
    """Every unit that can be converted, for a refusal."""
    return " ".join((*UNITS, "[degF]"))


def same_dimension(source: str, target: str) -> bool:
    """Whether a value in `source` can be told in `target`; the same unit always can."""
    if source == target or {source, target} == {"Cel", "[degF]"}:
        return True
    return source in UNITS and target in UNITS and UNITS[source].dimension == UNITS[target].dimension


def convert(value: Decimal, *, source: str, target: str) -> Decimal:
    """The value told in `target`. Raises KeyError for a pair that `same_dimension` does not allow."""
    if source == target:
        return value
    if (source, target) == ("[degF]", "Cel"):
        return _plain((value - 32) * 5 / 9)
    if (source, target) == ("Cel", "[degF]"):
        return _plain(value * 9 / 5 + 32)
    start, end = UNITS[source], UNITS[target]
    if start.dimension != end.dimension:
        raise KeyError(f"{source} to {target}")
    return _plain((value + start.offset) * start.factor / end.factor - end.offset)


def _plain(value: Decimal) -> Decimal:
    """Without trailing zeros and without an exponent."""
    value = value.normalize()
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value
