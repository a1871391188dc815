"""The rule of the synthetic glue: what plant C makes of what plants A and B sent it. Pure.

Nothing of it is known of the real plants; it is invented so that a genealogy runs from a resin lot or a
plate to shipped devices, and everything it writes says `synthetic`. The rule is plain on purpose: tests
compute what must come out of it a second time, from the files alone.

- Three of C's finished products are the registrant's devices: the two with the most work orders, and the one
  with the most orders of a single piece, which takes machined parts too.
- Of each device the first four components of its structure are supplied by the network. A's items, by number,
  are dealt to those components in turn; machined parts go into the last one of the third device.
- C receives a share of each lot sent. Its work orders, by number, take what they need, oldest receipt first;
  the first order that cannot be filled ends the row. Four order lots are packed and sterilised as one lot.
- Nine tenths of a lot are shipped, up to 48 units at a time, to eight consignees in turn; the rest stays.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

MARK = "synthetic · 合成演示数据"
#: Plants whose parts are counted one by one, in both networks of the demonstration.
MACHINED = ("MACH", "PLANT-B")
COMPONENTS_MOST, LOADED, SHIPPED_MOST, CONSIGNEES = 4, 4, 48, 8


@dataclass(frozen=True)
class Sent:
    """A lot that another plant made: its site, item, number, last day of making and good pieces."""

    site: str
    item: str
    lot: str
    day: dt.date
    good: int


@dataclass(frozen=True)
class Order:
    """One of C's work orders."""

    number: int
    product: str
    quantity: int
    stocked: int


