"""What is asked before results are judged: two statements per batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medloom.inspection.rules import Cited, ResultFacts
from medloom.kernel.ruling import Asked

#: The revision cited, and the newest released one of the same specification.
_CITED = """
    select s.site, s.key, s.number, s.revision, s.state, s.unit, s.low, s.high,
           coalesce((select r.revision from specification r
                     where r.site = s.site and r.number = s.number and r.state = 'released'
                     and not r.voided order by r.num desc limit 1), '') as released
    from unnest(%s::text[], %s::text[]) w(site, key)
    join specification s on s.site = w.site and s.key = w.key"""

_BLOCKED = """
    select distinct l.site, l.key from unnest(%s::text[], %s::text[]) w(site, key)
    join lot l on l.site = w.site and l.key = w.key
    join hold h on h.lot_id = l.num and h.state = 'open' and h.key like 'inspection-%%' and not h.voided"""


def result_facts(cursor: Any, asked: Sequence[Asked]) -> ResultFacts:
    """The specification each result cites, and which of the lots an inspection hold blocks already."""
    cited, lots = set(), set()
    for one in asked:
        values = {**one.current, **one.fields}
        lots.add((one.home, str(values["lot"])))
        if values.get("specification") is not None:
            cited.add((one.home, str(values["specification"])))
    specifications = {}
    if cited:
        for row in cursor.execute(_CITED, ([c[0] for c in cited], [c[1] for c in cited])).fetchall():
            specifications[row["site"], row["key"]] = Cited(
                row["number"],
                row["revision"],
                row["state"],
                row["unit"],
                row["low"],
                row["high"],
                row["released"],
            )
    rows = cursor.execute(_BLOCKED, ([c[0] for c in lots], [c[1] for c in lots])).fetchall()
    return ResultFacts(specifications, frozenset((row["site"], row["key"]) for row in rows))
