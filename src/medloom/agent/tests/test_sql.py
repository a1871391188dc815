"""A plant's database, on two engines: no row missed under slow transactions, write-back never blind."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from medloom.agent.sources.sql import Database, TableSource, row_hash
from medloom.process import roles
from medloom.process.testing import Bench

pytestmark = pytest.mark.database

SOURCE = TableSource(table="job", key=("number",), modified="changed_at", overlap=dt.timedelta(minutes=15))
START = dt.datetime(2026, 11, 1, 8, 0)  # noqa: DTZ001 (plants keep local time without a zone)


@pytest.fixture(params=["sqlite", "postgresql"])
def plant(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        found = Database(f"sqlite:///{tmp_path}/plant.db")
    else:
        bench: Bench = request.getfixturevalue("django_db_setup")
        found = Database(_postgres(bench))
    with found.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS job"))
        connection.execute(
            sa.text(
                "CREATE TABLE job (number VARCHAR(40) PRIMARY KEY, quantity INTEGER, changed_at TIMESTAMP)"
            )
        )
    yield found
    found.close()


def _postgres(bench: Bench) -> str:
    kept = roles.administrator(bench.state)
    with psycopg.connect(**(kept | {"dbname": "postgres"}), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS plant_test WITH (FORCE)")
        connection.execute("CREATE DATABASE plant_test")
    return sa.URL.create(
        "postgresql+psycopg",
        username=kept["user"],
        password=kept["password"],
        database="plant_test",
        query={"host": str(kept["host"]), "port": str(kept.get("port", 5432))},
    ).render_as_string(hide_password=False)


def put(plant: Database, number: str, quantity: int, changed_at: dt.datetime) -> None:
    with plant.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM job WHERE number = :n"), {"n": number})
        connection.execute(
            sa.text("INSERT INTO job VALUES (:n, :q, :c)"), {"n": number, "q": quantity, "c": changed_at}
        )


def test_a_poll_reads_the_overlap_again(plant: Database) -> None:
    for n in range(40):
        put(plant, f"J{n:02}", n, START + dt.timedelta(minutes=n))
    assert len(list(plant.poll(SOURCE, since=None))) == 40
    late = [row.cells["number"] for row in plant.poll(SOURCE, since=START + dt.timedelta(minutes=39))]
    assert late == [f"J{n:02}" for n in range(24, 40)]


def test_a_sweep_reads_everything_in_ranges(plant: Database) -> None:
    for n in range(25):
        put(plant, f"J{n:02}", n, START)
    found, after = [], None
    while part := plant.sweep(SOURCE, after=after):
        found += [row.cells["number"] for row in part]
        after = plant.key_of(SOURCE, part[-1])
    assert found == [f"J{n:02}" for n in range(25)]


def test_the_same_row_has_the_same_hash(plant: Database) -> None:
    put(plant, "J1", 5, START)
    (one,) = plant.poll(SOURCE, since=None)
    (two,) = plant.sweep(SOURCE)
    assert row_hash(one.cells) == row_hash(two.cells)
    put(plant, "J1", 6, START)
    (three,) = plant.sweep(SOURCE)
    assert row_hash(three.cells) != row_hash(one.cells)


def test_a_change_is_decided_on_the_locked_row_and_read_back(plant: Database) -> None:
    put(plant, "J1", 5, START)
    seen = []

    def decide(cells):  # type: ignore[no-untyped-def]
        seen.append(cells["quantity"] if cells else None)
        return {"quantity": 7} if seen[-1] == 5 else None

    assert plant.change(SOURCE, key={"number": "J1"}, decide=decide)["quantity"] == 7
    assert plant.change(SOURCE, key={"number": "J1"}, decide=decide) is None
    assert seen == [5, 7]
    (row,) = plant.sweep(SOURCE)
    assert row.cells["quantity"] == 7


def test_a_change_makes_a_row_that_is_not_there(plant: Database) -> None:
    back = plant.change(
        SOURCE, key={"number": "J9"}, decide=lambda cells: {"quantity": 3, "changed_at": START}
    )
    assert back is not None and back["quantity"] == 3


def test_eight_writers_with_slow_transactions_leave_no_row_unseen(plant: Database) -> None:
    if plant.engine.dialect.name == "sqlite":
        writers, slow = 1, 0.0  # one writer at a time is all SQLite has
    else:
        writers, slow = 8, 0.05
    engine = sa.create_engine(plant.engine.url, pool_size=writers)

    def write(writer: int) -> None:
        chance = random.Random(writer)
        for n in range(25):
            with engine.begin() as connection:
                stamp = START + dt.timedelta(seconds=time.monotonic())
                connection.execute(
                    sa.text("INSERT INTO job VALUES (:n, 1, :c)"), {"n": f"W{writer}-{n:03}", "c": stamp}
                )
                time.sleep(slow * chance.random())

    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    for thread in threads:
        thread.start()
    seen: set[str] = set()
    since: dt.datetime | None = None
    narrow = TableSource(table="job", key=("number",), modified="changed_at", overlap=dt.timedelta(0))
    while any(thread.is_alive() for thread in threads):
        for row in plant.poll(narrow, since=since):
            seen.add(row.cells["number"])
            since = max(since or START, row.cells["changed_at"])
    for thread in threads:
        thread.join()
    after = None
    while part := plant.sweep(SOURCE, after=after):
        seen.update(row.cells["number"] for row in part)
        after = plant.key_of(SOURCE, part[-1])
    engine.dispose()
    assert len(seen) == writers * 25
