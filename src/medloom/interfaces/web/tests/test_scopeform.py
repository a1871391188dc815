"""A scope's form and its text say the same question; the map has a place for everyone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils.translation import override

from medloom.interfaces.web.consigning import takers
from medloom.interfaces.web.plantmap import LOW, TAKERS_DRAWN, WIDE, draw_map
from medloom.interfaces.web.recall import bars_of
from medloom.interfaces.web.scopeform import (
    BLOCKS_MOST,
    Block,
    Row,
    blocks_of,
    expression_of,
    read_blocks,
    values_of,
)
from medloom.interfaces.web.scopewords import SCOPE_CAUSES, SIDES
from medloom.trace.frozen.lines import Line
from medloom.trace.scopes.balance import Balance
from medloom.trace.scopes.consigned import Consigned
from medloom.trace.scopes.dimensions import DIMENSIONS
from medloom.trace.scopes.expression import parse, text_of

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    "text",
    [
        'affected({lot = "A", "B"})',
        'affected({machine = "M1"; day = 2026-11-01..}) or affected({parameter = "P"; reading = ..5})',
        'affected({lot = "A"}) and affected({lot = "B"}) except {consignee = "C-1"}',
        'origin({lot = "A"}) or used_in({item = "I"})',
        'affected({lot = "A,1", "say \\"x\\""})',
    ],
)
def test_a_question_of_blocks_is_a_form_and_back(text: str) -> None:
    blocks = blocks_of(parse(text))
    assert blocks is not None
    data = {}
    for at, block in enumerate(blocks):
        data |= {f"join{at}": block.join, f"way{at}": block.way}
        for line, row in enumerate(block.rows):
            for part in ("name", "value", "low", "high"):
                data[f"{part}{at}-{line}"] = getattr(row, part)
    expression, _ = expression_of(read_blocks(data))
    assert expression is not None
    assert text_of(expression) == text


def test_a_union_inside_a_walk_is_two_blocks_of_the_same_answer() -> None:
    blocks = blocks_of(parse('affected({lot = "A"} or {item = "I"})'))
    assert [block.rows[0].name for block in blocks or ()] == ["lot", "item"]


@pytest.mark.parametrize(
    "text",
    [
        'affected({lot = "A"} and {lot = "B"})',
        '{lot = "A"} or ({lot = "B"} and {lot = "C"})',
        'affected(origin({lot = "A"}))',
        '{lot = "A"} except affected({lot = "B"} or {lot = "C"})',
    ],
)
def test_a_question_of_another_shape_stays_text(text: str) -> None:
    assert blocks_of(parse(text)) is None


def test_what_is_wrong_stands_beside_its_condition() -> None:
    rows = (Row("lot", value="A"), Row("day", low="2026-13-01"), Row("reading", low="1"))
    expression, told = expression_of([Block(rows=rows)])
    assert expression is None
    assert [row.error.code if row.error else "" for row in told[0].rows] == [
        "",
        "value_wrong",
        "beside_missing",
    ]


def test_values_are_parted_as_people_do() -> None:
    assert values_of("A, B；C、D\nE") == ("A", "B", "C", "D", "E")
    assert values_of('"A, B" "C"') == ("A, B", "C")
    assert values_of("  ") == ()


def test_an_empty_or_foreign_form_is_one_empty_block() -> None:
    assert read_blocks({}) == [Block()]
    assert len(read_blocks({f"name{n}-0": "lot" for n in range(40)})) <= BLOCKS_MOST
    crooked = {"name0-0": "nonsense", "value0-0": "x", "join0": "xor", "way0": "sideways"}
    expression, told = expression_of(read_blocks(crooked))
    assert expression is None
    assert told[0].rows[0].error is not None


def test_every_side_has_a_word_and_every_refusal_a_cause() -> None:
    assert {name for _, members in SIDES for name, _ in members} == set(DIMENSIONS)
    assert {"scope_moved", "expression_wrong", "value_wrong"} <= set(SCOPE_CAUSES)


def _line(lot: int, site: str, distance: int, via: int = 0) -> Line:
    return Line(lot, site, f"L{lot}", distance, via, 1, Balance(), devices=10)


def test_the_map_shows_plants_by_region_with_what_went_between_them() -> None:
    lines = [
        _line(1, "A", 0),
        _line(2, "B", 1, 1),
        _line(3, "C", 1, 1),
        _line(4, "C", 2, 3),
        _line(5, "A", 3, 4),
    ]
    drawn = draw_map(lines, names={"A": "Alpha"}, regions={"A": "East", "B": "East"})
    assert [(region.name) for region in drawn.regions] == ["East", ""]
    assert {spot.site: (spot.name, spot.lots, spot.devices) for spot in drawn.spots} == {
        "A": ("Alpha", 2, 20), "B": ("B", 1, 10), "C": ("C", 2, 20),
    }  # fmt: skip
    assert [arrow.lots for arrow in drawn.arrows] == [1, 1, 1]
    assert all(spot.end <= drawn.width and spot.y + 74 <= drawn.height for spot in drawn.spots)
    boxes = [(spot.x, spot.y) for spot in drawn.spots]
    assert len(set(boxes)) == len(boxes)
    assert draw_map([], names={}, regions={}).width == 0


def _handed(code: str, quantity: int, site: str = "A", unit: str = "1") -> Consigned:
    nought = Decimal(0)
    return Consigned(code, bool(code), "", site, unit, Decimal(quantity), nought, nought, (1,), 1)


@override("en")
def test_the_map_shows_who_received_how_much_and_from_whom() -> None:
    handed = [_handed("C1", 5), _handed("C1", 1, "B"), _handed("C2", 9), _handed("", 4)]
    drawn = draw_map([_line(1, "A", 0), _line(2, "B", 1, 1)], names={}, regions={}, takers=takers(handed))
    boxes = [(one.name, one.quantity, "".join(sorted(one.sites))) for one in drawn.takers]
    assert boxes[:2] == [("C2", "9 pieces", "A"), ("C1", "6 pieces", "AB")]
    assert boxes[2:] == [("No consignee on record", "4 pieces", "A")]
    assert [arrow.lots for arrow in drawn.arrows] == [1, 0, 0, 0, 0]
    assert drawn.taken is not None
    assert all(one.y + LOW <= drawn.height and one.x + WIDE <= drawn.width for one in drawn.takers)
    assert max(spot.end for spot in drawn.spots) < min(one.x for one in drawn.takers)


@override("en")
def test_many_consignees_are_drawn_as_those_with_most_and_the_others_as_one() -> None:
    handed = [_handed(f"C{n}", 100 - n) for n in range(30)] + [_handed("", 1, unit="kg")]
    found = takers(handed)
    assert len(found) == TAKERS_DRAWN + 1
    assert [one.name for one in found[:2]] == ["C0", "C1"]
    assert (found[-2].more, found[-1].quantity) == (30 - TAKERS_DRAWN + 1, "1 kg")
    drawn = sum(int(one.quantity.split()[0].replace(",", "")) for one in found[:-1])
    assert drawn == sum(range(71, 101)), "what is drawn together is not less"


def test_bars_fill_the_whole_and_never_more() -> None:
    bars = bars_of(Balance(made=Decimal(100), stock=Decimal(20), shipped=Decimal(50)))
    assert sum(bar.share for bar in bars) == pytest.approx(100)
    over = bars_of(Balance(made=Decimal(10), shipped=Decimal(50)))
    assert max(bar.at + bar.share for bar in over) <= 100.001
    assert next(bar.value for bar in over if bar.name == "unknown") == -40
    assert sum(bar.share for bar in bars_of(Balance())) == 0
