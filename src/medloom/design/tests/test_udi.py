"""UDI strings: check digits, taking apart, putting together, and a label that a reader reads back."""

from __future__ import annotations

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from medloom.design.udi import (
    Udi,
    UdiRefused,
    build_gs1,
    gs1_check_digit,
    hibcc_check_character,
    parse_udi,
    unseparated,
    wrong_identifier,
)

pytestmark = pytest.mark.pure
DI = "09520001234569"


def refusal(text: str) -> tuple[str, str]:
    with pytest.raises(UdiRefused) as caught:
        parse_udi(text)
    return caught.value.refusal.code, caught.value.refusal.expected


def test_published_examples_have_their_check_characters() -> None:
    assert gs1_check_digit("629104150021") == "3"
    assert gs1_check_digit("37610425002123456") == "9"
    assert hibcc_check_character("+A123BJC5D6E71") == "G"
    assert hibcc_check_character("+A99912345/$$52001510X3/16D20111212/S77DEFG45") == "7"


@pytest.mark.parametrize(
    "text",
    [
        f"01{DI}17270500" + "10LOT1\x1d2100012",
        f"]d201{DI}17270500" + "10LOT1\x1d2100012",
        f"\x1d01{DI}17270500" + "10LOT1\x1d2100012",
        f"(01){DI}(17)270500(10)LOT1(21)00012",
    ],
)
def test_a_gs1_udi_is_read_as_scanned_and_as_typed(text: str) -> None:
    assert parse_udi(text) == Udi("GS1", DI, lot="LOT1", serial="00012", expires="2027-05")


def test_a_bare_identifier_is_a_device_and_a_day_stays_a_day() -> None:
    assert parse_udi(DI).di == DI
    assert parse_udi(f"(01){DI}(17)280229(11)270101").expires == "2028-02-29"
    assert parse_udi(f"(01){DI}(11)270101").made == "2027-01-01"


def test_hibcc_with_lot_expiry_serial_and_making_day() -> None:
    found = parse_udi("+A99912345/$$52001510X3/16D20111212/S77DEFG457")
    assert (found.agency, found.lot, found.serial) == ("HIBCC", "10X3", "77DEFG45")
    assert (found.expires, found.made) == ("2020-01-15", "2011-12-12")
    month = "+A99912345/$$0127LOT9"
    assert parse_udi(month + hibcc_check_character(month)).expires == "2027-01"
    serial = "+A99912345/$$+7SER1"
    assert parse_udi(serial + hibcc_check_character(serial)).serial == "SER1"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "udi_empty"), ("x" * 201, "udi_too_long"), ("hello", "udi_form"), ("(99", "udi_form"),
        ("(10)LOT", "udi_without_device"), ("+A9991?345", "udi_form"), ("+$$5200157", "udi_check_digit"),
        (f"(01){DI}(17)271399", "udi_form"), ("(01)0952", "udi_form"), ("合格", "udi_form"),
    ],
)  # fmt: skip
def test_what_is_no_udi_is_refused_with_a_code(text: str, code: str) -> None:
    assert refusal(text)[0] == code


def test_a_wrong_check_digit_names_the_right_one() -> None:
    assert refusal(f"(01){DI[:-1]}1(10)L") == ("udi_check_digit", DI)
    wrong = wrong_identifier("H373RMT2312163", "HIBCC")
    assert wrong is not None and wrong.expected == "H373RMT231216Z"
    assert wrong_identifier("H373VBJR060202A3A", "HIBCC") is None
    assert wrong_identifier("12", "GS1") is not None and wrong_identifier("anything", "ICCBBA") is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        parse_udi(text)
    except UdiRefused as refused:
        assert refused.refusal.code.startswith("udi_")


_FREE = st.text("ABCXYZ0123456789-._/+", min_size=1, max_size=20)


@given(_FREE, _FREE, st.sampled_from(["", "2027-05", "2027-05-31"]))
def test_what_is_built_is_read_back_and_a_month_stays_a_month(lot: str, serial: str, expires: str) -> None:
    udi = Udi("GS1", DI, lot=lot, serial=serial, expires=expires)
    assert parse_udi(build_gs1(udi)) == udi


@pytest.mark.parametrize("wrong", [Udi("GS1", DI, lot="批次"), Udi("GS1", DI, lot="L" * 21),
                                   Udi("GS1", DI, expires="2027"), Udi("GS1", "123")])  # fmt: skip
