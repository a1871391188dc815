"""trace_growth: what a traced lot costs in a large database against a small one; reach 1.5."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.context import Context
from bench.figure import Figure
from bench.genealogy import Genealogy, world

SIZES = (100_000, 1_000_000, 10_000_000)
LOTS = 3_000
ANSWERS = 9
REPEATS = 11
WALK = "SELECT count(*) FILTER (WHERE units = 0), sum(units) FROM trace_forward(%s::bigint[], 1000000)"

LIMITS = (
    "The walk touches only index pages of its answer; what grows is the depth of the B-tree (one page more "
    "for a hundredfold size) and the share of pages outside the processor's and the server's caches."
)


def measure(context: Context) -> list[Figure]:
    """Time per answered lot at each size, on answers of about the same size, the sizes turn by turn."""
    sizes = SIZES[:2] if context.quick else SIZES
    worlds = {edges: world(context, edges) for edges in sizes}
    costs: dict[int, list[float]] = {edges: [] for edges in sizes}
    for seed in range(ANSWERS):
        asked = {edges: _starts(found, app, seed) for edges, (found, app) in worlds.items()}
        best = dict.fromkeys(sizes, float("inf"))
        for _ in range(REPEATS):
            for edges, (starts, _) in asked.items():
                best[edges] = min(best[edges], _time(worlds[edges][1], starts))
        for edges, (_, lots) in asked.items():
            costs[edges].append(best[edges] * 1e6 / lots)
    ratios = [large / small for small, large in zip(costs[sizes[0]], costs[sizes[-1]], strict=True)]
    detail: dict[str, Any] = {f"us_per_lot_at_{n:_}_edges": float(np.median(c)) for n, c in costs.items()}
    detail["lots_in_an_answer"] = f"{LOTS:,} or a few more; the best of {REPEATS} repeats of each answer"
    return [Figure("trace_growth", "x", ratios, LIMITS, reach=1.5, detail=detail)]


def _starts(found: Genealogy, app: Any, seed: int) -> tuple[list[int], int]:
    """Material lots, drawn at random, that went into at least LOTS lots; and how many these are."""
    drawn = np.random.default_rng(seed).permutation(found.material()).tolist()
    chosen, lots = 0, 0
    while lots < LOTS:
        chosen += 1
        lots = app.execute(WALK, [drawn[:chosen]]).fetchone()[0]
    return drawn[:chosen], lots


def _time(app: Any, starts: list[int]) -> float:
    began = time.perf_counter()
    app.execute(WALK, [starts]).fetchone()
    return time.perf_counter() - began
