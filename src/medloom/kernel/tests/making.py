"""Operations for tests of the door, as an agent of site A would send them."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

from medloom.kernel.case import Received
from medloom.wire import canonical
from medloom.wire.operation import Kind, Operation, Source

EPOCH = "0" * 31 + "1"
NUMBERS = itertools.count(1)


def make(
    type: str, kind: str = "observe", *, site: str = "A", number: int | None = None, **kwargs: Any
) -> Received:
    """One operation as received, with sensible envelope values."""
    number = next(NUMBERS) if number is None else number
    epoch = kwargs.pop("epoch", EPOCH)
    source = kwargs.pop("source", None)
    operation = Operation(
        id=f"{site}/{epoch}/v/{number}",
        type=type,
        object=kwargs.pop("object", None) or str(uuid.uuid4()),
        kind=Kind(kind),
        at=kwargs.pop("at", "2026-11-01T08:00:00Z"),
        actor="p1",
        source=Source(feed=source[0], key=source[1], hash=source[2]) if source else None,
        **kwargs,
    )
    return Received(
        raw=canonical.dumps(operation), epoch=epoch, chain="v", number=number, operation=operation
    )
