"""Cells that a reader of standard files gives beside plain text and numbers.

A spreadsheet's cell is what it is. A reader of a richer format knows more: that a number was told in inches,
or that a value cannot be understood. Both stay with the cell until the row is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Converted:
    """A value told in the declared unit, with the text it had in the file and the rule that changed it."""

    value: Any
    original: str
    rule: str

    def __str__(self) -> str:
        return self.original


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value that cannot be understood: it refuses its row, and its row alone."""

    code: str
    expected: str
    got: str

    def __str__(self) -> str:
        return self.got
