"""`medloom recover`: tell a hub that it was restored from a backup, and see its sites come back."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click
import psycopg
from psycopg.rows import dict_row

from medloom.exchange import recovery
from medloom.process.state import StateError, conninfo

_JSON = click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
_BY = click.option("--by", default="", help="Who decided; kept beside the reason.")
SAID = {
    recovery.RETURNED: "has come back",
    recovery.HANDING_BACK: "is handing back",
    recovery.SILENT: "was not heard yet",
}


def _why(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("say why, in words")
    return value.strip()


_REASON = click.option("--reason", required=True, callback=_why, help="Why; kept in the ledger for ever.")


@contextmanager
def _ledger() -> Iterator[Any]:
    """A cursor of the owner in one transaction, and one line instead of a traceback."""
    try:
        with (
            psycopg.connect(conninfo("owner"), connect_timeout=10, row_factory=dict_row) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor
    except psycopg.OperationalError as error:
        raise StateError("the database does not answer: is `medloom up` running?") from error
    except psycopg.errors.UndefinedTable as error:
        raise StateError("the tables are not there yet: run `medloom migrate`") from error


@click.group(invoke_without_command=True)
@_JSON
@click.pass_context
def recover(ctx: click.Context, as_json: bool) -> None:
    """After a hub was restored from a backup: say so, and see which sites have come back.

    Alone it shows how the recovery stands.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(status, as_json=as_json)


@recover.command()
@_REASON
@_BY
@_JSON
def start(reason: str, by: str, as_json: bool) -> None:
    """This hub is a restored copy: begin a new epoch, end every session, take back what was lost."""
    with _ledger() as cursor:
        now = recovery.progress(cursor)
        if now is not None and now.recovering:
            raise StateError(f"a recovery is under way since {now.began}: `medloom recover` shows it")
        if recovery.from_another_server(cursor):
            recovery.settle_here(cursor)
        since = cursor.execute("select coalesce(max(seq), 0) as seq from entry").fetchone()["seq"]
        recovery.begin(cursor, epoch=uuid.uuid4().hex, since=since, by=by, reason=reason)
        begun = recovery.progress(cursor)
    assert begun is not None
    _show(begun, as_json)


@recover.command()
@_JSON
def status(as_json: bool = False) -> None:
    """Which sites have handed back what the hub lost, and which not yet."""
    with _ledger() as cursor:
        found = recovery.progress(cursor)
    if found is not None:
        _show(found, as_json)
    elif as_json:
        click.echo(json.dumps({"recovering": False, "sites": [], "unseen": []}))
    else:
        click.echo("This hub was never restored.")


@recover.command()
@_REASON
@_BY
@_JSON
def end(reason: str, by: str, as_json: bool) -> None:
    """Wait no longer for sites that have not come back; what they bring later is taken all the same."""
    with _ledger() as cursor:
        found = recovery.progress(cursor)
        if found is None or not found.recovering:
            raise StateError("no recovery is under way")
        recovery.end(cursor, by=by, reason=reason)
        ended = recovery.progress(cursor)
    assert ended is not None
    _show(ended, as_json)


def _show(found: recovery.Progress, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(found), ensure_ascii=False))
        return
    click.echo(f"Restored up to entry {found.since}; recovery began {found.began}: {found.reason}")
    for each in found.sites:
        lines = f", {each.lines} lines handed back" if each.lines else ""
        click.echo(f"  {each.site:<16} {SAID[each.state]}{lines}")
    if found.unseen:
        lost = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found.unseen)
        click.echo(f"Entries that no site has brought so far: {lost}")
    if found.recovering:
        waits = [each.site for each in found.sites if each.state != recovery.RETURNED]
        click.echo(f"Waiting for {', '.join(waits) or 'the next word of a site'}.")
    else:
        by = f" by {found.ended_by}" if found.ended_by else ""
        click.echo(f"Ended {found.ended}{by}: {found.ended_reason}")
