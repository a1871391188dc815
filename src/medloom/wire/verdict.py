"""What the hub says about an operation: a verdict, and for anything but a plain yes, why.

A verdict is final except `parked`, which is judged again when what it misses arrives.
`repeated` is a flag on an answer, never a verdict.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class Verdict(StrEnum):
    """The hub's answer to one operation (glossary: 接受, 拒绝, 冲突, 隔离, 挂起)."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CONFLICT = "conflict"
    QUARANTINED = "quarantined"
    PARKED = "parked"
    OP_ID_REUSE = "op_id_reuse"

    @property
    def rank(self) -> int:
        """How bad it is; a group has the worst of its members' verdicts."""
        return _RANK[self]


_RANK = {
    Verdict.ACCEPTED: 0,
    Verdict.PARKED: 1,
    Verdict.CONFLICT: 2,
    Verdict.REJECTED: 3,
    Verdict.QUARANTINED: 4,
    Verdict.OP_ID_REUSE: 5,
}


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something was not accepted, in words a person and a program can act on.

    `code` is stable and listed in api/errors.md; `path` is a JSON pointer into the operation
    (`/fields/quantity`); `expected` says what would have been right; `got` what came.
    """

    code: str
    path: str = ""
    expected: str = ""
    got: str = ""


class FileRefused(ValueError):
    """The file as a whole cannot be read; the refusal says why and what would be right."""

    def __init__(self, code: str, *, expected: str = "", got: str = "", path: str = "/file") -> None:
        super().__init__(code, expected, got)
        self.refusal = Refusal(code=code, path=path, expected=expected, got=got)


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something wrong with an observation that is accepted all the same, because it has happened."""

    code: str
    path: str = ""
    expected: str = ""
    got: str = ""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The hub's answer for one operation, given only after the durable commit.

    `first` is set when another operation with the same source identity came before: this one
    makes no entry and gets no feed line, and `first` is the operation that stands for it.
    """

    id: str
    verdict: Verdict
    seq: int = 0
    version: int = 0
    repeated: bool = False
    first: str = ""
    refusal: Refusal | None = None
    findings: tuple[Finding, ...] = ()
    #: For a conflict: the fields that both sides changed, with the hub's value of each.
    theirs: dict[str, Any] = {}
