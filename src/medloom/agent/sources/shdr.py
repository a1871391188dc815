"""Lines of an MTConnect adapter: `timestamp|item|value|item|value...`, as text of one line each. Pure.

A condition takes five fields after its item (level, native code, native severity, qualifier, message); an
asset (`@ASSET@` and its like) takes the rest of its line. A text that goes over several lines stands between
two marks `--multiline--WORD`; a `|` inside a quoted value is written `\\|`.
What is not such a line is refused with its bytes; nothing is guessed and no neighbour is touched.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from medloom.agent.signals import UNAVAILABLE, Signal
from medloom.wire.verdict import Refusal

LINE_BYTES_MAX = 64 * 1024
#: Physical lines that one text may go over; a mark without its end is refused as the line it stands in.
MULTILINE_LINES_MAX = 2_000
LEVELS = frozenset(("normal", "warning", "fault", "unavailable"))
CONDITION_FIELDS = 5
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")
_ITEM = re.compile(r"[^\s|\x00-\x1f]{1,120}")
_ASSET = re.compile(r"@[A-Z_]{1,40}@")
#: A quoted value with `\|` in it; quotes around anything else belong to the value.
_FIELD = re.compile(r'"((?:[^"|\\]|\\.)*\\\|(?:[^"|\\]|\\.)*)"(?=\||\Z)|([^|]*)', re.DOTALL)
_MULTILINE = re.compile(rb"\|(--multiline--[0-9A-Za-z_.-]{1,64})\r?\Z")
_MARK, _FORM = b"|--multiline--", "timestamp|item|value"


class LineRefused(ValueError):
    """A line that cannot be read; the refusal says why."""

    def __init__(self, code: str, path: str, expected: str, got: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(code=code, path=path, expected=expected, got=got[:200])


def line_end(data: bytes | bytearray, start: int = 0) -> int:
    """Where the line that begins at `start` ends, behind its line end; -1 while it is not complete.

    A text over several lines is one line. One whose end does not come within its limits ends at its first
    line end: it is refused by itself, and what follows is read for what it is.
    """
    first = data.find(b"\n", start)
    if first < 0:
        return -1
    marked = data.find(_MARK, start, first) >= 0
    mark = _MULTILINE.search(bytes(data[start:first])) if marked else None
    if mark is None:
        return first + 1
    end = first + 1
    for _ in range(MULTILINE_LINES_MAX):
        if end - start > LINE_BYTES_MAX:
            return first + 1
        following = data.find(b"\n", end)
        if following < 0:
            return -1 if len(data) - start <= LINE_BYTES_MAX else first + 1
        if bytes(data[end:following]).strip() == mark[1]:
            return following + 1
        end = following + 1
    return first + 1


def parse_line(line: bytes, *, conditions: frozenset[str] = frozenset()) -> list[Signal]:
    """The values of one line, in its order. Raises LineRefused.

    conditions  items that are declared as conditions; other rows of seven fields are taken as one when
                their first value is a condition's level and what follows is no item
    """
    try:
        text = line.decode("utf-8").removeprefix("\ufeff").strip("\r\n")
    except UnicodeDecodeError as error:
        raise LineRefused("stream_row_wrong", "/line", "UTF-8 text", line[:60].hex()) from error
    fields = _fields(text)
    if len(fields) < 3:
        raise LineRefused("stream_row_cut", "/line", _FORM, text)
    at, rest = moment(fields[0]), fields[1:]
    if _ASSET.fullmatch(rest[0].strip()):
        return [Signal(at, rest[0].strip(), rest[1].strip(), tuple(rest[2:]))]
    return _signals(at, rest, conditions, text)


def _fields(text: str) -> list[str]:
    """The fields of a line; a text over several lines is the last of them, without its marks."""
    first, line_break, more = text.partition("\n")
    if _MULTILINE.search(first.encode()) is not None:
        if not line_break:
            raise LineRefused("stream_row_cut", "/line", "the same mark at the end of the text", text)
        return [*_fields(first[: first.rindex("|")]), more.rpartition("\n")[0]]
    if '"' not in text:
        return text.split("|")
    found, at = [], 0
    while at <= len(text):
        field = _FIELD.match(text, at)
        assert field is not None  # the second form takes anything, also nothing
        found.append(field[2] if field[1] is None else field[1].replace(r"\|", "|"))
        at = field.end() + 1
    return found


def _signals(at: str, rest: list[str], conditions: frozenset[str], text: str) -> list[Signal]:
    found = []
    while rest:
        item = rest[0].strip()
        if not _ITEM.fullmatch(item):
            raise LineRefused("stream_row_wrong", "/line", "an item's name", text)
        if len(rest) < 2:
            raise LineRefused("stream_row_cut", f"/{item}", "a value", text)
        if _is_condition(item, rest, conditions):
            found.append(Signal(at, item, rest[1].strip(), tuple(rest[2 : 1 + CONDITION_FIELDS])))
            rest = rest[1 + CONDITION_FIELDS :]
        else:
            found.append(Signal(at, item, rest[1].strip()))
            rest = rest[2:]
    return found


def _is_condition(item: str, rest: list[str], conditions: frozenset[str]) -> bool:
    if len(rest) < 1 + CONDITION_FIELDS or rest[1].strip().casefold() not in LEVELS:
        return False
    if len(rest) == 1 + CONDITION_FIELDS and rest[1].strip().casefold() != UNAVAILABLE:
        return True
    # Without a declaration: three items would all have names, a condition mostly has no native code.
    return item in conditions or not _ITEM.fullmatch(rest[2].strip())


def moment(stamp: str) -> str:
    """A time stamp as RFC 3339 in UTC with microseconds; finer digits are cut. Raises LineRefused."""
    found = _STAMP.fullmatch(stamp.strip().split("@", 1)[0])
    if found is None:
        raise LineRefused("stream_row_wrong", "/timestamp", "2017-02-01T13:59:35.123456Z", stamp)
    fraction = (found[2] or ".0")[:7]
    try:
        value = datetime.fromisoformat(f"{found[1]}{fraction:0<7}{_zone(found[3])}")
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError) as error:
        raise LineRefused("stream_row_wrong", "/timestamp", "a time that exists", stamp) from error


def _zone(text: str | None) -> str:
    return "+00:00" if text in (None, "Z") else str(text)
