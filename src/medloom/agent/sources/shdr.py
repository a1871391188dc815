"""Lines of an MTConnect adapter: `timestamp|item|value|item|value...`, as text of one line each. Pure.

A condition takes five fields after its item (level, native code, native severity, qualifier, message).
What is not such a line is refused with its bytes; nothing is guessed and no neighbour is touched.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from medloom.agent.signals import UNAVAILABLE, Signal
from medloom.wire.verdict import Refusal

LINE_BYTES_MAX = 64 * 1024
LEVELS = frozenset(("normal", "warning", "fault", "unavailable"))
CONDITION_FIELDS = 5
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")
_ITEM = re.compile(r"[^\s|\x00-\x1f]{1,120}")
_FORM = "timestamp|item|value"


class LineRefused(ValueError):
    """A line that cannot be read; the refusal says why."""

    def __init__(self, code: str, path: str, expected: str, got: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(code=code, path=path, expected=expected, got=got[:200])


def parse_line(line: bytes, *, conditions: frozenset[str] = frozenset()) -> list[Signal]:
    """The values of one line, in its order. Raises LineRefused.

    conditions  items that are declared as conditions; other rows of seven fields are taken as one when
                their first value is a condition's level and what follows is no item
    """
    try:
        text = line.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError as error:
        raise LineRefused("stream_row_wrong", "/line", "UTF-8 text", line[:60].hex()) from error
    fields = text.split("|")
    if len(fields) < 3:
        raise LineRefused("stream_row_cut", "/line", _FORM, text)
    at, rest, found = moment(fields[0]), fields[1:], []
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
