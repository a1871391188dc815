"""The pure parts of scopes: sets of parts of lots, balances, digests, differences, mentions."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medloom.trace.frozen.lines import Line, difference, digest, ordered, plain
from medloom.trace.scopes.balance import Balance, Counted, balances, totals
from medloom.trace.scopes.mentions import mentions, squeeze
from medloom.trace.scopes.parts import (
    ALL,
    EMPTY,
    NONE,
    SOME,
    WHOLE,
    Making,
    Part,
    both,
    either,
    less,
    meaning,
)
from medloom.trace.scopes.portions import Portion, Portions, join, reached, starts

pytestmark = pytest.mark.pure


def part(*steps: int, distance: int = 0, entry: int = 1, loose: int = NONE) -> Portion:
    return Portion(distance, 0, entry, Part(frozenset(steps), EMPTY, loose) if steps else WHOLE)


STEPS = st.frozensets(st.integers(1, 4), min_size=1)
PARTS = st.one_of(
    st.builds(Part, STEPS, st.just(EMPTY), st.sampled_from((NONE, SOME))),
    st.builds(Part, st.none(), st.frozensets(st.integers(1, 4)), st.sampled_from((NONE, SOME, ALL))),
)


def sets() -> st.SearchStrategy[Portions]:
    portions = st.builds(Portion, st.integers(0, 3), st.just(0), st.integers(1, 9), PARTS)
    return st.dictionaries(st.integers(1, 6), portions, max_size=6)


def meant(found: Portions) -> dict[int, Part]:
    return {lot: portion.part for lot, portion in found.items()}


@given(sets(), sets(), sets())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_sets_of_parts_keep_the_laws_of_sets(one: Portions, two: Portions, three: Portions) -> None:
    for operation in ("or", "and"):
        assert meant(join(operation, one, two)) == meant(join(operation, two, one))
        left = join(operation, join(operation, one, two), three)
        assert meant(left) == meant(join(operation, one, join(operation, two, three)))
        assert meant(join(operation, one, one)) == meant(one)
    assert meant(join("and", one, join("or", one, two))) == meant(one)
    less = join("except", one, join("or", two, three))
    assert meant(less) == meant(join("except", join("except", one, two), three))
    rest = join("except", one, two)
    assert rest.keys() <= one.keys()
    whole = {lot: part() for lot in two}
    assert join("except", one, whole).keys() == one.keys() - two.keys()
    assert join("except", one, {}) == one


#: Of one lot: records 1 to 4 with devices, and one loose piece that is surely meant, perhaps meant, or not.
def pieces(one: Part) -> tuple[set[int], set[int]]:
    """What is surely meant and what may be: two ordinary sets; 0 is the loose piece."""
    numbered = {step for step in (1, 2, 3, 4) if one.holds(step)}
    return numbered | ({0} if one.loose == ALL else set()), numbered | ({0} if one.loose else set())


@given(PARTS, PARTS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_join_rounds(one: Part, other: Part) -> None:
    (sure, may), (others_sure, others_may) = pieces(one), pieces(other)
    assert pieces(either(one, other)) == (sure | others_sure, may | others_may)
    assert pieces(both(one, other)) == (sure & others_sure, may & others_may)
    assert pieces(less(one, other)) == (sure - others_may, may - others_sure)


@pytest.mark.parametrize(
    ("said", "making", "word"),
    [
        (WHOLE, Making({}), "whole"),
        (WHOLE, Making({1: 5, 2: None}), "whole"),
        (Part(None, frozenset({1})), Making({1: 5, 2: 7}), "part"),
        (Part(None, frozenset({1, 2})), Making({1: 5, 2: 7}), ""),
        (Part(None, frozenset({1, 2})), Making({1: 5, 2: 7}, Decimal(12)), ""),
        (Part(None, frozenset({1, 2})), Making({1: 5, 2: 7}, Decimal(13)), "unrecorded"),
        (Part(None, frozenset({1})), Making({1: 5, 2: None}, Decimal(99)), "uncounted"),
        (Part(None, EMPTY, SOME), Making({1: None, 2: None}), "uncounted"),
        (Part(None, EMPTY, NONE), Making({1: None}), ""),
        (Part(frozenset({1}), EMPTY, NONE), Making({1: 5}), "whole"),
        (Part(frozenset({1}), EMPTY, NONE), Making({1: 5}, Decimal(6)), "part"),
        (Part(frozenset({1}), EMPTY, ALL), Making({1: 5, 2: None}), "whole"),
        (Part(frozenset({1}), EMPTY, NONE), Making({1: 0, 2: 3}), "part"),
    ],
)
def test_what_is_meant_of_a_lot_is_said_in_one_word(said: Part, making: Making, word: str) -> None:
    assert meaning(said, making) == word


def test_the_nearer_proof_is_kept() -> None:
    near, far = {1: part(distance=1, entry=11)}, {1: part(distance=-3, entry=33)}
    assert join("or", far, near)[1].entry == join("and", far, near)[1].entry == 11


def test_records_of_one_lot_are_parts_of_it() -> None:
    found = starts([(7, 1, 3, 20), (7, 2, 0, 10), (8, None, None, 5), (8, 3, 1, 4), (9, 1, None, 6)])
    assert found == {7: part(1, 2, entry=10), 8: part(entry=4), 9: Portion(0, 0, 6, Part(EMPTY, EMPTY, SOME))}


def test_what_a_walk_reaches_is_whole_and_so_is_a_start_that_it_comes_back_to() -> None:
    found = reached({1: part(5), 2: part(6)}, [(3, 1, 1, 30), (2, 1, 1, 31), (1, 0, 0, 0)])
    assert found == {1: part(5), 2: part(), 3: Portion(1, 1, 30)}


def moved(kind: str, quantity: int, *, inward: bool = False, lot: int = 1) -> dict[str, Any]:
    return {"lot": lot, "kind": kind, "inward": inward, "unit": "1", "quantity": Decimal(quantity)}


def test_moves_come_first_and_what_is_left_is_unknown() -> None:
    moves = [moved("produced", 100), moved("shipped", 60), moved("returned", 5, inward=True)]
    moves += [moved("scrapped", 3), moved("consumed", 20), moved("returned", 2), moved("transfer", 9)]
    counted = Counted(
        moves=moves,
        delivered=[moved("received", 999), moved("shipped", 999)],
        stock=[{"lot": 1, "unit": "1", "quantity": Decimal(15)}],
        good={1: Decimal(90)},
        used={1: (Decimal(77), 1)},
    )
    (found,) = balances([1], counted).values()
    expected = Balance("1", *(Decimal(n) for n in (100, 15, 55, 3, 20, 2)))
    assert (found, found.unknown) == (expected, 5)


def test_other_records_stand_in_where_no_move_is_booked() -> None:
    counted = Counted(delivered=[moved("shipped", 4, lot=2)], good={1: Decimal(9)}, used={1: (Decimal(4), 2)})
    found = balances([1, 2, 3], counted)
    assert (found[1].made, found[1].consumed, found[1].unsaid, found[1].unknown) == (9, 4, 2, 5)
    assert (found[2].made, found[2].shipped, found[2].unknown) == (None, 4, None)
    total = totals(found.values())["1"]
    assert (total.made, total.known, total.unknown, total.unsaid) == (13, 8, 5, 4)


def line(key: str, **more: Any) -> Line:
    given_ = {"lot": 1, "site": "A", "distance": 0, "via": 0, "entry": 5, "balance": Balance(made=Decimal(3))}
    return Line(key=key, **(given_ | more))


def test_the_digest_is_of_the_lines_and_not_of_their_order() -> None:
    one, other = line("L1"), line("L2", distance=1)
    assert digest("q", [one, other]) == digest("q", [other, one])
    assert digest("q", [one]) != digest("other question", [one])
    for change in (
        {"entry": 6},
        {"ranges": "1+2"},
        {"meant": "uncounted"},
        {"distance": 2},
        {"balance": Balance(made=Decimal("3.5"))},
    ):
        assert digest("q", [one]) != digest("q", [dataclasses.replace(one, **change)])
    again = dataclasses.replace(one, balance=Balance(made=Decimal("3.000")), lot=99, via=98)
    assert digest("q", [one]) == digest("q", [again]), "internal numbers and idle zeros are no matter of fact"
    assert ordered([other, one]) == [one, other]
    assert [plain(n) for n in (None, Decimal("0.500"), Decimal("10"), Decimal("-2.0"))] == [
        "?",
        "0.5",
        "10",
        "-2",
    ]


def test_a_difference_names_what_is_new_gone_and_changed() -> None:
    before = [line("L1"), line("L2"), line("L3")]
    after = [line("L1", lot=7), line("L2", devices=4, ranges="9+4"), line("L4")]
    found = difference(before, after)
    assert ([one.key for one in found.added], [one.key for one in found.gone]) == (["L4"], ["L3"])
    assert [(old.devices, new.devices) for old, new in found.changed] == [(0, 4)]
    assert not difference(before, before).any


def test_waiting_rows_that_name_a_lot_are_found_in_any_format_and_spelling() -> None:
    rows = [
        (1, '{"fields":{"output_lot":"PC26 0917","note":"x"}}'),
        (2, '{"raw":{"original":"{\\"批号\\": \\"pc26-0917\\"}"}}'),
        (3, "2026-11-01;M1;PC260917;80"),
        (4, '{"fields":{"output_lot":"PC260918"}}'),
        (5, '{"number":"A-1"}'),
        (6, '{"number":"A1"}'),
    ]
    assert mentions(rows, ["PC260917", "A1"]) == {
        1: ("PC26 0917",), 2: ("pc26-0917",), 3: ("PC260917",), 6: ("A1",),
    }  # fmt: skip
    assert squeeze("pc26-09 17/a") == "PC260917A"
