"""Lists and single objects over REST."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import Any
from urllib.parse import urlencode

import orjson
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from medloom.derive.filters import filters, orders
from medloom.derive.rest import ROOT
from medloom.interfaces.api.caller import Caller
from medloom.interfaces.api.history import stood
from medloom.interfaces.api.objects import address, row_of, shown
from medloom.interfaces.api.problem import Problem
from medloom.interfaces.api.request import json_answer, limit_of, must_accept_json, one_of
from medloom.kernel.entity import Declared
from medloom.kernel.meaning import Refused

_OWN = ("limit", "cursor", "sort", "fields")


def _chosen(declared: Declared, text: str | None, *, whole: bool) -> list[str] | None:
    """The fields to show: those asked for, else all; lists only where asked for, or of a single object."""
    known = [*declared.fields, *declared.lines]
    if text is None:
        return known if whole else None
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise Problem(400, "field_unknown", path="?fields", expected=", ".join(known), got=",".join(unknown))
    return names


def order_of(declared: Declared, text: str | None) -> str:
    """The order asked for. Raises Problem 400 for one that the type does not have."""
    legal = orders(declared)
    if text is not None and text not in legal:
        raise Problem(400, "sort_unknown", path="?sort", expected=", ".join(legal), got=text[:60])
    return text or "num"


def mark_of(order: str, row: Any) -> str:
    """Where a page ended: opaque to the caller, the order with the last row's place in it."""
    value = getattr(row, order.lstrip("-"))
    told = value.isoformat() if isinstance(value, dt.date) else value
    return base64.urlsafe_b64encode(orjson.dumps([order, told, row.num])).decode().rstrip("=")


def after(rows: QuerySet[Any], order: str, mark: str | None) -> QuerySet[Any]:
    """The rows behind a mark, in that order. Raises Problem 400 for a mark of another order, or none."""
    name, down = order.lstrip("-"), order.startswith("-")
    if mark is not None:
        try:
            told = orjson.loads(
                base64.b64decode(mark + "=" * (-len(mark) % 4), altchars=b"-_", validate=True)
            )
            made, value, num = told
            if made != order or type(num) is not int or abs(num) >= 2**62 or not _fits(rows, name, value):
                raise ValueError
        except (ValueError, TypeError, binascii.Error):
            raise Problem(400, "cursor_wrong", path="?cursor") from None
        sign = "lt" if down else "gt"
        behind = Q(**{f"{name}__{sign}": value})
        rows = rows.filter(behind if name == "num" else behind | Q(**{name: value, f"num__{sign}": num}))
    minus = "-" if down else ""
    return rows.order_by(*dict.fromkeys([f"{minus}{name}", f"{minus}num"]))


def _fits(rows: QuerySet[Any], name: str, value: Any) -> bool:
    """Whether the mark's value is one of that column."""
    if name == "num":
        return type(value) is int and abs(value) < 2**62
    if type(value) is not str or "\x00" in value or len(value) > 200:
        return False
    if name != "key":
        rows.model._meta.get_field(name).to_python(value)
        dt.datetime.fromisoformat(value)
    return True


def asked(declared: Declared, given: dict[str, str]) -> QuerySet[Any]:
    """The rows that the filters ask for; what was taken back is left out unless asked for."""
    known = filters(declared)
    wanted = Q() if "voided" in given else Q(voided=False)
    for name, text in given.items():
        if name in known:
            try:
                wanted &= Q(**known[name].read(text))
            except Refused as refused:
                raise Problem(
                    400, refused.code, path=f"?{name}", expected=refused.expected, got=text[:80]
                ) from None
    return declared.model._default_manager.filter(wanted)


def show_list(request: HttpRequest, caller: Caller, type_: str) -> HttpResponse:
    """One page of the objects of a type."""
    must_accept_json(request)
    declared = caller.type_of(type_)
    given = one_of(request, {*filters(declared), *_OWN})
    limit, order = limit_of(given.get("limit")), order_of(declared, given.get("sort"))
    names = _chosen(declared, given.get("fields"), whole=False)
    with caller.seeing():
        rows = list(after(asked(declared, given), order, given.get("cursor"))[: limit + 1])
        items = shown(declared, rows[:limit], names=names)
    body: dict[str, Any] = {"type": type_, "items": items, "next": None}
    if len(rows) > limit:
        following = {**given, "cursor": mark_of(order, rows[limit - 1])}
        body["next"] = f"{ROOT}/{type_}?{urlencode(following)}"
        return json_answer(body, Link=f'<{body["next"]}>; rel="next"')
    return json_answer(body)


def tag_of(row: Any) -> str:
    """The entity tag of an object: its version."""
    return f'"{row.version}"'


def same_tag(header: str, row: Any) -> bool:
    """Whether If-None-Match names what stands."""
    offered = {part.strip().removeprefix("W/") for part in header.split(",")}
    return bool(offered & {tag_of(row), "*"})


def show_one(request: HttpRequest, caller: Caller, type_: str, name: str) -> HttpResponse:
    """One object with its lists."""
    must_accept_json(request)
    declared = caller.type_of(type_)
    given = one_of(request, {"fields", "site", "as_of"})
    names = _chosen(declared, given.get("fields"), whole=True)
    with caller.seeing():
        row = row_of(declared, name, site=given.get("site"))
        headers = {"ETag": tag_of(row), "Content_Location": address(declared, row)}
        if same_tag(request.headers.get("If-None-Match", ""), row):
            return HttpResponse(status=304, headers={"ETag": tag_of(row)})
        (found,) = shown(declared, [row], names=names)
        if "as_of" in given:
            return json_answer(_earlier(found, stood(declared, row, given["as_of"]), names))
    return json_answer(found, **headers)


def _earlier(now: dict[str, Any], then: dict[str, Any], names: list[str] | None) -> dict[str, Any]:
    """An object as it stood: what names it is as now, what was decided of it as then."""
    fields = {name: value for name, value in then["fields"].items() if names is None or name in names}
    return {**now, **then, "fields": fields}
