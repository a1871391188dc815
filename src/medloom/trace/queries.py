"""What can be asked of the genealogy; all of this room's SQL.

Why it looks like this (measured on 10 million edges, docs/benchmarks.md). The walk goes level by level
with sorted arrays: one index scan serves a whole level, which costs a fifth less than a recursive query
and stays near 2 us for each lot it answers, however large the table is. What makes or breaks it: the
planner would guess the size of a walk and read the whole table by a hash join, so hash and merge joins
are off inside the functions; every lot is expanded once, or paths explode and loops never end; and
row-level security on edges would cut a walk off in silence, so a role that sees all edges walks the
whole graph, and the *answer* is filtered by the lots the caller may see.

The functions run as the role medloom_tracer, which has a policy of its own and cannot log in. What they
return are bare numbers; every question below looks them up in `lot`, and the caller's own row-level
security decides which lots appear. Lots are looked up by one sorted array, which PostgreSQL 17 and newer
answer by one pass over the index: half the time of a join, which descends it once for each lot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from medloom.kernel.ruling import Written

#: The most lots one question is answered with; with more, the answer says that it is cut.
LOTS_MAX = 1_000_000
#: The most edges that one step gives.
NEIGHBOURS_MAX = 500

TABLES = """
CREATE TABLE trace_edge (
    parent bigint NOT NULL,
    child bigint NOT NULL,
    step bigint NOT NULL,
    entry bigint NOT NULL,
    voided_by bigint,
    units integer NOT NULL DEFAULT 0,
    site varchar(16) NOT NULL,
    quantity numeric(21, 6),
    -- a lot is never made of itself: rework makes a new lot
    CONSTRAINT trace_edge_not_self CHECK (parent <> child OR units > 0),
    CONSTRAINT trace_edge_units CHECK (units >= 0)
) WITH (
    -- the walk reads the indexes alone, which needs the visibility map: keep it fresh after imports
    autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_vacuum_insert_threshold = 20000
);
"""
INDEXES = """
CREATE INDEX trace_edge_forward ON trace_edge (parent, child) INCLUDE (units) WHERE voided_by IS NULL;
CREATE INDEX trace_edge_backward ON trace_edge (child, parent) WHERE voided_by IS NULL AND units = 0;
CREATE INDEX trace_edge_unit ON trace_edge (child) INCLUDE (units, parent)
    WHERE voided_by IS NULL AND units > 0;
CREATE INDEX trace_edge_entry ON trace_edge USING brin (entry);
"""
DROP_TABLES = "DROP TABLE trace_edge;"

#: A definer function fixes its search path, or its caller could put a table of his own in front.
_DEFINER = """STABLE SECURITY DEFINER
SET search_path = business, pg_temp SET jit = off SET work_mem = '64MB'
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_seqscan = off"""

#: `units = 0` and `units > 0` in words that name no partial index: before the first ANALYZE the planner takes
#: such an index for nearly empty, and reads all of it for each level. Only that by `parent` is left.
LOT_AHEAD, DEVICES_OF = "{}.units < 1", "{}.units <> 0"

#: Levels after which the walk gives up its level-by-level way: it is quadratic on a long chain.
_LEVELS_MAX = 200

_FORWARD = f"""
CREATE OR REPLACE FUNCTION trace_forward(starts bigint[], most bigint)
RETURNS TABLE (lot bigint, first bigint, units integer) LANGUAGE plpgsql ROWS 10000 {_DEFINER} AS $$
DECLARE
    fresh bigint[] := ARRAY(SELECT DISTINCT unnest(starts));
    seen bigint[] := fresh;
    of_lot bigint[];
    unit_first bigint[];
    unit_count integer[];
    level integer := 0;
