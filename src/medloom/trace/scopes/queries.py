"""What is asked for a scope; the hand-written SQL of it. Every cursor is the door's or `open_cursor()`'s.

What makes it cost what its answer costs, and not what the database holds: groups are looked up by the indexes
of migration 0004, a walk goes level by level over the edges' indexes inside the tracer's function, and all
else is asked by sorted arrays of internal numbers. The caller's row-level security decides what is
answered; the way may lead through lots that the caller does not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medloom.trace.accounts.queries import makings
from medloom.trace.scopes.bounds import PAGE_S, Bounded, bounded
from medloom.trace.scopes.dimensions import Condition
from medloom.trace.scopes.expression import Expression, Group, Joined, text_of
from medloom.trace.scopes.parts import ALL, SOME, meaning
from medloom.trace.scopes.portions import Portion, Portions, join, reached, starts

#: The most lots of one answer.
LOTS_MOST = 1_000_000


@dataclass(frozen=True)
class Found:
    """The answer of a scope: lots by internal number.

    cut      there are more than were asked for
    unnamed  records that fit but name no lot made: what they made is nobody's to find
    """

    portions: Portions
    cut: bool = False
    unnamed: int = 0


@dataclass
class _Asking:
    cursor: Bounded
    most: int
    sites: list[str] = field(default_factory=list)
    cut: bool = False
    unnamed: int = 0


def viewed(cursor: Any) -> str:
    """The site as which the cursor sees; "*" for all of them."""
    row = cursor.execute("select current_setting('medloom.site', true) as site").fetchone()
    return str(row["site"] or "") if row else ""


#: Every site that has lots: as many index look-ups as there are sites.
_SITES = """
    with recursive found (site) as (
        (select site from lot order by site limit 1)
        union all
        select (select l.site from lot l where l.site > found.site order by l.site limit 1)
        from found where found.site is not null)
    select site from found where site is not null"""


def evaluate(cursor: Any, expression: Expression, *, most: int = LOTS_MOST, seconds: float = PAGE_S) -> Found:
    """The lots that a scope holds, as far as the caller may see them, in at most so many seconds.

    Needs a transaction. Raises ScopeRefused: scope_too_slow.
    """
    with bounded(cursor, seconds) as asked:
        site = viewed(asked)
        asking = _Asking(asked, most)
        asking.sites = [site] if site != "*" else [row["site"] for row in asked.execute(_SITES).fetchall()]
        found = _set_of(asking, expression)
        if site != "*":
            found = _seen(asked, found)
    if len(found) > most:
        asking.cut = True
        found = dict(sorted(found.items(), key=lambda one: (abs(one[1].distance), one[0]))[:most])
    return Found(found, asking.cut, asking.unnamed)


def _seen(cursor: Any, found: Portions) -> Portions:
    """The part that row-level security lets through; where the way came from a hidden lot, it is not told."""
    rows = cursor.execute("select num from lot where num = any(%s::bigint[])", (list(found),)).fetchall()
    visible = {row["num"] for row in rows}
    return {
        lot: found[lot]
        if not found[lot].via or found[lot].via in visible
        else found[lot]._replace(via=0, entry=0)
        for lot in visible
    }


def _set_of(asking: _Asking, expression: Expression) -> Portions:
    if isinstance(expression, Group):
        asking.cursor.at = text_of(expression)
        return _group(asking, expression)
    if isinstance(expression, Joined):
        left = _set_of(asking, expression.left)
        joined = join(expression.operation, left, _set_of(asking, expression.right))
        return joined if expression.operation == "or" else _settled(asking, joined)
    begun = _set_of(asking, expression.of)
    if not begun:
        return {}
    asking.cursor.at = text_of(expression)
    ahead, levels = expression.way != "origin", 1 if expression.way == "used_in" else 2**31 - 1
    walked = _walk(asking, list(begun), ahead=ahead, levels=levels)
    if expression.way == "used_in":
        return {lot: Portion(distance, via, entry) for lot, distance, via, entry in walked}
    return reached(begun, walked)


def _settled(asking: _Asking, found: Portions) -> Portions:
    """Without the lots of which nothing is left: a whole lot less all of its records."""
    asked = [lot for lot, portion in found.items() if portion.part.unsettled]
    if not asked:
        return found
    made = makings(asking.cursor, asked)
    gone = {lot for lot in asked if not meaning(found[lot].part, made[lot])}
    return {lot: portion for lot, portion in found.items() if lot not in gone} if gone else found


def _walk(asking: _Asking, begun: list[int], *, ahead: bool, levels: int) -> list[tuple[int, int, int, int]]:
    rows = asking.cursor.execute(
        """select lot, distance, via, entry
           from trace_reach(%s::bigint[], %s::boolean, %s::integer, %s::bigint)""",
        (begun, ahead, levels, asking.most),
    ).fetchall()
    asking.cut = asking.cut or len(rows) > asking.most
    sign = 1 if ahead else -1
    return [(row["lot"], sign * row["distance"], row["via"], row["entry"]) for row in rows]


# -- groups -----------------------------------------------------------------------------------

_BY_KEY = "(array(select n.num from {table} n where n.site = any(%s::text[]) and n.key = any(%s::text[])))"
#: Dimension -> what a row of its carrier must fulfil; "sites" and "values" are what its places stand for.
_WHERE: dict[str, tuple[str, tuple[str, ...]]] = {
    "lot": ("l.site = any(%s::text[]) and l.key = any(%s::text[])", ("sites", "values")),
    "supplier_lot": (
        """l.num = any(array(select a.lot_id from alias a where a.site = any(%s::text[])
             and a.number = any(%s::text[]) and a.same and not a.voided
             union select r.lot_id from receipt r where r.partner_lot = any(%s::text[]) and not r.voided))""",
        ("sites", "values", "values"),
    ),
    "serial": (
        "l.num = any(array(select s.lot_id from serial s where s.number = any(%s::text[]) and not s.voided))",
        ("values",),
    ),
    "item": (f"l.item_id = any{_BY_KEY.format(table='item')}", ("sites", "values")),
    "site": ("l.site = any(%s::text[])", ("values",)),
    "equipment": (
        f"(r.machine_id = any{_BY_KEY.format(table='equipment')}"
        f" or r.mould_id = any{_BY_KEY.format(table='equipment')})",
        ("sites", "values", "sites", "values"),
    ),
    "machine": (f"r.machine_id = any{_BY_KEY.format(table='equipment')}", ("sites", "values")),
    "mould": (f"r.mould_id = any{_BY_KEY.format(table='equipment')}", ("sites", "values")),
    "operator": ("r.operator = any(%s::text[])", ("values",)),
    "work_order": (f"r.work_order_id = any{_BY_KEY.format(table='work_order')}", ("sites", "values")),
    "shift": ("r.shift = any(%s::text[])", ("values",)),
    "program": ("r.program = any(%s::text[])", ("values",)),
    "gauge": (f"r.gauge_id = any{_BY_KEY.format(table='gauge')}", ("sites", "values")),
    "laboratory": ("r.laboratory = any(%s::text[])", ("values",)),
    "vendor": (f"r.vendor_id = any{_BY_KEY.format(table='vendor')}", ("sites", "values")),
    "inspector": ("r.inspector = any(%s::text[])", ("values",)),
    "shipment": ("r.site = any(%s::text[]) and r.key = any(%s::text[])", ("sites", "values")),
    "consignee": (
        "r.consignee_id = any(array(select n.num from consignee n where n.key = any(%s::text[])))",
        ("values",),
    ),
}
#: Range dimension -> lower and upper end.
_RANGES = {
    "made": ("l.made >= %s::date", "l.made <= %s::date"),
    "day": ("r.day >= %s::date", "r.day <= %s::date"),
    "measured": ("r.measured >= %s::timestamptz", "r.measured <= %s::timestamptz"),
    "received": ("r.received >= %s::date", "r.received <= %s::date"),
    "shipped": ("r.shipped >= %s::date", "r.shipped <= %s::date"),
}
#: A run that a machine timed counts when it touches the window; one of which only the day is known, when that
#: day at its plant does. The days around narrow it by the index; who lies further off is found by a function.
_ZONED = "at time zone (select coalesce(max(z.zone), 'UTC') from site z where z.key = r.site))::date"
_AROUND = ("r.day >= (%s::timestamptz at time zone 'UTC')::date - 2",
           "r.day <= (%s::timestamptz at time zone 'UTC')::date + 2")  # fmt: skip
_FAR = "r.num = any(((select trace_far_runs(%s::timestamptz, %s::timestamptz)))::bigint[])"
_TOUCHES = (
    f"""case when coalesce(r.ended, r.started) is null then r.day >= (%s::timestamptz {_ZONED}
        else coalesce(r.ended, r.started) >= %s::timestamptz end""",
    f"""case when coalesce(r.started, r.ended) is null then r.day <= (%s::timestamptz {_ZONED}
        else coalesce(r.started, r.ended) <= %s::timestamptz end""",
)
#: Names of readings and values, with their range and unit: found by functions (walks/queries.py).
_MEASURED = {
    name: f"r.num = any(((select {function}(%s::text[], %s::numeric, %s::numeric, %s::text[])))::bigint[])"
    for name, function in (("parameter", "trace_readings"), ("characteristic", "trace_values"))
}
_ENDS = {"parameter": "reading", "characteristic": "value"}
_CARRIERS = {
    "record": """select r.output_lot_id as lot, r.num as step, r.good, r.entry from step_record r
        where not r.voided and coalesce(r.total, 1) > 0 and r.site = any(%s::text[])""",
    "result": "select r.lot_id as lot, r.entry from result r where not r.voided",
    "receipt": "select r.lot_id as lot, r.entry from receipt r where not r.voided",
    "shipment": """select n.lot_id as lot, r.entry from shipment r
        join shipment_line n on n.parent_id = r.num and n.until is null where not r.voided""",
    "lot": "select l.num as lot, l.entry from lot l where not l.voided",
}


def _group(asking: _Asking, group: Group) -> Portions:
    """The lots of which all conditions hold: those of one carrier on the same row, then lot by lot."""
    by_carrier: dict[str, list[Condition]] = {}
    for one in group.conditions:
        by_carrier.setdefault(one.dimension.carrier, []).append(one)
    own = by_carrier.pop("lot", [])
    found: Portions | None = None
    for carrier, conditions in by_carrier.items():
        rows = _rows(asking, carrier, conditions)
        asking.unnamed += sum(1 for row in rows if row["lot"] is None)
        fits = _starts(asking, [row for row in rows if row["lot"] is not None])
        found = fits if found is None else _settled(asking, join("and", found, fits))
    if not own:
        return found or {}
    if found is None:
        return _starts(asking, _rows(asking, "lot", own))
    kept = {row["lot"] for row in _rows(asking, "lot", own, among=list(found))} if found else set()
    return {lot: portion for lot, portion in found.items() if lot in kept}


def _starts(asking: _Asking, rows: Sequence[dict[str, Any]]) -> Portions:
    """Rows of a carrier as a set. All of a lot's records that count no pieces are all its loose ones."""
    found = starts((row["lot"], row.get("step"), row.get("good"), row["entry"]) for row in rows)
    vague = [lot for lot, portion in found.items() if portion.part.loose == SOME]
    if vague:
        named = {row["step"] for row in rows}
        for lot, making in makings(asking.cursor, vague).items():
            if all(step in named for step, good in making.counted.items() if good is None):
                part = found[lot].part._replace(loose=ALL)
                found[lot] = found[lot]._replace(part=part)
    return found


def _rows(
    asking: _Asking, carrier: str, conditions: Sequence[Condition], among: list[int] | None = None
) -> list[dict[str, Any]]:
    sql: list[str] = [_CARRIERS[carrier]]
    values: list[Any] = []
    if carrier == "record":
        values.append(asking.sites)
    if among is not None:
        sql.append("l.num = any(%s::bigint[])")
        values.append(among)
    named = {one.name: one for one in conditions}
    for one in conditions:
        if one.name in _MEASURED:
            sql.append(_MEASURED[one.name])
            values += _measured(named, one)
        elif one.name == "time":
            _window(one, sql, values)
        elif one.name in _RANGES:
            for end, text in zip((one.low, one.high), _RANGES[one.name], strict=True):
                if end:
                    sql.append(text)
                    values += [end] * text.count("%s")
        elif one.name in _WHERE:
            text, places = _WHERE[one.name]
            sql.append(text)
            values += [asking.sites if place == "sites" else list(one.values) for place in places]
    found: list[dict[str, Any]] = asking.cursor.execute(" and ".join(sql), values).fetchall()
    return found


def _window(one: Condition, sql: list[str], values: list[Any]) -> None:
    """Records whose run, or whose day at the plant, touches the window."""
    ends = [(end, at) for at, end in enumerate((one.low, one.high)) if end]
    around = " and ".join(_AROUND[at] for _, at in ends)
    sql.append(f"(({around}) or {_FAR})")
    values += [*(end for end, _ in ends), one.low or None, one.high or None]
    for end, at in ends:
        sql.append(_TOUCHES[at])
        values += [end, end]


def _measured(named: Mapping[str, Condition], one: Condition) -> list[Any]:
    """Names, ends of the range and units: what is asked of one reading or value."""
    ends, unit = named.get(_ENDS[one.name]), named.get(f"{_ENDS[one.name]}_unit")
    low, high = (ends.low or None, ends.high or None) if ends is not None else (None, None)
    return [list(one.values), low, high, list(unit.values) if unit is not None else None]


def newest(cursor: Any) -> int:
    """Sequence number of the newest record there is."""
    row = cursor.execute("select coalesce(max(seq), 0) as seq from entry").fetchone()
    return int(row["seq"]) if row else 0


def keys_of(cursor: Any, lots: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Internal number -> (site, number) of the lots the caller may see."""
    asked = (sorted(set(lots)),)
    rows = cursor.execute("select num, site, key from lot where num = any(%s::bigint[])", asked).fetchall()
    return {row["num"]: (row["site"], row["key"]) for row in rows}
