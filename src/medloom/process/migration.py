"""Bring the database's tables to what the code declares. Runs as the owner, in a process of its own."""

import hashlib
import os
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from medloom.process.account import die_with_parent
from medloom.process.cluster import last_line
from medloom.process.state import LOGIN_ROLES, State, StateError, conninfo

PACKAGE = Path(__file__).resolve().parents[1]
# The files and the libraries that decide what a migrated database looks like.
FILES = (
    "**/migrations/*.py",
    "**/models.py",
    "**/queries.py",
    "**/*.sql",
    "settings.py",
    "process/fence.py",
    "kernel/entity.py",
    "process/migration.py",
    "process/roles.py",
)
LIBRARIES = ("django", "procrastinate", "django-axes")


LOCK = 0x6D65646C  # "medl"


def fingerprint() -> str:
    """One value for all that a migrated database depends on; kept as the comment of the migrations' table."""
    digest = hashlib.sha256()
    for name in LIBRARIES:
        try:
            digest.update(f"{name} {version(name)}\n".encode())
        except PackageNotFoundError:
            digest.update(f"{name} none\n".encode())
    for pattern in FILES:
        for path in sorted(PACKAGE.glob(pattern)):
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def kept_fingerprint(state: State) -> str | None:
    """The fingerprint of the last migration that ran to its end, None for a database without."""
    with psycopg.connect(conninfo("owner", state), connect_timeout=10) as connection:
        row = connection.execute(
            "SELECT obj_description(to_regclass('framework.django_migrations'), 'pg_class')"
        ).fetchone()
    return row[0] if row else None


def settle_transactions(state: State) -> bool:
    """Make a ledger at home that was dumped from another server; whether it was one.

    Without it the sequencer would wait for transactions that this server has yet to number.
    """
    from medloom.exchange import recovery

    with (
        psycopg.connect(conninfo("owner", state), connect_timeout=10, row_factory=dict_row) as connection,
        connection.cursor() as cursor,
    ):
        if not recovery.from_another_server(cursor):
            return False
        recovery.settle_here(cursor)
    return True


def migrate_apart(state: State) -> None:
    """Run `medloom migrate` as a child. Raises StateError with its last line when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "medloom", "migrate"],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        preexec_fn=die_with_parent(signal.SIGKILL),  # each migration is one transaction
        env=os.environ
        | {
            "MEDLOOM_STATE": str(state.path),
            "MEDLOOM_LOG_LEVEL": "WARNING",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
    )
    if done.returncode != 0:
        place = state.log / "migration.log"
        place.write_text(done.stderr, encoding="utf-8")
        raise StateError(f"{last_line(done.stderr).removeprefix('Error: ')} (see {place})")


def migrate(*, verbosity: int = 0) -> list[str]:
    """Apply every migration, then schemas, rights and row policies; the names of those applied now.

    Wants Django set up with MEDLOOM_DATABASE_ROLE=owner.
    """
    from django.core.management import call_command
    from django.db import connection

    from medloom.process import fence

    with connection.cursor() as cursor:  # held by this session: a second migration waits for the first
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    before = pending()
    call_command("migrate", verbosity=verbosity, interactive=False)
    with connection.cursor() as cursor:
        fence.lay(cursor)
        cursor.execute(
            f"REVOKE INSERT, UPDATE, DELETE ON framework.django_migrations FROM {LOGIN_ROLES['app']}"
        )
        cursor.execute(f"COMMENT ON TABLE framework.django_migrations IS '{fingerprint()}'")
    return before


def pending() -> list[str]:
    """Migrations that the code has and the database has not, as "app.name"."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
