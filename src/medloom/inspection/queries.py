"""What is asked before results are judged: set-wise, a few statements per batch."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from medloom.inspection.rules import Cited, ResultFacts
from medloom.inspection.rules_compared import (
    STEPS_MOST,
    Joined,
    JoinedFacts,
    Measured,
    Standing,
    meant_by,
    measured_row,
    named,
    renamed,
)
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

_UNFIT = """
    select g.site, g.key, g.state from unnest(%s::text[], %s::text[]) w(site, key)
    join gauge g on g.site = w.site and g.key = w.key
    where g.state <> 'in_service' and not g.voided"""

#: Whether a result conforms: by the revision it cites, else as its author judged; open where neither says.
_CONFORMS = """
    case when s.num is not null and s.unit = r.unit
         then (s.low is null or r.value >= s.low) and (s.high is null or r.value <= s.high)
         when r.judged is not null then r.judged = 'pass' end"""

_RESULT = f"""r.key, r.site, i.key as item, l.key as lot, r.laboratory, coalesce(s.number, '') as subject,
           r.kind, r.nominal, {_CONFORMS} as conforms, coalesce(n.key, '') as inspection,
           coalesce(r.series, 0) as series, r.characteristic, r.sample"""
_WITH = """
    join item i on i.num = r.item_id
    left join inspection n on n.num = r.inspection_id
    left join specification s on s.num = r.specification_id"""

#: The lots asked about and all that a person found to be the same parts, each with what it was found to be.
_PARTS = f"""
    with recursive part (num, step) as (
        select l.num, 0 from unnest(%s::text[], %s::text[]) w(site, key)
        join lot l on l.site = w.site and l.key = w.key
        union
        select case when a.lot_id = p.num then a.other_id else a.lot_id end, p.step + 1
        from part p join alias a on (a.lot_id = p.num or a.other_id = p.num)
          and a.other_id is not null and a.same and not a.voided
        where p.step < {STEPS_MOST})
    select distinct l.num, l.site, l.key, t.key as meant from part p join lot l on l.num = p.num
    left join alias a on a.other_id = l.num and a.same and not a.voided
    left join lot t on t.num = a.lot_id"""

#: What other results with a laboratory stand of these lots, in the order in which they came.
_STANDING = f"""
    select {_RESULT} from result r join lot l on l.num = r.lot_id {_WITH}
    where r.lot_id = any(%s) and r.laboratory is not null and not r.voided order by r.num"""

#: All results with a laboratory of the items that these lots were measured as.
_OF_ITEMS = f"""
    select {_RESULT} from result r join lot l on l.num = r.lot_id {_WITH}
    where r.laboratory is not null and not r.voided and r.item_id in (
        select o.item_id from result o where o.lot_id = any(%s) and o.laboratory is not null)
    order by r.num"""

_JOINED = """
    select a.site, a.key, o.key as other, l.key as lot from alias a
    join lot o on o.num = a.other_id join lot l on l.num = a.lot_id
    where a.site = any(%s) and a.same and not a.voided"""

_DISPUTED = "select site, key, object::text, state from disagreement where site = any(%s) and not voided"


def result_facts(cursor: Any, asked: Sequence[Asked]) -> Generator[None, None, ResultFacts]:
    """The specification each result cites, and which of the lots an inspection hold blocks already."""
    cited, lots, gauges = set(), set(), set()
    compared: set[tuple[str, str]] = set()
    for one in asked:
        values = {**one.current, **one.fields}
        if values.get("lot") is None:
            continue  # a row that its author could not read
        if values.get("laboratory") is not None and values.get("item") is not None:
            compared.add((one.home, str(values["lot"])))
            if one.current.get("lot") is not None:
                compared.add((one.home, str(one.current["lot"])))  # told of another part until now
        if values.get("gauge") is not None:
            gauges.add((one.home, str(values["gauge"])))
        lots.add((one.home, str(values["lot"])))
        if values.get("specification") is not None:
            cited.add((one.home, str(values["specification"])))
    named = _ask(cursor, _CITED, cited)
    held = _ask(cursor, _BLOCKED, lots)
    unfit = _ask(cursor, _UNFIT, gauges)
    yield
    specifications = {
        (row["site"], row["key"]): Cited(
            row["number"],
            row["revision"],
            row["state"],
            row["unit"],
            row["low"],
            row["high"],
            row["released"],
        )
        for row in named
    }
    blocked = frozenset((row["site"], row["key"]) for row in held)
    states = {(row["site"], row["key"]): row["state"] for row in unfit}
    return ResultFacts(specifications, blocked, states, *_compared(cursor, compared, asked))


def _ask(cursor: Any, sql: str, places: set[tuple[str, str]]) -> Any:
    """One question about these (site, key); none, not asked."""
    return cursor.execute(sql, ([p[0] for p in places], [p[1] for p in places])) if places else ()


def _compared(
    cursor: Any, lots: set[tuple[str, str]], asked: Sequence[Asked]
) -> tuple[
    list[Measured],
    Mapping[tuple[str, str], Standing],
    Mapping[tuple[str, str], str],
    frozenset[tuple[str, str]],
]:
    """What stands measured of these parts, which disagreements are there, and which part each lot is.

    Of an item with an open disagreement everything is read once its results are corrected or measured again:
    whether anything is left to disagree about, the lots of this batch alone cannot say.
    """
    if not lots:
        return [], {}, {}, frozenset()
    parts = _parts(cursor, lots)
    nums = [row["num"] for row in parts]
    meant = meant_by({(row["site"], row["key"], row["meant"]) for row in parts if row["meant"]})
    sites = {lot[0] for lot in lots}
    standing = [measured_row(row) for row in cursor.execute(_STANDING, (nums,)).fetchall()]
    disputed = _disputed(cursor, sites)
    whole = _again(renamed(standing, meant), disputed, asked, meant)
    if whole:
        meant = meant_by(_joined(cursor, sites).values())
        standing = [measured_row(row) for row in cursor.execute(_OF_ITEMS, (nums,)).fetchall()]
    return renamed(standing, meant), disputed, meant, whole


def _again(
    standing: Sequence[Measured],
    disputed: Mapping[tuple[str, str], Standing],
    asked: Sequence[Asked],
    meant: Mapping[tuple[str, str], str],
) -> frozenset[tuple[str, str]]:
    """(site, item) with an open disagreement of which this batch corrects a result, or measures it again."""
    open_ = {
        (site, number.rpartition("/")[0]) for (site, number), one in disputed.items() if one.state == "open"
    }
    keys = {(one.site, one.key): one.item for one in standing}
    known = {(one.site, one.item, one.lot, one.laboratory, one.named) for one in standing}
    found = set()
    for one in asked:
        values = {**one.current, **one.fields}
        item, lot = str(values.get("item")), str(values.get("lot"))
        number = str(values.get("number"))
        name = named(values.get("characteristic"), values.get("sample"), number)
        told = (one.home, item, meant.get((one.home, lot), lot), str(values.get("laboratory")), name)
        if one.current or told in known:
            found |= {(one.home, item), (one.home, keys.get((one.home, number), item))}
    return frozenset(found & open_)


def _parts(cursor: Any, lots: set[tuple[str, str]]) -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = cursor.execute(
        _PARTS, ([lot[0] for lot in lots], [lot[1] for lot in lots])
    ).fetchall()
    return rows


def _disputed(cursor: Any, sites: set[str]) -> dict[tuple[str, str], Standing]:
    rows = cursor.execute(_DISPUTED, (sorted(sites),)).fetchall()
    return {(row["site"], row["key"]): Standing(row["object"], row["state"]) for row in rows}


def joined_facts(cursor: Any, lots: set[tuple[str, str]]) -> JoinedFacts:
    """What laboratories say of the items of these lots, and of which lots it is known that they are one."""
    nums = [row["num"] for row in _parts(cursor, lots)]
    rows = cursor.execute(_OF_ITEMS, (nums,)).fetchall() if nums else []
    if not rows:
        return JoinedFacts()
    sites = {lot[0] for lot in lots}
    return JoinedFacts([measured_row(row) for row in rows], _joined(cursor, sites), _disputed(cursor, sites))


def _joined(cursor: Any, sites: set[str]) -> dict[tuple[str, str], Joined]:
    rows = cursor.execute(_JOINED, (sorted(sites),)).fetchall()
    return {(row["site"], row["key"]): (row["site"], row["other"], row["lot"]) for row in rows}


# -- what was measured, for people ------------------------------------------------------------

#: Parts of one page; a larger number is cut and the page says so.
PARTS_MOST = 400

_ITEMS = """
    select n.site, i.key as item, count(*) as inspections, count(distinct n.lot_id) as parts,
           string_agg(distinct n.laboratory, ', ' order by n.laboratory) as laboratories
    from inspection n join item i on i.num = n.item_id
    where not n.voided and (%(site)s = '' or n.site = %(site)s)
    group by n.site, i.key order by n.site, i.key"""

#: The last result of each characteristic of each part and laboratory. Limits: those of the revision cited,
#: else those the author states.
_MEASURED = f"""
    with parts as (
        select distinct r.lot_id from result r join item i on i.num = r.item_id
        where i.site = %(site)s and i.key = %(item)s and not r.voided
        order by 1 limit {PARTS_MOST})
    select distinct on (coalesce(m.key, l.key), r.laboratory, r.characteristic)
           r.key, r.object::text, r.laboratory, r.characteristic,
           coalesce(m.key, l.key) as lot, coalesce(m.object, l.object)::text as lot_object,
           coalesce(s.number, '') as subject, s.object::text as specification, r.kind, r.value, r.unit,
           coalesce(s.nominal, r.nominal) as nominal, r.note,
           case when s.num is null then r.low else s.low end as low,
           case when s.num is null then r.high else s.high end as high,
           r.judged, {_CONFORMS} as conforms, coalesce(n.key, '') as inspection,
           n.object::text as inspection_object, n.kind as inspected, coalesce(r.series, 0) as series,
           coalesce(r.measured, n.performed) as measured, r.sample
    from parts p join result r on r.lot_id = p.lot_id and not r.voided
    join item i on i.num = r.item_id and i.site = %(site)s and i.key = %(item)s
    join lot l on l.num = r.lot_id
    -- A second spelling that a person found to be the same part is that part here, too.
    left join alias a on a.other_id = l.num and a.same and not a.voided
    left join lot m on m.num = a.lot_id
    left join specification s on s.num = r.specification_id
    left join inspection n on n.num = r.inspection_id
    order by coalesce(m.key, l.key), r.laboratory, r.characteristic, r.num desc"""

#: When the production of a part began: the first step that put it out.
_MADE = """
    select coalesce(m.key, l.key) as lot, min(s.started) as started
    from lot l join step_record s on s.output_lot_id = l.num and s.started is not null and not s.voided
    left join alias a on a.other_id = l.num and a.same and not a.voided
    left join lot m on m.num = a.lot_id
    where l.site = %(site)s and coalesce(m.key, l.key) = any(%(lots)s::text[]) group by 1"""

#: Each file that brought inspections: whose, how many parts and results, how many out as stated and judged.
_FILES = f"""
    select n.laboratory, coalesce(n.source_file, '') as file, min(n.kind) as kind,
           min(n.performed) as performed,
           count(distinct n.num) as parts, count(r.num) as results,
           count(*) filter (where r.judged = 'fail') as stated_out,
           count(r.judged) as stated,
           count(*) filter (where not ({_CONFORMS})) as out
    from inspection n join item i on i.num = n.item_id
    left join result r on r.inspection_id = n.num and not r.voided
    left join specification s on s.num = r.specification_id
    where i.site = %(site)s and i.key = %(item)s and not n.voided
    group by n.laboratory, n.source_file order by n.laboratory, n.source_file"""

_OF_INSPECTION = f"""
    select r.key, r.object::text, r.characteristic, r.kind, r.value, r.unit, r.judged, r.note,
           coalesce(s.nominal, r.nominal) as nominal, s.object::text as specification, s.key as cited,
           case when s.num is null then r.low else s.low end as low,
           case when s.num is null then r.high else s.high end as high, {_CONFORMS} as conforms
    from result r left join specification s on s.num = r.specification_id
    where r.inspection_id = %(inspection)s and not r.voided
    order by r.num limit 2000"""


def inspected_items(cursor: Any, site: str = "") -> list[dict[str, Any]]:
    """The items with inspections, of one site or of all that may be seen."""
    return list(cursor.execute(_ITEMS, {"site": site}).fetchall())


def measured_parts(cursor: Any, site: str, item: str) -> list[dict[str, Any]]:
    """The last result of each characteristic of each part by each laboratory, with its limits."""
    return list(cursor.execute(_MEASURED, {"site": site, "item": item}).fetchall())


def parts_made(cursor: Any, site: str, lots: Sequence[str]) -> dict[str, Any]:
    """Lot -> when its production began, of the lots whose steps tell it."""
    rows = cursor.execute(_MADE, {"site": site, "lots": list(lots)}).fetchall()
    return {row["lot"]: row["started"] for row in rows}


def inspection_files(cursor: Any, site: str, item: str) -> list[dict[str, Any]]:
    """The files that brought inspections of an item, with what they state and what the hub says."""
    return list(cursor.execute(_FILES, {"site": site, "item": item}).fetchall())


def inspection_results(cursor: Any, inspection: int) -> list[dict[str, Any]]:
    """The results of one inspection, with limits, in the order in which they came."""
    return list(cursor.execute(_OF_INSPECTION, {"inspection": inspection}).fetchall())
