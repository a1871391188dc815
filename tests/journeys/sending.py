"""Operations of plants and of the registrant's people, sent through the door with the hub's wiring."""

from __future__ import annotations

import uuid
from typing import Any

from medloom.hub import WIRING
from medloom.kernel.act import Act
from medloom.kernel.ledger import append, own
from medloom.kernel.tests.making import make
from medloom.trace.arrivals import join_left_over
from medloom.wire.operation import Operation
from medloom.wire.verdict import Answer
from medloom.worker import raise_holds

ACT = Act(actor="p1", at="2026-11-01T08:00:00Z", mint=lambda: str(uuid.uuid4()))


def plant(type: str, kind: str = "observe", *, site: str = "A", **more: Any) -> Answer:
    """One operation of a plant."""
    (answer,) = append([make(type, kind, site=site, **more)], author=site, wiring=WIRING)
    return answer


def registrant(*operations: Operation) -> list[Answer]:
    """Operations of a person at the registrant, in one batch."""
    return append([own(operation) for operation in operations], author="HQ", wiring=WIRING)


def codes(answer: Answer) -> list[str]:
    """The codes of an answer's findings."""
    return [finding.code for finding in answer.findings]


def join() -> int:
    """What the worker does every minute: join what nothing joined, and hold what that ties to a held lot."""
    return join_left_over(raise_holds, at=ACT.at, mint=ACT.mint)
