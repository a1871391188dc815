"""An operation that says which refused one it repairs: its entry names that entry as its cause."""

from __future__ import annotations

import pytest

from medloom.kernel.access import ALL, seeing
from medloom.kernel.case import Received
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry, SourceSeen
from medloom.wire.canonical import encode_operation
from medloom.wire.operation import Kind, Operation, Source, operation_id
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
EPOCH = "d" * 32


def told(number: int, content: str, *, site: str = "A", repairs: str = "") -> Received:
    """A row of a plant: unreadable, or with its content."""
    raw = {"code": "date_destroyed", "path": "/day"} if content == "unreadable" else {}
    key = "raw:I-1" if raw else "item:I-1"
    operation = Operation(
        id=operation_id(site=site, epoch=EPOCH, chain="v", number=number),
        type="item",
        object="01a20707-94e8-7265-8ce2-4412de1c4c3f",
        kind=Kind.RAW if raw else Kind.SET,
        fields={} if raw else {"number": "I-1", "name": content},
        at="2026-11-23T00:00:00Z",
        actor="agent",
        site=site if site != "A" else "",
        source=Source("items", key, f"h{content}"),
        repairs=repairs,
        raw=raw,
    )
    bytes_ = encode_operation(operation)
    return Received(raw=bytes_, epoch=EPOCH, chain="v", number=number, operation=operation)


def name(number: int, site: str = "A") -> str:
    return operation_id(site=site, epoch=EPOCH, chain="v", number=number)


def causes() -> list[int | None]:
    """The cause of each entry as the place of that entry, in order."""
    with seeing(ALL):
        rows = list(Entry.objects.order_by("seq").values_list("seq", "cause"))
    places = {seq: place for place, (seq, _) in enumerate(rows)}
    return [places.get(cause) for _, cause in rows]


def test_the_mended_row_names_the_refused_one_in_a_later_batch_and_in_the_same() -> None:
    append([told(1, "unreadable")], author="A")
    append([told(2, "plate", repairs=name(1))], author="A")
    assert causes() == [None, 0]
    (again,) = append([told(3, "plate", repairs=name(1))], author="A")
    assert again.repeated, "a row with a cause is known by its source all the same"
    with seeing(ALL):
        assert SourceSeen.objects.count() == 2


def test_both_in_one_batch() -> None:
    first, second = append([told(1, "unreadable"), told(2, "plate", repairs=name(1))], author="A")
    assert (first.verdict, second.verdict) == (Verdict.QUARANTINED, Verdict.ACCEPTED)
    assert causes() == [None, 0]


def test_what_was_accepted_belongs_to_another_or_is_unknown_is_no_cause() -> None:
    append([told(1, "plate")], author="A")
    append([told(2, "plate 2", repairs=name(1))], author="A")
    append([told(3, "unreadable")], author="A")
    append([told(1, "plate 3", site="B", repairs=name(3))], author="B")
    append([told(4, "plate 4", repairs=name(77)), told(5, "plate 5", repairs="nonsense")], author="A")
    assert set(causes()) == {None}
