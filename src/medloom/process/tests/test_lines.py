"""Nothing that a log quotes can look like another line of it."""

from __future__ import annotations

import logging
import sys

import pytest

from medloom.process.lines import Lines, encode_values, one_line

pytestmark = pytest.mark.pure


def test_what_is_not_drawn_is_written_out() -> None:
    assert one_line("批号 7: é") == "批号 7: é"
    assert one_line("a\nb\r\x1b[2J\u202e\x00\u2028") == r"a\nb\r\x1b[2J\u202e\x00\u2028"
    assert one_line("\ud800") == r"\ud800"


def test_a_record_stays_one_line_and_its_traceback_stands_behind_a_bar() -> None:
    try:
        raise ValueError("x\n2026-11-23 INFO forged")
    except ValueError:
        record = logging.LogRecord("n", 20, "p", 1, "from %s", ("a\n2026 forged",), sys.exc_info())
    first, *rest = Lines("%(message)s").format(record).split("\n")
    assert first == r"from a\n2026 forged"
    assert rest and all(line.startswith("    | ") for line in rest)


def test_an_agents_values_are_written_out() -> None:
    assert encode_values(None, "info", {"event": "read", "file": "a\nb", "n": 3}) == {
        "event": "read", "file": r"a\nb", "n": 3,
    }  # fmt: skip
