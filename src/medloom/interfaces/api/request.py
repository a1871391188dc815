"""What a request says besides its body, and the plain JSON answer."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from medloom.derive.rest import PAGE_ROWS, PAGE_ROWS_MOST
from medloom.interfaces.api.problem import Problem


def must_accept_json(request: HttpRequest) -> None:
    """Raise Problem 406 when the caller takes no JSON."""
    accept = request.headers.get("Accept", "*/*")
    offered = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if not offered & {"*/*", "application/*", "application/json", ""}:
        raise Problem(406, "answer_json_only", expected="application/json", got=accept[:100])


def json_answer(body: Any, *, status: int = 200, **headers: str) -> HttpResponse:
    """A JSON answer; header names with _ for -."""
    response = HttpResponse(orjson.dumps(body), status=status, content_type="application/json")
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response


def one_of(request: HttpRequest, known: Collection[str]) -> dict[str, str]:
    """The parameters of a request. Raises Problem 400 for one that is unknown or given twice."""
    found: dict[str, str] = {}
    for name, values in request.GET.lists():
        if name not in known:
            raise Problem(400, "parameter_unknown", path=f"?{name[:60]}", expected=", ".join(sorted(known)))
        if len(values) > 1:
            raise Problem(400, "parameter_twice", path=f"?{name}")
        found[name] = values[0]
    return found


def limit_of(text: str | None) -> int:
    """How many rows a page has. Raises Problem 400 for a number outside its range."""
    if text is None:
        return PAGE_ROWS
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= PAGE_ROWS_MOST):
        raise Problem(400, "limit_wrong", path="?limit", expected=f"1 to {PAGE_ROWS_MOST}", got=text[:40])
    return int(text)
