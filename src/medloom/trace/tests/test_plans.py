"""Scopes over tables that were never analysed: which index each statement goes by, and when it gives up.

The lots are laid in the same transaction, so no statistics can have been gathered. Which index was read is
counted by PostgreSQL itself: a walk that reads another index than that of its own direction reads all of it
for every level, and a million edges then cost minutes.
"""

from __future__ import annotations

from typing import Any

import pytest

from medloom.kernel.access import ALL, seeing
from medloom.kernel.cursor import open_cursor
from medloom.trace import queries as trace
from medloom.trace.accounts.queries import devices
from medloom.trace.scopes.bounds import bounded
from medloom.trace.scopes.expression import parse
from medloom.trace.scopes.queries import evaluate
from medloom.trace.scopes.refusal import ScopeRefused
from medloom.trace.tests.large import BASE, PER_DAY, lay

pytestmark = [pytest.mark.database, pytest.mark.django_db]

LOTS, PATIENT_S = 4_000, 600.0
INDEXES = (
    "trace_edge_forward", "trace_edge_backward", "trace_edge_unit", "step_parameter_scope", "result_scope",
    "step_record_day", "step_record_far",
)  # fmt: skip


def read(cursor: Any) -> dict[str, tuple[int, int]]:
    """Index -> how often it was scanned in this transaction, and how many of its entries were given."""
    rows = cursor.execute(
        """select c.relname, pg_stat_get_xact_numscans(c.oid) as scans,
                  pg_stat_get_xact_tuples_returned(c.oid) as entries
           from pg_class c where c.relname = any(%s::text[])""",
        (list(INDEXES),),
    ).fetchall()
    return {row["relname"]: (row["scans"], row["entries"]) for row in rows}


def asked(cursor: Any, text: str) -> dict[str, tuple[int, int]]:
    """What a scope with its devices read beyond what was read before."""
    before = read(cursor)
    with bounded(cursor, PATIENT_S) as patient:
        found = evaluate(patient, parse(text))
        devices(patient, found.portions)
    assert found.portions
    after = read(cursor)
    return {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in INDEXES}


def test_walks_go_by_the_index_of_their_direction_without_statistics() -> None:
    with seeing(ALL):
        lay(LOTS)
        with open_cursor() as cursor:
            rows = cursor.execute("select reltuples from pg_class where relname = 'trace_edge'").fetchall()
            assert [row["reltuples"] for row in rows] == [-1], "nobody has analysed it"
            ahead = asked(cursor, f'affected({{lot = "B{BASE + 100}"}})')
            behind = asked(cursor, f'origin({{lot = "B{BASE + LOTS - 100}"}})')
            many = asked(cursor, "affected({day = 2026-03-01..2026-03-03})")
        for found in (ahead, many):
            assert found["trace_edge_forward"][0] > 0
            assert (found["trace_edge_backward"][0], found["trace_edge_unit"][0]) == (0, 0)
        assert behind["trace_edge_backward"][0] > 0
        with open_cursor() as cursor:
            before = read(cursor)
        trace.forward([BASE + 100])
        trace.used_in([BASE + 100])
        trace.units([BASE + 100])
        with open_cursor() as cursor:
            after = read(cursor)
        assert after["trace_edge_backward"] == before["trace_edge_backward"]


def test_readings_and_values_are_found_by_their_range_and_not_by_their_name_alone() -> None:
    """Row-level security comes before a comparison that could leak, and no comparison of numbers is proof."""
    with seeing(ALL):
        lay(LOTS)
        with open_cursor() as cursor:
            reading = asked(cursor, f'{{parameter = "BSPEED"; reading = {LOTS - 20}..}}')
            value = asked(cursor, f'{{characteristic = "BWIDTH"; value = {LOTS - 20}..}}')
    for entries in (reading["step_parameter_scope"][1], value["result_scope"][1]):
        assert 20 <= entries <= 60, "as many as the answer holds, not as many as have that name"


def test_a_window_of_time_is_narrowed_by_its_days() -> None:
    with seeing(ALL):
        lay(LOTS)
        with open_cursor() as cursor:
            found = asked(cursor, "{time = 2026-03-04T08:00Z..2026-03-04T16:00Z}")
    assert found["step_record_day"][1] <= 5 * (PER_DAY + PER_DAY // 2), "one day and two around it"
    assert found["step_record_far"] == (1, 0), "no run lies far from its day, and that costs one look"


def test_a_scope_that_takes_too_long_is_refused_and_names_the_block_to_be_narrowed() -> None:
    block = "{day = 2026-03-01..2026-03-09}"
    with seeing(ALL):
        lay(LOTS)
        with open_cursor() as cursor, pytest.raises(ScopeRefused) as refused:
            evaluate(cursor, parse(f'affected({block}) except {{lot = "B{BASE}"}}'), seconds=0.002)
        assert refused.value.code == "scope_too_slow"
        assert refused.value.path in ("expression", block, f"affected({block})")
        assert "narrow" in refused.value.expected
        with open_cursor() as cursor:  # the transaction goes on, and its settings are as they were
            assert len(evaluate(cursor, parse(f'{{lot = "B{BASE}"}}')).portions) == 1
            kept = cursor.execute(
                "select current_setting('statement_timeout') as t, current_setting('enable_seqscan') as s"
            ).fetchone()
        assert kept == {"t": "0", "s": "on"}
