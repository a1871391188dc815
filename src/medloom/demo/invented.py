"""The generated assembly plant: a small ERP with the tables of plant C's, dirt included. Nothing is real."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from medloom.demo import erp

DEVICES = [(901, "输液泵 · infusion pump"), (902, "吻合器 · stapler"), (903, "接骨板套件 · plate kit")]
PARTS = [
    (501, "壳体 · shell", "EA "),
    (502, "后盖 · cover", "EA "),
    (503, "按钮 · button", "EA "),
    (504, "密封件 · seal", "EA "),
    (505, "导杆组 · rod set", "EA "),
    (506, "润滑剂 · lubricant", "OZ "),
]
#: Device -> (component, pieces or ounces in one).
STRUCTURE = {
    901: [(501, 1), (502, 1), (503, 2), (506, 1)],
    902: [(502, 1), (503, 1), (504, 2), (506, 1)],
    903: [(504, 1), (505, 1), (506, 1)],
}
VENDORS = [(71, "VEND-A", "演示供应商甲 · demo vendor one"), (72, "VEND-B", "演示供应商乙 · demo vendor two")]
UNITS = [("EA ", "Each"), ("OZ ", "Ounces"), ("CTN", "Container"), ("DZ ", "Dozen")]
REASONS = [(1, "划伤 · scratch"), (2, "装配错误 · wrongly assembled")]
ORDERS = 90


def create(engine: sa.Engine, *, today: dt.date, seed: int = 5) -> bool:
    """Make the tables and their rows, unless they are there; whether they were made. Same seed, same rows."""
    chance = random.Random(seed)  # noqa: S311 (invented numbers, no secret)
    changed = dt.datetime.combine(today - dt.timedelta(days=30), dt.time(9))
    rows: dict[sa.Table, list[dict[str, Any]]] = {
        erp.UNIT: [{"unit_code": c, "name": n} for c, n in UNITS],
        erp.SCRAP_REASON: [{"scrap_reason_id": c, "name": n} for c, n in REASONS],
        erp.LOCATION: [{"location_id": 60, "name": "总装线 · final assembly"}],
        erp.SHIFT: [{"shift_id": 1, "name": "白班 · day"}],
        erp.MODEL: [{"model_id": 1, "name": "演示型号 · demonstration model"}],
        erp.PRODUCT: list(_products()),
        erp.VENDOR: [
            {"vendor_id": v, "account_number": a, "name": n, "credit_rating": 1, "preferred": "1",
             "active": "1"}
            for v, a, n in VENDORS
        ],
        erp.PRODUCT_VENDOR: [
            {"product_id": p, "vendor_id": VENDORS[p % 2][0], "average_lead_time": 14, "min_order_qty": 10,
             "max_order_qty": 500, "unit_code": "CTN" if unit == "EA " else "OZ "}
            for p, _, unit in PARTS
        ],
        erp.BILL_OF_MATERIALS: list(_structure(today)),
        erp.PURCHASE_ORDER: list(_purchases(today)),
        erp.PURCHASE_LINE: list(_lines(chance, today)),
        erp.WORK_ORDER: list(_orders(chance)),
    }  # fmt: skip
    for table, found in rows.items():
        if table is not erp.WORK_ORDER:
            for row in found:
                row["modified_date"] = changed
    return erp.fill(engine, {table: iter(found) for table, found in rows.items()})


def _products() -> Iterator[dict[str, Any]]:
    for number, name, finished in [
        *((n, name, "1") for n, name in DEVICES),
        *((n, name, "0") for n, name, _ in PARTS),
    ]:
        yield {"product_id": number, "name": name, "product_number": f"AS-{number}", "make_flag": finished,
               "finished_goods_flag": finished}  # fmt: skip


def _structure(today: dt.date) -> Iterator[dict[str, Any]]:
    start, number = dt.datetime.combine(today, dt.time()) - dt.timedelta(days=400), 0
    units = {part: unit for part, _, unit in PARTS}
    for assembly, lines in [*STRUCTURE.items(), (None, [(901, 1)])]:
        for component, quantity in lines:
            number += 1
            yield {"bom_id": number, "assembly_id": assembly, "component_id": component, "start_date": start,
                   "unit_code": units.get(component, "EA "), "bom_level": 1,
                   "per_assembly_qty": quantity}  # fmt: skip
    yield {"bom_id": number + 1, "assembly_id": 901, "component_id": 504, "start_date": start,
           "end_date": start + dt.timedelta(days=90), "unit_code": "EA ", "bom_level": 1,
           "per_assembly_qty": 1}  # fmt: skip


def _purchases(today: dt.date) -> Iterator[dict[str, Any]]:
    for n in range(1, 7):
        day = dt.datetime.combine(today, dt.time()) - dt.timedelta(days=60 - n)
        yield {"purchase_order_id": n, "revision_number": 1, "status": "4", "vendor_id": VENDORS[n % 2][0],
               "order_date": day, "ship_date": day + dt.timedelta(days=9)}  # fmt: skip


def _lines(chance: random.Random, today: dt.date) -> Iterator[dict[str, Any]]:
    for n in range(1, 7):
        ordered = chance.randrange(2, 20) * 10
        rejected = chance.choice((0, 0, 2))
        due = dt.datetime.combine(today, dt.time()) - dt.timedelta(days=40 - n)
        yield {"purchase_order_id": n, "detail_id": n, "due_date": due, "order_qty": ordered,
               "product_id": PARTS[(n - 1) % len(PARTS)][0], "received_qty": ordered,
               "rejected_qty": rejected, "stocked_qty": ordered - rejected}  # fmt: skip


def _orders(chance: random.Random) -> Iterator[dict[str, Any]]:
    for n in range(1, ORDERS + 1):
        product = DEVICES[n % len(DEVICES)][0]
        quantity = chance.choice((1, 1, 2, 4)) if product == 903 else chance.randrange(3, 15)
        scrapped = 1 if quantity > 3 and chance.random() < 0.1 else 0
        yield {"work_order_id": 9_000 + n, "product_id": product, "order_qty": quantity,
               "stocked_qty": quantity - scrapped, "scrapped_qty": scrapped, "start_date": "00:00.0",
               "end_date": "00:00.0", "due_date": "00:00.0",
               "scrap_reason_id": "1" if scrapped else "NULL", "modified_date": "00:00.0"}  # fmt: skip
