"""The synthetic glue at work: reads what stands, and writes what follows into plant C's own tables.

C's agent polls those tables like all others (feeds `synthetic_*`), so everything goes through the door as the
plant's own word. What was written is never changed, and a run looks first at what is there: it adds what has
become possible since, and a second run adds nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from django.db.models import Max, Sum

from medloom.demo import erp
from medloom.demo.consuming import (
    MACHINED,
    MARK,
    Made,
    Order,
    Parcel,
    Recipe,
    Sent,
    Stocked,
    assemble,
    deal,
    load,
    receive,
    recipes,
    ship,
)
from medloom.demo.registrant import package_di, seed_catalogue, sscc
from medloom.kernel.access import ALL, seeing
from medloom.materials.models import Lot
from medloom.production.models import StepRecord

META = sa.MetaData()
#: Lots that one row of the step table can name; what needs more gets further rows.
INPUTS = 12


def _table(name: str, *columns: tuple[str, Any]) -> sa.Table:
    made = [sa.Column(n, kind, primary_key=i == 0) for i, (n, kind) in enumerate(columns)]
    return sa.Table(name, META, *made, sa.Column("remark", sa.Text), sa.Column("changed_at", sa.DateTime))


RECEIPT = _table(
    "synthetic_receipt", ("number", sa.Text), ("lot", sa.Text), ("item", sa.Text), ("partner", sa.Text),
    ("partner_lot", sa.Text), ("quantity", sa.Integer), ("received", sa.Date),
)  # fmt: skip
STEP = _table(
    "synthetic_step", ("number", sa.Text), ("day", sa.Date), ("work_order", sa.Text), ("item", sa.Text),
    ("machine", sa.Text), ("output_lot", sa.Text), ("kind", sa.Text), ("device", sa.Integer),
    ("total", sa.Integer), ("good", sa.Integer),
    *((f"{what}_{n:02}", kind) for n in range(1, INPUTS + 1)
      for what, kind in (("lot", sa.Text), ("quantity", sa.Integer))),
)  # fmt: skip
MOVE = _table(
    "synthetic_move", ("number", sa.Text), ("lot", sa.Text), ("kind", sa.Text), ("quantity", sa.Integer),
    ("source", sa.Text), ("target", sa.Text), ("moved", sa.Date), ("work_order", sa.Text),
)  # fmt: skip
SERIAL = _table(
    "synthetic_serial", ("number", sa.Text), ("lot", sa.Text), ("serial", sa.Text), ("made", sa.Date)
)
SHIPMENT = _table(
    "synthetic_shipment", ("number", sa.Text), ("consignee", sa.Text), ("shipped", sa.Date), ("lot", sa.Text),
    ("first", sa.Text), ("last", sa.Text), ("quantity", sa.Integer), ("package", sa.Text), ("sscc", sa.Text),
)  # fmt: skip


class Glue:
    """The glue of one receiving plant: its site and the address of its database."""

    def __init__(self, site: str, address: str) -> None:
        self.site, self.address = site, address

    def prepare(self) -> None:
        """Make the tables, so that the plant's agent finds them empty rather than not at all."""
        engine = sa.create_engine(self.address)
        META.create_all(engine)
        engine.dispose()

    def run(self) -> int:
        """Write what has become possible; how many rows and operations there were."""
        engine = sa.create_engine(self.address)
        try:
            with engine.begin() as connection:
                orders, found = read_plant(connection)
                sent = lots_sent(receiver=self.site)
                deal(found, {(lot.site, lot.item) for lot in sent})
                added = seed_catalogue(self.site, {r.device: r.product for r in found})
                return added + _write(connection, found, orders, sent)
        finally:
            engine.dispose()


def read_plant(connection: sa.Connection) -> tuple[list[Order], list[Recipe]]:
    """C's work orders, and the devices that it makes."""
    orders = [
        Order(row.work_order_id, str(row.product_id), row.order_qty, row.stocked_qty)
        for row in connection.execute(sa.select(erp.WORK_ORDER))
    ]
    product, bom = erp.PRODUCT, erp.BILL_OF_MATERIALS
    finished = connection.execute(sa.select(product.c.product_id).where(product.c.finished_goods_flag == "1"))
    structure: dict[str, dict[str, int]] = {}
    rows = sa.select(bom).where(bom.c.end_date.is_(None), bom.c.assembly_id.is_not(None))
    for row in connection.execute(rows):
        if row.unit_code.strip() == "EA":
            parts = structure.setdefault(str(row.assembly_id), {})
            parts[str(row.component_id)] = max(1, int(row.per_assembly_qty))
    return orders, recipes([str(p) for p in finished.scalars()], structure, orders)


def lots_sent(*, receiver: str) -> list[Sent]:
    """Lots that the other plants made, as they stand at the hub."""
    with seeing(ALL):
        good = {
            row["output_lot"]: (row["pieces"], row["last"])
            for row in StepRecord.objects.exclude(site=receiver).filter(output_lot__isnull=False)
            .values("output_lot").annotate(pieces=Sum("good"), last=Max("day"))
        }  # fmt: skip
        lots = list(
            Lot.objects.exclude(site=receiver)
            .filter(kind="intermediate", item__isnull=False, voided=False)
            .values_list("num", "site", "item__key", "key", "made")
        )
    found = []
    for num, site, item, key, made in lots:
        # A part with a lot of its own is one piece, whatever its records say.
        pieces, last = good.get(num, (None, None))
        day = made or last
        if site in MACHINED and not pieces:
            pieces, day = 1, day or dt.date(2017, 1, 1)
        if pieces and day:
            found.append(Sent(site, item, key, day, int(pieces)))
    return found


