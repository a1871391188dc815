"""A person's command from a page: a hold placed on a lot, from the form's button to the answer."""

from __future__ import annotations

import re
import secrets
import statistics
import time

import httpx
from django.db import connection as django_connection

from bench import door
from bench.context import Context
from bench.figure import Figure
from bench.hub import webs
from bench.plant import RESIN_LOTS, Plant

SITE = "A"
COMMANDS = 150
LIMITS = (
    "The pages' middleware, the session and the person's roles, the lot as the person sees it, the door with "
    "its durable commit, and the message that the next page shows; each of these asks the database."
)
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def measure(context: Context) -> list[Figure]:
    """One person, one command after another, each on another lot; every one must be taken."""
    context.prepare("bench_command")
    context.django()
    from medloom.exchange.sequencer import start_epoch
    from medloom.kernel.access import ALL, seeing
    from medloom.materials.models import Hold, Lot
    from medloom.parties.models import User

    plant = Plant(SITE, seed=21)
    door.registrant(SITE)
    door.append_here(plant, plant.masters(), first=1)
    with context.app() as app:
        start_epoch(app)
    password = secrets.token_urlsafe(12)
    with seeing(ALL):
        User.objects.create_user("bench", password, site="HQ", roles=("quality",))
        lots = [str(each) for each in Lot.objects.order_by("num").values_list("object", flat=True)]
    with webs(1) as (web,):
        times = _commands(f"http://127.0.0.1:{web.port}", password, lots[: min(COMMANDS, RESIN_LOTS)])
    with seeing(ALL):
        held = Hold.objects.filter(site=SITE).count()
    django_connection.close()
    if held != len(times):
        raise AssertionError(f"{len(times)} holds were placed, {held} stand")
    kept = times[len(times) // 10 :]
    return [
        Figure("command_ms_p50", "ms", [statistics.median(kept)], LIMITS, detail={"samples": len(kept)}),
        Figure("command_ms_p99", "ms", [statistics.quantiles(kept, n=100)[98]], LIMITS),
    ]


def _commands(url: str, password: str, lots: list[str]) -> list[float]:
    """Milliseconds of each command, by one person on one connection."""
    times = []
    with httpx.Client(base_url=url, timeout=60) as client:
        fields = {"username": "bench", "password": password, "csrfmiddlewaretoken": _token(client, "/login/")}
        if client.post("/login/", data=fields).status_code != 302:
            raise AssertionError("the person cannot log in")
        token = _token(client, f"/holds/raise/?lot={lots[0]}")
        for lot in lots:
            fields = {"reason": "crack at the gate", "spreads": "yes", "csrfmiddlewaretoken": token}
            began = time.perf_counter()
            answer = client.post(f"/holds/raise/?lot={lot}", data=fields)
            times.append((time.perf_counter() - began) * 1e3)
            if answer.status_code != 302:
                raise AssertionError(f"a hold was answered {answer.status_code} {answer.text[:300]}")
    return times


def _token(client: httpx.Client, path: str) -> str:
    """The form's token, as the page brings it."""
    found = _TOKEN.search(client.get(path).text)
    if found is None:
        raise AssertionError(f"no form at {path}")
    return found[1]
