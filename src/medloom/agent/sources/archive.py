"""Whether a workbook may be opened at all: limits read from the zip directory, then counted.

A workbook of 405 KB can inflate to 99 MB, its directory can lie about sizes, and one cell in the
last corner of a sheet makes a reader allocate the whole sheet. All three are refused before the
workbook reaches the spreadsheet reader (ASVS 5.2.3).
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib

from medloom.agent.sources.rows import FileRefused

INFLATED_BYTES_MAX = 64 * 1024 * 1024
MEMBERS_MAX = 2_000
ROWS_MAX = 200_000
COLUMNS_MAX = 1_000
CELLS_MAX = 4_000_000
CHUNK_BYTES = 256 * 1024

_CELL = re.compile(rb'<(?:\w+:)?c [^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
_LOCAL = struct.Struct("<4sHHHHHIIIHH")


def check_workbook(data: bytes) -> None:
    """Refuse a zipped workbook (.xlsx, .xlsb) that is broken, encrypted, or too large when inflated."""
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise FileRefused("file_broken", expected="a complete workbook", got=str(error)[:200]) from error
    if len(members) > MEMBERS_MAX:
        raise FileRefused("file_too_large", expected=f"<= {MEMBERS_MAX} members", got=str(len(members)))
    declared = sum(member.file_size for member in members)
    if declared > INFLATED_BYTES_MAX:
        raise FileRefused(
            "file_inflates", expected=f"<= {INFLATED_BYTES_MAX} bytes inflated", got=str(declared)
        )
    total = 0
    for member in members:
        if member.flag_bits & 1:
            raise FileRefused("file_encrypted", expected="a workbook without password", got=member.filename)
        content = _inflate(data, member, room=INFLATED_BYTES_MAX - total)
        total += len(content)
        _check_sheet(member.filename.lower(), content)


def _inflate(data: bytes, member: zipfile.ZipInfo, *, room: int) -> bytes:
    """The member's content, counted while it inflates: a directory that understates it is refused."""
    start = member.header_offset
    try:
        header = _LOCAL.unpack_from(data, start)
    except struct.error as error:
        raise FileRefused("file_broken", expected="a complete workbook", got=member.filename) from error
    begin = start + _LOCAL.size + header[9] + header[10]
    packed = memoryview(data)[begin : begin + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        return bytes(packed)
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise FileRefused("file_compression", expected="deflate", got=str(member.compress_type))
    limit = min(room, member.file_size)
    unpacker, out, size = zlib.decompressobj(-15), [], 0
    try:
        pending: bytes | memoryview = packed
        while pending and not unpacker.eof:
            piece = unpacker.decompress(pending, CHUNK_BYTES)
            size += len(piece)
            if size > limit:
                raise FileRefused(
                    "file_inflates", expected=f"<= {limit} bytes in {member.filename}", got=f">= {size}"
                )
            out.append(piece)
            pending = unpacker.unconsumed_tail
    except zlib.error as error:
        raise FileRefused("file_broken", expected="a complete workbook", got=member.filename) from error
    return b"".join(out)


def _check_sheet(name: str, content: bytes) -> None:
    if name.endswith((".xml", ".rels")) and b"<!DOCTYPE" in content[:4096]:
        raise FileRefused("file_doctype", expected="no document type or entities", got=name)
    if "worksheets/" not in name:
        return
    if name.endswith(".xml"):
        extent = _extent_xml(content)
    elif name.endswith(".bin") and "binaryindex" not in name:
        extent = _extent_binary(content)
    else:
        return
    rows, columns = extent
    if rows > ROWS_MAX or columns > COLUMNS_MAX or rows * columns > CELLS_MAX:
        raise FileRefused(
            "sheet_too_large",
            expected=f"<= {ROWS_MAX} rows, {COLUMNS_MAX} columns, {CELLS_MAX} cells",
            got=f"{rows} x {columns} in {name}",
        )


def _extent_xml(content: bytes) -> tuple[int, int]:
    rows = columns = 0
    for letters, digits in _CELL.findall(content):
        rows = max(rows, int(digits))
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        columns = max(columns, column)
    return rows, columns


def _extent_binary(content: bytes) -> tuple[int, int]:
    """Rows and columns of a binary sheet: record 0 heads a row, records 1 to 11 are cells ([MS-XLSB] 2.3)."""
    rows = columns = at = 0
    end = len(content)
    while at < end:
        kind, at = _varint(content, at, bytes_max=2)
        size, at = _varint(content, at, bytes_max=4)
        if kind <= 11 and at + 4 <= end:
            index = int.from_bytes(content[at : at + 4], "little") + 1
            rows, columns = (max(rows, index), columns) if kind == 0 else (rows, max(columns, index))
        at += size
    return rows, columns


def _varint(content: bytes, at: int, *, bytes_max: int) -> tuple[int, int]:
    value = 0
    for shift in range(bytes_max):
        if at >= len(content):
            break
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << (7 * shift)
        if not byte & 0x80:
            break
    return value, at
