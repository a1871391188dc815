"""Freezing a scope: what is written with the entry, what is refused, and what came in since."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from medloom.hub import WIRING
from medloom.kernel.access import ALL, seeing
from medloom.kernel.act import Act
from medloom.kernel.case import Received
from medloom.kernel.cursor import open_cursor
from medloom.kernel.ledger import append, own
from medloom.kernel.tests.making import make
from medloom.trace.actions import freeze_scope
from medloom.trace.frozen import queries
from medloom.trace.frozen.lines import difference
from medloom.trace.frozen.queries import Drawn, draw, frozen_lines
from medloom.trace.models import Scope, ScopeLine
from medloom.trace.scopes.expression import parse
from medloom.wire.operation import Operation
from medloom.wire.verdict import Answer, Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

ACT = Act(actor="anna", at="2026-11-23T09:00:00Z", mint=lambda: str(uuid.uuid4()))
QUESTION = 'affected({lot = "RESIN"})'


def accept(*received: Received) -> None:
    for answer in append(received, author="A", wiring=WIRING):
        assert answer.verdict is Verdict.ACCEPTED, answer


def record(number: str, **fields: Any) -> Received:
    return make("step_record", fields={"number": number, "day": "2026-11-01", **fields})


@pytest.fixture(autouse=True)
def house() -> None:
    accept(
        record("R1", resin_lot="RESIN", output_lot="CAP", good=10),
        record("R2", output_lot="VALVE", good=4, inputs=[{"lot": "CAP", "quantity": "4"}]),
    )


def ask(text: str = QUESTION) -> Drawn:
    with seeing(ALL), open_cursor() as cursor:
        return draw(cursor, parse(text), text)


def write(operations: Sequence[Operation], *, author: str = "HQ") -> list[Answer]:
    return append([own(one) for one in operations], author=author, wiring=WIRING)


def freeze(drawn: Drawn, *, number: str = "RS-1", text: str = QUESTION, **more: Any) -> list[Operation]:
    return freeze_scope(
        act=ACT,
        number=number,
        title="Black spots",
        expression=text,
        drawn=drawn,
        reason="complaint 12",
        **more,
    )


def kept(number: str = "RS-1") -> Scope:
    with seeing(ALL):
        return Scope.objects.get(number=number)


def test_a_frozen_scope_keeps_its_lines_with_the_entry_that_proves_each() -> None:
    drawn = ask()
    assert {answer.verdict for answer in write(freeze(drawn))} == {Verdict.ACCEPTED}
    scope = kept()
    assert (scope.state, scope.digest, scope.lots, scope.devices) == ("frozen", drawn.digest, 3, 14)
    assert scope.as_of == drawn.as_of > 0
    with seeing(ALL), open_cursor() as cursor:
        lines = frozen_lines(cursor, scope.num)
        proofs = {row["seq"]: row["type"] for row in cursor.execute("select seq, type from entry").fetchall()}
    assert sorted(lines, key=lambda line: line.key) == sorted(drawn.lines, key=lambda line: line.key)
    by_key = {line.key: line for line in lines}
    assert [proofs[by_key[key].entry] for key in ("CAP", "VALVE")] == ["step_record", "step_record"]
    assert by_key["VALVE"].via == by_key["CAP"].lot
    assert difference(lines, ask().lines).any is False


def test_what_came_in_since_is_told_and_the_frozen_scope_stays() -> None:
    write(freeze(ask()))
    accept(record("R3", output_lot="VALVE-2", good=2, inputs=[{"lot": "CAP", "quantity": "2"}]))
    with seeing(ALL), open_cursor() as cursor:
        lines = frozen_lines(cursor, kept().num)
    found = difference(lines, ask().lines)
    assert [line.key for line in found.added] == ["VALVE-2"]
    assert [(before.balance.consumed, after.balance.consumed) for before, after in found.changed] == [(4, 6)]
    assert found.gone == ()
    assert len(lines) == kept().lots == 3
    again = write(freeze(ask(), number="RS-2", supersedes="RS-1"))
    assert {answer.verdict for answer in again} == {Verdict.ACCEPTED}
    assert (kept("RS-2").supersedes, kept("RS-2").lots, kept("RS-1").lots) == ("RS-1", 4, 3)


def refusals(answers: Sequence[Answer]) -> set[str]:
    assert {answer.verdict for answer in answers} == {Verdict.REJECTED}
    return {answer.refusal.code for answer in answers if answer.refusal} - {"group_refused"}


def test_lines_that_are_no_longer_the_answer_are_not_frozen() -> None:
    drawn = ask()
    accept(record("R3", output_lot="VALVE-2", good=2, inputs=[{"lot": "CAP"}]))
    assert refusals(write(freeze(drawn))) == {"scope_moved"}
    with seeing(ALL):
        assert (Scope.objects.count(), ScopeLine.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [({"digest": "0" * 64}, "scope_moved"), ({"lines": ()}, "scope_moved")],
)
def test_a_digest_or_count_of_ones_own_is_refused(change: dict[str, Any], code: str) -> None:
    assert refusals(write(freeze(dataclasses.replace(ask(), **change)))) == {code}


def test_nothing_to_freeze_too_much_to_freeze_and_nonsense() -> None:
    empty = '{lot = "nobody"}'
    assert refusals(write(freeze(ask(empty), text=empty))) == {"scope_empty"}
    assert refusals(write(freeze(ask(), text="{lot = }"))[:1]) == {"expression_wrong"}
    (alone,) = write([ACT.create("scope", site="", fields={
        "number": "RS-9", "title": "t", "expression": QUESTION, "digest": "0" * 64})])  # fmt: skip
    assert refusals([alone]) == {"not_yet_frozen"}


def test_a_frozen_scope_is_never_changed_and_no_plant_may_freeze() -> None:
    write(freeze(ask()))
    scope = kept()
    changed = ACT.change(
        "scope", str(scope.object), site="", base=scope.version, fields={"title": "Another"}, reason="typo"
    )
    assert refusals(write([changed])) == {"scope_frozen"}
    again = freeze(ask())[1]
    twice = ACT.command("scope", str(scope.object), site="", name="freeze", state="frozen", fields={
        name: again.fields[name] for name in ("as_of", "lots", "devices", "digest")})  # fmt: skip
    assert write([twice])[0].verdict is Verdict.REJECTED
    plants = write(freeze(ask(), number="RS-3"), author="A")
    assert Verdict.ACCEPTED not in {answer.verdict for answer in plants}
    with seeing("A"):
        assert Scope.objects.count() == 0
        assert ScopeLine.objects.count() == 3
    with seeing("B"):
        assert ScopeLine.objects.count() == 0


def test_a_record_that_comes_between_judging_and_writing_starts_the_freeze_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn, turns, real = ask(), itertools.count(), queries.lines

    def lines(cursor: Any, found: Any) -> Any:
        """The second question of the batch, the one that is written, meets one lot fewer."""
        told = real(cursor, found)
        return told[:-1] if next(turns) == 1 else told

    monkeypatch.setattr(queries, "lines", lines)
    assert {answer.verdict for answer in write(freeze(drawn))} == {Verdict.ACCEPTED}
    assert next(turns) == 4, "judged and written twice: the first time the lines had moved"
    with seeing(ALL):
        assert ScopeLine.objects.count() == 3
