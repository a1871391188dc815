"""Reading QIF (ISO 23952), versions 2.1 and 3.0: measured parts, and what they were measured against.

The two versions differ in their namespace and in the names of a few containers; both are read by the names
alone. Nothing is guessed: limits that contradict themselves are left out and said so, a serial that is not
there stays empty, a unit that the file does not state is told as `linear` or `angular`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from lxml import etree

from medloom.formats.cells import Unreadable
from medloom.formats.markup import parse_xml
from medloom.wire.verdict import FileRefused

NAMESPACES = {"http://qifstandards.org/xsd/qif2": "2", "http://qifstandards.org/xsd/qif3": "3"}
RESULTS_MAX = 200_000
#: Kinds whose tolerance is a zone around the nominal shape, told with its sign.
_PROFILES = frozenset({"point_profile", "line_profile", "surface_profile"})
#: UCUM code -> its names, and how many of the SI unit (metre, radian) it is.
_LINEAR = {
    "mm": ("mm millimeter millimetre millimeters millimetres", Decimal("0.001")),
    "[in_i]": ("inch in inches", Decimal("0.0254")),
    "m": ("m meter metre meters metres", Decimal(1)),
    "cm": ("cm centimeter centimetre centimeters centimetres", Decimal("0.01")),
    "um": ("um micrometer micrometre micrometers micrometres micron microns", Decimal("0.000001")),
}
_ANGULAR = {
    "deg": ("deg degree degrees", Decimal("0.0174532925199433")),
    "rad": ("rad radian radians", Decimal(1)),
}
_UNITS = {name: code for group in (_LINEAR, _ANGULAR) for code in group for name in group[code][0].split()}
_SUFFIX = re.compile(r"Characteristic(Item|Definition|Nominal|Actual|Measurement)$")


@dataclass(frozen=True)
class Limits:
    """Nominal and limits in the file's own unit. `note` says why limits that are stated are left out."""

    nominal: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    note: str = ""


@dataclass(frozen=True)
class Planned:
    """One characteristic of one feature: what is to be measured, and its limits."""

    name: str
    kind: str
    limits: Limits
    gauge: str = ""


@dataclass(frozen=True)
class Measured:
    """One measured value. `fault` is set when the file does not say what it is a value of.

    unit  stated for this value alone (UCUM code), "" for the file's own
    """

    planned: Planned
    value: str
    stated: str
    fault: Unreadable | None = None
    unit: str = ""


@dataclass(frozen=True)
class Report:
    """One part as it was measured: its place in the file (from 1), the serial as stated, the verdict."""

    position: int
    serial: str
    stated: str
    measured: tuple[Measured, ...]


@dataclass(frozen=True)
class Qif:
    """What a QIF file says. Units are UCUM codes, or "" when the file states none."""

    version: str
    identity: str
    linear: str
    angular: str
    performed: str
    program: str
    software: str
    drawing: str
    part: str
    order: str
    plan: tuple[Planned, ...]
    reports: tuple[Report, ...]


def read_qif(data: bytes) -> Qif:
    """The file's content. Raises FileRefused: those of `parse_xml`, file_format, file_too_large."""
    root = parse_xml(data)
    namespace = etree.QName(root).namespace or ""
    if local(root) != "QIFDocument" or namespace not in NAMESPACES:
        raise FileRefused("file_format", expected="a QIFDocument of version 2 or 3", got=str(root.tag))
    reader = _Reader(root)
    reports = tuple(reader.reports())
    header = root.find("{*}Header")
    names = [text_at(header, name) for name in ("Application/Name", "Application/AddonName")]
    return Qif(
        version=str(root.get("versionQIF") or NAMESPACES[namespace]),
        identity=text_at(root, "QPId"),
        linear=reader.linear,
        angular=reader.angular,
        performed=_first(root, "InspectionStart", "ReportPreparationDate", "TimeCreated"),
        program=_first(root, "ReportNumber"),
        software=", ".join(name for name in names if name),
        drawing=_drawing(root),
        part=_first(root, "ModelNumber") or text_at(root, "Product/PartSet/Part/Header/Name"),
        order=_first(root, "PurchaseOrderNumber"),
        plan=reader.plan(),
        reports=reports,
    )


def local(element: etree._Element) -> str:
    """The element's name without its namespace."""
    return str(etree.QName(element).localname)


def text_at(element: etree._Element | None, path: str) -> str:
    """The text of the first element at a path of names in any namespace, without blanks; "" when none."""
    if element is None:
        return ""
    found = element.find("/".join(f"{{*}}{name}" for name in path.split("/")))
    return (found.text or "").strip() if found is not None else ""


