"""The hand-written SQL of the write door. Every function is one statement, whatever the batch's size."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby, islice
from typing import Any

from django.apps import apps
from django.db import connection

from medloom.kernel.entity import Declared
from medloom.wire.basis import Lost, Taken
from medloom.wire.operation import Operation, hub_label
from medloom.wire.verdict import Verdict

#: Entries in one partition; see make_partitions.
PARTITION_ROWS = 20_000_000

#: A session of one agent pushes one batch at a time; the filter of known ids relies on it.
LOCK_SESSION = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"
#: By whether HELLO takes the row, or a push only shares it.
SESSION = {
    True: "select state from agent_session where site = %s for update",
    False: "select state from agent_session where site = %s for share",
}


@lru_cache(maxsize=256)
def _heads_sql(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f"t.{name}" for name in columns)
    return f"""
        select {names} from {table} t
        where t.num = any(array(
            select num from {table} where object = any(%s::uuid[])
            union all
            select k.num from unnest(%s::text[], %s::text[]) w(site, key) cross join lateral
                (select num from {table} where site = w.site and key = w.key offset 0) k))
        order by t.num for no key update"""


def lock_heads(cursor: Any, declared: Declared, objects: list[str], sites: list[str], keys: list[str]) -> Any:
    """Heads by object id or natural key, locked in key order so that two batches cannot deadlock.

    `for no key update` and not `for update`: nobody who only refers to the row has to wait. An array and
    not `in (select ...)`: a row that changed while we waited for its lock is checked again, and a
    joined subquery then loses it (seen: four writers, nine of ten rows not found).
    """
    sql = _heads_sql(declared.table, declared.columns)
    return cursor.execute(sql, (objects, sites, keys))


def ask_numbers(cursor: Any, declared: Declared, pairs: Sequence[tuple[str, str]]) -> Any:
    """site, key and num of the objects that exist, read without a lock."""
    sql = f"""
        select w.site, w.key, t.num from unnest(%s::text[], %s::text[]) w(site, key) cross join lateral
            (select num from {declared.table} where site = w.site and key = w.key offset 0) t"""
    return cursor.execute(sql, ([p[0] for p in pairs], [p[1] for p in pairs]))


def ask_keys(cursor: Any, declared: Declared, nums: list[int]) -> Any:
    """num and key of these objects."""
    return cursor.execute(f"select num, key from {declared.table} where num = any(%s)", (nums,))


def keys_of(cursor: Any, declared: Declared, nums: list[int]) -> dict[int, str]:
    """Internal number -> natural key."""
    return {r["num"]: r["key"] for r in ask_keys(cursor, declared, nums).fetchall()}


def seen_sources(cursor: Any, idents: list[Any]) -> dict[Any, dict[str, Any]]:
    """Source identities that have an entry already -> that entry, with its transport identity."""
    sql = """
        select s.ident, e.seq, e.verdict, e.version, e.decision, e.site as author, e.epoch, e.chain, e.number
        from source_seen s join entry e on e.seq = s.seq where s.ident = any(%s::uuid[])"""
    return {r["ident"].hex: r for r in cursor.execute(sql, (idents,)).fetchall()}


def standings(cursor: Any, site: str, chains: Sequence[tuple[str, str]]) -> Any:
    """epoch, chain, next, head of those of a site's chains that have any operation."""
    return cursor.execute(
        """select c.epoch, c.chain, c.next, c.head from unnest(%s::uuid[], %s::text[]) w(epoch, chain)
           join chain_state c on c.site = %s and c.epoch = w.epoch and c.chain = w.chain""",
        ([uuid.UUID(e) for e, _ in chains], [c for _, c in chains], site),
    )


def known_numbers(cursor: Any, epoch: str, chain: str, first: int, last: int) -> Any:
    """number and hash of the latest entry of each known number of a chain, by one index range."""
    sql = """
        select distinct on (number) number, hash from entry
        where epoch = %s and chain = %s and number between %s::bigint and %s::bigint
          and verdict <> 'op_id_reuse'
        order by number, seq desc"""
    return cursor.execute(sql, (epoch, chain, first, last))


