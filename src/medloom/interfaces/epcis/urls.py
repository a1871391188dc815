"""The addresses under /epcis/ (EPCIS 2.0.1, section 8.2 and the REST bindings)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.utils import timezone

from medloom.formats.epcis.reading import ident_of
from medloom.formats.epcis.vocabulary import EVENT_TYPES
from medloom.interfaces.api.body import bytes_of
from medloom.interfaces.api.caller import Caller
from medloom.interfaces.api.door import View, door, nothing
from medloom.interfaces.api.problem import Problem
from medloom.interfaces.api.request import one_of
from medloom.interfaces.epcis import asking, capturing, naming
from medloom.interfaces.epcis.giving import (
    FORMAT,
    TYPES,
    VERSIONS,
    answer_events,
    collection,
    given,
    listed,
    must_understand,
)
from medloom.kernel.entity import catalogue
from medloom.trace.events.models import Capture, EventName, TraceEvent

#: Resource -> the parameter of the query that its events answer, and the column with its names.
RESOURCES = {
    "eventTypes": ("eventType", "kind"),
    "bizSteps": ("EQ_bizStep", "biz_step"),
    "bizLocations": ("EQ_bizLocation", "biz_location"),
    "readPoints": ("EQ_readPoint", "read_point"),
    "dispositions": ("EQ_disposition", "disposition"),
    "epcs": ("MATCH_anyEPC", "epc"),
}


def _behaviour(request: HttpRequest) -> bool:
    """Whether to keep what is right beside what is wrong. Raises Problem 400."""
    text = request.headers.get("GS1-Capture-Error-Behaviour", "rollback").strip().lower()
    if text not in ("rollback", "proceed"):
        raise Problem(400, "header_wrong", path="GS1-Capture-Error-Behaviour", expected="rollback|proceed")
    return text == "proceed"


def post_capture(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Keep a document's events: 202 with the capture job, 400 with pointers when it is wrong."""
    caller.must_write(catalogue()["trace_event"])
    must_understand(request)
    proceed = _behaviour(request)
    handed = capturing.open_document(bytes_of(request))
    done = capturing.capture(handed, caller, now=timezone.now(), proceed=proceed)
    address = f"/epcis/capture/{done.capture.id}"
    if handed.faults and not proceed:
        problem = capturing.refusal(handed.faults)
        problem.headers["Location"] = address
        raise problem
    return given(_job(done.capture), status=202, Location=address)


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
    """The captures of the caller's site, newest first; all of them for the registrant."""
    caller.type_of("trace_event")
    rows = Capture.objects.defer("document")
    rows = rows if caller.registrant else rows.filter(site=caller.site)
    return listed(request, rows, "id", _job, down=True)


def show_capture(request: HttpRequest, caller: Caller, name: uuid.UUID) -> HttpResponse:
    """What became of one capture."""
    caller.type_of("trace_event")
    row = Capture.objects.defer("document").filter(id=name).first()
    if row is None or not (caller.registrant or row.site == caller.site):
        raise Problem(404, "nothing_here", got=str(name))
    return given(_job(row))


