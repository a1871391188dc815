"""Precision and recall of scopes are 1: against sets over the very operations, and a search in numpy.

The small genealogies go through the write door: lots split over several records, which may not say how many
pieces they made, and merge from several lots, are reworked in loops, and are packed into lots of serialised
devices. The large one is laid into the tables. Joins of every kind are compared range by range.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medloom.hub import WIRING
from medloom.kernel.access import ALL, seeing
from medloom.kernel.cursor import open_cursor
from medloom.kernel.ledger import append
from medloom.kernel.tests.making import make
from medloom.production.models import StepRecord
from medloom.trace.accounts.queries import devices
from medloom.trace.scopes.bounds import bounded
from medloom.trace.scopes.expression import parse
from medloom.trace.scopes.queries import evaluate
from medloom.trace.tests.answers import PATIENT_S, answered
from medloom.trace.tests.large import BASE, DAY, ON, PER_DAY, Large, lay
from medloom.trace.tests.pieces import JOINED, House, Meant
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

EXAMPLES = itertools.count()
LOTS, MACHINES, DAYS = 9, 3, 6


@dataclass(frozen=True)
class Step:
    """One record: which machine on which day, what went in and came out, how many, and one reading."""

    machine: int
    day: int
    inputs: tuple[int, ...]
    output: int
    good: int | None
    feed: int


STEPS = st.builds(
    Step,
    machine=st.integers(0, MACHINES - 1),
    day=st.integers(0, DAYS - 1),
    inputs=st.lists(st.integers(0, LOTS - 1), max_size=3, unique=True).map(tuple),
    output=st.integers(0, LOTS - 1),
    good=st.none() | st.integers(0, 40),
    feed=st.integers(0, 9),
)


@dataclass(frozen=True)
class Question:
    """A machine, a window of days, the least reading, None for whatever; or these lots."""

    machine: int | None
    low: int
    high: int
    feed: int | None
    lots: tuple[int, ...] = ()


QUESTIONS = st.builds(
    Question,
    machine=st.none() | st.integers(0, MACHINES - 1),
    low=st.integers(0, DAYS - 1),
    high=st.integers(0, DAYS - 1),
    feed=st.none() | st.integers(0, 9),
    lots=st.just(()) | st.lists(st.integers(0, LOTS - 1), min_size=1, max_size=4, unique=True).map(tuple),
)


def text_of(mark: str, asked: Question) -> str:
    if asked.lots:
        return "{lot = " + ", ".join(f'"{mark}L{lot}"' for lot in asked.lots) + "}"
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


def block(house: House, steps: Sequence[Step], asked: Question) -> Meant:
    """The records that fit, or the lots that are named."""
    if asked.lots:
        return house.of_lots({lot for step in steps for lot in (*step.inputs, step.output)} & set(asked.lots))
    return house.of_records({at for at, step in enumerate(steps) if fits(step, asked)})


def tell(mark: str, steps: Sequence[Step]) -> dict[int, int]:
    """The records through the write door, each step once: equal steps are two records all the same.

    Answers with the internal number of each record.
    """
    records = [
        make(
            "step_record",
            fields={
                "number": f"{mark}R{at}",
                "day": str(DAY + dt.timedelta(step.day)),
                "shift": mark,
                "machine": f"{mark}M{step.machine}",
                "output_lot": f"{mark}L{step.output}",
                **({} if step.good is None else {"good": step.good}),
                "inputs": [{"lot": f"{mark}L{lot}"} for lot in step.inputs],
                "parameters": [{"name": "FEED", "value": str(step.feed / 10), "unit": "mm"}],
            },
        )
        for at, step in enumerate(steps)
    ]
    assert {answer.verdict for answer in append(records, author="A", wiring=WIRING)} == {Verdict.ACCEPTED}
    with seeing(ALL):
        known = StepRecord.objects.filter(shift=mark).values_list("num", "number")
        return {num: int(number.removeprefix(f"{mark}R")) for num, number in known}


def asked_for(mark: str, text: str, records: dict[int, int]) -> dict[int, tuple[str, dict[int, int]]]:
    return {int(key.removeprefix(f"{mark}L")): told for (_, key), told in answered(text, records).items()}


@given(
    steps=st.lists(STEPS, min_size=1, max_size=14),
    asked=st.tuples(QUESTIONS, QUESTIONS, QUESTIONS),
    joins=st.tuples(st.sampled_from(list(JOINED)), st.sampled_from(list(JOINED))),
)
@settings(max_examples=15, deadline=None, derandomize=True, database=None)
def check(steps: list[Step], asked: tuple[Question, ...], joins: tuple[str, str]) -> None:
    mark = f"X{next(EXAMPLES)}"
    records, house = tell(mark, steps), House(steps)
    text = [text_of(mark, one) for one in asked]
    begun = [block(house, steps, one) for one in asked]
    full = [f"affected({one})" for one in text]
    reached = [house.walk("affected", one) for one in begun]
    cases = {text[0]: begun[0], full[0]: reached[0]}
    for name, join in JOINED.items():
        cases[f"{full[0]} {name} {full[1]}"] = join(reached[0], reached[1])
        cases[f"{full[0]} {name} {text[1]}"] = join(reached[0], begun[1])
        cases[f"affected({text[0]} {name} {text[1]})"] = house.walk("affected", join(begun[0], begun[1]))
    first, second = joins
    three = JOINED[second](JOINED[first](reached[0], begun[1]), reached[2])
    cases[f"{full[0]} {first} {text[1]} {second} {full[2]}"] = three
    for question, meant in cases.items():
        assert asked_for(mark, question, records) == house.told(meant), question


def test_scopes_of_random_genealogies_are_those_of_sets() -> None:
    check()


# -- large ------------------------------------------------------------------------------------

#: 200,000 lots make a million edges: the same test at full size takes some minutes.
MANY = int(os.environ.get("MEDLOOM_SCOPE_LOTS", "20000"))
Units = NDArray[np.bool_]


class Search:
    """The same questions in memory: what is meant of each lot's first record (row 0) and second (row 1)."""

    def __init__(self, found: Large) -> None:
        self.found = found
        self.ahead, self.behind = found.graph(ahead=True), found.graph(ahead=False)

    def affected(self, begun: Units) -> Units:
        """The records begun with, and every record of the lots that some lot reached went into."""
        reach = np.zeros(self.found.many, dtype=bool)
        reach[self.ahead.reach(np.flatnonzero(begun.any(axis=0)))] = True
        whole = np.zeros(self.found.many, dtype=bool)
        whole[self.found.children[reach[self.found.parents]]] = True
        return begun | self.all_of(whole)

    def origin(self, begun: Units) -> Units:
        """The same the other way."""
        reach = np.zeros(self.found.many, dtype=bool)
        reach[self.behind.reach(np.flatnonzero(begun.any(axis=0)))] = True
        whole = np.zeros(self.found.many, dtype=bool)
        whole[self.found.parents[reach[self.found.children]]] = True
        return begun | self.all_of(whole)

    def all_of(self, lots: Units) -> Units:
        """Every record of these lots."""
        return np.stack([lots, lots & self.found.second])


