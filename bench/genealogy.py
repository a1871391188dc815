"""A generated genealogy of outsourced device making, and loading it into trace_edge.

Four levels in time order: material lots, parts, assemblies, finished devices. Each lot made takes two lots of
the level below it and three material lots, all from a recent window, as first-in-first-out consumption does.
Finished lots consist of 20 to 180 serialised devices, 100 on average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from bench.context import Context
from medloom.trace import queries
from medloom.trace.tests.oracle import Graph, Ints

#: Share of lots by level, material lots first.
SHARES = (0.04, 0.10, 0.26, 0.60)
INPUTS = 5
FROM_BELOW = 2
WINDOW_LOTS = 200
DEVICES = (20, 181)


@dataclass(frozen=True)
class Genealogy:
    """Lots are numbered from 1 in time order; devices of finished lot i from `first[i]` on."""

    lots: int
    level: NDArray[np.int8]
    parents: Ints
    children: Ints
    finished: Ints
    devices: Ints

    @property
    def first(self) -> Ints:
        """Number of the first device of each finished lot; devices count from 1."""
        return np.cumsum(self.devices) - self.devices + 1

    def material(self) -> Ints:
        """The material lots of the older half: what they went into is complete."""
        found = np.flatnonzero(self.level == 0) + 1
        return found[: len(found) // 2]


def generate(edges: int, *, seed: int = 1) -> Genealogy:
    """About `edges` edges from lot to lot (a few fewer: the very first lots find nothing to consume)."""
    random = np.random.default_rng(seed)
    lots = round(edges / INPUTS / (1 - SHARES[0]))
    level = random.choice(4, size=lots, p=SHARES).astype(np.int8)
    of_level = [np.flatnonzero(level == number) for number in range(4)]
    parents, children = [], []
    for number in (1, 2, 3):
        made = of_level[number]
        for position in range(INPUTS):
            source = of_level[number - 1 if position < FROM_BELOW else 0]
            there = np.searchsorted(source, made)
            taken = np.maximum(there - random.integers(1, WINDOW_LOTS, size=len(made)), 0)
            some = there > 0
            parents.append(source[taken[some]])
            children.append(made[some])
    pairs = np.unique(np.concatenate(children).astype(np.int64) * lots + np.concatenate(parents))
    finished = of_level[3] + 1
    devices = random.integers(*DEVICES, size=len(finished))
    return Genealogy(lots, level, pairs % lots + 1, pairs // lots + 1, finished, devices)


def with_devices(found: Genealogy) -> Graph:
    """The graph in which every device is a node of its own: lots first, then devices in order."""
    nodes = found.lots + 1 + int(found.devices.sum()) + 1
    degrees = np.bincount(found.parents, minlength=nodes)
    degrees[found.finished] += found.devices
    begins = np.concatenate([[0], np.cumsum(degrees)])
    del degrees
    targets = np.empty(int(begins[-1]), dtype=np.int32)
    order = np.argsort(found.parents, kind="stable")
    sources = found.parents[order]
    runs = np.arange(len(sources)) - np.searchsorted(sources, sources)
    targets[begins[sources] + runs] = found.children[order]
    # finished lots lead to devices only, which follow one another
    places = np.repeat(begins[found.finished] - found.first + 1, found.devices)
    numbers = np.arange(int(found.devices.sum()))
    targets[places + numbers] = found.lots + 1 + numbers
    return Graph.of_rows(begins=begins, targets=targets)


def load(admin: Any, found: Genealogy) -> None:
    """Replace what trace_edge holds: edges in time order, then the devices as ranges; indexes at the end."""
    admin.execute("TRUNCATE trace_edge")
    for index in ("trace_edge_forward", "trace_edge_backward", "trace_edge_unit", "trace_edge_entry"):
        admin.execute(f"DROP INDEX {index}")
    parents = np.concatenate([found.parents, found.finished])
    children = np.concatenate([found.children, found.first])
    units = np.concatenate([np.zeros(len(found.parents), dtype=np.int64), found.devices])
    # as the ledger writes them: a step's own edges and its devices one after another
    order = np.argsort(np.concatenate([found.children, found.finished]), kind="stable")
    _copy(admin, parents[order], children[order], units[order])
    admin.execute("SET maintenance_work_mem = '512MB'")
    admin.execute(queries.INDEXES)
    admin.execute("VACUUM (ANALYZE) trace_edge")
    admin.execute("CHECKPOINT")


def _copy(admin: Any, parents: Ints, children: Ints, units: Ints) -> None:
    wide = [(f"{name}{part}", kind) for name in "pcse" for part, kind in (("_length", ">i4"), ("", ">i8"))]
    shape = [("columns", ">i2"), *wide, ("u_length", ">i4"), ("u", ">i4"), ("t_length", ">i4"), ("t", "S1")]
    rows = np.zeros(len(parents), dtype=shape)
    rows["columns"] = 6
    steps = np.arange(len(parents)) + 1
    for name, values in zip("pcse", (parents, children, steps, steps), strict=True):
        rows[name], rows[f"{name}_length"] = values, 8
    rows["u"], rows["u_length"] = units, 4
    rows["t"], rows["t_length"] = b"A", 1
    with admin.cursor().copy(
        "COPY trace_edge (parent, child, step, entry, units, site) FROM STDIN (FORMAT binary)"
    ) as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        data = rows.tobytes()
        for begin in range(0, len(data), 1 << 22):
            copy.write(data[begin : begin + (1 << 22)])
        copy.write(b"\xff\xff")


def world(context: Context, edges: int) -> tuple[Genealogy, psycopg.Connection[Any]]:
    """The genealogy of that size in a database of its own, and the application's connection to it.

    Kept for the other benchmarks of the run, so that sizes can be measured turn by turn: the machine's mood
    changes within seconds.
    """
    kept = context.kept.setdefault("genealogies", {})
    if edges not in kept:
        name = f"bench_trace_{edges}"
        context.prepare(name)
        context.say(f"generating and loading {edges:,} edges")
        found = generate(edges)
        with context.admin(name) as admin:
            load(admin, found)
        kept[edges] = found, context.app()
    return kept[edges]
