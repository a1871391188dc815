"""Functions and indexes of scopes, laid down by migration 0004. Why they look so: trace/queries.py.

Against the plain walks there: each lot comes with its distance, the lot before it and the proving entry,
which costs a look into the table beside the index.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from medloom.kernel import beside
from medloom.materials.queries import ANY_NEWER, NEWEST_HOLD
from medloom.trace.queries import DEVICES_OF, LOT_AHEAD, rights

#: Levels after which the walk no longer counts them; what lies further is told as one level more.
LEVELS_MOST = 200

_LEVEL = """
            SELECT array_agg(found.node), array_agg(found.via), array_agg(found.entry)
            INTO nodes, vias, proofs FROM (
                SELECT DISTINCT ON (e.{node}) e.{node} AS node, e.{via} AS via, e.entry FROM trace_edge e
                WHERE e.{via} = ANY (fresh) AND e.voided_by IS NULL AND {lots}
                ORDER BY e.{node}, e.entry, e.{via}) found;"""
_REST = """
        fresh := ARRAY(
            WITH RECURSIVE walk (node) AS (
                SELECT unnest(fresh)
                UNION
                SELECT e.{node} FROM walk CROSS JOIN LATERAL (
                    SELECT i.{node} FROM trace_edge i
                    WHERE i.{via} = walk.node AND i.voided_by IS NULL AND {far} OFFSET 0) e
            )
            SELECT node FROM walk);
        RETURN QUERY SELECT DISTINCT ON (e.{node}) e.{node}, {levels} + 1, e.{via}, e.entry
            FROM unnest(fresh) far (node) CROSS JOIN LATERAL (
                SELECT i.{node}, i.{via}, i.entry FROM trace_edge i
                WHERE i.{via} = far.node AND i.voided_by IS NULL AND {far} OFFSET 0) e
            LEFT JOIN unnest(seen) known (node) ON known.node = e.{node}
            LEFT JOIN unnest(begun) first (node) ON first.node = e.{node}
            WHERE known.node IS NULL OR first.node IS NOT NULL
            ORDER BY e.{node}, e.entry, e.{via};"""


def _either(text: str) -> str:
    ahead = text.format(
        node="child", via="parent", levels=LEVELS_MOST, lots=LOT_AHEAD.format("e"), far=LOT_AHEAD.format("i")
    )
    back = text.format(node="parent", via="child", levels=LEVELS_MOST, lots="e.units = 0", far="i.units = 0")
    return f"IF ahead THEN{ahead}\n        ELSE{back}\n        END IF;"


#: Each lot reached with its distance, the lot before it and the proving entry. A start that the walk comes
#: back to is told again, with a distance. Nothing joins by nested loop here: the product of the arrays' sizes
#: would be paid; so hash joins are on, though the write door, which may call, has them off. Each level is
#: planned with its arrays at hand: the small one is hashed, and what was seen, which grows, is read through.
REACH_FUNCTION = f"""
CREATE OR REPLACE FUNCTION trace_reach(starts bigint[], ahead boolean, levels integer, most bigint)
RETURNS TABLE (lot bigint, distance integer, via bigint, entry bigint) LANGUAGE plpgsql ROWS 10000
STABLE SECURITY DEFINER
SET search_path = business, pg_temp SET jit = off SET work_mem = '64MB' SET enable_nestloop = off
SET enable_hashjoin = on
SET enable_bitmapscan = off SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    begun bigint[] := ARRAY(SELECT DISTINCT unnest(starts));
    fresh bigint[] := begun;
    seen bigint[] := begun;
    nodes bigint[];
    vias bigint[];
    proofs bigint[];
    known bigint[];
    level integer := 0;
BEGIN
    WHILE cardinality(fresh) > 0 AND cardinality(seen) <= most AND level < least(levels, {LEVELS_MOST}) LOOP
        level := level + 1;
        {_either(_LEVEL)}
        known := ARRAY(SELECT n.node FROM unnest(nodes) n (node)
            JOIN unnest(seen) s (node) ON s.node = n.node);
        RETURN QUERY SELECT found.node, level, found.via, found.entry
            FROM unnest(nodes, vias, proofs) found (node, via, entry)
            LEFT JOIN unnest(known) again (node) ON again.node = found.node
            LEFT JOIN unnest(begun) first (node) ON first.node = found.node
            WHERE again.node IS NULL OR first.node IS NOT NULL;
        fresh := ARRAY(SELECT unnest(nodes) EXCEPT SELECT unnest(known));
        seen := seen || fresh;
    END LOOP;
    IF cardinality(fresh) > 0 AND level = {LEVELS_MOST} AND level < levels THEN
        {_either(_REST)}
    END IF;
END $$;
CREATE OR REPLACE FUNCTION trace_devices(lots bigint[])
RETURNS TABLE (lot bigint, first bigint, units integer, step bigint) LANGUAGE sql ROWS 1000
STABLE SECURITY DEFINER
SET search_path = business, pg_temp SET jit = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_bitmapscan = off SET enable_seqscan = off AS $$
    SELECT e.parent, e.child, e.units, e.step FROM trace_edge e
    WHERE e.parent = ANY (lots) AND e.voided_by IS NULL AND {DEVICES_OF.format("e")}
