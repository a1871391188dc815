"""The one write door: `append(operations)`.

One transaction per batch and a constant number of statements per type in it: lock, known ids, heads
in key order, references, judge in Python, draw numbers while the heads are locked, COPY rows and
entries, guarded update. A batch of one is a person at a page, a batch of thousands an agent.

What can go wrong inside is decided here and never becomes a 500: a lost race starts the batch again
and meets the winner; a value that PostgreSQL refuses although the fields let it through is found by
halving the batch and quarantined with its bytes.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any

import orjson
import psycopg
from django.conf import settings
from django.db import connection, transaction

from medloom import __version__
from medloom.kernel import beside, bindings, following, queries, rows
from medloom.kernel.batch import Batch
from medloom.kernel.case import Case, Received, source_ident
from medloom.kernel.cursor import Cursor, one_transaction
from medloom.kernel.entity import catalogue
from medloom.kernel.ruling import BARE, Wiring
from medloom.process import space
from medloom.wire.chain import operation_hash
from medloom.wire.judge import HQ
from medloom.wire.verdict import Answer, Finding, Refusal, Verdict

log = logging.getLogger(__name__)
#: What the hub's own people and reactions write, as `append` takes it.
own = following.own

#: Reactions to reactions stop after this many rounds.
ROUNDS_MOST = 3
#: How often a batch that lost a race is judged again before the caller is told to come back.
TRIES_MOST = 6
#: Up to this many operations of a batch, or a tenth of it, may be poisoned; more is a fault of ours.
CULPRITS_FEW = 20

#: Runs inside append's transaction before anything else: checks the session's token and returns the
#: entries of numbers that are known already. Raises its own refusals.
Prelude = Callable[[Any], Mapping[int, Mapping[str, Any]]]


class Busy(Exception):
    """Too many others write the same objects just now; the caller sends the same batch again."""

    code = "busy"


class Unfit(Exception):
    """PostgreSQL refuses so many of a batch's operations that the fault is the hub's; or it has no room.

    Nothing was written; the agent keeps the batch and comes back, and the hub's people are alarmed.
    """

    code = "hub_unfit"


#: Another batch was quicker: judged again, this one meets what the other wrote.
LOST = (
    rows.HeadMoved,
    psycopg.errors.UniqueViolation,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
#: PostgreSQL refuses a value that the fields let through. A UniqueViolation is one, too: LOST comes first.
SPOILT = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)


class _Rehearsed(Exception):
    """Ends a rehearsal, so that its transaction is rolled back."""


def append(
    received: Sequence[Received],
    *,
    author: str,
    wiring: Wiring | Callable[[Any], Wiring] = BARE,
    prelude: Prelude | None = None,
    cursor: Cursor | None = None,
    careful: bool = False,
) -> list[Answer]:
    """Judge and record operations of one author, in order. Returns one answer per operation.

    Raises Unfit when PostgreSQL refuses more than a few of them, or its disk has too little room; nothing
    was written then either.

    The answers are given after the durable commit. With a `cursor` they are given inside the caller's
    transaction, whose commit makes them true; it is tried once and raises one of LOST or SPOILT, now or
    at that commit, unless it is `careful`: then every try is a savepoint of its own.

    `wiring` may be a function that reads it in the batch's own transaction.

    Raises Busy after repeated lost races, and what `prelude` raises; nothing was written then.
    """
    if space.scarce():
        raise Unfit("too little room on the database's disk")
    received = list(received)
    if cursor is not None and not careful:
        answers, bound = _rounds(cursor, received, author, wiring, prelude)
        transaction.on_commit(partial(bindings.remember, bound))
        return answers
    for _ in range(TRIES_MOST):
        try:
            with _savepoint(cursor) if cursor is not None else one_transaction() as own_cursor:
                answers, bound = _rounds(own_cursor, received, author, wiring, prelude)
        except LOST as error:
            log.info("a batch of %s lost a race and is judged again: %s", author, error)
            continue
        except SPOILT as error:
            _isolate(cursor, received, author, wiring, prelude, error)
            continue
        transaction.on_commit(partial(bindings.remember, bound))
        return answers
    raise Busy(f"{len(received)} operations of {author}")


@contextmanager
def _savepoint(cursor: Cursor) -> Iterator[Cursor]:
    """A part of the caller's transaction that can be taken back; it ends with everything sent."""
    cursor.flush()
    with transaction.atomic(), cursor:
        yield cursor


