"""Unique device identification: check digits, and reading and writing of UDI strings of GS1 and HIBCC. Pure.

GS1 strings are read by `biip`; an expiry `YYMM00` stays a month and is never turned into its last day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medloom.wire.verdict import Refusal

if TYPE_CHECKING:
    from biip.gs1_messages import GS1Message

#: HIBCC's characters in the order of their values (ANSI/HIBC 2.6): the check character is made of their sum.
HIBCC_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%"
UDI_CHARACTERS_MAX = 200
#: What GS1 allows in a lot or serial number (table 7.11-1), at most twenty characters.
_GS1_FREE = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}")
#: The separator as it is scanned (FNC1, sent as GS), and as programs that cannot show it write it.
SEPARATOR = re.compile("\x1d|\u241d|<GS>|\\{GS\\}|\\[GS\\]|\\^\\]", re.IGNORECASE)
_EXPIRY = re.compile(r"20(\d\d)-(\d\d)(?:-(\d\d))?")


class UdiRefused(ValueError):
    """The text is no UDI, or not a sound one; the refusal says what was expected."""

    def __init__(self, code: str, *, path: str = "/udi", expected: str = "", got: str = "") -> None:
        super().__init__(code, expected, got)
        self.refusal = Refusal(code=code, path=path, expected=expected, got=got[:80])


@dataclass(frozen=True)
class Udi:
    """A UDI taken apart: device identifier, and of the production identifier what was there.

    expires, made  a day `2027-05-31`, or a month alone `2027-05`
    """

    agency: str
    di: str
    lot: str = ""
    serial: str = ""
    expires: str = ""
    made: str = ""
    sscc: str = ""


# -- check digits -----------------------------------------------------------------------------


def gs1_check_digit(digits: str) -> str:
    """The last digit of a GTIN or SSCC for the digits before it (GS1 General Specifications 7.9).

    Raises ValueError for anything but digits.
    """
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("GS1 check digits are computed of digits alone")
    total = sum(int(d) * (3 if n % 2 == 0 else 1) for n, d in enumerate(reversed(digits)))
    return str(-total % 10)


def hibcc_check_character(text: str) -> str:
    """The last character of a HIBCC code for the characters before it, the leading `+` included.

    Raises ValueError for a character that HIBCC does not know.
    """
    return HIBCC_CHARACTERS[sum(HIBCC_CHARACTERS.index(c) for c in text) % 43]


def wrong_identifier(di: str, agency: str) -> Refusal | None:
    """What is wrong with a device identifier of that agency; None for a sound one.

    GS1: a GTIN of 14 digits with its check digit. HIBCC: as it is printed, without the leading `+`, with
    its check character. Other agencies' identifiers have no check that could be made.
    """
    if agency == "GS1":
        if not re.fullmatch(r"[0-9]{14}", di):
            return Refusal(code="udi_form", path="/fields/di", expected="14 digits (GTIN-14)", got=di[:80])
        if gs1_check_digit(di[:-1]) != di[-1]:
            expected = di[:-1] + gs1_check_digit(di[:-1])
            return Refusal(code="udi_check_digit", path="/fields/di", expected=expected, got=di)
    elif agency == "HIBCC":
        if not re.fullmatch(r"[A-Z][A-Z0-9]{3}[A-Z0-9]{1,18}[0-9][A-Z0-9\-. $/+%]", di):
            expected = "labeller, product, unit of measure and check character"
            return Refusal(code="udi_form", path="/fields/di", expected=expected, got=di[:80])
        if hibcc_check_character(f"+{di[:-1]}") != di[-1]:
            expected = di[:-1] + hibcc_check_character(f"+{di[:-1]}")
            return Refusal(code="udi_check_digit", path="/fields/di", expected=expected, got=di)
    return None


# -- reading ----------------------------------------------------------------------------------


def parse_udi(text: str) -> Udi:
    """A UDI as it was scanned or typed: GS1 with or without brackets, or HIBCC.

    Raises UdiRefused: `udi_empty`, `udi_too_long`, `udi_form`, `udi_check_digit`, `udi_without_device`.
    """
    text = SEPARATOR.sub("\x1d", text.strip())
    if not text:
        raise UdiRefused("udi_empty", expected="a UDI, scanned or typed")
    if len(text) > UDI_CHARACTERS_MAX:
        raise UdiRefused("udi_too_long", expected=f"<= {UDI_CHARACTERS_MAX} characters", got=text)
    if text.startswith("+"):
        return _hibcc(text)
    if text.isascii() and text.isdigit() and len(text) in (8, 12, 13, 14):
        text = f"01{text:0>14}"
    from biip import ParseError  # not carried by web processes that never need it

    try:
        message = _gs1(text)
    except (ParseError, ValueError) as error:
        expected = "(01) device (17) expiry (10) lot (21) serial"
        raise UdiRefused("udi_form", expected=expected, got=text) from error
    return _of_message(message, text)


def _gs1(text: str) -> GS1Message:
    from biip.gs1_messages import GS1Message

    if text.startswith("("):
        return GS1Message.parse_hri(text)
    if text.startswith("]"):
        text = text[3:]
    return GS1Message.parse(text.lstrip("\x1d"))


def _of_message(message: GS1Message, text: str) -> Udi:
    found, seen = Udi("GS1", ""), dict[str, str]()
    for element in message.element_strings:
        name, value = element.ai.ai, element.value
        if seen.setdefault(name, value) != value:
            raise UdiRefused("udi_form", path=f"/({name})", expected=f"({name}) once", got=value)
        wrong = element.gtin_error or element.sscc_error
        if wrong:
            digits = value[:-1] + gs1_check_digit(value[:-1]) if value.isdigit() else "digits"
            raise UdiRefused("udi_check_digit", path=f"/({name})", expected=digits, got=value)
        if name == "01":
            found = replace(found, di=value)
        elif name == "10":
            found = replace(found, lot=value)
        elif name == "21":
            found = replace(found, serial=value)
        elif name == "00":
            found = replace(found, sscc=value)
        elif name in ("17", "11"):
            if element.date is None:
                raise UdiRefused("udi_form", path=f"/({name})", expected="YYMMDD", got=value)
            day = element.date.isoformat()
            told = day[:7] if value.endswith("00") else day
            found = replace(found, expires=told) if name == "17" else replace(found, made=told)
    if not found.di and not found.sscc:
        raise UdiRefused("udi_without_device", expected="(01) and a GTIN", got=text)
    return found


#: A quantity of so many digits before the date and the lot.
_HIBCC_QUANTITIES = {"8": 2, "9": 5}
_HIBCC_DATES = {
    "2": ("%m%d%y", 6),
    "3": ("%y%m%d", 6),
    "4": ("%y%m%d", 8),
    "5": ("%y%j", 5),
    "6": ("%y%j", 7),
}


def _hibcc(text: str) -> Udi:
    try:
        right = hibcc_check_character(text[:-1])
    except ValueError:
        raise UdiRefused("udi_form", expected="characters of HIBCC", got=text) from None
    if right != text[-1]:
        raise UdiRefused("udi_check_digit", expected=text[:-1] + right, got=text)
    primary, *rest = text[1:-1].split("/")
    if not re.fullmatch(r"[A-Z][A-Z0-9]{3}[A-Z0-9]{1,18}[0-9]", primary):
        raise UdiRefused("udi_form", expected="+ labeller, product, unit of measure", got=text)
    found = Udi("HIBCC", primary + hibcc_check_character(f"+{primary}"))
    for part in rest:
        found = _hibcc_part(found, part)
    return found


def _hibcc_part(found: Udi, part: str) -> Udi:
    serial = part.startswith(("$+", "$$+"))
    if part.startswith("$$"):
        body = part[3:] if serial else part[2:]
        expires, number = _hibcc_expiry(body)
        found = replace(found, expires=expires)
        return replace(found, serial=number) if serial else replace(found, lot=number)
    if part.startswith("$"):
        return replace(found, serial=part[2:]) if serial else replace(found, lot=part[1:])
    if part.startswith("S"):
        return replace(found, serial=part[1:])
    if part.startswith(("14D", "16D")) and re.fullmatch(r"\d{8}", part[3:]):
        day = f"{part[3:7]}-{part[7:9]}-{part[9:]}"
        return replace(found, expires=day) if part.startswith("14D") else replace(found, made=day)
    raise UdiRefused("udi_form", expected="$, $$, $+, $$+, S, 14D or 16D", got=part)


def _hibcc_expiry(body: str) -> tuple[str, str]:
    """(expiry, lot or serial) of a `$$` part. MMYY is a month alone."""
    import datetime as dt

    flag = body[:1]
    if flag in _HIBCC_QUANTITIES and body[1 : 1 + _HIBCC_QUANTITIES[flag]].isdigit():
        body = body[1 + _HIBCC_QUANTITIES[flag] :]
        flag = body[:1]
    if flag == "7":
        return "", body[1:]
    if flag in ("0", "1"):
        month, year = body[:2], body[2:4]
        if not (year.isdigit() and "01" <= month <= "12"):
            raise UdiRefused("udi_form", path="/$$", expected="MMYY", got=body)
        return f"20{year}-{month}", body[4:]
    if flag not in _HIBCC_DATES:
        raise UdiRefused("udi_form", path="/$$", expected="MMYY, or a date behind 2 to 7", got=body)
    form, length = _HIBCC_DATES[flag]
    digits = body[1 : 1 + length]
    try:
        day = dt.datetime.strptime(digits[: 5 if form == "%y%j" else 6], form).date()  # noqa: DTZ007
    except ValueError:
        raise UdiRefused("udi_form", path="/$$", expected="an expiry date", got=body) from None
    if day.year < 2000:  # two digits of a year: no device was marked in the century before
        day = day.replace(year=day.year + 100)
    return day.isoformat(), body[1 + length :]


#: Readings of one text without separators that are tried.
READINGS_MOST = 24


def unseparated(text: str) -> list[Udi]:
    """Every way to read a GS1 text whose separators a scanner has dropped, longest lot or serial first.

    Empty for a text with separators or brackets, and for one that is no GS1 device with something behind it.
    """
    body = re.sub(r"^\][A-Za-z][0-9]", "", text.strip())
    if SEPARATOR.search(body) or "(" in body or not re.fullmatch(r"01[0-9]{14}.+", body):
        return []
    if gs1_check_digit(body[2:15]) != body[15] or len(body) > UDI_CHARACTERS_MAX:
        return []
    return _tails(body[16:], Udi("GS1", body[2:16]))[:READINGS_MOST]


_NAMES = {"10": "lot", "21": "serial", "11": "made", "17": "expires"}


def _tails(text: str, told: Udi) -> list[Udi]:
    """The readings of what follows; each part at most once."""
    if not text:
        return [told]
    name, rest = _NAMES.get(text[:2]), text[2:]
    if name is None or getattr(told, name):
        return []
    if name in ("made", "expires"):
        day = re.match(r"([0-9]{2})(0[1-9]|1[0-2])(0[0-9]|[12][0-9]|3[01])", rest)
        if day is None:
            return []
        value = f"20{day[1]}-{day[2]}" + ("" if day[3] == "00" else f"-{day[3]}")
        try:
            _day(value, text[:2])
        except UdiRefused:
            return []
        return _tails(rest[6:], replace(told, **{name: value}))
    found: list[Udi] = []
    for length in range(min(20, len(rest)), 0, -1):
        if _GS1_FREE.fullmatch(rest[:length]) and len(found) < READINGS_MOST:
            found += _tails(rest[length:], replace(told, **{name: rest[:length]}))
    return found


# -- writing ----------------------------------------------------------------------------------


def build_gs1(udi: Udi) -> str:
    """The UDI as people read it, with brackets: `(01)...(17)...(10)...(21)...`.

    Raises UdiRefused: `udi_check_digit`, `udi_form` for an identifier, date, lot or serial number that a GS1
    label cannot carry.
    """
    wrong = wrong_identifier(udi.di, "GS1")
    if wrong is not None:
        raise UdiRefused(wrong.code, path="/(01)", expected=wrong.expected, got=wrong.got)
    parts = [("01", udi.di), ("11", _day(udi.made, "11")), ("17", _day(udi.expires, "17")),
             ("10", udi.lot), ("21", udi.serial)]  # fmt: skip
    for name, value in parts:
        if value and name in ("10", "21") and not _GS1_FREE.fullmatch(value):
            expected = "1 to 20 letters, digits and signs of GS1"
            raise UdiRefused("udi_form", path=f"/({name})", expected=expected, got=value)
    return "".join(f"({name}){value}" for name, value in parts if value)


def _day(text: str, name: str) -> str:
    """YYMMDD, or YYMM00 for a month alone."""
    import datetime as dt

    if not text:
        return ""
    found = _EXPIRY.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        dt.date.fromisoformat(text if found[3] else f"{text}-01")
    except ValueError:
        expected = "a day YYYY-MM-DD or a month YYYY-MM, 2000 to 2099"
        raise UdiRefused("udi_form", path=f"/({name})", expected=expected, got=text) from None
    return f"{found[1]}{found[2]}{found[3] or '00'}"
