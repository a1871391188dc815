"""trace_vs_numpy: a recall's walk in the database against a breadth-first search in memory; reach 1.5."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.context import Context
from bench.figure import Figure
from bench.genealogy import Genealogy, with_devices, world
from medloom.trace.tests.oracle import Graph, Ints

EDGES = 10_000_000
DEVICES = (100_000, 200_000, 300_000, 400_000, 500_000, 600_000)
REPEATS = 7
WALK = "SELECT count(*) FILTER (WHERE units = 0), sum(units) FROM trace_forward(%s::bigint[], 1000000)"

LIMITS = (
    "Both sides answer the same question: which lots and which single devices contain anything of these "
    "material lots. The database keeps a lot's devices as one range, the search in memory visits each of "
    "them, so the ratio falls with the devices in a lot: 100 on average here (see break_even_devices). "
    "Lot for lot the search in memory is far ahead (lots_only_ratio): an index page has to be found, pinned "
    "and read for nearly every lot, about 2 us. One array of the whole graph in memory would avoid that, and "
    "would be a second copy of the genealogy outside the transaction that proves it."
)


def measure(context: Context) -> list[Figure]:
    """Ratios over answers of 1e5 to 6e5 devices; each answer is first compared with the search's."""
    found, app = world(context, 1_000_000 if context.quick else EDGES)
    context.say("building the same graph in memory, every device a node")
    graph = with_devices(found)
    ratios, costs, rows = [], [], []
    lots_only = Graph(nodes=found.lots + 1, sources=found.parents, targets=found.children)
    only = []
    for number, devices in enumerate(DEVICES):
        starts = _starts(found, graph, devices, seed=number)
        wanted = graph.reach(starts)
        lots = int((wanted <= found.lots).sum())
        answer = app.execute(WALK, [starts.tolist()]).fetchone()
        if answer != (lots, len(wanted) - lots):
            raise AssertionError(
                f"the walk found {answer}, the search {lots} lots and {len(wanted) - lots} devices"
            )
        in_memory = [_search(graph, starts) for _ in range(REPEATS)]
        in_database = [_walk(app, starts) for _ in range(REPEATS)]
        ratios.append(float(np.median(in_database) / np.median(in_memory)))
        costs.append(float(np.median(in_database)) * 1e6 / lots)
        only.append(
            float(np.median(in_database))
            / float(np.median([_search(lots_only, starts) for _ in range(REPEATS)]))
        )
        rows.append(
            f"{len(wanted) - lots:,} devices in {lots:,} lots: database "
            f"{np.median(in_database) * 1e3:.1f} ms, memory {np.median(in_memory) * 1e3:.1f} ms"
        )
        context.say(rows[-1])
    per_device = float(np.median([_search(graph, starts) for _ in range(REPEATS)])) * 1e6 / len(wanted)
    detail = {
        "edges": len(found.parents),
        "lots": found.lots,
        "devices": int(found.devices.sum()),
        "answers": rows,
        "lots_only_ratio": float(np.median(only)),
        "break_even_devices": float(np.median(costs) / per_device / 1.5),
    }
    return [
        Figure("trace_vs_numpy", "x", ratios, LIMITS, reach=1.5, detail=detail),
        Figure(
            "trace_us_per_lot",
            "us",
            costs,
            "One index look-up for each lot of the answer; see trace_vs_numpy.",
        ),
    ]


def _starts(found: Genealogy, graph: Graph, devices: int, *, seed: int) -> Ints:
    """Material lots, drawn at random, that together lead to about that many devices."""
    drawn = np.random.default_rng(seed).permutation(found.material())
    chosen = 1
    while True:
        reached = graph.reach(drawn[:chosen])
        count = int((reached > found.lots).sum())
        if count >= devices * 0.97:
            return np.sort(drawn[:chosen])
        chosen += max(1, int(chosen * (devices - count) / max(count, 1) * 0.8))


def _search(graph: Graph, starts: Ints) -> float:
    began = time.perf_counter()
    graph.reach(starts)
    return time.perf_counter() - began


def _walk(app: Any, starts: Ints) -> float:
    asked = [starts.tolist()]
    began = time.perf_counter()
    app.execute(WALK, asked).fetchone()
    return time.perf_counter() - began
