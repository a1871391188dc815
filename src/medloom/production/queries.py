"""What is asked before step records and work orders are judged: a few statements per batch."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from medloom.design.rules import Window
from medloom.kernel.ruling import Asked
from medloom.materials.queries import Blocking, ask_equipment, holds_on_equipment, numbers_of, open_holds
from medloom.production.rules import Cited, OrderFacts, Setting, StepFacts, cited, lots_of

_SETTINGS = """
    select distinct on (p.site, p.number) p.site, p.number, p.revision, p.unit, p.low, p.high, p.words
    from unnest(%s::text[], %s::text[]) w(site, number)
    join parameter p on p.site = w.site and p.number = w.number
    where p.state = 'released' and not p.voided order by p.site, p.number, p.num desc"""


def step_facts(cursor: Any, asked: Sequence[Asked], *, blocked: Blocking) -> Generator[None, None, StepFacts]:
    """Open holds on all that was used, the released setting of every parameter read, the days of BOMs."""
    lots: dict[int, tuple[str, str]] = {}
    unnumbered: set[tuple[str, str]] = set()
    for one in asked:
        for path, lot in lots_of(one):
            if path == "/fields/resin_lot":
                if "resin_lot" in one.refs:  # else it is new, and nothing can hold it yet
                    lots[one.refs["resin_lot"]] = (one.home, lot)
            else:
                unnumbered.add((one.home, lot))
    lots |= numbers_of(cursor, unnumbered)
    names = sorted(
        {
            (one.home, str(row["name"]))
            for one in asked
            for row in one.operation.fields.get("parameters") or ()
            if isinstance(row, dict) and "name" in row
        }
    )
    released = cursor.execute(_SETTINGS, ([n[0] for n in names], [n[1] for n in names])) if names else ()
    used = {
        (one.home, str(number))
        for one in asked
        for number in (one.fields.get("machine"), one.fields.get("mould"))
        if number is not None
    }
    named = _ask_boms(cursor, asked)
    on_equipment = ask_equipment(cursor, used)
    holds = yield from open_holds(cursor, lots, blocked)
    settings = {
        (r["site"], r["number"]): Setting(r["revision"], r["unit"], r["low"], r["high"], _words(r["words"]))
        for r in released
    }
    windows = _boms(named)[1]
    return StepFacts(holds, settings, holds_on_equipment(cursor, on_equipment), windows)


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split("|") if word.strip())


_BOMS = """
    select w.site, w.item, w.revision, b.state::text as state, b.effective_from, b.effective_until
    from unnest(%s::text[], %s::text[], %s::text[]) w(site, item, revision)
    join item i on i.site = w.site and i.key = w.item
    join bom b on b.item_id = i.num and b.revision = w.revision and not b.voided"""
_STATES = ("released", "draft", "superseded", "obsolete")


def _ask_boms(cursor: Any, asked: Sequence[Asked]) -> Any:
    """The BOM revisions that orders or records name, asked for in one statement; none named, none asked."""
    wanted = sorted({place for one in asked if (place := cited(one)) is not None})
    return cursor.execute(_BOMS, tuple([w[i] for w in wanted] for i in range(3))) if wanted else ()


def _boms(rows: Any) -> tuple[dict[Cited, str], dict[Cited, tuple[Window, ...]]]:
    """(site, item, revision) -> the best state where variants differ, and the days of every variant."""
    states: dict[Cited, str] = {}
    windows: dict[Cited, tuple[Window, ...]] = {}
    for row in rows:
        place = (row["site"], row["item"], row["revision"])
        states[place] = min(states.get(place, row["state"]), row["state"], key=_STATES.index)
        window = (_day(row["effective_from"]), _day(row["effective_until"]))
        windows[place] = (*windows.get(place, ()), window)
    return states, windows


def _day(value: Any) -> str:
    return "" if value is None else str(value.isoformat())


def order_facts(cursor: Any, asked: Sequence[Asked]) -> OrderFacts:
    """State and days of the BOM revision that each order asks for."""
    return OrderFacts(*_boms(_ask_boms(cursor, asked)))
