"""Log files of machine adapters in a folder: the same lines as over TCP, with a place to go on in each.

A file is read from its kept offset; the last line counts once its line end is there, or the file has
stood still. A file that became shorter, or is another one under the name, is read from its beginning:
what it repeats makes nothing new.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from medloom.agent.sources.live import Heard, Told
from medloom.agent.sources.shdr import LINE_BYTES_MAX, LineRefused, line_end, parse_line
from medloom.wire.verdict import Refusal

SETTLE_SECONDS = 2.0
LINES_MAX = 2_000
FILES_MAX = 5_000
_START_BYTES = 40


@dataclass
class LogFolder:
    """Files of one folder that match a pattern, in name order.

    The position is JSON: name -> [offset in bytes, lines before it, first bytes of the file in hex].
    """

    folder: Path
    pattern: str = "*.txt"
    conditions: frozenset[str] = frozenset()
    settle_seconds: float = SETTLE_SECONDS
    _still: dict[str, tuple[int, float]] = field(default_factory=dict)
    _wrong: str = ""

    def hear(self, position: str, *, now: float) -> Heard | None:
        """The next lines of the first file that has any."""
        places = json.loads(position) if position else {}
        for path in self._files():
            found = self._file(path, places.get(path.name, [0, 0, ""]), now=now)
            if found is not None:
                lines, place = found
                return Heard(lines, json.dumps({**places, path.name: place}))
        return None

    def _files(self) -> list[Path]:
        try:
            found = sorted(self.folder.glob(self.pattern))
        except OSError as error:  # a share that is gone
            self._wrong = f"{self.folder.name}: {error.strerror}"
            return []
        self._wrong = ""
        if len(found) > FILES_MAX:
            self._wrong = f"{self.folder.name}: {len(found)} files; only the first {FILES_MAX} are read"
        return found[:FILES_MAX]

    def keep(self, heard: Heard) -> None:
        """The files stay as they are."""

    def refuse(self) -> None:
        """The kept position did not move: they are given again."""

    def trouble(self) -> str:
        """The last file that could not be read."""
        return self._wrong

    def close(self) -> None:
        """No file stays open."""

    def _file(self, path: Path, place: list[object], *, now: float) -> tuple[list[Told], list[object]] | None:
        offset, before, start = int(str(place[0])), int(str(place[1])), str(place[2])
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                first = file.read(_START_BYTES).hex()
                if size < offset or not first.startswith(start):
                    offset, before = 0, 0
                file.seek(offset)
                data = file.read(LINES_MAX * 120)
        except OSError as error:
            self._wrong = f"{path.name}: {error.strerror}"
            return None
        ends = _ends(data)
        if not ends and data and (len(data) > LINE_BYTES_MAX or self._settled(path.name, size, now=now)):
            ends = [len(data)]
        if not ends:
            return None
        told, begin = [], 0
        for end in ends:
            line = data[begin:end]
            if line.strip():
                told.append(self._told(f"{path.name}:{before + 1}", line.removesuffix(b"\n")))
            before, begin = before + (line.count(b"\n") or 1), end
        return told, [offset + begin, before, first]

    def _settled(self, name: str, size: int, *, now: float) -> bool:
        first = self._still.get(name)
        if first is None or first[0] != size:
            self._still[name] = (size, now)
            return self.settle_seconds <= 0
        return now - first[1] >= self.settle_seconds

    def _told(self, place: str, line: bytes) -> Told:
        if len(line) > LINE_BYTES_MAX:
            wrong = Refusal("stream_row_too_long", "/line", f"<= {LINE_BYTES_MAX} bytes", str(len(line)))
            return Told(place, line, refusal=wrong)
        try:
            return Told(place, line, tuple(parse_line(line, conditions=self.conditions)))
        except LineRefused as refused:
            return Told(place, line, refusal=refused.refusal)


def _ends(data: bytes) -> list[int]:
    """Where each complete line ends."""
    found, end = [], 0
    while (end := line_end(data, end)) > 0:
        found.append(end)
    return found
