"""Batches that run beside a safety operation: each is judged before it or after it, never in between.

A batch is judged by the safety objects (holds) that stood when it asked. One that is committed after that and
before the batch's own commit would go unseen, although its entry has the lower number. So whatever asked
notes what would make its answer wrong, and the door looks once more, as its last statement: if a safety
object has come that matters to this very batch, the batch has lost a race and is judged again.

One advisory lock makes "last" mean last. It is shared by those that look, from the look to their commit, and
taken alone by whoever writes a safety operation, before its numbers are drawn. Who looks waits for nothing
afterwards, so the lock cannot be part of a deadlock on their side; see docs/decisions/0018.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from medloom.kernel.cursor import Cursor

#: One number for the whole database, as any other user of advisory locks would have to choose another.
LOCK = 0x4D4C_5341_4645  # "MLSAFE"
#: PostgreSQL's own code for "judge it again", so that it travels with the commit and is not waited for.
FUNCTION = """
CREATE OR REPLACE FUNCTION lose_race(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'lost a race: %', what USING ERRCODE = 'serialization_failure';
END $$;"""
DROP_FUNCTION = "DROP FUNCTION lose_race(text);"

#: What would make a judgement wrong: a condition in SQL and its values, made when it is asked.
Unless = Callable[[int], tuple[str, Sequence[Any]]]


class Looks:
    """What one transaction has to look at again before it ends."""

    __slots__ = ("alone", "mark", "noted")

    def __init__(self) -> None:
        self.alone = False
        self.mark: Any = None
        self.noted: list[Unless] = []


def begin(cursor: Cursor) -> None:
    """Nothing has been judged yet."""
    cursor.looks = Looks()


def note(cursor: Any, mark: str, unless: Unless) -> None:
    """What is asked next must still be so at the end; called before it is asked.

    `mark` gives the number of the newest safety entry as `mark`; `unless(mark)` the condition under which
    those behind it matter here.
    """
    looks = getattr(cursor, "looks", None)
    if looks is None or looks.alone:  # nobody else writes one before our commit, and our own were seen
        return
    if looks.mark is None:
        looks.mark = cursor.execute(mark)
    looks.noted.append(unless)


def alone(cursor: Any) -> None:
    """From here to the commit nobody else writes a safety operation, nor commits what ours might concern."""
    looks = getattr(cursor, "looks", None)
    if looks is None or looks.alone:
        return
    cursor.execute("select pg_advisory_xact_lock(%s::bigint)", (LOCK,))
    looks.alone = True
    _look(cursor, looks)


def settle(cursor: Cursor) -> None:
    """The last look: queued, and answered with the commit, which a lost race prevents."""
    looks = cursor.looks
    if looks is not None and looks.noted:
        cursor.execute("select pg_advisory_xact_lock_shared(%s::bigint)", (LOCK,))
        _look(cursor, looks)


def _look(cursor: Any, looks: Looks) -> None:
    if looks.noted:
        mark = int(looks.mark.fetchall()[0]["mark"])
        for unless in looks.noted:
            condition, values = unless(mark)
            cursor.execute(f"select lose_race('safety') where {condition}", values)
        looks.noted = []