$$;"""
_SIGNATURES = ("trace_reach(bigint[], boolean, integer, bigint)", "trace_devices(bigint[])")
REACH_RIGHTS = rights(_SIGNATURES)
DROP_REACH = "".join(f"DROP FUNCTION {signature};" for signature in _SIGNATURES)

#: Which records have a reading, and which results a value, in a range: bare numbers, and the caller's own
#: row-level security decides which of these rows are answered. Asked of the tables themselves, the policy
#: comes before the comparison (numbers are not compared by a leakproof function), so every reading of that
#: name would be looked at: 200,000 for an answer of 20.
_IN_RANGE = """
CREATE OR REPLACE FUNCTION {function}(names text[], at_least numeric, at_most numeric, of_units text[])
RETURNS bigint[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = business, pg_temp SET jit = off SET enable_seqscan = off AS $$
BEGIN
    IF at_least IS NULL AND at_most IS NULL THEN
        RETURN ARRAY(SELECT p.{number} FROM {table} p WHERE p.{name} = ANY (names) AND {stands}
            AND (of_units IS NULL OR p.unit = ANY (of_units)));
    END IF;
    RETURN ARRAY(SELECT p.{number} FROM {table} p WHERE p.{name} = ANY (names) AND {stands}
        AND p.value >= coalesce(at_least, '-Infinity') AND p.value <= coalesce(at_most, 'Infinity')
        AND (of_units IS NULL OR p.unit = ANY (of_units)));
END $$;"""
RANGE_FUNCTIONS = _IN_RANGE.format(
    function="trace_readings",
    number="parent_id",
    table="step_parameter",
    name="name",
    stands="p.until IS NULL",
) + _IN_RANGE.format(
    function="trace_values", number="num", table="result", name="characteristic", stands="NOT p.voided"
)
_RANGE_SIGNATURES = tuple(
    f"{name}(text[], numeric, numeric, text[])" for name in ("trace_readings", "trace_values")
)
RANGE_RIGHTS = "GRANT SELECT ON step_parameter, result TO medloom_tracer;" + rights(_RANGE_SIGNATURES)
DROP_RANGES = "".join(f"DROP FUNCTION {signature};" for signature in _RANGE_SIGNATURES)

#: What groups are looked up by. Partial where most rows have nothing to be asked for, so that a plant that
#: names no operator pays for none.
SCOPE_INDEXES = """
CREATE INDEX step_parameter_scope ON step_parameter (name, value) WHERE until IS NULL;
CREATE INDEX step_record_operator ON step_record (operator, day) WHERE operator IS NOT NULL;
CREATE INDEX result_scope ON result (characteristic, value) WHERE characteristic IS NOT NULL;
CREATE INDEX result_inspector ON result (inspector) WHERE inspector IS NOT NULL;
CREATE INDEX result_measured ON result USING brin (measured);
CREATE INDEX step_record_program ON step_record (program) WHERE program IS NOT NULL;
CREATE INDEX receipt_number ON receipt (partner_lot) WHERE partner_lot IS NOT NULL;
CREATE INDEX shipment_shipped ON shipment (shipped);
CREATE INDEX lot_made ON lot USING brin (made);
"""
DROP_SCOPE_INDEXES = """DROP INDEX step_parameter_scope, step_record_operator, result_scope, result_inspector,
    result_measured, step_record_program, receipt_number, shipment_shipped, lot_made;"""

#: Runs that lie beyond the days around their record's own: a week in the ageing chamber has one day, that of
#: its begin or its end. They are few, so they have an index of their own, and a window of time is asked of
#: them apart; all others are narrowed by their day. (A constant zone, or no index could hold the condition.)
_FAR = """(coalesce(r.started, r.ended) < ((r.day - 1)::timestamp AT TIME ZONE 'UTC')
    OR coalesce(r.ended, r.started) > ((r.day + 2)::timestamp AT TIME ZONE 'UTC'))"""
FAR_INDEX = f"CREATE INDEX step_record_far ON step_record (day) WHERE {_FAR.replace('r.', '')};"
DROP_FAR_INDEX = "DROP INDEX step_record_far;"
_FAR_SIGNATURE = "trace_far_runs(timestamptz, timestamptz)"
FAR_FUNCTION = f"""
CREATE OR REPLACE FUNCTION trace_far_runs(at_least timestamptz, at_most timestamptz)
RETURNS bigint[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = business, pg_temp SET jit = off SET enable_seqscan = off AS $$
    SELECT ARRAY(SELECT r.num FROM step_record r WHERE {_FAR}
        AND coalesce(r.ended, r.started) >= coalesce(at_least, '-infinity')
        AND coalesce(r.started, r.ended) <= coalesce(at_most, 'infinity'))
$$;"""
FAR_RIGHTS = "GRANT SELECT ON step_record TO medloom_tracer;" + rights([_FAR_SIGNATURE])
DROP_FAR = f"DROP FUNCTION {_FAR_SIGNATURE};"


_BLOCKED = "SELECT lot, hold, covers FROM trace_blocked(%s::bigint[])"


def ask_blocked(cursor: Any, lots: Iterable[int]) -> Any:
    """The question of `queries.blocked` on the write door's cursor, which goes on asking before it reads.

    A hold that is committed beside it, on one of these lots or on an ancestor, makes the batch lose its race.
    """
    asked = list(lots)
    beside.note(cursor, NEWEST_HOLD, partial(_newly_blocked, asked))
    return cursor.execute(_BLOCKED, (asked,))


def _newly_blocked(lots: list[int], mark: int) -> tuple[str, tuple[Any, ...]]:
    condition = f"""CASE WHEN {ANY_NEWER} THEN EXISTS (
        SELECT 1 FROM trace_blocked(%s::bigint[]) b JOIN hold h ON h.num = b.hold WHERE h.entry > %s)
        ELSE false END"""
    return condition, (mark, lots, mark)
