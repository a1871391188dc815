"""The SimpleEventQuery: its parameters, its pages, and events as they are given back."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from medloom.formats.epcis.decoding import moment, prefixes
from medloom.formats.epcis.reading import ident_of
from medloom.formats.epcis.vocabulary import CONTEXT, EVENT_TYPES, short
from medloom.interfaces.api.problem import Problem
from medloom.trace.events.models import EventName, TraceEvent

#: Events of a page unless asked for otherwise, and at most.
PAGE_EVENTS, PAGE_EVENTS_MOST = 30, 500
VALUES_MOST = 200
#: MATCH_ parameter -> the roles in which an identifier must stand, and whether as a class with quantity.
MATCHES: Mapping[str, tuple[tuple[str, ...], bool]] = {
    "MATCH_epc": (("epc", "child"), False),
    "MATCH_parentID": (("parent",), False),
    "MATCH_inputEPC": (("input",), False),
    "MATCH_outputEPC": (("output",), False),
    "MATCH_anyEPC": (("epc", "child", "parent", "input", "output"), False),
    "MATCH_epcClass": (("epc", "child"), True),
    "MATCH_inputEPCClass": (("input",), True),
    "MATCH_outputEPCClass": (("output",), True),
    "MATCH_anyEPCClass": (("epc", "child", "input", "output"), True),
}
_EQUALS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "eventType": ("kind", str),
    "EQ_action": ("action", str),
    "EQ_bizStep": ("biz_step", lambda value: short("bizStep", value)),
    "EQ_disposition": ("disposition", lambda value: short("disposition", value)),
    "EQ_readPoint": ("read_point", str),
    "EQ_bizLocation": ("biz_location", str),
    "EQ_transformationID": ("transformation", str),
    "EQ_eventID": ("event_id", str),
}
_TIMES = {
    "GE_eventTime": "happened__gte",
    "LT_eventTime": "happened__lt",
    "GE_recordTime": "recorded__gte",
    "LT_recordTime": "recorded__lt",
}
_ORDERS = {"eventTime": "happened", "recordTime": "recorded"}
_PAGING = ("orderBy", "orderDirection", "perPage", "nextPageToken", "eventCountLimit", "maxEventCount")
PARAMETERS = (*_EQUALS, *_TIMES, *MATCHES, "EXISTS_errorDeclaration", *_PAGING)


def asked(query: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The parameters with their values, several by commas or repetition. Raises Problem 400."""
    found: dict[str, list[str]] = {}
    for name, texts in query.items():
        if name not in PARAMETERS:
            raise Problem(400, "parameter_unknown", path=f"?{name[:60]}", expected=", ".join(PARAMETERS))
        if name == "nextPageToken":
            values = list(texts)
        else:
            values = [value for text in texts for value in text.replace("|", ",").split(",") if value]
        if not values or len(values) > VALUES_MOST:
            raise Problem(400, "query_value_wrong", path=f"?{name}", expected=f"1 to {VALUES_MOST} values")
        found[name] = values
    return found


def events(values: Mapping[str, Sequence[str]]) -> QuerySet[TraceEvent]:
    """The events that match, in no order yet. Raises Problem 400 for a value that is none."""
    found = TraceEvent.objects.filter(voided=False, placeholder=False)
    for name, (column, form) in _EQUALS.items():
        if name in values:
            if name == "eventType" and (wrong := set(values[name]) - set(EVENT_TYPES)):
                raise Problem(
                    400, "query_value_wrong", path="?eventType", expected="|".join(EVENT_TYPES),
                    got=sorted(wrong)[0],
                )  # fmt: skip
            found = found.filter(**{f"{column}__in": [form(value) for value in values[name]]})
    for name, lookup in _TIMES.items():
        if name in values:
            found = found.filter(**{lookup: _time(name, values[name])})
    for name, (roles, whole) in MATCHES.items():
        if name in values:
            found = found.filter(Exists(_named(values[name], roles, whole)))
    if "EXISTS_errorDeclaration" in values:
        found = found.filter(error=values["EXISTS_errorDeclaration"][0].lower() != "false")
    return found


def _named(epcs: Sequence[str], roles: Sequence[str], whole: bool) -> QuerySet[EventName]:
    """Identifiers of these events: exactly these, or for a pattern `urn:epc:idpat:...*` all that begin so."""
    exact = [ident_of(epc) for epc in epcs if not epc.endswith(".*")]
    wanted = Q(ident__in=[*exact, *(ident_of(epc) for epc in epcs)])
    for epc in epcs:
        if epc.endswith(".*"):
            start = ident_of(epc)
            wanted |= Q(ident__startswith=f"{start}/") if start != epc else Q(epc__startswith=_single(epc))
    return EventName.objects.filter(wanted, event=OuterRef("num"), role__in=roles, whole=whole)


