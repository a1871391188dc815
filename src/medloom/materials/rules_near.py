"""Lot numbers that a person may find to be one number, written twice. Pure.

What is proposed is a slip of whoever wrote or read the number. Numbers that count (`C-103` and `C-1038`,
`LOT-7` and `LOT-8`, `2026-1-12` and `2026-11-2`) are different things: whatever differs in its digits, or by
a digit more, is never proposed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from medloom.wire.letters import drawn_like

#: Figures and the capitals that are read for them, on labels and by scanners of text.
READ_FOR = {"O": "0", "I": "1"}
_READ_FOR = str.maketrans(READ_FOR)
_WORDS = re.compile(r"[^\W\d_]{3,}")
#: A shorter number and one with a letter more are no twins: too little is left to be alike.
SUFFIXED_LEAST = 4


@dataclass(frozen=True)
class Near:
    """Two lot numbers that a person may find to be the same, and in what they differ."""

    first: str
    second: str
    differ: str


def squeezed(number: str) -> str:
    """Letters and digits alone, as they are drawn, in capitals: without blanks, dashes and case."""
    return "".join(c for c in drawn_like(number).upper() if c.isalnum())


def differ(first: str, second: str) -> str:
    """In what two numbers differ, where a slip of the pen explains it; "" where nothing does.

    letters      letters of another alphabet, or read for a figure (O and 0, I and 1)
    case, blanks, punctuation
    order        two neighbouring letters of a word have changed places
    suffix       one letter more at the end
    """
    if first == second:
        return ""
    if first.upper() == second.upper():
        return "case"
    if drawn_like(first).upper() == drawn_like(second).upper():
        return "letters"
    one, other = squeezed(first), squeezed(second)
    if one == other and one:
        return _gaps(first, second)
    if one and one.translate(_READ_FOR) == other.translate(_READ_FOR):
        return "letters"
    if _sorted(one) == _sorted(other) and _turned(one, other):
        return "order"
    short, long = sorted((one, other), key=len)
    if len(short) >= SUFFIXED_LEAST and long[:-1] == short and not long[-1].isdigit():
        return "suffix"
    return ""


def _gaps(first: str, second: str) -> str:
    """Blanks or punctuation; "" where a mark between two figures stands elsewhere: other numbers then."""
    one, other = _cuts(first), _cuts(second)
    if not (one <= other or other <= one):
        return ""
    same = first.upper().replace(" ", "") == second.upper().replace(" ", "")
    return "blanks" if same else "punctuation"


def _cuts(number: str) -> frozenset[int]:
    """After how many letters and digits a mark parts one figure from the next."""
    found, at, gap, before = set(), 0, False, ""
    for char in drawn_like(number):
        if not char.isalnum():
            gap = True
            continue
        if gap and before.isdigit() and char.isdigit():
            found.add(at)
        at, gap, before = at + 1, False, char
    return frozenset(found)


def _sorted(bare: str) -> str:
    """The number with the letters of each word in their order: the same after a slip within a word."""
    return _WORDS.sub(lambda word: "".join(sorted(word[0])), bare)


def _turned(one: str, other: str) -> bool:
    """Whether they differ in two neighbouring characters that have changed places, and in nothing else."""
    places = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(places) != 2 or places[1] != places[0] + 1:
        return False
    at = places[0]
    return one[at] == other[at + 1] and one[at + 1] == other[at]


def near(numbers: Iterable[str], *, most: int = 500) -> list[Near]:
    """Near matches among the lot numbers of one site. A proposal is never applied by itself.

    Grouped by what a slip leaves alone, so the cost grows with the numbers and not with their pairs. One
    letter more is proposed only where a single letter was ever added: `L-7A`, `L-7B` and `L-7` are a series.
    """
    alike: dict[str, list[str]] = {}
    words: dict[str, list[str]] = {}
    longer: dict[str, list[str]] = {}
    for number in sorted(set(numbers)):
        bare = squeezed(number)
        alike.setdefault(bare.translate(_READ_FOR), []).append(number)
        if _WORDS.search(bare):
            words.setdefault(_sorted(bare), []).append(number)
        if bare and not bare[-1].isdigit():
            longer.setdefault(bare[:-1], []).append(number)
    pairs = {pair for group in (*alike.values(), *words.values()) for pair in combinations(group, 2)}
    for bare, ended in longer.items():
        if len({squeezed(number)[-1] for number in ended}) == 1:
            stem = (number for number in alike.get(bare.translate(_READ_FOR), ()) if squeezed(number) == bare)
            pairs.update((short, long) for short in stem for long in ended)
    found = (Near(first, second, differ(first, second)) for first, second in sorted(pairs))
    return [one for one in found if one.differ][:most]
