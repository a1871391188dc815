"""How long a scope may take, and how its statements are planned.

A person waits for the answer, and a database with a plan gone wrong would let them wait for minutes. So the
statements of one question share an allowance of time; when it is used up the question is refused, with the
part of it that was being looked up, and the transaction goes on as if it had not been asked.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import errors

from medloom.trace.scopes.refusal import ScopeRefused

#: What a page waits, what the count beside a form waits, and what the worker gives an export.
PAGE_S, COUNT_S, JOB_S = 20.0, 5.0, 600.0
#: As the write door plans (kernel/cursor.py), and for its reason: tables without statistics are taken for
#: tiny, and every statement of a scope looks up by index. Put back afterwards: lists are planned freely.
_PLANNED = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
_KEPT = ("statement_timeout", *_PLANNED)
_READ = "select " + ", ".join(f"current_setting('{name}') as {name}" for name in _KEPT)
_WRITE = "select " + ", ".join(f"set_config('{name}', %s, true)" for name in _KEPT)


@dataclass
class Bounded:
    """A cursor with an allowance of time; `at` is the part of the question that is being looked up."""

    cursor: Any
    until: float
    seconds: float
    at: str = "expression"

    def execute(self, sql: str, params: Any = ()) -> Any:
        """As the cursor's own, within what is left. Raises ScopeRefused: scope_too_slow."""
        left_ms = int((self.until - time.monotonic()) * 1000)
        if left_ms < 1:
            raise self.refused()
        self.cursor.execute("select set_config('statement_timeout', %s, true)", (str(left_ms),))
        return self.cursor.execute(sql, params)

    def refused(self) -> ScopeRefused:
        """Why there is no answer."""
        wanted = f"an answer within {self.seconds:g} s: narrow it by a day, a plant or an item"
        return ScopeRefused("scope_too_slow", self.at, wanted, self.at[:120])


@contextlib.contextmanager
def bounded(cursor: Any, seconds: float = PAGE_S) -> Iterator[Bounded]:
    """The cursor for one question; inside another question, that one's allowance goes on.

    Needs a transaction. Raises ScopeRefused: scope_too_slow.
    """
    if isinstance(cursor, Bounded):
        yield cursor
        return
    kept = cursor.execute(_READ).fetchone()
    cursor.execute("savepoint scope_asked")
    cursor.execute(_WRITE, (kept["statement_timeout"], *("off" for _ in _PLANNED)))
    asked = Bounded(cursor, time.monotonic() + seconds, seconds)
    try:
        yield asked
        cursor.execute(_WRITE, [kept[name] for name in _KEPT])
        cursor.execute("release savepoint scope_asked").fetchall()
    except (errors.QueryCanceled, ScopeRefused) as stopped:
        cursor.execute("rollback to savepoint scope_asked")
        cursor.execute("release savepoint scope_asked").fetchall()
        if isinstance(stopped, ScopeRefused):
            raise
        raise asked.refused() from None
