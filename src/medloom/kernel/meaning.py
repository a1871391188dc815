"""What every field has in common: its three forms, and how it refuses."""

from __future__ import annotations

from typing import Any

from medloom.wire.sheet import Owner

#: The NULL of PostgreSQL's COPY text format.
NULL = "\\N"


class Refused(ValueError):
    """A value is outside its field's domain; `code` is stable, `expected` says what would be right."""

    def __init__(self, code: str, expected: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.expected = expected


def escape(text: str) -> str:
    """Text as COPY's text format wants it."""
    if "\\" in text or "\n" in text or "\t" in text or "\r" in text:
        text = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text


class Meaning:
    """What every field of an object declares besides its type.

    owner     who decides the value; None takes the object's
    group     fields that are stale together share a group
    personal  never true inside an operation: such values live in the vault
    """

    owner: Owner | None
    group: str
    personal: bool
    in_operation = True

    def mean(self, owner: Owner | None, group: str) -> None:
        """Keep the declaration; called by each field's constructor."""
        self.owner, self.group, self.personal = owner, group, False

    def accept(self, value: Any) -> Any:
        """The canonical wire form of `value`. Raises Refused."""
        raise Refused("type_wrong")

    def cell(self, value: Any) -> str:
        """The wire form as COPY text."""
        return NULL if value is None else str(value)

    def wire(self, value: Any) -> Any:
        """The wire form of what a row holds."""
        return value

    def domain(self) -> str:
        """The domain in words, for dictionary and refusals."""
        return ""
