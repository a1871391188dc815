"""A watched folder: which files are there, complete and new; the files themselves are never changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medloom.agent.sources.rows import Delivery
from medloom.agent.sources.tables import FILE_BYTES_MAX, SUFFIXES, read_table
from medloom.wire.verdict import Refusal

#: Of one round, which is held in memory; what is more comes with the next. One file always goes.
ROUND_BYTES_MAX, ROUND_FILES_MAX = 32 * 1024 * 1024, 500
#: A file whose size and time have stood still this long is taken as complete.
SETTLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A file's outward state; two equal ones, `SETTLE_SECONDS` apart, mean that nobody is writing."""

    size_bytes: int
    changed_ns: int
    inode: int


@dataclass
class Folder:
    """One folder and everything below it, however many files have gathered there.

    `poll` gives each complete file once for each state it is found in, in name order, so that masters
    and earlier months come first. What was read already is decided by content (the source identity of
    each row), never by this memory: forgetting it costs time and doubles nothing.
    """

    root: Path
    settle_seconds: float = SETTLE_SECONDS
    _first: dict[str, tuple[Seen, float]] = field(default_factory=dict)
    _done: dict[str, Seen] = field(default_factory=dict)

    def poll(self, *, now: float) -> Iterator[Delivery]:
        """Files that are complete and not yet given, a round of them. `now` is monotonic seconds."""
        present = dict(self._files())
        for gone in set(self._first) - set(present):
            self._first.pop(gone)
            self._done.pop(gone, None)
        size = given = 0
        for name, (path, seen) in present.items():
            if self._done.get(name) == seen or not self._settled(name, seen, now=now):
                continue
            if given and (size + seen.size_bytes > ROUND_BYTES_MAX or given >= ROUND_FILES_MAX):
                continue
            delivery = self._read(name, path, seen)
            if delivery is not None:
                size, given = size + seen.size_bytes, given + 1
                self._done[name] = seen
                yield delivery

    def give_again(self, name: str) -> None:
        """That file was not read to its end: the next `poll` gives it again."""
        self._done.pop(name, None)

    def waiting(self) -> list[str]:
        """Files that are there but still change."""
        return sorted(name for name, (seen, _) in self._first.items() if self._done.get(name) != seen)

    def _settled(self, name: str, seen: Seen, *, now: float) -> bool:
        first = self._first.get(name)
        if first is None or first[0] != seen:
            self._first[name] = (seen, now)
            return self.settle_seconds <= 0
        return now - first[1] >= self.settle_seconds

    def _files(self) -> list[tuple[str, tuple[Path, Seen]]]:
        found = []
        try:
            paths = sorted(self.root.rglob("*"))
        except OSError:  # a share that is gone: looked at again in the next round
            return []
        for path in paths:
            name = path.relative_to(self.root).as_posix()
            if _is_passing(path) or path.suffix.lower() not in SUFFIXES or path.is_symlink():
                continue
            state = _state(path)
            if state is not None:
                found.append((name, (path, state)))
        return found

    def _read(self, name: str, path: Path, seen: Seen) -> Delivery | None:
        if seen.size_bytes > FILE_BYTES_MAX:
            refusal = Refusal(
                code="file_too_large",
                path="/file",
                expected=f"<= {FILE_BYTES_MAX} bytes",
                got=str(seen.size_bytes),
            )
            digest = f"size-{seen.size_bytes}"
            return Delivery(name=name, digest=digest, size_bytes=seen.size_bytes, refusal=refusal)
        try:
            data = path.read_bytes()
        except OSError:
            # Locked by the program that writes it, or taken away: left until the next round.
            return None
        if _state(path) != seen:
            return None
        return read_table(name, data)


def _state(path: Path) -> Seen | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    if not path.is_file():
        return None
    return Seen(size_bytes=stat.st_size, changed_ns=stat.st_mtime_ns, inode=stat.st_ino)


def _is_passing(path: Path) -> bool:
    """Lock files and downloads that a program keeps while it works on the real file."""
    name = path.name
    return name.startswith(("~$", ".~", ".")) or name.lower().endswith((".tmp", ".part", ".crdownload"))
