"""Rows that were not admitted and name a lot of a scope: possibly affected, not yet admitted. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Where one word of a row ends and the next begins, whatever the row's own format is.
_BETWEEN = re.compile(r'["\\,;|\t\n]+')
_SQUEEZED = re.compile(r"[\W_]+")
#: Shorter numbers are compared as they are: "A1" squeezed meets too much.
SQUEEZED_LEAST = 4


def squeeze(text: str) -> str:
    """A number without punctuation, blanks and case: as two plants spell one lot."""
    return _SQUEEZED.sub("", text).upper()


def mentions(bodies: Iterable[tuple[int, str]], keys: Iterable[str]) -> dict[int, tuple[str, ...]]:
    """Sequence number -> the words of the row that are a lot of the scope, as they stand there.

    Another spelling counts too: a row that waits may wait just because of its spelling.
    """
    exact = set(keys)
    near = {squeezed for key in exact if len(squeezed := squeeze(key)) >= SQUEEZED_LEAST}
    found = {}
    for seq, body in bodies:
        words = {word.strip() for word in _BETWEEN.split(body)}
        hits = sorted(word for word in words if word and (word in exact or squeeze(word) in near))
        if hits:
            found[seq] = tuple(hits)
    return found
