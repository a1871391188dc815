"""Writing over REST: new objects and facts, changes, state commands, batches. Each answer is the verdict.

201 made, 200 changed, 202 parked (judged again when what it misses arrives), 412 stale by field, 409 any
other conflict, 422 rejected or quarantined. Every one of them has an entry in the ledger.
"""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, HttpResponse

from medloom.derive.rest import BATCH_MOST, ROOT
from medloom.interfaces.api.asking import Told, ask
from medloom.interfaces.api.body import JSON, LINES, bytes_of, json_of, kind_of
from medloom.interfaces.api.caller import Caller
from medloom.interfaces.api.objects import row_of
from medloom.interfaces.api.problem import Problem
from medloom.interfaces.api.request import json_answer, must_accept_json, one_of
from medloom.interfaces.api.wishes import Broken, Unclear, Wish, wish_of
from medloom.kernel.entity import Declared, catalogue
from medloom.parties.roles import SIGNED
from medloom.wire.canonical import LINE_BYTES_MAX, Malformed, dumps, loads
from medloom.wire.operation import Kind
from medloom.wire.verdict import Verdict

_TAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')


def _wish(request: HttpRequest, raw: bytes, **given: Any) -> Wish:
    """The body of a single request as a wish; what the address says may not be said again."""
    told = json_of(raw)
    if not isinstance(told, dict):
        raise Problem(400, "body_wrong", expected="a JSON object")
    for name in given:
        if name in told:
            raise Problem(422, "member_unknown", path=f"/{name}", expected="said by the address")
    if known := {"id", "key", "base", "command", "from", "group"} & told.keys():
        raise Problem(422, "member_unknown", path=f"/{min(known)}")
    try:
        return wish_of({**told, **given})
    except Unclear as unclear:
        raise Problem.of(unclear.refusal, status=422) from None


def _single(request: HttpRequest, caller: Caller, wish: Wish, raw: bytes) -> HttpResponse:
    """One wish, and its verdict as the status of the answer."""
    (told,) = ask(request, caller, [wish], raw=raw, readable=[wish])
    answer = told.answer
    if answer.verdict is Verdict.ACCEPTED:
        made = answer.version == 1
        headers = {"ETag": f'"{answer.version}"'} | ({"Location": told.body["href"]} if made else {})
        return json_answer(told.body, status=201 if made else 200, **headers)
    if answer.verdict is Verdict.PARKED:
        return json_answer(told.body, status=202, Location=f"{ROOT}/operations/{answer.id}")
    raise _problem(told)


def _problem(told: Told) -> Problem:
    """The problem that a refused operation is: its verdict, and what the program can do now."""
    answer, body = told.answer, told.body
    assert answer.refusal is not None
    more = {name: body[name] for name in ("operation", "verdict", "entry", "repeated")}
    if answer.verdict is Verdict.CONFLICT:
        stale = answer.refusal.code in ("stale", "version_unknown")
        more["theirs"] = dict(answer.theirs)
        if stale:
            more["stale"] = sorted(answer.theirs)
        return Problem.of(answer.refusal, status=412 if stale else 409, **more)
    return Problem.of(answer.refusal, status=422, **more)


def make(request: HttpRequest, caller: Caller, type_: str) -> HttpResponse:
    """A new object, or a fact that has happened; one with a known natural key is told anew."""
    must_accept_json(request)
    declared = _writable(request, caller, type_)
    raw = bytes_of(request)
    return _single(request, caller, _wish(request, raw, type=declared.type), raw)


def change(request: HttpRequest, caller: Caller, type_: str, name: str) -> HttpResponse:
    """Other values for fields of an object as it stood at the version in If-Match."""
    must_accept_json(request)
    declared = _writable(request, caller, type_)
    if Kind.SET not in declared.facts.kinds:
        raise Problem(
            405, "method_unknown", expected=f"POST {ROOT}/{type_}", headers={"Allow": "GET, HEAD, OPTIONS"}
        )
    found = _TAG.fullmatch(request.headers.get("If-Match", "").strip())
    if "If-Match" not in request.headers:
        raise Problem(428, "if_match_missing", expected='If-Match: "version"')
    if found is None:
        raise Problem(400, "if_match_wrong", expected='If-Match: "version"')
    raw = bytes_of(request)
    with caller.seeing():
        row = row_of(declared, name, site=request.GET.get("site"))
    given = {"type": type_, "id": str(row.object), "base": int(found[1])}
    if not given["base"]:
        raise Problem(400, "if_match_wrong", expected="a version from 1")
    return _single(request, caller, _wish(request, raw, **given), raw)


def command(request: HttpRequest, caller: Caller, type_: str, object_: Any, name: str) -> HttpResponse:
    """A state command on an object that was seen in the state `from`."""
    must_accept_json(request)
    declared = _writable(request, caller, type_)
    lifecycle = declared.facts.lifecycle
    if lifecycle is None or lifecycle.step(name) is None:
        raise Problem(404, "command_unknown", path="/command", got=name[:60])
    if name in SIGNED.get(type_, ()):
        raise Problem(403, "person_signs", path="/command", got=name)
    raw = bytes_of(request)
    told = json_of(raw)
    state = told.pop("from", None) if isinstance(told, dict) else None
    if not isinstance(state, str) or state not in lifecycle.states:
        raise Problem(422, "not_a_choice", path="/from", expected="|".join(lifecycle.states))
    with caller.seeing():
        row = row_of(declared, str(object_))
    given = {"type": type_, "id": str(row.object), "command": name, "from": state}
    return _single(request, caller, _wish(request, dumps(told), **given), raw)


def _writable(request: HttpRequest, caller: Caller, type_: str) -> Declared:
    declared = caller.type_of(type_)
    caller.must_write(declared)
    one_of(request, ("site",) if request.method == "PATCH" else ())
    kind_of(request, (JSON,))
    return declared


# -- batches ----------------------------------------------------------------------------------


def batch(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Many operations, each with its verdict; members of one `group` share the worst of theirs."""
    must_accept_json(request)
    one_of(request, ())
    kind = kind_of(request, (JSON, LINES))
    raw = bytes_of(request)
    told = _lines(raw) if kind == LINES else json_of(raw)
    if not isinstance(told, list) or not told:
        raise Problem(400, "body_wrong", expected="a list of operations")
    if len(told) > BATCH_MOST:
        raise Problem(413, "too_many_lines", expected=f"at most {BATCH_MOST} operations", got=str(len(told)))
    wishes = [_read(each) for each in told]
    readable = [each for each in wishes if isinstance(each, Wish)]
    for wish in readable:
        declared = catalogue().get(wish.type)
        if declared is not None and (caller.registrant or declared.facts.readers != "registrant"):
            caller.must_write(declared)
    answers = ask(request, caller, wishes, raw=raw, readable=readable)
    return json_answer({"answers": [each.body for each in answers]})


def _lines(raw: bytes) -> list[Any]:
    """The lines of a body; one that is no JSON stays bytes, and is quarantined as they are."""
    found: list[Any] = []
    for line in raw.split(b"\n"):
        if line.strip():
            try:
                found.append(loads(line, bytes_max=LINE_BYTES_MAX))
            except Malformed as fault:
                found.append(Broken(line, fault))
    return found


def _read(told: Any) -> Any:
    if isinstance(told, Broken):
        return told
    try:
        return wish_of(told)
    except Unclear:
        return told  # the door gets it with its bytes, and says again what is wrong