def _found(text: str) -> Units:
    """What the scope holds, by its ranges of devices; no lot is in it without one."""
    with seeing(ALL), open_cursor() as cursor, bounded(cursor, PATIENT_S) as asked:
        answer = evaluate(asked, parse(text))
        ranges = devices(asked, answer.portions)
    assert not answer.cut
    assert ranges.keys() == answer.portions.keys()
    steps = np.array([first >> 24 for mine in ranges.values() for first, _ in mine], dtype=np.int64) - BASE
    units = np.zeros((2, MANY), dtype=bool)
    units[0, steps[steps < MANY]] = True
    units[1, steps[steps >= 2 * MANY] - 2 * MANY] = True
    return units


def test_scopes_of_a_large_genealogy_are_those_of_a_search_in_memory() -> None:
    with seeing(ALL):
        found = lay(MANY)
    search, lots = Search(found), found.lots
    day, speed = lots // PER_DAY, lots * 7919 % MANY
    first, until = DAY + dt.timedelta(10), DAY + dt.timedelta(12)
    window = f"day = {first}..{until}"
    inside, two = (day >= 10) & (day <= 12), found.second
    fast, late = speed >= MANY - MANY // 10, MANY - MANY // 7
    cases = {
        f'{{machine = "BM7"; {window}}}': np.stack(
            [inside & (lots % ON == 7), inside & two & ((lots + 1) % ON == 7)]
        ),
        f'{{parameter = "BSPEED"; reading = {MANY - MANY // 10}..}}': np.stack([fast, fast & False]),
        f'{{lot = "B{BASE + 6}", "B{BASE + late}"}}': search.all_of(np.isin(lots, [6, late])),
        f"{{{window}}}": np.stack([inside, inside & two]),
    }
    for text, begun in cases.items():
        assert (_found(text) == begun).all(), text
        assert (_found(f"affected({text})") == search.affected(begun)).all(), text
        assert (_found(f"origin({text})") == search.origin(begun)).all(), text
    (one, ones), (other, others), _, (days, all_days) = cases.items()
    assert (
        _found(f"affected({one}) and affected({other})") == search.affected(ones) & search.affected(others)
    ).all()
    assert (
        _found(f"affected({one}) or affected({other})") == search.affected(ones) | search.affected(others)
    ).all()
    left = search.affected(ones) & ~search.affected(others)
    assert (_found(f"affected({one}) except affected({other})") == left).all()
    rest = search.affected(ones) & ~others
    assert 0 < rest.sum() < search.affected(ones).sum()
    assert (_found(f"affected({one}) except {other}") == rest).all()
    assert (_found(f"affected({days} except {other})") == search.affected(all_days & ~others)).all()
