"""What a first mapping is guessed from: a table's columns with the cells of its first rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from medloom.agent.guess import SAMPLE_ROWS
from medloom.agent.sources.rows import FileRefused
from medloom.agent.sources.sql import Database, TableSource

_CHANGED = re.compile(r"modif|chang|updat|aend|änd|更新|修改|变更", re.IGNORECASE)


@dataclass(frozen=True)
class TableSample:
    """A table of the plant: its primary key, the column that every change moves forward, its first rows."""

    table: str
    primary: tuple[str, ...]
    modified: str
    columns: dict[str, list[Any]]


def sample_of(url: str, table: str) -> TableSample:
    """Read a table's columns and first rows. Raises FileRefused: no such table, or the database says no."""
    schema, _, name = table.rpartition(".")
    try:
        database = Database(url)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
        expected = "an address such as postgresql+psycopg://NAME:PASSWORD@HOST/DATABASE"
        raise FileRefused("database_unusable", expected=expected, got=str(error)) from error
    try:
        there = sa.inspect(database.engine)
        known = (*there.get_table_names(schema or None), *there.get_view_names(schema or None))
        if name not in known:
            raise FileRefused("table_unknown", expected="one of " + ", ".join(sorted(known)), got=table)
        found = database.table(TableSource(name, (), schema=schema or None))
        with database.engine.connect() as connection:
            rows = connection.execute(sa.select(found).limit(SAMPLE_ROWS)).mappings().all()
    except sa.exc.SQLAlchemyError as error:
        raise FileRefused("database_unusable", expected="a table that can be read", got=str(error)) from error
    finally:
        database.close()
    return TableSample(
        table,
        tuple(column.name for column in found.primary_key.columns),
        # Only a moment or a number can be read on from; a text is no time to a database.
        next((c.name for c in found.columns if _CHANGED.search(c.name) and _moves(c)), ""),
        {column.name: [row[column.name] for row in rows] for column in found.columns},
    )


def _moves(column: sa.Column[Any]) -> bool:
    try:
        kind = column.type.python_type
    except NotImplementedError:
        return False
    return issubclass(kind, date | int) and kind is not bool
