"""Why a scope cannot be asked or kept."""

from __future__ import annotations


class ScopeRefused(ValueError):
    """The scope's expression cannot be asked. `path` is where: a dimension's name, or a place in the text."""

    def __init__(self, code: str, path: str, expected: str, got: str = "") -> None:
        super().__init__(f"{code} at {path}: {expected}, not {got!r}")
        self.code, self.path, self.expected, self.got = code, path, expected, got
