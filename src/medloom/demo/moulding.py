"""The generated moulding plant: spreadsheets as such a plant keeps them, dirt included.

Everything here is invented and marked so: no person, company or product is meant. The dirt is of the
kinds met in a real plant's files: codes stored as numbers, lots spelled in two ways, words for "nothing",
a destroyed date, a column that appears from one month to the next.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

MARK = "演示数据 · generated demonstration data"
RESINS = [
    (20011, "PC 医用级 · PC medical", "原料"),
    (20012, "ABS 通用 · ABS general", "原料"),
    (20013, "PP 医用级 · PP medical", "原料"),
    ("20014B", "POM 耐磨 · POM wear grade", "原料"),
    (20101, "色母 白 · masterbatch white", "色母"),
    (20102, "色母 蓝 · masterbatch blue", "色母"),
]
PRODUCTS = [
    ("D-1001", "手柄壳体 · handle shell", 20011, 20101, 8),
    ("D-1002", "手柄后盖 · handle cover", 20011, 20101, 8),
    ("D-1003", "按钮 · push button", 20012, 20102, 16),
    ("D-1004", "滑块 · slider", "20014B", None, 4),
    ("D-1005", "导管座 · catheter hub", 20013, None, 16),
    ("D-1006", "密封帽 · sealing cap", 20013, 20102, 12),
]
MACHINES = [
    (f"JM-{n:02}", f"注塑机 {t} t · moulding machine", t) for n, t in enumerate((50, 50, 100, 130), 1)
]
LOTS = {
    20011: ["PC26 0917", "PC260917", "PC261103"],
    20012: ["AB-2208-1", "AB2208-1"],
    20013: ["PP 7731", "pp7731", "PP7740"],
    "20014B": ["POM-55A"],
}
ITEM_HEADER = ["物料编码", "名称", "类别"]
MACHINE_HEADER = ["设备编号", "名称", "锁模力(t)"]
MOULD_HEADER = ["模具编号", "名称", "标准穴数", "标准周期(s)"]
BOM_HEADER = ["产品编码", "原料编码", "原料用量(kg/万件)", "色母编码", "色母用量(kg/万件)"]
ORDER_HEADER = ["工单号", "产品编码", "数量", "接单日期", "交期", "原料编码"]
SHIFT_HEADER = [
    "日期", "班次", "设备编号", "模具编号", "工单号", "产品编码", "原料编码", "原料批号",
    "模次", "穴数", "总数", "合格数", "黑点", "缩水", "缺料", "其他不良", "备注",
]  # fmt: skip


@dataclass(frozen=True)
class Order:
    """One invented work order."""

    number: str
    product: tuple[str, str, Any, Any, int]
    quantity: int
    received: dt.date
    due: dt.date


def write_plant(folder: Path, *, today: dt.date, seed: int = 7, days: int = 10) -> list[Path]:
    """Write masters, orders and `days` days of shift reports before `today`; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 (invented numbers, no secret)
    folder.mkdir(parents=True, exist_ok=True)
    items = [list(resin) for resin in RESINS] + [[p[0], p[1], "产品"] for p in PRODUCTS]
    moulds = [[f"M-{p[0]}", f"模具 · mould {p[0]}", p[4], 18 + 2 * n] for n, p in enumerate(PRODUCTS)]
    boms = [[p[0], p[2], 42.5 + n, p[3], 0.91 if p[3] else None] for n, p in enumerate(PRODUCTS)]
    orders = _orders(chance, today=today)
    first = [_shift(chance, orders, today - dt.timedelta(days=days - n)) for n in range(days // 2)]
    later = [_shift(chance, orders, today - dt.timedelta(days=days - n)) for n in range(days // 2, days)]
    written = [
        _xlsx(folder / "items.xlsx", "物料", ITEM_HEADER, items),
        _xlsx(folder / "machines.xlsx", "设备", MACHINE_HEADER, [list(machine) for machine in MACHINES]),
        _xlsx(folder / "moulds.xlsx", "模具", MOULD_HEADER, moulds),
        _xlsx(folder / "boms.xlsx", "物料清单", BOM_HEADER, boms),
        _xlsx(folder / "orders.xlsx", "工单", ORDER_HEADER, [_order_row(order) for order in orders]),
        _xlsx(folder / "shifts_1.xlsx", "班报", SHIFT_HEADER, [row for day in first for row in day]),
    ]
    # The second half comes from another computer: as text, in GBK, with one column more.
    header = [*SHIFT_HEADER, "环境温度"]
    rows = [[*row, 23] for day in later for row in day]
    rows.append(
        ["00:00.0", 1, "JM-01", "M-D-1001", orders[0].number, "D-1001", 20011, "PC261103", 10, 8, 80, 80]
    )
    return [*written, _gbk(folder / "shifts_2.csv", header, rows)]


def write_day(folder: Path, *, day: dt.date, seed: int, today: dt.date) -> Path:
    """One more day's shift report, for the moving demonstration."""
    chance = random.Random(seed)  # noqa: S311
    orders = _orders(random.Random(7), today=today)  # noqa: S311
    name = f"shifts_{day.isoformat()}_{seed}.xlsx"
    return _xlsx(folder / name, "班报", SHIFT_HEADER, _shift(chance, orders, day))


def _orders(chance: random.Random, *, today: dt.date) -> list[Order]:
    found = []
    for n, product in enumerate(PRODUCTS * 2, start=1):
        received = today - dt.timedelta(days=20 - n)
        quantity = chance.randrange(20, 120) * 1_000
        found.append(Order(f"MO26{n:04}", product, quantity, received, received + dt.timedelta(days=30)))
    return found


def _order_row(order: Order) -> list[Any]:
    return [order.number, order.product[0], order.quantity, order.received, order.due, order.product[2]]


def _shift(chance: random.Random, orders: list[Order], day: dt.date) -> list[list[Any]]:
    rows = []
    for shift in (1, 2, 3):
        for n, machine in enumerate(MACHINES):
            order = orders[(day.toordinal() + n) % len(orders)]
            product = order.product
            cavities = product[4] - (1 if chance.random() < 0.2 else 0)
            shots = chance.randrange(900, 1_400)
            total = shots * cavities
            spots, shrink, short, other = (chance.choice((0, 0, 5, 12, 40)) for _ in range(4))
            lot = chance.choice(LOTS[product[2]])
            note = chance.choice(("", "", "", "NI", "换模", "N/A"))
            good = total - spots - shrink - short - other
            rows.append(
                [day, shift, machine[0], f"M-{product[0]}", order.number, product[0], product[2], lot, shots,
                 cavities, total, good, spots or None, shrink or None, short or None, other or None, note]
            )  # fmt: skip
    return rows


def _xlsx(path: Path, sheet: str, header: list[str], rows: list[list[Any]]) -> Path:
    """A workbook with the mark that its data are generated above the header, written whole or not at all."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet(sheet)
        dated = book.add_format({"num_format": "yyyy-mm-dd"})
        page.write(0, 0, MARK)
        page.write_row(1, 0, header)
        for r, row in enumerate(rows, start=2):
            for c, value in enumerate(row):
                if isinstance(value, dt.date):
                    page.write_datetime(r, c, dt.datetime.combine(value, dt.time()), dated)
                elif value is not None:
                    page.write(r, c, value)
    return _place(path, out.getvalue())


def _gbk(path: Path, header: list[str], rows: list[list[Any]]) -> Path:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([["" if value is None else value for value in row] for row in rows])
    return _place(path, out.getvalue().encode("gbk"))


def _place(path: Path, data: bytes) -> Path:
    if not path.exists() or path.read_bytes() != data:
        part = path.with_suffix(path.suffix + ".part")
        part.write_bytes(data)
        part.rename(path)
    return path
