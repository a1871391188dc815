"""How long the ten pages used most take, how large they are, and the same for a program's two doors.

Three generated plants with the registrant's orders and decisions. Pages are asked by a person at the
registrant, who sees everything, over HTTP from a web process of its own; time is what the server takes.
"""

from __future__ import annotations

import datetime as dt
import secrets
import statistics
import time
from typing import Any

import httpx

from bench import door
from bench.context import Context
from bench.figure import Figure
from bench.hub import sequencing, webs
from bench.plant import Plant

SITES = ("A", "B", "C")
BATCH = 2_000
#: Batches of each plant: 72,000 operations in all.
BATCHES = 12
TIMES = 9
PAGES = {
    "overview": "/",
    "tasks": "/tasks/",
    "work orders": "/o/work_order/",
    "step records": "/o/step_record/",
    "lots": "/o/lot/",
    "results": "/o/result/",
    "stock": "/stock/",
    "repair desk": "/repair/",
    "ledger": "/ledger/",
    "connections": "/connections/",
}
QUESTION = """{ step_record_page(limit: 50, sort: "-num") { next items { key day total good
    machine { key name } output_lot { key item { key name } } defects { kind count } } } }"""
LIMIT = "Row-level security, the ORM's rows, and Django's templates in one thread of one process."


def measure(context: Context) -> list[Figure]:
    """All four figures; the slowest page has to stay within 200 ms."""
    context.prepare("bench_pages")
    context.django()
    from medloom.exchange.sequencer import start_epoch

    with context.app() as app:
        start_epoch(app)
    _load(context, 1 if context.quick else BATCHES)
    with context.admin("bench_pages") as admin:
        with sequencing():
            _sealed(admin)
        admin.execute("ANALYZE")
        rows = admin.execute("select count(*) from ledger.entry").fetchone()[0]  # type: ignore[index]
    context.say(f"{rows:,} entries")
    cookie, token = _person()
    with webs(1) as (web,), httpx.Client(base_url=f"http://127.0.0.1:{web.port}", timeout=60) as client:
        found = {name: _ask(client, path, Cookie=f"sessionid={cookie}") for name, path in PAGES.items()}
        bearer = {"Authorization": f"Bearer {token}"}
        rest = _ask(client, "/api/v1/step_record?limit=50&sort=-num", **bearer)
        graphql = _ask(client, "/api/v1/graphql", question=QUESTION, **bearer)
    for name, (ms, size) in found.items():
        context.say(f"{name}: {statistics.median(ms):.0f} ms, {size:,} bytes")
    slowest = max(found, key=lambda name: statistics.median(found[name][0]))
    median_ms = {name: statistics.median(ms) for name, (ms, _) in found.items()}
    detail: dict[str, Any] = {"entries": rows, "slowest": slowest, "median_ms": median_ms}
    sizes = {name: size for name, (_, size) in found.items()}
    return [
        Figure("list_page_ms", "ms", found[slowest][0], LIMIT, reach=200, detail=detail),
        Figure("page_bytes", "bytes", list(sizes.values()), "Markup of 50 rows, uncompressed.", detail=sizes),
        Figure("rest_list_ms", "ms", rest[0], LIMIT, detail={"bytes": rest[1]}),
        Figure("graphql_ms", "ms", graphql[0], LIMIT, detail={"bytes": graphql[1]}),
    ]


def _load(context: Context, batches: int) -> None:
    """Three plants, through the door in this process."""
    _sites()
    for number, site in enumerate(SITES, 1):
        plant = Plant(site, seed=number)
        door.registrant(site)
        first = 1
        for raws in (plant.masters(), *(plant.batch(BATCH) for _ in range(batches))):
            door.append_here(plant, raws, first=first)
            first += len(raws)
        context.say(f"plant {site}: {first - 1:,} operations")


def _sites() -> None:
    """The plants as the registrant declares them."""
    from medloom.hub import WIRING
    from medloom.kernel.door import operation, submit
    from medloom.wire.operation import Kind

    at = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    made = [
        operation("site", Kind.SET, {"code": code, "name": f"Plant {code}"}, actor="p0", at=at, site=code)
        for code in ("HQ", *SITES)
    ]
    wrong = [answer for answer in submit(made, author="HQ", wiring=WIRING) if answer.verdict != "accepted"]
    if wrong:
        raise AssertionError(f"the plants were not accepted: {wrong[0]}")


def _sealed(admin: Any) -> None:
    """Wait until the sequencer has taken everything in."""
    last = admin.execute("select max(seq) from ledger.entry").fetchone()[0]
    until = time.monotonic() + 120
    while (admin.execute("select max(last) from ledger.seal").fetchone()[0] or 0) < last:
        if time.monotonic() > until:
            raise AssertionError("the sequencer does not come to the end")
        time.sleep(0.1)


def _person() -> tuple[str, str]:
    """A person at the registrant: the session of a browser, and the token of a program."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.utils import timezone

    from medloom.parties.models import User
    from medloom.parties.tokens import SECRET_BYTES, make_token

    roles = ("quality", "planner", "it")
    user = User.objects.create_user("bench", secrets.token_urlsafe(20), site="HQ", roles=roles)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    secret = secrets.token_bytes(SECRET_BYTES)
    _, text = make_token(
        user, name="bench", writes=False, types=(), days=1, secret=secret, now=timezone.now()
    )
    return str(session.session_key), text


def _ask(client: httpx.Client, path: str, *, question: str = "", **headers: str) -> tuple[list[float], int]:
    """Milliseconds of each request after two that warm up, and the answer's bytes."""
    ms, size = [], 0
    for number in range(TIMES + 2):
        began = time.perf_counter()
        if question:
            answer = client.post(path, json={"query": question}, headers=headers)
        else:
            answer = client.get(path, headers=headers)
        if number > 1:
            ms.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise AssertionError(f"{path}: {answer.status_code} {answer.text[:300]}")
        size = len(answer.content)
    return ms, size
