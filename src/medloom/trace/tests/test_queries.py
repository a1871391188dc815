"""Walks on a real PostgreSQL against the numpy search, and what a caller of one site gets to see."""

import itertools
import uuid
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medloom.kernel.access import seeing
from medloom.materials.models import Hold, Lot
from medloom.trace import queries
from medloom.trace.tests.oracle import Graph

pytestmark = [pytest.mark.database, pytest.mark.django_db]

#: Lots of the random graphs; the numbers start high, so that no other test's lots are met.
LOTS = 40
BASE = 1_000_000


@pytest.fixture(autouse=True)
def registrant() -> Iterator[None]:
    with seeing("*"):
        yield


def make_lots(nums: Iterable[int], *, site: str = "A") -> None:
    Lot.objects.bulk_create(
        Lot(num=n, object=uuid.uuid4(), site=site, key=f"L{n}", version=1, entry=n, number=f"L{n}")
        for n in nums
    )


def make_hold(num: int, lot: int, *, spreads: bool = True, state: str = "open") -> None:
    Hold.objects.create(
        num=num, object=uuid.uuid4(), site="A", key=f"H{num}", version=1, entry=num, number=f"H{num}",
        lot_id=lot, cause="particles", spreads=spreads, state=state,
    )  # fmt: skip


def make_edges(pairs: Iterable[tuple[int, int]], *, units: int = 0, site: str = "A") -> None:
    pairs = list(pairs)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO trace_edge (parent, child, step, entry, units, site)
               SELECT parent, child, child, child, %s, %s
               FROM unnest(%s::bigint[], %s::bigint[]) e (parent, child)""",
            [units, site, [p for p, _ in pairs], [c for _, c in pairs]],
        )


def clear() -> None:
    """The next random graph; within one test's transaction the owner's rights are not needed to void."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trace_edge SET voided_by = 1 WHERE voided_by IS NULL")


def dags() -> st.SearchStrategy[list[tuple[int, int]]]:
    pair = st.tuples(st.integers(0, LOTS - 2), st.integers(1, LOTS - 1)).filter(lambda p: p[0] < p[1])
    return st.lists(pair, max_size=90, unique=True)


@given(pairs=dags(), starts=st.sets(st.integers(0, LOTS - 1), min_size=1, max_size=4))
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def check_against_numpy(pairs: list[tuple[int, int]], starts: set[int]) -> None:
    clear()
    make_edges((BASE + p, BASE + c) for p, c in pairs)
    sources = np.array([p for p, _ in pairs], dtype=np.int64)
    targets = np.array([c for _, c in pairs], dtype=np.int64)
    asked = np.array(sorted(starts))
    ahead = Graph(nodes=LOTS, sources=sources, targets=targets).reach(asked)
    behind = Graph(nodes=LOTS, sources=targets, targets=sources).reach(asked)
    wanted = [BASE + s for s in starts]
    assert sorted(queries.forward(wanted).lots) == sorted(BASE + n for n in ahead.tolist())
    assert sorted(queries.backward(wanted).lots) == sorted(BASE + n for n in behind.tolist())


def test_both_walks_agree_with_numpy_on_random_graphs() -> None:
    make_lots(range(BASE, BASE + LOTS))
    check_against_numpy()


def test_a_loop_ends() -> None:
    make_lots([1, 2, 3])
    make_edges([(1, 2), (2, 3), (3, 1)])
    assert sorted(queries.forward([1]).lots) == [1, 2, 3]
    assert sorted(queries.backward([1]).lots) == [1, 2, 3]


def test_a_chain_longer_than_the_levels_is_walked_to_its_end() -> None:
    chain = list(range(1, 1200))
    make_lots(chain)
    make_edges(itertools.pairwise(chain))
    make_edges([(chain[-1], 77)], units=5)
    assert sorted(queries.forward([1]).lots) == chain
    assert sorted(queries.backward([chain[-1]]).lots) == chain
    assert queries.units([1]) == [queries.Units(lot=chain[-1], first=77, units=5)]


