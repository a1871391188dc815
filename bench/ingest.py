"""Ingest end to end: operations of realistic size over HTTP until they are durable, against what is possible.

Every run checks the verdicts it got, 1,980 of 2,000 accepted and 20 refused: a hub that refuses is fast, too.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection as django_connection

from bench import door
from bench.agent import enrol, open_session
from bench.context import Context
from bench.figure import Figure
from bench.floor import Floor, Write, recorded
from bench.hub import Web, prepared, push, sequencing, webs
from bench.plant import Plant
from medloom.process.state import connection

BATCH, SMALL = 2_000, 200
SINGLES = 300

FLOOR = (
    "One connection. The floor is the very same rows, COPYed into copies of the same tables with all their "
    "indexes and contents, nothing checked, read or locked."
)
BARE = "One site. The same bodies by COPY into a table without any index: one row for about ten."
BARE_TWO = (
    "Two sites, each with a worker of its own, against one connection's COPY; two cores serve everything."
)
RESEND = (
    "A known operation is found by the one index range over the chain's numbers that every push reads anyway."
)
SMALLER = "Each push pays its own signature checks, statements and commit, whatever its size."
SEQUENCER = "Draining: SHA-256 and the Merkle tree in Python, COPY of feed lines and leaves."
SINGLE = (
    "One shift record a request: the client and HTTP, two signature checks, the door's Python, 22 statements "
    "in eight trips to the database, and one durable commit. About 1.2 ms of it came with two safeguards: "
    "whole bodies are taken in before a thread is given, and open holds are looked at once more beside the "
    "commit (measured in turns with the tree before them: 7.1 and 8.4 ms)."
)
COMMIT = (
    "The same, in parts of one bare row by one statement and one durable commit of the same run: the "
    "milliseconds follow the disk and the processor of the hour."
)
MEMORY = "Django, psycopg, msgspec and a batch of 2,000 in work; the largest resident size of each worker."


@dataclass(frozen=True)
class Client:
    """A plant, the web process it talks to, and its session."""

    plant: Plant
    web: Web
    token: str


@dataclass
class Runs:
    """Operations a second of each variant, run by run."""

    rate: dict[str, list[float]] = field(default_factory=dict)
    ms: list[float] = field(default_factory=list)
    bare_ms: list[float] = field(default_factory=list)
    detail: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, operations: int, seconds: float) -> None:
        """Keep one run."""
        self.rate.setdefault(name, []).append(operations / seconds)

    def ratios(self, over: str, under: str, factor: float = 1) -> list[float]:
        """Run by run, `over` in parts of `under`."""
        pairs = zip(self.rate[over], self.rate[under], strict=True)
        return [factor * a / b for a, b in pairs]


def measure(context: Context) -> list[Figure]:
    """All figures of ingest, the variants and denominators turn by turn: the machine's mood changes."""
    rounds, batches = (2, 1) if context.quick else (5, 3)
    context.prepare("bench_ingest")
    context.django()
    from medloom.exchange.sequencer import start_epoch

    plants = [Plant(site, seed=number) for number, site in enumerate(("A", "B", "C"), 1)]
    for plant in plants:
        door.registrant(plant.site)
        enrol(plant)
    with context.app() as app:
        start_epoch(app)
    runs = Runs()
    with context.admin("bench_ingest") as admin:
        floor = Floor(admin)
        with webs(2) as sides:
            clients = [_enter(runs, plant, web) for plant, web in zip(plants, sides, strict=False)]
            known = _record(runs, floor, plants[2], rounds * batches)
            for number in range(rounds):
                _round(runs, clients, batches)
                part = slice(number * batches, (number + 1) * batches)
                runs.add("floor", batches * BATCH, floor.replay([writes for _, writes in known[part]]))
                runs.add("bare", batches * BATCH, floor.bare([raws for raws, _ in known[part]]))
                context.say(
                    f"round {number + 1}: " + ", ".join(f"{k} {v[-1]:,.0f}" for k, v in runs.rate.items())
                )
            admin.execute("CHECKPOINT")  # what the batches left to write is not the single operation's
            _single(runs, clients[0], floor)
            runs.detail["worker_memory_mb"] = [web.memory_mb() for web in sides]
            _sequence(context, runs, admin, clients[0], batches)
    django_connection.close()
    return _figures(runs)


def _enter(runs: Runs, plant: Plant, web: Web) -> Client:
    """Open the plant's session, send its masters and two batches that warm everything up."""
    client = Client(plant, web, open_session(plant, web.port))
    (sent,) = push((web, prepared(plant, client.token, [plant.push(plant.masters())])))
    if set(sent.verdicts) != {"accepted"}:
        raise AssertionError(f"the plant's masters: {sent.verdicts}")
    _send(runs, "warm-up", [client], 2, BATCH)
    return client


def _record(runs: Runs, floor: Floor, plant: Plant, batches: int) -> list[tuple[list[bytes], list[Write]]]:
    """Put a third plant's batches through the door in this process, keeping what the door writes."""
    raws = plant.masters()
    door.append_here(plant, raws, first=1)
    number, found = len(raws) + 1, []
    for batch in range(batches + 2):
        raws = plant.batch(BATCH)
        with recorded() as writes:
            began = time.perf_counter()
            door.append_here(plant, raws, first=number)
            seconds = time.perf_counter() - began
        number += len(raws)
        if batch == 1:  # the second one: the first has no changes of lots yet
            floor.prepare(writes)
        elif batch > 1:
            runs.add("in process", BATCH, seconds)
            found.append((raws, writes))
    return found


