"""What is asked before revisions are judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from medloom.kernel.ruling import Asked


def states_of(table: str) -> Callable[[Any, Sequence[Asked]], dict[int, str]]:
    """The query of one type: internal number -> state of the revisions that a batch would change."""

    def states(cursor: Any, asked: Sequence[Asked]) -> dict[int, str]:
        nums = sorted({one.num for one in asked if one.num})
        if not nums:
            return {}
        rows = cursor.execute(f"select num, state from {table} where num = any(%s)", (nums,)).fetchall()
        return {row["num"]: row["state"] for row in rows}

    return states
