"""`medloom demo`: a whole network on one machine, on generated data or on real files."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from medloom.interfaces.cli import log_to_stderr
from medloom.process import lock
from medloom.process.state import StateError, current
from medloom.process.stopping import set_on_signal

#: Columns of the printed table when it does not go to a terminal.
PRINTED_WIDTH = 160
#: Lines a second that the machines' kept lines are told with while the demonstration moves.
LINES_PER_SECOND = 600.0
TOUR = """\
1. Sign in as admin, planner or quality (accounts above); a plant's person sees that plant only.
2. Overview: the guided tour at its top leads through what is really there; the plants below move.
3. Parts against limits: oversize holes at once, a suspect limit, two laboratories that disagree.
4. Equipment timeline: runs whose machine log contradicts the plan, side by side.
5. Recall scope: name a lot, a machine and days, or a measured value; see the shipped units; freeze it.
6. Send data by hand: a template for a plant that has only Excel; the repair desk: what nobody could read.
7. Ledger: every operation with its verdict, refused ones too.
"""


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Real files.")
@click.option("--once", is_flag=True, help="Load everything, wait until all is synced, print counts, stop.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the pages.")
@click.option("--every", default=4.0, show_default=True, help="Seconds between two runs of the moving plant.")
@click.option(
    "--pace",
    type=click.FloatRange(min=0),
    default=LINES_PER_SECOND,
    show_default=True,
    help="Lines a second that machines' kept logs are told with; 0: all at once, as --once does.",
)
def demo(data: Path | None, once: bool, as_json: bool, port: int | None, every: float, pace: float) -> None:
    """Show Medloom on one machine: a registrant and three plants with their agents.

    Without --data everything is generated and marked so. With --data FOLDER the plants run on the real
    files in its folders (docs: running); what ties them together is made up and marked so.
    """
    from medloom.demo.stage import Stage, StageBroken, running_hub

    log_to_stderr()
    state = current()
    state.prepare()
    # Held until this process ends: two of them would run two agents on each store.
    lock.take_alone(state.path / "demo.lock", what="The demonstration", stop="by Ctrl-C where it was started")
    os.environ["MEDLOOM_DEMONSTRATION"] = "1"  # every page then says so
    try:
        hub = running_hub(state, arguments=("--port", str(port)) if port else ())
        with hub as url, contextlib.ExitStack() as stack:
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
            import django

            django.setup()
            from medloom.demo import network

            told = 0.0 if once else pace
            stage = Stage(state, data.resolve() if data else None, url=url, pace=told)
            stack.callback(stage.close)
            stage.build(now=dt.datetime.now(dt.UTC))
            network.seed_sites(stage.plants)
            # 16 of its characters fit beside the name in a narrow window; 43 were cut off there.
            accounts = network.seed_people(stage.plants, lambda name: state.ensure_secret(name)[0][:16])
            if once:
                _once(stage, as_json=as_json)
            else:
                _live(stage, accounts, every=every, as_json=as_json)
    except (StageBroken, RuntimeError) as error:
        raise StateError(str(error)) from error


def _once(stage: Any, *, as_json: bool) -> None:
    from medloom.demo.show import load_once

    console = Console(stderr=True)
    with console.status("loading") as status:
        feeds = load_once(stage, progress=lambda plant, rows: status.update(f"{plant}: {rows} rows"))
    if as_json:
        click.echo(json.dumps({"feeds": feeds}, ensure_ascii=False))
        return
    table = Table(title="rows by feed")
    names = [name for name in feeds[0] if name != "normalised"] if feeds else []
    for name in names:
        table.add_column(name, justify="left" if name in ("plant", "feed") else "right")
    for feed in feeds:
        table.add_row(*(str(feed[name]) for name in names))
    # Whole where there is no window: a file or a pipe has no edge to fold at.
    console = Console() if sys.stdout.isatty() else Console(width=PRINTED_WIDTH)
    console.print(table)


def _live(stage: Any, accounts: list[dict[str, str]], *, every: float, as_json: bool) -> None:
    from medloom.demo.show import keep_moving

    stop = threading.Event()
    set_on_signal(stop)
    if as_json:
        click.echo(json.dumps({"ready": True, "url": stage.url, "accounts": accounts}))
    else:
        table = Table(title=f"Medloom demonstration: {stage.url}")
        for name in ("user", "password", "site", "roles"):
            table.add_column(name)
        for account in accounts:
            table.add_row(*account.values())
        Console().print(table)
        click.echo(TOUR)
        click.echo("Ctrl-C stops it.")
    keep_moving(stage, every_seconds=every, stop=stop)


commands: tuple[click.Command, ...] = (demo,)
