"""Which shipped units hold a resin lot, worked out from the files alone: piece by piece, with sets.

A second writing of the glue's rule (demo/consuming.py) that shares no code with it, with the mapping, the
door or the trace: every piece that C received stands in a list under the name of the lot it came from, and is
taken from its front.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import python_calamine

#: Resin lot -> (finished lot, serial number) of every shipped unit that holds some of it.
Units = dict[str, set[tuple[str, int]]]
Part = tuple[str, str]


@dataclass
class Sent:
    """A lot that came to C: its item, last day, pieces, and the resin lots it was made of."""

    item: str
    day: dt.date
    good: int = 0
    resins: set[str] = field(default_factory=set)


@dataclass
class Plant:
    """C as its files tell it: finished products, pieces of each part in an assembly, orders in turn."""

    finished: set[int]
    parts: dict[int, dict[int, int]]
    #: number, product, ordered, stocked
    orders: list[tuple[int, int, int, int]]


def _lot(cell: object) -> str:
    text = str(int(cell)) if isinstance(cell, float) else str(cell)
    return "".join(text.split()).upper()


def moulded(rows: Iterable[dict[str, object]]) -> dict[str, Sent]:
    """Order lots of a moulding plant. Columns: day, order, item, lot (of resin), total, good; "" for none."""
    found: dict[str, Sent] = {}
    for row in rows:
        if not isinstance(row["day"], dt.date) or row["order"] in ("", None) or row["good"] in ("", None):
            continue
        one = found.setdefault(_lot(row["order"]), Sent(_lot(row["item"]), row["day"]))
        one.day = max(one.day, row["day"])
        one.good += int(float(str(row["good"])))
        if row["lot"] not in ("", None) and float(str(row["total"])) > 0:
            one.resins.add(_lot(row["lot"]))
    return found


def marked(
    rows: Iterable[dict[str, object]], *, machine: str, low: dt.date, high: dt.date
) -> Iterable[dict[str, object]]:
    """The same rows, where the lot is "MARK" if that machine made them in those days and none if not: what
    holds some of the mark is what they are in.
    """
    for row in rows:
        day = row["day"]
        meant = isinstance(day, dt.date) and low <= day <= high and str(row["machine"]).strip() == machine
        yield {**row, "lot": "MARK" if meant else ""}


def real_shifts(folder: Path) -> Iterable[dict[str, object]]:
    """The monthly reports of plant A."""
    for path in sorted((folder / "monthly").glob("monthlyReports_*.xls*")):
        head, *rows = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
        lot = "plasticResineLot" if "plasticResineLot" in head else "plasticResinLot"
        names = {"day": "recordDate", "order": "poNote", "item": "itemCode", "lot": lot}
        names |= {"machine": "machineCode", "total": "itemTotalQuantity", "good": "itemGoodQuantity"}
        for row in rows:
            yield {name: row[head.index(column)] for name, column in names.items()}


def generated_shifts(folder: Path) -> Iterable[dict[str, object]]:
    """The shift reports of the generated moulding plant: workbooks with a mark on top, and text in GBK."""
    names = {
        "day": "日期",
        "order": "工单号",
        "item": "产品编码",
        "lot": "原料批号",
        "machine": "设备编号",
        "total": "总数",
        "good": "合格数",
    }
    books = [python_calamine.CalamineWorkbook.from_path(str(p)) for p in sorted(folder.glob("shifts_*.xlsx"))]
    tables = [book.get_sheet_by_index(0).to_python() for book in books]
    texts = [path.read_text(encoding="gbk") for path in sorted(folder.glob("shifts_*.csv"))]
    tables += [list(csv.reader(text.splitlines())) for text in texts]
    for table in tables:
        start = next(n for n, row in enumerate(table) if "工单号" in row)
        head = table[start]
        for row in table[start + 1 :]:
            found: dict[str, object] = {name: row[head.index(column)] for name, column in names.items()}
            if isinstance(found["day"], str):
                try:
                    found["day"] = dt.date.fromisoformat(found["day"][:10])
                except ValueError:
                    continue  # the destroyed date: the row stands on the repair desk
            yield found


def real_plant(folder: Path) -> Plant:
    """Plant C from its export."""

    def rows(name: str, split: str = "\t") -> list[list[str]]:
        with (folder / name).open(encoding="utf-8", newline="") as file:
            return [row for row in csv.reader(file, delimiter=split, quoting=csv.QUOTE_NONE) if row]

    finished = {int(row[0]) for row in rows("Product.csv") if row[4] == "1"}
    parts: dict[int, dict[int, int]] = defaultdict(dict)
    for row in rows("BillOfMaterials.csv"):
        if row[1] and not row[4] and row[5].strip() == "EA":
            parts[int(row[1])][int(row[2])] = int(float(row[7]))
    orders = [
        (int(row[0]), int(row[1]), int(row[2]), int(row[3]))
        for row in rows("WorkOrder_excel_damaged.csv", ",")[1:]
    ]
    return Plant(finished, parts, orders)


def shipped_units(plant: Plant, moulded_: dict[str, Sent], machined: dict[str, Sent]) -> Units:
    """What must have been shipped with some of each resin lot in it."""
    devices = _devices(plant)
    places = [(device, part) for device in devices for part in sorted(plant.parts[device])[:4]]
    goes: dict[str, int] = {}
    for n, item in enumerate(sorted({lot.item for lot in moulded_.values() if lot.good})):
        goes[item] = places[n % (len(places) - 1)][1]
    for lot in machined.values():
        goes[lot.item] = places[-1][1]
    resins = {name: lot.resins for name, lot in moulded_.items()}
    piles: dict[int, list[str]] = defaultdict(list)
    arrived = sorted([*moulded_.items(), *machined.items()], key=lambda pair: (pair[1].day, pair[0]))
    for name, lot in arrived:
        pieces = lot.good if lot.good <= 100 else max(100, math.floor(lot.good / 200))
        piles[goes.get(lot.item, 0)] += [name] * pieces
    supplied = {part for part, pile in piles.items() if pile and part}
    found: Units = defaultdict(set)
    for number, device in enumerate(devices, start=1):
        needed = {p: plant.parts[device][p] for d, p in places if d == device and p in supplied}
        group: list[tuple[int, set[str]]] = []
        packs = 0
        for _, product, ordered, stocked in sorted(plant.orders):
            if product != device:
                continue
            if not needed or any(len(piles[p]) < per * ordered for p, per in needed.items()):
                break
            held: set[str] = set()
            for part, per in needed.items():
                taken, piles[part] = piles[part][: per * ordered], piles[part][per * ordered :]
                held |= {resin for name in taken for resin in resins.get(name, ())}
            group.append((stocked, held))
            if len(group) == 4:
                packs += 1
                units = sum(stocked for stocked, _ in group)
                for resin in set().union(*(held for _, held in group)):
                    found[resin] |= {
                        (f"FG-D{number}-{packs:03}", n) for n in range(1, units - units // 10 + 1)
                    }
                group = []
    return dict(found)


def _devices(plant: Plant) -> list[int]:
    count = Counter(p for _, p, _, _ in plant.orders if p in plant.finished and plant.parts.get(p))
    single = Counter(p for _, p, n, _ in plant.orders if p in count and n == 1)
    first = sorted(count, key=lambda p: (-count[p], p))[:2]
    rest = sorted((p for p in count if p not in first), key=lambda p: (-single[p], -count[p], p))
    return first + rest[:1]
