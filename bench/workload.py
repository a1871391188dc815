"""The workload that open-source ERPs were measured on, generated anew: orders that consume lots and make one.

Four levels: raw lots, L1, L2, FIN. An L1 order consumes the traced raw lot and three fillers, an L2 order one
L1 lot and five fillers, a FIN order one L2 lot and four fillers; one unit of each. The fillers are 50 lots
of each of five raw items, dealt out by the order's position, so that every run consumes the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

RAW_ITEMS = 6
FILLER_LOTS = 50
STOCK, YIELD = 1_000_000, 1_000
#: Forward answer wanted -> orders of L1, of L2 for each L1, of FIN for each L2.
SHAPES = {100: (4, 5, 5), 10_000: (10, 25, 40)}
FILLERS = {"L1": 3, "L2": 5, "FIN": 4}
#: Characteristic, limits: one inspection reads all three.
CHARACTERISTICS = (("tensile strength", 10, 20), ("seal width", 5, 9), ("leak rate", 0, 1))


@dataclass(frozen=True)
class Order:
    """One order: the lots it consumes and the lot it makes."""

    number: str
    item: str
    consumed: tuple[str, ...]
    made: str
    quantity: int


def raw_lots(tag: str) -> Iterator[tuple[str, str]]:
    """(item, lot) of everything that must be in stock beforehand; the traced lot first."""
    yield "P0", traced(tag)
    for item in range(1, RAW_ITEMS):
        for lot in range(FILLER_LOTS):
            yield f"P{item}", _filler_lot(item, lot)


def traced(tag: str) -> str:
    """The raw lot whose way is traced."""
    return f"{tag}-ROOT"


def _filler_lot(item: int, lot: int) -> str:
    return f"P{item}-{lot:03d}"


def _fillers(level: str, position: int) -> tuple[str, ...]:
    """Dealt out with two strides that are coprime to the number of lots."""
    return tuple(
        _filler_lot(1 + at % (RAW_ITEMS - 1), (7 * position + 3 * at) % FILLER_LOTS)
        for at in range(FILLERS[level])
    )


def orders(tag: str, answer: int) -> list[Order]:
    """Every order of one shape, level by level, so that each finds its lots in stock."""
    many_l1, many_l2, many_fin = SHAPES[answer]
    made = {"": [traced(tag)]}
    found: list[Order] = []
    for level, above, each in (("L1", "", many_l1), ("L2", "L1", many_l2), ("FIN", "L2", many_fin)):
        made[level] = []
        for source in made[above]:
            for _ in range(each):
                position = len(found)
                lot = f"{tag}-{level}-{position:05d}"
                consumed = (source, *_fillers(level, position))
                quantity = 1 if level == "FIN" else YIELD
                found.append(Order(f"{tag}-WO-{position:05d}", level, consumed, lot, quantity))
                made[level].append(lot)
    return found


def made_of(found: list[Order], lot: str) -> set[str]:
    """Every lot that went into `lot`, itself not counted: what a backward trace must give."""
    sources = {order.made: order.consumed for order in found}
    reached: set[str] = set()
    waiting = [lot]
    while waiting:
        for source in sources.get(waiting.pop(), ()):
            if source not in reached:
                reached.add(source)
                waiting.append(source)
    return reached


def readings(inspection: int) -> tuple[str, str, str]:
    """The three values of one inspection, all within limits."""
    strength = 10 + (inspection % 100) / 10
    return f"{strength:.1f}", f"{5 + (inspection % 40) / 10:.1f}", f"{(inspection % 50) / 100:.2f}"
