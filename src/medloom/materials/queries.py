"""What is asked of lots, stock and holds: one statement for a whole batch, whatever its size."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from medloom.kernel import beside
from medloom.kernel.ruling import Asked, Written
from medloom.materials.rules import (
    BASE,
    AliasFacts,
    LotFacts,
    MoveFacts,
    OpenHold,
    Place,
    changes,
    lots_shipped,
    run,
    totals,
)
from medloom.materials.rules_near import READ_FOR, Near, near
from medloom.wire.letters import FROM, TO
from medloom.wire.operation import Kind

#: How many lots of a site and item are compared for near matches at once.
NEAR_LOTS_MAX = 20_000


#: Internal numbers of lots -> rows of (lot, hold) that say which are blocked by which open hold; handed in by
#: hub.py, since trace stands above materials. Asked on the cursor given, answered when it is read.
Blocking = Callable[[Any, Iterable[int]], Iterable[Mapping[str, Any]]]
#: (site, lot number) -> the open holds on it.
Held = dict[tuple[str, str], tuple[OpenHold, ...]]

_NUMBERS = """
    select w.site, w.key, l.num from unnest(%s::text[], %s::text[]) w(site, key)
    join lot l on l.site = w.site and l.key = w.key"""

#: Position of a hold's first line in the control feed of its site; none before the sequencer has seen it.
_POSITIONS = """
    select h.num, h.key, f.position from hold h
    left join lateral (
        select e.seq from entry e where e.object = h.object and e.verdict = 'accepted'
        order by e.version limit 1) first on true
    left join feed_line f on f.site = h.site and f.feed = 'c' and f.seq = first.seq
    where h.num = any(%s)"""


_BY_ALIAS = """
    select w.site, w.key, array_agg(distinct l.key order by l.key) as lots
    from unnest(%s::text[], %s::text[]) w(site, key)
    join alias a on a.site = w.site and a.number = w.key and a.same and not a.voided
    join lot l on l.num = a.lot_id and not l.voided
    group by w.site, w.key"""


def lots_by_alias(cursor: Any, named: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, ...]]:
    """(site, a partner's lot number) -> the site's own lot numbers for it. One statement.

    Several where two partners use one number for different lots: a person must say which was meant.
    """
    rows = cursor.execute(_BY_ALIAS, ([n[0] for n in named], [n[1] for n in named])).fetchall()
    return {(row["site"], row["key"]): tuple(row["lots"]) for row in rows}


_SAME_NUMBER = """
    select w.site, w.key from unnest(%s::text[], %s::text[]) w(site, key)
    join lot l on l.site = w.site and l.key = w.key"""


#: What an upper room asks of lots that are joined or parted: (site, lot number) of each.
Joining = Callable[[Any, set[tuple[str, str]]], Any]
#: Which holds operations carry over from one lot to another, by operation; trace stands above materials.
Tying = Callable[[Any, Sequence[Asked]], Mapping[str, Any]]


def alias_facts(
    cursor: Any, asked: Sequence[Asked], *, joining: Joining | None = None, tying: Tying | None = None
) -> AliasFacts:
    """Which aliases have a number that is a lot of its own at the site; and of those that join two lots,
    what the upper rooms know of both."""
    named = sorted({(one.home, str(one.fields["number"])) for one in asked if one.fields.get("number")})
    rows = cursor.execute(_SAME_NUMBER, ([n[0] for n in named], [n[1] for n in named])) if named else ()
    numbers = {(row["site"], row["key"]) for row in (rows.fetchall() if named else ())}
    both = set()
    for one in asked:
        values = {**one.current, **one.fields}
        if values.get("other"):
            both |= {(one.home, str(values["lot"])), (one.home, str(values["other"]))}
    carried = tying(cursor, asked) if both and tying else {}
    return AliasFacts(numbers, joining(cursor, both) if both and joining else None, carried)


def numbers_of(cursor: Any, lots: Iterable[tuple[str, str]]) -> dict[int, tuple[str, str]]:
    """Internal number -> (site, lot number) of the lots that exist."""
    wanted = sorted(set(lots))
    if not wanted:
        return {}
    rows = cursor.execute(_NUMBERS, ([w[0] for w in wanted], [w[1] for w in wanted])).fetchall()
    return {row["num"]: (row["site"], row["key"]) for row in rows}


def open_holds(
    cursor: Any, lots: Mapping[int, tuple[str, str]], blocked: Blocking
) -> Generator[None, None, Held]:
    """(site, lot number) -> the open holds on it or, spreading, on an ancestor. Two statements at most."""
    asked = blocked(cursor, list(lots)) if lots else ()
    yield
    found = list(asked)
    if not found:
        return {}
    holds = _read_holds(cursor, sorted({row["hold"] for row in found}))
    result: Held = {}
    for row in sorted(found, key=lambda b: (b["lot"], b["hold"])):
        if row["lot"] in lots and row["hold"] in holds:
            key = lots[row["lot"]]
            result[key] = (*result.get(key, ()), holds[row["hold"]])
    return result


#: Holds are written one transaction after the other (`hold_facts`), so their entries grow as they commit.
NEWEST_HOLD = "select coalesce(max(entry), 0) as mark from hold"
#: Asked first, and nearly always no: what it stands before costs nothing then.
ANY_NEWER = "exists (select 1 from hold where entry > %s)"


def _newly_held(equipment: list[tuple[str, str]], mark: int) -> tuple[str, tuple[Any, ...]]:
    """Whether a hold behind `mark` is on one of these machines or moulds."""
    condition = f"""case when {ANY_NEWER} then exists (
        select 1 from unnest(%s::text[], %s::text[]) w(site, key)
        join equipment e on e.site = w.site and e.key = w.key
        join hold h on h.equipment_id = e.num and h.state = 'open' and not h.voided and h.entry > %s)
        else false end"""
    return condition, (mark, [w[0] for w in equipment], [w[1] for w in equipment], mark)


_ON_EQUIPMENT = """
    select w.site, w.key, h.num from unnest(%s::text[], %s::text[]) w(site, key)
    join equipment e on e.site = w.site and e.key = w.key
    join hold h on h.equipment_id = e.num and h.state = 'open' and not h.voided
    order by w.site, w.key, h.num"""


def ask_equipment(cursor: Any, equipment: Iterable[tuple[str, str]]) -> Iterable[Mapping[str, Any]]:
    """The question of `holds_on_equipment`, on a cursor that goes on asking before it reads."""
    wanted = sorted(set(equipment))
    if not wanted:
        return ()
    beside.note(cursor, NEWEST_HOLD, partial(_newly_held, wanted))
    return cursor.execute(_ON_EQUIPMENT, ([w[0] for w in wanted], [w[1] for w in wanted]))  # type: ignore[no-any-return]


def holds_on_equipment(
    cursor: Any, asked: Iterable[Mapping[str, Any]]
) -> dict[tuple[str, str], tuple[OpenHold, ...]]:
    """(site, equipment number) -> the open holds on it, from what `ask_equipment` asked."""
    rows = list(asked)
    if not rows:
        return {}
    holds = _read_holds(cursor, sorted({row["num"] for row in rows}))
    result: dict[tuple[str, str], tuple[OpenHold, ...]] = {}
    for row in rows:
        key = (row["site"], row["key"])
        result[key] = (*result.get(key, ()), holds[row["num"]])
    return result


def _read_holds(cursor: Any, nums: list[int]) -> dict[int, OpenHold]:
    rows = cursor.execute(_POSITIONS, (nums,)).fetchall()
    return {row["num"]: OpenHold(row["key"], row["position"]) for row in rows}


def hold_facts(cursor: Any, asked: Sequence[Asked]) -> None:
    """Nothing is read: from here on nobody else judges what a hold may cover, until this one is committed.

    Without it a lot could be released beside a hold whose entry has the lower number, and say nothing of it.
    The lots themselves are locked first: who uses one just now need not be judged again.
    """
    lots = sorted({(one.home, str(one.fields["lot"])) for one in asked if one.fields.get("lot")})
    cursor.execute(_LOCK_LOTS, ([site for site, _ in lots], [key for _, key in lots]))
    beside.alone(cursor)


def lot_facts(
    cursor: Any, asked: Sequence[Asked], *, blocked: Blocking, tying: Tying | None = None
) -> Generator[None, None, LotFacts]:
    """Open holds of the lots that are to be accepted or released; holds that come with lots told late."""
    lots = {
        one.num: (one.home, str(one.current.get("number")))
        for one in asked
        if one.operation.kind is Kind.COMMAND and one.num
    }
    holds = yield from open_holds(cursor, lots, blocked)
    return LotFacts(holds, tying(cursor, asked) if tying else {})


def shipment_facts(cursor: Any, asked: Sequence[Asked], *, blocked: Blocking) -> Generator[None, None, Held]:
    """Open holds of the lots that shipments name. Two statements, three where something is held."""
    lots = numbers_of(cursor, {(one.home, lot) for one in asked for _, lot in lots_shipped(one)})
    return (yield from open_holds(cursor, lots, blocked))


# -- stock ------------------------------------------------------------------------------------

#: Two batches that draw on one lot judge one after the other. The lot is locked and not its stock: rows of
#: stock that do not exist yet cannot be locked, and locking those that do led to deadlocks (8 writers).
_LOCK_LOTS = """
    select l.num, l.site, l.key from lot l where l.num = any(array(
        select k.num from unnest(%s::text[], %s::text[]) w(site, key) cross join lateral
            (select num from lot where site = w.site and key = w.key offset 0) k))
    order by l.num for no key update"""

_STOCK = """
    select s.lot_id, s.location, s.status, s.unit, s.quantity from stock s where s.lot_id = any(%s)"""


def move_facts(cursor: Any, asked: Sequence[Asked], *, blocked: Blocking) -> Generator[None, None, MoveFacts]:
    """Stock, unit and open holds of every lot moved, and what stands when each move's turn comes."""
    lots = sorted({(place[0], place[1]) for one in asked for place, _ in changes(one)})
    stock: dict[Place, Decimal] = {}
    units: dict[tuple[str, str], str] = {}
    locked = cursor.execute(_LOCK_LOTS, ([w[0] for w in lots], [w[1] for w in lots]))
    yield
    keys = {row["num"]: (row["site"], row["key"]) for row in locked}
    standing = cursor.execute(_STOCK, (list(keys),))
    holds = yield from open_holds(cursor, keys, blocked)
    for row in standing:
        stock[(*keys[row["lot_id"]], row["location"], row["status"])] = row["quantity"]
        units[keys[row["lot_id"]]] = row["unit"]
    return MoveFacts(stock, units, holds, run(asked, stock))


def keep_stock(cursor: Any, written: Sequence[Written]) -> None:
    """Add accepted moves to stock, sums by place; runs in the transaction that accepted them."""
    net = totals(change for one in written for change in changes(one.asked))
    units = {}
    for one in written:
        values = {**one.asked.current, **one.asked.fields}
        units[one.asked.home, str(values["lot"])] = BASE[str(values["unit"])][0]
    rows = [(place, amount) for place, amount in sorted(net.items()) if amount]
    if not rows:
        return
    columns = [[place[i] for place, _ in rows] for i in range(4)]
    cursor.execute(
        """
    insert into stock (lot_id, site, location, status, unit, quantity, version)
    select l.num, v.site, v.location, v.status, v.unit, v.quantity, 1
    from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::numeric[])
         v(site, key, location, status, unit, quantity)
    cross join lateral (select num from lot where site = v.site and key = v.key offset 0) l
    order by l.num, v.location, v.status
    on conflict (lot_id, location, status) do update
    set quantity = stock.quantity + excluded.quantity, version = stock.version + 1""",
        (*columns, [units.get((p[0], p[1]), "1") for p, _ in rows], [amount for _, amount in rows]),
    )


#: Goods that come back: a consignee is named as their sender, or only the place where they arrive is.
COMES_BACK = "(m.consignee_id is not null or (m.target is not null and m.source is null))"
_DIFFERENCES = f"""
    with signed as (
        select m.lot_id, m.status, m.unit, m.quantity, m.kind,
               coalesce(m.source, '') as source, coalesce(m.target, '') as target,
               m.kind in ('received', 'produced')
               or (m.kind = 'returned' and {COMES_BACK}) as comes
        from move m where not m.voided),
    flows as (
        select lot_id, target as location, status, unit, quantity from signed
        where comes or kind = 'transfer'
        union all
        select lot_id, source, status, unit, -quantity from signed where not comes),
    summed as (
        select lot_id, location, status,
               sum(quantity * case when unit = 'g' then 0.001 else 1 end) as quantity
        from flows group by lot_id, location, status)
    select l.site, l.key, location, status, coalesce(s.quantity, 0) as kept,
           coalesce(m.quantity, 0) as moved
    from stock s full join summed m using (lot_id, location, status) join lot l on l.num = lot_id
    where coalesce(s.quantity, 0) <> coalesce(m.quantity, 0) order by 1, 2, 3, 4 limit %s"""


def stock_differences(cursor: Any, *, most: int = 100) -> list[dict[str, Any]]:
    """Where the stock kept is not the sum of the moves; always empty, or the projection is broken."""
    return list(cursor.execute(_DIFFERENCES, (most,)).fetchall())


# -- near matches -----------------------------------------------------------------------------

#: Only lots that a slip could have made of another come over: read alike, the same letters in each word, or
#: one letter more than another.
_NEAR = """
    with drawn as (
        select l.key, l.num, l.item_id,
               upper(regexp_replace(translate(normalize(l.key, NFKC), %(from)s, %(to)s),
                                    '[^[:alnum:]]', '', 'g')) as bare
        from lot l where l.site = %(site)s and not l.voided order by l.num desc limit %(most)s),
    known as materialized (
        select key, item_id, bare, translate(bare, %(letters)s, %(figures)s) as alike,
               case when bare ~ '[[:alpha:]]{3}' then
                 regexp_replace(bare, '[[:alpha:]]', 'A', 'g') || '/' ||
                 (select string_agg(c, '' order by c)
                  from unnest(string_to_array(regexp_replace(bare, '[^[:alpha:]]', '', 'g'), null)) c)
               end as words,
               case when bare ~ '[[:alpha:]]$' then left(bare, length(bare) - 1) end as stem
        from drawn),
    wanted as (
        select bare from known where alike in (select alike from known group by 1 having count(*) > 1)
        union select bare from known
          where words in (select words from known group by 1 having count(distinct bare) > 1)
        union select a.bare from known a join known b on b.stem = a.bare
        union select b.bare from known a join known b on b.stem = a.bare)
    select k.key, k.item_id from known k join wanted using (bare) order by k.key"""

_DECIDED = """
    select a.key as first, b.key as second from alias x
    join lot a on a.num = x.lot_id join lot b on b.num = x.other_id
    where x.site = %(site)s and not x.voided"""


def near_matches(cursor: Any, site: str, *, most: int = 500) -> list[Near]:
    """Pairs of lot numbers of a site that a person may find to be the same, and has not decided on yet."""
    asked = {"site": site, "most": NEAR_LOTS_MAX, "from": FROM, "to": TO}
    asked |= {"letters": "".join(READ_FOR), "figures": "".join(READ_FOR.values())}
    rows = cursor.execute(_NEAR, asked).fetchall()
    if not rows:
        return []
    items = {row["key"]: row["item_id"] for row in rows}
    decided = {
        frozenset((row["first"], row["second"]))
        for row in cursor.execute(_DECIDED, {"site": site}).fetchall()
    }
    found = [
        one
        for one in near(items, most=NEAR_LOTS_MAX)
        if frozenset((one.first, one.second)) not in decided
        # A lot is of one item: two that are known to be of different ones are two.
        and len({items[one.first], items[one.second]} - {None}) < 2
    ]
    return found[:most]
