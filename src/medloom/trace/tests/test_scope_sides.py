"""Every side of a scope is exact: lots and ranges of devices against sets over generated networks.

Gauge, operator, supplier's lot, item, program, equipment with a window of time, and the others; alone, two at
a time, walked, and joined by union, intersection and difference.
"""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medloom.hub import WIRING
from medloom.kernel.access import ALL, seeing
from medloom.kernel.act import Act
from medloom.kernel.case import Received
from medloom.kernel.ledger import append, own
from medloom.kernel.tests.making import make
from medloom.production.models import StepRecord
from medloom.trace.tests.answers import answered
from medloom.trace.tests.network import (
    ALL_LOTS,
    DAY,
    HOUR,
    LOTS,
    MIDNIGHT,
    NETWORKS,
    PLANTS,
    ZONES,
    Lot,
    Made,
    Network,
    Told,
    across,
    unit,
)  # fmt: skip
from medloom.trace.tests.pieces import JOINED, House, Meant
from medloom.trace.tests.questions import QUESTIONS, SINGLE, Question, lots_that_fit, records_that_fit
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

EXAMPLES = itertools.count()
WALKS = ("affected", "affected", "origin", "used_in")


class Telling:
    """Sends a network's rows through the write door; every code carries the example's mark."""

    def __init__(self, mark: str, network: Network) -> None:
        self.mark, self.network = mark, network
        #: Plant, supplier's number -> the lots it stands for.
        self.called: dict[tuple[str, str], set[int]] = {}
        for row in network.told:
            if row.kind == "alias" and row.other is None and row.same:
                self.called.setdefault((row.plant, str(row.codes["number"])), set()).add(row.lot)

    def code(self, code: str | None) -> str | None:
        return None if code is None else f"{self.mark}{code}"

    def lot(self, lot: int) -> str:
        return f"{self.mark}L{lot}"

    def input(self, plant: str, lot: int) -> str:
        """A lot as a record names it: by the supplier's number, where that means one lot alone."""
        for (where, number), lots in self.called.items():
            if where == plant and lots == {lot}:
                return f"{self.mark}{number}"
        return self.lot(lot)

    def send(self, operations: Iterable[tuple[str, Received]]) -> None:
        given = list(operations)
        for plant in PLANTS:
            mine = [operation for where, operation in given if where == plant]
            for answer in append(mine, author=plant, wiring=WIRING):
                assert answer.verdict is Verdict.ACCEPTED, answer

    def tell(self) -> dict[int, int]:
        """Everything. Internal number of each live record -> its place."""
        rows, made = self.network.told, self.network.made
        early = [row for row in rows if row.kind == "alias"]
        others = [row for row in rows if row.kind != "alias"]
        #: An alias waits until its lots are known, and records are to name lots by it.
        named = {(row.plant, lot) for row in early for lot in (row.lot, row.other)}
        late = [lot for lot in ALL_LOTS if self.network.late and lot not in named]
        self.send(self.items())
        self.send(self.lots(lot for lot in ALL_LOTS if lot not in late))
        self.send((row.plant, self.row(at, row)) for at, row in enumerate(early))
        records = [self.records(at, record) for at, record in enumerate(made)]
        told = [(row.plant, self.row(at, row)) for at, row in enumerate(others, len(early))]
        first = [versions[0] for versions in records]
        self.send(told + first if self.network.late else first + told)
        self.send(versions[1] for versions in records if len(versions) > 1)
        self.send(self.lots(late))
        live = {f"{self.mark}R{at}": place for place, at in enumerate(self.places())}
        with seeing(ALL):
            known = StepRecord.objects.filter(number__startswith=f"{self.mark}R")
            return {num: live[number] for num, number in known.values_list("num", "number") if number in live}

    def places(self) -> list[int]:
        return [at for at, record in enumerate(self.network.made) if not record.idle]

    def items(self) -> Iterable[tuple[str, Received]]:
        items = {(plant, item) for (plant, _), item in self.network.items.items() if item is not None}
        for plant, item in sorted(items):
            yield plant, make("item", "set", site=plant, fields={"number": self.code(item)})

    def lots(self, told: Iterable[Lot]) -> Iterable[tuple[str, Received]]:
        for plant, lot in told:
            item, date = self.network.items[plant, lot], self.network.dates[plant, lot]
            fields = {"number": self.lot(lot), "item": self.code(item), "made": _day(date)}
            yield plant, make("lot", site=plant, fields=_said(fields))

    def records(self, at: int, record: Made) -> list[tuple[str, Received]]:
        """A record, and its correction where it was told otherwise at first."""
        fields = self.fields(at, record)
        if record.first is None:
            return [(record.plant, make("step_record", site=record.plant, fields=_said(fields)))]
        inputs, output, operator, day = record.first
        wrong = {
            **fields,
            "inputs": [{"lot": self.input(record.plant, lot)} for lot in inputs],
            "output_lot": None if output is None else self.lot(output),
            "operator": self.code(operator),
            "day": _day(day),
        }
        first = make("step_record", site=record.plant, fields=_said(wrong))
        meant = {"object": first.operation.object, "corrects": first.operation.id}
        again = make("step_record", site=record.plant, fields=fields, **meant)
        return [(record.plant, first), (record.plant, again)]

    def fields(self, at: int, record: Made) -> dict[str, Any]:
        return {
            "number": f"{self.mark}R{at}",
            "day": _day(record.day),
            "started": _moment(record.began),
            "ended": _moment(record.ended),
            "machine": self.code(record.machine),
            "mould": self.code(record.mould),
            "operator": self.code(record.operator),
            "program": self.code(record.program),
            "work_order": self.code(record.order),
            "output_lot": None if record.made is None else self.lot(record.made),
            "inputs": [{"lot": self.input(record.plant, lot)} for lot in record.inputs_of],
            "good": None if record.idle else record.good,
            "total": 0 if record.idle else None,
        }

    def row(self, at: int, row: Told) -> Received:
        plant, lot, codes = row.plant, self.lot(row.lot), {n: self.code(c) for n, c in row.codes.items()}
        fields: dict[str, Any] = {"number": f"{self.mark}T{at}", "lot": lot}
        if row.kind == "result":
            value = {"value": str(row.value / 10), "unit": row.codes["unit"]}
            fields |= {**codes, **value, "measured": _moment(None if row.when is None else row.when * 24)}
        elif row.kind == "receipt":
            delivered = (
                {"partner": across(plant), "partner_lot": self.lot(row.other)}
                if row.other is not None
                else {}
            )
            quantity = {"quantity": str(row.value), "unit": unit(row.lot)}
            fields |= {**codes, **delivered, **quantity, "received": _day(row.when)}
        elif row.kind == "shipment":
            line = {"lot": fields.pop("lot"), "quantity": str(row.value), "unit": unit(row.lot)}
            fields |= {**codes, "shipped": _day(row.when), "lines": [line]}
        elif row.kind == "alias":
            both = {"partner": plant, "number": self.lot(row.other), "other": self.lot(row.other)}
            named = (
                both
                if row.other is not None
                else {"partner": row.codes["partner"], "number": codes["number"]}
            )
            fields |= {**named, "same": row.same}
            return make("alias", "set", site=plant, fields=fields)
        elif row.kind == "move":
            fields |= {
                "kind": row.codes["way"],
                "quantity": str(row.value),
                "unit": unit(row.lot),
                "target": "FG",
            }
        else:
            fields |= codes
        return make(row.kind, site=plant, fields=_said(fields))


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _day(day: int | None) -> str | None:
    return None if day is None else str(DAY + dt.timedelta(day))