BEGIN
    WHILE cardinality(fresh) > 0 AND cardinality(seen) <= most AND level < {_LEVELS_MAX} LOOP
        SELECT array_agg(e.child) FILTER (WHERE e.units = 0),
               array_agg(e.parent) FILTER (WHERE e.units > 0),
               array_agg(e.child) FILTER (WHERE e.units > 0),
               array_agg(e.units) FILTER (WHERE e.units > 0)
        INTO fresh, of_lot, unit_first, unit_count
        FROM trace_edge e WHERE e.parent = ANY (fresh) AND e.voided_by IS NULL;
        RETURN QUERY SELECT * FROM unnest(of_lot, unit_first, unit_count);
        fresh := ARRAY(SELECT unnest(fresh) EXCEPT SELECT unnest(seen));
        seen := seen || fresh;
        level := level + 1;
    END LOOP;
    IF level = {_LEVELS_MAX} THEN
        of_lot := ARRAY(
            WITH RECURSIVE walk (node) AS (
                SELECT unnest(fresh)
                UNION
                SELECT e.child FROM walk JOIN trace_edge e ON e.parent = walk.node
                WHERE e.voided_by IS NULL AND {LOT_AHEAD.format("e")}
            )
            SELECT node FROM walk EXCEPT (SELECT unnest(seen) EXCEPT SELECT unnest(fresh))
        );
        RETURN QUERY SELECT e.parent, e.child, e.units FROM trace_edge e
            WHERE e.parent = ANY (of_lot) AND e.voided_by IS NULL AND {DEVICES_OF.format("e")};
        seen := seen || ARRAY(SELECT unnest(of_lot) EXCEPT SELECT unnest(fresh));
    END IF;
    RETURN QUERY SELECT node, NULL::bigint, 0 FROM unnest(seen) found (node) LIMIT most;
END $$;"""

#: The lots alone: no serialised devices are read, and one array is handed over instead of rows.
_LOTS = f"""
CREATE OR REPLACE FUNCTION trace_lots(starts bigint[], most bigint)
RETURNS bigint[] LANGUAGE plpgsql {_DEFINER} AS $$
DECLARE
    fresh bigint[] := ARRAY(SELECT DISTINCT unnest(starts));
    seen bigint[] := fresh;
    level integer := 0;
BEGIN
    WHILE cardinality(fresh) > 0 AND cardinality(seen) <= most AND level < {_LEVELS_MAX} LOOP
        fresh := ARRAY(
            SELECT e.child FROM trace_edge e
            WHERE e.parent = ANY (fresh) AND e.voided_by IS NULL AND {LOT_AHEAD.format("e")}
            EXCEPT SELECT unnest(seen)
        );
        seen := seen || fresh;
        level := level + 1;
    END LOOP;
    IF level = {_LEVELS_MAX} THEN
        seen := seen || ARRAY(
            WITH RECURSIVE walk (node) AS (
                SELECT unnest(fresh)
                UNION
                SELECT e.child FROM walk JOIN trace_edge e ON e.parent = walk.node
                WHERE e.voided_by IS NULL AND {LOT_AHEAD.format("e")}
            )
            SELECT node FROM walk EXCEPT SELECT unnest(seen)
        );
    END IF;
    RETURN seen[:most];
END $$;"""

_BACKWARD = f"""
CREATE OR REPLACE FUNCTION trace_backward(starts bigint[], most bigint)
RETURNS SETOF bigint LANGUAGE sql ROWS 1000 {_DEFINER} AS $$
    WITH RECURSIVE walk (lot) AS (
        SELECT unnest(starts)
        UNION
        SELECT e.parent FROM walk JOIN trace_edge e ON e.child = walk.lot
        WHERE e.voided_by IS NULL AND e.units = 0
    )
    SELECT lot FROM walk LIMIT most
$$;"""

_EDGES = f"""
CREATE OR REPLACE FUNCTION trace_edges(lots bigint[], forward boolean, most bigint)
RETURNS TABLE (parent bigint, child bigint, step bigint, entry bigint, quantity numeric)
LANGUAGE sql ROWS 1000 {_DEFINER} AS $$
    SELECT e.parent, e.child, e.step, e.entry, e.quantity FROM trace_edge e
    WHERE forward AND e.parent = ANY (lots) AND e.voided_by IS NULL AND {LOT_AHEAD.format("e")}
    UNION ALL
    SELECT e.parent, e.child, e.step, e.entry, e.quantity FROM trace_edge e
    WHERE NOT forward AND e.child = ANY (lots) AND e.voided_by IS NULL AND e.units = 0
    LIMIT most
$$;"""

#: A unit lies in the last range that begins at or before it, if that range is long enough.
_LOTS_OF_UNITS = f"""
CREATE OR REPLACE FUNCTION trace_lots_of_units(asked bigint[])
RETURNS TABLE (unit bigint, lot bigint) LANGUAGE sql ROWS 100 {_DEFINER} AS $$
    SELECT wanted.unit, range.parent
    FROM unnest(asked) wanted (unit) CROSS JOIN LATERAL (
        SELECT e.parent, e.child + e.units AS behind FROM trace_edge e
        WHERE e.child <= wanted.unit AND e.voided_by IS NULL AND e.units > 0
        ORDER BY e.child DESC LIMIT 1
    ) range
    WHERE wanted.unit < range.behind
