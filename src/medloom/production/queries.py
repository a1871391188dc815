"""What is asked before step records and work orders are judged: a few statements per batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medloom.kernel.ruling import Asked
from medloom.materials.queries import Blocking, ask_equipment, holds_on_equipment, numbers_of, open_holds
from medloom.production.rules import OrderFacts, Setting, StepFacts, lots_of
from medloom.wire.operation import Kind

_SETTINGS = """
    select distinct on (p.site, p.number) p.site, p.number, p.revision, p.unit, p.low, p.high
    from unnest(%s::text[], %s::text[]) w(site, number)
    join parameter p on p.site = w.site and p.number = w.number
    where p.state = 'released' and not p.voided order by p.site, p.number, p.num desc"""


def step_facts(cursor: Any, asked: Sequence[Asked], *, blocked: Blocking) -> StepFacts:
    """Open holds on every lot that went in, and the released setting of every parameter read."""
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
    # All is asked before anything is read, so that it travels together.
    released = cursor.execute(_SETTINGS, ([n[0] for n in names], [n[1] for n in names])) if names else ()
    used = {
        (one.home, str(number))
        for one in asked
        for number in (one.fields.get("machine"), one.fields.get("mould"))
        if number is not None
    }
    on_equipment = ask_equipment(cursor, used)
    holds = open_holds(cursor, lots, blocked)
    settings = {
        (r["site"], r["number"]): Setting(r["revision"], r["unit"], r["low"], r["high"]) for r in released
    }
    return StepFacts(holds, settings, holds_on_equipment(cursor, on_equipment))


_BOMS = """
    select w.site, w.item, w.revision,
           min(array_position(array['released', 'draft', 'superseded', 'obsolete'], b.state::text)) as rank
    from unnest(%s::text[], %s::text[], %s::text[]) w(site, item, revision)
    join item i on i.site = w.site and i.key = w.item
    join bom b on b.item_id = i.num and b.revision = w.revision
    group by w.site, w.item, w.revision"""
_STATES = ("released", "draft", "superseded", "obsolete")


def order_facts(cursor: Any, asked: Sequence[Asked]) -> OrderFacts:
    """State of the BOM revision that each order asks for; the best one where variants differ."""
    wanted = sorted(
        {
            (one.home, str(item), str(one.fields["revision"]))
            for one in asked
            if one.operation.kind is not Kind.COMMAND
            and one.fields.get("revision") is not None
            and (item := one.fields.get("item") or one.current.get("item")) is not None
        }
    )
    if not wanted:
        return OrderFacts()
    rows = cursor.execute(_BOMS, tuple([w[i] for w in wanted] for i in range(3))).fetchall()
    return OrderFacts({(r["site"], r["item"], r["revision"]): _STATES[r["rank"] - 1] for r in rows})
