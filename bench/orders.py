"""The workload of the ERP comparison: orders, a trace of ten thousand lots, inspections; with every check on.

An order is what it is there: the registrant's work order, then the plant's group of operations: the lot made,
the step record with the lots that went in, a stock move for each lot consumed and one for the lot made.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection as django_connection

from bench import workload
from bench.agent import enrol, open_session
from bench.context import Context
from bench.figure import Figure
from bench.hub import Web, prepared, push, webs
from bench.plant import Plant
from bench.workload import Order
from medloom.wire.operation import Kind

SITE = "A"
PUSH_OPERATIONS = 2_000
INSPECTIONS = 4_000
PEERS = "Open-source ERPs measured on the same workload: "

LIMITS = {
    "orders_per_s_single": PEERS
    + "1.4 orders/s. Two requests an order (registrant and plant) of one to nine "
    "operations, each with its own signature, statements and durable commit.",
    "orders_per_s_batched": PEERS
    + "8.8 orders/s. Eight or nine operations an order, each with entry, head and "
    "verdict; stock is guarded row by row.",
    "trace_10k_lots_s": PEERS
    + "0.2 s by a hand-written walk, 80 to 160 s by their own report. The walk itself, "
    "the join that leaves only what the caller may see, and 10,000 rows to Python.",
    "inspections_per_s": PEERS + "582 inspections/s. One operation, entry and verdict for each of the three "
    "readings of an inspection, judged against its specification.",
}


class Sides:
    """The registrant's headquarters and the plant, each with its session on one web process."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.plants = {site: Plant(site, seed=number) for number, site in enumerate(("HQ", SITE), 11)}
        for plant in self.plants.values():
            enrol(plant)
        self.tokens = {site: open_session(plant, web.port) for site, plant in self.plants.items()}

    def send(self, site: str, groups: Sequence[Sequence[bytes]], *, most: int = PUSH_OPERATIONS) -> float:
        """Push groups of operations, whole groups to a push; seconds. Everything must be accepted."""
        plant = self.plants[site]
        bodies = [plant.push(part) for part in _parts(groups, most)]
        (sent,) = push((self.web, prepared(plant, self.tokens[site], bodies)))
        wanted = sum(len(group) for group in groups)
        if sent.verdicts != Counter(accepted=wanted):
            raise AssertionError(f"{site}: {dict(sent.verdicts)} of {wanted} operations")
        return sent.seconds

    def order(self, order: Order) -> tuple[list[bytes], list[bytes]]:
        """The registrant's operations for one order, and the plant's."""
        plant, made = self.plants[SITE], []
        fields: dict[str, Any] = {"number": order.number, "item": order.item, "quantity": order.quantity}
        asked = self.plants["HQ"].operation("work_order", Kind.SET, fields, site=SITE)
        kind = "finished" if order.item == "FIN" else "intermediate"
        fields = {"number": order.made, "item": order.item, "kind": kind}
        group = {"group": order.number}
        made.append(plant.operation("lot", Kind.SET, fields, **group))
        fields = {"number": order.number, "day": "2026-11-22", "work_order": order.number, "item": order.item}
        fields |= {"output_lot": order.made, "total": order.quantity, "good": order.quantity}
        fields["inputs"] = [{"lot": lot, "quantity": "1", "unit": "1"} for lot in order.consumed]
        made.append(plant.operation("step_record", Kind.OBSERVE, fields, **group))
        for at, lot in enumerate(order.consumed):
            made.append(self.move(f"{order.number}/{at}", lot, "consumed", 1, source="STORE", **group))
        made.append(
            self.move(f"{order.number}/made", order.made, "produced", order.quantity, target="STORE", **group)
        )
        return [asked], made

    def move(self, number: str, lot: str, kind: str, quantity: int, **more: Any) -> bytes:
        """One stock move of the plant."""
        envelope = {name: more.pop(name) for name in ("group",) if name in more}
        fields = {"number": number, "lot": lot, "kind": kind, "quantity": str(quantity), "unit": "1", **more}
        return self.plants[SITE].operation("move", Kind.OBSERVE, fields, **envelope)


def _parts(groups: Iterable[Sequence[bytes]], most: int) -> Iterable[list[bytes]]:
    part: list[bytes] = []
    for group in groups:
        if part and len(part) + len(group) > most:
            yield part
            part = []
        part = [*part, *group]
    yield part


