"""The list pattern: from a small declaration and the address to one page of rows.

The address holds everything (query, columns, order, page), so a list can be sent to a colleague.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count as Counted
from django.db.models import Q, QuerySet, Sum
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from medloom.interfaces.web.columns import Column, columns_of
from medloom.kernel.entity import Declared, catalogue

#: Rows on a page.
PAGE_ROWS = 50
#: Counting stops here: nobody reads more, and a count of millions is slow.
COUNT_MOST = 100_000
#: Rows of one export.
EXPORT_MOST = 20_000


@dataclass(frozen=True)
class View:
    """A saved view: a name and the query it stands for."""

    name: object
    query: Mapping[str, str]

    @property
    def address(self) -> str:
        """The query as an address."""
        return f"?{urlencode(self.query)}" if self.query else "?"


@dataclass(frozen=True)
class BulkAction:
    """What can be done with the selected rows: a button that opens its preview at `page`."""

    page: str
    label: object
    icon: str
    #: "all" may, or only the registrant's people.
    who: str = "all"


@dataclass(frozen=True)
class Marks:
    """A question that no field answers, and columns that are filled in for the rows of one page.

    condition  chosen word -> which rows
    fill       sets the columns' values on the rows, with one query for all of them
    several    only for those who see several plants
    """

    name: str
    label: object
    choices: tuple[tuple[str, object], ...]
    condition: Callable[[str], Q]
    columns: tuple[Column, ...]
    fill: Callable[[Sequence[Any]], None]
    several: bool = False


@dataclass(frozen=True)
class Listing:
    """How one object type is listed. Whatever is not said is derived from the model."""

    type: str
    columns: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    totals: tuple[str, ...] = ()
    order: str = "-num"
    views: tuple[View, ...] = ()
    bulk: tuple[BulkAction, ...] = ()
    marks: Marks | None = None
    empty: object = _("Records appear here as soon as a plant or the registrant sends the first one.")


@dataclass(frozen=True)
class Question:
    """One field of the query form with what was asked."""

    name: str
    label: object
    kind: str
    value: str = ""
    until: str = ""
    choices: Sequence[tuple[str, object]] = ()


@dataclass
class Sheet:
    """One answered list: what the template shows."""

    listing: Listing
    declared: Declared
    columns: list[Column]
    chosen: list[Column]
    questions: list[Question]
    rows: list[Any] = field(default_factory=list)
    count: int = 0
    more: bool = False
    page: int = 1
    pages: int = 1
    order: str = ""
    totals: list[tuple[object, Any, str]] = field(default_factory=list)
    states: list[tuple[str, int]] = field(default_factory=list)
    state: Column | None = None
    asked: bool = False

    @property
    def first(self) -> int:
        """Number of the first row shown."""
        return (self.page - 1) * PAGE_ROWS + 1 if self.count else 0

    @property
    def last(self) -> int:
        """Number of the last row shown."""
        return min(self.page * PAGE_ROWS, self.count)


#: Texts that say what an object is; other texts are long and stand on its own page.
NAMES = frozenset({"name", "title", "characteristic"})


def _default_columns(listing: Listing, known: Mapping[str, Column]) -> list[Column]:
    if listing.columns:
        return [known[name] for name in listing.columns if name in known]
    shown = [c for c in known.values() if c.kind != "text" or c.name in NAMES]
    shown = [c for c in shown if c.name not in ("version", "entry")]
    return [*shown[:9], known["entry"]]


def day_of(text: str) -> dt.date | None:
    """The day that was typed, or None when it is none: an unfinished date asks for nothing."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _choices_of(declared: Declared, name: str, sites: Mapping[str, str]) -> list[tuple[str, object]]:
    if name == "site":
        return list(sites.items())
    known = columns_of(declared).get(name)
    return list(known.words) if known else []


def questions_of(
    listing: Listing, declared: Declared, *, query: QueryDict, sites: Mapping[str, str]
) -> list[Question]:
    """The query form's fields: the number first, then what the declaration names or the obvious ones."""
    known = columns_of(declared)
    names = (
        listing.filters or tuple(n for n, c in known.items() if c.kind in ("state", "site", "ref", "day"))[:5]
    )
    found = [Question("q", known["key"].label, "code", value=query.get("q", "").strip())]
    for name in names:
        column = known.get(name)
        if column is None or (name == "site" and len(sites) < 2):
            continue
        choices = _choices_of(declared, name, sites)
        kind = "choice" if choices or column.kind in ("site", "state") else column.kind
        if column.kind == "flag":
            kind, choices = "choice", [("yes", _("Yes")), ("no", _("No"))]
        found.append(
            Question(
                name,
                column.label,
                kind,
                value=query.get(name, "").strip(),
                until=query.get(f"{name}_until", "").strip(),
                choices=choices,
            )
        )
    marks = marks_of(listing, sites)
    if marks is not None:
        value = query.get(marks.name, "").strip()
        value = value if value in dict(marks.choices) else ""
        found.append(Question(marks.name, marks.label, "choice", value, choices=marks.choices))
    return found


def marks_of(listing: Listing, sites: Mapping[str, str]) -> Marks | None:
    """The list's marks, where this person may see them."""
    marks = listing.marks
    return marks if marks is not None and (len(sites) > 1 or not marks.several) else None


