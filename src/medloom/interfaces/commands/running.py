"""`medloom up`, `stop`, `status`: the process tree of this state folder."""

import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click
import psycopg

from medloom.interfaces.cli import NOT_RUNNING
from medloom.process import guard, lock, programs, tree
from medloom.process.lock import AlreadyRunning
from medloom.process.state import StateError, conninfo, current
from medloom.process.stopping import set_on_signal

STOP_S = 60.0


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the pages.  [default: 8000 or next free]"
)
@click.option(
    "--live-port", type=click.IntRange(1, 65535), help="Port of live push.  [default: the next one]"
)
@click.option("--web-workers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(programs.NAMES),
    help="Start only this part (repeat for several).",
)
@click.option("--certificate", type=click.Path(exists=True, dir_okay=False), help="TLS certificate.")
@click.option("--key", type=click.Path(exists=True, dir_okay=False), help="Its key, PKCS#8.")
@click.option("--no-migrate", is_flag=True, help="Do not bring the tables up to date first.")
@click.option("--json", "as_json", is_flag=True, help="Say that all is ready as one line of JSON.")
@click.option("--unguarded", is_flag=True, hidden=True)
def up(
    host: str,
    port: int | None,
    live_port: int | None,
    web_workers: int,
    only: tuple[str, ...],
    certificate: str | None,
    key: str | None,
    no_migrate: bool,
    as_json: bool,
    unguarded: bool,
) -> None:
    """Start everything: database, pages, live push, worker, sequencer. Ctrl-C stops it.

    Whatever dies is started again.
    """
    if bool(certificate) != bool(key):
        raise click.UsageError("--certificate and --key belong together")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    if not unguarded:
        _refuse_second()
        port, live_port = programs.choose_ports(host, port, live_port)
    options = programs.Options(
        host=host,
        port=port or programs.PORTS[0],
        live_port=live_port or programs.PORTS[1],
        web_workers=web_workers,
        certificate=str(Path(certificate).absolute()) if certificate else "",
        key=str(Path(key).absolute()) if key else "",
        only=frozenset(only),
    )
    if host not in ("127.0.0.1", "::1", "localhost") and not unguarded:
        _warn_open(host, tls=bool(certificate))
    if unguarded:
        raise SystemExit(_run(options, migrate=not no_migrate))
    if as_json:
        os.environ["MEDLOOM_READY"] = "json"
    raise SystemExit(guard.guard(options, migrate=not no_migrate))


def _warn_open(host: str, *, tls: bool) -> None:
    log = logging.getLogger("medloom")
    if not tls:
        log.warning(
            "listening on %s without TLS: passwords travel readable; give --certificate and --key", host
        )
    if not os.environ.get("MEDLOOM_HOSTS"):
        known = ", ".join(programs.names(host))
        log.warning("pages answer to the names %s; set MEDLOOM_HOSTS for others (a comma between)", known)


def _refuse_second() -> None:
    path = current().path / "tree.lock"
    if (pid := lock.holder(path)) is not None:
        raise AlreadyRunning(
            f"Medloom runs already on {path.parent} (process {pid}): see `medloom status`, stop it with "
            "`medloom stop`, or choose another folder by MEDLOOM_STATE"
        )


def _first_step() -> str:
    """What to do on a hub that nobody may log in to yet; "" once somebody may."""
    try:
        with psycopg.connect(conninfo("owner")) as link:
            found = link.execute("select exists (select from login)").fetchone()
    except psycopg.Error:  # a part of the tree beside a database elsewhere: nothing to say of it
        return ""
    if found is None or found[0]:
        return ""
    command = "medloom user add NAME --site HQ --role admin --role quality"
    return f"\nNobody may log in yet; in another window: {command}"


def _run(options: programs.Options, *, migrate: bool) -> int:
    """The tree itself, below the guard."""
    found = tree.Tree(current(), options, migrate=migrate)
    began = time.monotonic()
    set_on_signal(found.stop)

    def ready() -> None:
        seconds = round(time.monotonic() - began, 1)
        if os.environ.get("MEDLOOM_READY") == "json":
            line = json.dumps({"ready": True, "url": options.url, "seconds": seconds, "pid": os.getpid()})
        else:
            line = f"Medloom is ready: {options.url}  (after {seconds} s; Ctrl-C stops it){_first_step()}"
        try:
            print(line, flush=True)
        except OSError:  # whoever started us no longer reads: no reason to stop
            logging.getLogger("medloom").info(line)

    try:
        return found.run(ready)
    except StateError:
        raise
    except Exception:
        logging.getLogger("medloom").exception("the supervisor failed")
        return guard.BROKEN


@click.command()
def stop() -> None:
    """Stop what `medloom up` started."""
    state = current()
    pid = lock.holder(state.path / "tree.lock")
    if pid is None:
        click.echo(f"Nothing runs on {state.path}.", err=True)
        raise SystemExit(NOT_RUNNING)
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError:
        raise StateError(f"process {pid} belongs to another user: stop it as that user") from None
    except ProcessLookupError:
        pass
    until = time.monotonic() + STOP_S
    while lock.holder(state.path / "tree.lock") is not None:
        if time.monotonic() > until:
            raise StateError(f"process {pid} does not end: see {state.log}")
        time.sleep(0.05)
    click.echo("Stopped.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
def status(as_json: bool) -> None:
    """Show what runs; exit code 3 when nothing does."""
    state = current()
    found = tree.told(state)
    if as_json:
        click.echo(json.dumps({"state": str(state.path), "running": found is not None, **(found or {})}))
    elif found is None:
        click.echo(f"Nothing runs on {state.path}. Start it with `medloom up`.")
    else:
        _show(found, state.path)
    if found is None:
        raise SystemExit(NOT_RUNNING)


def _show(found: dict[str, Any], folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, title_justify="left")
    for heading in ("process", "state", "pid", "starts", "since"):
        table.add_column(heading, justify="right" if heading in ("pid", "starts") else "left")
    for name, one in found["processes"].items():
        word = "runs" if one["running"] else "stopped for good" if one["halted"] else "waits to start again"
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one["since"]))
        table.add_row(name, word, str(one["pid"] or ""), str(one["starts"]), since)
    console = Console()
    console.print(f"{found.get('url', 'starting')}   state folder {folder}", soft_wrap=True)
    console.print(table)
