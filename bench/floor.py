"""The denominators of ingest: the same rows by plain COPY, and the same bodies into a bare heap."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

#: Table, columns, lines in COPY's text format.
Write = tuple[str, tuple[str, ...], list[str]]
#: Where changed heads go: their row is there already, and a plain COPY adds only.
CHANGED = "_changed"
BARE = "COPY floor.bare (body) FROM STDIN"


@contextmanager
def recorded() -> Iterator[list[Write]]:
    """Everything the door of this process writes while the block runs."""
    from medloom.kernel import queries

    found: list[Write] = []
    write_rows, update_heads, copy_lines = queries.write_rows, queries.update_heads, queries.copy_lines

    def keep(cursor: Any, table: str, columns: Sequence[str], rows: Sequence[Any]) -> None:
        found.append((table, tuple(columns), [queries.copy_line(row) for row in rows]))
        write_rows(cursor, table, columns, rows)

    def keep_copied(cursor: Any, table: str, columns: Sequence[str], lines: Iterable[str]) -> None:
        kept = list(lines)
        found.append((table, tuple(columns), kept))
        copy_lines(cursor, table, columns, kept)

    def keep_changed(cursor: Any, table: str, columns: Any, rows: Sequence[Any], stood: Any) -> Any:
        found.append((table + CHANGED, tuple(columns), [queries.copy_line(row) for row in rows]))
        return update_heads(cursor, table, columns, rows, stood)

    queries.write_rows, queries.update_heads, queries.copy_lines = keep, keep_changed, keep_copied
    try:
        yield found
    finally:
        queries.write_rows, queries.update_heads, queries.copy_lines = write_rows, update_heads, copy_lines


class Floor:
    """Copies of the tables with all their indexes and what they hold now, without row-level security."""

    def __init__(self, admin: psycopg.Connection[Any]) -> None:
        self.admin = admin
        admin.execute("DROP SCHEMA IF EXISTS floor CASCADE; CREATE SCHEMA floor")
        admin.execute("CREATE TABLE floor.bare (body text)")
        self.known: set[str] = set()

    def prepare(self, trial: Sequence[Write]) -> None:
        """Make the copies that writes like these need, with what the tables hold now."""
        for table in sorted({write[0] for write in trial} - self.known):
            real = table.removesuffix(CHANGED)
            self.admin.execute(f"CREATE TABLE floor.{table} (LIKE {real} INCLUDING ALL)")
            if real == table:
                fill = f"INSERT INTO floor.{table} OVERRIDING SYSTEM VALUE SELECT * FROM {real}"  # noqa: S608
                self.admin.execute(fill)
            if "id" in [
                column.name for column in self.admin.execute(f"TABLE floor.{table} LIMIT 0").description
            ]:
                # numbers drawn by the copy must go on where the rows it was filled with end
                drawn = f"setval(pg_get_serial_sequence('floor.{table}', 'id'), 1000000000)"
                self.admin.execute(f"SELECT {drawn}")
            self.admin.execute(f"ANALYZE floor.{table}")
            self.known.add(table)

    def replay(self, batches: Sequence[Sequence[Write]]) -> float:
        """Seconds to COPY these batches' rows, one transaction a batch; nothing is checked."""
        ready = [
            [
                (f"COPY floor.{t} ({', '.join(c)}) FROM STDIN", "".join(rows).encode())
                for t, c, rows in batch
                if rows
            ]
            for batch in batches
        ]
        began = time.perf_counter()
        for batch in ready:
            with self.admin.transaction(), self.admin.cursor() as cursor:
                for statement, data in batch:
                    with cursor.copy(statement) as copy:
                        copy.write(data)
        return time.perf_counter() - began

    def singles(self, raws: Sequence[bytes]) -> list[float]:
        """Milliseconds of each of these bodies as one row, one statement and one durable commit."""
        found = []
        for raw in raws:
            began = time.perf_counter()
            self.admin.execute("INSERT INTO floor.bare (body) VALUES (%s)", (raw.decode(),))
            found.append((time.perf_counter() - began) * 1e3)
        return found

    def bare(self, batches: Sequence[Sequence[bytes]]) -> float:
        """Seconds to COPY these bodies into a table without any index, one transaction a batch."""
        ready = [b"".join(raw.replace(b"\\", b"\\\\") + b"\n" for raw in batch) for batch in batches]
        began = time.perf_counter()
        for data in ready:
            with self.admin.transaction(), self.admin.cursor().copy(BARE) as copy:
                copy.write(data)
        return time.perf_counter() - began