def post_event(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Keep one event: 201 with its address, also when it is here already; 409 when its id is another's."""
    caller.must_write(catalogue()["trace_event"])
    must_understand(request)
    handed = capturing.open_event(bytes_of(request))
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
    return given({}, status=201, Location=f"/epcis/events/{quote(done.ids[0], safe='')}")


def list_events(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The events that answer a SimpleEventQuery given in the address."""
    caller.type_of("trace_event")
    must_understand(request)
    values = asking.asked(dict(request.GET.lists()))
    with caller.seeing():
        return answer_events(request, values)


def show_event(request: HttpRequest, caller: Caller, name: str) -> HttpResponse:
    """The event of that id; several where its id was used twice, or its error is declared."""
    caller.type_of("trace_event")
    one_of(request, ())
    with caller.seeing():
        rows = list(TraceEvent.objects.filter(event_id=name).order_by("num")[: asking.PAGE_EVENTS])
        if not rows:
            raise Problem(404, "nothing_here", got=name[:200])
        return given(asking.answer(rows))


def list_names(request: HttpRequest, caller: Caller, resource: str) -> HttpResponse:
    """What there is of a top-level resource."""
    caller.type_of("trace_event")
    _, column = RESOURCES[resource]
    with caller.seeing():
        if resource == "eventTypes":
            one_of(request, ())
            return given(collection(EVENT_TYPES))
        model: Any = EventName if resource == "epcs" else TraceEvent
        rows = model.objects.exclude(**{f"{column}__isnull": True}).values_list(column, flat=True)
        return listed(request, rows.distinct(), column, None)


def _parameter(resource: str, name: str) -> str:
    """The parameter that asks for the events of one resource; a class of things has its own."""
    if resource == "epcs" and EventName.objects.filter(ident=ident_of(name), whole=True).exists():
        return "MATCH_anyEPCClass"
    return RESOURCES[resource][0]


def show_name(request: HttpRequest, caller: Caller, resource: str, name: str) -> HttpResponse:
    """What there is below one resource: its events. 404 where there is none of it."""
    caller.type_of("trace_event")
    one_of(request, ())
    if resource == "eventTypes" and name not in EVENT_TYPES:
        raise Problem(404, "nothing_here", got=name[:200])
    with caller.seeing():
        if resource != "eventTypes" and not asking.page({_parameter(resource, name): [name]})[0]:
            raise Problem(404, "nothing_here", got=name[:200])
    return given(collection(["events"]))


def list_events_of(request: HttpRequest, caller: Caller, resource: str, name: str) -> HttpResponse:
    """The events of one resource, further narrowed by the parameters of the query."""
    caller.type_of("trace_event")
    values = asking.asked(dict(request.GET.lists()))
    with caller.seeing():
        values |= {_parameter(resource, name): [name]}
        return answer_events(request, values)


#: What OPTIONS tells: the versions, the limits, and what is not translated (EPCIS 2.0.1, discovery).
TOLD = {
    **VERSIONS,
    "GS1-EPC-Format": FORMAT,
    "GS1-CBV-XML-Format": FORMAT,
    "GS1-Extensions": "medloom=urn:medloom:",
}
TOLD_OF_CAPTURE = {
    **TOLD,
    "GS1-EPCIS-Capture-Limit": str(capturing.EVENTS_MOST),
    "GS1-EPCIS-Capture-File-Size-Limit": str(capturing.BYTES_MOST),
    "GS1-Capture-Error-Behaviour": "rollback, proceed",
}


def _door(told: Mapping[str, str] = TOLD, **views: View) -> Any:
    return door(told=told, types=TYPES, **views)


def urls() -> list[Any]:
    """The addresses."""
    named = "|".join(RESOURCES)
    subscriptions = _door(
        GET=naming.no_subscription, POST=naming.no_subscription, DELETE=naming.no_subscription
    )
    return [
        path("capture", _door(TOLD_OF_CAPTURE, POST=post_capture, GET=list_captures)),
        path("capture/<uuid:name>", _door(GET=show_capture)),
        path("events", _door(TOLD_OF_CAPTURE, GET=list_events, POST=post_event)),
        path("events/<path:name>", _door(GET=show_event)),
        path("queries", _door(GET=naming.list_queries, POST=naming.post_query)),
        path("queries/<str:name>", _door(GET=naming.show_query, DELETE=naming.delete_query)),
        path("queries/<str:name>/events", _door(GET=naming.ask_query)),
        path("queries/<str:name>/subscriptions", subscriptions),
        path("queries/<str:name>/subscriptions/<str:subscription>", subscriptions),
        re_path(rf"^(?P<resource>{named})$", _door(GET=list_names)),
        re_path(rf"^(?P<resource>{named})/(?P<name>.+)/events$", _door(GET=list_events_of)),
        re_path(rf"^(?P<resource>{named})/(?P<name>.+)$", _door(GET=show_name)),
        re_path("", _door(GET=nothing, POST=nothing, PUT=nothing, PATCH=nothing, DELETE=nothing)),
    ]
