"""Parked operations that nothing woke although what they waited for has come.

Two transactions at once: one parks an operation, the other makes what it waits for, and neither sees the
other. Locking every key that anybody waits for would cost each write; the worker looks every minute instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.db import transaction

from medloom.kernel import bindings, following, queries
from medloom.kernel.cursor import one_transaction
from medloom.kernel.entity import catalogue
from medloom.kernel.ledger import current_build, follow
from medloom.kernel.ruling import Wiring
from medloom.wire.verdict import Verdict

#: How many one look may wake, and how often one is judged before only a person looks at it.
WOKEN_MOST = 1_000
JUDGED_MOST = 10


def wake(wiring: Callable[[Any], Wiring]) -> int:
    """Judge them again; returns how many there were.

    Raises one of `ledger.LOST` when another batch was quicker: nothing was written, the next look does it.
    """
    with one_transaction() as cursor:
        todo = following.parked(cursor, queries.hand_out(cursor, _overdue(cursor)))
        if todo:
            bound: dict[tuple[str, str, str], int] = {}
            follow(cursor, todo, wiring(cursor), current_build(cursor), bound)
            transaction.on_commit(partial(bindings.remember, bound))
    return sum(len(cases) for _, cases in todo)


def _overdue(cursor: Any) -> list[int]:
    """First entries of parked operations all of whose waits are over, the oldest first."""
    open_ = cursor.execute("select seq, type, site, key from waiting where not done order by seq").fetchall()
    waits: dict[str, set[tuple[str, str]]] = {}
    for row in open_:
        waits.setdefault(row["type"], set()).add((row["site"], row["key"]))
    over = _over(cursor, waits)
    pending = {r["seq"] for r in open_ if (r["type"], r["site"], r["key"]) not in over}
    seqs = list(dict.fromkeys(r["seq"] for r in open_ if r["seq"] not in pending))[:WOKEN_MOST]
    if not seqs:
        return []
    sql = """select p.seq from entry p where p.seq = any(%s) and (
        select count(*) from entry e where e.epoch = p.epoch and e.chain = p.chain and e.number = p.number
    ) <= %s order by p.seq"""
    return [r["seq"] for r in cursor.execute(sql, (seqs, JUDGED_MOST)).fetchall()]


def _over(cursor: Any, waits: Mapping[str, set[tuple[str, str]]]) -> set[tuple[str, str, str]]:
    """Those of these waits that are over: the object stands, the operation is decided."""
    over: set[tuple[str, str, str]] = set()
    for type_, declared in catalogue().items():
        if pairs := sorted(waits.get(type_, ())):
            sql = f"""
                select w.site, w.key from unnest(%s::text[], %s::text[]) w(site, key) cross join lateral (
                    select 1 from {declared.table} t
                    where t.site = w.site and t.key = w.key and t.version > 0 offset 0
                ) stands"""  # noqa: S608 (the table's name is a declared type's)
            found = cursor.execute(sql, ([p[0] for p in pairs], [p[1] for p in pairs])).fetchall()
            over |= {(type_, r["site"], r["key"]) for r in found}
    if objects := sorted({key for _, key in waits.get("object", ())}):
        sql = """select w.object::text as key from unnest(%s::uuid[]) w(object)
            where exists (select 1 from entry e where e.object = w.object and e.verdict = 'accepted')"""
        over |= {("object", "", r["key"]) for r in cursor.execute(sql, (objects,)).fetchall()}
    taken = queries.required(cursor, {key for _, key in waits.get("operation", ())})
    return over | {("operation", "", key) for key, one in taken.items() if one.verdict is not Verdict.PARKED}
