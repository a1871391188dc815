"""Scopes on a real PostgreSQL, through the write door, against an oracle that reads the same operations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from medloom.hub import WIRING
from medloom.kernel.access import ALL, seeing
from medloom.kernel.case import Received
from medloom.kernel.cursor import open_cursor
from medloom.kernel.ledger import append
from medloom.kernel.tests.making import make
from medloom.trace.frozen.queries import draw
from medloom.trace.offers.queries import offered
from medloom.trace.scopes.balance import totals
from medloom.trace.scopes.dimensions import DIMENSIONS
from medloom.trace.scopes.expression import parse
from medloom.trace.scopes.queries import evaluate, keys_of
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def accept(*received: Received, site: str = "A") -> None:
    for answer in append(received, author=site, wiring=WIRING):
        assert answer.verdict is Verdict.ACCEPTED, answer


def record(number: str, *, site: str = "A", **fields: Any) -> Received:
    given = {"number": number, "day": "2026-11-01", **fields}
    return make("step_record", fields=given, site=site)


def put(type_: str, *, site: str = "A", **fields: Any) -> Received:
    return make(type_, "set", fields=fields, site=site)


def seen(type_: str, **fields: Any) -> Received:
    return make(type_, fields=fields)


def lots(text: str, *, site: str = ALL) -> dict[str, int]:
    """Lot number -> distance, of what the scope holds as `site` sees it."""
    with seeing(site), open_cursor() as cursor:
        found = evaluate(cursor, parse(text)).portions
        named = keys_of(cursor, found)
    return {named[lot][1]: portion.distance for lot, portion in found.items()}


@pytest.fixture
def house() -> None:
    """Two machines, one mould, a resin lot that is split, an assembly that merges, a rework loop."""
    accept(
        put("item", number="PP", kind="resin"),
        put("lot", number="RESIN", item="PP", kind="material"),
        put("alias", partner="SUP", number="S-77", lot="RESIN"),
        *(put("equipment", number=n, kind="machine") for n in ("M1", "M2")),
        put("equipment", number="MOULD", kind="mould"),
    )
    timed = {"started": "2026-11-01T22:00:00+08:00", "ended": "2026-11-02T02:00:00+08:00"}
    for number, (machine, day, output, good, feeds) in enumerate(MADE):
        readings = [{"name": "FEED", "value": value, "unit": "mm"} for value in feeds]
        accept(
            record(
                f"R{number}", machine=machine, mould="MOULD", day=day, output_lot=output, good=good,
                resin_lot="RESIN" if number < 2 else "OTHER", operator=f"op-{number}", parameters=readings,
                work_order="WO-1" if number else "WO-2", program=f"O100{number}", **({} if number else timed),
            )
        )  # fmt: skip
    accept(
        record("A1", output_lot="VALVE", good=4, inputs=[{"lot": "CAP", "quantity": "4"}, {"lot": "LID"}]),
        record("RW", output_lot="VALVE-R", good=3, inputs=[{"lot": "VALVE", "quantity": "3"}]),
        *(seen(type_, **fields) for type_, fields in TOLD),
    )


MADE = [
    ("M1", "2026-11-01", "CAP", 10, ("0.10", "0.12")),
    ("M2", "2026-11-02", "CAP", 20, ("0.16",)),
    ("M2", "2026-11-03", "LID", 5, ("0.14",)),
]
MEASURED = {"unit": "mm", "gauge": "G-1", "laboratory": "LAB", "measured": "2026-11-05T08:00:00Z"}
BOUGHT = {"vendor": "VEN", "partner_lot": "V-9", "received": "2026-10-30"}
SENT = {"consignee": "CLINIC", "shipped": "2026-11-20", "lines": [{"lot": "VALVE-R", "quantity": "1"}]}
TOLD: list[tuple[str, dict[str, Any]]] = [
    ("result", {"number": "Q1", "lot": "LID", "characteristic": "width", "value": "7.5", **MEASURED}),
    ("result", {"number": "Q2", "lot": "CAP", "characteristic": "width", "value": "8", "unit": "mm"}),
    ("receipt", {"number": "RC", "lot": "RESIN", "quantity": "25000", "unit": "g", **BOUGHT}),
    ("shipment", {"number": "SH-1", **SENT}),
]  # fmt: skip
AFFECTED = {"RESIN": 0, "CAP": 1, "VALVE": 2, "VALVE-R": 3}
BEHIND = {"VALVE-R": 0, "VALVE": -1, "CAP": -2, "LID": -2, "RESIN": -3, "OTHER": -3}


ANSWERS: list[tuple[str, dict[str, int]]] = [
    ('affected({lot = "RESIN"})', AFFECTED),
    ('affected({supplier_lot = "S-77"})', AFFECTED),
    ('affected({item = "PP"})', AFFECTED),
    ('{machine = "M2"}', {"CAP": 0, "LID": 0}),
    ('{machine = "M2"; day = 2026-11-03..}', {"LID": 0}),
    ('{equipment = "M1", "M2"; day = ..2026-11-02}', {"CAP": 0}),
    ('{mould = "MOULD"; operator = "op-2"}', {"LID": 0}),
    ('{machine = "M1"; day = 2026-11-02..}', {}),
    ('{parameter = "FEED"; reading = 0.15..}', {"CAP": 0}),
    ('{parameter = "FEED"; reading = 0.13..0.15; reading_unit = "mm"}', {"LID": 0}),
    ('{parameter = "FEED"; reading = 0.13..0.15; reading_unit = "in"}', {}),
    ('{parameter = "OTHER"}', {}),
    ('affected({characteristic = "width"; value = ..7.8})', {"LID": 0, "VALVE": 1, "VALVE-R": 2}),
    ('{machine = "M2"; characteristic = "width"; value = ..7.8}', {"LID": 0}),
    ('{work_order = "WO-1"}', {"CAP": 0, "LID": 0}),
    ('{program = "O1000"; time = 2026-11-01T17:00Z..}', {"CAP": 0}),
    ('{program = "O1000"; time = 2026-11-01T18:00:01Z..}', {}),
    ('{program = "O1000"; time = ..2026-11-01T13:59:59Z}', {}),
    ('{time = 2026-11-01T14:00Z..2026-11-01T23:59Z}', {"CAP": 0, "VALVE": 0, "VALVE-R": 0}),
    ('{time = 2026-11-03T09:00Z..2026-11-03T10:00Z}', {"LID": 0}),
    ('{gauge = "G-1"}', {"LID": 0}),
    ('{laboratory = "LAB"; measured = 2026-11-05T00:00Z..}', {"LID": 0}),
    ('{laboratory = "LAB"; measured = 2026-11-06T00:00Z..}', {}),
    ('{supplier_lot = "V-9"}', {"RESIN": 0}),
    ('affected({vendor = "VEN"; received = ..2026-10-31})', AFFECTED),
    ('{consignee = "CLINIC"}', {"VALVE-R": 0}),
    ('{shipment = "SH-1"; shipped = 2026-11-21..}', {}),
    ('{item = "PP"; shipment = "SH-1"}', {}),
    ('origin({lot = "VALVE-R"})', BEHIND),
    ('used_in({lot = "CAP"})', {"VALVE": 1}),
    ('affected({lot = "RESIN"}) and affected({lot = "LID"})', {"VALVE": 1, "VALVE-R": 2}),
    ('affected({lot = "RESIN"}) except affected({lot = "LID"})', {"RESIN": 0, "CAP": 1}),
    ('affected({lot = "RESIN"} or {lot = "LID"})', {**AFFECTED, "LID": 0, "VALVE": 1, "VALVE-R": 2}),
    ('{lot = "nobody"}', {}),
    ('{site = "A"; lot = "CAP"}', {"CAP": 0}),
    ('{site = "B"; lot = "CAP"}', {}),
]  # fmt: skip


def test_each_side_leads_to_its_lots(house: None) -> None:
    found = {text: lots(text) for text, _ in ANSWERS}
    assert found == dict(ANSWERS)


def test_a_run_of_a_week_is_found_at_its_other_end_too(house: None) -> None:
    """Its record has one day, that of its begin or its end; in between it stood in the oven all the same."""
    times = {"started": "2026-11-10T06:00:00Z", "ended": "2026-11-17T06:00:00Z"}
    accept(
        record("W1", day="2026-11-10", machine="OVEN", output_lot="AGED-1", good=8, **times),
        record("W2", day="2026-11-17", machine="OVEN", output_lot="AGED-2", good=8, **times),
        record("W3", day="2026-11-10", machine="OVEN", output_lot="DAY", good=8),
    )
    aged = {"AGED-1": 0, "AGED-2": 0}
    assert lots('{machine = "OVEN"; time = 2026-11-15T00:00Z..2026-11-16T00:00Z}') == aged
    assert lots('{machine = "OVEN"; time = 2026-11-16T00:00Z..}') == aged
    assert lots("{time = 2026-11-11T06:00Z..2026-11-12T00:00Z}") == aged
    assert lots('{machine = "OVEN"; time = ..2026-11-11T00:00Z}') == {**aged, "DAY": 0}
    assert lots('{machine = "OVEN"; time = 2026-11-17T06:00:01Z..}') == {}
    assert lots('{time = ..2026-11-10T05:59:59Z; machine = "OVEN"}') == {"DAY": 0}


def test_devices_are_those_of_the_records_meant_and_all_of_what_follows(house: None) -> None:
    def counts(text: str) -> dict[str, int]:
        with seeing(ALL), open_cursor() as cursor:
            return {line.key: line.devices for line in draw(cursor, parse(text), text).lines}

    assert counts('affected({machine = "M1"})') == {"CAP": 10, "VALVE": 4, "VALVE-R": 3}
    assert counts('{machine = "M1"} or {machine = "M2"; day = 2026-11-02..2026-11-02}') == {"CAP": 30}
    assert counts('{lot = "CAP"} except {machine = "M1"}') == {"CAP": 20}
    assert counts('{lot = "CAP", "LID"} except {mould = "MOULD"}') == {}
    assert counts('({lot = "CAP"} except {machine = "M1"}) or {machine = "M1"}') == {"CAP": 30}
    assert counts('{mould = "MOULD"} except {machine = "M2"}') == {"CAP": 10}
    assert counts('{machine = "M1"} and {machine = "M2"}') == {}


def test_a_start_that_the_walk_comes_back_to_counts_whole(house: None) -> None:
    accept(
        record("R9", machine="M1", output_lot="VALVE", good=6, day="2026-11-09", inputs=[{"lot": "VALVE-R"}])
    )
    with seeing(ALL), open_cursor() as cursor:
        text = 'affected({machine = "M1"; day = 2026-11-09..})'
        found = {line.key: (line.distance, line.devices) for line in draw(cursor, parse(text), text).lines}
    assert found == {"VALVE": (0, 10), "VALVE-R": (1, 3)}


def test_quantities_are_reconciled_and_what_nobody_knows_is_shown(house: None) -> None:
    unit = {"unit": "1"}
    accept(
        *(
            make("move", fields={"number": n, "lot": "VALVE-R", "kind": kind, "quantity": q, **unit, **more})
            for n, kind, q, more in [
                ("m1", "produced", "3", {"target": "FG"}),
                ("m2", "shipped", "2", {"source": "FG", "target": "CLINIC"}),
                ("m3", "received", "0", {"target": "FG"}),
            ]
        )
    )  # fmt: skip
    with seeing(ALL), open_cursor() as cursor:
        text = 'affected({lot = "RESIN"})'
        drawn = draw(cursor, parse(text), text)
    found = {line.key: line.balance for line in drawn.lines}
    assert (found["VALVE-R"].made, found["VALVE-R"].shipped, found["VALVE-R"].stock) == (3, 2, 1)
    assert found["VALVE-R"].unknown == 0
    assert (found["CAP"].made, found["CAP"].consumed, found["CAP"].unknown) == (30, 4, 26)
    resin = found["RESIN"]
    assert (resin.unit, resin.made, resin.unknown, resin.unsaid) == ("kg", 25, 25, 2)
    total = totals(found.values())["1"]
    assert total.made == total.known + (total.unknown or Decimal(0)) == 37


def test_a_record_that_names_no_lot_made_is_counted(house: None) -> None:
    accept(
        record("R8", machine="M1", good=6, total=6), record("R7", machine="M1", output_lot="NONE", total=0)
    )
    with seeing(ALL), open_cursor() as cursor:
        found = evaluate(cursor, parse('{machine = "M1"}'))
    assert (len(found.portions), found.unnamed) == (1, 1)


def test_a_plant_sees_its_own_part_and_the_way_leads_through_the_others(house: None) -> None:
    accept(put("lot", number="B-1", site="B"), site="B")
    assert set(lots('affected({lot = "RESIN"})', site="A")) == set(AFFECTED)
    assert lots('affected({lot = "RESIN"})', site="B") == {}
    assert lots('{lot = "B-1"}', site="B") == {"B-1": 0}


def test_an_answer_over_the_limit_says_so(house: None) -> None:
    with seeing(ALL), open_cursor() as cursor:
        found = evaluate(cursor, parse('affected({lot = "RESIN"})'), most=2)
    assert (len(found.portions), found.cut) == (2, True)


def test_values_that_exist_are_offered_for_every_side(house: None) -> None:
    accept(put("equipment", number="M_3", kind="machine"))
    with seeing(ALL), open_cursor() as cursor:
        found = {name: offered(cursor, name, "") for name in DIMENSIONS}
        assert offered(cursor, "machine", "_") == ["M_3"], "a percent sign or underscore means itself"
        assert offered(cursor, "lot", "val") == ["VALVE", "VALVE-R"]
    assert found["machine"] == ["M1", "M2", "M_3"]
    assert (found["parameter"], found["operator"]) == (["FEED"], ["op-0", "op-1", "op-2"])
    assert (found["consignee"], found["vendor"], found["gauge"]) == (["CLINIC"], ["VEN"], ["G-1"])
    ranges = {name for name, dimension in DIMENSIONS.items() if dimension.kind != "key"}
    assert {name for name, values in found.items() if not values} == {
        *ranges,
        "serial",
        "site",
        "shift",
        "inspector",
    }
    with seeing("B"), open_cursor() as cursor:
        assert offered(cursor, "lot", "") == []
