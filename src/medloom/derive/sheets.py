"""A template as a workbook: instructions, headers, a sample row, drop-downs, codes in text cells."""

from __future__ import annotations

import io
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from medloom.derive.templates import (
    ROWS_MOST,
    Column,
    Template,
    columns_of,
    instructions,
    sample_of,
    title_of,
)
from medloom.kernel.entity import Declared
from medloom.kernel.fields import Choice, Count, Day, Flag, Instant, Number, Quantity

INSTRUCTIONS_ROW, HEADER_ROW, SAMPLE_ROW = 1, 2, 3
_HEAD = {"bold": True, "bg_color": "#E7F1F8", "border": 1, "border_color": "#B9C6D2", "text_wrap": True}
_MUST = {**_HEAD, "font_color": "#A81E2D"}
_SAMPLE = {"italic": True, "font_color": "#7A8794", "bg_color": "#F5F7F9", "num_format": "@"}
_TOLD = {"text_wrap": True, "valign": "top", "bg_color": "#FDF0D9", "font_color": "#6B3B00"}


def workbook_of(template: Template, declared: Declared, language: str) -> bytes:
    """The .xlsx of that template in that language."""
    import xlsxwriter  # not carried by web processes that never need it

    columns = columns_of(template, declared, language)
    target = io.BytesIO()
    with (
        translation.override(language),
        xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False}) as book,
    ):
        page = book.add_worksheet(title_of(template, declared)[:31])
        _write_head(book, page, columns, instructions(template, columns, language))
        lists = book.add_worksheet("lists")
        lists.hide()
        sample = book.add_format(_SAMPLE)
        for at, column in enumerate(columns):
            page.set_column(at, at, _width(column), book.add_format({"num_format": _format(column.field)}))
            page.write(SAMPLE_ROW - 1, at, sample_of(column, language), sample)
            rule = _validation(column, lists, at)
            if rule:
                page.data_validation(SAMPLE_ROW - 1, at, SAMPLE_ROW + ROWS_MOST - 1, at, rule)
    return target.getvalue()


def _write_head(book: Any, page: Any, columns: tuple[Column, ...], told: str) -> None:
    page.set_row(INSTRUCTIONS_ROW - 1, 17 * (told.count("\n") + 1))
    page.merge_range(0, 0, 0, max(7, len(columns) - 1), told, book.add_format(_TOLD))
    page.set_row(HEADER_ROW - 1, 32)
    head, must = book.add_format(_HEAD), book.add_format(_MUST)
    for at, column in enumerate(columns):
        page.write_string(HEADER_ROW - 1, at, column.header, must if column.must else head)
    page.freeze_panes(HEADER_ROW, 1)


def _width(column: Column) -> float:
    return max(11, min(28, sum(2 if ord(c) > 0x2E80 else 1.1 for c in column.header) + 2))


def _format(field: Any) -> str:
    if isinstance(field, Day):
        return "yyyy-mm-dd"
    if isinstance(field, Instant):
        return "yyyy-mm-dd hh:mm"
    return "General" if isinstance(field, Count | Quantity | Number) else "@"


def _validation(column: Column, lists: Any, at: int) -> dict[str, Any]:
    """What the spreadsheet itself refuses while a clerk types; the hub checks everything again."""
    field = column.field
    said = {"error_title": column.header[:32], "ignore_blank": True, "error_type": "warning"}
    if isinstance(field, Choice | Flag):
        words = [str(text) for _word, text in field.choices or ()] or [str(_("yes")), str(_("no"))]
        for line, word in enumerate(words):
            lists.write_string(line, at, word)
        from xlsxwriter.utility import xl_col_to_name

        letters = xl_col_to_name(at)
        return {**said, "validate": "list", "source": f"=lists!${letters}$1:${letters}${len(words)}"}
    if isinstance(field, Count):
        rule = {"validate": "integer", "criteria": "between", "minimum": field.low, "maximum": field.high}
        return {**said, **rule, "error_message": str(_("A whole number is expected here."))}
    if isinstance(field, Quantity | Number):
        rule = {"validate": "decimal", "criteria": "between", "minimum": -1e15, "maximum": 1e15}
        return {**said, **rule, "error_message": str(_("A number without its unit is expected here."))}
    return {}
