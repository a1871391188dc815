"""What follows from a round: reactions of upper rooms, and parked operations that may be judged again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from medloom.kernel import queries
from medloom.kernel.aliases import named_by
from medloom.kernel.batch import Batch
from medloom.kernel.case import Case, Received
from medloom.kernel.ruling import Written
from medloom.wire import canonical
from medloom.wire.operation import Operation
from medloom.wire.verdict import Refusal, Verdict


def reactions(batch: Batch, written: Mapping[str, list[Written]]) -> list[Case]:
    """Run the reactions of the types written; one that fails leaves an entry and blocks its lots."""
    cases = []
    for name, react in batch.wiring.reactions:
        items = written.get(name)
        if not items:
            continue
        try:
            operations = list(react(items, batch.facts.get(name)))
        except Exception as error:  # a reaction never undoes its cause
            cases.append(_failed(items[0], react, error))
            operations = list(batch.wiring.protect(items, react.__name__)) if batch.wiring.protect else []
        cases += [Case(own(operation, cause=_cause(operation, items))) for operation in operations]
    return cases


def _cause(operation: Operation, items: Sequence[Written]) -> int:
    for item in items:
        if item.asked.operation.id in operation.requires:
            return item.seq
    return items[0].seq


def own(operation: Operation, *, cause: int | None = None) -> Received:
    """An operation of the hub's own, whose id is a UUID."""
    return Received(
        raw=canonical.dumps(operation),
        epoch=operation.id,
        chain="h",
        number=0,
        operation=operation,
        cause=cause,
    )


def _failed(item: Written, react: Callable[..., Any], error: Exception) -> Case:
    text = {"reaction": react.__name__, "cause": item.seq, "error": repr(error)[:500]}
    raw = orjson.dumps(text, option=orjson.OPT_SORT_KEYS)
    ident = hashlib.sha256(f"{item.seq}\x00{react.__name__}".encode()).hexdigest()[:32]
    fault = Refusal(code="reaction_failed", path=item.asked.operation.object, got=react.__name__)
    return Case(Received(raw=raw, epoch=ident, chain="h", number=0, fault=fault, cause=item.seq))


def woken(cursor: Any, batch: Batch) -> list[tuple[str, list[Case]]]:
    """Parked operations that waited for what this round made or decided, to be judged again."""
    if not queries.anything_waits(cursor):
        return []  # the common case
    bound = {key for key, head in batch.bound.items() if head.version}
    adopted = {num for (_, num), version in batch.stood.items() if version == 0}
    made = [c for c in batch.cases if (not c.refused and c.new) or c.num in adopted]
    wanted = {(c.declared.type, c.home, c.key) for c in made if c.declared} & bound
    wanted |= {("object", "", c.head.object) for c in made if c.head is not None} | named_by(batch)
    decided = [c for c in batch.cases if c.operation is not None and c.verdict is not Verdict.PARKED]
    return _again(cursor, wanted | _as_waited([c.operation.id for c in decided if c.operation]))


def woken_by_repeats(cursor: Any, ids: Iterable[str]) -> list[tuple[str, list[Case]]]:
    """Parked operations that waited for one which its source identity answered: it makes no entry."""
    if not queries.anything_waits(cursor):
        return []
    return _again(cursor, _as_waited(ids))


def _as_waited(ids: Iterable[str]) -> set[tuple[str, str, str]]:
    return {("operation", "", each) for each in ids}


def _again(cursor: Any, wanted: set[tuple[str, str, str]]) -> list[tuple[str, list[Case]]]:
    return parked(cursor, queries.waiting_for(cursor, wanted) if wanted else [])


def parked(cursor: Any, seqs: list[int]) -> list[tuple[str, list[Case]]]:
    """The operations of these entries, to be judged again, by author."""
    if not seqs:
        return []
    by_author: dict[str, list[Case]] = {}
    for row in queries.entries_by_seq(cursor, seqs):
        raw = row["body"].encode()
        operation = canonical.decode_operation(raw) if row["encoding"] is None else None
        again = Received(
            raw=raw,
            epoch=str(row["epoch"]),
            chain=row["chain"],
            number=row["number"],
            operation=operation,
            cause=row["seq"],
        )
        case = Case(again)
        by_author.setdefault(row["site"], []).append(case)
    return sorted(by_author.items())