def test_a_long_way_round_does_not_repeat_what_was_seen() -> None:
    chain = list(range(1, 260))
    make_lots(chain)
    make_edges([*itertools.pairwise(chain), (chain[-1], chain[0]), (1, 240)])
    make_edges([(n, n) for n in chain], units=2)
    assert sorted(queries.forward([1]).lots) == chain
    assert sorted(r.lot for r in queries.units([1])) == chain


def test_an_answer_over_the_limit_says_that_it_is_cut() -> None:
    make_lots(range(1, 12))
    make_edges((1, n) for n in range(2, 12))
    cut = queries.forward([1], most=5)
    assert (len(cut.lots), cut.cut) == (5, True)
    assert queries.forward([1], most=11).cut is False


def test_a_voided_edge_is_not_followed() -> None:
    make_lots([1, 2])
    make_edges([(1, 2)])
    clear()
    assert queries.forward([1]).lots == (1,)
    assert queries.backward([2]).lots == (2,)
    assert queries.used_in([1]) == []


def test_one_step_names_what_proves_it() -> None:
    make_lots([1, 2, 3])
    make_edges([(1, 2), (2, 3)])
    (ahead,) = queries.used_in([2])
    (behind,) = queries.made_of([2])
    assert (ahead.child, ahead.entry) == (3, 3)
    assert (behind.parent, behind.step) == (1, 2)


def test_a_unit_leads_to_its_lot() -> None:
    make_lots([1, 2])
    make_edges([(1, 100)], units=10)
    make_edges([(2, 200)], units=10)
    assert queries.lots_of_units([99, 100, 109, 110, 205]) == {100: 1, 109: 1, 205: 2}


def test_the_way_leads_through_lots_that_the_caller_may_not_see() -> None:
    make_lots([1, 3], site="A")
    make_lots([2], site="B")
    make_edges([(1, 2), (2, 3)], site="B")
    make_edges([(2, 900)], units=4, site="B")
    make_edges([(3, 950)], units=4, site="A")
    with seeing("A"):
        assert sorted(queries.forward([1]).lots) == [1, 3]
        assert sorted(queries.backward([3]).lots) == [1, 3]
        assert queries.used_in([1]) == []
        assert [r.lot for r in queries.units([1])] == [3]
        assert queries.lots_of_units([900, 950]) == {950: 3}


def test_a_hold_that_spreads_blocks_what_was_made_of_its_lot() -> None:
    make_lots([1, 2, 3, 4])
    make_edges([(1, 2), (2, 3)])
    make_hold(50, 1)
    assert queries.blocked([1, 3, 4]) == [queries.Blocked(1, 50, 1), queries.Blocked(3, 50, 1)]


def test_a_hold_that_does_not_spread_blocks_its_own_lot_only() -> None:
    make_lots([1, 2])
    make_edges([(1, 2)])
    make_hold(50, 1, spreads=False)
    assert queries.blocked([1, 2]) == [queries.Blocked(1, 50, 1)]


def test_a_cleared_hold_blocks_nothing_and_leaves_the_others() -> None:
    make_lots([1, 2])
    make_edges([(1, 2)])
    make_hold(50, 1, state="cleared")
    assert queries.blocked([1, 2]) == []
    make_hold(51, 1)
    assert {(b.lot, b.hold) for b in queries.blocked([1, 2])} == {(1, 51), (2, 51)}


def test_a_hold_far_from_the_lots_asked_about_is_no_answer() -> None:
    make_lots([1, 2, 3])
    make_edges([(1, 2)])
    make_hold(50, 3)
    assert queries.blocked([2]) == []


def test_the_application_cannot_walk_without_the_functions() -> None:
    make_lots([1, 2], site="B")
    make_edges([(1, 2)], site="B")
    with seeing("A"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM trace_edge")
        assert cursor.fetchone() == (0,)
