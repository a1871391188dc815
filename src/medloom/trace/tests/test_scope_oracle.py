"""Precision and recall of scopes are 1: against sets over the very operations, and a search in numpy.

The small genealogies go through the write door: lots split over several records and merge from several
lots, are reworked in loops, and are packed into lots of serialised devices. The large one is laid into the
tables.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from medloom.hub import WIRING
from medloom.kernel.access import ALL, seeing
from medloom.kernel.cursor import open_cursor
from medloom.kernel.ledger import append
from medloom.kernel.tests.making import make
from medloom.trace.scopes.expression import parse
from medloom.trace.scopes.queries import devices, evaluate, keys_of
from medloom.trace.tests.oracle import Graph
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

DAY = dt.date(2026, 3, 1)
EXAMPLES = itertools.count()
LOTS, MACHINES, DAYS = 9, 3, 6


@dataclass(frozen=True)
class Step:
    """One record: which machine on which day, what went in and came out, how many, and one reading."""

    machine: int
    day: int
    inputs: tuple[int, ...]
    output: int
    good: int
    feed: int


STEPS = st.builds(
    Step,
    machine=st.integers(0, MACHINES - 1),
    day=st.integers(0, DAYS - 1),
    inputs=st.lists(st.integers(0, LOTS - 1), max_size=3, unique=True).map(tuple),
    output=st.integers(0, LOTS - 1),
    good=st.integers(0, 40),
    feed=st.integers(0, 9),
)


@dataclass(frozen=True)
class Question:
    """A machine, a window of days, the least reading; None for whatever."""

    machine: int | None
    low: int
    high: int
    feed: int | None


QUESTIONS = st.builds(
    Question,
    machine=st.none() | st.integers(0, MACHINES - 1),
    low=st.integers(0, DAYS - 1),
    high=st.integers(0, DAYS - 1),
    feed=st.none() | st.integers(0, 9),
)


def text_of(mark: str, asked: Question) -> str:
    low, high = sorted((asked.low, asked.high))
    parts = [f"day = {DAY + dt.timedelta(low)}..{DAY + dt.timedelta(high)}"]
    parts.append(f'machine = "{mark}M{asked.machine}"' if asked.machine is not None else f'shift = "{mark}"')
    if asked.feed is not None:
        parts += ['parameter = "FEED"', f"reading = {asked.feed / 10}.."]
    return "{" + "; ".join(parts) + "}"


def fits(step: Step, asked: Question) -> bool:
    low, high = sorted((asked.low, asked.high))
    return (
        low <= step.day <= high
        and asked.machine in (None, step.machine)
        and (asked.feed is None or step.feed >= asked.feed)
    )


def affected(steps: Sequence[Step], asked: Question) -> dict[int, int]:
    """Lot -> devices, worked out by going through all records again and again until nothing is new."""
    meant = [step for step in steps if fits(step, asked)]
    reached = {step.output for step in meant}
    whole: set[int] = set()
    while True:
        fresh = {
            step.output for step in steps if any(lot in reached and lot != step.output for lot in step.inputs)
        }
        if fresh <= whole:
            break
        whole |= fresh
        reached |= fresh
    return {
        lot: sum(s.good for s in steps if s.output == lot and (lot in whole or s in meant)) for lot in reached
    }


def tell(mark: str, steps: Sequence[Step]) -> None:
    """The records through the write door, each step once: equal steps are two records all the same."""
    records = [
        make(
            "step_record",
            fields={
                "number": f"{mark}R{at}",
                "day": str(DAY + dt.timedelta(step.day)),
                "shift": mark,
                "machine": f"{mark}M{step.machine}",
                "output_lot": f"{mark}L{step.output}",
                "good": step.good,
                "inputs": [{"lot": f"{mark}L{lot}"} for lot in step.inputs],
                "parameters": [{"name": "FEED", "value": str(step.feed / 10), "unit": "mm"}],
            },
        )
        for at, step in enumerate(steps)
    ]
    assert {answer.verdict for answer in append(records, author="A", wiring=WIRING)} == {Verdict.ACCEPTED}


def asked_for(mark: str, text: str) -> dict[int, int]:
    with seeing(ALL), open_cursor() as cursor:
        found = evaluate(cursor, parse(text)).portions
        ranges, names = devices(cursor, found), keys_of(cursor, found)
    return {
        int(names[lot][1].removeprefix(f"{mark}L")): sum(units for _, units in ranges.get(lot, ()))
        for lot in found
    }


@given(steps=st.lists(STEPS, min_size=1, max_size=14), one=QUESTIONS, other=QUESTIONS)
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
def check(steps: list[Step], one: Question, other: Question) -> None:
    mark = f"X{next(EXAMPLES)}"
    tell(mark, steps)
    first, second = f"affected({text_of(mark, one)})", f"affected({text_of(mark, other)})"
    ours, theirs = affected(steps, one), affected(steps, other)
    assert asked_for(mark, first) == ours
    assert asked_for(mark, f"{first} or {second}").keys() == ours.keys() | theirs.keys()
    both = asked_for(mark, f"{first} and {second}").keys()
    assert both <= ours.keys() & theirs.keys()
    missed = (ours.keys() & theirs.keys()) - both
    assert all(not _share(steps, lot, one, other) for lot in missed), "no device of these is in both"
    assert asked_for(mark, f"{first} except {second}").keys() >= ours.keys() - theirs.keys()


def _share(steps: Sequence[Step], lot: int, one: Question, other: Question) -> bool:
    """Whether some record that made the lot is meant by both questions, or either holds it whole."""
    return any(s.output == lot and fits(s, one) and fits(s, other) for s in steps) or any(
        any(part in affected(steps, asked) and part != lot for part in s.inputs) and s.output == lot
        for s in steps
        for asked in (one, other)
    )


def test_scopes_of_random_genealogies_are_those_of_sets() -> None:
    check()


# -- large ------------------------------------------------------------------------------------

#: 200,000 lots make a million edges: the same test at full size takes some minutes.
MANY = int(os.environ.get("MEDLOOM_SCOPE_LOTS", "20000"))
INPUTS, PER_DAY, ON = 5, 400, 40
BASE = 7_000_000
_HEAD = "num, object, site, key, version, changed, entry, placeholder, voided"
_FILL = f"""
    insert into lot ({_HEAD}, state, number)
    select n, gen_random_uuid(), 'A', 'B' || n, 1, '{{}}', n, false, false, 'pending', 'B' || n
    from generate_series(%(base)s, %(base)s + %(many)s - 1) n;
    insert into equipment ({_HEAD}, number, kind)
    select %(base)s + %(many)s + n, gen_random_uuid(), 'A', 'BM' || n, 1, '{{}}', 0, false, false, 'BM' || n,
           'machine'
    from generate_series(0, %(on)s - 1) n;
    insert into step_record ({_HEAD}, number, day, machine_id, output_lot_id, total, good)
    select n, gen_random_uuid(), 'A', 'BR' || n, 1, '{{}}', n, false, false, 'BR' || n,
           %(day)s::date + ((n - %(base)s) / %(per)s)::int,
           %(base)s + %(many)s + (n - %(base)s) %% %(on)s, n, 50, 50
    from generate_series(%(base)s, %(base)s + %(many)s - 1) n;
    insert into step_parameter (parent_id, line, since, name, value, unit)
    select n, 1, 1, 'BSPEED', ((n - %(base)s) * 7919 %% %(many)s), '1'
    from generate_series(%(base)s, %(base)s + %(many)s - 1) n;
    insert into trace_edge (parent, child, step, entry, units, site)
    select n, n::bigint << 24, n, n, 50, 'A' from generate_series(%(base)s, %(base)s + %(many)s - 1) n"""


def _large() -> tuple[Graph, Graph]:
    """Twenty thousand lots, each of up to five recent ones, with a rework loop here and there."""
    random = np.random.default_rng(11)
    children = np.repeat(np.arange(MANY), INPUTS)
    parents = children - random.integers(1, 300, size=len(children))
    loops = random.random(len(children)) < 0.002
    parents = np.where(loops, children + random.integers(1, 50, size=len(children)), parents)
    sound = (parents >= 0) & (parents < MANY) & (children % 97 != 0)
    parents, children = parents[sound], children[sound]
    with seeing(ALL), connection.cursor() as cursor:
        given_ = {"base": BASE, "many": MANY, "on": ON, "per": PER_DAY, "day": DAY}
        for statement in _FILL.split(";"):
            cursor.execute(statement, given_)
        cursor.execute(
            """insert into trace_edge (parent, child, step, entry, units, site)
               select p, c, c, c, 0, 'A' from unnest(%s::bigint[], %s::bigint[]) e (p, c)""",
            [(parents + BASE).tolist(), (children + BASE).tolist()],
        )
    return (
        Graph(nodes=MANY, sources=parents, targets=children),
        Graph(nodes=MANY, sources=children, targets=parents),
    )


def _found(text: str) -> set[int]:
    with seeing(ALL), open_cursor() as cursor:
        answer = evaluate(cursor, parse(text))
    assert not answer.cut
    return {lot - BASE for lot in answer.portions}


def test_scopes_of_a_large_genealogy_are_those_of_a_search_in_memory() -> None:
    ahead, behind = _large()
    lots = np.arange(MANY)
    machine, day = lots % ON, lots // PER_DAY
    speed = lots * 7919 % MANY
    window = f"day = {DAY + dt.timedelta(10)}..{DAY + dt.timedelta(12)}"
    cases = [
        (f'{{machine = "BM7"; {window}}}', (machine == 7) & (day >= 10) & (day <= 12)),
        (f'{{parameter = "BSPEED"; reading = {MANY - 20}..}}', speed >= MANY - 20),
        (f'{{lot = "B{BASE + 5}", "B{BASE + 17_000}"}}', np.isin(lots, [5, 17_000])),
        (f"{{{window}}}", (day >= 10) & (day <= 12)),
    ]
    for text, meant in cases:
        starts = lots[meant]
        assert _found(text) == set(starts.tolist())
        assert _found(f"affected({text})") == set(ahead.reach(starts).tolist()), text
        assert _found(f"origin({text})") == set(behind.reach(starts).tolist()), text
    one, other = (set(ahead.reach(lots[meant]).tolist()) for _, meant in cases[:2])
    first, second = (f"affected({text})" for text, _ in cases[:2])
    assert _found(f"{first} and {second}") == one & other
    assert _found(f"{first} or {second}") == one | other
    left = _found(f"{first} except {second}")
    # Of a lot that the one holds whole and the other by a record's devices only, the rest stays: it is kept.
    by_record = set(lots[cases[1][1]].tolist())
    assert one - other <= left <= (one - other) | (one & by_record)
