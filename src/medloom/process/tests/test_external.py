"""A PostgreSQL server that is not ours, named by its URL."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from medloom.process import postgres, roles
from medloom.process.postgres import running_database
from medloom.process.state import PORT, State, conninfo
from medloom.process.tests.test_postgres import SERVERS
from medloom.process.tests.upped import environment, medloom

pytestmark = pytest.mark.process


@pytest.fixture(params=SERVERS, ids=lambda folder: folder.split("/")[-2] if folder else "wheel")
def server(request: pytest.FixtureRequest, state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """A bare server: no role or database of ours in it. It stands for one that others run."""
    monkeypatch.delenv("MEDLOOM_PG_BIN", raising=False)
    if request.param:
        monkeypatch.setenv("MEDLOOM_PG_BIN", request.param)
    monkeypatch.setattr(postgres.roles, "prepare", lambda state: None)
    bare = State(state.path.parent / "server")
    with running_database(bare, durable=False):
        monkeypatch.undo()
        yield bare


def _url(server: State, user: str, password: str, name: str) -> str:
    return f"postgresql://{user}:{quote(password)}@/{name}?host={quote(str(server.run), safe='')}&port={PORT}"


def _administer(server: State, *statements: str) -> None:
    with psycopg.connect(**roles.administrator(server), dbname="postgres", autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_login_that_may_create_roles_is_enough(state: State, server: State, monkeypatch) -> None:
    """No superuser: CREATEROLE and CREATEDB, as a company's server would give."""
    _administer(server, "CREATE ROLE giver LOGIN CREATEROLE CREATEDB PASSWORD 'p w'")
    monkeypatch.setenv("MEDLOOM_DATABASE_URL", _url(server, "giver", "p w", "plant"))
    done = medloom(state, "migrate", MEDLOOM_DATABASE_URL=_url(server, "giver", "p w", "plant"))
    assert done.returncode == 0, done.stderr
    with psycopg.connect(conninfo("app", state)) as app:
        found = app.execute(
            "SELECT current_user, current_database(), count(*) FROM django_session"
        ).fetchone()
        assert found == ("medloom_app", "plant", 0)
        flags = app.execute(
            "SELECT bool_or(rolsuper OR rolbypassrls OR rolcreaterole) FROM pg_roles"
            " WHERE rolname LIKE 'medloom%'"
        ).fetchone()
        assert flags == (False,)
    again = medloom(state, "migrate", MEDLOOM_DATABASE_URL=_url(server, "giver", "p w", "plant"))
    assert (again.returncode, again.stdout.strip()) == (0, "Nothing to apply.")


def test_separate_logins_for_each_role_need_no_secrets_here(state: State, server: State) -> None:
    """The administrator made everything; we are given three logins."""
    admin = roles.administrator(server)
    url = _url(server, admin["user"], admin["password"], "plant")
    elsewhere = State(state.path.parent / "elsewhere")
    assert medloom(elsewhere, "migrate", MEDLOOM_DATABASE_URL=url).returncode == 0
    given = {
        f"MEDLOOM_DATABASE_URL_{role.upper()}": _url(server, name, elsewhere.secret(name) or "", "plant")
        for role, name in (("owner", "medloom"), ("app", "medloom_app"), ("sequencer", "medloom_sequencer"))
    }
    done = medloom(state, "migrate", **given)
    assert (done.returncode, done.stdout.strip()) == (0, "Nothing to apply."), done.stderr
    assert not state.secret("medloom_app")
    doctor = medloom(state, "doctor", "--json", **given)
    assert '"database", "level": "ok"' in doctor.stdout, doctor.stdout
    assert '"migrations", "level": "ok"' in doctor.stdout, doctor.stdout


def test_a_server_that_is_away_is_said_in_one_line(state: State) -> None:
    done = medloom(state, "migrate", MEDLOOM_DATABASE_URL="postgresql://a:b@127.0.0.1:1/x")
    assert done.returncode == 1
    assert "Connection refused" in done.stderr and "Traceback" not in done.stderr
    wrong = medloom(state, "psql", MEDLOOM_DATABASE_URL="mysql://a/b")
    assert wrong.returncode == 1 and "postgresql://" in wrong.stderr
    assert Path(environment(state)["MEDLOOM_STATE"]) == state.path
