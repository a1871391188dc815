"""The generated machining plant: its own SQL database, and the programs of the plant that keep it moving.

Everything here is invented and marked so. The plant measures in inches, works in two shifts, and keeps
work orders in a table that the agent also writes: dispatched orders, released parameters and holds come
down from the registrant, progress and results go up.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy as sa

from medloom.demo.metrology import ITEM as MEASURED_ITEM
from medloom.demo.metrology import ITEM_NAME

MARK = "generated demonstration data"
META = sa.MetaData()
ITEM = sa.Table(
    "item",
    META,
    sa.Column("number", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("changed_at", sa.DateTime, nullable=False),
)
MACHINE = sa.Table(
    "machine",
    META,
    sa.Column("number", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("changed_at", sa.DateTime, nullable=False),
)
JOB = sa.Table(
    "job",
    META,
    sa.Column("number", sa.String(64), primary_key=True),
    sa.Column("item", sa.String(64)),
    sa.Column("quantity", sa.Integer),
    sa.Column("due", sa.Date),
    sa.Column("planned_start", sa.Date),
    sa.Column("remark", sa.String(500)),
    sa.Column("progress", sa.Integer),
    sa.Column("status", sa.String(32)),
    sa.Column("changed_at", sa.DateTime),
)
LOT = sa.Table(
    "lot",
    META,
    sa.Column("number", sa.String(64), primary_key=True),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("made", sa.Date, nullable=False),
    sa.Column("changed_at", sa.DateTime, nullable=False),
)
RUN = sa.Table(
    "run",
    META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("job", sa.String(64)),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("machine", sa.String(64), nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("shift", sa.String(8), nullable=False),
    sa.Column("bar_lot", sa.String(64)),
    sa.Column("output_lot", sa.String(64)),
    sa.Column("made", sa.Integer, nullable=False),
    sa.Column("good", sa.Integer, nullable=False),
    sa.Column("burr", sa.Integer, nullable=False),
    sa.Column("off_size", sa.Integer, nullable=False),
    sa.Column("changed_at", sa.DateTime, nullable=False),
)
MEASURED = sa.Table(
    "measured",
    META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("lot", sa.String(64), nullable=False),
    sa.Column("characteristic", sa.String(64), nullable=False),
    sa.Column("sample", sa.Integer, nullable=False),
    sa.Column("inches", sa.Numeric(12, 5), nullable=False),
    sa.Column("verdict", sa.String(8), nullable=False),
    sa.Column("changed_at", sa.DateTime, nullable=False),
)
PARAMETER = sa.Table(
    "parameter",
    META,
    sa.Column("number", sa.String(64), primary_key=True),
    sa.Column("revision", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(120)),
    sa.Column("unit", sa.String(16)),
    sa.Column("target", sa.Numeric(18, 6)),
    sa.Column("low", sa.Numeric(18, 6)),
    sa.Column("high", sa.Numeric(18, 6)),
    sa.Column("status", sa.String(32)),
)
BLOCK = sa.Table(
    "lot_block",
    META,
    sa.Column("number", sa.String(64), primary_key=True),
    sa.Column("lot", sa.String(64)),
    sa.Column("cause", sa.String(500)),
    sa.Column("status", sa.String(32)),
)

ITEMS = [
    ("B-2001", "导杆 · guide rod", "component"),
    ("B-2002", "锁紧螺母 · lock nut", "component"),
    (MEASURED_ITEM, ITEM_NAME, "component"),
    ("B-9001", "不锈钢棒 316L · stainless bar 316L", "resin"),
]
MACHINES = [("CNC-1", "数控车床 · turning centre 1"), ("CNC-2", "加工中心 · machining centre 2")]
#: States of a dispatched order in which the plant works on it.
OPEN = ("released", "acknowledged", "in_process")
BARS = ["SUS316L-26A", "SUS316L-26B"]


@dataclass
class Plant:
    """The plant's database and what its people do in it. `now` gives the plant's wall clock, without zone."""

    url: str
    now: Callable[[], dt.datetime]
    seed: int = 11
    _chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.engine = sa.create_engine(self.url, pool_size=2, max_overflow=0)
        self._chance = random.Random(self.seed)  # noqa: S311 (invented numbers, no secret)

    def create(self) -> bool:
        """Make the tables and the masters, unless they are there; whether they were made.

        Jobs come from the registrant.
        """
        META.create_all(self.engine)
        now = self.now()
        with self.engine.begin() as connection:
            if connection.execute(sa.select(sa.func.count()).select_from(ITEM)).scalar_one():
                return False
            for number, name, kind in ITEMS:
                connection.execute(ITEM.insert().values(number=number, name=name, kind=kind, changed_at=now))
            for number, name in MACHINES:
                connection.execute(MACHINE.insert().values(number=number, name=name, changed_at=now))
        return True

    def work(self) -> str:
        """One run on one machine: its lot, two measurements, the job's progress. Returns the lot."""
        now, chance = self.now(), self._chance
        with self.engine.begin() as connection:
            open_ = sa.select(JOB).where(JOB.c.status.in_(OPEN)).order_by(JOB.c.number)
            jobs = connection.execute(open_).mappings().all()
            job = jobs[chance.randrange(len(jobs))] if jobs else None
            number, item = (job["number"], job["item"]) if job else (None, ITEMS[0][0])
            last = connection.execute(sa.select(sa.func.max(RUN.c.id))).scalar() or 0
            lot = f"L{now:%y%m%d}-{last + 1:04}"
            made = chance.randrange(20, 60)
            burr, off = chance.choice((0, 0, 0, 1, 2)), chance.choice((0, 0, 0, 0, 1))
            connection.execute(LOT.insert().values(number=lot, item=item, made=now.date(), changed_at=now))
            connection.execute(
                RUN.insert().values(
                    id=last + 1, job=number, item=item, machine=chance.choice(MACHINES)[0], day=now.date(),
                    shift="A" if now.hour < 14 else "B", bar_lot=chance.choice(BARS), output_lot=lot,
                    made=made, good=made - burr - off, burr=burr, off_size=off, changed_at=now,
                )
            )  # fmt: skip
            self._measure(connection, lot, now)
            if job is not None:
                progress = (job["progress"] or 0) + made - burr - off
                connection.execute(
                    JOB.update().where(JOB.c.number == number).values(progress=progress, changed_at=now)
                )
        return lot

    def _measure(self, connection: sa.Connection, lot: str, now: dt.datetime) -> None:
        last = connection.execute(sa.select(sa.func.max(MEASURED.c.id))).scalar() or 0
        for sample in (1, 2):
            inches = round(self._chance.gauss(0.5, 0.0006), 5)
            verdict = "OK" if abs(inches - 0.5) <= 0.002 else "NG"
            connection.execute(
                MEASURED.insert().values(
                    id=last + sample, lot=lot, characteristic="diameter", sample=sample, inches=inches,
                    verdict=verdict, changed_at=now,
                )
            )  # fmt: skip

    def edit(self, number: str, **values: object) -> None:
        """A person of the plant changes a job in the plant's own program."""
        with self.engine.begin() as connection:
            changed = {**values, "changed_at": self.now()}
            connection.execute(JOB.update().where(JOB.c.number == number).values(**changed))

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def run(plant: Plant, *, every_seconds: float, stop: Callable[[], bool]) -> None:
    """Keep the plant working until `stop` says so."""
    while not stop():
        plant.work()
        until = time.monotonic() + every_seconds
        while time.monotonic() < until and not stop():
            time.sleep(min(0.2, every_seconds))
