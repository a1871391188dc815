"""Device records of the FDA's public device database (GUDID release XML), as fields of devices. Pure.

Streamed: a release holds millions of records. GMDN terms are not read: they need a licence. What the file
says is kept in its words; a limit with a unit is a number with its UCUM unit, one without stays a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, BinaryIO

from medloom.design.udi import wrong_identifier
from medloom.formats.markup_stream import stream_xml
from medloom.wire.verdict import Refusal

RECORD = "device"
UNITS = {
    "Degrees Celsius": "Cel",
    "Degrees Fahrenheit": "[degF]",
    "Degrees Kelvin": "K",
    "Percent (%) Relative Humidity": "%",
    "Kilo Pascal": "kPa",
    "Millibar": "mbar",
    "Atmosphere": "atm",
}
KINDS = {
    "Package": "package",
    "Secondary": "secondary",
    "Direct Marking": "direct_marking",
    "Unit of Use": "unit_of_use",
    "Previous": "previous",
}
AGENCIES = {"GS1": "GS1", "HIBCC": "HIBCC", "ICCBBA": "ICCBBA", "NDC/NHRIC": "NDC"}
STATUS = {
    "in commercial distribution": "in_distribution",
    "not in commercial distribution": "not_in_distribution",
}
_FLAGS = {
    "lotBatch": "lot_marked",
    "serialNumber": "serial_marked",
    "manufacturingDate": "made_marked",
    "expirationDate": "expiry_marked",
    "DMExempt": "marking_exempt",
    "singleUse": "single_use",
}
_TEXTS = {
    "brandName": ("brand", 200),
    "versionModelNumber": ("model", 120),
    "catalogNumber": ("catalogue", 120),
    "companyName": ("company", 200),
    "deviceDescription": ("description", 2_000),
}
#: Words by which labellers say that there is nothing.
MISSING = frozenset(("n/a", "na", "ni", "unk", "none", "not applicable"))
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,3})?")
_NAMED_DAY = re.compile(r"(?<![0-9])(20[0-9]{2})[-_]?([0-9]{2})[-_]?([0-9]{2})(?![0-9])")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass
class Read:
    """One record of the file: where it stands, its identifier, its fields, or why it was refused."""

    line: int
    di: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None


class _Wrong(ValueError):
    def __init__(self, path: str, expected: str, got: str) -> None:
        super().__init__(path)
        self.refusal = Refusal(code="gudid_value", path=path, expected=expected, got=got[:80])


def release_day(name: str) -> str:
    """The day of a release by its file's name (`..._20160825.xml`); "" for a name without one."""
    for year, month, day in _NAMED_DAY.findall(name):
        try:
            return date(int(year), int(month), int(day)).isoformat()
        except ValueError:
            continue
    return ""


def read_gudid(file: BinaryIO, *, released: str = "") -> Iterator[Read]:
    """Each record in file order; a record that cannot be understood is one refused line, the others are read.

    released  day of the release, for records that state none of their own (before GUDID had editions)

    Raises FileRefused for a file that is no sound XML; what was read before that was handed out.
    """
    for element in stream_xml(file, RECORD):
        found = Read(line=element.sourceline or 0)
        try:
            found.fields = _fields(element)
            found.di = str(found.fields["di"])
            if released and "edition_on" not in found.fields:
                found.fields["edition_on"] = released
            found.refusal = wrong_identifier(found.di, str(found.fields["agency"]))
        except _Wrong as wrong:
            found.di = found.di or (element.get("deviceid") or "")[:80]
            found.refusal = wrong.refusal
        yield found


def _text(element: Any, name: str) -> str:
    found = element.find(f"{{*}}{name}")
    return " ".join((found.text or "").split()) if found is not None else ""


