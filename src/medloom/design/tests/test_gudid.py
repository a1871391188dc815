"""The device database's file: every record has one outcome, hostile files are refused, units have codes."""

from __future__ import annotations

import io
from collections import Counter

import pytest

from medloom.design.gudid import Read, read_gudid, release_day
from medloom.wire.verdict import FileRefused
from tests.plant_files import DATA

FILE = DATA / "fda_gudid" / "gudid_2016_shared.xml"
DI, BOX, CASE = "09520001234569", "19520001234566", "29520001234563"


def record(di: str = DI, *, inside: str = "", more: str = "", kind: str = "Primary") -> str:
    return f"""<device xmlns="http://www.fda.gov/cdrh/gudid" deviceid="{di}"><identifiers><identifier>
      <deviceId>{di}</deviceId><deviceIdType>{kind}</deviceIdType>
      <deviceIdIssuingAgency>GS1</deviceIdIssuingAgency><pkgQuantity/></identifier>{inside}</identifiers>
      <brandName>Demo  brand</brandName><lotBatch>true</lotBatch>{more}</device>"""


def read(*records: str, head: str = '<?xml version="1.0"?>') -> list[Read]:
    return list(read_gudid(io.BytesIO(f"{head}<data>{''.join(records)}</data>".encode())))


def package(di: str, contains: str, quantity: str) -> str:
    return f"""<identifier><deviceId>{di}</deviceId><deviceIdType>Package</deviceIdType>
      <deviceIdIssuingAgency>GS1</deviceIdIssuingAgency><containsDINumber>{contains}</containsDINumber>
      <pkgQuantity>{quantity}</pkgQuantity></identifier>"""


def storage(low: str = "", low_unit: str = "", high: str = "", high_unit: str = "", text: str = "") -> str:
    part = "<{0}><unit>{1}</unit><value>{2}</value></{0}>"
    return f"""<environmentalConditions><storageHandling><storageHandlingType>T</storageHandlingType>
      {part.format("storageHandlingHigh", high_unit, high)}{part.format("storageHandlingLow", low_unit, low)}
      <storageHandlingSpecialConditionText>{text}</storageHandlingSpecialConditionText>
      </storageHandling></environmentalConditions>"""


@pytest.mark.pure
def test_a_record_with_its_packages_at_their_levels() -> None:
    (one,) = read(record(inside=package(CASE, BOX, "4") + package(BOX, DI, "10")))
    assert one.refusal is None and one.fields["brand"] == "Demo brand" and one.fields["lot_marked"] is True
    assert [(p["di"], p["level"], p["quantity"]) for p in one.fields["packages"]] == [
        (CASE, 2, 4),
        (BOX, 1, 10),
    ]


@pytest.mark.pure
@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("gudid_full_release_20160825.xml", "2016-08-25"),
        ("gudid-2026-11-01-part2.xml", "2026-11-01"),
        ("gudid_2016_shared.xml", ""),
        ("release_20161399.xml", ""),
        ("123201608257.xml", ""),
    ],
)
def test_the_day_of_a_release_stands_in_its_name(name: str, day: str) -> None:
    assert release_day(name) == day


@pytest.mark.pure
def test_words_for_nothing_are_nothing() -> None:
    (one,) = read(record(more="<catalogNumber>N/A</catalogNumber><companyName> NI </companyName>"))
    assert "catalogue" not in one.fields and "company" not in one.fields


@pytest.mark.pure
def test_packages_that_hold_each_other_end() -> None:
    (one,) = read(record(inside=package(CASE, BOX, "4") + package(BOX, CASE, "10")))
    assert [p["level"] for p in one.fields["packages"]] == [1, 1]


@pytest.mark.pure
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (storage("2", "Degrees Celsius", "8.5", "Degrees Celsius"), [("2", "8.5", "Cel", None)]),
        (storage("", "", "86", "Degrees Fahrenheit", "dry"), [(None, "86", "[degF]", "dry")]),
        (storage("36", "Degrees Fahrenheit", "8", "Degrees Celsius"),
         [("36", None, "[degF]", None), (None, "8", "Cel", None)]),
        (storage(text="Store at room temperature"), [(None, None, None, "Store at room temperature")]),
        (storage("1", "Furlong"), [(None, None, None, "low 1 Furlong")]),
    ],
)  # fmt: skip
def test_limits_have_their_unit_and_words_stay_words(
    given: str, expected: list[tuple[str | None, ...]]
) -> None:
    (one,) = read(record(more=given))
    found = [(s.get("low"), s.get("high"), s.get("unit"), s.get("text")) for s in one.fields["storage"]]
    assert found == expected


@pytest.mark.pure
def test_a_wrong_record_is_one_refused_line_among_good_ones() -> None:
    found = read(
        record(), record("09520001234561"), record(kind="Package"),
        record(more="<singleUse>maybe</singleUse>"),
        record(more=storage("warm", "Degrees Celsius")), record(more="<deviceCount>one</deviceCount>"),
        record(more="<devicePublishDate>16-1-1</devicePublishDate>"),
    )  # fmt: skip
    assert [r.refusal.code if r.refusal else "" for r in found] == [
        "", "udi_check_digit", "gudid_value", "gudid_value", "gudid_value", "gudid_value", "gudid_value",
    ]  # fmt: skip
    assert all(r.line > 0 for r in found)


@pytest.mark.pure
@pytest.mark.parametrize("word", ["Deactivated", "Unpublished"])
def test_a_record_that_was_withdrawn_is_no_device_and_is_told(word: str) -> None:
    published = record(more="<deviceRecordStatus>Published</deviceRecordStatus>")
    withdrawn = record(BOX, more=f"<deviceRecordStatus>{word}</deviceRecordStatus>")
    good, bad = read(published, withdrawn)
    assert good.refusal is None and bad.refusal is not None
    assert (bad.di, bad.refusal.path, bad.refusal.got) == (BOX, "/deviceRecordStatus", word)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('<!DOCTYPE data [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><data>&b;</data>', "file_doctype"),
        ('<!DOCTYPE data SYSTEM "file:///etc/passwd"><data/>', "file_doctype"),
        ("<data>" + "<a>" * 150 + "</a>" * 150 + "</data>", "file_too_deep"),
        ("<data><device>" + "<a/>" * 20_100 + "</device></data>", "file_too_large"),
        ("<data><device></data>", "file_broken"),
        ("no xml", "file_broken"),
    ],
)
def test_hostile_and_broken_files_are_refused(text: str, code: str) -> None:
    with pytest.raises(FileRefused) as caught:
        list(read_gudid(io.BytesIO(text.encode())))
    assert caught.value.refusal.code == code


@pytest.mark.pure
def test_what_stands_before_the_break_was_handed_out() -> None:
    reading = read_gudid(io.BytesIO(f"<data>{record()}{record()}<device>".encode() + b" " * 70_000))
    assert next(reading).di == DI


@pytest.mark.files
def test_every_real_record_is_understood() -> None:
    if not FILE.is_file():
        assert len(read(record(), record(BOX))) == 2, "real files: name their folder in MEDLOOM_DATA"
        return
    with FILE.open("rb") as file:
        found = list(read_gudid(file))
    assert (len(found), [r.di for r in found if r.refusal]) == (660, [])
    units = Counter(s.get("unit") for r in found for s in r.fields["storage"])
    assert units == {None: 276, "Cel": 134, "[degF]": 32}
    levels = Counter(p.get("level") for r in found for p in r.fields["packages"])
    assert levels == {1: 254, 2: 12, None: 60}