def _single(pattern: str) -> str:
    return pattern.replace("urn:epc:idpat:", "urn:epc:id:")[:-1]


def _time(name: str, values: Sequence[str]) -> dt.datetime:
    found = moment(values[0])
    if found is None or len(values) > 1:
        raise Problem(400, "query_value_wrong", path=f"?{name}", expected="RFC 3339 time with offset")
    return found


def page(values: Mapping[str, Sequence[str]]) -> tuple[list[TraceEvent], str]:
    """The events of the page asked for, and the token of the next one; "" when there is none."""
    column = _ORDERS.get(_one(values, "orderBy", "recordTime", tuple(_ORDERS)), "recorded")
    down = _one(values, "orderDirection", "ASC", ("ASC", "DESC")) == "DESC"
    most = min(_number(values, "perPage", PAGE_EVENTS), PAGE_EVENTS_MOST)
    found = events(values)
    limit = _number(values, "eventCountLimit", 0)
    ceiling = _number(values, "maxEventCount", 0)
    if limit and ceiling:
        raise Problem(400, "query_value_wrong", path="?maxEventCount", expected="not with eventCountLimit")
    if ceiling and found.order_by().count() > ceiling:
        raise Problem(413, "query_too_large", path="?maxEventCount", expected=f"at most {ceiling} events")
    given = 0
    if "nextPageToken" in values:
        at, num, given = _read_token(values["nextPageToken"][0])
        side = "lt" if down else "gt"
        found = found.filter(Q(**{f"{column}__{side}": at}) | Q(**{column: at, f"num__{side}": num}))
    if limit:
        most = min(most, max(limit - given, 0))
    sign = "-" if down else ""
    rows = list(found.order_by(f"{sign}{column}", f"{sign}num")[: most + 1])
    more = len(rows) > most and not (limit and given + most >= limit)
    rows = rows[:most]
    return rows, _token(getattr(rows[-1], column), rows[-1].num, given + most) if more and rows else ""


def _one(values: Mapping[str, Sequence[str]], name: str, default: str, allowed: Sequence[str]) -> str:
    value = values.get(name, [default])[0]
    if value not in allowed:
        raise Problem(400, "query_value_wrong", path=f"?{name}", expected="|".join(allowed), got=value[:60])
    return value


def _number(values: Mapping[str, Sequence[str]], name: str, default: int) -> int:
    text = values.get(name, [str(default)])[0]
    if not (text.isascii() and text.isdecimal()) or len(text) > 6 or (name in values and int(text) < 1):
        raise Problem(400, "query_value_wrong", path=f"?{name}", expected="a number from 1", got=text[:60])
    return int(text)


def _token(at: dt.datetime, num: int, given: int) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {num} {given}".encode()).decode().rstrip("=")


def _read_token(text: str) -> tuple[dt.datetime, int, int]:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
        at, num, given = raw.split(" ")
        found = dt.datetime.fromisoformat(at), int(num), int(given)
    except ValueError:
        raise Problem(400, "cursor_wrong", path="?nextPageToken") from None
    if found[0].tzinfo is None or not 0 <= found[1] < 2**63:
        raise Problem(400, "cursor_wrong", path="?nextPageToken")
    return found


def given_back(row: TraceEvent, around: Mapping[str, str]) -> dict[str, Any]:
    """The event as it came, with its id and when it was recorded; prefixes that the answer's own context
    says otherwise stand in the event's."""
    event: dict[str, Any] = json.loads(row.raw)
    event["eventID"] = row.event_id
    event["recordTime"] = row.recorded.astimezone(dt.UTC).isoformat(timespec="milliseconds")
    known = json.loads(row.prefixes) if row.prefixes else {}
    own = prefixes(event.get("@context"))
    lacking = {p: n for p, n in known.items() if around.get(p) != n and p not in own}
    if lacking:
        context = event.get("@context", [])
        event["@context"] = [*(context if isinstance(context, list) else [context]), lacking]
    return event


def contexts(rows: Sequence[TraceEvent]) -> dict[str, str]:
    """Prefixes that the answer's context declares: for each the name space that was seen first."""
    found: dict[str, str] = {}
    for row in rows:
        for prefix, space in (json.loads(row.prefixes) if row.prefixes else {}).items():
            found.setdefault(prefix, space)
    return found


def answer(rows: Sequence[TraceEvent], name: str = "SimpleEventQuery") -> dict[str, Any]:
    """An EPCISQueryDocument of these events."""
    around = contexts(rows)
    results = {"queryName": name, "resultsBody": {"eventList": [given_back(row, around) for row in rows]}}
    return {
        "@context": [CONTEXT, *([around] if around else [])],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": timezone.now().isoformat(timespec="milliseconds"),
        "epcisBody": {"queryResults": results},
    }
