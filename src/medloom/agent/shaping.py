"""Taking the part of a cell that is meant: a serial number inside a long name, with leading noughts. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the text that is meant is made from the text of the cell, in this order.

    renamed  spellings that mean another word, exactly
    extract  regular expression with one group: that group is meant; a cell that does not fit is refused
    digits   a number is filled up with noughts to so many digits
    prefix   what stands before it; `suffix` behind it
    """

    renamed: dict[str, str] = {}
    extract: str = ""
    digits: int = 0
    prefix: str = ""
    suffix: str = ""


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def fits(shape: Shape) -> bool:
    """Whether its expression can be read and has the one group."""
    try:
        return not shape.extract or _compiled(shape.extract).groups == 1
    except re.error:
        return False


def shaped(text: str, shape: Shape) -> str | None:
    """The text that is meant, or None where the text does not fit the expression."""
    found = shape.renamed.get(text, text)
    if shape.extract:
        match = _compiled(shape.extract).fullmatch(found)
        if match is None or not match.group(1):
            return None
        found = match.group(1)
    if found.isdecimal():
        found = found.zfill(shape.digits)
    return f"{shape.prefix}{found}{shape.suffix}"
