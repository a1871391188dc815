"""`medloom agent`: mappings tried offline, and the agent itself."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import click
from rich.console import Console
from rich.table import Table

from medloom.agent.config import AgentConfig
from medloom.agent.declaration import Mapping, MappingRefused, load_mapping
from medloom.agent.guess import first_mapping, first_of_table
from medloom.agent.preview import Preview, preview, row_tree, to_mend
from medloom.agent.sample import sample_of
from medloom.agent.sources.rows import FileRefused
from medloom.agent.status import STATUS_FILE, read_status, serve
from medloom.interfaces.cli import log_to_stderr
from medloom.process.stopping import set_on_signal

#: Languages of the import templates.
LANGUAGES = ("zh-hans", "en")
#: Exit codes: 0 all understood, 1 rows refused or the mapping to be mended, 2 it or the file cannot be used.
REFUSED, UNUSABLE = 1, 2
NOT_RUNNING = 3
#: `status`: it runs, and something is wrong that a person must look at.
ALARMED = 1


@click.group()
def agent() -> None:
    """Work beside a plant's own systems: read its files and tables, send what they say to the hub."""


@agent.command()
@click.argument("mapping", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@click.option("--limit", default=20, show_default=True, help="Rows to show; 0 for all. Every row is counted.")
@click.option("--refused", is_flag=True, help="Show refused rows only.")
def check(mapping: Path, file: Path, as_json: bool, limit: int, refused: bool) -> None:
    """Show offline what each row of FILE would become under MAPPING, what is refused, and what to mend."""
    try:
        declared = load_mapping(mapping)
    except MappingRefused as error:
        _unusable(
            {"code": error.code, "path": error.path, "expected": error.expected, "got": error.got}, as_json
        )
    if declared.skip:
        _unusable({"code": "feed_skipped", "path": "$.skip", "expected": "", "got": declared.skip}, as_json)
    types = _types()
    mend = to_mend(declared, types)
    total, outcomes = preview(declared, file, types)
    shown = []
    for outcome in outcomes:
        if (limit == 0 or len(shown) < limit) and (outcome.refusal is not None or not refused):
            shown.append(row_tree(outcome))
    if as_json:
        told = {**total.as_tree(), "to_mend": mend, "rows": shown}
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        _print(declared, total, shown)
        for each in mend:
            click.echo("mend {path}: {got!r} should be {expected}".format(**each), err=True)
    raise SystemExit(REFUSED if total.refused or mend else 0)


def _types() -> dict[str, Any]:
    """Every declared object type; Django is started without a database."""
    import os

    import django
    from django.apps import apps

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
    if not apps.ready:
        django.setup()
    from medloom.kernel.entity import catalogue

    return dict(catalogue())


def _unusable(refusal: dict[str, str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"refusal": refusal}, ensure_ascii=False))
    else:
        click.echo("{code} at {path}: expected {expected}; found {got}".format(**refusal), err=True)
    raise SystemExit(UNUSABLE)


def _print(mapping: Mapping, total: Preview, shown: list[dict[str, Any]]) -> None:
    console = Console()
    table = Table(title=f"{total.file} -> {mapping.feed}", show_lines=False)
    for name in ("row", "becomes", "fields", "normalised or refused"):
        table.add_column(name, overflow="fold")
    for row in shown:
        if "refused" in row:
            why = row["refused"]
            note = f"{why['code']} {why['path']}: expected {why['expected']}; found {why['got']}"
            table.add_row(row["at"], "refused", why["original"], note, style="red")
            continue
        for made in row["becomes"]:
            fields = ", ".join(f"{name}={value}" for name, value in made["fields"].items())
            was = ", ".join(f"{name}: {old!r} ({rule})" for name, (old, rule) in made["was"].items())
            table.add_row(row["at"], made["type"], fields, was)
    console.print(table)
    console.print(f"{total.read} rows read, {total.understood} understood, {total.refused} refused")
    for title, counts in (
        ("objects", total.objects),
        ("normalised", total.normalised),
        ("refusals", total.reasons),
        ("findings", total.findings),
    ):
        if counts:
            console.print(f"{title}: " + ", ".join(f"{name} {n}" for name, n in counts.most_common()))
    for drift in total.drift:
        console.print(f"drift: {drift['code']} {drift['column']}", style="yellow")


