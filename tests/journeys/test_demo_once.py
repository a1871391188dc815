"""The demonstration from files to the ledger, without a loss or a double, whatever is read or deleted again.

One state folder for all of it: loaded once, then asked; then a second run, and a run after the agents lost
their stores, add no entry. On real files where their folder is (MEDLOOM_DATA names it, else ../shared/data
beside the project), otherwise on the generated network alone.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from medloom.demo import invented
from medloom.kernel.cursor import Cursor
from medloom.process.postgres import running_database
from medloom.process.programs import search_path
from medloom.process.state import State, connection, conninfo
from medloom.trace.scopes.expression import parse
from medloom.trace.scopes.queries import evaluate
from tests.journeys.files_to_units import (
    Plant,
    Sent,
    Units,
    generated_shifts,
    marked,
    moulded,
    real_plant,
    real_shifts,
    shipped_units,
)
from tests.plant_files import DATA

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]
REAL = (DATA / "optimold_injection_plant").is_dir()
WORK_ORDERS = """
    select w.key::int, i.key::int, w.quantity, w.progress from work_order w join item i on i.num = w.item_id
    where w.site = 'ASSY' and not w.placeholder"""
VERDICTS = ("accepted", "parked", "quarantined", "rejected", "conflict", "op_id_reuse", "repeated", "ignored")
STREAMS = {("PLANT-B", "hurco04"), ("MACH", "cnc_1")}
SECONDS_MAX = 1_800
Feeds = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    found = Path(tempfile.mkdtemp(prefix="medloom-once-"))
    found.chmod(0o755)  # the database's account must be able to enter
    yield found
    shutil.rmtree(found, ignore_errors=True)


def run(folder: Path) -> Feeds:
    """`medloom demo --once --json`; the feeds by (plant, feed), every row of each with one verdict."""
    argv = [sys.executable, "-P", "-m", "medloom", "demo", "--once", "--json"]
    if REAL:
        argv += ["--data", str(DATA)]
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("MEDLOOM_")}
    done = subprocess.run(
        argv,
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        env=inherited | {"MEDLOOM_STATE": str(folder / "state"), "PYTHONPATH": search_path()},
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    feeds = json.loads(done.stdout)["feeds"]
    for feed in feeds:
        assert feed["read"] == sum(feed[name] for name in VERDICTS), feed
        assert feed["with_findings"] <= feed["accepted"], feed
    return {(feed["plant"], feed["feed"]): feed for feed in feeds}


#: Name -> question to the hub's database once all is loaded; asked at one start of it.
QUESTIONS = {
    # What the hub itself measures it says when it comes to it: after the first run as well as in it.
    "entries": "select count(*) from entry where type not in ('alert', 'correction')",
    "balances": "select count(*) from entry where decision like '%balance_%'",
    "doubled_lots": "select count(*) from (select upper(replace(key, ' ', '')) from lot group by site, 1"
    " having count(*) > 1) d",
    "destroyed_codes": "select count(*) from item where key like '%.0'",
    "destroyed_days": "select count(*) from step_record where day < '2000-01-01'",
    "edges": "select count(*) from trace_edge",
    "records_without_their_edge": """
        select count(*) from step_record s
        where s.output_lot_id is not null and s.resin_lot_id is not null and s.total > 0
          and not exists (select from trace_edge e where e.parent = s.resin_lot_id
                          and e.child = s.output_lot_id and e.step = s.num and e.voided_by is null)""",
}


#: What a trace from each resin lot reaches: the lot, and the units shipped of each lot that it went into.
SHIPPED = """
    select start.key, line_lot.key, line.first, line.last
    from lot start cross join lateral unnest(trace_lots(array[start.num], 1000000)) reached(num)
    join shipment_line line on line.lot_id = reached.num and line.until is null
    join lot line_lot on line_lot.num = line.lot_id
    where start.site in ('MOLD', 'PLANT-A') and start.kind = 'material'"""
#: What the machining plant made, as the hub has it: lot, item, last day, pieces.
MACHINED = """
    select l.key, i.key, coalesce(l.made, max(s.day), '2017-01-01'), coalesce(nullif(sum(s.good), 0), 1)
    from lot l join item i on i.num = l.item_id left join step_record s on s.output_lot_id = l.num
    where l.site in ('MACH', 'PLANT-B') and l.kind = 'intermediate' group by l.key, i.key, l.made"""


def rows(folder: Path, *statements: str, role: str = "owner") -> list[list[tuple[Any, ...]]]:
    """The rows of each statement, read as the database's owner or as the application for the registrant."""
    state = State(folder / "state")
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("MEDLOOM_")]:
            patch.delenv(name)  # other tests of this run have named a database of their own
        with running_database(state), psycopg.connect(conninfo(role, state)) as connection:
            connection.execute("select set_config('medloom.site', '*', false)")
            return [connection.execute(sql).fetchall() for sql in statements]


def ask(folder: Path) -> dict[str, int]:
    """The answers."""
    found = rows(folder, *QUESTIONS.values())
    return {name: int(answer[0][0]) for name, answer in zip(QUESTIONS, found, strict=True)}


@pytest.fixture(scope="module")
def first(folder: Path) -> Feeds:
    return run(folder)


@pytest.fixture(scope="module")
def said(folder: Path, first: Feeds) -> dict[str, int]:
    return ask(folder)