def _condition(question: Question, column: Column) -> Q:
    name, value, until = question.name, question.value, question.until
    if question.kind in ("day", "moment"):
        suffix = "__date" if question.kind == "moment" else ""
        wanted = Q()
        if first := day_of(value):
            wanted &= Q(**{f"{name}{suffix}__gte": first})
        if last := day_of(until):
            wanted &= Q(**{f"{name}{suffix}__lte": last})
        return wanted
    if not value:
        return Q()
    if column.kind == "flag":
        return Q(**{name: value == "yes"})
    if question.kind == "choice":
        return Q(**{f"{name}__in": value.split(",")})
    if question.kind == "ref":
        return Q(**{f"{name}__key__icontains": value})
    if question.kind in ("count", "quantity", "number"):
        return Q(**{name: value}) if value.replace(".", "", 1).isdigit() else Q(pk__in=[])
    return Q(**{f"{name}__icontains": value})


def asked_rows(
    declared: Declared, questions: Sequence[Question], marks: Marks | None = None
) -> QuerySet[Any]:
    """The rows that answer the query, unordered. Row-level security has already chosen the visible ones."""
    known = columns_of(declared)
    wanted = Q(voided=False)
    for question in questions:
        if question.name == "q":
            wanted &= Q(key__icontains=question.value) if question.value else Q()
        elif marks is not None and question.name == marks.name:
            wanted &= marks.condition(question.value) if question.value else Q()
        else:
            wanted &= _condition(question, known[question.name])
    return declared.model._default_manager.filter(wanted)


def _ordered(rows: QuerySet[Any], order: str, known: Mapping[str, Column], default: str) -> QuerySet[Any]:
    name = order.lstrip("-")
    if name in known and known[name].path:
        sign = "-" if order.startswith("-") else ""
        return rows.order_by(f"{sign}{known[name].path}", "-num")
    return rows.order_by(default, "-num") if default.lstrip("-") != "num" else rows.order_by(default)


def _count(sheet: Sheet, rows: QuerySet[Any], known: Mapping[str, Column]) -> None:
    """How many rows, how many in each state, and the sums: one statement over the newest COUNT_MOST."""
    names = [n for n in sheet.listing.totals if n in known]
    lifecycle = sheet.declared.facts.lifecycle
    states = lifecycle.states if lifecycle is not None else ()
    asked: dict[str, Any] = {"rows": Counted("num")}
    asked |= {f"state_{s}": Counted("num", filter=Q(state=s)) for s in states}
    asked |= {f"sum_{n}": Sum(n) for n in names}
    found = rows.order_by("-num")[: COUNT_MOST + 1].aggregate(**asked)
    sheet.count = min(found["rows"], COUNT_MOST)
    sheet.more = found["rows"] > COUNT_MOST
    sheet.totals = [(known[n].label, found[f"sum_{n}"] or 0, known[n].unit) for n in names]
    sheet.state = known["state"] if states else None
    sheet.states = [(s, found[f"state_{s}"]) for s in states if found[f"state_{s}"]]


def _page(declared: Declared, ordered: QuerySet[Any], refs: Sequence[str], start: int) -> list[Any]:
    """The rows of one page: their numbers in order first, then all that is shown of them.

    In one statement the planner joins every row of the table with all it refers to, and then keeps fifty.
    """
    nums = list(ordered.values_list("num", flat=True)[start : start + PAGE_ROWS])
    found = declared.model._default_manager.filter(num__in=nums)
    by_num = {row.num: row for row in (found.select_related(*refs) if refs else found)}
    return [by_num[num] for num in nums if num in by_num]  # gone when what it must refer to is not seen


def _fill(sheet: Sheet, marks: Marks | None) -> None:
    """Fill in the marks where a column shows them."""
    if marks is not None and sheet.rows and any(column in sheet.chosen for column in marks.columns):
        marks.fill(sheet.rows)


def _page_of(query: QueryDict) -> int:
    text = query.get("page", "1")
    return max(1, int(text)) if text.isdigit() and len(text) < 8 else 1


def answer(listing: Listing, *, query: QueryDict, sites: Mapping[str, str], whole: bool = False) -> Sheet:
    """Answer one list's address; `whole` gives up to EXPORT_MOST rows instead of one page."""
    declared = catalogue()[listing.type]
    known = columns_of(declared)
    marks = marks_of(listing, sites)
    known |= {column.name: column for column in marks.columns} if marks else {}
    picked = [known[n] for n in query.getlist("columns") if n in known]
    chosen = picked or _default_columns(listing, known)
    if len(sites) < 2:
        chosen = [c for c in chosen if c.name != "site"] or chosen
    questions = questions_of(listing, declared, query=query, sites=sites)
    rows = asked_rows(declared, questions, marks)
    order = query.get("order", "")
    sheet = Sheet(listing, declared, list(known.values()), chosen, questions, order=order)
    sheet.asked = any(q.value or q.until for q in questions)
    refs = [c.name for c in chosen if c.kind == "ref"]
    ordered = _ordered(rows, order, known, listing.order)
    _count(sheet, rows, known)
    if whole:
        sheet.rows = list((ordered.select_related(*refs) if refs else ordered)[:EXPORT_MOST])
        _fill(sheet, marks)
        return sheet
    sheet.pages = max(1, -(-sheet.count // PAGE_ROWS))
    sheet.page = min(_page_of(query), sheet.pages)
    start = (sheet.page - 1) * PAGE_ROWS
    sheet.rows = _page(declared, ordered, refs, start)
    _fill(sheet, marks)
    return sheet
