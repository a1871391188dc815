"""Plant A on its real files, from the folder to the ledger and back again, without a loss or a double.

The files are not part of the project: MEDLOOM_DATA names their folder, else ../shared/data beside it. Where
there are none, the same journey is made on the generated network alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from medloom.process.postgres import running_database
from medloom.process.programs import search_path
from medloom.process.state import State, conninfo

pytestmark = pytest.mark.process
ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("MEDLOOM_DATA", ROOT.parent / "shared" / "data"))
REAL = (DATA / "optimold_injection_plant").is_dir()
VERDICTS = ("accepted", "parked", "quarantined", "rejected", "conflict", "op_id_reuse", "repeated")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    found = Path(tempfile.mkdtemp(prefix="medloom-journey-"))
    found.chmod(0o755)
    yield found
    shutil.rmtree(found, ignore_errors=True)


def run(folder: Path) -> dict[tuple[str, str], dict]:
    """`medloom demo --once --json`; the feeds by (plant, feed)."""
    argv = [sys.executable, "-P", "-m", "medloom", "demo", "--once", "--json"]
    if REAL:
        argv += ["--data", str(DATA)]
    done = subprocess.run(
        argv,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"MEDLOOM_STATE": str(folder / "state"), "PYTHONPATH": search_path()},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    feeds = json.loads(done.stdout)["feeds"]
    for feed in feeds:
        assert feed["read"] == sum(feed[name] for name in VERDICTS), feed
        assert feed["with_findings"] <= feed["accepted"], feed
    return {(feed["plant"], feed["feed"]): feed for feed in feeds}


def ask(folder: Path, sql: str) -> list[tuple]:
    """A question to the hub's database, as its owner."""
    state = State(folder / "state")
    with running_database(state), psycopg.connect(conninfo("owner", state)) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def first(folder: Path) -> dict[tuple[str, str], dict]:
    return run(folder)


def test_every_row_has_exactly_one_verdict(first) -> None:
    assert sum(feed["read"] for feed in first.values()) > 0
    assert not any(feed["repeated"] or feed["op_id_reuse"] for feed in first.values())
    if REAL:
        read = {feed: first["PLANT-A", feed]["read"] for plant, feed in first if plant == "PLANT-A"}
        assert read["shifts"] >= 1385 and read["orders"] >= 129 and read["items"] >= 115


def test_balances_raise_no_alarm_on_rows_whose_balances_hold(first, folder) -> None:
    if REAL:
        assert first["PLANT-A", "shifts"]["with_findings"] == 0
        assert first["PLANT-A", "shifts"]["accepted"] == first["PLANT-A", "shifts"]["read"]
    assert ask(folder, "select count(*) from entry where decision like '%balance_%'") == [(0,)]


def test_lots_that_differ_by_blanks_or_case_are_one_and_codes_and_dates_are_right(first, folder) -> None:
    doubled = "select upper(replace(key, ' ', '')), count(*) from lot group by site, 1 having count(*) > 1"
    assert ask(folder, doubled) == []
    assert ask(folder, "select count(*) from item where key like '%.0'") == [(0,)]
    assert ask(folder, "select count(*) from step_record where day < '2000-01-01'") == [(0,)]


def test_genealogy_runs_from_the_resin_lot_to_the_order_both_ways(first, folder) -> None:
    made = ask(
        folder,
        """select count(*) from step_record s
           where s.output_lot_id is not null and s.resin_lot_id is not null and s.total > 0
             and not exists (select from trace_edge e where e.parent = s.resin_lot_id
                             and e.child = s.output_lot_id and e.step = s.num and e.voided_by is null)""",
    )
    assert made == [(0,)]
    assert ask(folder, "select count(*) > 0 from trace_edge") == [(True,)]


def test_a_second_run_and_a_run_without_the_agents_store_add_no_entry(first, folder) -> None:
    before = ask(folder, "select count(*) from entry")
    again = run(folder)
    assert all(feed["repeated"] == feed["read"] for feed in again.values()), again
    stores = list((folder / "state").rglob("store.db"))
    assert stores
    for store in stores:
        for file in store.parent.glob("store.db*"):
            file.unlink()
    anew = run(folder)
    assert all(feed["repeated"] == feed["read"] for feed in anew.values()), anew
    assert ask(folder, "select count(*) from entry") == before
