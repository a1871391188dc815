"""`medloom doctor`, `migrate`, `psql`, `version`: looking after an installation."""

import json
import os
import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Any

import click

from medloom import __version__
from medloom.interfaces.cli import FAILED
from medloom.process import binaries, roles
from medloom.process.state import LOGIN_ROLES, StateError, conninfo, current, external_url

MARKS = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "fail": "[red]fail[/]"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
def doctor(as_json: bool) -> None:
    """Say what is wrong with this installation and what to do; exit code 1 if something is."""
    from medloom.process.doctor import examine

    findings = examine(current())
    failed = any(one.level == "fail" for one in findings)
    if as_json:
        told = [one.__dict__ for one in findings]
        click.echo(json.dumps({"healthy": not failed, "findings": told}, ensure_ascii=False))
    else:
        from rich.console import Console
        from rich.markup import escape

        console = Console(highlight=False)
        for one in findings:
            console.print(f"{MARKS[one.level]}  {one.name:<12} {escape(one.message)}", soft_wrap=True)
            if one.advice:
                console.print(f"                    -> {escape(one.advice)}", soft_wrap=True)
    if failed:
        raise SystemExit(FAILED)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was applied as one JSON object.")
def migrate(as_json: bool) -> None:
    """Bring the database's tables, rights and row policies to what this version declares."""
    os.environ["MEDLOOM_DATABASE_ROLE"] = "owner"
    if external_url():
        current().prepare()
        if "MEDLOOM_DATABASE_URL" in os.environ:
            roles.prepare(current())
    set_up_django()
    from django.db import Error

    from medloom.process.migration import migrate as apply

    try:
        applied = apply()
    except Error as error:
        raise StateError(f"the migration failed: {error}") from error
    if as_json:
        click.echo(json.dumps({"applied": applied}))
    else:
        click.echo("\n".join(applied) or "Nothing to apply.")


@click.command()
@click.option("--role", type=click.Choice(list(LOGIN_ROLES)), default="app", show_default=True)
@click.option("--run", is_flag=True, help="Open psql instead of printing the connection.")
@click.argument("arguments", nargs=-1)
def psql(role: str, run: bool, arguments: tuple[str, ...]) -> None:
    """Print how to connect to the database as ROLE, password included: psql "$(medloom psql)".

    With --run, opens psql and passes ARGUMENTS on (after --).
    """
    found = conninfo(role)
    if not run:
        click.echo(found)
        return
    program = binaries.find() / "psql"
    os.environ["PGOPTIONS"] = ""
    os.execv(program, [str(program), found, *arguments])  # noqa: S606  (psql takes our place)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
def version(as_json: bool) -> None:
    """Print the versions of Medloom, Python, Django and PostgreSQL."""
    found: dict[str, Any] = {"medloom": __version__, "python": platform.python_version()}
    for name in ("Django", "psycopg", "granian"):
        try:
            found[name.lower()] = installed(name)
        except PackageNotFoundError:
            found[name.lower()] = None
    try:
        found["postgresql"] = binaries.version(binaries.find())[1]
    except StateError:
        found["postgresql"] = None
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        click.echo(f"{name:<12}{value or 'not installed'}")


def set_up_django() -> None:
    """Make Django's models and connection usable in this process."""
    import django

    os.environ.setdefault("MEDLOOM_LOG_LEVEL", "WARNING")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
    django.setup()
