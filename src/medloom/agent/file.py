"""One encrypted SQLite file, written by one connection of one process.

WAL with synchronous=FULL: what a transaction committed survives kill -9 and power loss. A file lock keeps
a second process out; only the running agent opens the file (`doctor` asks the agent).
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

#: Before 3.51.3 a reset of the write-ahead log could corrupt the file.
SQLITE_OLDEST = (3, 51, 3)
QUOTA_BYTES = 8 * 1024**3
#: Shares of the quota at which a person is warned, edits are refused, observations are refused.
FILL_WARN, FILL_EDITS, FILL_OBSERVATIONS = 0.70, 0.90, 0.98
STORE_FULL = "store_full"
#: In the name of a store that was put aside.
DAMAGED = "damaged"
#: With less than this free, an error in writing is a full disk, whatever the system calls it.
DISK_FREE_BYTES_MIN = 64 * 1024


class StoreUnusable(Exception):
    """The store cannot be used; `code` is stable and the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StoreFull(Exception):
    """The store's quota is used up so far that this is refused; nothing of it was kept."""


@dataclass(frozen=True)
class Level:
    """An alarm and the share of what may be used from which it is raised."""

    code: str
    share: float


#: Fullest first.
LEVELS = (
    Level(code="store_full", share=FILL_OBSERVATIONS),
    Level(code="store_nearly_full", share=FILL_EDITS),
    Level(code="store_filling", share=FILL_WARN),
)
FILLS = tuple(level.code for level in LEVELS)


class StoreDamaged(Exception):
    """What the store's file says cannot be trusted: a page does not carry its seal. Put aside, made anew."""


def code_of_fill(share: float) -> str:
    """The alarm of a store filled to that share; "" while there is none."""
    return next((level.code for level in LEVELS if share >= level.share), "")


class EncryptedFile:
    """The file and its one connection. `key` is 32 bytes; a wrong one raises StoreUnusable."""

    def __init__(
        self,
        path: Path,
        *,
        key: bytes,
        quota_bytes: int = QUOTA_BYTES,
    ) -> None:
        self.path = path
        self.quota_bytes = quota_bytes
        self._mutex = threading.RLock()
        self._depth = 0
        if tuple(map(int, apsw.sqlite_lib_version().split("."))) < SQLITE_OLDEST:
            found = apsw.sqlite_lib_version()
            raise StoreUnusable("sqlite_old", f"SQLite {found}: install apsw-sqlite3mc anew")
        self._lock = _locked(path)
        try:
            self._db = self._open(key)
        except apsw.NotADBError:
            os.close(self._lock)
            raise StoreUnusable("key_wrong", f"{path}: the key does not open it, or it is damaged") from None
        except (apsw.FullError, apsw.IOError) as error:
            os.close(self._lock)
            if not self._no_space(error):
                raise StoreUnusable(
                    "damaged", f"{path}: {error}; put it aside: a snapshot restores it"
                ) from error
            raise StoreUnusable(
                "disk_full", f"{path}: no space on its disk: free some, and start again"
            ) from None
        except apsw.Error as error:
            os.close(self._lock)
            what = f"{path}: {error}; put it aside: a snapshot restores it"
            raise StoreUnusable("damaged", what) from error

    def _open(self, key: bytes) -> apsw.Connection:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        db = apsw.Connection(str(self.path), flags=flags)
        self.path.chmod(0o600)
        db.pragma("hexkey", key.hex())
        db.set_busy_timeout(5_000)
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", "full")
        db.pragma("cache_size", -16_000)
        db.pragma("max_page_count", max(64, self.quota_bytes // db.pragma("page_size")))
        db.pragma("user_version")
        return db

    def close(self) -> None:
        """Give the file back."""
        self._db.close()
        os.close(self._lock)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One durable transaction; one within another belongs to the outer one."""
        with self._mutex:
            if self._depth:
                yield
                return
            with self._guard():
                self._db.execute("begin immediate")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._depth = 0
                self._roll_back()
                raise
            self._depth = 0
            try:
                with self._guard():
                    self._db.execute("commit")
            except StoreFull:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        # SQLite itself rolls back after some errors.
        if self._db.in_transaction:
            self._db.execute("rollback")

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """What fails here for want of space raises StoreFull, what reads a damaged page StoreDamaged."""
        try:
            yield
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise StoreDamaged(f"{self.path}: {error}") from error
        except (apsw.FullError, apsw.IOError) as error:
            if not self._no_space(error):
                raise
            raise StoreFull(str(error)) from error

    def _no_space(self, error: apsw.Error) -> bool:
        return isinstance(error, apsw.FullError) or self._free_bytes() < DISK_FREE_BYTES_MIN

    def _free_bytes(self) -> int:
        disk = os.statvfs(self.path.parent)
        return disk.f_bavail * disk.f_frsize

    def _sizes(self) -> tuple[int, int]:
        """Bytes used, and bytes that may be used: the quota, or less when the disk has less."""
        with self._mutex:
            page = self._db.pragma("page_size")
            pages, unused = self._db.pragma("page_count"), self._db.pragma("freelist_count")
        may_use = min(self.quota_bytes, pages * page + self._free_bytes())
        return (pages - unused) * page, max(may_use, 1)

    def fill(self) -> float:
        """The used share of what may be used, 0 to 1: of the quota, or of the disk when that is less."""
        used, may_use = self._sizes()
        return used / may_use

    def fill_text(self) -> str:
        """The same in words, for a person; the same words while nothing much changes."""
        used, may_use = self._sizes()
        what = "its quota" if may_use == self.quota_bytes else "what its disk has left for it"
        return f"{used / may_use * 100:.0f} % of {what} ({may_use / 1024**2:,.0f} MiB) used"

    def check(self) -> list[str]:
        """What is wrong with the file; empty when nothing is."""
        with self._mutex:
            try:
                found = [row[0] for row in self._db.execute("pragma quick_check(20)")]
            except apsw.Error as error:
                return [str(error)]
            return [] if found == ["ok"] else found

    def _rows(self, sql: str, args: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._mutex, self._guard():
            return self._db.execute(sql, args).fetchall()

    def _run(self, sql: str, args: Sequence[Any] = ()) -> None:
        assert self._depth, "a change is part of a transaction"
        with self._guard():
            self._db.execute(sql, args)

    def _each(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        assert self._depth, "a change is part of a transaction"
        with self._guard():
            self._db.executemany(sql, rows)


def put_aside(path: Path, *, stamp: str) -> Path:
    """Rename a store that cannot be used, with its log; it stays for whoever wants to look at it."""
    aside = path.with_name(f"{path.name}.{DAMAGED}-{stamp}")
    for ending in ("", "-wal", "-shm"):
        found = path.with_name(path.name + ending)
        if found.exists():
            found.rename(aside.with_name(aside.name + ending))
    return aside


def _locked(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise StoreUnusable("busy", f"{path}: another agent process has it open") from None
    return handle