def draw(cursor: Any, entries: int, objects: int) -> tuple[list[int], list[int]]:
    """New sequence numbers and internal numbers, in order; called only while the heads are locked.

    Drawn before the lock, 15 % of entries came out of version order (measured, 8 writers).
    """
    row = cursor.execute(
        """select array(select nextval('entry_seq') from generate_series(1, %s)) as seqs,
                  array(select nextval('object_num') from generate_series(1, %s)) as nums""",
        (entries, objects),
    ).fetchone()
    return sorted(row["seqs"]), sorted(row["nums"])


@lru_cache(maxsize=256)
def _update_sql(table: str, columns: tuple[str, ...]) -> str:
    arrays = ", ".join(f"%s::{column_types(table)[name]}[]" for name in columns)
    names = ", ".join(columns)
    sets = ", ".join(f"{name} = v.{name}" for name in columns if name != "num")
    return f"""
        update {table} t set {sets}
        from unnest(%s::bigint[], %s::int[], {arrays}) v(num_, stood, {names}) cross join lateral
            (select ctid as place from {table} where num = v.num_ and version = v.stood offset 0) stands
        where t.ctid = stands.place"""


def update_heads(
    cursor: Any, table: str, columns: Sequence[str], rows: Sequence[Row], stood: Sequence[int]
) -> Any:
    """Write new versions of rows, each guarded by the version that stood; `rowcount` says how many matched.

    Each row is looked up by its number and then written at its place, where our lock keeps it: joined by
    the number, the planner may compare every row with every other (seen: 64 ms for 200 rows).
    """
    cells = [list(column) for column in zip(*rows, strict=True)]
    places = (cells[columns.index("num")], list(stood))
    return cursor.execute(_update_sql(table, tuple(columns)), (*places, *cells))


def lines_of(
    cursor: Any, table: str, parent: str, columns: Sequence[str], nums: list[int]
) -> list[dict[str, Any]]:
    """The standing lines of these objects, in order."""
    names = ", ".join(columns)
    return list(
        cursor.execute(
            f"""select {parent} as parent, {names} from {table}
                where {parent} = any(%s) and until is null order by {parent}, line""",
            (nums,),
        ).fetchall()
    )


def replace_lines(cursor: Any, table: str, parent: str, pairs: Sequence[tuple[int, int]]) -> None:
    """End the standing lines of objects whose new version brings its own: (parent number, new version)."""
    cursor.execute(
        f"""update {table} t set until = v.version from unnest(%s::bigint[], %s::int[]) v(num, version)
            where t.{parent} = v.num and t.until is null""",
        ([p[0] for p in pairs], [p[1] for p in pairs]),
    )


def anything_waits(cursor: Any) -> bool:
    """Whether any operation is parked."""
    return cursor.execute("select 1 from waiting where not done limit 1").fetchone() is not None


def waiting_for(cursor: Any, bound: Iterable[tuple[str, str, str]]) -> list[int]:
    """First entries of parked operations that wait for any of these; each is handed out once."""
    rows = sorted(set(bound))
    wait = cursor.execute(
        """select distinct w.seq from unnest(%s::text[], %s::text[], %s::text[]) b(type, site, key)
           join waiting w on not w.done and w.type = b.type and w.site = b.site and w.key = b.key""",
        ([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]),
    ).fetchall()
    return hand_out(cursor, [row["seq"] for row in wait])


def hand_out(cursor: Any, seqs: list[int]) -> list[int]:
    """Those of these parked operations that nobody else hands out; the caller judges them again."""
    if not seqs:
        return []
    # All that such an operation waits for ends together, or each of it would bring it once. Locked first and
    # read again after: another transaction may be handing it out just now.
    cursor.execute("select id from waiting where seq = any(%s) order by id for update", (seqs,))
    found = cursor.execute(
        "update waiting set done = true where seq = any(%s) and not done returning seq", (seqs,)
    ).fetchall()
    return sorted({r["seq"] for r in found})


def entries_by_seq(cursor: Any, seqs: list[int]) -> list[dict[str, Any]]:
    """Entries with their bytes, in order."""
    sql = "select seq, site, epoch, chain, number, body, encoding from entry where seq = any(%s) order by seq"
    return list(cursor.execute(sql, (seqs,)).fetchall())


#: One row: each value as PostgreSQL reads it, None for NULL.
Row = Sequence[str | None]
#: From this many on, entries go by COPY.
MANY = 20
#: Lines that go to PostgreSQL at once: it takes them in while Python makes the next ones.
CHUNK = 200
#: Columns whose field does not say how PostgreSQL keeps them.
_KEPT = {("entry", "sites"): "text[]"}


