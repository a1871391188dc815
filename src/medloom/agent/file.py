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
from pathlib import Path
from typing import Any

import apsw

#: Before 3.51.3 a reset of the write-ahead log could corrupt the file.
SQLITE_OLDEST = (3, 51, 3)
QUOTA_BYTES = 8 * 1024**3


class StoreUnusable(Exception):
    """The store cannot be used; `code` is stable and the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StoreFull(Exception):
    """The store's quota is used up so far that this is refused; nothing of it was kept."""


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
            self._db.execute("begin immediate")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._depth = 0
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise
            self._depth = 0
            try:
                self._db.execute("commit")
            except apsw.FullError as error:
                self._db.execute("rollback")
                raise StoreFull(str(error)) from error

    def fill(self) -> float:
        """The used share of the quota, 0 to 1."""
        with self._mutex:
            used = self._db.pragma("page_count") - self._db.pragma("freelist_count")
            share: float = used * self._db.pragma("page_size") / self.quota_bytes
            return share

    def check(self) -> list[str]:
        """What is wrong with the file; empty when nothing is."""
        with self._mutex:
            try:
                found = [row[0] for row in self._db.execute("pragma quick_check(20)")]
            except apsw.Error as error:
                return [str(error)]
            return [] if found == ["ok"] else found

    def _rows(self, sql: str, args: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._mutex:
            return self._db.execute(sql, args).fetchall()

    def _run(self, sql: str, args: Sequence[Any] = ()) -> None:
        assert self._depth, "a change is part of a transaction"
        try:
            self._db.execute(sql, args)
        except apsw.FullError as error:
            raise StoreFull(str(error)) from error

    def _each(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        assert self._depth, "a change is part of a transaction"
        try:
            self._db.executemany(sql, rows)
        except apsw.FullError as error:
            raise StoreFull(str(error)) from error


def _locked(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise StoreUnusable("busy", f"{path}: another agent process has it open") from None
    return handle
