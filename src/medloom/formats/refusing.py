"""How a reader of standard files says no to a whole file."""

from __future__ import annotations

from medloom.wire.verdict import Refusal


class FormatRefused(ValueError):
    """The file as a whole cannot be read. `refusal` holds the stable code, the place, what was expected."""

    def __init__(self, code: str, *, expected: str = "", got: str = "", path: str = "/file") -> None:
        super().__init__(code, expected, got)
        self.refusal = Refusal(code=code, path=path, expected=expected, got=got[:500])
