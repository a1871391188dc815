"""Whether a trace event is one, which rows it makes, which genealogy it proves. Pure.

EPCIS 2.0.1 section 7.4: a transformation makes its outputs of its inputs; an aggregation or association
with action ADD puts its children into the parent, which matters here where the parent is a lot of ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from medloom.formats.epcis.checking import Fault
from medloom.formats.epcis.decoding import Unreadable, decode
from medloom.formats.epcis.events import event_faults
from medloom.formats.epcis.reading import Indexed, index
from medloom.kernel.ruling import FINE, Asked, Rows, Ruling, Written
from medloom.trace.ties.rules import Carrying, by_role, tied
from medloom.wire.verdict import Finding, Refusal, Verdict

_NAMES = ("event", "line", "site", "role", "whole", "epc", "ident")
_EDGES = ("parent", "child", "step", "entry", "units", "site", "quantity")
#: Parsed events kept: a batch is checked when it is captured, judged and written, each time the same texts.
KEPT_MOST = 4_096


@lru_cache(maxsize=KEPT_MOST)
def read(raw: str, prefixes: str) -> Indexed | tuple[Fault, ...]:
    """What is indexed of an event's text, or what is wrong with it."""
    try:
        event = decode(raw.encode())
        known = decode(prefixes.encode()) if prefixes else {}
    except (Unreadable, UnicodeEncodeError) as error:
        return (Fault(getattr(error, "code", "not_utf8"), "", "JSON", str(error)[:120]),)
    found = event_faults(event, known=known if isinstance(known, dict) else {})
    return tuple(found) if found else index(event, known)


def fields_of(found: Indexed, *, raw: str, prefixes: Mapping[str, str]) -> dict[str, Any]:
    """The fields that a trace event has, as its text says; `recorded` and `document` are the captor's."""
    given = {
        "number": found.number,
        "event_id": found.event_id,
        "kind": found.type,
        "happened": found.time,
        "action": found.action,
        "biz_step": found.biz_step,
        "disposition": found.disposition,
        "read_point": found.read_point,
        "biz_location": found.biz_location,
        "transformation": found.transformation,
        "prefixes": prefixes_text(prefixes),
        "raw": raw,
    }
    return {name: value for name, value in given.items() if value} | {"error": found.declares_error}


def prefixes_text(prefixes: Mapping[str, str]) -> str:
    """Prefixes as one text."""
    return json.dumps(dict(prefixes), sort_keys=True) if prefixes else ""


@dataclass(frozen=True)
class EventFacts:
    """What stands before a batch of events.

    named    (site, event id) -> digests of the events that have it
    carried  operation -> the holds that its event carries over to other lots
    """

    named: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    carried: Carrying = field(default_factory=dict)


def admit_trace_event(asked: Asked, facts: EventFacts | None) -> Ruling:
    """An event is what its text says, or it is quarantined with the place in the text that is wrong.

    The same id with another meaning is kept with a finding: which of the two is true is a question to a
    person.
    """
    fields = asked.fields
    found = read(str(fields["raw"]), str(fields.get("prefixes") or ""))
    if not isinstance(found, Indexed):
        first = found[0]
        refusal = Refusal(
            code="event_wrong", path=f"/fields/raw{first.path}", expected=first.expected, got=first.got
        )
        return Ruling(refusal=refusal, verdict=Verdict.QUARANTINED)
    for name, value in (("number", found.number), ("event_id", found.event_id), ("kind", found.type)):
        if fields.get(name) != value:
            refusal = Refusal(
                code="event_differs", path=f"/fields/{name}", expected=value, got=str(fields.get(name))[:120]
            )
            return Ruling(refusal=refusal, verdict=Verdict.QUARANTINED)
    facts = facts or EventFacts()
    others = facts.named.get((asked.home, found.event_id), frozenset()) - {found.number}
    if others and not found.declares_error:
        got = f"{len(others)} other"
        return Ruling(
            findings=(Finding(code="event_id_reused", path="/fields/event_id", expected="1", got=got),)
        )
    return FINE


def event_rows(written: Sequence[Written]) -> list[Rows]:
    """Rows of trace_event_name, and the edges between lots of ours, for events that were accepted."""
    names: list[tuple[Any, ...]] = []
    edges: list[tuple[Any, ...]] = []
    for one in written:
        found = read(str(one.asked.fields["raw"]), str(one.asked.fields.get("prefixes") or ""))
        if one.version != 1 or not isinstance(found, Indexed):
            continue
        site = one.asked.home
        names += [
            (one.num, line, site, each.role, each.whole, each.epc, each.ident)
            for line, each in enumerate(found.named, 1)
        ]
        if not found.declares_error:
            edges += [
                (parent, child, one.num, one.seq, 0, site, None)
                for parent, child in sorted(pairs(found.type, found.action, one.lines.get("lots", ())))
            ]
    made = [("trace_event_name", _NAMES, names)] if names else []
    return [*made, ("trace_edge", _EDGES, edges)] if edges else made


def pairs(kind: str, action: str, lots: Sequence[Mapping[str, Any]]) -> set[tuple[int, int]]:
    """(what went in, what it went into), by internal number, for an event of that kind and action.

    lots  `role` and `lot_num` of each lot of ours that it names
    """
    return {(int(a), int(b)) for a, b in tied(kind, action, by_role(lots, "lot_num"))}
