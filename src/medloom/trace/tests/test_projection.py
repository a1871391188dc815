"""Step records through the write door: the edges they prove, and what a correction does to them."""

from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.db import connection

from medloom.kernel.access import ALL, seeing
from medloom.kernel.case import Received
from medloom.kernel.ledger import append
from medloom.kernel.ruling import Wiring
from medloom.kernel.tests.making import make
from medloom.materials.models import Lot
from medloom.trace import queries
from medloom.trace.rules import UNIT_BITS, edges
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

WIRING = Wiring(projections={"step_record": edges}, effects={"step_record": queries.void_earlier})


def record(number: str, **fields: Any) -> Received:
    fields = {"number": number, "day": "2026-11-01", **fields}
    envelope = {name: fields.pop(name) for name in ("object", "corrects") if name in fields}
    return make("step_record", fields=fields, **envelope)


def accept(*received: Received) -> None:
    answers = append(received, author="A", wiring=WIRING)
    assert {answer.verdict for answer in answers} == {Verdict.ACCEPTED}


def number_of(key: str) -> int:
    return Lot.objects.get(site="A", key=key).num


def parents(key: str) -> set[str]:
    found = queries.made_of([number_of(key)])
    return {Lot.objects.get(num=edge.parent).key for edge in found}


def test_a_record_leads_from_every_lot_consumed_to_the_lot_made() -> None:
    inputs = [{"lot": "INSERT-1", "quantity": "2.5", "unit": "kg"}, {"lot": "INSERT-2"}]
    accept(record("R1", resin_lot="RESIN", output_lot="CAP", inputs=inputs, good=300))
    with seeing("A"):
        assert parents("CAP") == {"RESIN", "INSERT-1", "INSERT-2"}
        (edge,) = queries.used_in([number_of("INSERT-1")])
        assert (edge.child, str(edge.quantity)) == (number_of("CAP"), "2.500000")
        (devices,) = queries.units([number_of("RESIN")])
        assert (devices.lot, devices.first, devices.units) == (edge.child, edge.step << UNIT_BITS, 300)


def taken(key: str) -> Decimal | None:
    (edge,) = queries.used_in([number_of(key)])
    return edge.quantity


def test_grams_are_kept_as_kilograms_and_lines_of_one_lot_added_up() -> None:
    inputs = [
        {"lot": "RESIN", "quantity": "2932.9", "unit": "g"},
        {"lot": "RESIN", "quantity": "1.5", "unit": "kg"},
        {"lot": "OIL", "quantity": "20", "unit": "g"},
        {"lot": "OIL", "unit": "g"},
    ]
    first = record("R1", output_lot="CAP", inputs=inputs, good=3)
    accept(first)
    with seeing("A"):
        assert taken("RESIN") == Decimal("4.4329")
        assert taken("OIL") is None, "one line does not say how much: the whole is not known"
    again = {"object": first.operation.object, "corrects": first.operation.id}
    accept(record("R1", **again, output_lot="CAP", good=2))
    with seeing("A"):
        assert taken("RESIN") == Decimal("4.4329"), "a correction of another field keeps them"
        assert taken("OIL") is None


def test_the_migration_puts_grams_right_that_stand_as_kilograms() -> None:
    inputs = [{"lot": "RESIN", "quantity": "2932.9", "unit": "g"}, {"lot": "INSERT", "quantity": "7"}]
    accept(record("R1", output_lot="CAP", inputs=inputs))
    with seeing(ALL), connection.cursor() as cursor:
        cursor.execute("update trace_edge set quantity = 2932.9 where parent = %s", [number_of("RESIN")])
        migration = import_module("medloom.trace.migrations.0011_base_units")
        for _ in range(2):
            cursor.execute(migration.INPUTS)
            cursor.execute(migration.RECEIPTS)
    with seeing("A"):
        assert (taken("RESIN"), taken("INSERT")) == (Decimal("2.9329"), Decimal(7))


def test_two_records_of_one_batch_build_on_each_other() -> None:
    accept(
        record("R1", resin_lot="RESIN", output_lot="CAP"),
        record("R2", output_lot="VALVE", inputs=[{"lot": "CAP"}]),
    )
    with seeing("A"):
        reached = queries.forward([number_of("RESIN")]).lots
        assert {Lot.objects.get(num=n).key for n in reached} == {"RESIN", "CAP", "VALVE"}


def test_a_correction_replaces_the_edges() -> None:
    first = record("R1", resin_lot="WRONG", output_lot="CAP", inputs=[{"lot": "INSERT"}], good=5)
    accept(first)
    again = record(
        "R1", resin_lot="RIGHT", output_lot="CAP", inputs=[{"lot": "INSERT"}], good=6,
        object=first.operation.object, corrects=first.operation.id,
    )  # fmt: skip
    accept(again)
    with seeing("A"):
        assert parents("CAP") == {"RIGHT", "INSERT"}
        assert queries.used_in([number_of("WRONG")]) == []
        assert [r.units for r in queries.units([number_of("RIGHT")])] == [6]


def test_a_correction_that_says_nothing_of_inputs_leaves_them() -> None:
    first = record("R1", output_lot="CAP", inputs=[{"lot": "INSERT", "quantity": "3"}], good=5)
    accept(first)
    accept(record("R1", output_lot="LID", good=4, object=first.operation.object))
    with seeing("A"):
        assert parents("LID") == {"INSERT"}
        assert queries.made_of([number_of("CAP")]) == []
        assert [r.units for r in queries.units([number_of("INSERT")])] == [4]