def write_rows(cursor: Any, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Add rows by one statement, which row-level security allows (docs/decisions/0012)."""
    if rows:
        cells = [list(column) for column in zip(*rows, strict=True)]
        cursor.execute(_insert_sql(table, tuple(columns)), cells)


@lru_cache(maxsize=256)
def _insert_sql(table: str, columns: tuple[str, ...]) -> str:
    types = column_types("entry" if table.startswith("entry_p") else table)
    arrays = ", ".join(f"%s::{types[name].removesuffix('[]')}[]" for name in columns)
    cells = ", ".join(f"{name}::text[]" if types[name].endswith("[]") else name for name in columns)
    names = ", ".join(columns)
    return f"insert into {table} ({names}) select {cells} from unnest({arrays}) v({names})"


@lru_cache(maxsize=256)
def column_types(table: str) -> dict[str, str]:
    """Column -> SQL type, without its size: a cast would cut what is too long, the column refuses it."""
    model = next(model for model in apps.get_models() if model._meta.db_table == table)
    kinds = {f.column: str(f.db_type(connection)) for f in model._meta.concrete_fields if f.column}
    return {name: _KEPT.get((table, name), kind.partition("(")[0]) for name, kind in kinds.items()}


def write_entries(
    cursor: Any, columns: Sequence[str], entries: Iterable[tuple[int, Row, bool]], *, many: bool
) -> None:
    """Add entries: (sequence number, row, whether its texts need no escaping), in order.

    They go straight into their partition, which the application may add to and not read; `many` of them
    by COPY, which PostgreSQL refuses into any table with row-level security.
    """
    for partition, part in groupby(entries, lambda entry: f"entry_p{entry[0] // PARTITION_ROWS}"):
        if many:
            copy_lines(cursor, partition, columns, [copy_line(row, clean=clean) for _, row, clean in part])
        else:
            write_rows(cursor, partition, columns, [row for _, row, _ in part])


def copy_lines(cursor: Any, table: str, columns: Sequence[str], lines: Iterable[str]) -> None:
    """COPY into a table without row-level security, a part at a time."""
    lines = iter(lines)
    with cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
        while part := "".join(islice(lines, CHUNK)):
            copy.write(part.encode())


def copy_line(row: Row, *, clean: bool = False) -> str:
    """A row in COPY's text format; in a clean one only a hash begins with a backslash, and nothing else."""
    if clean:
        text = "\t".join(["\\N" if cell is None else cell for cell in row])
        return text.replace("\t\\x", "\t\\\\x", 1) + "\n"
    return "\t".join(["\\N" if cell is None else escape(cell) for cell in row]) + "\n"


def escape(text: str) -> str:
    """Text as COPY's text format wants it."""
    if "\\" in text or "\n" in text or "\t" in text or "\r" in text:
        text = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text


# -- feeds ------------------------------------------------------------------------------------

FEED_LINES = """
    select l.position, h.epoch as hub_epoch, l.chain as chain_head, e.seq, e.site as author, e.epoch, e.chain,
           e.number, e.type, e.object, e.home, e.verdict, e.version, e.cause, e.decision, e.body, e.encoding
    from (select * from feed_line where site = %s and feed = %s and position > %s
          order by position limit %s) l
    join hub h on h.id = l.hub join entry e on e.seq = l.seq
    order by l.position"""


@lru_cache(maxsize=256)
def snapshot_sql(table: str, columns: tuple[str, ...]) -> str:
    """Heads of one type after an object id, for these sites; placeholders have no version to tell."""
    return f"""
        select {", ".join(columns)} from {table}
        where object > %s and site = any(%s) and version > 0 order by object limit %s"""


def latest_entries(
    cursor: Any, ids: Sequence[tuple[str, str, int]]
) -> dict[tuple[str, str, int], dict[str, Any]]:
    """(epoch, chain, number) -> its latest entry."""
    rows = cursor.execute(
        """select distinct on (e.epoch, e.chain, e.number)
               e.epoch, e.chain, e.number, e.seq, e.site, e.hash, e.verdict, e.version, e.object, e.decision
           from unnest(%s::uuid[], %s::text[], %s::bigint[]) w(epoch, chain, number)
           join entry e on e.epoch = w.epoch and e.chain = w.chain and e.number = w.number
           where e.verdict <> 'op_id_reuse'
           order by e.epoch, e.chain, e.number, e.seq desc""",
        ([i[0] for i in ids], [i[1] for i in ids], [i[2] for i in ids]),
    ).fetchall()
    return {(str(r["epoch"]), r["chain"], r["number"]): r for r in rows}


def required(cursor: Any, ids: Iterable[str]) -> dict[str, Taken]:
    """What became of these operations; unknown ones are left out, and so are ids that are none."""
    split = {each: key for each in ids if (key := split_id(each)) is not None}
    found = latest_entries(cursor, sorted(split.values()))
    taken = {
        each: Taken(Verdict(row["verdict"]), str(row["object"]), row["version"])
        for each, key in split.items()
        if (row := found.get(key)) is not None
    }
    missing = {each: key for each, key in split.items() if each not in taken and key[1] != "h"}
    if missing:
        # Below its chain's standing and without an entry: its source identity answered it.
        rows = cursor.execute(
            """select w.id
               from unnest(%s::text[], %s::uuid[], %s::text[], %s::bigint[]) w(id, epoch, chain, number)
               join chain_state c on c.epoch = w.epoch and c.chain = w.chain and c.next > w.number""",
            (
                list(missing),
                [key[0] for key in missing.values()],
                [key[1] for key in missing.values()],
                [key[2] for key in missing.values()],
            ),
        ).fetchall()
        taken.update({row["id"]: Taken(Verdict.ACCEPTED, "", 0) for row in rows})
    return taken


def split_id(text: str) -> tuple[str, str, int] | None:
    """(epoch, chain, number) of an operation id; the hub's own are (UUID, "h", 0). None for neither."""
    parts = text.split("/")
    try:
        if len(parts) == 4:
            return str(uuid.UUID(parts[1])), parts[2], int(parts[3])
        return str(uuid.UUID(text)), "h", 0
    except ValueError:
        return None


def hub_epochs(cursor: Any) -> list[tuple[str, int]]:
    """(epoch, last sequence number common with the epoch before), oldest first."""
    rows = cursor.execute("select epoch, since from hub order by id").fetchall()
    return [(row["epoch"].hex, row["since"]) for row in rows]


def lost(
    cursor: Any, epochs: Sequence[tuple[str, int]], operations: Sequence[Operation]
) -> dict[tuple[str, str], Lost]:
    """For bases given in an ended hub epoch: the object's version in the backup, and what came back."""
    labels = [hub_label(epoch) for epoch, _ in epochs]
    # what an ended epoch still has in common with this one is told by the epoch that followed it
    # (of several that did, the one restored furthest back)
    ended = {label: min(since for _, since in epochs[i + 1 :]) for i, label in enumerate(labels[:-1])}
    wanted = sorted({(o.hub, o.object) for o in operations if o.hub in ended})
    floors = cursor.execute(
        """select w.hub, w.object, coalesce(max(e.version), 0) as version
           from unnest(%s::text[], %s::uuid[], %s::bigint[]) w(hub, object, since)
           left join entry e on e.object = w.object and e.seq <= w.since and e.verdict = 'accepted'
           group by w.hub, w.object""",
        ([h for h, _ in wanted], [o for _, o in wanted], [ended[h] for h, _ in wanted]),
    ).fetchall()
    mapped: dict[tuple[str, str], dict[int, int]] = {}
    for row in cursor.execute(
        """select l.hub, l.object, l.old, l.new from lost_version l
           join unnest(%s::text[], %s::uuid[]) w(hub, object) on w.hub = l.hub and w.object = l.object""",
        ([h for h, _ in wanted], [o for _, o in wanted]),
    ).fetchall():
        mapped.setdefault((row["hub"], str(row["object"])), {})[row["old"]] = row["new"]
    keys = {(r["hub"], str(r["object"])): r["version"] for r in floors}
    return {key: Lost(floor, mapped.get(key, {})) for key, floor in keys.items()}


def operation_id(row: dict[str, Any]) -> str:
    """The operation's id as its author wrote it."""
    if row["chain"] == "h":
        return str(row["epoch"])
    return f"{row['author']}/{row['epoch'].hex}/{row['chain']}/{row['number']}"
