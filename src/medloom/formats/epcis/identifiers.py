"""Identifiers in events: EPC URNs and GS1 Digital Link addresses, and the GTIN, lot and serial in them.

Syntax after the EPC Tag Data Standard 2.x (section 6) and GS1 Digital Link: URI Syntax 1.x. Private
identifiers (any other URI) are permitted by the CBV and kept as they are.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import msgspec

URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}:[^\s\"<>\\^`{|}\x00-\x1f]{1,480}", re.ASCII)
LENGTH_MOST = 500
_CHARS = r"(?:[A-Za-z0-9!'()*+,\-.:;=_]|%[0-9A-Fa-f]{2}){1,40}"
#: Scheme -> how many digits company prefix and reference have together, and what follows them.
_DIGITS = {
    "sgtin": (13, rf"\.{_CHARS}"),
    "sscc": (17, ""),
    "sgln": (12, rf"\.{_CHARS}"),
    "grai": (12, rf"\.{_CHARS}"),
    "gsrn": (17, ""),
    "gsrnp": (17, ""),
    "gdti": (12, rf"\.{_CHARS}"),
    "sgcn": (12, r"\.[0-9]{1,12}"),
    "gsin": (16, ""),
    "itip": (13, rf"\.[0-9]{{2}}\.[0-9]{{2}}\.{_CHARS}"),
    "upui": (13, rf"\.{_CHARS}"),
    "pgln": (12, ""),
}
_FREE = {
    "giai": rf"[0-9]{{6,12}}\.{_CHARS}",
    "ginc": rf"[0-9]{{6,12}}\.{_CHARS}",
    "cpi": r"[0-9]{6,12}\.(?:[A-Z0-9\-]|%2[3F])+\.[0-9]{1,12}",
    "gid": rf"[0-9]+\.[0-9]+\.{_CHARS}",
    "adi": rf"[A-Z0-9]{{5,6}}\.{_CHARS}",
    "usdod": rf"[A-Z0-9]{{5,6}}\.{_CHARS}",
    "bic": r"[A-Z]{3}[JUZ][0-9]{6,7}",
    "imovn": r"[0-9]{7}",
}
_PAIR = r"(?P<prefix>[0-9]{6,12})\.(?P<reference>[0-9]{0,11})"
_PATTERNS = {
    **{scheme: re.compile(rf"{_PAIR}{rest}", re.ASCII) for scheme, (_, rest) in _DIGITS.items()},
    **{scheme: re.compile(pattern, re.ASCII) for scheme, pattern in _FREE.items()},
}
#: Application identifiers that name something in a Digital Link, with the form of their value.
_KEYS = {
    "00": r"[0-9]{18}",
    "01": r"[0-9]{14}",
    "253": r"[0-9]{13}.{0,17}",
    "255": r"[0-9]{13}[0-9]{0,12}",
    "401": r".{1,30}",
    "402": r"[0-9]{17}",
    "414": r"[0-9]{13}",
    "417": r"[0-9]{13}",
    "8003": r"[0-9]{14}.{0,16}",
    "8004": r".{1,30}",
    "8006": r"[0-9]{18}",
    "8010": r".{1,30}",
    "8013": r".{1,25}",
    "8017": r"[0-9]{18}",
    "8018": r"[0-9]{18}",
}
#: Of these, naming a class of things unless a serial follows.
_CLASS_KEYS = frozenset({"01", "8006"})


class Identified(msgspec.Struct, frozen=True):
    """What an identifier names: GTIN (14 digits), lot and serial as far as it says so."""

    gtin: str = ""
    lot: str = ""
    serial: str = ""


def check_digit(digits: str) -> str:
    """The GS1 check digit of these digits (GS1 General Specifications, 7.9)."""
    weighed = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return str(-weighed % 10)


def instance_fault(text: object) -> str:
    """What a single item's identifier should have been; "" when it is one."""
    if not isinstance(text, str) or not URI.fullmatch(text):
        return "EPC URN, GS1 Digital Link or other URI"
    if text.startswith("urn:epc:"):
        return _urn_fault(text, "id")
    key = _link_key(text)
    if key is not None:
        ai, value, rest = key
        if not re.fullmatch(_KEYS[ai], value):
            return f"value of ({ai})"
        if ai in _CLASS_KEYS and "21" not in rest:
            return f"({ai}) with a serial (21): a class belongs in a quantity list"
    return ""