def _isolate(
    cursor: Cursor | None,
    received: list[Received],
    author: str,
    wiring: Wiring | Callable[[Any], Wiring],
    prelude: Prelude | None,
    error: Exception,
) -> None:
    """Mark the operations that PostgreSQL refuses, found by rehearsing halves; the rest is untouched."""

    def fails(part: list[Received]) -> bool:
        try:
            with _savepoint(cursor) if cursor is not None else one_transaction() as own_cursor:
                _rounds(own_cursor, part, author, wiring, prelude)
                own_cursor.flush()
                raise _Rehearsed
        except _Rehearsed:
            return False
        except SPOILT:
            return True

    def search(part: list[Received]) -> list[Received]:
        if not fails(part):
            return []
        if len(part) == 1:
            return part
        middle = len(part) // 2
        return search(part[:middle]) + search(part[middle:])

    log.warning("PostgreSQL refused a batch of %s: %s", author, error)
    culprits = {id(item) for item in search(received)}
    if not culprits or len(culprits) > max(CULPRITS_FEW, len(received) // 10):
        raise Unfit(f"{len(culprits)} of {len(received)} operations: {error}") from error
    fault = Refusal(code="database_refused", path="", expected="", got=type(error).__name__)
    for index, item in enumerate(received):
        if id(item) in culprits:
            received[index] = Received(
                raw=item.raw,
                epoch=item.epoch,
                chain=item.chain,
                number=item.number,
                fault=fault,
                cause=item.cause,
                hash=item.hash,
            )


def _rounds(
    cursor: Cursor,
    received: list[Received],
    author: str,
    wiring: Wiring | Callable[[Any], Wiring],
    prelude: Prelude | None,
) -> tuple[list[Answer], dict[tuple[str, str, str], int]]:
    known = prelude(cursor) if prelude else {}
    build = current_build(cursor)
    wired = wiring if isinstance(wiring, Wiring) else wiring(cursor)
    answers, fresh = _split(cursor, received, author, known)
    bound: dict[tuple[str, str, str], int] = {}
    todo = [(author, part) for part in _in_turn([case for _, case in fresh])]
    repeats = [each.id for each in answers.values()]
    follow(cursor, todo, wired, build, bound, repeats=repeats)
    for index, case in fresh:
        answers[index] = answer_of(case)
    _answer_twins(answers, received, fresh, author)
    return [answers[i] for i in range(len(received))], bound


def follow(
    cursor: Cursor,
    todo: list[tuple[str, list[Case]]],
    wired: Wiring,
    build: int,
    bound: dict[tuple[str, str, str], int],
    *,
    repeats: Sequence[str] = (),
) -> None:
    """Judge and write these and what follows from them, round by round."""
    beside.begin(cursor)
    for round_ in range(ROUNDS_MOST + 1):
        next_: list[tuple[str, list[Case]]] = []
        for who, cases in todo:
            if cases:
                next_ += _round(cursor, who, cases, wired, build, bound, last=round_ == ROUNDS_MOST)
        if round_ == 0 and repeats:
            next_ += following.woken_by_repeats(cursor, repeats)
        if not next_:
            break
        todo = next_
    beside.settle(cursor)


def _in_turn(cases: Sequence[Case]) -> list[list[Case]]:
    """The batch, cut after each run of safety operations: what follows a hold is judged with it standing.

    Within one part everything is read beforehand. Members of a group stay together.
    """
    parts: list[list[Case]] = [[]]
    for case in cases:
        before = parts[-1][-1] if parts[-1] else None
        if before is not None and _protects(before) and not _protects(case) and not _together(before, case):
            parts.append([])
        parts[-1].append(case)
    return parts


def _protects(case: Case) -> bool:
    declared = catalogue().get(case.operation.type) if case.operation is not None else None
    return declared is not None and declared.facts.safety


def _together(one: Case, other: Case) -> bool:
    group = one.operation.group if one.operation is not None else ""
    return bool(group) and other.operation is not None and other.operation.group == group


def _split(
    cursor: Any, received: list[Received], author: str, known: Mapping[int, Mapping[str, Any]]
) -> tuple[dict[int, Answer], list[tuple[int, Case]]]:
    """What is answered from earlier entries, and what is new."""
    answers: dict[int, Answer] = {}
    idents = {
        i: ident
        for i, item in enumerate(received)
        if item.operation is not None and (ident := source_ident(author, item.operation)) is not None
    }
    seen = queries.seen_sources(cursor, list(idents.values())) if idents else {}
    taken: set[Any] = set()
    fresh: list[tuple[int, Case]] = []
    for index, item in enumerate(received):
        earlier = known.get(item.number)
        if earlier is not None:
            if bytes(earlier["hash"]) == operation_hash(item.raw):
                answers[index] = repeated(item, earlier)
                continue
            case = Case(item)
            case.refuse(Verdict.OP_ID_REUSE, Refusal(code="op_id_reuse", path="/id", got=str(item.number)))
            fresh.append((index, case))
            continue
        ident = idents.get(index)
        if ident is not None:
            if ident in seen:
                answers[index] = repeated(item, seen[ident], first=queries.operation_id(seen[ident]))
                continue
            if ident in taken:
                continue
            taken.add(ident)
        fresh.append((index, Case(item, ident)))
    return answers, fresh


def _answer_twins(
    answers: dict[int, Answer], received: list[Received], fresh: list[tuple[int, Case]], author: str
) -> None:
    """Operations with the source identity of an earlier one of the same batch get its answer, repeated."""
    by_ident = {case.ident: case for _, case in fresh if case.ident is not None}
    for index, item in enumerate(received):
        if index not in answers and item.operation is not None:
            ident = source_ident(author, item.operation)
            assert ident is not None, "only a known source identity is left unanswered"
            first = answer_of(by_ident[ident])
            answers[index] = Answer(
                id=item.operation.id,
                verdict=first.verdict,
                first=first.id,
                seq=first.seq,
                version=first.version,
                repeated=True,
                refusal=first.refusal,
                findings=first.findings,
            )


def _round(
    cursor: Any,
    author: str,
    cases: list[Case],
    wiring: Wiring,
    build: int,
    bound: dict[tuple[str, str, str], int],
    *,
    last: bool,
) -> list[tuple[str, list[Case]]]:
    """Judge and write one round; returns the operations that follow from it, by author."""
    batch = Batch(cases, author=author, wiring=wiring, types=catalogue())
    batch.read(cursor)
    batch.judge()
    written = rows.write(cursor, batch, build=build)
    bound.update(batch.made())
    if last:
        return []
    return [(HQ, following.reactions(batch, written)), *following.woken(cursor, batch)]


# -- answers ----------------------------------------------------------------------------------


def answer_of(case: Case) -> Answer:
    """The answer for a judged case."""
    judgement = case.judgement
    return Answer(
        id=case.operation.id if case.operation else f"#{case.received.number}",
        verdict=case.verdict,
        seq=case.seq,
        version=judgement.version if judgement and not case.refused else 0,
        refusal=case.refusal,
        findings=tuple(case.findings),
        theirs=dict(judgement.theirs) if judgement else {},
    )


def repeated(item: Received, earlier: Mapping[str, Any], *, first: str = "") -> Answer:
    """The answer for what has an entry already; `first` names the operation that told the same before."""
    decision = orjson.loads(earlier["decision"]) if earlier["decision"] else {}
    refusal = decision.get("refusal")
    return Answer(
        id=item.operation.id if item.operation else f"#{item.number}",
        verdict=Verdict(earlier["verdict"]),
        seq=earlier["seq"],
        version=earlier["version"],
        repeated=True,
        refusal=Refusal(**refusal) if refusal else None,
        findings=tuple(Finding(**f) for f in decision.get("findings", ())),
        theirs=decision.get("theirs", {}),
        first=first,
    )


@lru_cache(maxsize=1)
def _schema() -> str:
    text = "\n".join(f"{d.type} {' '.join(d.columns)}" for d in catalogue().values())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


_BUILD: dict[str, int] = {}


def current_build(cursor: Any) -> int:
    """The number of this code, configuration and schema; one row per combination ever run."""
    config = getattr(settings, "MEDLOOM_CONFIG", "default")
    name = f"{connection.settings_dict['NAME']}/{config}"
    if name not in _BUILD:
        row = cursor.execute(
            """with new as (insert into build (app, config, schema) values (%s, %s, %s)
                 on conflict do nothing returning id)
               select id from new union all
               select id from build where app = %s and config = %s and schema = %s limit 1""",
            (__version__, config, _schema(), __version__, config, _schema()),
        ).fetchone()
        if row is None:
            raise rows.HeadMoved("build")
        # Kept only once it is committed: a batch that is rolled back takes its new row away again.
        transaction.on_commit(partial(_BUILD.__setitem__, name, row["id"]))
        return int(row["id"])
    return _BUILD[name]


def forget() -> None:
    """Forget what was kept of a database: its bindings and builds. For another database, and for tests."""
    bindings.forget()
    _BUILD.clear()
