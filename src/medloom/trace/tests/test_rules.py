"""Which edges a step record proves."""

from types import SimpleNamespace
from typing import Any

import pytest

from medloom.kernel.ruling import Asked, Written
from medloom.trace.rules import COLUMNS, UNIT_BITS, edges

pytestmark = pytest.mark.pure


def record(**given: Any) -> Written:
    operation = SimpleNamespace(object="0190", id="A/1")
    asked = Asked(operation=operation, author="A", home="A", fields=given.get("fields", {}), refs={})
    return Written(
        asked=asked,
        num=given.get("num", 7),
        seq=given.get("seq", 70),
        version=1,
        key="r",
        refs=given.get("refs", {}),
        lines=given.get("lines", {}),
    )


def rows(*records: Written) -> list[dict[str, Any]]:
    return [
        dict(zip(columns, row, strict=True)) for _, columns, found in edges(list(records)) for row in found
    ]


def test_each_lot_consumed_leads_to_the_lot_made() -> None:
    found = rows(
        record(
            refs={"output_lot": 3, "resin_lot": 1},
            lines={"inputs": [{"lot": "L2", "lot_num": 2, "quantity": "1.5"}]},
        )
    )
    assert [(r["parent"], r["child"], r["quantity"]) for r in found] == [(1, 3, None), (2, 3, "1.5")]
    assert {(r["step"], r["entry"], r["site"], r["units"]) for r in found} == {(7, 70, "A", 0)}


def test_no_output_lot_no_edge() -> None:
    assert edges([record(refs={"resin_lot": 1})]) == []


def test_a_lot_is_never_made_of_itself() -> None:
    assert rows(record(refs={"output_lot": 1, "resin_lot": 1})) == []


def test_the_same_lot_named_twice_is_one_edge() -> None:
    found = rows(
        record(refs={"output_lot": 3, "resin_lot": 2}, lines={"inputs": [{"lot_num": 2, "quantity": "4"}]})
    )
    assert [(r["parent"], r["quantity"]) for r in found] == [(2, "4")]


def test_good_pieces_are_a_range_of_their_own() -> None:
    first, second = rows(
        record(num=5, refs={"output_lot": 3}, fields={"good": 400}),
        record(num=6, refs={"output_lot": 3}, fields={"good": 100}),
    )
    assert (first["parent"], first["child"], first["units"]) == (3, 5 << UNIT_BITS, 400)
    assert second["child"] >= first["child"] + (1 << UNIT_BITS)


def test_more_pieces_than_a_range_holds_are_left_to_the_quantity() -> None:
    assert rows(record(refs={"output_lot": 3}, fields={"good": 1 << UNIT_BITS})) == []


def test_every_row_has_every_column() -> None:
    ((table, columns, found),) = edges([record(refs={"output_lot": 3, "resin_lot": 1}, fields={"good": 9})])
    assert (table, columns) == ("trace_edge", COLUMNS)
    assert {len(row) for row in found} == {len(COLUMNS)}