def class_fault(text: object) -> str:
    """What an identifier of a class (item, lot) should have been; "" when it is one."""
    if not isinstance(text, str) or not URI.fullmatch(text):
        return "EPC class URN, GS1 Digital Link or other URI"
    if text.startswith("urn:epc:"):
        return _class_urn_fault(text)
    key = _link_key(text)
    if key is not None and not re.fullmatch(_KEYS[key[0]], key[1]):
        return f"value of ({key[0]})"
    return ""


def _urn_fault(text: str, kind: str) -> str:
    head, _, rest = text.removeprefix("urn:epc:").partition(":")
    scheme, _, value = rest.partition(":")
    if head != kind:
        return f"urn:epc:{kind}:<scheme>:<value>"
    pattern = _PATTERNS.get(scheme)
    if pattern is None:
        return "scheme " + "|".join(sorted(_PATTERNS))
    found = pattern.fullmatch(value)
    if not found:
        return f"value of {scheme}"
    wanted = _DIGITS.get(scheme, (0, ""))[0]
    if wanted and len(found["prefix"]) + len(found["reference"]) != wanted:
        return f"{wanted} digits before the serial of {scheme}"
    return ""


def _class_urn_fault(text: str) -> str:
    if text.startswith("urn:epc:class:lgtin:"):
        return _urn_fault("urn:epc:id:sgtin:" + text.removeprefix("urn:epc:class:lgtin:"), "id").replace(
            "sgtin", "lgtin"
        )
    if text.startswith("urn:epc:idpat:"):
        scheme, _, value = text.removeprefix("urn:epc:idpat:").partition(":")
        if not value.endswith(".*"):
            return "urn:epc:idpat:<scheme>:<value>.*"
        return _urn_fault(f"urn:epc:id:{scheme}:{value[:-1]}1", "id")
    return "urn:epc:class:lgtin: or urn:epc:idpat:"


def _link_key(text: str) -> tuple[str, str, dict[str, str]] | None:
    """(application identifier, value, qualifiers) of a Digital Link; None for any other address."""
    if not text.startswith(("http://", "https://")):
        return None
    parts = [unquote(part) for part in urlsplit(text).path.split("/")]
    for at in range(len(parts) - 1):
        if parts[at] in _KEYS and parts[at + 1]:
            rest = parts[at + 2 :]
            return parts[at], parts[at + 1], dict(zip(rest[::2], rest[1::2], strict=False))
    return None


@lru_cache(maxsize=8_192)
def identify(text: str) -> Identified:
    """GTIN, lot and serial in an identifier that has been checked; empty where it says nothing of them."""
    for start, field in (("urn:epc:id:sgtin:", "serial"), ("urn:epc:class:lgtin:", "lot")):
        if text.startswith(start):
            prefix, reference, rest = text.removeprefix(start).split(".", 2)
            return _named(_gtin(prefix, reference), field, unquote(rest))
    if text.startswith("urn:epc:idpat:sgtin:"):
        prefix, reference, _ = text.removeprefix("urn:epc:idpat:sgtin:").split(".", 2)
        return Identified(gtin=_gtin(prefix, reference))
    key = _link_key(text)
    if key is None or key[0] != "01":
        return Identified()
    return Identified(gtin=key[1], lot=key[2].get("10", ""), serial=key[2].get("21", ""))


def _named(gtin: str, field: str, value: str) -> Identified:
    return Identified(gtin=gtin, lot=value) if field == "lot" else Identified(gtin=gtin, serial=value)


def _gtin(prefix: str, reference: str) -> str:
    digits = f"{reference[:1]}{prefix}{reference[1:]}"
    return digits + check_digit(digits)
