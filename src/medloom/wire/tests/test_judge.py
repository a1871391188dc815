"""Verdicts by version, owner and state."""

from __future__ import annotations

from typing import Any

import pytest

from medloom.wire.judge import advance, judge
from medloom.wire.operation import Kind, Operation
from medloom.wire.sheet import Basis, Head, Lifecycle, Owner, Sheet, Step
from medloom.wire.tests.examples import operation
from medloom.wire.verdict import Verdict

pytestmark = pytest.mark.pure
SHEET = Sheet(
    type="order",
    kinds=frozenset({Kind.SET, Kind.COMMAND}),
    owners={"note": Owner.SHARED, "due": Owner.REGISTRANT, "value": Owner.SHARED, "unit": Owner.SHARED},
    groups={"value": "measure", "unit": "measure"},
    lifecycle=Lifecycle("draft", (Step("release", ("draft",), "released", Owner.REGISTRANT),)),
)


def edit(base: int, **fields: Any) -> Operation:
    return operation(type="order", kind=Kind.SET, base=base, fields=fields, source=None)


def command(**fields: Any) -> Operation:
    return operation(type="order", kind=Kind.COMMAND, base=3, fields=fields, source=None)


def head() -> Head:
    values = {"note": "b", "due": "2026-01-01", "value": "5", "unit": "g"}
    return Head("x", "A", version=5, state="draft", changed={"note": 5, "unit": 4}, values=values)


@pytest.mark.parametrize(
    ("base", "fields", "verdict"),
    [
        (5, {"note": "c"}, Verdict.ACCEPTED),
        (4, {"note": "c"}, Verdict.CONFLICT),
        (4, {"note": "b"}, Verdict.ACCEPTED),
        (4, {"value": "6"}, Verdict.ACCEPTED),
        (3, {"value": "6"}, Verdict.CONFLICT),
        (3, {"value": "6", "speed": "1"}, Verdict.CONFLICT),
        (0, {"note": "c"}, Verdict.CONFLICT),
        (6, {"note": "c"}, Verdict.CONFLICT),
        (6, {"note": "b"}, Verdict.ACCEPTED),
        (5, {"due": "2026-02-02"}, Verdict.REJECTED),
    ],
)
def test_staleness_is_by_field_and_group(base: int, fields: dict[str, Any], verdict: Verdict) -> None:
    judged = judge(edit(base, **fields), author="A", head=head(), sheet=SHEET)
    assert judged.verdict is verdict
    if verdict is Verdict.CONFLICT and base:
        assert judged.theirs


def test_what_the_author_knew_beyond_its_base_is_not_stale() -> None:
    stale = edit(4, note="c")
    for also, verdict in ((frozenset({5}), Verdict.ACCEPTED), (frozenset({4}), Verdict.CONFLICT)):
        judged = judge(stale, author="A", head=head(), sheet=SHEET, basis=Basis(4, also))
        assert judged.verdict is verdict


def test_nothing_known_means_every_other_value_is_a_conflict() -> None:
    for fields, verdict in (({"value": "7"}, Verdict.CONFLICT), ({"value": "5"}, Verdict.ACCEPTED)):
        judged = judge(edit(9, **fields), author="A", head=head(), sheet=SHEET, basis=Basis(0))
        assert judged.verdict is verdict


def test_a_command_carries_no_foreign_or_stale_field_along() -> None:
    for author, fields, code in (
        ("A", {"command": "release"}, "not_permitted"),
        ("HQ", {"command": "ship"}, "command_unknown"),
        ("HQ", {"command": "release", "from": "released"}, "illegal_state"),
        ("HQ", {"command": "release", "note": "c"}, "stale"),
        ("HQ", {"command": "release", "speed": "9"}, "not_owner"),
    ):
        judged = judge(command(**fields), author=author, head=head(), sheet=SHEET)
        assert judged.refusal is not None
        assert judged.refusal.code == code


def test_a_legal_command_moves_the_head() -> None:
    stands = head()
    judged = judge(command(command="release", due="2026-03-03"), author="HQ", head=stands, sheet=SHEET)
    advance(stands, judged)
    assert (stands.version, stands.state, stands.values["due"]) == (6, "released", "2026-03-03")
    assert stands.changed["due"] == 6


def test_an_object_that_is_only_observed_begins_in_a_state_of_its_own() -> None:
    steps = (Step("release", ("draft", "reported"), "released", Owner.REGISTRANT),)
    kinds = frozenset({Kind.SET, Kind.OBSERVE, Kind.COMMAND})
    for observed, state in (("reported", "reported"), ("", "draft")):
        sheet = Sheet(type="order", kinds=kinds, lifecycle=Lifecycle("draft", steps, observed))
        seen = operation(type="order", kind=Kind.OBSERVE, fields={"note": "c"}, source=None)
        stands = Head("x", "A")
        advance(stands, judge(seen, author="A", head=None, sheet=sheet))
        assert (stands.version, stands.state) == (1, state)
        assert judge(edit(0, note="c"), author="A", head=None, sheet=sheet).state == "draft"
        advance(stands, judge(seen, author="A", head=stands, sheet=sheet))
        assert (stands.version, stands.state) == (2, state), "seen again, it stays where it is"
        given = operation(type="order", kind=Kind.COMMAND, fields={"command": "release"}, source=None)
        advance(stands, judge(given, author="HQ", head=stands, sheet=sheet))
        assert stands.state == "released"
    assert Lifecycle("draft", steps, "reported").states == ("draft", "reported", "released")


def test_an_observation_fills_gaps_of_a_decision_and_never_overwrites_it() -> None:
    both = Sheet(
        type="order",
        kinds=frozenset({Kind.SET, Kind.OBSERVE}),
        owners={"note": Owner.SHARED, "due": Owner.REGISTRANT, "made": Owner.SITE},
    )
    stands = Head("x", "A", version=2, values={"note": "b", "due": "2026-01-01", "made": 1, "new": None})
    seen = operation(
        type="order",
        kind=Kind.OBSERVE,
        fields={"note": "c", "due": "2026-02-02", "made": 2, "new": "n"},
        source=None,
    )
    judged = judge(seen, author="A", head=stands, sheet=both)
    assert judged.verdict is Verdict.ACCEPTED and dict(judged.changes) == {"made": 2, "new": "n"}
    assert [(f.code, f.path, f.expected) for f in judged.findings] == [
        ("owner_differs", "/fields/note", "b"),
        ("owner_differs", "/fields/due", "2026-01-01"),
    ]
