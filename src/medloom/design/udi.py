"""Unique device identification: check digits of GS1 and HIBCC. Pure."""

from __future__ import annotations

#: HIBCC's characters in the order of their values (ANSI/HIBC 2.6): the check character is made of their sum.
HIBCC_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%"


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
