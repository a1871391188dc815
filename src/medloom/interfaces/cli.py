"""The `medloom` command. Exit codes: 0 done, 1 failed, 2 wrong use, 3 not running, 4 running already."""

import os

import click


@click.group()
def main() -> None:
    """Medloom: the data network for medical-device makers who outsource production."""


@main.command()
def migrate() -> None:
    """Bring the database's tables to what this version declares."""
    import django

    os.environ["MEDLOOM_DATABASE_ROLE"] = "owner"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
    django.setup()
    from medloom.process.migration import migrate as apply

    for name in apply():
        click.echo(name)
