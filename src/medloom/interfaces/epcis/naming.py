"""Named queries: a question kept under a name of its site, and asked by it (EPCIS 2.0.1, REST bindings).

What is asked is judged when it is kept, so that a name that stands can be asked. Subscriptions of EPCIS are
not built: the hub's webhooks and its event stream carry every captured event.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import orjson
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from medloom.interfaces.api.body import JSON, bytes_of, json_of, kind_of
from medloom.interfaces.api.caller import Caller
from medloom.interfaces.api.problem import Problem
from medloom.interfaces.api.request import one_of
from medloom.interfaces.epcis import asking
from medloom.interfaces.epcis.giving import answer_events, given, listed
from medloom.kernel.entity import catalogue
from medloom.trace.events.models import NamedQuery

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,119}")
QUERIES_MOST = 500
_PAGING = ("perPage", "nextPageToken")


def post_query(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Keep a question under a name: 201; 409 when the name is taken, 400 for a question that is none."""
    caller.must_write(catalogue()["trace_event"])
    one_of(request, ())
    kind_of(request, (JSON, "application/ld+json"))
    told = json_of(bytes_of(request))
    if not isinstance(told, dict) or (unknown := told.keys() - {"name", "query", "@context", "type"}):
        got = sorted(unknown)[0] if isinstance(told, dict) else ""
        raise Problem(400, "body_wrong", path=f"/{got}", expected='{"name": ..., "query": {...}}')
    name = told.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Problem(400, "body_wrong", path="/name", expected="1 to 120 letters, digits, . _ ~ -")
    values = _values(told.get("query"))
    with caller.seeing():
        asking.page({"perPage": ["1"], **values})
    if NamedQuery.objects.filter(site=caller.site).count() >= QUERIES_MOST:
        raise Problem(409, "queries_too_many", expected=f"at most {QUERIES_MOST} for a site")
    row = NamedQuery(
        site=caller.site, name=name, query=orjson.dumps(values).decode(), actor=caller.actor,
        made=timezone.now(),
    )  # fmt: skip
    try:
        row.save(force_insert=True)
    except IntegrityError:
        raise Problem(409, "query_name_taken", path="/name", got=name) from None
    return given(_shown(row), status=201, Location=f"/epcis/queries/{quote(name, safe='')}")


def _values(query: Any) -> dict[str, list[str]]:
    """The question's parameters, each with its values as text. Raises Problem 400 with the place."""
    if not isinstance(query, dict):
        raise Problem(400, "body_wrong", path="/query", expected="an object of parameters")
    found: dict[str, list[str]] = {}
    for name, value in query.items():
        texts = [_text(each) for each in (value if isinstance(value, list) else [value])]
        if None in texts:
            raise Problem(
                400, "query_value_wrong", path=f"/query/{name[:60]}", expected="text or a list of it"
            )
        found[name] = [text for text in texts if text is not None]
    if "nextPageToken" in found:
        raise Problem(400, "parameter_unknown", path="/query/nextPageToken")
    try:
        return asking.asked(found)
    except Problem as problem:
        problem.path = problem.path.replace("?", "/query/", 1)
        raise


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _row(caller: Caller, name: str) -> NamedQuery:
    caller.type_of("trace_event")
    row = NamedQuery.objects.filter(site=caller.site, name=name[:200].replace("\x00", "")).first()
    if row is None:
        raise Problem(404, "query_unknown", got=name[:120])
    return row


def _shown(row: NamedQuery) -> dict[str, Any]:
    return {"name": row.name, "query": orjson.loads(row.query), "createdAt": row.made.isoformat()}


def list_queries(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The named queries of the caller's site, by name."""
    caller.type_of("trace_event")
    rows = NamedQuery.objects.filter(site=caller.site)
    return listed(request, rows, "name", _shown)


def show_query(request: HttpRequest, caller: Caller, name: str) -> HttpResponse:
    """What is asked under a name."""
    one_of(request, ())
    return given(_shown(_row(caller, name)))


def delete_query(request: HttpRequest, caller: Caller, name: str) -> HttpResponse:
    """Forget a name; who may keep one may forget it."""
    caller.must_write(catalogue()["trace_event"])
    one_of(request, ())
    row = _row(caller, name)
    NamedQuery.objects.filter(site=row.site, name=row.name).delete()
    return HttpResponse(status=204, content_type="application/json")


def ask_query(request: HttpRequest, caller: Caller, name: str) -> HttpResponse:
    """The events that answer a named query, page by page."""
    row = _row(caller, name)
    one_of(request, _PAGING)
    values = {**orjson.loads(row.query), **asking.asked(dict(request.GET.lists()))}
    with caller.seeing():
        return answer_events(request, values, name=row.name)


def no_subscription(request: HttpRequest, caller: Caller, name: str, **parts: Any) -> HttpResponse:
    """Subscriptions are not built: 501, and where every event is told instead."""
    _row(caller, name)
    raise Problem(501, "subscription_not_built", expected="/api/v1/stream?types=trace_event, or a webhook")