def measure(context: Context) -> list[Figure]:
    """All four figures."""
    answer = 100 if context.quick else 10_000
    context.prepare("bench_orders")
    context.django()
    from medloom.exchange.sequencer import start_epoch

    with context.app() as app:
        start_epoch(app)
    with webs(1) as (web,):
        sides = Sides(web)
        _masters(sides, "T", "S")
        single = _single(sides, workload.orders("S", 100)[:60])
        found = workload.orders("T", answer)
        context.say(f"{len(found):,} orders")
        asked, made = zip(*(sides.order(order) for order in found), strict=True)
        seconds = sides.send("HQ", asked) + sides.send(SITE, made)
        context.say(f"{len(found) / seconds:,.0f} orders/s")
        inspected = _inspections(sides, 600 if context.quick else INSPECTIONS)
    traced = _trace(found)
    django_connection.close()
    runs = {
        "orders_per_s_single": (single, "1/s", 14.0),
        "orders_per_s_batched": ([len(found) / seconds], "1/s", 88.0),
        "trace_10k_lots_s": (traced, "s", 0.02),
        "inspections_per_s": (inspected, "1/s", 5_820.0),
    }
    detail = {"operations": sum(map(len, made)) + len(found), "lots_traced": len(found) + 1}
    return [
        Figure(name, unit, taken, LIMITS[name], reach=reach, above=unit == "1/s", detail=detail)
        for name, (taken, unit, reach) in runs.items()
    ]


def _masters(sides: Sides, *tags: str) -> None:
    """Items, raw lots with their stock, and the released specifications."""
    plant, head = sides.plants[SITE], sides.plants["HQ"]
    items = [plant.operation("item", Kind.SET, {"number": name}) for name in ("P0", "L1", "L2", "FIN")]
    items += [plant.operation("item", Kind.SET, {"number": f"P{n}"}) for n in range(1, workload.RAW_ITEMS)]
    raw = dict.fromkeys(pair for tag in tags for pair in workload.raw_lots(tag))
    lots = [
        plant.operation("lot", Kind.SET, {"number": lot, "item": item, "kind": "material"})
        for item, lot in raw
    ]
    stock = [sides.move(f"IN/{lot}", lot, "received", workload.STOCK, target="STORE") for _, lot in raw]
    sides.send(SITE, [items, lots, stock])
    documents = []
    for number, (name, low, high) in enumerate(workload.CHARACTERISTICS):
        fields = {"number": f"C{number}", "revision": "1", "characteristic": name, "unit": "1"}
        object_ = f"00000000-0000-4000-8000-00000000000{number}"
        fields |= {"low": str(low), "high": str(high)}
        documents.append(head.operation("specification", Kind.SET, fields, site=SITE, object=object_))
        documents.append(
            head.operation(
                "specification",
                Kind.COMMAND,
                {"command": "release"},
                site=SITE,
                object=object_,
                key=f"C{number}",
            )
        )
    sides.send("HQ", [documents])


def _single(sides: Sides, found: Sequence[Order]) -> list[float]:
    """Orders a second, one order to a request, in five parts."""
    rates = []
    size = len(found) // 5
    for part in (found[at : at + size] for at in range(0, len(found), size)):
        asked, made = zip(*(sides.order(order) for order in part), strict=True)
        seconds = sides.send("HQ", asked, most=1) + sides.send(SITE, made, most=1)
        rates.append(len(part) / seconds)
    return rates


def _inspections(sides: Sides, count: int) -> list[float]:
    """Inspections a second in batches, in four parts."""
    plant, rates, size = sides.plants[SITE], [], count // 4
    for part in range(4):
        groups = []
        for number in range(part * size, (part + 1) * size):
            values = zip(workload.CHARACTERISTICS, workload.readings(number), strict=True)
            groups.append(
                [
                    plant.operation(
                        "result",
                        Kind.OBSERVE,
                        {
                            "number": f"I{number}/{at}", "lot": "T-ROOT", "specification": f"C{at}/1",
                            "characteristic": name, "value": value, "unit": "1", "judged": "pass",
                        },
                        group=f"I{number}",
                    )
                    for at, ((name, _, _), value) in enumerate(values)
                ]
            )  # fmt: skip
        rates.append(size / sides.send(SITE, groups))
    return rates


def _trace(found: Sequence[Order]) -> list[float]:
    """Seconds from the question to 10,000 lots in Python, as the plant sees them; both ways are checked."""
    from medloom.kernel.access import seeing
    from medloom.materials.models import Lot
    from medloom.trace import queries

    taken = []
    with seeing(SITE):
        root = Lot.objects.get(site=SITE, key=workload.traced("T")).num
        last = Lot.objects.get(site=SITE, key=found[-1].made).num
        back = Lot.objects.filter(num__in=queries.backward([last]).lots).values_list("key", flat=True)
        if set(back) - {found[-1].made} != workload.made_of(list(found), found[-1].made):
            raise AssertionError("the backward trace differs from the orders")
        for _ in range(9):
            began = time.perf_counter()
            reached = queries.forward([root])
            taken.append(time.perf_counter() - began)
            if len(reached.lots) != len(found) + 1:
                raise AssertionError(f"{len(reached.lots)} lots reached instead of {len(found) + 1}")
    return taken