def _moment(hour: int | None) -> str | None:
    return None if hour is None else f"{MIDNIGHT + hour * HOUR:%Y-%m-%dT%H:%M:%SZ}"


#: What a range is counted in.
ENDS = {"time": _moment, "measured": _moment, "value": lambda end: None if end is None else str(end / 10)}
#: Codes that are no example's own.
COMMON = ("site", "value_unit")


def text_of(mark: str, question: Question) -> str:
    """The question; one that would find other examples' rows too is asked of this example's lots."""
    parts = []
    for one in question:
        if one.values:
            prefix = "" if one.name in COMMON else mark
            parts.append(f"{one.name} = " + ", ".join(f'"{prefix}{value}"' for value in one.values))
        else:
            low, high = (ENDS.get(one.name, _day)(end) or "" for end in (one.low, one.high))
            parts.append(f"{one.name} = {low}..{high}")
    if not any(one.values and one.name not in COMMON for one in question):
        parts.append("lot = " + ", ".join(f'"{mark}L{lot}"' for lot in range(LOTS)))
    return "{" + "; ".join(parts) + "}"


def block(network: Network, house: House, question: Question) -> Meant:
    """What the question means: the records that fit, and of them only what is of the lots that fit."""
    fit = records_that_fit(network, question)
    meant = None if fit is None else house.of_records(fit)
    for lots in lots_that_fit(network, question):
        mine = house.of_lots(lots)
        meant = mine if meant is None else meant & mine
    assert meant is not None
    return meant


