"""`medloom device`: the registrant's device catalogue, filled from a release of the public database."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

import click
from rich.console import Console

from medloom.interfaces.commands.upkeep import set_up_django
from medloom.process.state import StateError

CHUNK_RECORDS = 200
SHOWN_MOST = 20


@click.group()
def device() -> None:
    """The registrant's device catalogue."""


@device.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Only tell what each record would be.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--actor", default="import", show_default=True, help="Opaque id of who imports.")
def import_file(file: Path, dry_run: bool, as_json: bool, actor: str) -> None:
    """Read a GUDID release file (XML): new devices are made, changed ones changed, others stay as they are.

    A record that cannot be understood is told with its line and reason; the others are taken. Reading the
    same file again changes nothing. Releases may be read in any order: a record that is older than what
    stands, by its edition or by the day in the file's name, is refused.
    """
    set_up_django()
    from medloom.design.gudid import read_gudid, release_day
    from medloom.wire.verdict import FileRefused

    counts: Counter[str] = Counter()
    told: list[dict[str, object]] = []
    with file.open("rb") as data, Console(stderr=True).status("reading") as status:
        records = read_gudid(data, released=release_day(file.name))
        try:
            while part := list(itertools.islice(records, CHUNK_RECORDS)):
                _take(part, file.name, actor, counts, told, dry_run=dry_run)
                status.update(f"{sum(counts.values())} records")
        except FileRefused as refused:
            refusal = refused.refusal
            done = sum(counts.values())
            raise StateError(
                f"{file.name}: {refusal.code}: {refusal.got}; {done} records before it were read"
            ) from refused
    if as_json:
        click.echo(json.dumps({"counts": dict(counts), "refused": told}, ensure_ascii=False))
        return
    click.echo(", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "no record")
    for one in told[:SHOWN_MOST]:
        click.echo("line {line}: {di}: {code} at {path}: expected {expected}; found {got}".format(**one))


def _take(
    part: list[object], name: str, actor: str, counts: Counter[str], told: list[dict[str, object]], *,
    dry_run: bool,
) -> None:  # fmt: skip
    from django.utils import timezone

    from medloom.design.catalogue import plan, standing
    from medloom.hub import wiring
    from medloom.kernel.access import ALL, seeing
    from medloom.kernel.act import Act
    from medloom.kernel.cursor import open_cursor
    from medloom.kernel.door import new_id, submit
    from medloom.wire.judge import HQ
    from medloom.wire.verdict import Verdict

    act = Act(actor=actor, at=timezone.now().isoformat(), mint=new_id)
    with seeing(ALL):
        stands = standing(each.di for each in part)  # type: ignore[attr-defined]
        with open_cursor() as cursor:
            now = wiring(cursor)
    plans = plan(part, stands, act=act, reason=f"GUDID {name}"[:500])  # type: ignore[arg-type]
    asked = [one for one in plans if one.operation is not None]
    if asked and not dry_run:
        answers = submit([one.operation for one in asked if one.operation], author=HQ, wiring=now)
        for one, answer in zip(asked, answers, strict=True):
            counts["with_findings"] += bool(answer.findings)
            if answer.verdict is not Verdict.ACCEPTED:
                one.what, one.refusal = "refused", answer.refusal
    for one in plans:
        counts[one.what] += 1
        if one.refusal is not None:
            refusal = one.refusal
            told.append({"line": one.line, "di": one.di, "code": refusal.code, "path": refusal.path,
                         "expected": refusal.expected, "got": refusal.got})  # fmt: skip