@agent.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--type", "type_", default="", help="Object type each row speaks of, for example work_order.")
@click.option("--feed", default="", help="Name of the feed; by default made from the file's or table's name.")
@click.option("--zone", default="", help="The plant's time zone, for example Asia/Shanghai.")
@click.option("--table", default="", help="Instead of FILE: a table or view of the plant's database.")
@click.option("--url-env", default="", help="With --table: the variable that holds the database's address.")
def init(file: Path | None, type_: str, feed: str, zone: str, table: str, url_env: str) -> None:
    """Write a first mapping from FILE's header or a table's columns: guesses for a person to correct."""
    if (file is None) is not bool(table):
        raise click.UsageError("give a FILE, or --table with --url-env")
    if zone and zone not in available_timezones():
        raise click.ClickException(f"no time zone {zone!r}; give region and town, such as Asia/Shanghai")
    types = _types() if type_ else {}
    if type_ and type_ not in types:
        raise click.ClickException(f"no object type {type_!r}; there are {', '.join(sorted(types))}")
    try:
        if file is not None:
            text = first_mapping(
                file.name, file.read_bytes(), type_=type_, feed=feed, declared=types.get(type_), zone=zone
            )
        else:
            text = _of_table(table, url_env, type_, types, feed, zone)
        click.echo(text, nl=False)
    except FileRefused as error:
        refusal = error.refusal
        _unusable(
            {"code": refusal.code, "path": refusal.path, "expected": refusal.expected, "got": refusal.got},
            as_json=False,
        )


def _of_table(table: str, url_env: str, type_: str, types: dict[str, Any], feed: str, zone: str) -> str:
    if not type_:
        raise click.UsageError("--table needs --type: what each row of the table speaks of")
    if not os.environ.get(url_env):
        raise click.UsageError(
            f"--url-env: the variable {url_env!r} holds no address such as sqlite:////srv/erp.db or"
            " postgresql+psycopg://medloom_reader:PASSWORD@host/erp"
        )
    sample = sample_of(os.environ[url_env], table)
    return first_of_table(sample, type_=type_, declared=types[type_], feed=feed, zone=zone)


@agent.command()
@click.argument("name", default="")
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Where to write it.")
def template(name: str, language: str, out: Path | None) -> None:
    """Write the import template NAME as .xlsx, for a plant that keeps no system; without NAME, list them."""
    types = _types()
    from medloom.derive.sheets import workbook_of
    from medloom.derive.templates import TEMPLATES, title_of

    if name not in TEMPLATES:
        for each in TEMPLATES.values():
            click.echo(f"{each.name:12} {title_of(each, types[each.type])}", err=bool(name))
        raise SystemExit(UNUSABLE if name else 0)
    chosen = TEMPLATES[name]
    path = out or Path(f"{name}-{language[:2]}.xlsx")
    path.write_bytes(workbook_of(chosen, types[chosen.type], language))
    click.echo(str(path))


@agent.command()
@click.argument("config", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def run(config: Path) -> None:
    """Run the agent that CONFIG describes, until it is stopped."""
    from medloom.agent.assemble import assemble, rebuild
    from medloom.agent.config import ConfigRefused, load_config
    from medloom.agent.file import StoreDamaged, StoreUnusable
    from medloom.agent.keys import KeyUnusable
    from medloom.agent.transport import EnrolmentRefused

    log_to_stderr()
    stop = threading.Event()
    set_on_signal(stop)
    while not stop.is_set():
        try:
            declared = load_config(config)
            found = assemble(declared, stop=stop.is_set)
        except (ConfigRefused, KeyUnusable, MappingRefused, EnrolmentRefused, StoreUnusable) as error:
            raise click.ClickException(str(error)) from error
        click.echo(_reads(declared, config), err=True)
        damage = ""
        try:
            serve(found, Path(declared.state) / STATUS_FILE, stop=stop.is_set)
        except StoreDamaged as error:
            damage = str(error)
        finally:
            found.close()
        if damage:
            rebuild(declared, why=damage)


def _reads(declared: AgentConfig, config: Path) -> str:
    """What a started agent reads, where it sends it, and how to see how it is doing."""
    places = [each.path for each in declared.folders]
    places += [f"the database of {each.url_env or 'databases.url'}" for each in declared.databases]
    places += [f"the stream {each.address}" for each in declared.streams]
    return (
        f"The agent of {declared.site} reads {', '.join(places) or 'nothing'} and sends to {declared.hub}."
        f" How it is doing: `medloom agent status {config}`. Ctrl-C stops it."
    )


@agent.command()
@click.argument("config", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(config: Path, as_json: bool) -> None:
    """Say how the agent of CONFIG is doing, from what it told last; the store is never opened for this.

    Exit code 0 when all is well, 1 when something lasts that a person must look at, 3 when it does not run.
    """
    from medloom.agent.config import ConfigRefused, load_config

    try:
        told = read_status(Path(load_config(config).state) / STATUS_FILE)
    except ConfigRefused as error:
        raise click.ClickException(str(error)) from error
    if told is None:
        click.echo("the agent does not run", err=True)
        raise SystemExit(NOT_RUNNING)
    alarms = told.get("alarms", [])
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        for name, value in told.items():
            if name != "alarms":
                click.echo(f"{name}: {value}")
        for alarm in alarms:
            click.echo("alarm {code} for {for_s} s: {detail}. {do}".format(**alarm), err=True)
    raise SystemExit(ALARMED if alarms else 0)


commands: tuple[click.Command, ...] = (agent,)
