"""What an operation waits for, and what must not get ahead of it. Found by the simulator on PostgreSQL."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, connections

from medloom import hub
from medloom.kernel.access import seeing
from medloom.kernel.case import Received
from medloom.kernel.cursor import one_transaction
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry
from medloom.kernel.tests.making import make
from medloom.kernel.waking import wake
from medloom.materials.models import Lot
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
WIRING = hub.wiring()


def verdicts(object: str) -> list[str]:
    with seeing("*"):
        return list(Entry.objects.filter(object=object).order_by("seq").values_list("verdict", flat=True))


def test_an_edit_on_a_creation_not_yet_decided_is_no_creation() -> None:
    """It has no base either, and need not say again what the object must have."""
    made = make("lot", "set", fields={"number": "L1", "remark": "first"})
    append([made], author="A")
    lot = made.operation.object
    edit = make(
        "lot", "set", object=lot, requires=(made.operation.id,), fields={"remark": "second"}, reason="r"
    )
    (answer,) = append([edit], author="A")
    assert (answer.verdict, answer.version) == (Verdict.ACCEPTED, 2)
    nothing = make("lot", "set", requires=(made.operation.id,), fields={"remark": "of no lot"}, reason="r")
    (answer,) = append([nothing], author="A")
    assert (answer.verdict, answer.refusal.code) == (Verdict.QUARANTINED, "missing")


def test_an_operation_is_judged_again_once_when_all_it_requires_has_come() -> None:
    first, other = (make("lot", "observe", fields={"number": n}) for n in ("L1", "L2"))
    both = (first.operation.id, other.operation.id)
    late = make("lot", "set", requires=both, fields={"number": "L3"}, reason="r")
    (answer,) = append([late], author="A")
    assert (answer.verdict, answer.refusal.code) == (Verdict.PARKED, "requires_unknown")
    append([first], author="A")
    assert verdicts(late.operation.object) == ["parked", "parked"], "the other one is still missing"
    append([other], author="A")
    assert verdicts(late.operation.object) == ["parked", "parked", "accepted"]
    append([make("lot", "observe", fields={"number": "L4"})], author="A")
    assert len(verdicts(late.operation.object)) == 3


def test_what_requires_a_repeated_operation_does_not_wait_for_ever() -> None:
    source = ("daily", "k", "h")
    append([make("lot", "observe", fields={"number": "L1"}, source=source)], author="A")
    again = make("lot", "observe", fields={"number": "L1"}, source=source)
    late = make("lot", "set", requires=(again.operation.id,), fields={"number": "L2"}, reason="r")
    append([late], author="A")
    with connection.cursor() as cursor:  # as the hub's store notes it, before the push is judged
        cursor.execute(
            "insert into chain_state (site, epoch, chain, next, head) values ('A', %s, 'v', %s, '')",
            (again.epoch, again.number + 1),
        )
    (answer,) = append([again], author="A")
    assert answer.first and verdicts(late.operation.object)[-1] == "accepted"


def release(lot: str):
    return make("lot", "command", object=lot, base=1, fields={"command": "release_production"})


def hold(number: str):
    return make("hold", "set", fields={"number": f"H{number}", "lot": number, "cause": "looked at"})


def test_a_hold_counts_for_what_follows_it_in_the_same_push() -> None:
    made = make("lot", "observe", fields={"number": "L1"})
    append([made], author="A", wiring=WIRING)
    answers = append([hold("L1"), release(made.operation.object)], author="A", wiring=WIRING)
    assert [a.verdict for a in answers] == [Verdict.ACCEPTED, Verdict.REJECTED]
    assert answers[1].refusal.code == "lot_held"


def test_a_release_waits_for_a_hold_that_is_not_committed_yet() -> None:
    made = make("lot", "observe", fields={"number": "L1"})
    append([made], author="A", wiring=WIRING)
    found: list[Verdict] = []

    def releasing() -> None:
        try:
            found.append(append([release(made.operation.object)], author="A", wiring=WIRING)[0].verdict)
        finally:
            connections.close_all()

    other = threading.Thread(target=releasing)
    with one_transaction() as cursor:
        append([hold("L1")], author="A", wiring=WIRING, cursor=cursor)
        cursor.flush()
        other.start()
        until = time.monotonic() + 60
        ask = "select count(*) as n from pg_locks where not granted"
        while other.is_alive() and time.monotonic() < until and not cursor.execute(ask).fetchone()["n"]:
            time.sleep(0.01)
    other.join(60)
    assert found == [Verdict.REJECTED]
    with seeing("A"):
        assert Lot.objects.get(key="L1").state == "pending"


@pytest.mark.parametrize("waits_for", ["operation", "object", "item"])
def test_what_is_parked_while_its_wait_ends_unseen_is_woken_later(waits_for: str) -> None:
    """One transaction makes what the other waits for, and neither sees the other."""
    if waits_for == "item":
        first = make("item", "set", fields={"number": "I1"})
        late = make("work_order", "set", fields={"number": "W1", "item": "I1", "quantity": 5})
    else:
        first = make("lot", "set", fields={"number": "L1"})
        late = (
            make("lot", "set", fields={"number": "L2"}, requires=(first.operation.id,), reason="r")
            if waits_for == "operation"
            else make("lot", "set", object=first.operation.object, base=1, fields={"remark": "x"}, reason="r")
        )
    append([make("lot", "observe", fields={"number": "L0"})], author="A")  # the row of this build is there
    with one_transaction() as cursor:
        append([first], author="A", wiring=WIRING, cursor=cursor)
        cursor.flush()
        other = threading.Thread(target=_append_apart, args=[late])
        other.start()
        other.join(60)
        assert not other.is_alive(), "the one does not wait for the other"
    assert "parked" in verdicts(late.operation.object)
    assert wake(hub.wiring) == 1
    assert verdicts(late.operation.object)[-1] == "accepted"
    assert wake(hub.wiring) == 0


def test_what_still_waits_is_not_judged_again_and_again() -> None:
    first, never = (make("lot", "set", fields={"number": n}) for n in ("L1", "L2"))
    both = make(
        "lot", "set", fields={"number": "L3"}, reason="r",
        requires=(first.operation.id, never.operation.id),
    )  # fmt: skip
    append([both], author="A", wiring=WIRING)
    append([first], author="A", wiring=WIRING)
    before = verdicts(both.operation.object)
    assert wake(hub.wiring) == 0
    assert verdicts(both.operation.object) == before


def _append_apart(item: Received) -> None:
    try:
        append([item], author="A", wiring=WIRING)
    finally:
        connections.close_all()


def test_a_conflict_is_shown_to_both_sides() -> None:
    made = make("lot", "set", fields={"number": "L1", "remark": "first"})
    append([made], author="A")
    lot = made.operation.object
    for author, remark in (("A", "the plant's"), ("HQ", "the registrant's")):
        edit = make("lot", "set", site=author, object=lot, base=1, fields={"remark": remark}, reason="r")
        append([edit], author=author)
    with seeing("*"):
        last = Entry.objects.latest("seq")
    assert (last.verdict, last.site) == ("conflict", "HQ")
    with connection.cursor() as cursor:
        cursor.execute("select set_config('medloom.site', '*', false)")
        cursor.execute("select array_to_string(sites, ',') from entry where seq = %s", (last.seq,))
        assert cursor.fetchone() == ("A,HQ",)