$$;"""

#: Which of the lots asked about are blocked. Open holds that spread are few, so the cheap question comes
#: first: is one of them among the ancestors at all? Only then is it worked out which lot has it.
_BLOCKED = f"""
CREATE OR REPLACE FUNCTION trace_blocked(asked bigint[])
RETURNS TABLE (lot bigint, hold bigint, covers bigint) LANGUAGE plpgsql ROWS 10 {_DEFINER} AS $$
DECLARE
    suspects bigint[] := ARRAY(
        SELECT h.lot_id FROM hold h
        WHERE h.state = 'open' AND h.lot_id IS NOT NULL AND h.spreads AND NOT h.voided
    );
BEGIN
    RETURN QUERY SELECT h.lot_id, h.num, h.lot_id FROM hold h
        WHERE h.lot_id = ANY (asked) AND h.state = 'open' AND NOT h.voided;
    IF cardinality(suspects) = 0 THEN
        RETURN;
    END IF;
    suspects := ARRAY(
        SELECT node FROM trace_backward(asked, {LOTS_MAX}) walk (node) INTERSECT SELECT unnest(suspects)
    );
    IF cardinality(suspects) = 0 THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH RECURSIVE walk (start, node) AS (
            SELECT one, one FROM unnest(asked) one
            UNION
            SELECT walk.start, e.parent FROM walk JOIN trace_edge e ON e.child = walk.node
            WHERE e.voided_by IS NULL AND e.units = 0
        )
        SELECT walk.start, h.num, h.lot_id FROM walk JOIN hold h ON h.lot_id = walk.node
        WHERE walk.node = ANY (suspects) AND walk.start <> walk.node
            AND h.state = 'open' AND h.spreads AND NOT h.voided;
END $$;"""

_SIGNATURES = (
    "trace_forward(bigint[], bigint)",
    "trace_backward(bigint[], bigint)",
    "trace_edges(bigint[], boolean, bigint)",
    "trace_lots_of_units(bigint[])",
    "trace_blocked(bigint[])",
)
FUNCTIONS = _FORWARD + _BACKWARD + _EDGES + _LOTS_OF_UNITS + _BLOCKED
DROP_FUNCTIONS = "".join(f"DROP FUNCTION {signature};" for signature in _SIGNATURES)


def rights(signatures: Iterable[str]) -> str:
    """The tracer owns them, and the application alone runs them."""
    return "".join(
        f"""
