"""What the write door would answer: everything is judged and written, and the transaction taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from medloom.kernel.case import Received
from medloom.kernel.cursor import one_transaction
from medloom.kernel.ledger import append
from medloom.kernel.ruling import Wiring
from medloom.wire.verdict import Answer


class _Over(Exception):
    """Ends the rehearsal, so that its transaction is rolled back."""


def rehearse(
    received: Sequence[Received], *, author: str, wiring: Wiring | Callable[[Any], Wiring]
) -> list[Answer]:
    """The answers that `append` would give now; nothing stays. Record numbers in them mean nothing.

    The objects touched are locked for as long as it takes, so it is for hundreds of operations, not more.
    Raises what `append` raises.
    """
    answers: list[Answer] = []
    try:
        with one_transaction() as cursor:
            answers = append(received, author=author, wiring=wiring, cursor=cursor, careful=True)
            raise _Over
    except _Over:
        return answers