def _round(runs: Runs, clients: Sequence[Client], batches: int) -> None:
    """One run of every variant; fails when the two clients did not each have a worker of its own."""
    one, other = (client.web for client in clients)
    before, idle = one.cpu_s(), other.cpu_s()
    _send(runs, "one", clients[:1], batches, BATCH)
    _send(runs, "resend", clients[:1], batches, BATCH, resend=True)
    _send(runs, "small", clients[:1], BATCH // SMALL, SMALL)
    alone = other.cpu_s() - idle
    _send(runs, "two", clients, batches, BATCH)
    if alone > (one.cpu_s() - before) / 10 or other.cpu_s() - idle < 2 * alone:
        raise AssertionError("the two clients did not each have a worker of its own")


def _send(
    runs: Runs, name: str, clients: Sequence[Client], batches: int, size: int, *, resend: bool = False
) -> None:
    """Each plant pushes `batches` batches, all together; every verdict is checked."""
    requests, wanted, operations = [], [], 0
    for client in clients:
        plant, bodies, before = client.plant, [], client.plant.refused
        for _ in range(batches):
            raws = plant.batch(size - resend)
            runs.detail["bytes_an_operation"] = sum(map(len, raws)) / len(raws)
            bodies.append(plant.push(raws, resend=resend))
        wrong = plant.refused - before
        fine = batches * (size - resend) - wrong
        operations += batches * (size - resend)
        wanted.append({"accepted": fine, "quarantined": wrong} | ({"repeated": batches} if resend else {}))
        requests.append((client.web, prepared(plant, client.token, bodies)))
    sent = push(*requests)
    for each, counts in zip(sent, wanted, strict=True):
        found: Counter[str] = Counter()
        for verdict, count in each.verdicts.items():
            found["repeated" if verdict.startswith("repeated") else verdict] += count
        if found != Counter(counts):
            raise AssertionError(f"{name}: {dict(each.verdicts)} instead of {counts}")
    runs.add(name, operations, max(each.seconds for each in sent))


def _single(runs: Runs, client: Client, floor: Floor) -> None:
    """Requests of one shift record each, one after another; before and after, bare rows."""
    raws = [client.plant.single() for _ in range(SINGLES)]
    bodies = [client.plant.push([raw]) for raw in raws]
    runs.bare_ms = floor.singles(raws)
    (sent,) = push((client.web, prepared(client.plant, client.token, bodies)))
    if sent.verdicts != Counter(accepted=SINGLES):
        raise AssertionError(f"single operations: {sent.verdicts}")
    runs.ms = sent.ms[SINGLES // 10 :]
    runs.bare_ms += floor.singles(raws)


def _sequence(context: Context, runs: Runs, admin: Any, client: Client, batches: int) -> None:
    """Drain what nobody has sequenced so far, then run beside the product's sequencer and look at the lag."""
    from medloom.exchange.sequencer import Sequencer

    for _ in range(3):
        with psycopg.connect(**connection("sequencer", context.state), autocommit=True) as link:
            sequencer = Sequencer(link)
            sequencer.load()
            began, done = time.perf_counter(), 0
            while found := sequencer.round():
                done += found
            runs.add("sequencer", done, time.perf_counter() - began)
        _send(runs, "before the sequencer", [client], batches, BATCH)
    with sequencing():
        _send(runs, "beside the sequencer", [client], batches * 2, BATCH)
        began = time.perf_counter()
        while _behind(admin) and time.perf_counter() - began < 30:
            time.sleep(0.005)
        runs.detail["lag_after_the_run_s"] = time.perf_counter() - began
        runs.detail["entries_without_a_line"] = _behind(admin)


def _behind(admin: Any) -> int:
    """Entries that have no leaf yet."""
    return int(
        admin.execute("SELECT (SELECT count(*) FROM entry) - (SELECT count(*) FROM leaf)").fetchone()[0]
    )


def _beside(runs: Runs) -> float:
    """The median single operation in parts of the median bare row."""
    return statistics.median(runs.ms) / statistics.median(runs.bare_ms)


def _figures(runs: Runs) -> list[Figure]:
    rates = {f"{name}, operations a second": statistics.median(found) for name, found in runs.rate.items()}
    detail = rates | runs.detail
    percent = {"unit": "%", "above": True}
    return [
        Figure(
            "ingest_vs_floor",
            runs=runs.ratios("one", "floor", 100),
            reach=50,
            limits=FLOOR,
            detail=detail,
            **percent,
        ),
        Figure("ingest_vs_copy_1", runs=runs.ratios("one", "bare", 100), reach=7, limits=BARE, **percent),
        Figure(
            "ingest_vs_copy_2", runs=runs.ratios("two", "bare", 100), reach=12, limits=BARE_TWO, **percent
        ),
        Figure("resend_ratio", "x", runs.ratios("resend", "one"), RESEND, reach=0.9, above=True),
        Figure("batch200_ratio", "x", runs.ratios("small", "one"), SMALLER, reach=0.8, above=True),
        Figure("sequencer_vs_ingest", "x", _over(runs), SEQUENCER, reach=5, above=True),
        Figure("single_ms_p50", "ms", [statistics.median(runs.ms)], SINGLE, reach=1.5),
        Figure("single_vs_commit", "x", [_beside(runs)], COMMIT),
        Figure("single_ms_p99", "ms", [statistics.quantiles(runs.ms, n=100)[98]], SINGLE),
        Figure("hub_worker_memory_mb", "MB", runs.detail["worker_memory_mb"], MEMORY, reach=120),
    ]


def _over(runs: Runs) -> list[float]:
    ingest = statistics.median(runs.rate["one"])
    return [rate / ingest for rate in runs.rate["sequencer"]]
