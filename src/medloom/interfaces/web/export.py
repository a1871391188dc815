"""A list as a spreadsheet: the same query and columns, and no cell that a spreadsheet would run."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.viewer import now, viewer_of

#: Characters that make a spreadsheet take a cell's text for a formula.
RISKY = ("=", "+", "-", "@", "\t", "\r")


def neutral(value: Any) -> Any:
    """Text that would be a formula gets an apostrophe in front; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(RISKY) else value


#: Nothing that is written becomes a formula or a link by its looks.
OPTIONS = {"in_memory": True, "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


def fill_sheet(
    book: Any,
    title: str,
    head: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    still: int = 1,
) -> None:
    """One sheet of a workbook with a frozen head and `still` frozen columns."""
    bold = book.add_format({"bold": True, "bottom": 1})
    sheet = book.add_worksheet(title[:31] or "list")
    sheet.freeze_panes(1, still)
    for at, text in enumerate(head):
        sheet.set_column(at, at, max(10, min(40, 2 * len(text) + 6)))
        sheet.write_string(0, at, str(neutral(text)), bold)
    for line, row in enumerate(rows, start=1):
        for at, given in enumerate(row):
            value = neutral(given)
            if isinstance(value, (int, float)):
                sheet.write_number(line, at, value)
            else:
                sheet.write_string(line, at, str(value))


def workbook(
    *, title: str, head: Sequence[str], rows: Iterable[Sequence[Any]], about: Sequence[tuple[str, str]]
) -> bytes:
    """One sheet with a frozen head and a second one saying what was asked, by whom and when."""
    import xlsxwriter  # not carried by web processes that never need it

    target = io.BytesIO()
    with xlsxwriter.Workbook(target, OPTIONS) as book:
        fill_sheet(book, title, head, rows)
        note = book.add_worksheet("about")
        note.set_column(0, 1, 40)
        for line, (name, text) in enumerate(about):
            note.write_string(line, 0, name)
            note.write_string(line, 1, str(neutral(text)))
    return target.getvalue()


#: Rows of one export of records; each is read and put into words.
RECORDS_MOST = 5_000


def spreadsheet(
    request: HttpRequest,
    *,
    name: str,
    title: object,
    head: Sequence[object],
    rows: Iterable[Sequence[Any]],
    count: int,
    most: int = RECORDS_MOST,
) -> HttpResponse:
    """The answer to `export=xlsx`. Raises Problem when there are more rows than one file takes."""
    if count > most:
        raise Problem(
            422,
            "export_too_large",
            expected=_("at most %(most)s rows; narrow the query") % {"most": f"{most:,}"},
            got=f"{count:,}",
        )
    about = [
        (_("List"), str(title)),
        (_("Query"), request.GET.urlencode()),
        (_("Exported by"), viewer_of(request).person),
        (_("At"), now().isoformat(timespec="seconds")),
        (_("Records"), str(count)),
    ]
    body = workbook(title=name, head=[str(h) for h in head], rows=rows, about=about)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    found = HttpResponse(body, content_type=kind)
    found["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return found
