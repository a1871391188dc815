"""A hold on an ancestor beside the use of what was made of it: judged before or after it, never between.

What the log says counts: whatever has a higher number than the hold's entry knows of the hold.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from medloom.hub import WIRING
from medloom.kernel import rows
from medloom.kernel.access import ALL, seeing
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry
from medloom.kernel.tests.making import make
from medloom.materials.actions import dispose_lot, raise_hold
from medloom.materials.models import Hold, Lot
from medloom.wire.verdict import Answer, Verdict
from tests.journeys.sending import ACT, codes, plant, registrant

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
#: A batch held back so long has given whoever waits for it up.
PATIENCE_S = 30
CHAINS, USERS = 8, 3


def chain(name: str) -> None:
    """Resin R-x went into granulate G-x, and that into housings H-x."""
    plant("lot", fields={"number": f"R-{name}", "kind": "material"})
    for into, of in ((f"G-{name}", f"R-{name}"), (f"H-{name}", f"G-{name}")):
        plant("lot", fields={"number": into, "kind": "finished"})
        fields = {"number": f"S-{into}", "day": "2026-11-01", "resin_lot": of, "output_lot": into}
        assert plant("step_record", fields=fields).verdict is Verdict.ACCEPTED


def hold(name: str) -> Answer:
    (answer,) = registrant(raise_hold(act=ACT, site="A", number=f"H-{name}", lot=f"R-{name}", cause="notice"))
    return answer


def apart(work: Callable[[], Any]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    return threading.Thread(target=run)


@contextmanager
def between(monkeypatch: pytest.MonkeyPatch, work: Callable[[], Any]) -> Iterator[list[str]]:
    """Let `work` happen, to its commit, between the judging and the writing of the next batch here."""
    here, write, done = threading.get_ident(), rows.write, list[str]()

    def written(cursor: Any, batch: Any, *, build: int) -> Any:
        if threading.get_ident() == here and not done:
            done.append("began")
            other = apart(work)
            other.start()
            other.join(PATIENCE_S)
            assert not other.is_alive(), (
                "whoever raises a hold does not wait for a batch that is being judged"
            )
        return write(cursor, batch, build=build)

    monkeypatch.setattr(rows, "write", written)
    yield done
    monkeypatch.setattr(rows, "write", write)


def ship(name: str) -> Answer:
    fields = {"number": f"SH-{name}", "lines": [{"lot": f"H-{name}", "quantity": "1"}]}
    return plant("shipment", fields=fields)


def use(name: str) -> Answer:
    return plant("step_record", fields={"number": f"U-{name}", "day": "2026-11-02", "resin_lot": f"H-{name}"})


def move(name: str) -> Answer:
    fields = {"number": f"M-{name}", "lot": f"H-{name}", "kind": "consumed", "quantity": "1", "unit": "1",
              "source": "store", "status": "free"}  # fmt: skip
    return plant("move", fields=fields)


@pytest.mark.parametrize("way", [ship, use, move])
def test_what_is_used_beside_a_hold_on_its_ancestor_is_told_of_it(way, monkeypatch) -> None:
    chain("1")
    with between(monkeypatch, lambda: hold("1")) as done:
        answer = way("1")
    assert done and "lot_held" in codes(answer)
    with seeing(ALL):
        assert answer.seq > Hold.objects.get(key="H-1").entry, "the log tells it behind the hold"


def test_a_release_beside_a_hold_on_an_ancestor_is_refused(monkeypatch) -> None:
    chain("1")
    with seeing(ALL):
        lot = Lot.objects.get(key="H-1")
    command = {"command": "release_production", "state": "pending", "reason": "all done"}
    with between(monkeypatch, lambda: hold("1")) as done:
        released = dispose_lot(act=ACT, site="A", lot=str(lot.object), **command)
        (answer,) = append([make_command(released)], author="A", wiring=WIRING)
    assert done and answer.refusal is not None and answer.refusal.code == "lot_held"


def make_command(operation: Any) -> Any:
    more = {"object": operation.object, "base": operation.base, "reason": operation.reason}
    return make(operation.type, "command", fields=dict(operation.fields), **more)


def test_a_machine_held_beside_its_use_is_told(monkeypatch) -> None:
    plant("equipment", "set", fields={"number": "M1", "kind": "machine"})
    raised = raise_hold(act=ACT, site="A", number="HM", equipment="M1", cause="vibrates")
    with between(monkeypatch, lambda: registrant(raised)):
        answer = plant("step_record", fields={"number": "S1", "day": "2026-11-01", "machine": "M1"})
    assert "equipment_held" in codes(answer)


def test_a_hold_on_something_else_costs_nobody_a_second_judgement(monkeypatch) -> None:
    chain("1")
    chain("2")
    judged = []
    write = rows.write
    monkeypatch.setattr(rows, "write", lambda *a, **k: judged.append(1) or write(*a, **k))
    with between(monkeypatch, lambda: hold("2")):
        answer = ship("1")
    assert codes(answer) == []
    assert len(judged) == 2, "the hold's and the shipment's, once each"


def test_a_batch_that_raises_a_hold_itself_is_judged_once() -> None:
    """Its own hold is no other's: what came before it in the batch was judged before it."""
    chain("1")
    fields = {"number": "SH-1", "lines": [{"lot": "H-1", "quantity": "1"}]}
    held = {"number": "H-own", "lot": "R-1", "cause": "smell", "spreads": True}
    late = {"number": "SH-2", "lines": [{"lot": "H-1", "quantity": "1"}]}
    batch = [make("shipment", fields=fields), make("hold", "set", fields=held), make("shipment", fields=late)]
    before, own, after = append(batch, author="A", wiring=WIRING)
    assert (codes(before), own.verdict) == ([], Verdict.ACCEPTED)
    assert "lot_held" in codes(after)


