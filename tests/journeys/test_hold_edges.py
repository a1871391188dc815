"""A lot that becomes a held lot's descendant while somebody uses it: the record that says so holds it too.

The hub answers a record that used a held lot with a hold on the lot made, in the same transaction; so the
last look before a commit (docs/decisions/0018) finds it as it finds any hold that came beside. Moves lock
their lot, and that hold waits for them: they stand before it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from medloom.hub import WIRING
from medloom.kernel.access import ALL, seeing
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry
from medloom.kernel.tests.making import make
from medloom.materials.models import Hold
from medloom.wire.verdict import Verdict
from tests.journeys.sending import codes, plant
from tests.journeys.test_hold_beside import PATIENCE_S, apart, between, hold, ship, use

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
ROUNDS, USERS = 6, 3


def apart_from_resin(name: str) -> None:
    """Resin R-x is held; housings H-x stand in the store, and nobody has said what they were made of."""
    plant("lot", fields={"number": f"R-{name}", "kind": "material"})
    plant("lot", fields={"number": f"H-{name}", "kind": "finished"})
    assert hold(name).verdict is Verdict.ACCEPTED


def late(name: str) -> None:
    """The record of the shift that made H-x of R-x arrives."""
    fields = {"number": f"S-{name}", "day": "2026-11-01", "resin_lot": f"R-{name}", "output_lot": f"H-{name}"}
    assert "lot_held" in codes(plant("step_record", fields=fields))


@pytest.mark.parametrize("way", [ship, use])
def test_who_uses_a_lot_beside_the_record_that_ties_it_to_a_held_one_is_told(
    way: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    apart_from_resin("1")
    with between(monkeypatch, lambda: late("1")) as done:
        answer = way("1")
    assert done and "lot_held" in codes(answer)


def test_a_correction_that_names_the_held_lot_alone_holds_what_was_made() -> None:
    apart_from_resin("1")
    plant("lot", fields={"number": "R-good", "kind": "material"})
    fields = {"number": "S-1", "day": "2026-11-01", "resin_lot": "R-good", "output_lot": "H-1"}
    first = make("step_record", fields=fields)
    (answer,) = append([first], author="A", wiring=WIRING)
    assert codes(answer) == []
    again = plant(
        "step_record", fields={"number": "S-1", "day": "2026-11-01", "resin_lot": "R-1"},
        object=first.operation.object, corrects=first.operation.id,
    )  # fmt: skip
    assert "lot_held" in codes(again)
    with seeing(ALL):
        assert Hold.objects.filter(lot__key="H-1", state="open").count() == 1
    assert "lot_held" in codes(ship("1"))


def test_many_at_once_ship_nothing_behind_the_hold_that_the_late_record_brings() -> None:
    """Shippers in as many threads, the late record in the middle: no shipment behind its hold is unaware."""
    for n in range(ROUNDS):
        apart_from_resin(str(n))
    gates = [threading.Barrier(USERS + 1) for _ in range(ROUNDS)]
    failed: list[BaseException] = []

    def work(user: int) -> None:
        try:
            for n in range(ROUNDS):
                gates[n].wait(PATIENCE_S)
                for turn in range(3):
                    lines = [{"lot": f"H-{n}", "quantity": "1"}]
                    fields = {"number": f"SH-{n}-{user}-{turn}", "lines": lines}
                    number = 2_000_000 + user * 10_000 + n * 100 + turn
                    append([make("shipment", fields=fields, number=number)], author="A", wiring=WIRING)
        except BaseException as error:
            failed.append(error)
            raise

    users = [apart(lambda user=user: work(user)) for user in range(USERS)]
    for each in users:
        each.start()
    for n in range(ROUNDS):
        gates[n].wait(PATIENCE_S)
        late(str(n))
    for each in users:
        each.join(PATIENCE_S * 4)
    assert not failed and not any(each.is_alive() for each in users)
    with seeing(ALL):
        held = dict(Hold.objects.filter(lot__key__startswith="H-").values_list("lot__key", "entry"))
        sent = list(Entry.objects.filter(type="shipment").order_by("seq"))
    assert len(held) == ROUNDS and len(sent) == ROUNDS * USERS * 3
    unaware = [
        entry.seq
        for entry in sent
        if entry.seq > held["H-" + entry.body.split('"number":"SH-')[1].split("-")[0]]
        and "lot_held" not in (entry.decision or "")
    ]
    assert unaware == []
