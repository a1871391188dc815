"""Tags that draw rows: cells by column, heads that sort, values with their source."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from medloom.interfaces.web.columns import Column, Drawing, choice_word, draw, idle_free, plain_number
from medloom.interfaces.web.templatetags.medloom import address, icon, tagged

register = template.Library()


@register.simple_tag(takes_context=True)
def cells(
    context: dict[str, Any], row: Any, columns: list[Column], drawing: Drawing | None = None
) -> SafeString:
    """The cells of one row."""
    drawing = drawing or context["drawing"]
    return format_html_join("", "<td{}>{}</td>", ((_kind_class(c), draw(c, row, drawing)) for c in columns))


def _kind_class(column: Column) -> SafeString:
    if column.number:
        return SafeString(' class="num"')
    if column.kind == "key":
        return SafeString(' class="keyed"')
    return SafeString(' class="mono"') if column.kind == "code" else SafeString("")


@register.simple_tag(takes_context=True)
def sort_head(context: dict[str, Any], column: Column, order: str) -> SafeString:
    """A column's head: a link that sorts by it, turning around what is sorted already."""
    number = _kind_class(column) if column.number or column.kind == "key" else ""
    if not column.path:
        return format_html('<th scope="col"{}>{}</th>', number, column.label)
    here = order.lstrip("-") == column.name
    down = order.startswith("-")
    following = f"-{column.name}" if here and not down else column.name
    sign = icon("arrow-down" if down else "arrow-up") if here else ""
    sort = format_html(' aria-sort="{}"', "descending" if down else "ascending") if here else ""
    return format_html(
        '<th scope="col"{}{}><a href="{}" title="{}">{}{}</a></th>',
        number,
        sort,
        address(context, order=following, page=None),
        _("Sort"),
        column.label,
        sign,
    )


@register.simple_tag(takes_context=True)
def shown(context: dict[str, Any], column: Column, row: Any) -> Any:
    """One value outside a table."""
    return draw(column, row, context["drawing"])


@register.filter
def grouped(value: Any) -> str:
    """A number with groups of three."""
    return plain_number(value) if isinstance(value, (int, Decimal)) else str(value)


@register.filter
def idle(value: Any) -> str:
    """A quantity without idle zeros at its end."""
    return idle_free(value)


@register.simple_tag
def choice_tag(column: Column, value: str) -> SafeString:
    """The tag of a choice's word."""
    return tagged(choice_word(column, value))


@register.simple_tag(takes_context=True)
def line_cells(context: dict[str, Any], line: Any, columns: list[Column], row: Any) -> SafeString:
    """The cells of a line inside an object; its zone is the object's."""
    line.site = row.site
    return cells(context, line, columns)


register.filter("idle_free", idle_free)
