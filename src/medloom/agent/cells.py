"""Values between a plant's column and the declared form: one way each, never guessed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from medloom.agent.sources.rows import original_text


def cell_of(column: sa.Column[Any], value: Any) -> Any:
    """A wire value as the plant's column holds it: a quantity without its unit, days and times as such."""
    if value is None:
        return None
    try:
        kind = column.type.python_type
    except NotImplementedError:
        return value
    text = str(value)
    if kind in (Decimal, float, int):
        return kind(text.split(" ", 1)[0])
    if kind in (date, datetime):
        return kind.fromisoformat(text)
    return value if kind is bool else kind(value)


def wire_of(field: Any, cell: Any) -> Any:
    """A cell in the form of its declared field, as text where there is none; None for an empty cell.

    What the field refuses is handed on as it is: the hub says why.
    """
    if cell is None or cell == "":
        return None
    if field is None:
        return original_text(cell)
    unit = getattr(field, "unit", None)
    value = cell if isinstance(cell, bool) else original_text(cell)
    if isinstance(cell, int) and not isinstance(cell, bool) and unit is None and _counts(field):
        value = cell
    if isinstance(unit, str):
        value = f"{original_text(cell)} {unit}"
    try:
        return field.accept(value)
    except ValueError:
        return value


def _counts(field: Any) -> bool:
    return type(field).__name__ == "Count"
