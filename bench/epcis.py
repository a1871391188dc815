"""EPCIS documents over HTTP: checked, read for what is indexed, appended, projected, committed."""

from __future__ import annotations

import datetime as dt
import secrets
import statistics
import time

import httpx
import orjson
from django.db import connection as django_connection

from bench.context import Context
from bench.figure import Figure
from bench.hub import webs

SITE = "A"
EVENTS, DOCUMENTS = 500, 10
LIMITS = (
    "One client, one document after another, a web process with one worker: check of every member, digest of "
    "the meaning, one operation and its names for each event, the door with its durable commit."
)


def measure(context: Context) -> list[Figure]:
    """Captures of 500 events: a third packings of ten units, a third transformations, a third shipments."""
    context.prepare("bench_epcis")
    context.django()
    from medloom.exchange.sequencer import start_epoch
    from medloom.kernel.access import ALL, seeing
    from medloom.parties.models import User
    from medloom.parties.tokens import SECRET_BYTES, make_token
    from medloom.trace.models import TraceEvent

    with context.app() as app:
        start_epoch(app)
    user = User.objects.create_user("bench", secrets.token_urlsafe(12), site=SITE, roles=("it",))
    _, text = make_token(
        user, name="bench", writes=True, types=(), days=1, secret=secrets.token_bytes(SECRET_BYTES),
        now=dt.datetime.now(dt.UTC),
    )  # fmt: skip
    documents = 3 if context.quick else DOCUMENTS
    bodies = [orjson.dumps(_document(number)) for number in range(documents + 1)]
    rates, times_ms = [], []
    with webs(1) as (web,), httpx.Client(base_url=f"http://127.0.0.1:{web.port}", timeout=120) as client:
        client.headers.update({"Authorization": f"Bearer {text}", "Content-Type": "application/json"})
        for number, body in enumerate(bodies):
            began = time.perf_counter()
            answer = client.post("/epcis/capture", content=body)
            took_s = time.perf_counter() - began
            if answer.status_code != 202:
                raise AssertionError(f"a capture was answered {answer.status_code} {answer.text[:300]}")
            if number:  # the first one warms the process
                rates.append(EVENTS / took_s)
        for _ in range(20):
            began = time.perf_counter()
            found = client.get("/epcis/events", params={"MATCH_anyEPC": _unit(1, 3, 4), "perPage": "30"})
            times_ms.append((time.perf_counter() - began) * 1e3)
            if found.status_code != 200:
                raise AssertionError(f"the query was answered {found.status_code}")
    with seeing(ALL):
        kept = TraceEvent.objects.count()
    django_connection.close()
    if kept != EVENTS * len(bodies):
        raise AssertionError(f"{EVENTS * len(bodies)} events were handed in, {kept} are kept")
    detail = {"events a document": EVENTS, "bytes a document": len(bodies[0]), "documents": documents}
    return [
        Figure("epcis_capture_per_s", "events/s", rates, LIMITS, above=True, detail=detail),
        Figure(
            "epcis_query_ms", "ms", times_ms, "One identifier among all events, over HTTP.",
            detail={"events kept": kept, "p50 ms": statistics.median(times_ms)},
        ),
    ]  # fmt: skip


def _unit(document: int, event: int, unit: int) -> str:
    return f"urn:epc:id:sgtin:4012345.012345.{document}-{event}-{unit}"


def _document(number: int) -> dict[str, object]:
    from medloom.formats.epcis.making import Thing, When, document, observation, packing, transformation

    start = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    events = []
    for at in range(EVENTS):
        when = When(start + dt.timedelta(seconds=number * EVENTS + at))
        given = {"object_": f"00000000-0000-7000-8000-{number:04}{at:08}", "when": when, "site": SITE}
        lot = Thing(SITE, f"L-{number}-{at}", quantity="12.5", unit="kg")
        if at % 3 == 0:
            made = packing(parent=f"urn:epc:id:sscc:4012345.{number:04}{at:06}", children=[lot], **given)
            made["childEPCs"] = [_unit(number, at, unit) for unit in range(10)]
        elif at % 3 == 1:
            made = transformation(inputs=[lot], outputs=[Thing(SITE, f"M-{number}-{at}")], **given)
        else:
            made = observation(things=[lot], step="shipping", disposition="in_transit", **given)
        events.append(made)
    return document(events, created=start)