def test_every_row_has_exactly_one_verdict(first: Feeds) -> None:
    assert sum(feed["read"] for feed in first.values()) > 0
    # A machine tells some values twice; of every other feed no row is known before it is read.
    assert not any(feed["op_id_reuse"] for feed in first.values())
    assert not any(feed["repeated"] for name, feed in first.items() if name not in STREAMS)
    if REAL:
        read = {feed: first["PLANT-A", feed]["read"] for plant, feed in first if plant == "PLANT-A"}
        assert read["shifts"] >= 1385 and read["orders"] >= 129 and read["items"] >= 115
    else:
        measured = first["MACH", "measured"]
        assert measured["normalised"]["unit"] == measured["read"] > 0
        shifts = first["MOLD", "shifts"]
        assert (shifts["read"], shifts["accepted"], shifts["quarantined"]) == (121, 120, 1)
        assert shifts["normalised"]["lot"] > 0


def test_balances_raise_no_alarm_on_rows_whose_balances_hold(first: Feeds, said: dict[str, int]) -> None:
    assert said["balances"] == 0
    if REAL:
        shifts = first["PLANT-A", "shifts"]
        assert (shifts["with_findings"], shifts["accepted"]) == (0, shifts["read"])


def test_lots_that_differ_by_blanks_or_case_are_one_and_codes_and_days_are_right(
    said: dict[str, int],
) -> None:
    assert (said["doubled_lots"], said["destroyed_codes"], said["destroyed_days"]) == (0, 0, 0)


def test_genealogy_runs_from_the_resin_lot_to_the_order_both_ways(said: dict[str, int]) -> None:
    assert said["records_without_their_edge"] == 0
    assert said["edges"] > 0


def shifts(folder: Path) -> list[dict[str, object]]:
    """The moulding plant's reports, from its files."""
    if REAL:
        return list(real_shifts(DATA / "optimold_injection_plant"))
    return list(generated_shifts(folder / "state" / "demo" / "files" / "MOLD"))


def assembly(folder: Path) -> Plant:
    """The assembling plant, from its files or as it was invented."""
    if REAL:
        return real_plant(DATA / "adventureworks_erp")
    return Plant(
        {number for number, _ in invented.DEVICES},
        {n: {p: per for p, per in parts if p != 506} for n, parts in invented.STRUCTURE.items()},
        [tuple(row) for row in rows(folder, WORK_ORDERS)[0]],  # type: ignore[misc]
    )


def test_a_trace_from_each_resin_lot_reaches_the_units_that_the_files_say(first: Feeds, folder: Path) -> None:
    reached, machined = rows(folder, SHIPPED, MACHINED, role="app")
    found: Units = {}
    for resin, lot, low, high in reached:
        found.setdefault(resin, set()).update((lot, n) for n in range(int(low), int(high) + 1))
    made, plant = shifts(folder), assembly(folder)
    sent = {lot: Sent(item, day, int(good)) for lot, item, day, good in machined}
    expected = shipped_units(plant, moulded(made), sent)
    assert len(expected) >= 3 and sum(map(len, expected.values())) > 100
    assert found == expected


#: Serial numbers shipped of the lots of a scope.
OF_LOTS = """
    select l.key as lot, line.first, line.last from shipment_line line join lot l on l.num = line.lot_id
    where line.lot_id = any(%s::bigint[]) and line.until is null"""


def scopes(folder: Path, texts: list[str]) -> dict[str, set[tuple[str, int]]]:
    """Question -> the units shipped of what it holds, asked as the registrant with the application's role."""
    state, found = State(folder / "state"), {}
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("MEDLOOM_")]:
            patch.delenv(name)
        with running_database(state), psycopg.connect(**connection("app", state)) as link:
            cursor = Cursor(link)
            cursor.execute("select set_config('medloom.site', '*', false)")
            for text in texts:
                lots = list(evaluate(cursor, parse(text)).portions)
                units = cursor.execute(OF_LOTS, (lots,)).fetchall()
                found[text] = {
                    (row["lot"], n) for row in units for n in range(int(row["first"]), int(row["last"]) + 1)
                }
    return found


def test_a_scope_from_a_machine_and_days_holds_the_units_that_the_files_say(
    first: Feeds, folder: Path
) -> None:
    made, plant = shifts(folder), assembly(folder)
    sent = {lot: Sent(item, day, int(good)) for lot, item, day, good in rows(folder, MACHINED)[0]}
    days = sorted({row["day"] for row in made if isinstance(row["day"], dt.date)})
    machines = sorted({str(row["machine"]).strip() for row in made if row["machine"]})[:3]
    expected = {}
    for machine in machines:
        for low, high in ((days[0], days[1]), (days[2], days[2]), (days[0], days[-1])):
            text = f'affected({{machine = "{machine}"; day = {low:%Y-%m-%d}..{high:%Y-%m-%d}}})'
            meant = moulded(marked(made, machine=machine, low=low, high=high))
            expected[text] = shipped_units(plant, meant, sent).get("MARK", set())
    assert scopes(folder, list(expected)) == expected
    assert any(expected.values())
    assert len({frozenset(units) for units in expected.values()}) > 1, "the questions tell machines apart"


def test_a_second_run_and_a_run_without_the_agents_store_add_no_entry(
    first: Feeds, said: dict[str, int], folder: Path
) -> None:
    again = run(folder)
    assert all(feed["repeated"] == feed["read"] for feed in again.values()), again
    stores = list((folder / "state" / "demo" / "agents").glob("*/store.db"))
    assert len(stores) == len({plant for plant, _ in first})
    for store in stores:
        for file in store.parent.glob("store.db*"):
            file.unlink()
    anew = run(folder)
    # A machine's stream goes on behind its last line: the second run finds nothing there to read again.
    assert anew.keys() == first.keys() and again.keys() == first.keys() - STREAMS
    assert all(feed["repeated"] + feed["ignored"] == feed["read"] for feed in anew.values()), anew
    assert ask(folder)["entries"] == said["entries"]
