"""Generated QIF files: parts measured by two laboratories that do not always agree. All of it is invented.

A laboratory is a seed, an offset and a unit: the same parts measured twice give nearly the same values. Two
parts have holes that are too large in both laboratories; of one more part only the second one says so.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from lxml import etree

MARK = "generated demonstration data"
#: The item whose parts are measured, and its name.
ITEM, ITEM_NAME = "B-2003", "定位块 · locating block"
NAMESPACES = {"2.1.0": "http://qifstandards.org/xsd/qif2", "3.0.0": "http://qifstandards.org/xsd/qif3"}
#: Name, kind as QIF names it, nominal, lower and upper deviation in millimetres.
CHARACTERISTICS: tuple[tuple[str, str, str, str, str], ...] = (
    ("HOLE1/DIAMETER1", "Diameter", "4", "-0.25", "0.25"),
    ("HOLE2/DIAMETER1", "Diameter", "4", "-0.25", "0.25"),
    ("HOLE3/DIAMETER1", "Diameter", "4", "-0.25", "0.25"),
    ("SLOT1/LENGTH1", "Length", "30", "-0.5", "0.5"),
    ("SLOT1/WIDTH1", "Width", "5", "-0.25", "0.25"),
    ("EDGE1/RADIUS1", "Radius", "2.5", "-0.25", "0.25"),
)
INCH = Decimal("25.4")


@dataclass(frozen=True)
class Part:
    """One part: its serial ("" when the file leaves it out) and its values in millimetres by name."""

    serial: str
    values: dict[str, Decimal]


@dataclass(frozen=True)
class Laboratory:
    """Who measures: the seed of its noise, version and unit of its files, the parts it finds too large."""

    code: str
    identity: str
    version: str
    inch: bool
    seed: int
    large: tuple[int, ...]


#: The two agree on parts 4 and 7 and disagree on part 9; the radius is off on every part, by the same amount.
FIRST = Laboratory("LAB1", "7d0a1111-0000-4000-8000-000000000001", "3.0.0", False, 5, (4, 7))
SECOND = Laboratory("LAB2", "7d0a2222-0000-4000-8000-000000000002", "2.1.0", True, 6, (4, 7, 9))


def parts(laboratory: Laboratory, *, count: int = 10, nameless: int = 0) -> list[Part]:
    """The parts as that laboratory measures them. `nameless` is the place of one without a serial."""
    chance = random.Random(laboratory.seed)  # noqa: S311 (invented numbers, no secret)
    found = []
    for number in range(1, count + 1):
        values = {}
        for name, _, nominal, _, _ in CHARACTERISTICS:
            value = float(nominal) + chance.gauss(0, 0.008)
            if name.endswith("RADIUS1"):
                value += 0.7
            elif name.startswith("HOLE") and number in laboratory.large:
                value += 0.45
            values[name] = Decimal(f"{value:.4f}")
        found.append(Part("" if number == nameless else f"RUN_A{number:02}_GENERATED", values))
    return found


def write_laboratories(folder: Path, *, performed: str) -> None:
    """The files of both laboratories, each under its code."""
    folder.mkdir(parents=True, exist_ok=True)
    for laboratory in (FIRST, SECOND):
        data = qif(laboratory, parts(laboratory), performed=performed)
        (folder / f"{laboratory.code}_blocks.qif").write_bytes(data)


def stated(value: Decimal, nominal: str, low: str, high: str) -> str:
    """PASS inside the limits, FAIL outside."""
    return "PASS" if Decimal(low) <= value - Decimal(nominal) <= Decimal(high) else "FAIL"


def qif(laboratory: Laboratory, measured: Sequence[Part], *, performed: str = "2026-11-02T09:30:00") -> bytes:
    """A QIF file of these parts, in the laboratory's version and unit."""
    second = laboratory.version.startswith("2")
    root = etree.Element(
        "QIFDocument", nsmap={None: NAMESPACES[laboratory.version]}, versionQIF=laboratory.version
    )
    _put(root, "QPId", laboratory.identity)
    _put(_put(root, "Version"), "TimeCreated", performed)
    _put(_put(_put(root, "Header"), "Application"), "Name", MARK)
    before = _put(root, "PreInspectionTraceability")
    _put(before, "PurchaseOrderNumber", "Job No,")
    _put(before, "ReportNumber", f"{laboratory.code} {MARK}")
    _units(root, inch=laboratory.inch)
    devices = _put(_put(root, "MeasurementResources"), "MeasurementDevices")
    _put(_put(devices, "MeasurementDevice", id="900"), "Name", f"CMM-{laboratory.code}")
    _plan(root, inch=laboratory.inch)
    holder = _put(root, "MeasurementsResults" if second else "Results")
    reports = _put(holder, "MeasurementResultsSet")
    sets = _put(holder, "ActualComponentSets")
    for index, part in enumerate(measured):
        _report(reports, index, part, second=second, inch=laboratory.inch)
        component = _put(_put(sets, "ActualComponentSet"), "ActualComponent", id=f"c{index}")
        if part.serial:
            _put(component, "SerialNumber", part.serial)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _put(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    namespace = etree.QName(parent).namespace
    found = etree.SubElement(parent, f"{{{namespace}}}{name}" if namespace else name, **attributes)
    found.text = text or None
    return found


def _units(root: etree._Element, *, inch: bool) -> None:
    primary = _put(_put(root, "FileUnits"), "PrimaryUnits")
    for name, unit, factor in (
        ("AngularUnit", "degree", "0.017453292519943"),
        ("LinearUnit", "inch" if inch else "mm", "0.0254" if inch else "0.001"),
    ):
        holder = _put(primary, name)
        _put(holder, "UnitName", unit)
        _put(_put(holder, "UnitConversion"), "Factor", factor)


def _shown(value: Decimal, *, inch: bool) -> str:
    return f"{value / INCH:.9f}" if inch else str(value)


def _plan(root: etree._Element, *, inch: bool) -> None:
    features = _put(_put(root, "Features"), "FeatureItems")
    holder = _put(root, "Characteristics")
    definitions = _put(holder, "CharacteristicDefinitions")
    nominals = _put(holder, "CharacteristicNominals")
    items = _put(holder, "CharacteristicItems")
    for index, (name, kind, nominal, low, high) in enumerate(CHARACTERISTICS):
        feature, _, word = name.partition("/")
        _put(_put(features, "FeatureItem", id=f"f{index}"), "FeatureName", feature)
        definition = _put(definitions, f"{kind}CharacteristicDefinition", id=f"d{index}")
        tolerance = _put(definition, "Tolerance")
        _put(tolerance, "MaxValue", _shown(Decimal(high), inch=inch))
        _put(tolerance, "MinValue", _shown(Decimal(low), inch=inch))
        _put(tolerance, "DefinedAsLimit", "false")
        target = _put(nominals, f"{kind}CharacteristicNominal", id=f"n{index}")
        _put(target, "CharacteristicDefinitionId", f"d{index}")
        _put(target, "TargetValue", _shown(Decimal(nominal), inch=inch))
        item = _put(items, f"{kind}CharacteristicItem", id=f"i{index}")
        _put(item, "Name", word)
        _put(_put(item, "FeatureItemIds"), "Id", f"f{index}")
        _put(_put(item, "MeasurementDeviceIds"), "Id", "900")
        _put(item, "CharacteristicNominalId", f"n{index}")


def _report(reports: etree._Element, number: int, part: Part, *, second: bool, inch: bool) -> None:
    word = "Actual" if second else "Measurement"
    report = _put(reports, "MeasurementResults", id=f"r{number}")
    features = _put(_put(report, "MeasuredFeatures"), f"Feature{word}s")
    measured = _put(_put(report, "MeasuredCharacteristics"), f"Characteristic{word}s")
    whole = "PASS"
    for index, (name, kind, nominal, low, high) in enumerate(CHARACTERISTICS):
        feature = _put(features, f"Feature{word}", id=f"m{number}.{index}")
        _put(feature, "FeatureItemId", f"f{index}")
        value = part.values[name]
        verdict = stated(value, nominal, low, high)
        whole = "FAIL" if verdict == "FAIL" else whole
        actual = _put(measured, f"{kind}Characteristic{word}", id=f"a{number}.{index}")
        _put(_put(actual, "Status"), "CharacteristicStatusEnum", verdict)
        _put(actual, "CharacteristicItemId", f"i{index}")
        _put(_put(actual, f"Feature{word}Ids"), "Id", f"m{number}.{index}")
        _put(actual, "Value", _shown(value, inch=inch))
    _put(_put(report, "InspectionStatus"), "InspectionStatusEnum", whole)
    _put(_put(report, "ActualComponentIds"), "Id", f"c{number}")