ALTER FUNCTION {signature} OWNER TO medloom_tracer;
REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {signature} TO medloom_app;"""
        for signature in signatures
    )


RIGHTS = "GRANT SELECT ON trace_edge, hold TO medloom_tracer;" + rights(_SIGNATURES)
LOTS_FUNCTION = _LOTS + rights(["trace_lots(bigint[], bigint)"])
DROP_LOTS_FUNCTION = "DROP FUNCTION trace_lots(bigint[], bigint);"


@dataclass(frozen=True)
class Reach:
    """Internal numbers of the lots that a walk reached, its starts included; `cut` if there were more."""

    lots: tuple[int, ...]
    cut: bool


@dataclass(frozen=True)
class Units:
    """The serialised devices `first` to `first + units - 1`, by internal number, of one lot."""

    lot: int
    first: int
    units: int


@dataclass(frozen=True)
class Edge:
    """One proven consumption: `quantity` of lot `parent`, in base units (g as kg), went into `child`."""

    parent: int
    child: int
    step: int
    entry: int
    quantity: Decimal | None


@dataclass(frozen=True)
class Blocked:
    """Lot `lot` may not be used: open hold `hold` covers it, or covers its ancestor `covers` and spreads."""

    lot: int
    hold: int
    covers: int


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def forward(starts: Iterable[int], *, most: int = LOTS_MAX) -> Reach:
    """What `starts` went into: every lot the caller may see, also where the way leads through others."""
    found = _rows(
        "SELECT num FROM lot WHERE num = ANY ((SELECT trace_lots(%s::bigint[], %s))::bigint[])",
        [list(starts), most + 1],
    )
    return Reach(tuple(row[0] for row in found[:most]), cut=len(found) > most)


def backward(starts: Iterable[int], *, most: int = LOTS_MAX) -> Reach:
    """What `starts` were made of: every lot the caller may see, also where the way leads through others."""
    found = _rows(
        "SELECT num FROM lot WHERE num = ANY (ARRAY(SELECT trace_backward(%s::bigint[], %s)))",
        [list(starts), most + 1],
    )
    return Reach(tuple(row[0] for row in found[:most]), cut=len(found) > most)


def units(starts: Iterable[int], *, most: int = LOTS_MAX) -> list[Units]:
    """The serialised devices that `starts` went into, as ranges, of lots the caller may see."""
    found = _rows(
        """SELECT walk.lot, walk.first, walk.units FROM trace_forward(%s::bigint[], %s) walk
           JOIN lot ON lot.num = walk.lot WHERE walk.units > 0 ORDER BY walk.first""",
        [list(starts), most],
    )
    return [Units(*row) for row in found]


def lots_of_units(asked: Iterable[int]) -> dict[int, int]:
    """Unit -> its lot, for units of lots the caller may see."""
    found = _rows(
        "SELECT found.unit, found.lot FROM trace_lots_of_units(%s::bigint[]) found"
        " JOIN lot ON lot.num = found.lot",
        [list(asked)],
    )
    return dict(found)


def _edges(lots: Iterable[int], *, ahead: bool, most: int) -> list[Edge]:
    found = _rows(
        """SELECT edge.parent, edge.child, edge.step, edge.entry, edge.quantity
           FROM trace_edges(%s::bigint[], %s, %s) edge
           JOIN lot parent ON parent.num = edge.parent JOIN lot child ON child.num = edge.child
           ORDER BY edge.entry, edge.parent, edge.child""",
        [list(lots), ahead, most],
    )
    return [Edge(*row) for row in found]


def made_of(lots: Iterable[int], *, most: int = NEIGHBOURS_MAX) -> list[Edge]:
    """One step back: what each of `lots` was made of. Both ends must be visible to the caller."""
    return _edges(lots, ahead=False, most=most)


def used_in(lots: Iterable[int], *, most: int = NEIGHBOURS_MAX) -> list[Edge]:
    """One step forward: where each of `lots` was used. Both ends must be visible to the caller."""
    return _edges(lots, ahead=True, most=most)


_BLOCKED = "SELECT lot, hold, covers FROM trace_blocked(%s::bigint[])"


def blocked(lots: Iterable[int]) -> list[Blocked]:
    """Which of `lots` are blocked, by which open hold.

    A hold that spreads blocks what was made of its lot whoever may see that lot: the caller learns that
    his lot is blocked and by which hold's number, and reads the hold itself only if he may.
    """
    return [Blocked(*row) for row in _rows(_BLOCKED, [list(lots)])]


def void_earlier(cursor: Any, written: Sequence[Written]) -> None:
    """Take back the edges that earlier versions of these records had proven; a correction replaces them.

    An index on `step` would cost every insert for the sake of rare corrections; the earlier entries are
    few, and the block-range index on `entry` finds their edges.
    """
    corrected = [record for record in written if record.version > 1]
    if not corrected:
        return
    cursor.execute(
        """UPDATE trace_edge e SET voided_by = new.seq
           FROM unnest(%s::bigint[], %s::bigint[]) new (step, seq)
           JOIN entry own ON own.seq = new.seq
           JOIN entry old ON old.object = own.object AND old.verdict = 'accepted' AND old.seq < new.seq
           WHERE e.entry = old.seq AND e.step = new.step AND e.voided_by IS NULL""",
        (
            [record.num for record in corrected],
            [record.seq for record in corrected],
        ),
    )
    _keep_inputs(cursor, [r for r in corrected if r.refs.get("output_lot") and "inputs" not in r.lines])


def _keep_inputs(cursor: Any, records: Sequence[Written]) -> None:
    """A correction that does not repeat the lots that went in leaves them standing, and so their edges."""
    if records:
        cursor.execute(
            """INSERT INTO trace_edge (parent, child, step, entry, site, quantity)
               SELECT line.lot_id, new.child, new.step, new.seq, new.site,
                      CASE WHEN count(line.quantity) = count(*)
                           THEN sum(line.quantity * CASE WHEN line.unit = 'g' THEN 0.001 ELSE 1 END) END
               FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[]) new (step, child, seq, site)
               JOIN step_input line ON line.parent_id = new.step AND line.until IS NULL
               WHERE line.lot_id <> new.child GROUP BY 1, 2, 3, 4, 5""",
            (
                [record.num for record in records],
                [record.refs["output_lot"] for record in records],
                [record.seq for record in records],
                [record.asked.home for record in records],
            ),
        )