def _first(root: etree._Element, *names: str) -> str:
    for name in names:
        found = next(root.iter(f"{{*}}{name}"), None)
        if found is not None and (found.text or "").strip():
            return (found.text or "").strip()
    return ""


def _drawing(root: etree._Element) -> str:
    drawing = next(root.iter("{*}PrintedDrawing"), None)
    words = [text_at(drawing, "Name"), text_at(drawing, "Version")]
    return " ".join(word for word in words if word)


def _unit(root: etree._Element, name: str) -> str:
    """The UCUM code of the file's primary unit; "" when there is none, else its own words."""
    unit = root.find(f"{{*}}FileUnits/{{*}}PrimaryUnits/{{*}}{name}")
    if unit is None:
        return ""
    word = text_at(unit, "UnitName").casefold()
    stated = decimal_of(text_at(unit, "UnitConversion/Factor"))
    group = _ANGULAR if name == "AngularUnit" else _LINEAR
    named = _UNITS.get(word, "")
    by_factor = [code for code, (_, factor) in group.items() if stated and abs(stated / factor - 1) < 1e-6]
    if named in group and (not by_factor or by_factor == [named]):
        return named
    if not named and by_factor:
        return by_factor[0]
    return f"{word} of {stated}" if stated is not None else word


def _own_unit(element: etree._Element | None) -> str:
    """The unit that a value states for itself, as a UCUM code or in its own words; "" for the file's."""
    if element is None:
        return ""
    word = str(element.get("linearUnit") or element.get("angularUnit") or element.get("unitName") or "")
    return _UNITS.get(word.casefold(), word)


def kind_of(tag: str) -> str:
    """The kind of a characteristic from its element's name: `DistanceBetweenCharacteristicItem`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", _SUFFIX.sub("", tag)).lower()


def decimal_of(text: str) -> Decimal | None:
    """The finite number a text holds, or None."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if "_" in text:  # of Python's own numbers, of no other's
        return None
    return number if number.is_finite() else None


def limits_of(definition: etree._Element | None, nominal: etree._Element | None, kind: str) -> Limits:
    """Nominal and limits. A tolerance below nought, or limits that leave the nominal out, are not used."""
    target = decimal_of(text_at(nominal, "TargetValue"))
    if definition is None:
        return Limits(target)
    zone = decimal_of(text_at(definition, "ToleranceValue"))
    if zone is not None:
        if zone < 0:
            return Limits(target, note=f"limits_contradict: tolerance zone {zone}")
        if kind in _PROFILES:
            outer = decimal_of(text_at(definition, "OuterDisposition"))
            above = zone / 2 if outer is None else outer
            return Limits(target, above - zone, above)
        return Limits(target, None, zone)
    tolerance = definition.find("{*}Tolerance")
    low, high = decimal_of(text_at(tolerance, "MinValue")), decimal_of(text_at(tolerance, "MaxValue"))
    if low is None and high is None:
        return Limits(target)
    if text_at(tolerance, "DefinedAsLimit") not in ("true", "1"):
        if target is None or _absolute(target, low, high):
            stated = f"{'' if low is None else low} to {'' if high is None else high}"
            return Limits(target, note=f"limits_contradict: deviations {stated} from {target}")
        low, high = (None if d is None else target + d for d in (low, high))
    if low is not None and high is not None and low > high:
        return Limits(target, note=f"limits_contradict: {low} to {high}")
    return Limits(target, low, high)


def _absolute(target: Decimal, low: Decimal | None, high: Decimal | None) -> bool:
    """Whether what is declared as deviations looks like limits: it holds the nominal, or exceeds it.

    Deviations on one side (+0.02 to +0.05 of 10, a fit) are none of that.
    """
    if low is None or high is None or low <= 0 <= high:
        return False
    return low <= target <= high or min(abs(low), abs(high)) >= abs(target) > 0


