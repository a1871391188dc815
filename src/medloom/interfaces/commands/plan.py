"""`medloom plan`: a QIF file's plan taken over as the registrant's specifications for a site."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import click

from medloom.interfaces.commands.upkeep import set_up_django
from medloom.process.state import StateError

CHUNK_STEPS = 100
SHOWN_MOST = 20


@click.group()
def plan() -> None:
    """What parts are to be judged by."""


@plan.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--site", required=True, help="Site that the specifications are released to.")
@click.option("--item", required=True, help="Item number; it begins each specification's number.")
@click.option("--prefix", default="", help="Stands before each characteristic, for a second plan: 'FAI.'.")
@click.option("--release", is_flag=True, help="Release at once; else they wait as drafts.")
@click.option("--dry-run", is_flag=True, help="Only tell what each characteristic would become.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--actor", default="import", show_default=True, help="Opaque id of who imports.")
def import_file(
    file: Path, site: str, item: str, prefix: str, release: bool, dry_run: bool, as_json: bool, actor: str
) -> None:
    """Read the plan of a QIF file: each characteristic becomes a specification, or its next revision.

    One that stands with the same limits stays as it is, so the same file again changes nothing. Limits that
    contradict themselves are told and left out.
    """
    set_up_django()
    from medloom.design.plans import read_plan, steps
    from medloom.wire.verdict import FileRefused

    try:
        planned = list(read_plan(file.read_bytes(), item=item, prefix=prefix))
    except FileRefused as refused:
        found = refused.refusal
        raise StateError(
            f"{file.name}: {found.code}: expected {found.expected}; found {found.got}"
        ) from refused
    found_steps = list(steps(iter(planned), _standing(site)))
    counts = Counter(step.what for step in found_steps)
    if not dry_run:
        made = [step for step in found_steps if step.what in ("new", "next")]
        for begin in range(0, len(made), CHUNK_STEPS):
            _put(made[begin : begin + CHUNK_STEPS], site, actor, release=release, reason=f"plan {file.name}")
    told = [{"number": s.fields["number"], "note": s.note} for s in found_steps if s.what == "refused"]
    if as_json:
        click.echo(json.dumps({"counts": dict(counts), "refused": told}, ensure_ascii=False))
        return
    click.echo(", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "no characteristic")
    for one in told[:SHOWN_MOST]:
        click.echo("{number}: {note}".format(**one))


def _standing(site: str) -> dict[str, Any]:
    """The newest revision of each specification of a site that is not obsolete."""
    from medloom.design.models import Specification
    from medloom.design.plans import LIMITS, Standing
    from medloom.kernel.access import ALL, seeing
    from medloom.kernel.entity import catalogue

    fields = catalogue()["specification"].fields
    with seeing(ALL):
        rows = Specification.objects.filter(site=site, voided=False).exclude(state="obsolete").order_by("num")
        return {
            row.number: Standing(
                str(row.object),
                row.revision,
                row.state,
                tuple(fields[name].wire(getattr(row, name)) for name in LIMITS),
            )
            for row in rows
        }


def _put(made: list[Any], site: str, actor: str, *, release: bool, reason: str) -> None:
    """Through the write door, as the registrant. Raises StateError unless all are accepted."""
    from django.utils import timezone

    from medloom.design.actions import issue_revision
    from medloom.hub import wiring
    from medloom.kernel.access import ALL, seeing
    from medloom.kernel.act import Act
    from medloom.kernel.cursor import open_cursor
    from medloom.kernel.door import new_id, submit
    from medloom.wire.judge import HQ
    from medloom.wire.verdict import Verdict

    act = Act(actor=actor, at=timezone.now().isoformat(), mint=new_id)
    operations: list[Any] = []
    for step in made:
        fields = dict(step.fields)
        if release:
            operations += issue_revision(
                act=act, type="specification", site=site, fields=fields, reason=reason, replaces=step.replaces
            )
        else:
            operations.append(act.create("specification", site=site, fields=fields, reason=reason))
    with seeing(ALL), open_cursor() as cursor:
        now = wiring(cursor)
    answers = submit(operations, author=HQ, wiring=now)
    wrong = [answer for answer in answers if answer.verdict is not Verdict.ACCEPTED]
    if wrong:
        raise StateError(f"{len(wrong)} were not accepted; the first: {wrong[0].verdict} {wrong[0].refusal}")
