"""Operations as a room's rule sees them, for tests without a database."""

from __future__ import annotations

import itertools
from typing import Any

from medloom.kernel.ruling import Asked, Written
from medloom.wire.operation import Kind, Operation
from medloom.wire.verdict import Finding

_NUMBERS = itertools.count(1)


def ask(
    type: str,
    fields: dict[str, Any],
    *,
    kind: str = "observe",
    author: str = "A",
    home: str = "A",
    **more: Any,
) -> Asked:
    """One operation of site `author` on an object of site `home`; lists go to the operation only."""
    current, refs, num = more.pop("current", {}), more.pop("refs", {}), more.pop("num", 0)
    number = next(_NUMBERS)
    operation = Operation(
        id=more.pop("id", f"{author}/0/v/{number}"),
        type=type,
        object=f"object-{number}",
        kind=Kind(kind),
        at="2026-11-01T08:00:00Z",
        actor="p1",
        fields=fields,
        **more,
    )
    plain = {name: value for name, value in fields.items() if not isinstance(value, list)}
    return Asked(operation, author, home, plain, refs, current, num)


def wrote(asked: Asked, *, num: int, seq: int, findings: tuple[str, ...] = (), version: int = 1) -> Written:
    """That operation after it was accepted."""
    lines = {name: value for name, value in asked.operation.fields.items() if isinstance(value, list)}
    found = tuple(Finding(code=code) for code in findings)
    return Written(asked, num, seq, version, str(num), asked.refs, lines, found)