def _fields(element: Any) -> dict[str, Any]:
    identifiers = [_identifier(each) for each in element.iterfind("{*}identifiers/{*}identifier")]
    standing = _text(element, "deviceRecordStatus")
    if standing not in ("", "Published"):
        # Withdrawn from the database: no device to take over, and one that stands is for a person.
        raise _Wrong("/deviceRecordStatus", "Published", standing)
    primary = [each for each in identifiers if each["type"] == "Primary"]
    if len(primary) != 1:
        raise _Wrong("/identifiers", "one primary identifier", f"{len(primary)}")
    fields: dict[str, Any] = {"di": primary[0]["di"], "agency": primary[0]["agency"]}
    for name, (target, most) in _TEXTS.items():
        text = _text(element, name)
        if text and text.casefold() not in MISSING:
            if len(text) > most:
                raise _Wrong(f"/{name}", f"at most {most} characters", text)
            fields[target] = text
    for name, target in _FLAGS.items():
        if (flag := _flag(element, name)) is not None:
            fields[target] = flag
    sterile = element.find("{*}sterilization")
    if sterile is not None:
        for name, target in (("deviceSterile", "sterile"), ("sterilizationPriorToUse", "sterilise")):
            if (flag := _flag(sterile, name)) is not None:
                fields[target] = flag
    status = _text(element, "deviceCommDistributionStatus").lower()
    if status:
        if status not in STATUS:
            raise _Wrong("/deviceCommDistributionStatus", "|".join(STATUS), status)
        fields["status"] = STATUS[status]
    for name, target in (
        ("devicePublishDate", "published"),
        ("deviceCommDistributionEndDate", "distribution_end"),
        ("publicVersionDate", "edition_on"),
    ):
        if day := _day(element, name):
            fields[target] = day
    if (count := _whole(element, "deviceCount")) is not None:
        fields["count"] = count
    if (edition := _whole(element, "publicVersionNumber")) is not None:
        fields["edition"] = edition
    codes = [_text(each, "productCode") for each in element.iterfind("{*}productCodes/{*}fdaProductCode")]
    if any(codes):
        fields["codes"] = " ".join(code for code in codes if code)[:200]
    fields["packages"] = _packages(fields["di"], [each for each in identifiers if each not in primary])
    conditions = element.iterfind("{*}environmentalConditions/{*}storageHandling")
    fields["storage"] = [line for each in conditions for line in _storage(each)]
    return fields


def _identifier(element: Any) -> dict[str, Any]:
    agency = _text(element, "deviceIdIssuingAgency")
    if agency not in AGENCIES:
        raise _Wrong("/identifiers/deviceIdIssuingAgency", "|".join(AGENCIES), agency)
    return {
        "type": _text(element, "deviceIdType"),
        "di": _text(element, "deviceId"),
        "agency": AGENCIES[agency],
        "contains": _text(element, "containsDINumber"),
        "quantity": _whole(element, "pkgQuantity"),
        "discontinued": _day(element, "pkgDiscontinueDate"),
        "status": _text(element, "pkgStatus"),
    }


def _packages(di: str, others: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The other identifiers, each package with its level: how many times the base package is wrapped."""
    within = {each["di"]: each["contains"] for each in others if each["contains"]}
    found = []
    for each in others:
        if each["type"] not in KINDS:
            raise _Wrong("/identifiers/deviceIdType", "|".join(("Primary", *KINDS)), each["type"])
        level, inner, seen = 0, each["contains"], {each["di"]}
        while inner and inner not in seen and level < 9:
            level += 1
            seen.add(inner)
            inner = "" if inner == di else within.get(inner, "")
        line = {name: value for name, value in each.items() if name != "type" and value not in ("", None)}
        found.append({"kind": KINDS[each["type"]], **line, **({"level": level} if level else {})})
    return found


def _storage(element: Any) -> Iterator[dict[str, Any]]:
    """One condition; limits in two units, which no line can hold, are two lines."""
    kind = _text(element, "storageHandlingType") or "-"
    words = _text(element, "storageHandlingSpecialConditionText")
    limits: dict[str, dict[str, str]] = {}
    unread = []
    for name, target in (("storageHandlingLow", "low"), ("storageHandlingHigh", "high")):
        part = element.find(f"{{*}}{name}")
        value = _text(part, "value") if part is not None else ""
        if not value:
            continue
        unit = _text(part, "unit")
        if unit not in UNITS:
            unread.append(f"{target} {value} {unit}".strip())
        elif not _NUMBER.fullmatch(value):
            raise _Wrong(f"/storageHandling/{name}", "a number with at most 3 decimals", value)
        else:
            limits.setdefault(UNITS[unit], {})[target] = value.removeprefix("+")
    text = "; ".join([words, *unread] if words else unread)
    for unit, values in limits.items():
        yield {"kind": kind, **values, "unit": unit, **({"text": text} if text else {})}
    if not limits:
        yield {"kind": kind, **({"text": text} if text else {})}


def _flag(element: Any, name: str) -> bool | None:
    text = _text(element, name).lower()
    if text not in ("", "true", "false"):
        raise _Wrong(f"/{name}", "true|false", text)
    return None if not text else text == "true"


def _day(element: Any, name: str) -> str:
    text = _text(element, name)
    if text and not _DAY.fullmatch(text):
        raise _Wrong(f"/{name}", "day YYYY-MM-DD", text)
    return text


def _whole(element: Any, name: str) -> int | None:
    text = _text(element, name)
    if text and not re.fullmatch(r"[0-9]{1,9}", text):
        raise _Wrong(f"/{name}", "a whole number", text)
    return int(text) if text else None