def test_what_a_label_cannot_carry_is_refused(wrong: Udi) -> None:
    with pytest.raises(UdiRefused):
        build_gs1(wrong)


def test_a_label_is_read_back_by_a_reader() -> None:
    text = build_gs1(Udi("GS1", DI, lot="FG-D1-001", serial="00012", expires="2027-05"))
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, gs1=True)
    (read,) = zxingcpp.read_barcodes(made.to_image(scale=6))
    assert read.content_type == zxingcpp.ContentType.GS1
    assert parse_udi(read.text) == parse_udi(read.bytes.decode()) == parse_udi(text)


def hibcc(*parts: str) -> str:
    text = "/".join(("+A123BJC5D61", *parts))
    return text + hibcc_check_character(text)


@pytest.mark.parametrize(
    ("part", "expires", "lot"),
    [
        ("$$8040429LOT7", "2029-04", "LOT7"),  # a quantity of 04, then MMYY
        ("$$9000143291201LOT7", "2029-12-01", "LOT7"),
        ("$$3720229LOT7", "2072-02-29", "LOT7"),
        ("$$7LOT7", "", "LOT7"),
    ],
)
def test_a_hibcc_quantity_stands_before_the_date_and_a_year_is_of_this_century(
    part: str, expires: str, lot: str
) -> None:
    found = parse_udi(hibcc(part))
    assert (found.expires, found.lot) == (expires, lot)


@pytest.mark.parametrize("part", ["$$A55", "$$", "$$8", "$$9123", "$$2133029L"])
def test_a_hibcc_date_that_is_none_is_refused_and_never_1900(part: str) -> None:
    with pytest.raises(UdiRefused) as refused:
        parse_udi(hibcc(part))
    assert refused.value.refusal.code == "udi_form"


def test_a_part_that_contradicts_itself_is_refused_and_the_same_twice_is_not() -> None:
    assert parse_udi("(01)09506000134352(10)A(10)A").lot == "A"
    with pytest.raises(UdiRefused) as refused:
        parse_udi("(01)09506000134352(10)A(10)B")
    assert refused.value.refusal.path == "/(10)"


@pytest.mark.parametrize(("name", "path"), [("expires", "/(17)"), ("made", "/(11)")])
@pytest.mark.parametrize("day", ["2027-02-30", "2027-13", "2027-00-01", "27-01-01"])
def test_a_day_that_does_not_exist_is_on_no_label(name: str, path: str, day: str) -> None:
    with pytest.raises(UdiRefused) as refused:
        build_gs1(Udi("GS1", "09506000134352", **{name: day}))
    assert (refused.value.refusal.code, refused.value.refusal.path) == ("udi_form", path)


@pytest.mark.parametrize("sign", ["\x1d", "\u241d", "<GS>", "{GS}", "[gs]", "^]"])
def test_separators_are_read_however_a_program_writes_them(sign: str) -> None:
    found = parse_udi(f"01{DI}10LOT1{sign}2100012")
    assert (found.lot, found.serial) == ("LOT1", "00012")


def test_without_separators_every_reading_is_told_longest_first() -> None:
    told = unseparated(f"]d201{DI}1727050010LOT12100012")
    assert told[0] == Udi("GS1", DI, lot="LOT12100012", expires="2027-05")
    assert Udi("GS1", DI, lot="LOT1", serial="00012", expires="2027-05") in told
    # Too long for one lot number: the one reading with a serial number is left.
    (long,) = unseparated(f"01{DI}10LOT-1234567890-A21SERIAL-1234567890")
    assert (long.lot, long.serial) == ("LOT-1234567890-A", "SERIAL-1234567890")
    # 17 and six digits that are no day belong to the lot.
    assert unseparated(f"01{DI}10AB17999999") == [Udi("GS1", DI, lot="AB17999999")]
    assert unseparated(f"01{DI}10LOT1\x1d2100012") == []
    assert unseparated(f"(01){DI}(10)LOT1(21)00012") == []
    assert unseparated(f"01{DI[:-1]}010LOT12100012") == []
    assert unseparated("WO-1") == []


@given(lot=st.from_regex(r"[A-Z][A-Z0-9-]{0,11}", fullmatch=True), serial=st.integers(1, 99_999))
def test_what_was_printed_is_among_the_readings(lot: str, serial: int) -> None:
    told = unseparated(f"01{DI}10{lot}21{serial:05d}")
    assert any((one.lot, one.serial) == (lot, f"{serial:05d}") for one in told)
    assert len(told) <= 24
