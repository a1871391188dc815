"""The glue's rule: nothing is consumed twice, what was decided stays, a later run goes on from there."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medloom.demo.consuming import (
    Order,
    Recipe,
    Sent,
    Stocked,
    assemble,
    deal,
    load,
    receive,
    recipes,
    ship,
)

pytestmark = pytest.mark.pure
DAY = dt.date(2018, 11, 1)
STRUCTURE = {"901": {"501": 1, "502": 2}, "902": {"502": 1}, "903": {"503": 1}}


def network(orders: list[Order]) -> list[Recipe]:
    found = recipes(["901", "902", "903"], STRUCTURE, orders)
    deal(found, [("A", "X1"), ("A", "X2"), ("A", "X3"), ("MACH", "ROD")])
    return found


ORDERS = st.lists(
    st.tuples(st.sampled_from(["901", "902", "903"]), st.integers(1, 9)), min_size=3, max_size=40
).map(lambda pairs: [Order(n, p, q, q - q // 5) for n, (p, q) in enumerate(pairs, start=1)])
LOTS = st.lists(
    st.tuples(st.sampled_from(["X1", "X2", "X3", "ROD"]), st.integers(0, 30_000), st.integers(0, 20)),
    max_size=12,
).map(
    lambda found: [
        Sent("MACH" if item == "ROD" else "A", item, f"L{n}", DAY + dt.timedelta(days=d), good)
        for n, (item, good, d) in enumerate(found)
    ]
)


@settings(deadline=None)
@given(ORDERS, LOTS)
def test_no_piece_is_consumed_that_was_not_received_and_none_twice(
    orders: list[Order], lots: list[Sent]
) -> None:
    found = network(orders)
    receipts = receive(found, lots, ())
    stock = [Stocked(r.lot, r.component, r.day, r.quantity) for r in receipts]
    made = assemble(found, stock, orders, ())
    used: Counter[str] = Counter()
    for one in made:
        for lot, quantity in one.inputs:
            used[lot] += quantity
    received = {r.lot: r.quantity for r in receipts}
    assert all(quantity <= received[lot] for lot, quantity in used.items())
    assert {s.lot: s.left for s in stock} == {n: q - used[n] for n, q in received.items()}
    assert len({one.order for one in made}) == len(made)


@settings(deadline=None)
@given(ORDERS, LOTS)
def test_a_second_run_on_what_stands_adds_nothing(orders: list[Order], lots: list[Sent]) -> None:
    found = network(orders)
    receipts = receive(found, lots, ())
    assert receive(found, lots, {(r.site, r.sent) for r in receipts}) == []
    stock = [Stocked(r.lot, r.component, r.day, r.quantity) for r in receipts]
    made = assemble(found, stock, orders, ())
    assert assemble(found, stock, orders, {one.lot for one in made}) == []
    loads = load(made, ())
    assert load(made, {sterile.lot for _, sterile in loads}) == []


def test_devices_are_the_most_ordered_and_machined_parts_go_into_the_last() -> None:
    orders = [
        Order(n, p, 1 if p == "903" else 5, 1) for n, p in enumerate(["901"] * 3 + ["902"] * 2 + ["903"])
    ]
    found = network(orders)
    assert [(r.device, r.product) for r in found] == [(1, "901"), (2, "902"), (3, "903")]
    assert found[2].sources == {"503": {("MACH", "ROD")}}
    assert found[0].sources == {"501": {("A", "X1")}, "502": {("A", "X2")}}


def test_nine_tenths_leave_in_parcels_without_a_gap() -> None:
    found = network([Order(n, "902", 30, 30) for n in range(1, 5)])
    stock = [Stocked("RM", "502", DAY, 500), Stocked("RM2", "501", DAY, 500)]
    ((packed, sterile),) = load(
        assemble(found, stock, [Order(n, "902", 30, 30) for n in range(1, 5)], ()), ()
    )
    parcels = ship([sterile])
    assert (packed.good, sterile.good) == (120, 120) and sterile.inputs == ((packed.lot, 120),)
    assert [(p.first, p.last) for p in parcels] == [(1, 48), (49, 96), (97, 108)]
    assert len({p.consignee for p in parcels}) == 3
