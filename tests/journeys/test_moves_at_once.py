"""Eight writers of moves on twenty lots: nothing lost, nothing doubled, stock is the sum of the moves."""

from __future__ import annotations

import json
import random
import threading
from decimal import Decimal

import pytest
from django.db import connection

from medloom.hub import WIRING
from medloom.kernel.access import seeing
from medloom.kernel.cursor import SEE_ALL, open_cursor
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry
from medloom.kernel.tests.making import make
from medloom.materials.models import Move, Stock
from medloom.materials.queries import stock_differences
from medloom.wire.verdict import Answer, Verdict
from tests.journeys.sending import ACT, plant, registrant

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
WRITERS, LOTS, BATCHES, BATCH = 8, 20, 6, 25


def send(moves: list[dict], *, epoch: str, author: str) -> list[Answer]:
    if author == "HQ":
        return registrant(*(ACT.observe("move", site="A", fields=move) for move in moves))
    made = [make("move", epoch=epoch, number=int(m["number"].partition("-")[2]), fields=m) for m in moves]
    return append(made, author=author, wiring=WIRING)


def write(writer: int, answers: list[Answer], failures: list[BaseException]) -> None:
    chance = random.Random(writer)
    author = "HQ" if writer % 2 else "A"
    try:
        for batch in range(BATCHES):
            moves = []
            for n in range(BATCH):
                count = batch * BATCH + n + 1
                kind = chance.choice(("received", "consumed", "consumed", "transfer"))
                places = {
                    "received": {"target": "store"},
                    "consumed": {"source": "store"},
                    "transfer": {"source": "store", "target": "line"},
                }[kind]
                moves.append(
                    {
                        "number": f"{writer}-{count}",
                        "lot": f"L{chance.randrange(LOTS)}",
                        "kind": kind,
                        "quantity": str(chance.randrange(1, 40)),
                        "unit": "kg",
                        **places,
                    }
                )
            answers += send(moves, epoch=f"{writer + 16:032x}", author=author)
    except BaseException as error:
        failures.append(error)
    finally:
        connection.close()


def test_eight_writers_of_moves_on_twenty_lots() -> None:
    for n in range(LOTS):
        plant("lot", fields={"number": f"L{n}"})
    answers: list[Answer] = []
    failures: list[BaseException] = []
    threads = [threading.Thread(target=write, args=(w, answers, failures)) for w in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(answers) == WRITERS * BATCHES * BATCH == len({a.seq for a in answers})
    verdicts = {a.verdict for a in answers}
    assert verdicts == {Verdict.ACCEPTED, Verdict.REJECTED}, "requests of the registrant never overdraw"
    accepted = sum(a.verdict is Verdict.ACCEPTED for a in answers)
    with seeing("*"), open_cursor() as cursor:
        cursor.execute(SEE_ALL)
        assert stock_differences(cursor) == []
        entries = Entry.objects.filter(type="move", verdict="accepted")
        assert Move.objects.count() == accepted == entries.count()
        refused = Entry.objects.filter(type="move", verdict="rejected")
        told = {json.loads(entry.decision)["refusal"]["code"] for entry in refused}
    assert told == {"short_stock"}


def test_stock_that_is_not_the_sum_of_its_moves_is_found() -> None:
    plant("lot", fields={"number": "L0"})
    given = {"number": "1", "lot": "L0", "kind": "received", "quantity": "2500", "unit": "g", "target": "s"}
    assert plant("move", fields=given).verdict is Verdict.ACCEPTED
    with seeing("*"), open_cursor() as cursor:
        cursor.execute(SEE_ALL)
        assert stock_differences(cursor) == []
        assert Stock.objects.get().quantity == Decimal("2.5")
        cursor.execute("update stock set quantity = 3")
        assert [(d["key"], d["kept"], d["moved"]) for d in stock_differences(cursor)] == [
            ("L0", 3, Decimal("2.5"))
        ]
        cursor.execute("update stock set quantity = 2.5")


def test_the_registrant_may_not_take_what_is_not_there() -> None:
    plant("lot", fields={"number": "L0"})
    asked = ACT.observe("move", site="A", fields={"number": "1", "lot": "L0", "kind": "shipped",
                                                   "quantity": "1", "unit": "kg"})  # fmt: skip
    (answer,) = registrant(asked)
    assert answer.refusal is not None and answer.refusal.code == "short_stock"
