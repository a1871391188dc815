"""Writers at the same time: new objects made once, no lost update, no hole, nothing twice."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connections

from medloom.kernel.access import seeing
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry
from medloom.kernel.tests.making import make
from medloom.materials.models import Lot
from medloom.wire.verdict import Answer, Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
WRITERS = 4
KEYS = 40


def at_once(work) -> list[list[Answer]]:
    """Run work(writer) in WRITERS threads that start together."""
    gate = threading.Barrier(WRITERS)
    found: list[list[Answer]] = [[] for _ in range(WRITERS)]

    def run(writer: int) -> None:
        try:
            gate.wait(30)
            found[writer] = work(writer)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(w,)) for w in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return found


def test_each_new_object_is_made_once_by_whoever_comes_first() -> None:
    """Two writers of one new object race past a plain check: the loser meets the winner's row."""

    def create(writer: int) -> list[Answer]:
        lots = [
            make(
                "lot",
                "set",
                epoch=f"{writer + 1:032x}",
                number=n + 1,
                fields={"number": f"L{n}", "remark": f"{writer}"},
            )
            for n in range(KEYS)
        ]
        return append(lots, author="A")

    answers = [answer for one in at_once(create) for answer in one]
    verdicts = Counter(answer.verdict for answer in answers)
    assert verdicts == {Verdict.ACCEPTED: KEYS, Verdict.CONFLICT: KEYS * (WRITERS - 1)}
    assert {a.refusal.code for a in answers if a.refusal} == {"key_taken"}
    with seeing("A"):
        assert Lot.objects.count() == KEYS
        assert set(Lot.objects.values_list("version", flat=True)) == {1}
        assert Entry.objects.count() == KEYS * WRITERS, "one entry for every operation, refused ones too"


def test_placeholders_of_the_same_unknown_lot_are_one() -> None:
    def record(writer: int) -> list[Answer]:
        return append(
            [
                make(
                    "step_record",
                    epoch=f"{writer + 1:032x}",
                    number=n + 1,
                    fields={"number": f"S{writer}-{n}", "day": "2026-11-01", "resin_lot": f"R{n}"},
                )
                for n in range(KEYS)
            ],
            author="A",
        )

    answers = [answer for one in at_once(record) for answer in one]
    assert {a.verdict for a in answers} == {Verdict.ACCEPTED}
    with seeing("A"):
        assert sorted(Lot.objects.values_list("key", flat=True)) == sorted(f"R{n}" for n in range(KEYS))


def test_one_winner_of_each_version_and_no_update_lost() -> None:
    lots = [make("lot", "set", fields={"number": f"L{n}"}) for n in range(10)]
    append(lots, author="A")

    def edit(writer: int) -> list[Answer]:
        edits = [
            make(
                "lot",
                "set",
                epoch=f"{writer + 1:032x}",
                number=n + 1,
                object=each.operation.object,
                base=1,
                reason="race",
                fields={"remark": f"by {writer}"},
            )
            for n, each in enumerate(lots)
        ]
        return append(edits, author="A")

    answers = [answer for one in at_once(edit) for answer in one]
    verdicts = Counter(answer.verdict for answer in answers)
    assert verdicts == {Verdict.ACCEPTED: 10, Verdict.CONFLICT: 10 * (WRITERS - 1)}
    with seeing("A"):
        assert set(Lot.objects.values_list("version", flat=True)) == {2}