# -- writing ----------------------------------------------------------------------------------


def _write(
    connection: sa.Connection, found: Sequence[Recipe], orders: Sequence[Order], sent: Sequence[Sent]
) -> int:
    new = Rows(connection)
    known = connection.execute(sa.select(RECEIPT.c.partner, RECEIPT.c.partner_lot)).all()
    for receipt in receive(found, sent, {(row.partner, row.partner_lot) for row in known}):
        new.add(RECEIPT, number=f"R-{receipt.lot}", lot=receipt.lot, item=receipt.component,
                partner=receipt.site, partner_lot=receipt.sent, quantity=receipt.quantity,
                received=receipt.day)  # fmt: skip
    new.write()
    products = {recipe.device: recipe.product for recipe in found}
    steps = connection.execute(sa.select(STEP).where(STEP.c.good.is_not(None))).all()
    done = {row.output_lot for row in steps}
    made = [_made(row) for row in steps if row.work_order]
    for one in assemble(found, _stock(connection), orders, done):
        new.step(one, products[one.device], kind="intermediate", machine="60")
        made.append(one)
    new.write()
    for packed, sterile in load(made, done):
        new.step(packed, products[packed.device], kind="intermediate", machine="PACK-1")
        new.step(sterile, products[sterile.device], kind="finished", machine="STER-1")
        if sterile.device == 3:
            for n in range(1, sterile.good + 1):
                new.add(SERIAL, number=f"{sterile.lot}-{n:05}", lot=sterile.lot, serial=f"{n:05}",
                        made=sterile.day)  # fmt: skip
        for parcel in ship([sterile]):
            new.parcel(parcel)
    return new.write()


def _made(row: Any) -> Made:
    return Made(row.output_lot, row.device, row.work_order, row.day, row.total, row.good, ())


def _stock(connection: sa.Connection) -> list[Stocked]:
    used = sa.select(MOVE.c.lot, sa.func.sum(MOVE.c.quantity)).where(MOVE.c.kind == "consumed")
    gone = dict(connection.execute(used.group_by(MOVE.c.lot)).tuples().all())
    return [
        Stocked(row.lot, row.item, row.received, row.quantity - gone.get(row.lot, 0))
        for row in connection.execute(sa.select(RECEIPT))
    ]


class Rows:
    """Rows to be written, in order; those of one look are written together."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.waiting: dict[sa.Table, list[dict[str, Any]]] = {}
        self.written = 0
        self.moves = connection.execute(sa.select(sa.func.count()).select_from(MOVE)).scalar_one()
        self.parcels = connection.execute(sa.select(sa.func.count()).select_from(SHIPMENT)).scalar_one()
        self.at = dt.datetime.now(dt.UTC).replace(tzinfo=None)

    def add(self, table: sa.Table, **values: Any) -> None:
        """One row, with its mark; each a little later than the last, for the agent reads in that order."""
        self.at += dt.timedelta(microseconds=1)
        self.waiting.setdefault(table, []).append({**values, "remark": MARK, "changed_at": self.at})

    def move(self, lot: str, kind: str, quantity: int, day: dt.date, order: str, **places: str) -> None:
        """One move, numbered in the order of what happened."""
        self.moves += 1
        self.add(MOVE, number=f"MV-{self.moves:06}", lot=lot, kind=kind, quantity=quantity, moved=day,
                 work_order=order or None, source=places.get("source"),
                 target=places.get("target"))  # fmt: skip

    def step(self, made: Made, item: str, *, kind: str, machine: str) -> None:
        """What was made of what, as step records, and the moves of both."""
        for n, part in enumerate(_cut(made.inputs), start=1):
            values: dict[str, Any] = {name.name: None for name in STEP.columns}
            for place, (lot, quantity) in enumerate(part, start=1):
                values[f"lot_{place:02}"], values[f"quantity_{place:02}"] = lot, quantity
            first = n == 1
            values |= {
                "number": made.lot if first else f"{made.lot}/{n}", "day": made.day, "kind": kind,
                "work_order": made.order or None, "item": item, "machine": machine,
                "output_lot": made.lot, "device": made.device,
                "total": made.total if first else None, "good": made.good if first else None,
            }  # fmt: skip
            self.add(STEP, **values)
        for lot, quantity in made.inputs:
            source = "STORE" if lot.startswith("RM-") else "FLOOR"
            self.move(lot, "consumed", quantity, made.day, made.order, source=source)
        target = "FINISHED" if kind == "finished" else "FLOOR"
        if made.good:
            self.move(made.lot, "produced", made.good, made.day, made.order, target=target)

    def parcel(self, parcel: Parcel) -> None:
        """One shipment of one lot, and its move."""
        self.parcels += 1
        quantity = parcel.last - parcel.first + 1
        self.add(SHIPMENT, number=parcel.number, consignee=parcel.consignee, shipped=parcel.day,
                 lot=parcel.lot, first=f"{parcel.first:05}", last=f"{parcel.last:05}", quantity=quantity,
                 package=package_di(parcel.device), sscc=sscc(self.parcels))  # fmt: skip
        self.move(parcel.lot, "shipped", quantity, parcel.day, "", source="FINISHED")

    def write(self) -> int:
        """Write what waits; how many rows were written since the beginning."""
        for table, rows in self.waiting.items():
            self.connection.execute(table.insert(), rows)
            self.written += len(rows)
        self.waiting.clear()
        return self.written


def _cut(inputs: Sequence[tuple[str, int]]) -> Iterable[Sequence[tuple[str, int]]]:
    for start in range(0, len(inputs), INPUTS):
        yield inputs[start : start + INPUTS]
