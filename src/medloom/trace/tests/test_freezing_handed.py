"""What went to whom is frozen with a scope: kept, under the digest, and told apart from what came since."""

from __future__ import annotations

import dataclasses

import pytest

from medloom.kernel.access import ALL, seeing
from medloom.kernel.cursor import open_cursor
from medloom.kernel.tests.making import make
from medloom.trace.accounts.queries import handed_over
from medloom.trace.frozen.handed import changed, in_order
from medloom.trace.frozen.lines import digest
from medloom.trace.frozen.queries import frozen_handed, frozen_lines, lots_of
from medloom.trace.models import Scope, ScopeHanded
from medloom.trace.tests.test_freezing import QUESTION, accept, ask, freeze, house, kept, refusals, write
from medloom.wire.operation import Operation
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("house")]
assert house  # a fixture of the other file


def ship(number: str, consignee: str | None, quantity: str = "3", **more: str) -> Operation:
    lines = [{"lot": "VALVE", "quantity": quantity, "first": "SN-1", "last": "SN-3", "sscc": "340123"}]
    named = {"consignee": consignee} if consignee else {}
    fields = {"number": number, "shipped": "2026-11-20", "lines": lines, **named}
    told = make("shipment", fields=fields, **more)
    accept(told)
    assert told.operation is not None
    return told.operation


def give_back(number: str, **more: str) -> None:
    fields = {"number": number, "lot": "VALVE", "kind": "returned", "quantity": "1", "unit": "1", **more}
    accept(make("move", fields=fields))


def test_consignments_are_kept_with_all_that_is_known_under_the_digest() -> None:
    ship("SH-1", "C-1")
    ship("SH-2", None)
    give_back("RT-1", consignee="C-1")
    drawn = ask()
    assert {answer.verdict for answer in write(freeze(drawn))} == {Verdict.ACCEPTED}
    scope = kept()
    with seeing(ALL), open_cursor() as cursor:
        lines, handed = frozen_lines(cursor, scope.num), frozen_handed(cursor, scope.num)
        proofs = {row["seq"]: row["type"] for row in cursor.execute("select seq, type from entry").fetchall()}
    assert handed == in_order(drawn.handed) and len(handed) == scope.consignments == 3
    assert digest(QUESTION, lines, handed) == scope.digest == drawn.digest != digest(QUESTION, lines)
    assert [(one.kind, one.number, one.consignee, proofs[one.entry]) for one in handed] == [
        ("returned", "RT-1", "C-1", "move"), ("shipped", "SH-1", "C-1", "shipment"),
        ("shipped", "SH-2", "", "shipment"),
    ]  # fmt: skip
    sent = handed[1]
    assert (sent.first, sent.last, sent.sscc, str(sent.day)) == ("SN-1", "SN-3", "340123", "2026-11-20")
    for site in ("A", "B"):
        with seeing(site):
            assert ScopeHanded.objects.count() == 0, "no plant reads whom its goods went to"


def test_shipments_since_are_told_and_the_frozen_ones_stay() -> None:
    first = ship("SH-1", "C-1")
    write(freeze(ask()))
    ship("SH-1", "C-2", "2", object=first.object, corrects=first.id)
    ship("SH-2", "C-3")
    with seeing(ALL), open_cursor() as cursor:
        handed = frozen_handed(cursor, kept().num)
        now = handed_over(cursor, lots_of(frozen_lines(cursor, kept().num)))
    assert [(one.consignee, int(one.quantity)) for one in handed] == [("C-1", 3)]
    found = [(one.one.number, [b.consignee for b in one.before], [n.consignee for n in one.now])
             for one in changed(handed, now)]  # fmt: skip
    assert found == [("SH-1", ["C-1"], ["C-2"]), ("SH-2", [], ["C-3"])]
    assert {answer.verdict for answer in write(freeze(ask(), number="RS-2", supersedes="RS-1"))} == {
        Verdict.ACCEPTED
    }
    assert (kept("RS-1").consignments, kept("RS-2").consignments) == (1, 2)


def test_a_shipment_between_seeing_and_freezing_and_a_count_of_ones_own_are_refused() -> None:
    drawn = ask()
    ship("SH-1", "C-1")
    assert refusals(write(freeze(drawn))) == {"scope_moved"}
    assert refusals(write(freeze(dataclasses.replace(ask(), handed=())))) == {"scope_moved"}
    with seeing(ALL):
        assert (Scope.objects.count(), ScopeHanded.objects.count()) == (0, 0)


def test_a_scope_that_was_frozen_before_keeps_the_digest_of_its_lots() -> None:
    drawn = ask()
    write(freeze(drawn))
    assert kept().consignments == 0, "kept, and there are none"
    with seeing(ALL), open_cursor() as cursor:
        assert digest(QUESTION, frozen_lines(cursor, kept().num)) == kept().digest == drawn.digest
