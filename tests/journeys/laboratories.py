"""QIF files on their way to the hub: read as the agent reads them, sent through the door as a plant."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable
from typing import Any

from medloom.agent.declaration import load_mappings
from medloom.agent.sources.tables import read_table
from medloom.agent.translate import Draft, Translator
from medloom.demo.metrology import FIRST, SECOND, parts, qif
from medloom.demo.plants import MAPPINGS
from medloom.demo.released import Released
from medloom.demo.released import generated as released_to_blocks
from medloom.design.actions import issue_revision
from medloom.hub import WIRING
from medloom.kernel.act import derived_id
from medloom.kernel.case import Received
from medloom.kernel.ledger import append, own
from medloom.wire import canonical
from medloom.wire.operation import Operation
from medloom.wire.verdict import Answer, Verdict
from tests.journeys.sending import ACT

BATCH = 300
_numbers = itertools.count(1)
EPOCH = uuid.uuid4().hex


def release(site: str, released: Iterable[Released]) -> None:
    """Everything that the registrant has released to a site."""
    operations = [
        operation
        for type_, fields in released
        for operation in issue_revision(act=ACT, type=type_, site=site, fields=fields, reason="test")
    ]
    answers = append([own(operation) for operation in operations], author="HQ", wiring=WIRING)
    assert {answer.verdict for answer in answers} <= {Verdict.ACCEPTED}, answers


def operation_of(draft: Draft, site: str) -> tuple[int, Operation]:
    """The operation that a row became; the object of a natural key is the same every time."""
    number = next(_numbers)
    key = draft.fields.get("number") or draft.source.key
    object_ = derived_id(
        EPOCH, site, draft.type, draft.fields.get("lot") if draft.type == "serial" else "", key
    )
    return number, Operation(
        id=f"{site}/{EPOCH}/v/{number}",
        type=draft.type,
        object=object_,
        kind=draft.kind,
        at=draft.at or "2026-11-01T08:00:00Z",
        zone=draft.zone,
        actor=f"agent:{site}",
        fields=dict(draft.fields),
        source=draft.source,
        raw=dict(draft.raw),
    )


def deliver(site: str, name: str, data: bytes, mappings: str) -> list[Answer]:
    """Every row of a file, through every mapping that reads it."""
    delivery, found, seen = read_table(name, data), [], set()
    for mapping in load_mappings(MAPPINGS / mappings):
        if not mapping.match.files or not mapping.reads(name):
            continue
        drafts = [draft for outcome in Translator(mapping).file(delivery) for draft in outcome.drafts]
        # What is only mentioned is told once, as the agent's collector does.
        fresh = [d for d in drafts if (d.source.key, d.source.hash) not in seen]
        fresh = list({(d.source.feed, d.source.key, d.source.hash): d for d in fresh}.values())
        seen |= {(d.source.key, d.source.hash) for d in fresh}
        for begin in range(0, len(fresh), BATCH):
            batch = []
            for draft in fresh[begin : begin + BATCH]:
                number, operation = operation_of(draft, site)
                raw = canonical.dumps(operation)
                batch.append(Received(raw=raw, epoch=EPOCH, chain="v", number=number, operation=operation))
            found += append(batch, author=site, wiring=WIRING)
    return found


def deliver_blocks(site: str) -> list[Answer]:
    """The generated pair of files: two laboratories, ten blocks."""
    release(site, released_to_blocks("B-2003"))
    found: list[Any] = []
    for laboratory in (FIRST, SECOND):
        data = qif(laboratory, parts(laboratory))
        found += deliver(site, f"{laboratory.code}_blocks.qif", data, "machining")
    return found
