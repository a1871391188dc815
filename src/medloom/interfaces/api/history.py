"""What the ledger says over REST: the entries of an object, one operation's verdict, and how it stood."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from medloom.derive.rest import ROOT
from medloom.interfaces.api.caller import Caller
from medloom.interfaces.api.objects import row_of
from medloom.interfaces.api.problem import Problem
from medloom.interfaces.api.request import json_answer, limit_of, must_accept_json, one_of
from medloom.kernel.entity import Declared
from medloom.kernel.meaning import Refused
from medloom.kernel.models import Entry
from medloom.kernel.queries import operation_id
from medloom.wire.operation import Kind

#: Entries read to tell how an object stood; more were never seen on one object.
ENTRIES_MOST = 5_000


def _entry(entry: Entry) -> dict[str, Any]:
    """One entry as a program reads it: what was asked, and what the hub decided."""
    asked = _operation(entry)
    decision = orjson.loads(entry.decision) if entry.decision else {}
    named = {"author": entry.site, "epoch": entry.epoch, "chain": entry.chain, "number": entry.number}
    found = {
        "entry": entry.seq,
        "operation": operation_id(named),
        "verdict": entry.verdict,
        "version": entry.version,
        "received": entry.received.isoformat(),
        "author": entry.site,
        "kind": asked.get("kind", "raw"),
        "at": asked.get("at"),
        "actor": asked.get("actor"),
        "reason": asked.get("reason"),
        "asked": asked.get("fields"),
        "source": asked.get("source"),
        "cause": entry.cause,
        "hash": bytes(entry.hash).hex(),
    }
    found |= {name: decision.get(name) for name in ("before", "after", "findings", "refusal", "theirs")}
    return {name: value for name, value in found.items() if value is not None}


def _operation(entry: Entry) -> dict[str, Any]:
    """The operation of an entry; nothing where its bytes were none."""
    try:
        found = orjson.loads(entry.body) if entry.encoding is None else {}
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def show_history(request: HttpRequest, caller: Caller, type_: str, object_: Any) -> HttpResponse:
    """The entries of one object, oldest first; refused and waiting ones too."""
    must_accept_json(request)
    declared = caller.type_of(type_)
    given = one_of(request, ("after", "limit"))
    limit = limit_of(given.get("limit"))
    after = given.get("after", "0")
    if not (after.isascii() and after.isdecimal() and len(after) < 19):
        raise Problem(400, "cursor_wrong", path="?after", expected="an entry's number", got=after[:40])
    with caller.seeing():
        row = row_of(declared, str(object_))
        entries = list(
            Entry.objects.filter(object=row.object, seq__gt=int(after)).order_by("seq")[: limit + 1]
        )
    body: dict[str, Any] = {"items": [_entry(each) for each in entries[:limit]], "next": None}
    if len(entries) > limit:
        where = f"{ROOT}/{type_}/{object_}/history"
        body["next"] = f"{where}?after={entries[limit - 1].seq}&limit={limit}"
    return json_answer(body)


def show_operation(request: HttpRequest, caller: Caller, name: str) -> HttpResponse:
    """What became of one operation, by the id that its answer named: its latest verdict."""
    must_accept_json(request)
    one_of(request, ())
    try:
        epoch = uuid.UUID(name)
    except ValueError:
        raise Problem(404, "operation_unknown", path="/id", got=name[:60]) from None
    with caller.seeing():
        found = Entry.objects.filter(epoch=epoch, chain="h").order_by("-seq").first()
        if found is None or not caller.token.may_see(found.type or ""):
            raise Problem(404, "operation_unknown", path="/id", got=name[:60])
    return json_answer({**_entry(found), "type": found.type, "object": str(found.object or "")})


def stood(declared: Declared, row: Any, moment: str) -> dict[str, Any]:
    """How an object stood at a moment, by its accepted entries up to it. Inside `caller.seeing()`.

    Raises Problem 400 for what is no moment, 404 when the object was not there yet.
    """
    try:
        until = dt.datetime.fromisoformat(moment.replace(" ", "+"))
        if until.tzinfo is None or not 1900 <= until.year < 3000:
            raise ValueError
    except ValueError:
        raise Problem(
            400, "bad_time", path="?as_of", expected="moment with offset, RFC 3339", got=moment[:40]
        ) from None
    entries = Entry.objects.filter(object=row.object, verdict="accepted", received__lte=until, version__gt=0)
    values: dict[str, Any] = {}
    last, begun = None, Kind.SET
    for entry in entries.order_by("seq")[:ENTRIES_MOST]:
        decision = orjson.loads(entry.decision) if entry.decision else {}
        values |= decision["after"] if "after" in decision else _first(declared, entry)
        if entry.version == 1:
            begun = Kind(_operation(entry)["kind"])
        last = entry
    if last is None:
        raise Problem(404, "object_unknown", path="?as_of", got=moment[:40])
    if declared.facts.lifecycle is not None:
        values.setdefault("state", declared.facts.lifecycle.begins(begun))
    state = {"state": values.pop("state")} if "state" in values else {}
    fields = {name: values.get(name) for name in declared.fields}
    fields |= {name: values.get(name, []) for name in declared.lines}
    return {"version": last.version, "entry": last.seq, "as_of": until.isoformat(), **state, "fields": fields}


def _first(declared: Declared, entry: Entry) -> Mapping[str, Any]:
    """What an object's first entry made it: the values in their one form, defaults filled in."""
    asked = _operation(entry)
    if asked.get("kind") == Kind.COMMAND:
        return {}
    given = asked.get("fields") or {}
    found: dict[str, Any] = dict(declared.defaults)
    for name, slot in declared.slots.items():
        if given.get(name) is not None:
            try:
                found[name] = slot.accept(given[name])
            except Refused:  # accepted by an older declaration: as it was told
                found[name] = given[name]
    for name, lines in declared.lines.items():
        if isinstance(given.get(name), list):
            found[name] = lines.canonical(given[name])
    return found
