"""The addresses under /epcis/ (EPCIS 2.0.1, section 8.2 and the REST bindings)."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.utils import timezone

from medloom.formats.epcis.vocabulary import EVENT_TYPES
from medloom.interfaces.api.caller import Caller
from medloom.interfaces.api.door import door, nothing
from medloom.interfaces.api.problem import Problem
from medloom.interfaces.api.request import json_answer, one_of
from medloom.interfaces.epcis import asking, capturing
from medloom.kernel.entity import catalogue
from medloom.trace.events.models import Capture, EventName, TraceEvent

VERSIONS = {
    "GS1-EPCIS-Version": "2.0.1",
    "GS1-CBV-Version": "2.0.0",
    "GS1-EPCIS-Min": "2.0.0",
    "GS1-EPCIS-Max": "2.0.1",
    "GS1-CBV-Min": "2.0.0",
    "GS1-CBV-Max": "2.0.0",
}
#: Names of a top-level resource at most, and jobs in the list of captures.
NAMES_MOST = 500
#: Resource -> the parameter of the query that its events answer, and the column with its names.
RESOURCES = {
    "eventTypes": ("eventType", "kind"),
    "bizSteps": ("EQ_bizStep", "biz_step"),
    "bizLocations": ("EQ_bizLocation", "biz_location"),
    "readPoints": ("EQ_readPoint", "read_point"),
    "dispositions": ("EQ_disposition", "disposition"),
    "epcs": ("MATCH_anyEPC", "epc"),
}


def _given(body: Any, *, status: int = 200, **headers: str) -> HttpResponse:
    answer = json_answer(body, status=status, **headers)
    for name, value in VERSIONS.items():
        answer[name] = value
    return answer


def _behaviour(request: HttpRequest) -> bool:
    """Whether to keep what is right beside what is wrong. Raises Problem 400."""
    text = request.headers.get("GS1-Capture-Error-Behaviour", "rollback").strip().lower()
    if text not in ("rollback", "proceed"):
        raise Problem(400, "header_wrong", path="GS1-Capture-Error-Behaviour", expected="rollback|proceed")
    return text == "proceed"


def _version(request: HttpRequest) -> None:
    """Refuse another major version than the one spoken here. Raises Problem 406."""
    asked = request.headers.get("GS1-EPCIS-Version", "2.0")
    if not asked.startswith("2."):
        raise Problem(406, "epcis_version", path="GS1-EPCIS-Version", expected="2.0", got=asked[:20])


def post_capture(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Keep a document's events: 202 with the capture job, 400 with pointers when it is wrong."""
    caller.must_write(catalogue()["trace_event"])
    _version(request)
    proceed = _behaviour(request)
    handed = capturing.open_document(request.body)
    done = capturing.capture(handed, caller, now=timezone.now(), proceed=proceed)
    address = f"/epcis/capture/{done.capture.id}"
    if handed.faults and not proceed:
        problem = capturing.refusal(handed.faults)
        problem.headers["Location"] = address
        raise problem
    return _given(_job(done.capture), status=202, Location=address)


def _job(row: Capture) -> dict[str, Any]:
    return {
        "captureID": str(row.id),
        "createdAt": row.begun.isoformat(),
        "finishedAt": row.finished.isoformat(),
        "running": False,
        "success": row.success,
        "captureErrorBehaviour": row.behaviour,
        "errors": orjson.loads(row.errors),
        "medloom:events": {"handed": row.events, "kept": row.kept, "repeated": row.repeated},
        "medloom:digest": row.digest,
    }


