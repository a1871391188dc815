"""What every field has in common: its three forms, and how it refuses."""

from __future__ import annotations

from typing import Any

from medloom.wire.sheet import Owner


class Refused(ValueError):
    """A value is outside its field's domain; `code` is stable, `expected` says what would be right."""

    def __init__(self, code: str, expected: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.expected = expected


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
    #: Whether a value is its own cell.
    plain = False

    def mean(self, owner: Owner | None, group: str) -> None:
        """Keep the declaration; called by each field's constructor."""
        self.owner, self.group, self.personal = owner, group, False

    def accept(self, value: Any) -> Any:
        """The canonical wire form of `value`. Raises Refused."""
        raise Refused("type_wrong")

    def cell(self, value: Any) -> str:
        """The wire form of a value that is there as PostgreSQL reads it."""
        return str(value)

    def wire(self, value: Any) -> Any:
        """The wire form of what a row holds."""
        return value

    def domain(self) -> str:
        """The domain in words, for dictionary and refusals."""
        return ""
