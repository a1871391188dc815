"""What is asked before revisions are judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from medloom.design.rules import Revisions
from medloom.kernel.ruling import Asked
from medloom.wire.operation import Kind

#: Type -> SQL of what tells its documents apart beside the revision, and the fields that say the same.
_SERIES = {
    "bom": ("(select i.key from item i where i.num = r.item_id) || '/' || r.variant", ("item", "variant")),
    "document": ("r.number", ("number",)),
    "parameter": ("r.number", ("number",)),
    "specification": ("r.number", ("number",)),
}
#: Two releases of one document that come at once are judged one after the other.
_LOCK = "select pg_advisory_xact_lock(hashtextextended(x, 0)) from unnest(%s::text[]) x order by x"
Place = tuple[str, str]


def revisions_of(table: str) -> Callable[[Any, Sequence[Asked]], Revisions]:
    """The query of one type: the states of what a batch would change, and what stands released beside it."""
    same, names = _SERIES[table]

    def revisions(cursor: Any, asked: Sequence[Asked]) -> Revisions:
        nums = sorted({one.num for one in asked if one.num})
        sql = f"select r.num, r.site, r.state, r.object::text, {same} as series from {table} r"
        rows = cursor.execute(f"{sql} where r.num = any(%s)", (nums,)).fetchall() if nums else []
        states = {row["num"]: row["state"] for row in rows}
        if not any(_command(one) == "release" for one in asked):
            return Revisions(states)
        places: dict[str, Place] = {row["object"]: (row["site"], row["series"]) for row in rows}
        for one in asked:
            if one.operation.object not in places and one.operation.kind is not Kind.COMMAND:
                series = "/".join(str(one.fields.get(name)) for name in names)
                places[one.operation.object] = (one.home, series)
        return Revisions(states, _stands(asked, places, _released(cursor, table, same, places)))

    return revisions


def _released(cursor: Any, table: str, same: str, places: dict[str, Place]) -> dict[str, tuple[Place, str]]:
    """Object -> its document and revision, for every released revision of these documents."""
    wanted = sorted(set(places.values()))
    cursor.execute(_LOCK, ([f"{table}/{site}/{series}" for site, series in wanted],))
    rows = cursor.execute(
        f"""select r.object::text, r.site, r.revision, {same} as series from {table} r
            where r.state = 'released' and not r.voided and r.site = any(%s) and {same} = any(%s)""",
        (sorted({site for site, _ in wanted}), sorted({series for _, series in wanted})),
    ).fetchall()
    found = {row["object"]: ((row["site"], row["series"]), row["revision"]) for row in rows}
    return {object_: what for object_, what in found.items() if what[0] in set(wanted)}


def _stands(
    asked: Sequence[Asked], places: dict[str, Place], released: dict[str, tuple[Place, str]]
) -> dict[str, tuple[str, ...]]:
    """Operation id of each release -> other revisions that stand when its turn comes."""
    found: dict[str, tuple[str, ...]] = {}
    for one in asked:
        object_, command = one.operation.object, _command(one)
        place = places.get(object_)
        if command in ("supersede", "retire"):
            released.pop(object_, None)
        elif command == "release" and place is not None:
            found[one.operation.id] = tuple(
                revision
                for other, (where, revision) in released.items()
                if where == place and other != object_
            )
            if not found[one.operation.id]:
                released[object_] = (place, str(one.current.get("revision", "")))
    return found


def _command(one: Asked) -> str:
    return str(one.operation.fields.get("command", "")) if one.operation.kind is Kind.COMMAND else ""