@dataclass
class Recipe:
    """One device: the product it is at C, its components with pieces each, and where they come from."""

    device: int
    product: str
    needs: dict[str, int]
    sources: dict[str, set[tuple[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Receipt:
    """A delivery: C's lot of a component, and the sender's lot."""

    lot: str
    component: str
    site: str
    sent: str
    quantity: int
    day: dt.date


@dataclass
class Stocked:
    """What is left of a received lot."""

    lot: str
    component: str
    day: dt.date
    left: int


@dataclass(frozen=True)
class Made:
    """A lot that C made, and what of which lots went into it."""

    lot: str
    device: int
    order: str
    day: dt.date
    total: int
    good: int
    inputs: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Parcel:
    """Units of one finished lot sent to one consignee, by serial number."""

    number: str
    lot: str
    device: int
    consignee: str
    day: dt.date
    first: int
    last: int


def recipes(
    finished: Iterable[str], structure: Mapping[str, Mapping[str, int]], orders: Sequence[Order]
) -> list[Recipe]:
    """The three devices; fewer where the plant has fewer products with a structure and orders."""
    count = {p: 0 for p in finished if structure.get(p)}
    single = dict(count)
    for order in orders:
        if order.product in count:
            count[order.product] += 1
            single[order.product] += order.quantity == 1
    chosen = sorted((p for p in count if count[p]), key=lambda p: (-count[p], int(p)))[:2]
    others = [p for p in count if count[p] and p not in chosen]
    chosen += sorted(others, key=lambda p: (-single[p], -count[p], int(p)))[:1]
    return [
        Recipe(n, p, {c: structure[p][c] for c in sorted(structure[p], key=int)[:COMPONENTS_MOST]})
        for n, p in enumerate(chosen, start=1)
    ]


def deal(found: Sequence[Recipe], items: Iterable[tuple[str, str]]) -> None:
    """Give each (site, item) sent a component that it is at C."""
    places = [(recipe, part) for recipe in found for part in recipe.needs]
    if not places:
        return
    special = places[-1]
    common = places[:-1] or places
    turn = 0
    for site, item in sorted(items):
        if site in MACHINED:
            recipe, part = special
        else:
            recipe, part = common[turn % len(common)]
            turn += 1
        recipe.sources.setdefault(part, set()).add((site, item))


def share(good: int) -> int:
    """How many pieces of a lot come to C: all of a small one, a two-hundredth of a large one."""
    return min(good, max(100, good // 200))


def receive(
    found: Sequence[Recipe], sent: Iterable[Sent], known: Collection[tuple[str, str]]
) -> list[Receipt]:
    """Deliveries of lots not received yet, a fortnight after they were made."""
    part_of = {s: part for recipe in found for part, sources in recipe.sources.items() for s in sources}
    made = []
    for lot in sorted(sent, key=lambda s: (s.day, s.site, s.item, s.lot)):
        part = part_of.get((lot.site, lot.item))
        if part is not None and lot.good > 0 and (lot.site, lot.lot) not in known:
            number, day = f"RM-{lot.site}-{lot.lot}", lot.day + dt.timedelta(days=14)
            made.append(Receipt(number, part, lot.site, lot.lot, share(lot.good), day))
    return made


def assemble(
    found: Sequence[Recipe], stock: Iterable[Stocked], orders: Iterable[Order], done: Collection[str]
) -> list[Made]:
    """Order lots, oldest receipts first; the first order of a device that lacks a part ends its row."""
    pools: dict[str, list[Stocked]] = {}
    for one in sorted(stock, key=lambda s: (s.day, s.lot)):
        pools.setdefault(one.component, []).append(one)
    supplied = {part for recipe in found for part in recipe.sources}
    waiting = sorted((o for o in orders if f"C-{o.number}" not in done), key=lambda o: o.number)
    made = []
    for recipe in found:
        for order in (o for o in waiting if o.product == recipe.product):
            needs = {p: per * order.quantity for p, per in recipe.needs.items() if p in supplied}
            if not needs or any(sum(s.left for s in pools.get(p, ())) < n for p, n in needs.items()):
                break
            taken = [pair for part, need in needs.items() for pair in _take(pools[part], need)]
            day = max(one.day for one, _ in taken) + dt.timedelta(days=2)
            inputs = tuple((one.lot, amount) for one, amount in taken)
            number = str(order.number)
            made.append(
                Made(f"C-{number}", recipe.device, number, day, order.quantity, order.stocked, inputs)
            )
    return made


def _take(pool: Sequence[Stocked], need: int) -> list[tuple[Stocked, int]]:
    taken = []
    for one in pool:
        amount = min(one.left, need)
        if amount:
            one.left -= amount
            need -= amount
            taken.append((one, amount))
    return taken


def load(made: Sequence[Made], loaded: Collection[str]) -> list[tuple[Made, Made]]:
    """(packed lot, sterilised lot) of every four order lots of a device, in the order they were made."""
    rows: dict[int, list[Made]] = {}
    for one in sorted(made, key=lambda m: int(m.order)):
        rows.setdefault(one.device, []).append(one)
    found = []
    for device, lots in sorted(rows.items()):
        for n in range(len(lots) // LOADED):
            group = lots[n * LOADED : (n + 1) * LOADED]
            name, good = f"D{device}-{n + 1:03}", sum(one.good for one in group)
            if f"FG-{name}" in loaded or not good:
                continue
            day = max(one.day for one in group) + dt.timedelta(days=1)
            inputs = tuple((one.lot, one.good) for one in group)
            packed = Made(f"PK-{name}", device, "", day, good, good, inputs)
            later = day + dt.timedelta(days=2)
            found.append((packed, Made(f"FG-{name}", device, "", later, good, good, ((packed.lot, good),))))
    return found


def ship(finished: Iterable[Made]) -> list[Parcel]:
    """What of these lots is shipped, five days after sterilisation."""
    found = []
    for lot in finished:
        leaving = lot.good - lot.good // 10
        for n, first in enumerate(range(1, leaving + 1, SHIPPED_MOST)):
            turn = (int(lot.lot[-3:]) + n) % CONSIGNEES + 1
            last = min(first + SHIPPED_MOST - 1, leaving)
            day = lot.day + dt.timedelta(days=5)
            number = f"SH-{lot.lot}-{n + 1:02}"
            found.append(Parcel(number, lot.lot, lot.device, f"CNS-{turn:02}", day, first, last))
    return found