class _Reader:
    """The indexes of one file: what each id stands for."""

    def __init__(self, root: etree._Element) -> None:
        self.root = root
        self.linear, self.angular = _unit(root, "LinearUnit"), _unit(root, "AngularUnit")
        self.items = self._by_id("CharacteristicItems")
        self.definitions = self._by_id("CharacteristicDefinitions")
        self.nominals = self._by_id("CharacteristicNominals")
        self.features = {
            id_: text_at(each, "FeatureName") for id_, each in self._by_id("FeatureItems").items()
        }
        self.components = {str(c.get("id")): c for c in root.iter("{*}ActualComponent")}
        self.gauges = {
            id_: text_at(each, "SerialNumber") or text_at(each, "Name")
            for id_, each in self._by_id("MeasurementDevices").items()
        }
        self.planned: dict[tuple[str, str], Planned] = {}

    def _by_id(self, container: str) -> dict[str, etree._Element]:
        return {
            str(each.get("id")): each
            for holder in self.root.iter(f"{{*}}{container}")
            for each in holder
            if each.get("id")
        }

    def plan(self) -> tuple[Planned, ...]:
        """What was measured, feature by feature; of a plan without results, what it asks for."""
        if not self.planned:
            for id_, item in self.items.items():
                found = item.findall("{*}FeatureItemIds/{*}Id")
                names = [self.features.get((each.text or "").strip(), "") for each in found]
                self._planned(id_, names[0] if len(names) == 1 else "")
        return tuple(self.planned.values())

    def _planned(self, item_id: str, feature: str) -> Planned:
        known = self.planned.get((item_id, feature))
        if known is None:
            item = self.items[item_id]
            kind = kind_of(local(item))
            nominal = self.nominals.get(text_at(item, "CharacteristicNominalId"))
            definition = self.definitions.get(text_at(nominal, "CharacteristicDefinitionId"))
            name = text_at(item, "Name") or text_at(definition, "Name") or f"{kind} {item_id}"
            device = text_at(item, "MeasurementDeviceIds/Id")
            known = self.planned[item_id, feature] = Planned(
                f"{feature}/{name}" if feature else name,
                kind,
                self._limits(definition, nominal, kind),
                self.gauges.get(device, ""),
            )
        return known

    def _limits(self, definition: etree._Element | None, nominal: etree._Element | None, kind: str) -> Limits:
        """The limits; left out, and said so, where one of them is stated in a unit of its own."""
        stated = [part for part in (definition, nominal) if part is not None]
        units = {_own_unit(each) for part in stated for each in part.iter("{*}*")}
        other = units - {"", self.linear, self.angular}
        if other:
            return Limits(note=f"limits_unit: {', '.join(sorted(other))}")
        return limits_of(definition, nominal, kind)

    def reports(self) -> list[Report]:
        found, rows = [], 0
        for position, results in enumerate(self.root.iter("{*}MeasurementResults"), 1):
            ids = [(each.text or "").strip() for each in results.findall("{*}ActualComponentIds/{*}Id")]
            parts = [self.components[id_] for id_ in ids if id_ in self.components]
            serials = [text_at(part, "SerialNumber") for part in parts]
            measured = self._measured(results)
            rows += len(measured)
            if rows > RESULTS_MAX:
                raise FileRefused("file_too_large", expected=f"<= {RESULTS_MAX} results", got=f"> {rows}")
            found.append(
                Report(
                    position,
                    next((serial for serial in serials if serial), ""),
                    text_at(results, "InspectionStatus/InspectionStatusEnum"),
                    measured,
                )
            )
        return found

    def _measured(self, results: etree._Element) -> tuple[Measured, ...]:
        holder = results.find("{*}MeasuredCharacteristics")
        if holder is None:
            return ()
        features = {
            str(each.get("id")): text_at(each, "FeatureItemId")
            for container in results.findall("{*}MeasuredFeatures")
            for each in container.iter()
            if isinstance(each.tag, str) and each.get("id")
        }
        found: list[Measured] = []
        times: dict[str, int] = {}
        for item in holder.iter("{*}CharacteristicItemId"):
            actual = item.getparent()
            assert actual is not None
            one = self._one(actual, (item.text or "").strip(), features)
            number = times[one.planned.name] = times.get(one.planned.name, 0) + 1
            if number > 1:
                planned = one.planned
                again = Planned(f"{planned.name}#{number}", planned.kind, planned.limits, planned.gauge)
                one = replace(one, planned=again)
            found.append(one)
        return tuple(found)

    def _one(self, actual: etree._Element, item_id: str, features: dict[str, str]) -> Measured:
        value, stated = text_at(actual, "Value"), text_at(actual, "Status/CharacteristicStatusEnum")
        unit = _own_unit(actual.find("{*}Value"))
        if item_id not in self.items:
            fault = Unreadable("reference_unknown", "a CharacteristicItem of this file", item_id)
            kind = kind_of(local(actual))
            return Measured(Planned(f"{kind} {item_id}", kind, Limits()), value, stated, fault, unit)
        ids = actual.findall("{*}FeatureActualIds/{*}Id") + actual.findall("{*}FeatureMeasurementIds/{*}Id")
        items = [features.get((each.text or "").strip(), "") for each in ids]
        feature = self.features.get(items[0], "") if len(items) == 1 else ""
        return Measured(self._planned(item_id, feature), value, stated, unit=unit)
