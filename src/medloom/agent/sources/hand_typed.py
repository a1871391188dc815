"""Values that somebody typed by hand into a table of SQLite, which keeps any text in any column.

SQLAlchemy cannot read such a text as the column's time, day or number and gives up the whole page. Here it is
given as it stands: its row alone is refused, with the text, and the others are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa


def _softly(known: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    if known is None:
        return None

    def read(value: Any) -> Any:
        try:
            return known(value)
        except (ValueError, TypeError):
            return value

    return read


class _Soft(sa.types.TypeDecorator[Any]):
    """A type of SQLite as its driver reads it, and as it stands where the driver cannot."""

    impl = sa.DateTime
    cache_ok = True

    def __init__(self, known: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.impl = self.impl_instance = known

    @property
    def python_type(self) -> type[Any]:
        """As of the type within."""
        return self.impl_instance.python_type

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        return _softly(self.impl_instance.result_processor(dialect, coltype))

    def copy(self, **kw: Any) -> Any:
        return _Soft(self.impl_instance)


def soften(table: sa.Table) -> None:
    """Let every column of a table give what it cannot read as it stands."""
    for column in table.columns:
        if isinstance(column.type, sa.DateTime | sa.Date | sa.Time | sa.Numeric):
            column.type = _Soft(column.type)
