"""A row told before under another number is answered with the operation that stands for it.

Without that name the site would wait for a feed line that never comes.
"""

from __future__ import annotations

import pytest

from medloom.kernel.case import Received
from medloom.kernel.ledger import append
from medloom.wire.canonical import encode_operation
from medloom.wire.operation import Kind, Operation, Source, operation_id

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def told(epoch: str, number: int) -> Received:
    identity = operation_id(site="A", epoch=epoch, chain="v", number=number)
    operation = Operation(
        id=identity,
        type="item",
        object="01a20707-94e8-7265-8ce2-4412de1c4c3f",
        kind=Kind.SET,
        fields={"number": "I-1"},
        at="2026-11-23T00:00:00Z",
        actor="agent",
        source=Source("items", "item:I-1", "h1"),
    )
    raw = encode_operation(operation)
    return Received(raw=raw, epoch=epoch, chain="v", number=number, operation=operation)


def test_the_answer_names_the_first_operation() -> None:
    first, other = "a" * 32, "b" * 32
    append([told(first, 1)], author="A")
    (again,) = append([told(other, 1)], author="A")
    assert again.repeated and again.first == f"A/{first}/v/1"


def test_twins_of_one_batch_name_the_first_of_them() -> None:
    epoch = "c" * 32
    _, again = append([told(epoch, 1), told(epoch, 2)], author="A")
    assert again.repeated and again.first == f"A/{epoch}/v/1"
