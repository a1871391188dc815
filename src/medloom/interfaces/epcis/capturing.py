"""From an EPCIS document to operations: check, find our lots, append as one batch, keep the document.

Nothing is written here but the record of the capture itself; the events go through the one write door.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import orjson
import uuid_utils

from medloom.formats.epcis.checking import Fault
from medloom.formats.epcis.decoding import Unreadable, decode, prefixes
from medloom.formats.epcis.events import document_faults, event_faults
from medloom.formats.epcis.reading import Indexed
from medloom.hub import wiring
from medloom.interfaces.api.caller import Caller
from medloom.interfaces.api.problem import Problem
from medloom.kernel.case import Received
from medloom.kernel.cursor import open_cursor
from medloom.kernel.door import new_id
from medloom.kernel.ledger import append, own
from medloom.trace.events.models import RAW_BYTES_MOST, Capture
from medloom.trace.events.queries import known_lots
from medloom.trace.events.rules import fields_of, prefixes_text, read
from medloom.wire.canonical import Malformed
from medloom.wire.operation import Kind, Operation, Source
from medloom.wire.verdict import Answer, Verdict

#: Limits of one capture, told by OPTIONS and refused with 413 beyond.
EVENTS_MOST = 2_000
BYTES_MOST = 4 * 1024 * 1024
#: The feed under which events are known as facts of their author's.
FEED = "epcis"


class _Body(msgspec.Struct):
    eventList: list[msgspec.Raw]  # noqa: N815 - the standard's word


class _Document(msgspec.Struct):
    epcisBody: _Body  # noqa: N815 - the standard's word


@dataclass
class Handed:
    """One document on its way: its events' own texts, what was found in each, what is wrong."""

    raw: bytes
    digest: str
    prefixes: Mapping[str, str]
    texts: list[str]
    found: list[Indexed | None] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What became of a capture: the events by id in their order, and the record that is kept."""

    capture: Capture
    ids: tuple[str, ...]
    answers: tuple[Answer, ...]


def open_document(raw: bytes) -> Handed:
    """Read a document. Raises Problem 400 for what is none, 413 for one that is too large."""
    if len(raw) > BYTES_MOST:
        raise Problem(413, "capture_too_large", expected=f"at most {BYTES_MOST} bytes", got=str(len(raw)))
    try:
        document = decode(raw)
    except Unreadable as error:
        raise Problem(
            400, "document_unreadable", expected="JSON", got=f"{error.code}: {error.detail}"
        ) from None
    faults = document_faults(document)
    if faults:
        raise refusal(faults)
    events = document["epcisBody"]["eventList"]
    if len(events) > EVENTS_MOST:
        raise Problem(
            413, "capture_too_large", expected=f"at most {EVENTS_MOST} events", got=str(len(events))
        )
    texts = [bytes(each).decode() for each in msgspec.json.decode(raw, type=_Document).epcisBody.eventList]
    handed = Handed(raw, hashlib.sha256(raw).hexdigest(), prefixes(document["@context"]), texts)
    _check(handed, [f"/epcisBody/eventList/{at}" for at in range(len(events))])
    return handed


def open_event(raw: bytes) -> Handed:
    """Read a single event. Raises Problem 400 and 413."""
    if len(raw) > BYTES_MOST:
        raise Problem(413, "capture_too_large", expected=f"at most {BYTES_MOST} bytes", got=str(len(raw)))
    try:
        event = decode(raw)
    except Unreadable as error:
        raise Problem(
            400, "document_unreadable", expected="JSON", got=f"{error.code}: {error.detail}"
        ) from None
    faults = event_faults(event, alone=True)
    if faults:
        raise refusal(faults)
    handed = Handed(raw, hashlib.sha256(raw).hexdigest(), {}, [raw.decode()])
    _check(handed, [""])
    return handed


def refusal(faults: Sequence[Fault]) -> Problem:
    """The answer to a document that is wrong: each fault with the pointer to its place."""
    first = faults[0]
    return Problem(
        400, "document_wrong", path=first.path, expected=first.expected, got=first.got,
        errors=[shown(fault) for fault in faults],
    )  # fmt: skip


def shown(fault: Fault) -> dict[str, str]:
    """A fault as it is told."""
    return {k: v for k, v in msgspec.to_builtins(fault).items() if v or k == "path"}


def _check(handed: Handed, paths: Sequence[str]) -> None:
    known = prefixes_text(handed.prefixes)
    for path, text in zip(paths, handed.texts, strict=True):
        found = read(text, known)
        if isinstance(found, Indexed):
            size = len(orjson.dumps(text))
            if size <= RAW_BYTES_MOST:
                handed.found.append(found)
                continue
            limit = Fault("event_too_large", path, f"at most {RAW_BYTES_MOST} bytes", str(size))
            found = (limit,)
            handed.faults += found
        else:
            handed.faults += [msgspec.structs.replace(fault, path=path + fault.path) for fault in found]
        handed.found.append(None)


def capture(handed: Handed, caller: Caller, *, now: dt.datetime, proceed: bool) -> Outcome:
    """Keep the events of a document. With faults in it and not `proceed`, none is kept.

    With `proceed` the events that are wrong are quarantined with their bytes, for the repair desk.
    """
    whole = proceed or not handed.faults
    answers = append(_operations(handed, caller, now), author=caller.site, wiring=wiring) if whole else []
    ids = tuple(found.event_id for found in handed.found if found is not None)
    faults = [shown(fault) for fault in handed.faults] + _refused(answers, handed)
    kept = Capture(
        id=str(uuid_utils.uuid7()), site=caller.site, actor=caller.actor, begun=now, finished=now,
        success=not faults, behaviour="proceed" if proceed else "rollback",
        events=len(handed.texts), digest=handed.digest, document=zlib.compress(handed.raw, 6),
        kept=sum(a.verdict is Verdict.ACCEPTED and not a.repeated for a in answers),
        repeated=sum(a.repeated for a in answers), errors=orjson.dumps(faults).decode(),
    )  # fmt: skip
    kept.save(force_insert=True)
    return Outcome(kept, ids, tuple(answers))


def _refused(answers: Sequence[Answer], handed: Handed) -> list[dict[str, str]]:
    """What the write door itself refused, which the check should have found."""
    return [
        {"code": a.refusal.code, "path": f"/epcisBody/eventList/{at}", "expected": a.refusal.expected}
        for at, a in enumerate(answers)
        if a.refusal is not None and handed.found[at] is not None
    ]


def _operations(handed: Handed, caller: Caller, now: dt.datetime) -> list[Received]:
    epcs = [named.epc for found in handed.found if found is not None for named in found.named]
    with caller.seeing(), open_cursor() as cursor:
        lots = known_lots(cursor, caller.site, epcs)
    return [
        _observed(handed, text, found, lots, caller, now) if found else _wrong(text, caller, now)
        for text, found in zip(handed.texts, handed.found, strict=True)
    ]


def _observed(
    handed: Handed, text: str, found: Indexed, lots: Mapping[str, str], caller: Caller, now: dt.datetime
) -> Received:
    fields = fields_of(found, raw=text, prefixes=handed.prefixes)
    fields |= {"recorded": _stamp(now), "document": handed.digest}
    named = {(n.role, lots[n.epc]): n.epc for n in found.named if n.epc in lots}
    if named:
        fields["lots"] = [{"role": r, "lot": lot, "epc": epc} for (r, lot), epc in sorted(named.items())][
            :200
        ]
    operation = Operation(
        id=new_id(), type="trace_event", object=new_id(), kind=Kind.OBSERVE, fields=fields,
        at=_stamp(dt.datetime.fromisoformat(found.time)), actor=caller.actor,
        source=Source(feed=FEED, key=found.digest, hash=found.digest, at=f"document {handed.digest}"),
    )  # fmt: skip
    try:
        return own(operation)
    except Malformed as error:
        return _wrong(text, caller, now, why=f"{error.code} {error.path}")


def _wrong(text: str, caller: Caller, now: dt.datetime, why: str = "event_wrong") -> Received:
    """An event that is none: kept as bytes, quarantined."""
    operation = Operation(
        id=new_id(), type="trace_event", object=new_id(), kind=Kind.RAW, at=_stamp(now), actor=caller.actor,
        raw={"text": text[:40_000].encode("ascii", "backslashreplace").decode(), "why": why[:200]},
    )  # fmt: skip
    return own(operation)


def _stamp(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
