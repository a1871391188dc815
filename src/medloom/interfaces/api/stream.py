"""The event stream over HTTP: replay from any position, long poll, batched or structured CloudEvents."""

from __future__ import annotations

import threading
import time
from typing import Any
from urllib.parse import urlencode

import orjson
from django.http import HttpRequest, HttpResponse

from medloom.exchange.stream import EVENTS_MOST, FeedForeign, feed_for, hub_epoch, newest, read_events
from medloom.interfaces.api.caller import Caller
from medloom.interfaces.api.problem import Problem
from medloom.interfaces.api.request import one_of
from medloom.kernel.cursor import open_cursor
from medloom.wire.cloudevent import BATCH, JSON, LINES, UNREAD, binary_headers

#: Longest wait of a long poll, and how many requests of one process may wait: each holds a web thread.
WAIT_S_MOST = 20
WAITING_MOST = 2
LOOK_EVERY_S = 0.25
_WAITING = threading.BoundedSemaphore(WAITING_MOST)
_PARAMETERS = ("feed", "after", "limit", "wait", "types", "hub", "mode")


def show_stream(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The events behind `after`; `Medloom-Position` says where to go on, `Medloom-End` where the feed ends.

    With `wait` seconds it answers as soon as there is something.
    """
    given = one_of(request, _PARAMETERS)
    try:
        feed = feed_for(caller.site, given.get("feed", ""))
    except FeedForeign:
        raise Problem(404, "feed_unknown", path="?feed", expected="c|v", got=given["feed"][:20]) from None
    after = _number(given, "after", 0, 2**62)
    limit = min(_number(given, "limit", 100, 10**6), EVENTS_MOST)
    wait_s = min(_number(given, "wait", 0, 10**6), WAIT_S_MOST)
    types = _types(caller, given.get("types", ""))
    form = _form(request, given.get("mode", ""))
    if form in ("structured", "binary"):
        limit = 1
    until = time.monotonic() + wait_s
    events, position, end, hub = _read(caller, feed, after, limit, types, form)
    if not events and wait_s and _WAITING.acquire(blocking=False):
        try:
            while not events and position >= end and time.monotonic() < until:
                time.sleep(LOOK_EVERY_S)
                events, position, end, hub = _read(caller, feed, position, limit, types, form)
        finally:
            _WAITING.release()
    if after > end or given.get("hub", hub[:8]) != hub[:8]:
        # the hub was restored: positions of another epoch mean other entries
        raise Problem(410, "position_unknown", path="?after", expected=f"0 to {end} of hub {hub[:8]}")
    return _answer(request, events, form, position=position, end=end, hub=hub, feed=feed)


def _read(
    caller: Caller, feed: str, after: int, limit: int, types: frozenset[str] | None, form: str
) -> tuple[list[dict[str, Any]], int, int, str]:
    """Events that are asked for, the position up to which was looked, the end of the feed, the hub epoch."""
    with caller.seeing(), open_cursor() as cursor:
        hub, end = hub_epoch(cursor), newest(cursor, caller.site, feed)
        while True:
            found = read_events(cursor, caller.site, feed, after, EVENTS_MOST if types else limit)
            events = [e for e in found if types is None or e["type"].rsplit(".", 2)[1] in types]
            if len(events) > limit:
                return events[:limit], events[limit - 1]["position"], end, hub
            after = found[-1]["position"] if found else after
            if events or not found:
                return events, after, end, hub


def _types(caller: Caller, text: str) -> frozenset[str] | None:
    """The types asked for, none of which may be foreign; None for all."""
    asked = [name for name in text.split(",") if name]
    for name in asked:
        if name != UNREAD:
            caller.type_of(name)
    mine = [each.type for each in caller.types()]
    if caller.token.types:
        return frozenset(asked or mine)
    return frozenset(asked) if asked else None


def _number(given: dict[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or int(text) > most:
        raise Problem(400, "query_value_wrong", path=f"?{name}", expected=f"0 to {most}", got=text[:40])
    return int(text)


def _form(request: HttpRequest, mode: str) -> str:
    accept = request.headers.get("Accept", "*/*")
    if mode == "binary":
        return "binary"
    if LINES in accept:
        return "lines"
    if JSON in accept and BATCH not in accept:
        return "structured"
    if mode not in ("", "batch"):
        raise Problem(400, "query_value_wrong", path="?mode", expected="batch|binary", got=mode[:20])
    return "batch"


def _answer(request: HttpRequest, events: list[dict[str, Any]], form: str, **where: Any) -> HttpResponse:
    if form in ("structured", "binary") and not events:
        answer = HttpResponse(status=204)
    elif form == "structured":
        answer = HttpResponse(orjson.dumps(events[0]), content_type=f"{JSON}; charset=utf-8")
    elif form == "binary":
        headers = binary_headers(events[0])
        answer = HttpResponse(orjson.dumps(events[0]["data"]), content_type=headers.pop("content-type"))
        for name, value in headers.items():
            answer[name] = value
    elif form == "lines":
        answer = HttpResponse(b"".join(orjson.dumps(e) + b"\n" for e in events), content_type=LINES)
    else:
        answer = HttpResponse(orjson.dumps(events), content_type=f"{BATCH}; charset=utf-8")
    query = {n: v for n, v in request.GET.items() if n != "after"} | {"after": str(where["position"])}
    answer["Link"] = f'<{request.path}?{urlencode(query)}>; rel="next"'
    answer["Medloom-Position"] = str(where["position"])
    answer["Medloom-End"] = str(where["end"])
    answer["Medloom-Feed"], answer["Medloom-Hub"] = where["feed"], where["hub"][:8]
    return answer
