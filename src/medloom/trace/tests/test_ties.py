"""Which holds a tie carries over: those that spread, and that do not block the other lot already."""

from __future__ import annotations

import pytest

from medloom.kernel.tests.asking import ask
from medloom.trace.ties.rules import (
    Carried,
    Held,
    Tie,
    alias_ties,
    carried,
    event_ties,
    receipt_tie,
    tied,
)

pytestmark = pytest.mark.pure

R, H, C = ("A", "R"), ("A", "H"), ("C", "C-1")


def test_what_spreads_and_is_new_to_the_child_is_carried_over_once() -> None:
    held = [
        Held(R, 1, "H-1", True),
        Held(R, 2, "H-2", True),
        Held(R, 3, "H-3", False),
        Held(C, 2, "H-2", True),
    ]
    ties = [Tie("op", R, C), Tie("op", R, C), Tie("op", R, H), Tie("other", H, C)]
    assert carried(ties, held) == {
        "op": (Carried(C, R, ("H-1",)), Carried(H, R, ("H-1", "H-2"))),
    }  # fmt: skip


def test_a_cause_names_a_few_holds_and_counts_the_rest() -> None:
    assert Carried(C, R, ("1", "2", "3")).told == "1, 2, 3"
    assert Carried(C, R, ("1", "2", "3", "4", "5")).told == "1, 2, 3, +2"


def test_a_receipt_ties_the_senders_lot_to_the_lot_received() -> None:
    fields = {"partner": "A", "partner_lot": "R", "lot": "C-1"}
    (tie,) = receipt_tie(ask("receipt", fields, home="C"))
    assert (tie.parent, tie.child) == (R, C)
    assert receipt_tie(ask("receipt", fields, home="A")) == [], "its own plant is no way between plants"
    assert receipt_tie(ask("receipt", {**fields, "partner": None}, home="C")) == []
    again = ask("receipt", {"quantity": "3"}, home="C", current=fields)
    assert [(one.parent, one.child) for one in receipt_tie(again)] == [(R, C)], "a correction leaves the rest"


def test_a_merge_ties_both_ways_and_taking_it_apart_none() -> None:
    fields = {"lot": "R", "other": "H", "same": True}
    assert [(one.parent, one.child) for one in alias_ties(ask("alias", fields))] == [(R, H), (H, R)]
    assert alias_ties(ask("alias", {**fields, "same": False})) == []
    assert alias_ties(ask("alias", {"lot": "R"})) == []


def test_an_event_ties_what_went_in_to_what_came_out() -> None:
    lots = [{"role": "input", "lot": "R"}, {"role": "output", "lot": "H"}, {"role": "output", "lot": "R"}]
    fields = {"kind": "TransformationEvent", "lots": lots}
    assert [(one.parent, one.child) for one in event_ties(ask("trace_event", fields))] == [(R, H)]
    assert event_ties(ask("trace_event", {**fields, "error": True})) == []
    assert event_ties(ask("trace_event", fields, num=7)) == [], "told again, it proves nothing new"
    assert event_ties(ask("trace_event", {"kind": "TransformationEvent", "lots": "x"})) == []


@pytest.mark.parametrize(
    ("kind", "action", "pairs"),
    [
        ("AggregationEvent", "ADD", {("c", "p")}),
        ("AssociationEvent", "ADD", {("c", "p")}),
        ("AggregationEvent", "DELETE", set()),
        ("ObjectEvent", "OBSERVE", set()),
    ],
)
def test_packing_ties_only_where_something_is_put_in(kind: str, action: str, pairs: set[object]) -> None:
    assert tied(kind, action, {"child": {"c"}, "parent": {"p"}}) == pairs
