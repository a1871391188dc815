"""A plant's table at work: whatever its columns and clocks do, no row stays unseen and nothing is emptied."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from medloom.agent import polling
from medloom.agent.declaration import parse_mapping
from medloom.agent.notes import POLL
from medloom.agent.plant import table_source
from medloom.agent.polling import RETRY_SECONDS, Polled, place_of, place_text
from medloom.agent.room import Room
from medloom.agent.sources import sql
from medloom.agent.sources.sql import Database
from medloom.agent.translate import Outcome
from medloom.agent.trouble import LASTING_SECONDS, Troubles
from medloom.wire.memory_site import MemorySite

pytestmark = pytest.mark.files
WALL = dt.datetime(2026, 11, 23, 8, 0)  # noqa: DTZ001 (plants keep local time without a zone)
MAPPING = """
feed: jobs
match: {table: job, primary: [number], modified: changed}
records:
  - type: item
    key: [number]
    fields: {number: {column: number, as: code, required: true}, name: {column: name}}
"""


class Desk:
    """What a table needs of an agent: a store in memory, and everything that was told."""

    def __init__(self) -> None:
        self.now = 1.0
        self.trouble = Troubles()
        self.store: Any = MemorySite(site="MACH", sheets={})
        self.room = Room(self.store, self.trouble, lambda: self.now)
        self.findings: Counter[str] = Counter()
        self.told: list[Outcome] = []

    def keep(self, feed: str, outcomes: list[Outcome], *, again: bool) -> int:
        self.told += outcomes
        return len(outcomes)

    def took(self, rows: list[Any]) -> None:
        raise AssertionError("this table is not written back")

    def names(self) -> list[str]:
        """The rows told since the last look; refusals by their code."""
        found = [each.refusal.code if each.refusal else each.drafts[0].fields["number"] for each in self.told]
        self.told.clear()
        return found


class Table:
    """A table of a plant on SQLite with one modification column of any type."""

    def __init__(self, folder: Path, type_: str) -> None:
        self.kind = type_
        self.database = Database(f"sqlite:///{folder}/plant.db")
        self.run(f"CREATE TABLE job (number TEXT PRIMARY KEY, name TEXT, changed {type_})")
        mapping = parse_mapping(MAPPING)
        self.polled = Polled(self.database, mapping, table_source(mapping), 1.0, 300.0, wall=lambda: WALL)

    def run(self, text: str, **values: Any) -> None:
        with self.database.engine.begin() as connection:
            connection.execute(sa.text(text), values)

    def put(self, number: str, changed: Any) -> None:
        self.run("INSERT INTO job VALUES (:n, 'x', :c)", n=number, c=changed)


@pytest.fixture
def table(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Table]:
    found = Table(tmp_path, getattr(request, "param", "TIMESTAMP"))
    yield found
    found.database.close()


def polls(table: Table, desk: Desk) -> list[str]:
    """What polls alone tell: no sweep comes between."""
    table.polled.sweeping, table.polled.sweep_due = False, float("inf")
    desk.now += table.polled.poll_seconds
    for _ in range(20):
        table.polled.step(desk)
    return desk.names()


def swept(table: Table, desk: Desk) -> list[str]:
    """What a whole sweep tells."""
    table.polled.due, table.polled.sweeping, table.polled.sweep_due = float("inf"), False, 0.0
    for _ in range(20):
        table.polled.step(desk)
    table.polled.due = 0.0
    return desk.names()


@pytest.mark.parametrize(
    ("table", "first", "later"),
    [
        ("TIMESTAMP", "2026-11-01 08:00:00.000000", "2026-11-02 08:00:00.000000"),
        ("DATE", "2026-11-01", "2026-11-03"),
        ("INTEGER", 10, 5_000),
        ("NUMERIC(20, 2)", 10.25, 5_000.5),
    ],
    indirect=["table"],
)
def test_times_days_and_numbers_move_a_poll_forward(table: Table, first: Any, later: Any) -> None:
    desk = Desk()
    table.put("A", first)
    assert polls(table, desk) == ["A"]
    table.put("B", later)
    assert set(polls(table, desk)) >= {"B"}
    table.put("C", later)
    assert polls(table, desk) == ["C"], "neither what lies before the window nor what reads as before"


@pytest.mark.parametrize("table", ["TIMESTAMP", "DATE", "INTEGER", "NUMERIC(20, 2)"], indirect=True)
def test_a_modification_typed_by_hand_stops_nothing_and_its_row_is_told(table: Table) -> None:
    desk = Desk()
    first = {"DATE": "2026-11-01", "INTEGER": 10, "NUMERIC(20, 2)": 10.25}
    table.put("A", first.get(table.kind, "2026-11-01 08:00:00.000000"))
    table.put("B", "tomorrow, perhaps")
    assert polls(table, desk) == ["A", "B"]
    assert desk.findings["row_stamp_unreadable"] > 0
    assert set(swept(table, desk)) == {"A", "B"}
    later = {"DATE": "2026-11-03", "INTEGER": 12, "NUMERIC(20, 2)": 11.5}
    table.put("C", later.get(table.kind, "2026-11-01 09:00:00.000000"))
    assert polls(table, desk) == ["C"]
    assert not desk.trouble.alarms(desk.now + LASTING_SECONDS)


def test_a_page_of_modifications_typed_by_hand_does_not_hide_those_before_it(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "PAGE_ROWS", 3)
    monkeypatch.setattr(polling, "PAGE_ROWS", 3)
    desk = Desk()
    for n in range(4):
        table.put(f"A{n}", f"2026-11-01 08:00:0{n}.000000")
        table.put(f"B{n}", f"who knows {n}")
    assert {name for name in polls(table, desk) if name[0] == "A"} == {"A0", "A1", "A2", "A3"}
    assert {name for name in swept(table, desk) if name[0] == "B"} == {"B0", "B1", "B2", "B3"}


def test_a_row_of_the_window_is_taken_again_only_when_it_reads_otherwise(table: Table) -> None:
    desk = Desk()
    table.put("A", "2026-11-01 08:00:00.000000")
    table.put("B", "2026-11-01 08:00:01.000000")
    assert polls(table, desk) == ["A", "B"]
    assert polls(table, desk) == polls(table, desk) == []
    with table.database.engine.begin() as connection:
        connection.exec_driver_sql("update job set name = 'other' where number = 'A'")
    assert polls(table, desk) == ["A"], "its modification did not move"
    table.polled.window.forget()
    assert polls(table, desk) == ["A", "B"], "what may not have been taken is taken again"


@pytest.mark.parametrize("table", ["TEXT", "BLOB"], indirect=True)
def test_a_modification_that_has_no_order_in_time_is_no_crash_and_is_told(table: Table) -> None:
    desk = Desk()
    table.put("A", "some day")
    for _ in range(3):
        assert polls(table, desk) == []
        desk.now += LASTING_SECONDS
    (alarm,) = desk.trouble.alarms(desk.now)
    assert (alarm["code"], alarm["detail"]) == ("source_unreachable", "jobs: ColumnUnfit")


def test_a_row_dated_far_ahead_is_read_and_hides_no_other(table: Table) -> None:
    desk = Desk()
    table.put("A", "2026-11-23 07:00:00.000000")
    table.put("Z", "2099-01-01 00:00:00.000000")
    assert polls(table, desk) == ["A", "Z"]
    table.put("B", "2026-11-23 07:30:00.000000")
    assert polls(table, desk) == ["B"]
    kept = desk.store.get(POLL, "jobs")
    assert kept == b"2026-11-23T07:30:00", "the place has moved to the newest row that can be true"
    assert desk.findings["row_ahead_of_time"] == 2


def test_a_row_that_commits_behind_the_window_is_found_by_the_sweep_and_counted(table: Table) -> None:
    desk = Desk()
    table.put("A", "2026-11-23 07:00:00.000000")
    assert polls(table, desk) == ["A"]
    table.put("LATE", "2026-11-20 07:00:00.000000")
    table.put("NEVER", None)
    assert polls(table, desk) == []
    assert swept(table, desk) == ["A", "LATE", "NEVER"]
    assert desk.findings["row_outside_window"] == 1


def test_a_large_table_is_polled_page_by_page(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "PAGE_ROWS", 4)
    monkeypatch.setattr(polling, "PAGE_ROWS", 4)
    desk = Desk()
    for n in range(11):  # six of them of one moment: more than a page
        table.put(f"R{n:02}", f"2026-11-01 08:00:{max(n - 5, 0):02}.000000")
    table.polled.sweeping, table.polled.sweep_due = False, float("inf")
    assert table.polled.step(desk) and desk.names() == ["R00", "R01", "R02", "R03"]
    assert polls(table, desk) == [f"R{n:02}" for n in range(4, 11)]


def test_a_column_that_goes_away_empties_nothing_and_reading_goes_on_when_it_is_back(table: Table) -> None:
    desk = Desk()
    table.put("A", "2026-11-23 07:00:00.000000")
    assert polls(table, desk) == ["A"]
    table.run("ALTER TABLE job RENAME COLUMN name TO title")
    assert swept(table, desk) == ["column_missing"]
    desk.now += RETRY_SECONDS
    assert polls(table, desk) == ["column_missing"], "the same raw operation again: the collector knows it"
    table.run("ALTER TABLE job RENAME COLUMN title TO name")
    desk.now += RETRY_SECONDS
    table.put("B", "2026-11-23 07:10:00.000000")
    assert polls(table, desk) == ["B"]


def test_a_column_that_comes_is_told_once(table: Table) -> None:
    desk = Desk()
    table.put("A", "2026-11-23 07:00:00.000000")
    assert swept(table, desk) == ["A"]
    table.run("ALTER TABLE job ADD COLUMN torque TEXT")
    assert swept(table, desk) == ["feed_drift", "A"]
    assert swept(table, desk) == ["A"]


def test_a_database_that_is_away_is_asked_now_and_then_and_told_when_it_lasts(table: Table) -> None:
    desk = Desk()
    table.run("DROP TABLE job")
    for _ in range(50):
        assert table.polled.step(desk) is False
    assert desk.findings["source_unreachable"] == 1, "not in every step"
    desk.now += LASTING_SECONDS
    table.polled.step(desk)
    (alarm,) = desk.trouble.alarms(desk.now)
    assert alarm["code"] == "source_unreachable" and "jobs" in alarm["detail"]
    table.run("CREATE TABLE job (number TEXT PRIMARY KEY, name TEXT, changed TIMESTAMP)")
    desk.now += RETRY_SECONDS
    table.polled.step(desk)
    assert desk.trouble.alarms(desk.now) == []


@pytest.mark.parametrize(
    "value",
    [WALL, WALL.replace(tzinfo=dt.UTC), WALL.date(), 17, -17, Decimal("17.25"), Decimal("-0.5")],
)
def test_a_place_is_kept_and_read_back(value: Any) -> None:
    found = place_of(place_text(value))
    assert found == value and type(found) is type(value)
