"""A real PostgreSQL for tests: one cluster a checkout, migrated once, a copy of it for each run.

The folder stays between runs, so a run starts in a tenth of a second and migrates only after a migration
changed. A second run at the same time gets a folder of its own, removed at its end. MEDLOOM_PG_BIN chooses
other programs; MEDLOOM_TEST_DATABASE_URL names a server to be used instead: its login may create roles and
databases, and the roles of any Medloom on it get new passwords, so let it be used for nothing else.
`pytest --create-db` migrates in any case.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from medloom.process import migration, roles
from medloom.process.lock import AlreadyRunning
from medloom.process.postgres import running_database
from medloom.process.state import LOGIN_ROLES, State, StateError, database

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = "medloom"


@dataclass(frozen=True)
class Bench:
    """A running server with the migrated template, and one database for the tests of this process."""

    state: State
    name: str

    def create(self, template: str = TEMPLATE) -> None:
        """Make the test database anew from the template, ending whatever is connected to it.

        `template` may be any other database of the server that nobody is connected to.
        """
        with self._administer() as connection:
            name = sql.Identifier(self.name)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                    name, sql.Identifier(template), sql.Identifier(LOGIN_ROLES["owner"])
                )
            )
            for role in LOGIN_ROLES.values():
                connection.execute(
                    sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
                        name, sql.Identifier(role)
                    )
                )

    def drop(self) -> None:
        """Remove the test database."""
        with self._administer() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name))
            )

    def migrate(self, *, again: bool) -> None:
        """Make the template what the migrations say, if it is not so already or `again` is wanted."""
        with _variables(MEDLOOM_DATABASE_NAME=TEMPLATE, **_server(TEMPLATE)):
            if not again and self._kept() == migration.fingerprint():
                return
            with self._administer() as connection:
                connection.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(TEMPLATE))
                )
            roles.prepare(self.state)
            migration.migrate_apart(self.state)

    def _kept(self) -> str | None:
        try:
            return migration.kept_fingerprint(self.state)
        except psycopg.OperationalError:  # there is no such database yet
            return None

    def _administer(self) -> psycopg.Connection:
        with _variables(**_server("postgres")):
            found = roles.administrator(self.state)
        return psycopg.connect(**(found | {"dbname": "postgres"}), autocommit=True)


@contextlib.contextmanager
def bench(*, migrate_again: bool = False) -> Iterator[Bench]:
    """A server with a fresh migrated database, named to this process and its children by the environment."""
    with contextlib.ExitStack() as stack:
        state = _start(stack)
        found = Bench(state, f"test_{os.getpid()}")
        stack.enter_context(_variables(MEDLOOM_STATE=str(state.path), MEDLOOM_DATABASE_NAME=found.name))
        stack.enter_context(_variables(**_server(found.name)))
        if _server(TEMPLATE):
            shutil.rmtree(state.secrets, ignore_errors=True)  # the server's passwords may be another run's
            state.prepare()
            roles.prepare(state)
        found.migrate(again=migrate_again)
        found.create()
        try:
            yield found
        finally:
            found.drop()


@contextlib.contextmanager
def django_database(*, migrate_again: bool = False) -> Iterator[Bench]:
    """`bench`, with Django's default connection on it as the app role.

    A test that commits (`django_db(transaction=True)`) leaves a new copy of the template behind it: the app
    role may not truncate, and a copy is exact.
    """
    from django.db import connections
    from django.test import TransactionTestCase

    with bench(migrate_again=migrate_again) as found:
        kept = connections.settings["default"]
        wrapper = connections["default"]
        ours = kept | database("app", found.state)
        wrapper.settings_dict.update(ours)
        wrapper.settings_dict["CONN_MAX_AGE"] = None

        def renew(self: TransactionTestCase) -> None:
            connections.close_all()
            found.create()

        teardown = TransactionTestCase._fixture_teardown
        TransactionTestCase._fixture_teardown = renew
        try:
            yield found
        finally:
            TransactionTestCase._fixture_teardown = teardown
            connections.close_all()


def _start(stack: contextlib.ExitStack) -> State:
    """The server, in the kept folder of this checkout or in one of our own while another run has it."""
    state = State(_kept_folder())
    if _server(TEMPLATE):
        return state
    try:
        stack.enter_context(running_database(state, durable=False))
    except AlreadyRunning:
        own = Path(tempfile.mkdtemp(prefix="medloom-test-"))
        own.chmod(0o755)
        stack.callback(shutil.rmtree, own, ignore_errors=True)
        state = State(own)
        stack.enter_context(running_database(state, durable=False))
    return state


def _kept_folder() -> Path:
    programs = os.environ.get("MEDLOOM_PG_BIN", "") + os.environ.get("MEDLOOM_TEST_DATABASE_URL", "")
    mark = hashlib.sha256(f"{ROOT}|{programs}".encode()).hexdigest()[:10]
    kept = Path(tempfile.gettempdir()) / f"medloom-test-{os.geteuid()}-{mark}"
    kept.mkdir(mode=0o755, exist_ok=True)
    if kept.is_symlink() or kept.stat().st_uid != os.geteuid():  # the folder above is everyone's
        raise StateError(f"{kept} belongs to someone else: remove it, or set TMPDIR")
    kept.chmod(0o755)  # the database's account must be able to enter
    return kept


def _server(name: str) -> dict[str, str]:
    """MEDLOOM_DATABASE_URL for a database on the server given for tests; nothing for the embedded one."""
    url = os.environ.get("MEDLOOM_TEST_DATABASE_URL")
    return {"MEDLOOM_DATABASE_URL": urlunsplit(urlsplit(url)._replace(path=f"/{name}"))} if url else {}


@contextlib.contextmanager
def _variables(**values: str) -> Iterator[None]:
    kept = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
