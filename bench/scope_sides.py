"""scope_ms: a recall scope from each side at a million serialised devices; scope_growth: against a tenth."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

from bench.context import Context
from bench.figure import Figure
from bench.genealogy import Genealogy, generate, load
from medloom.kernel.cursor import Cursor
from medloom.trace.accounts.queries import devices
from medloom.trace.frozen.queries import draw
from medloom.trace.scopes.consigned import consigned
from medloom.trace.scopes.expression import parse
from medloom.trace.scopes.queries import evaluate

#: Edges that make about a hundred thousand and a million devices (100 in a finished lot, 60 % of the lots).
SIZES = (8_000, 80_000)
REPEATS = 9
MACHINES, OPERATORS, LOTS_PER_DAY, ITEMS, GAUGES, CONSIGNEES = 40, 60, 40, 50, 12, 200

LIMITS = (
    "The whole of what the page shows while a person types: the lots that fit, all that was made of them, "
    "and their devices. Most of it is the walk and handing its rows over to Python; the lots that fit are "
    "found by index. `scope_page_ms` adds quantities, names and consignees of every lot."
)
GROWTH = (
    "The same questions, asked at a tenth of the size and at the whole: cost for each lot of the answer, "
    "large against small. Small answers cost a fixed part of about a millisecond for each statement, "
    "whatever the size."
)
READINGS = """insert into step_parameter (parent_id, line, since, name, value, unit)
    select n, p, 1, 'P' || p, (n::bigint * 7919 * p) % {lots}, 'mm'
    from generate_series(1, {lots}) n, generate_series(1, 5) p"""
SENT = """insert into shipment_line (parent_id, line, since, lot_id, quantity, unit)
    select {far} + n, 1, 1, n, 80, '1' from generate_series(1, {lots}) n"""
_HEAD = "num, object, site, key, version, changed, entry, placeholder, voided"
_ROW = "gen_random_uuid(), 'A', {key}, 1, '{{}}', {num}, false, false"


def _insert(table: str, columns: str, values: str, *, num: str, key: str, count: str) -> str:
    return (
        f"insert into {table} ({_HEAD}, {columns}) "  # noqa: S608 - names of this file alone
        f"select {num}, {_ROW.format(key=key, num=num)}, {values} from generate_series({count}) n"
    )


def _statements(lots: int) -> list[str]:
    far = 10 * lots
    every = f"1, {lots}"
    return [
        _insert("lot", "number, state, item_id", f"'L' || n, 'pending', {far} + n % {ITEMS}", num="n",
                key="'L' || n", count=every),
        _insert("item", "number", "'I' || n", num=f"{far} + n", key="'I' || n", count=f"0, {ITEMS - 1}"),
        _insert("equipment", "number, kind", "'M' || n, 'machine'", num=f"{far} + 1000 + n", key="'M' || n",
                count=f"0, {MACHINES - 1}"),
        _insert("gauge", "number, state", "'G' || n, 'in_service'", num=f"{far} + 2000 + n", key="'G' || n",
                count=f"0, {GAUGES - 1}"),
        _insert("consignee", "code", "'C' || n", num=f"{far} + 3000 + n", key="'C' || n",
                count=f"0, {CONSIGNEES - 1}"),
        _insert("alias", "partner, number, lot_id, same", "'SUP', 'S' || n, n, true",
                num=f"{far} + 10000 + n", key="'SUP/S' || n", count=every),
        _insert(
            "step_record", "number, day, machine_id, operator, program, output_lot_id, total, good",
            f"'R' || n, date '2024-01-01' + n / {LOTS_PER_DAY}, {far} + 1000 + n % {MACHINES}, "
            f"'op-' || n % {OPERATORS}, 'O' || n % 300, n, 100, 100",
            num="n", key="'R' || n", count=every,
        ),
        READINGS.format(lots=lots),
        _insert("result", "number, lot_id, characteristic, value, unit, gauge_id, measured",
                f"'Q' || n, n, 'width', (n::bigint * 104729) % {lots}, 'mm', {far} + 2000 + n % {GAUGES}, "
                f"timestamptz '2024-01-01Z' + n * interval '36 minutes'",
                num=f"{5 * far} + n", key="'Q' || n", count=every),
        _insert("shipment", "number, consignee_id, shipped", f"'SH' || n, {far} + 3000 + n % {CONSIGNEES}, "
                f"date '2024-01-02' + n / {LOTS_PER_DAY}",
                num=f"{7 * far} + n", key="'SH' || n", count=every),
        SENT.format(lots=lots, far=7 * far),
        "analyze",
    ]  # fmt: skip


def _questions(found: Genealogy) -> dict[str, str]:
    """Side -> a question that fits a handful of lots in the middle, at any size of the database."""
    lots, material = found.lots, found.material()[-3:].tolist()
    day = np.datetime64("2024-01-01") + lots // 2 // LOTS_PER_DAY
    until = day + 7
    narrow = f"{lots // 2}..{lots // 2 + 5}"
    return {
        "material lot": f'lot = "L{material[0]}"',
        "suppliers' lots": f'supplier_lot = "S{material[1]}", "S{material[2]}"',
        "item and day": f'item = "I7"; day = {day}..{until}',
        "machine and days": f'machine = "M7"; day = {day}..{until}',
        "operator and days": f'operator = "op-7"; day = {day}..{until}',
        "program and days": f'program = "O7"; day = {day}..{until + 60}',
        "window of moments": f"time = {day}T00:00Z..{day}T03:00Z",
        "reading in a range": f'parameter = "P3"; reading = {narrow}',
        "measured value in a range": f'characteristic = "width"; value = {narrow}',
        "gauge and moments": f'gauge = "G7"; measured = {day}T00:00Z..{until}T00:00Z',
        "consignee": f'consignee = "C7"; shipped = {day}..{until}',
    }


def _world(context: Context, edges: int) -> tuple[Genealogy, Cursor]:
    name = f"bench_scope_{edges}"
    context.prepare(name)
    found = generate(edges)
    context.say(f"loading {found.lots:,} lots with {int(found.devices.sum()):,} devices")
    with context.admin(name) as admin:
        load(admin, found)
        for statement in _statements(found.lots):
            admin.execute(statement)
        admin.execute("vacuum (analyze) trace_edge")
    link = context.app()
    link.execute("select set_config('medloom.site', '*', false)")
    link.autocommit = False  # a scope is asked within a transaction, as a page asks it
    return found, Cursor(link)


def _ask(cursor: Cursor, text: str) -> tuple[float, int]:
    expression = parse(text)
    began = time.perf_counter()
    found = evaluate(cursor, expression)
    devices(cursor, found.portions)
    took = (time.perf_counter() - began) * 1e3
    cursor.commit()
    return took, len(found.portions)


def measure(context: Context) -> list[Figure]:
    """Each side at both sizes, turn by turn: the machine's mood changes within seconds."""
    worlds = {edges: _world(context, edges) for edges in (SIZES[:1] if context.quick else SIZES)}
    large = max(worlds)
    found, cursor = worlds[large]
    median: dict[str, float] = {}
    pages: list[float] = []
    growth: list[float] = []
    detail: dict[str, Any] = {}
    grown: dict[str, Any] = {}
    for side in _questions(found):
        costs: dict[int, list[float]] = {edges: [] for edges in worlds}
        lots = dict.fromkeys(worlds, 1)
        for _ in range(REPEATS):
            for edges, (world, asked) in worlds.items():
                took, lots[edges] = _ask(asked, f"affected({{{_questions(world)[side]}}})")
                costs[edges].append(took)
        text = f"affected({{{_questions(found)[side]}}})"
        began = time.perf_counter()
        drawn = draw(cursor, parse(text), text)
        consigned(drawn.handed, drawn.lines, as_of=0)
        pages.append((time.perf_counter() - began) * 1e3)
        cursor.commit()
        median[side] = statistics.median(costs[large])
        told = f"{median[side]:.1f} ms for {lots[large]:,} lots with {drawn.devices:,} devices"
        detail[side] = told
        context.say(f"{side}: {told}")
        ratio = (
            min(costs[large]) / max(lots[large], 1) / (min(costs[min(worlds)]) / max(lots[min(worlds)], 1))
        )
        growth.append(ratio)
        grown[side] = ratio
    size = {"lots": found.lots, "devices": int(found.devices.sum()), "edges": len(found.parents)}
    return [
        Figure("scope_ms", "ms", list(median.values()), LIMITS, reach=1_000, detail=size | detail),
        Figure("scope_page_ms", "ms", pages, LIMITS, reach=1_000),
        Figure("scope_growth", "x", growth, GROWTH, reach=1.5, detail=grown),
    ]