def test_many_at_once_lose_no_hold() -> None:
    """Users of descendants in as many threads, a hold on each ancestor in the middle: no entry in between."""
    for n in range(CHAINS):
        chain(str(n))
    gates = [threading.Barrier(USERS + 1) for _ in range(CHAINS)]
    failed: list[BaseException] = []

    def work(user: int) -> None:
        try:
            for n in range(CHAINS):
                gates[n].wait(PATIENCE_S)
                for turn in range(3):
                    fields = {
                        "number": f"SH-{n}-{user}-{turn}",
                        "lines": [{"lot": f"H-{n}", "quantity": "1"}],
                    }
                    number = 1_000_000 + user * 10_000 + n * 100 + turn
                    append([make("shipment", fields=fields, number=number)], author="A", wiring=WIRING)
        except BaseException as error:
            failed.append(error)
            raise

    users = [apart(lambda user=user: work(user)) for user in range(USERS)]
    for each in users:
        each.start()
    for n in range(CHAINS):
        gates[n].wait(PATIENCE_S)
        assert hold(str(n)).verdict is Verdict.ACCEPTED
    for each in users:
        each.join(PATIENCE_S * 4)
    assert not failed and not any(each.is_alive() for each in users)
    assert unaware() == []


def unaware() -> list[tuple[int, int]]:
    """(hold's entry, entry) of shipments behind a hold on their lot's ancestor that do not say so."""
    with seeing(ALL):
        raised = {h.key.removeprefix("H-"): h.entry for h in Hold.objects.filter(key__startswith="H-")}
        told = list(Entry.objects.filter(type="shipment").order_by("seq"))
    assert len(raised) == CHAINS and len(told) == CHAINS * USERS * 3
    found = []
    for entry in told:
        name = entry.body.split('"number":"SH-')[1].split("-")[0]
        if entry.seq > raised[name] and "lot_held" not in (entry.decision or ""):
            found.append((raised[name], entry.seq))
    return found
