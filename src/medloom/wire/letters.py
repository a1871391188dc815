"""Letters that look like others, and characters that nobody sees. Pure.

A lot number that is copied out of a label, an e-mail or a picture may hold a Cyrillic `О` for a Latin
one: two lots that a person cannot tell apart. The letter is kept, since it is what the plant wrote; it is
told, and the two numbers are proposed as one (Unicode Technical Standard 39 calls such letters confusable).
"""

from __future__ import annotations

import re
import unicodedata

#: Letters of other alphabets -> the Latin letter or figure that they are drawn like, in capitals and small.
_DRAWN_LIKE = {
    "АΑ": "A", "ВΒ": "B", "С": "C", "ЕΕ": "E", "НΗ": "H", "ІΙӀ": "I", "Ј": "J", "КΚ": "K", "МΜ": "M",
    "Ν": "N", "ОΟ": "O", "РΡ": "P", "Ѕ": "S", "ТΤ": "T", "УΥҮ": "Y", "ХΧ": "X", "Ζ": "Z", "Ѡ": "W", "Ԛ": "Q",
    "Ԝ": "W", "а": "a", "с": "c", "ԁ": "d", "е": "e", "һ": "h", "іι": "i", "ј": "j", "о": "o", "ο": "o",
    "рρ": "p", "ѕ": "s", "ν": "v", "ѵ": "v", "х": "x", "уγ": "y", "ԛ": "q", "ԝ": "w", "α": "a", "З": "3",
    "‐‑‒–—―−": "-", "Օ": "O", "օ": "o", "Ս": "U",
}  # fmt: skip
LOOK_ALIKES = {letter: plain for letters, plain in _DRAWN_LIKE.items() for letter in letters}
#: The same for PostgreSQL's `translate`.
FROM = "".join(LOOK_ALIKES)
TO = "".join(LOOK_ALIKES.values())
_TABLE = str.maketrans(LOOK_ALIKES)
#: What is not drawn although Unicode counts it among letters and marks; controls are not printable anyway.
_UNDRAWN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)


def visible(text: str) -> bool:
    """Whether every character is drawn, and in the order in which it stands: no controls, marks of
    direction, zero-width characters, fillers, or blanks other than the plain one."""
    return text.isprintable() and (text.isascii() or not _UNDRAWN.search(text))


def drawn_like(text: str) -> str:
    """The text with each look-alike as the letter that it looks like, and full-width forms as plain ones."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_TABLE)


def look_alikes(text: str) -> list[str]:
    """The letters of another alphabet that look Latin, each as a person can tell it: `О U+041E`.

    None in a text that has other letters of that alphabet as well: a Russian word is no disguise.
    """
    if text.isascii():
        return []
    found = [char for char in dict.fromkeys(text) if char in LOOK_ALIKES and LOOK_ALIKES[char] != "-"]
    others = [char for char in text if not char.isascii() and char.isalpha() and char not in LOOK_ALIKES]
    if any("\u0370" <= char <= "\u058f" for char in others):
        return []
    return [f"{char} U+{ord(char):04X}" for char in found]
