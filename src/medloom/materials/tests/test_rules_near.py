"""Which lot numbers are proposed as one, and which are not."""

from __future__ import annotations

import pytest

from medloom.materials.rules_near import Near, differ, near

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("first", "second", "how"),
    [
        # slips
        ("712 4 889", "712-4-889", "punctuation"),
        ("7124889", "712-4-889", "punctuation"),
        ("PLATE-20", "PLATE-20?", "punctuation"),
        ("RM2611-77", "RM-2611-77", "punctuation"),
        ("G1 7AJ09A", "G17AJ09A", "blanks"),
        ("g17aj09a", "G17AJ09A", "case"),
        ("O17E18", "017E18", "letters"),
        ("LOT-I2", "LOT-12", "letters"),
        ("L\u041eT-1", "LOT-1", "letters"),
        ("\uff2c\uff2f\uff34-1", "LOT-1", "letters"),
        ("\uff2c\uff2f\uff34 1", "LOT-1", "punctuation"),
        ("PLTAE-20", "PLATE-20", "order"),
        ("8S84A031", "8S84A031B", "suffix"),
        # numbers that count
        ("C-103", "C-1038", ""),
        ("C-1038", "C-1083", ""),
        ("8S84A031", "8S84A032", ""),
        ("7Q5AD011", "7Q5AD011-0277", ""),
        ("116M104", "116M105", ""),
        ("LOT-9", "LOT-10", ""),
        ("2026-1-12", "2026-11-2", ""),
        ("2026 1 12", "2026 11 2", ""),
        ("PLATE-02", "PLATE-20", ""),
        # other words
        ("PK-001", "KP-001", ""),
        ("PLATE-20", "PETAL-20", ""),
        ("AB1", "AB1X", ""),
        ("?", "-", ""),
        ("LOT-1", "LOT-1", ""),
    ],
)
def test_in_what_two_numbers_differ(first: str, second: str, how: str) -> None:
    assert differ(first, second) == how == differ(second, first)
    assert [n.differ for n in near([first, second])] == ([how] if how else [])


def test_near_matches_are_found_once_and_bounded() -> None:
    numbers = ["712 4 889", "712-4-889", "116M104", "116M105", "116M104X", "O17E18"]
    assert near(numbers) == [
        Near("116M104", "116M104X", "suffix"),
        Near("712 4 889", "712-4-889", "punctuation"),
    ]
    assert len(near([f"{n:05d}" for n in range(2000)] + [f"{n:05d}-" for n in range(2000)], most=100)) == 100


def test_numbers_that_count_and_letters_that_count_propose_nothing() -> None:
    running = [f"C-{n}" for n in range(1, 3_000)] + [f"PLATE-{n:02}" for n in range(1, 40)]
    running += [f"{kind}-{n}" for kind in ("PK", "FG", "RM") for n in range(500)]
    assert near(running) == []
    assert near(["L-77", "L-77A", "L-77B", "L-77C"]) == []
    assert [n.second for n in near([*running, "PLATE-20?", "C-1O3"])] == ["C-1O3", "PLATE-20?"]
