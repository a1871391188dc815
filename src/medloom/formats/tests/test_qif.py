"""QIF of both versions: read alike, dirt is told and never guessed, damage stays where it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from medloom.demo.metrology import CHARACTERISTICS, FIRST, SECOND, parts, qif
from medloom.formats.cells import Converted, Unreadable
from medloom.formats.qif import read_qif
from medloom.formats.qif_tables import code_of, tables, told
from medloom.wire.verdict import FileRefused
from tests.plant_files import DATA

pytestmark = pytest.mark.pure

PLATES = DATA / "nist_mtc_machined_parts"
SAMPLES = DATA / "qif3_samples"


def judged(found) -> Counter[str]:
    """How often the limits read agree with the verdict the file states, and how often they do not."""
    seen: Counter[str] = Counter()
    for report in found.reports:
        for one in report.measured:
            limits, value = one.planned.limits, Decimal(one.value)
            if limits.low is None and limits.high is None:
                seen["no limits"] += 1
                continue
            inside = (limits.low is None or value >= limits.low) and (
                limits.high is None or value <= limits.high
            )
            seen["agrees" if inside == (one.stated == "PASS") else "differs"] += 1
    return seen


@pytest.mark.parametrize("laboratory", [FIRST, SECOND])
def test_a_generated_file_is_read_whole(laboratory) -> None:
    found = read_qif(qif(laboratory, parts(laboratory)))
    assert found.version == laboratory.version
    assert (len(found.plan), len(found.reports)) == (len(CHARACTERISTICS), 10)
    assert judged(found) == {"agrees": 60}
    assert [planned.name for planned in found.plan] == [row[0] for row in CHARACTERISTICS]
    large = {
        report.position
        for report in found.reports
        for one in report.measured
        if one.stated == "FAIL" and one.planned.kind == "diameter"
    }
    assert large == set(laboratory.large)


def test_inches_are_told_in_millimetres_with_what_the_file_said() -> None:
    rows = tables(read_qif(qif(SECOND, parts(SECOND))), name="x.qif", digest="0" * 64)["results"]
    head = rows[0]
    row = dict(zip(head, rows[1], strict=True))
    assert row["unit"] == "mm"
    assert isinstance(row["value"], Converted)
    assert row["value"].original.endswith(" [in_i]")
    assert abs(row["value"].value - Decimal(4)) < Decimal("0.1")
    assert round(row["nominal"].value, 4) == 4


def test_a_part_without_serial_is_told_by_its_place() -> None:
    found = read_qif(qif(FIRST, parts(FIRST, nameless=10)))
    assert [report.serial for report in found.reports][-2:] == ["RUN_A09_GENERATED", ""]
    assert found.reports[-1].position == 10


def test_without_a_unit_none_is_guessed() -> None:
    data = qif(FIRST, parts(FIRST)).replace(b"FileUnits", b"NoUnits")
    found = read_qif(data)
    assert (found.linear, told(found, Decimal(4), "diameter")) == ("", (Decimal(4), "linear"))
    assert told(found, Decimal(4), "angle")[1] == "angular"


def test_a_damaged_value_is_one_cell_and_its_neighbours_stand() -> None:
    data = qif(FIRST, parts(FIRST, count=2))
    broken = data.replace(b"<Value>", b"<Value>NaN", 1).replace(
        b"<CharacteristicItemId>i3", b"<CharacteristicItemId>gone", 1
    )
    rows = tables(read_qif(broken), name="x.qif", digest="0" * 64)["results"]
    bad = [cell for row in rows[1:] for cell in row if isinstance(cell, Unreadable)]
    assert sorted(cell.code for cell in bad) == ["number_type", "reference_unknown"]
    assert len(rows) == 13


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<QIFDocument xmlns='urn:other'/>", "file_format"),
        (b"<html/>", "file_format"),
        (qif(FIRST, parts(FIRST))[:-400], "file_broken"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><QIFDocument/>', "file_doctype"),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole(data: bytes, code: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read_qif(data)
    assert refused.value.refusal.code == code


@pytest.mark.parametrize(
    ("low", "high", "absolute", "expected"),
    [
        ("-0.2", "0.2", "false", (Decimal("3.8"), Decimal("4.2"))),
        ("0.02", "0.05", "false", (Decimal("4.02"), Decimal("4.05"))),
        ("3.8", "4.2", "true", (Decimal("3.8"), Decimal("4.2"))),
        ("3.8", "4.2", "false", (None, None)),
        ("9.8", "10.2", "false", (None, None)),
        ("0.2", "-0.2", "false", (None, None)),
    ],
)
def test_limits_that_contradict_themselves_are_left_out(low, high, absolute, expected) -> None:
    data = qif(FIRST, parts(FIRST, count=1)).decode()
    begin = data.index("<Tolerance>")
    end = data.index("</Tolerance>")
    inner = (
        f"<MaxValue>{high}</MaxValue><MinValue>{low}</MinValue><DefinedAsLimit>{absolute}</DefinedAsLimit>"
    )
    first = read_qif(f"{data[:begin]}<Tolerance>{inner}{data[end:]}".encode()).plan[0]
    assert (first.limits.low, first.limits.high) == expected
    assert bool(first.limits.note) == (expected == (None, None))


def units_of(name: str, factor: str, *, of: str = "AngularUnit") -> str:
    """The unit read from a file that states that one."""
    unit = (
        f"<{of}><UnitName>{name}</UnitName><UnitConversion><Factor>{factor}</Factor></UnitConversion></{of}>"
    )
    units = f"<FileUnits><PrimaryUnits>{unit}</PrimaryUnits></FileUnits>"
    found = read_qif(f"<QIFDocument xmlns='http://qifstandards.org/xsd/qif3'>{units}</QIFDocument>".encode())
    return found.angular if of == "AngularUnit" else found.linear


@pytest.mark.parametrize(
    ("of", "name", "factor", "code"),
    [
        ("AngularUnit", "rad", "1", "rad"),
        ("AngularUnit", "grade", "1", "rad"),  # an unknown word, told by what it is of the SI unit
        ("AngularUnit", "Degrees", "0.017453292", "deg"),
        ("LinearUnit", "metre", "1.0", "m"),
        ("LinearUnit", "thing", "1E-3", "mm"),
        ("LinearUnit", "inch", "", "[in_i]"),
        ("LinearUnit", "mm", "0.0254", "mm of 0.0254"),
        ("LinearUnit", "furlong", "201.168", "furlong of 201.168"),
    ],
)
def test_a_unit_is_what_name_and_factor_agree_on(of: str, name: str, factor: str, code: str) -> None:
    assert units_of(name, factor, of=of) == code


def test_a_value_may_state_a_unit_of_its_own() -> None:
    data = qif(FIRST, parts(FIRST, count=1))
    plain = tables(read_qif(data), name="x.qif", digest="0" * 64)["results"][1]
    own = data.replace(b"<Value>", b'<Value linearUnit="inch">', 1)
    row = tables(read_qif(own), name="x.qif", digest="0" * 64)["results"][1]
    value = plain.index("mm") - 1
    assert row[value].value == plain[value] * Decimal("25.4") and row[value + 1] == "mm"
    strange = data.replace(b"<Value>", b'<Value linearUnit="ell">', 1)
    row = tables(read_qif(strange), name="x.qif", digest="0" * 64)["results"][1]
    assert isinstance(row[value], Unreadable) and row[value].code == "unit_unknown"


def test_limits_in_a_unit_of_their_own_are_left_out_and_said_so() -> None:
    data = qif(FIRST, parts(FIRST, count=1)).replace(b"<MaxValue>", b'<MaxValue linearUnit="inch">', 1)
    noted = [planned.limits for planned in read_qif(data).plan if planned.limits.note]
    assert noted and all((each.low, each.high) == (None, None) for each in noted)
    assert noted[0].note == "limits_unit: [in_i]"


@pytest.mark.parametrize(
    ("kind", "unit"),
    [("included_angle", "deg"), ("angularity", "mm"), ("cone_angle", "deg"), ("user_defined_linear", "mm")],
)
def test_angles_are_known_by_their_name_and_angularity_is_a_length(kind: str, unit: str) -> None:
    found = read_qif(qif(FIRST, parts(FIRST, count=1)))
    assert told(replace(found, angular="deg"), Decimal(4), kind) == (Decimal(4), unit)


def test_a_mass_that_a_user_defined_is_told_as_no_length() -> None:
    found = read_qif(qif(FIRST, parts(FIRST, count=1)))
    (cell, unit) = told(found, Decimal(4), "user_defined_mass", "kg")
    assert isinstance(cell, Unreadable) and (cell.code, unit) == ("unit_unknown", "kg")


def test_names_become_parts_of_other_names() -> None:
    assert code_of("CYLINDER3/RADIUS1") == "CYLINDER3.RADIUS1"
    assert code_of("Cone Angle 3") == "Cone.Angle.3"


def test_the_real_plates_fail_as_their_source_says() -> None:
    incoming = sorted((PLATES / "incoming_inspection").glob("*.QIF"))
    if not incoming:
        assert judged(read_qif(qif(FIRST, parts(FIRST)))), "real files: name their folder in MEDLOOM_DATA"
        return
    first, second = (
        read_qif(path.read_bytes()) for path in (incoming[0], next((PLATES / "fair").glob("*.qif")))
    )
    fails = [
        [(r.position, m) for r in q.reports for m in r.measured if m.stated == "FAIL"]
        for q in (first, second)
    ]
    assert [sum(len(r.measured) for r in q.reports) for q in (first, second)] == [620, 760]
    assert [len(each) for each in fails] == [51, 98]
    assert [judged(q)["differs"] for q in (first, second)] == [0, 0]
    holes = Counter(n for n, m in fails[0] if m.planned.kind == "diameter")
    assert holes == {13: 3, 14: 3, 15: 1, 16: 8, 17: 8, 18: 8}
    assert Counter(m.planned.name for _, m in fails[0])["CYLINDER3/RADIUS1"] == 20
    assert {n for n, m in fails[1] if m.planned.kind == "diameter"} == {13, 14, 15, 16, 17, 18}
    assert [r.serial for r in first.reports].count("") == 1 and not first.reports[19].serial
    assert {p.name: p.limits.note for p in first.plan if p.limits.note} == {
        "CYLINDER1/PERPENDICULARITY1": "limits_contradict: tolerance zone -0.13"
    }


def test_the_samples_of_both_versions_are_read() -> None:
    paths = sorted(SAMPLES.glob("*.QIF"))
    counts = {
        p.name: (q.version, len(q.plan), len(q.reports)) for p in paths for q in [read_qif(p.read_bytes())]
    }
    assert not paths or (
        len(counts) == 10
        and counts["WIDGET_QIF_RESULTS.QIF"] == ("3.0.0", 35, 1)
        and counts["simplePlan.QIF"] == ("3.0.0", 11, 0)
        and counts["mitutoyo_results_serialized_pass_fail_sample.QIF"] == ("3.0.0", 0, 1)
    ), counts
