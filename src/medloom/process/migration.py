"""Bring the database's tables to what the code declares. Runs as the owner, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from medloom.process.state import LOGIN_ROLES, State, StateError


def migrate_apart(state: State, *, environment: dict[str, str] | None = None) -> None:
    """Run `medloom migrate` as a child. Raises StateError with its last line when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "medloom", "migrate"],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        env=os.environ
        | {
            "MEDLOOM_STATE": str(state.path),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        | (environment or {}),
    )
    if done.returncode != 0:
        raise StateError(f"the migration failed:\n{done.stderr.strip()}")


def migrate(*, verbosity: int = 0) -> list[str]:
    """Apply every migration, then put the framework's tables in their schema; the names applied now.

    Wants Django set up with MEDLOOM_DATABASE_ROLE=owner.
    """
    from django.core.management import call_command
    from django.db import connection

    from medloom.kernel import fence

    before = pending()
    call_command("migrate", verbosity=verbosity, interactive=False)
    with connection.cursor() as cursor:
        for statement in _settle(_tables(cursor)):
            cursor.execute(statement)
        fence.lay(cursor)
    return before


def pending() -> list[str]:
    """Migrations that the code has and the database has not, as "app.name"."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _tables(cursor: object) -> list[str]:
    """Tables of the libraries that stand outside the schema `framework`."""
    from django.apps import apps

    libraries = {
        model._meta.db_table
        for config in apps.get_app_configs()
        if not config.name.startswith("medloom.")
        for model in config.get_models(include_auto_created=True)
    } | {"django_migrations"}
    cursor.execute(  # type: ignore[attr-defined]
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname IN ('business', 'public') AND c.relkind IN ('r', 'p') AND c.relname = ANY(%s)"
        " ORDER BY 1",
        [sorted(libraries)],
    )
    return [row[0] for row in cursor.fetchall()]  # type: ignore[attr-defined]


def _settle(tables: list[str]) -> list[str]:
    app = LOGIN_ROLES["app"]
    return [
        *(f'ALTER TABLE "{table}" SET SCHEMA framework' for table in tables),
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA framework TO {app}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA framework TO {app}",
        f"REVOKE INSERT, UPDATE, DELETE ON framework.django_migrations FROM {app}",
    ]


def fingerprint_files(root: Path) -> list[Path]:
    """The files that decide what a migrated database looks like."""
    package = root / "src" / "medloom"
    patterns = (
        "**/migrations/*.py",
        "**/models.py",
        "**/queries.py",
        "**/*.sql",
        "settings.py",
        "kernel/fence.py",
    )
    found = [path for pattern in patterns for path in sorted(package.glob(pattern))]
    found += [package / "process" / name for name in ("migration.py", "roles.py", "cluster.py")]
    return [*found, root / "requirements" / "base.txt"]
