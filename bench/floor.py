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
    write_rows, update_heads = queries.write_rows, queries.update_heads

    def keep(cursor: Any, table: str, columns: Sequence[str], lines: Iterable[str], count: int) -> None:
        kept = list(lines)
        found.append((table, tuple(columns), kept))
        write_rows(cursor, table, columns, kept, count)

    def keep_changed(cursor: Any, table: str, columns: Any, rows: Any) -> int:
        lines = ["\t".join(_cell(value) for value in row[2]) + "\n" for row in rows]
        found.append((table + CHANGED, tuple(name for name, _ in columns), lines))
        return int(update_heads(cursor, table, columns, rows))

    queries.write_rows, queries.update_heads = keep, keep_changed
    try:
        yield found
    finally:
        queries.write_rows, queries.update_heads = write_rows, update_heads


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


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

    def bare(self, batches: Sequence[Sequence[bytes]]) -> float:
        """Seconds to COPY these bodies into a table without any index, one transaction a batch."""
        ready = [b"".join(raw.replace(b"\\", b"\\\\") + b"\n" for raw in batch) for batch in batches]
        began = time.perf_counter()
        for data in ready:
            with self.admin.transaction(), self.admin.cursor().copy(BARE) as copy:
                copy.write(data)
        return time.perf_counter() - began