#: How often a side was asked with an answer: an oracle that compares nothing with nothing proves nothing.
SEEN: Counter[str] = Counter()
LEAST = 5
SIDES = ("gauge", "operator", "supplier_lot", "item", "program", "machine", "equipment", "time")


@given(
    network=NETWORKS,
    asked=st.tuples(SINGLE, SINGLE, QUESTIONS),
    ways=st.tuples(st.sampled_from(WALKS), st.sampled_from(WALKS)),
    joins=st.tuples(st.sampled_from(list(JOINED)), st.sampled_from(list(JOINED))),
)
@settings(max_examples=90, deadline=None, derandomize=True, database=None)
def check(
    network: Network, asked: tuple[Question, ...], ways: tuple[str, str], joins: tuple[str, str]
) -> None:
    mark = f"Y{next(EXAMPLES)}"
    records = Telling(mark, network).tell()
    house = House(network.live(), network.ways(), network.booked())
    text = [text_of(mark, one) for one in asked]
    begun = [block(network, house, one) for one in asked]
    walked = [f"{way}({one})" for way, one in zip(ways, text, strict=False)]
    reached = [house.walk(way, one) for way, one in zip(ways, begun, strict=False)]
    cases = dict(zip(text + walked, begun + reached, strict=True))
    for name, join in JOINED.items():
        cases[f"{walked[0]} {name} {walked[1]}"] = join(*reached)
        cases[f"{walked[0]} {name} {text[2]}"] = join(reached[0], begun[2])
    first, second = joins
    joined = JOINED[second](JOINED[first](begun[0], begun[1]), begun[2])
    cases[f"affected({text[0]} {first} {text[1]} {second} {text[2]})"] = house.walk("affected", joined)
    for question, meant in cases.items():
        expected = {(plant, f"{mark}L{lot}"): told for (plant, lot), told in house.told(meant).items()}
        assert answered(question, records) == expected, question
        SEEN["some" if expected else "none"] += 1
    for question, meant in zip(asked, begun, strict=True):
        SEEN.update(one.name for one in question if meant.may)


def test_every_side_of_random_networks_is_that_of_sets() -> None:
    act = Act(actor="p1", at="2026-11-01T08:00:00Z", mint=lambda: str(uuid.uuid4()))
    sites = [
        act.create("site", site=code, fields={"code": code, "name": code, "zone": zone})
        for code, zone in ZONES.items()
    ]
    assert {a.verdict for a in append([own(one) for one in sites], author="HQ", wiring=WIRING)} == {
        Verdict.ACCEPTED
    }
    check()
    assert {side: SEEN[side] for side in SIDES if SEEN[side] < LEAST} == {}
    assert SEEN["some"] > SEEN["none"] / 2
