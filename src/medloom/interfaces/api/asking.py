"""A program's operations through the write door, once: a repeated request gets its first answer again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import uuid_utils
from django.http import HttpRequest
from django.utils import timezone

from medloom.derive.rest import ROOT
from medloom.hub import wiring
from medloom.interfaces.api.caller import Caller
from medloom.interfaces.api.problem import Problem
from medloom.interfaces.api.wishes import Wish, ground_for, received
from medloom.kernel import queries
from medloom.kernel.case import Received
from medloom.kernel.cursor import open_cursor
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry
from medloom.parties.queries import note_request
from medloom.wire.verdict import Answer, Finding, Refusal, Verdict

_KEY = re.compile(r"[\x21-\x7e]{1,128}")


class _Known(Exception):
    """This Idempotency-Key came before, with a request of that digest."""

    def __init__(self, digest: bytes) -> None:
        super().__init__()
        self.digest = digest


@dataclass(frozen=True)
class Told:
    """What became of one operation: the door's answer, and the object it is about."""

    answer: Answer
    object: str
    type: str

    @property
    def body(self) -> dict[str, Any]:
        """As a program reads it."""
        answer = self.answer
        found: dict[str, Any] = {
            "operation": answer.id,
            "verdict": str(answer.verdict),
            "repeated": answer.repeated,
            "entry": answer.seq,
        }
        if answer.verdict is Verdict.ACCEPTED and self.object:
            found |= {
                "id": self.object,
                "version": answer.version,
                "href": f"{ROOT}/{self.type}/{self.object}",
            }
        if answer.findings:
            found["findings"] = [_plain(each) for each in answer.findings]
        if answer.refusal is not None:
            found["refusal"] = _plain(answer.refusal)
        if answer.theirs:
            found["theirs"] = dict(answer.theirs)
        if answer.first:
            found["first"] = answer.first
        return found


def _plain(said: Refusal | Finding) -> dict[str, str]:
    members = {"code": said.code, "path": said.path, "expected": said.expected, "got": said.got}
    return {name: value for name, value in members.items() if value}


def key_of(request: HttpRequest) -> str:
    """The request's Idempotency-Key, or nothing. Raises Problem 400 for one that is none."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(400, "idempotency_key_wrong", expected="1 to 128 printable ASCII characters")
    return key or ""


def ask(
    request: HttpRequest, caller: Caller, wishes: Sequence[Any], *, raw: bytes, readable: Sequence[Wish]
) -> list[Told]:
    """Put these wishes through the door, in order, as the caller's site.

    `readable` are those that could be read, for what they name to be looked up. Raises Problem 422 when
    the Idempotency-Key was used for another request; nothing is written then.
    """
    key, now = key_of(request), timezone.now()
    seed = f"key/{key}" if key else str(uuid_utils.uuid7())
    with caller.seeing():
        ground = ground_for(caller, readable, now=now, seed=seed)
    things = [received(each, place, ground) for place, each in enumerate(wishes)]
    digest = hashlib.sha256(b"\x00".join([request.method.encode(), request.get_full_path().encode(), raw]))

    def first_time(cursor: Any) -> dict[int, Any]:
        known = note_request(cursor, token=caller.token.id, key=key, digest=digest.digest(), at=now)
        if known is not None:
            raise _Known(known)
        return {}

    try:
        answers = append(things, author=caller.site, wiring=wiring, prelude=first_time if key else None)
    except _Known as known:
        if known.digest != digest.digest():
            raise Problem(422, "idempotency_key_reused", got=key) from None
        answers = _again(caller, things)
    with caller.seeing():
        return _told(answers, things)


def _again(caller: Caller, things: Sequence[Received]) -> list[Answer]:
    """The answers that a request got, from its entries: each operation with its latest verdict.

    One without an entry was answered by its source identity, and is so again.
    """
    ids = [(each.epoch, "h", 0) for each in things]
    with caller.seeing(), open_cursor() as cursor:
        rows = queries.latest_entries(cursor, ids)
    found = [answer_from(rows[each]) if each in rows else None for each in ids]
    missing = [thing for thing, answer in zip(things, found, strict=True) if answer is None]
    late = iter(append(missing, author=caller.site, wiring=wiring) if missing else ())
    return [answer or next(late) for answer in found]


def answer_from(row: Any) -> Answer:
    """The answer that an entry stands for, as a repeated one."""
    decision = orjson.loads(row["decision"]) if row["decision"] else {}
    refusal = decision.get("refusal")
    return Answer(
        id=str(row["epoch"]),
        verdict=Verdict(row["verdict"]),
        seq=row["seq"],
        version=row["version"],
        repeated=True,
        refusal=Refusal(**refusal) if refusal else None,
        findings=tuple(Finding(**each) for each in decision.get("findings", ())),
        theirs=decision.get("theirs", {}),
    )


def _told(answers: Sequence[Answer], things: Sequence[Received]) -> list[Told]:
    """The answers with the objects they are about, by one look at their entries."""
    about = dict(Entry.objects.filter(seq__in=[a.seq for a in answers]).values_list("seq", "object"))
    return [
        Told(
            # bytes that were no operation have no id of their own in the door's answer
            answer if thing.operation else _named(answer, thing.epoch),
            str(about.get(answer.seq) or ""),
            thing.operation.type if thing.operation else "",
        )
        for answer, thing in zip(answers, things, strict=True)
    ]


def _named(answer: Answer, identity: str) -> Answer:
    return Answer(
        id=identity,
        verdict=answer.verdict,
        seq=answer.seq,
        repeated=answer.repeated,
        refusal=answer.refusal,
    )
