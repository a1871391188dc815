"""How the EPCIS door answers: the headers of the standard, pages, lists, and the names of its problems."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from medloom.formats.epcis.vocabulary import CONTEXT
from medloom.interfaces.api.problem import Problem
from medloom.interfaces.api.request import json_answer, one_of
from medloom.interfaces.epcis import asking

VERSIONS = {
    "GS1-EPCIS-Version": "2.0.1",
    "GS1-CBV-Version": "2.0.0",
    "GS1-EPCIS-Min": "2.0.0",
    "GS1-EPCIS-Max": "2.0.1",
    "GS1-CBV-Min": "2.0.0",
    "GS1-CBV-Max": "2.0.0",
}
#: Identifiers are given back as they came.
FORMAT = "Never_Translates"
#: Our code -> the standard's name of that problem; other problems keep our own type.
TYPES = {
    "document_wrong": "epcisException:ValidationException",
    "document_unreadable": "epcisException:ValidationException",
    "event_wrong": "epcisException:ValidationException",
    "capture_too_large": "epcisException:CaptureLimitExceededException",
    "push_too_large": "epcisException:CaptureLimitExceededException",
    "event_id_taken": "epcisException:ResourceAlreadyExistsException",
    "query_value_wrong": "epcisException:QueryParameterException",
    "parameter_unknown": "epcisException:QueryParameterException",
    "cursor_wrong": "epcisException:QueryParameterException",
    "query_too_large": "epcisException:QueryTooLargeException",
    "query_name_taken": "epcisException:DuplicateNameException",
    "query_unknown": "epcisException:NoSuchNameException",
    "nothing_here": "epcisException:NoSuchResourceException",
    "token_missing": "epcisException:SecurityException",
    "token_invalid": "epcisException:SecurityException",
    "scope_missing": "epcisException:SecurityException",
    "hub_broken": "epcisException:ImplementationException",
}


def given(body: Any, *, status: int = 200, **headers: str) -> HttpResponse:
    """An answer with the versions spoken here."""
    answer = json_answer(body, status=status, **headers)
    for name, value in {**VERSIONS, "GS1-EPC-Format": FORMAT}.items():
        answer[name] = value
    return answer


def must_understand(request: HttpRequest) -> None:
    """Refuse another major version than ours, and translated identifiers. Raises Problem 406."""
    asked = request.headers.get("GS1-EPCIS-Version", "2.0")
    if not asked.startswith("2."):
        raise Problem(406, "epcis_version", path="GS1-EPCIS-Version", expected="2.0", got=asked[:20])
    form = request.headers.get("GS1-EPC-Format", FORMAT)
    if form not in (FORMAT, "No_Preference"):
        raise Problem(406, "epcis_format", path="GS1-EPC-Format", expected=FORMAT, got=form[:40])


def linked(request: HttpRequest, token: str) -> dict[str, str]:
    """The headers that lead to the next page; none when there is none."""
    if not token:
        return {}
    query = [(n, v) for n, vs in request.GET.lists() if n != "nextPageToken" for v in vs]
    url = f"{request.path}?{urlencode([*query, ('nextPageToken', token)])}"
    return {"Link": f'<{url}>; rel="next"', "GS1-Next-Page-Token-Expires": "never"}


def answer_events(
    request: HttpRequest, values: Mapping[str, Sequence[str]], *, name: str = "SimpleEventQuery"
) -> HttpResponse:
    """One page of the events that these parameters ask for. Inside `caller.seeing()`."""
    rows, token = asking.page(values)
    return given(asking.answer(rows, name), **linked(request, token))


def listed(
    request: HttpRequest,
    rows: QuerySet[Any],
    column: str,
    show: Callable[[Any], Any] | None,
    *,
    down: bool = False,
) -> HttpResponse:
    """One page of a list by a column without equal values: rows as `show` says, or names in a Collection."""
    asked = one_of(request, ("perPage", "nextPageToken"))
    text = asked.get("perPage", str(asking.PAGE_EVENTS))
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:6]) < 10**5 or len(text) > 5:
        raise Problem(400, "query_value_wrong", path="?perPage", expected="a number from 1", got=text[:20])
    most = min(int(text), asking.PAGE_EVENTS_MOST)
    if "nextPageToken" in asked:
        mark = _read(asked["nextPageToken"], rows, column)
        rows = rows.filter(**{f"{column}__{'lt' if down else 'gt'}": mark})
    found = list(rows.order_by(f"{'-' if down else ''}{column}")[: most + 1])
    page = found[:most]
    last = page[-1] if page else None
    token = "" if len(found) <= most else _token(last if show is None else getattr(last, column))
    if show is not None:
        return given([show(row) for row in page], **linked(request, token))
    return given(collection(page), **linked(request, token))


def collection(names: Sequence[Any]) -> dict[str, Any]:
    """A list of names as the standard gives it."""
    return {"@context": [CONTEXT], "@set": list(names), "type": "Collection", "member": list(names)}


def _token(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(str(value))).decode().rstrip("=")


def _read(text: str, rows: QuerySet[Any], column: str) -> Any:
    """The value after which the page begins. Raises Problem 400 for what was never given out."""
    try:
        raw = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        if not isinstance(raw, str) or "\x00" in raw or len(raw) > 600:
            raise ValueError
        return rows.model._meta.get_field(column).to_python(raw)
    except (ValueError, TypeError, ValidationError):
        raise Problem(400, "cursor_wrong", path="?nextPageToken") from None
