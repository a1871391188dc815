"""Error cells of an old binary workbook (.xls: a compound file [MS-CFB] of records [MS-XLS]). Pure.

Its reader gives a cell with an error as empty. Taken so, a value would be lost in silence.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

from medloom.agent.sources.binary import ERRORS, MISSING
from medloom.formats.cells import Unreadable
from medloom.wire.verdict import FileRefused

BEGIN, END, SHEET, FORMULA, BOOL_OR_ERROR = 0x0809, 0x000A, 0x0085, 0x0006, 0x0205
#: Number of a sector that is the last one of its stream, and any above: none at all.
_NONE = 0xFFFFFFFA
_STREAMS = ("Workbook", "Book")
_MINI_SECTOR, _FOLDER_ENTRY, _IN_HEADER = 64, 128, 109


def errors_by_sheet(data: bytes, names: Sequence[str]) -> dict[str, dict[tuple[int, int], Any]]:
    """Sheet -> (row, column) from 0 -> what stands there. `names`: of all sheets, in the book's order.

    Raises FileRefused where the file's own structure does not hold.
    """
    try:
        book = stream(data)
        starts = [struct.unpack_from("<I", body)[0] for kind, body in records(book, 0) if kind == SHEET]
        found = [errors(book, start) for start in starts]
    except (struct.error, IndexError) as error:
        raise FileRefused("file_broken", expected="a complete workbook", got=str(error)[:200]) from error
    if any(found) and len(found) != len(names):
        raise FileRefused(
            "file_broken", expected=f"{len(names)} sheets as its reader has", got=f"{len(found)} sheets"
        )
    return {name: each for name, each in zip(names, found, strict=False) if each}


def errors(book: bytes, start: int) -> dict[tuple[int, int], Any]:
    """The cells with an error of the sheet that begins there."""
    found: dict[tuple[int, int], Any] = {}
    for kind, body in records(book, start):
        code = None
        if kind == BOOL_OR_ERROR and body[7]:
            code = body[6]
        elif kind == FORMULA and body[6] == 2 and body[12:14] == b"\xff\xff":
            code = body[8]
        if code is not None:
            row, column = struct.unpack_from("<HH", body)
            word = ERRORS.get(code, "an error")
            found[row, column] = word if word == MISSING else Unreadable("cell_error", "a value", word)
    return found


def records(book: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each record from there to the end of its part; charts within it are left out."""
    depth = 0
    while at < len(book):
        kind, size = struct.unpack_from("<HH", book, at)
        body = book[at + 4 : at + 4 + size]
        at += 4 + size
        depth += (kind == BEGIN) - (kind == END)
        if depth <= 0:
            return
        if depth == 1:
            yield kind, body


def stream(data: bytes) -> bytes:
    """The workbook's records out of the compound file."""
    sector = 1 << struct.unpack_from("<H", data, 30)[0]
    folder, small_most = struct.unpack_from("<I4xI", data, 48)
    table_of_small, _, more, _ = struct.unpack_from("<4I", data, 60)
    if sector not in (512, 4096):
        raise FileRefused("file_broken", expected="sectors of 512 or 4096 bytes", got=str(sector))

    def part(number: int) -> bytes:
        return data[(number + 1) * sector : (number + 2) * sector]

    def joined(first: int, table: Sequence[int]) -> bytes:
        return b"".join(part(number) for number in _chain(first, table))

    tables = list(struct.unpack_from(f"<{_IN_HEADER}I", data, 76))
    for _ in range(len(data) // sector):
        if more >= _NONE:
            break
        *further, more = _numbers(part(more))
        tables += further
    table = [each for number in tables if number < _NONE for each in _numbers(part(number))]
    entries = joined(folder, table)
    known: dict[str, tuple[int, int]] = {}
    for at in range(0, len(entries), _FOLDER_ENTRY):
        length = struct.unpack_from("<H", entries, at + 64)[0]
        name = entries[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
        first, size = struct.unpack_from("<II", entries, at + 116)
        known.setdefault(name, (first, size))
    for name in _STREAMS:
        if name not in known:
            continue
        first, size = known[name]
        if size >= small_most:
            return joined(first, table)[:size]
        small = joined(known["Root Entry"][0], table) if "Root Entry" in known else b""
        numbers = _chain(first, _numbers(joined(table_of_small, table)))
        parts = (small[n * _MINI_SECTOR : (n + 1) * _MINI_SECTOR] for n in numbers)
        return b"".join(parts)[:size]
    raise FileRefused("file_broken", expected="|".join(_STREAMS), got="neither in the file")


def _numbers(content: bytes) -> Sequence[int]:
    return struct.unpack_from(f"<{len(content) // 4}I", content)


def _chain(first: int, table: Sequence[int]) -> Iterator[int]:
    """The sectors of one stream in their order; a circle ends when it has been everywhere."""
    for _ in range(len(table)):
        if first >= _NONE:
            return
        yield first
        first = table[first]