def list_captures(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The newest captures of the caller's site; all of them for the registrant."""
    caller.type_of("trace_event")
    one_of(request, ())
    rows = Capture.objects.defer("document").order_by("-begun")
    rows = rows if caller.registrant else rows.filter(site=caller.site)
    return _given([_job(row) for row in rows[:NAMES_MOST]])


def show_capture(request: HttpRequest, caller: Caller, name: uuid.UUID) -> HttpResponse:
    """What became of one capture."""
    caller.type_of("trace_event")
    row = Capture.objects.defer("document").filter(id=name).first()
    if row is None or not (caller.registrant or row.site == caller.site):
        raise Problem(404, "nothing_here", got=str(name))
    return _given(_job(row))


def post_event(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Keep one event: 201 with its address, also when it is here already; 409 when its id is another's."""
    caller.must_write(catalogue()["trace_event"])
    _version(request)
    handed = capturing.open_event(request.body)
    found = handed.found[0]
    if found is None:
        raise capturing.refusal(handed.faults)
    with caller.seeing():
        others = TraceEvent.objects.filter(event_id=found.event_id, error=False, site=caller.site)
        taken = not found.declares_error and others.exclude(number=found.number).exists()
    if taken:
        raise Problem(409, "event_id_taken", path="/eventID", got=found.event_id)
    done = capturing.capture(handed, caller, now=timezone.now(), proceed=False)
    if not done.capture.success:
        raise Problem(422, "event_wrong", errors=orjson.loads(done.capture.errors))
    return _given({}, status=201, Location=f"/epcis/events/{quote(done.ids[0], safe='')}")


def _answer(request: HttpRequest, values: dict[str, list[str]]) -> HttpResponse:
    rows, token = asking.page(values)
    headers = {}
    if token:
        query = [(n, v) for n, vs in request.GET.lists() if n != "nextPageToken" for v in vs]
        url = f"{request.path}?{urlencode([*query, ('nextPageToken', token)])}"
        headers["Link"] = f'<{url}>; rel="next"'
        headers["GS1-Next-Page-Token-Expires"] = "never"
    return _given(asking.answer(rows), **headers)


def list_events(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The events that answer a SimpleEventQuery given in the address."""
    caller.type_of("trace_event")
    _version(request)
    values = asking.asked(dict(request.GET.lists()))
    with caller.seeing():
        return _answer(request, values)


def show_event(request: HttpRequest, caller: Caller, name: str) -> HttpResponse:
    """The event of that id; several where its id was used twice, or its error is declared."""
    caller.type_of("trace_event")
    one_of(request, ())
    with caller.seeing():
        rows = list(TraceEvent.objects.filter(event_id=name).order_by("num")[: asking.PAGE_EVENTS])
        if not rows:
            raise Problem(404, "nothing_here", got=name[:200])
        return _given(asking.answer(rows))


def list_names(request: HttpRequest, caller: Caller, resource: str) -> HttpResponse:
    """What there is of a top-level resource."""
    caller.type_of("trace_event")
    one_of(request, ())
    _, column = RESOURCES[resource]
    with caller.seeing():
        if resource == "eventTypes":
            names: list[str] = list(EVENT_TYPES)
        else:
            model: Any = EventName if resource == "epcs" else TraceEvent
            rows = model.objects.exclude(**{f"{column}__isnull": True}).values_list(column, flat=True)
            names = list(rows.order_by(column).distinct()[:NAMES_MOST])
    return _given({"@set": names, "type": "Collection", "member": names})


def list_events_of(request: HttpRequest, caller: Caller, resource: str, name: str) -> HttpResponse:
    """The events of one resource, further narrowed by the parameters of the query."""
    caller.type_of("trace_event")
    parameter, _ = RESOURCES[resource]
    values = asking.asked(dict(request.GET.lists())) | {parameter: [name]}
    with caller.seeing():
        return _answer(request, values)


def urls() -> list[Any]:
    """The addresses."""
    named = "|".join(RESOURCES)
    return [
        path("capture", door(POST=post_capture, GET=list_captures)),
        path("capture/<uuid:name>", door(GET=show_capture)),
        path("events", door(GET=list_events, POST=post_event)),
        path("events/<path:name>", door(GET=show_event)),
        re_path(rf"^(?P<resource>{named})$", door(GET=list_names)),
        re_path(rf"^(?P<resource>{named})/(?P<name>.+)/events$", door(GET=list_events_of)),
        re_path("", door(GET=nothing, POST=nothing, PUT=nothing, PATCH=nothing, DELETE=nothing)),
    ]
