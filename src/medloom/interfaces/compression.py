"""Answers made smaller for whoever takes gzip: files of the pages, and what programs read.

Pages themselves are left as they are: they hold a secret (the form's token) beside what a visitor sends, and
the length of the compressed whole would tell of it. Programs send no cookie and are told no secret.
"""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict
from collections.abc import Sequence

#: Smaller answers fit a packet as they are.
BYTES_LEAST = 1_400
#: Larger answers are sent as they are, in parts.
BYTES_MOST = 8 * 1024 * 1024
#: Compressed files that one process keeps; all of today's are 1.5 MB.
KEPT_BYTES_MOST = 16 * 1024 * 1024
FILES, DATA = "/static/", ("/api/", "/epcis/")
#: Files are compressed once and kept, data each time.
FILE_LEVEL, DATA_LEVEL = 6, 1
_KINDS = ("text/", "application/json", "application/problem+json", "application/x-ndjson", "image/svg+xml",
          "application/cloudevents")  # fmt: skip
Headers = list[tuple[str, str]]


class Shelf:
    """Compressed files by name and version; the one asked for least lately goes first."""

    def __init__(self, bytes_most: int = KEPT_BYTES_MOST) -> None:
        self.bytes_most = bytes_most
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._size = 0

    def small(self, path: str, version: str, whole: bytes) -> bytes:
        """The file compressed."""
        with self._lock:
            if (found := self._kept.get((path, version))) is not None:
                self._kept.move_to_end((path, version))
                return found
        found = gzip.compress(whole, FILE_LEVEL, mtime=0)
        with self._lock:
            if (path, version) not in self._kept:
                self._size += len(found)
            self._kept[path, version] = found
            while self._size > self.bytes_most:
                self._size -= len(self._kept.popitem(last=False)[1])
        return found


def takes_gzip(accept: str) -> bool:
    """Whether an Accept-Encoding names gzip (or all), and not with a weight of nought."""
    said = {}
    for part in accept.lower().split(","):
        name, _, more = part.partition(";")
        weight = more.strip().removeprefix("q=").strip()
        said[name.strip()] = not weight or weight.strip("0.") != ""
    return said.get("gzip", said.get("*", False))


def may_shrink(path: str, status: int, headers: Sequence[tuple[str, str]]) -> bool:
    """Whether an answer is one that is compressed for those who take it.

    An object with its version as ETag is not: the same ETag must mean the same bytes.
    """
    said = dict(headers)
    if status == 206 or "content-encoding" in said or not said.get("content-type", "").startswith(_KINDS):
        return False
    return path.startswith(FILES) or (path.startswith(DATA) and "etag" not in said)


def shrunk(path: str, headers: Headers, whole: bytes, shelf: Shelf) -> tuple[Headers, bytes]:
    """The answer compressed, with the headers that say so."""
    version = dict(headers).get("etag", "")
    if path.startswith(FILES) and version:
        small = shelf.small(path, version, whole)
    else:
        small = gzip.compress(whole, DATA_LEVEL, mtime=0)
    gone = ("content-length", "accept-ranges")
    told = [(name, value) for name, value in headers if name not in gone]
    return [*told, ("content-encoding", "gzip"), ("content-length", str(len(small)))], small
