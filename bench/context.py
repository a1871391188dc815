"""What every benchmark gets: a durable database of its own, with the product's own settings."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import psycopg
from django.db import connections

from medloom.process import migration, roles
from medloom.process.postgres import running_database
from medloom.process.state import State, connection, database


class Context:
    """A running server, fsync on. `kept` lets benchmarks of one run share what is costly to load."""

    def __init__(self, state: State, *, quick: bool) -> None:
        self.state = state
        self.quick = quick
        self.kept: dict[str, Any] = {}

    def say(self, text: str) -> None:
        """Tell whoever waits what is going on."""
        print(f"  {text}", flush=True)

    def prepare(self, name: str) -> None:
        """A migrated database of that name, which then is the one that the environment names."""
        os.environ["MEDLOOM_DATABASE_NAME"] = name
        with psycopg.connect(**self.administrator("postgres"), autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        roles.prepare(self.state)
        migration.migrate_apart(self.state)

    def administrator(self, name: str) -> dict[str, str]:
        """libpq keywords of the login that sees and loads everything."""
        return roles.administrator(self.state) | {
            "dbname": name,
            "options": "-c search_path=business,ledger,framework,public",
        }

    def admin(self, name: str) -> psycopg.Connection[Any]:
        """An autocommitting connection past row-level security, to load what is measured against."""
        return psycopg.connect(**self.administrator(name), autocommit=True)

    def app(self) -> psycopg.Connection[Any]:
        """An autocommitting connection with the application's own role."""
        return psycopg.connect(**connection("app", self.state), autocommit=True)

    def django(self) -> None:
        """Django in this process, on the database that the environment names, as the application's role."""
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
        django.setup()
        connections["default"].close()
        connections["default"].settings_dict.update(database("app", self.state))

    def server_version(self) -> str:
        """Version of the server."""
        with psycopg.connect(**self.administrator("postgres")) as admin:
            return str(admin.execute("SHOW server_version").fetchone()[0])  # type: ignore[index]


@contextlib.contextmanager
def running(*, quick: bool) -> Iterator[Context]:
    """A context on a new state folder, on a disk and not in memory; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="medloom-bench-", dir="/var/tmp"))
    folder.chmod(0o755)  # the database's account must be able to enter
    state = State(folder)
    kept = {name: os.environ.get(name) for name in ("MEDLOOM_STATE", "MEDLOOM_DATABASE_NAME")}
    os.environ["MEDLOOM_STATE"] = str(folder)
    try:
        with running_database(state):
            yield Context(state, quick=quick)
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)
