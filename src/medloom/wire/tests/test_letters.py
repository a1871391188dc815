"""Letters that look like others are told and folded; what is not drawn is no part of a code."""

from __future__ import annotations

import unicodedata

import pytest

from medloom.wire.letters import FROM, LOOK_ALIKES, TO, drawn_like, look_alikes, visible

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("text", ["712 4 889", "批号-7", "Ø12", "L\u041eT", "é", ""])
def test_what_is_drawn_is_visible(text: str) -> None:
    assert visible(text)


CONTROLS = (0x0, 0x9, 0x7F, 0x85, 0x200B, 0x200D, 0x200E, 0x202E, 0x2028, 0x2066, 0xFEFF, 0xD800)
BLANKS_AND_FILLERS = (
    0xA0,
    0xAD,
    0x34F,
    0x61C,
    0x115F,
    0x180E,
    0x3000,
    0x3164,
    0xFE0F,
    0xFFA0,
    0xE0041,
    0xE0101,
)


@pytest.mark.parametrize("code", [*CONTROLS, *BLANKS_AND_FILLERS])
def test_what_is_not_drawn_is_not(code: int) -> None:
    assert not visible(f"LOT{chr(code)}1")


def test_look_alikes_are_told_with_their_number() -> None:
    assert look_alikes("L\u041eT-\u0415") == ["О U+041E", "Е U+0415"]
    assert drawn_like("L\u041eT-\u0415") == "LOT-E"
    assert drawn_like("ＬＯＴ－７") == "LOT-7"


@pytest.mark.parametrize("text", ["LOT-7", "批号", "ПАРТИЯ-7", "Ωμέγα", "A–7"])
def test_honest_words_are_no_disguise(text: str) -> None:
    assert look_alikes(text) == []


def test_the_table_folds_once_and_for_one_character_each() -> None:
    assert len(FROM) == len(TO) == len(LOOK_ALIKES)
    for letter, plain in LOOK_ALIKES.items():
        assert len(letter) == len(plain) == 1 and plain.isascii() and not letter.isascii()
        assert unicodedata.is_normalized("NFC", letter) and visible(letter)
