"""A drill: dump the hub, go on, lose it, restore the dump on another server, and get everything back."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from django.db import connection, connections

from medloom.exchange.sequencer import Sequencer, start_epoch
from medloom.interfaces.cli import main
from medloom.interfaces.tests.test_sync import Agent, lot
from medloom.kernel import bindings
from medloom.kernel.access import seeing
from medloom.materials.models import Lot
from medloom.process import binaries, migration, roles, state
from medloom.process.postgres import running_database
from medloom.process.state import State

pytestmark = [pytest.mark.database, pytest.mark.process, pytest.mark.django_db(transaction=True)]


def recover(*arguments: str) -> dict:
    done = CliRunner().invoke(main, ["recover", *arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def tool(name: str, folder: State, *arguments: str) -> None:
    """Run a program of PostgreSQL on that server, as the owner of the ledger, as the manual says."""
    found = state.connection("owner", folder)
    done = subprocess.run(
        [binaries.find() / name, "--enable-row-security", "-d", state.conninfo("owner", folder), *arguments],
        env=os.environ | {"PGPASSWORD": found["password"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@contextmanager
def sequencing() -> Iterator[Sequencer]:
    """The sequencer's process, on the database that is current now."""
    name = {"dbname": connection.settings_dict["NAME"]}
    with psycopg.connect(**(state.connection("app") | name), autocommit=True) as app:
        start_epoch(app)
    with psycopg.connect(**(state.connection("sequencer") | name), autocommit=True) as link:
        found = Sequencer(link)
        found.load()
        yield found


def all_read(*agents: Agent) -> None:
    """Everything sequenced, sent and read; whatever else runs on the server for a moment."""
    with sequencing() as sequencer:
        for _ in range(200):
            sequencer.round()
            for agent in agents:
                agent.machine.wake()
                agent.run()
            if not any(agent.store.unlined() for agent in agents):
                return
    raise AssertionError([own.id for agent in agents for own in agent.store.unlined()])


@contextmanager
def fresh_state() -> Iterator[State]:
    """An empty state folder where the database's account may enter."""
    with tempfile.TemporaryDirectory(prefix="medloom-test-") as name:
        Path(name).chmod(0o755)
        yield State(Path(name))


@contextmanager
def moved_to(folder: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process's hub is the one in that folder."""
    connections.close_all()
    settings = connection.settings_dict
    kept = dict(settings)
    monkeypatch.setenv("MEDLOOM_STATE", str(folder.path))
    monkeypatch.delenv("MEDLOOM_DATABASE_URL", raising=False)
    monkeypatch.setenv("MEDLOOM_DATABASE_NAME", "medloom")
    settings.update(state.database("app", folder))
    try:
        yield
    finally:
        connections.close_all()
        settings.update(kept)
        monkeypatch.undo()


def test_a_hub_restored_from_a_dump_gets_back_what_it_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recover()["sites"] == []
    a, b = Agent("A"), Agent("B")
    for agent in (a, b):
        agent.enrol()
        agent.write(lot(f"{agent.site}1"))
    all_read(a, b)
    dump = tmp_path / "hub.dump"
    b.write(lot("B2"))
    b.run()  # an entry that no sequencer had seen when the dump was made
    tool("pg_dump", state.current(), "-Fc", "-f", str(dump))
    a.write(lot("A2"), lot("A3"))
    b.write(lot("B3"))
    all_read(a, b)
    with fresh_state() as fresh, running_database(fresh, durable=False), moved_to(fresh, monkeypatch):
        roles.prepare(fresh)
        tool("pg_restore", fresh, "--no-owner", "--no-comments", "--clean", "--if-exists", str(dump))
        assert migration.settle_transactions(fresh), "it is another server, and says so once"
        assert not migration.settle_transactions(fresh)
        _come_back(a, b)


def poll(agent: Agent) -> None:
    """What an agent does every few seconds."""
    agent.machine.wake()
    agent.run()


def _come_back(a: Agent, b: Agent) -> None:
    begun = recover("start", "--reason", "the disk failed", "--by", "kim")
    assert (begun["recovering"], begun["reason"], begun["by"]) == (True, "the disk failed", "kim")
    assert {each["site"]: each["state"] for each in begun["sites"]} == {"A": "not_heard", "B": "not_heard"}
    again = CliRunner().invoke(main, ["recover", "start", "--reason", "twice"])
    assert again.exit_code == 1 and "under way" in again.output
    poll(a)
    assert a.machine.welcome is not None and a.machine.welcome.recovering
    now = recover()
    assert [(each["site"], each["state"], each["lines"]) for each in now["sites"]] == [
        ("A", "returned", 2),
        ("B", "not_heard", 0),
    ]
    poll(b)
    ended = recover()
    assert not ended["recovering"] and ended["ended_by"] == "hub"
    poll(a)
    assert not a.machine.welcome.recovering, "the next page says so"
    assert ended["unseen"] == []
    a.write(lot("A4"))
    all_read(a, b)
    with seeing("*"):
        assert sorted(Lot.objects.values_list("key", flat=True)) == ["A1", "A2", "A3", "A4", "B1", "B2", "B3"]
        assert set(Lot.objects.values_list("version", flat=True)) == {1}
    for agent in (a, b):
        held = {head.values["number"] for head in agent.store.objects().values()}
        with seeing(agent.site):
            assert held == set(Lot.objects.filter(site=agent.site).values_list("key", flat=True))


def test_a_person_may_decide_to_wait_no_longer() -> None:
    a, b = Agent("A"), Agent("B")
    for agent in (a, b):
        agent.enrol()
        agent.run()
    recover("start", "--reason", "restored")
    poll(a)
    missing = CliRunner().invoke(main, ["recover", "end", "--reason", " "])
    assert missing.exit_code == 2 and "say why" in missing.output
    bindings.remember({("lot", "A", "of the time before"): 1})
    a.write(lot("A1"))
    poll(a)
    assert ("lot", "A", "of the time before") not in bindings.KEPT, "what was learned may be wrong now"
    ended = recover("end", "--reason", "B is closed for good", "--by", "kim")
    assert (ended["recovering"], ended["ended_by"], ended["ended_reason"]) == (
        False,
        "kim",
        "B is closed for good",
    )
    told = CliRunner().invoke(main, ["recover"])
    assert "B                was not heard yet" in told.output and "by kim: B is closed" in told.output
    with connection.cursor() as cursor, pytest.raises(Exception, match="permission denied"):
        cursor.execute("update recovery set reason = 'another'")
    poll(b)
    assert b.machine.welcome is not None and not b.machine.welcome.recovering
