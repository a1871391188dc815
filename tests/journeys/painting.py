"""A PNG as numbers, for a barcode reader: no picture library is needed for one test."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np


def painted(png: bytes) -> Any:
    """The first channel of a PNG without interlacing, as rows of numbers."""
    at, held, head = 8, b"", b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        head, held, at = (
            body if kind == b"IHDR" else head,
            held + (body if kind == b"IDAT" else b""),
            at + 12 + length,
        )
    width, height, _depth, colour = struct.unpack(">IIBB", head[:10])
    step = {0: 1, 2: 3, 6: 4}[colour]
    raw = np.frombuffer(zlib.decompress(held), np.uint8).reshape(height, 1 + width * step)
    before = np.zeros((width, step), np.int64)
    rows = []
    for line in raw:
        now = line[1:].reshape(width, step).astype(np.int64)
        if line[0] == 1:
            now = np.cumsum(now, axis=0)
        elif line[0] == 2:
            now = now + before
        elif line[0] in (3, 4):
            now = unfiltered(now, before, int(line[0]))
        before = now % 256
        rows.append(before[:, 0].astype(np.uint8))
    return np.stack(rows)


def unfiltered(line: Any, above: Any, kind: int) -> Any:
    """One row of a PNG by its filter 3 (mean) or 4 (Paeth)."""
    out = np.zeros_like(line)
    for x in range(len(line)):
        a = out[x - 1] if x else np.zeros_like(line[0])
        b, c = above[x], above[x - 1] if x else np.zeros_like(line[0])
        if kind == 3:
            out[x] = (line[x] + (a + b) // 2) % 256
            continue
        p = a + b - c
        near = np.where(
            (abs(p - a) <= abs(p - b)) & (abs(p - a) <= abs(p - c)),
            a,
            np.where(abs(p - b) <= abs(p - c), b, c),
        )
        out[x] = (line[x] + near) % 256
    return out
