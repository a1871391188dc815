"""What people and machines meant, kept apart from anything the system keeps: the oracle's memory.

Every write carries a token that occurs nowhere else. For a value the oracle knows which value its
author saw when writing it; so it can tell a seen change from a silent overwrite without versions.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

#: Every token begins with it; other values are none of the oracle's business.
MARK = "#"
_REASON = re.compile(rb'"reason":"([^"]*)"')
#: The same tokens where a field holds a count or a day: nothing else in a run is that large or that late.
FIRST_COUNT = 1_000_000
FIRST_DAY = dt.date(2100, 1, 1)


@dataclass
class Intents:
    """Tokens, their parents, and those that no surviving copy held after a disaster."""

    count: int = 0
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    authored: dict[str, str] = field(default_factory=dict)
    excused: set[str] = field(default_factory=set)
    _ancestors: dict[str, frozenset[str]] = field(default_factory=dict)

    def token(self, *saw: object) -> str:
        """A fresh token; `saw` are the values its author had before their eyes."""
        self.count += 1
        made = f"{MARK}{self.count}"
        self.parents[made] = tuple(named(each) for each in saw if is_token(each))
        return made

    def wrote(self, raw: bytes, by: str) -> None:
        """These bytes are stored somewhere: from now on their tokens must not be lost."""
        for each in tokens_of(raw):
            self.authored.setdefault(each, by)

    def ancestors(self, token: str) -> frozenset[str]:
        """The token, what its author saw, what the authors of that saw, and so on."""
        if token not in self._ancestors:
            known = {token}
            todo = [token]
            while todo:
                for parent in self.parents.get(todo.pop(), ()):
                    if parent not in known:
                        known.add(parent)
                        todo.append(parent)
            self._ancestors[token] = frozenset(known)
        return self._ancestors[token]

    def excuse_all_but(self, held: Iterable[bytes]) -> None:
        """A disaster happened: tokens that nobody holds any more cannot be asked for."""
        kept = {token for raw in held for token in tokens_of(raw)}
        self.excused |= self.authored.keys() - kept


def tokens_of(raw: bytes) -> list[str]:
    """The tokens that an operation carries in its reason."""
    found = _REASON.search(raw)
    return [each for each in found[1].decode().split(",") if is_token(each)] if found else []


def is_token(value: object) -> bool:
    """Whether a value was written by somebody whose intent the oracle knows."""
    return named(value) != ""


def named(value: object) -> str:
    """The token that a value is, however its field holds it; "" when it is none."""
    if isinstance(value, str):
        if value.startswith(MARK):
            return value
        if value[:2] == "21" and value[4:5] == "-":
            return f"{MARK}{(dt.date.fromisoformat(value) - FIRST_DAY).days}"
    elif isinstance(value, int) and value >= FIRST_COUNT:
        return f"{MARK}{value - FIRST_COUNT}"
    return ""


def as_count(token: str) -> int:
    """The token for a field of counts."""
    return FIRST_COUNT + int(token[len(MARK) :])


def as_day(token: str) -> str:
    """The token for a field of days."""
    return (FIRST_DAY + dt.timedelta(days=int(token[len(MARK) :]))).isoformat()
