"""Cases 21, 25 and 55: receivers of the stream that are away for a week, a bus that is dead, a webhook that
points inside. On a database of its own, with a real receiver process."""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from medloom.drills.receiver import once_each, receiving, taken
from medloom.drills.sequencing import sequence
from medloom.exchange.stream import read_events
from medloom.hub import wiring
from medloom.interfaces import bus
from medloom.interfaces.webhooks import courier
from medloom.interfaces.webhooks.address import networks
from medloom.interfaces.webhooks.sending import send
from medloom.kernel import access
from medloom.kernel.cursor import open_cursor
from medloom.kernel.door import operation, submit
from medloom.parties.bus import published
from medloom.parties.models import Attempt, Subscription, User
from medloom.parties.webhooks import subscribe
from medloom.process.programs import keep
from medloom.wire.operation import Kind

SITE = "A"
INSIDE = (
    "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/", "https://100.64.0.1/",
    "https://[fe80::1]/", "https://[fc00::1]/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/",
    "https://2130706433/", "https://0x7f000001/", "https://127.1/", "https://0.0.0.0/", "http://8.8.8.8/",
    "file:///etc/passwd", "gopher://127.0.0.1/",
)  # fmt: skip


@dataclass(frozen=True)
class Away:
    """What was counted; `lost` and `reached` decide."""

    events: int
    tries: int
    attempts_kept: int
    lost: int
    resynced: bool
    seconds: float

    @property
    def survived(self) -> bool:
        """Nothing lost, attempts bounded, and whoever was away too long was told to read anew."""
        return not self.lost and self.attempts_kept <= 100 and self.resynced


def tell(count: int, tag: str) -> None:
    """So many lots of the site, sequenced."""
    for start in range(0, count, 1_000):
        made = [
            operation("lot", Kind.OBSERVE, {"number": f"{tag}-{n}"}, actor="p1", at=timezone.now())
            for n in range(start, min(count, start + 1_000))
        ]
        submit(made, author=SITE, wiring=wiring())
    sequence()


def _person() -> User:
    return User.objects.create_user("drill", "drill-password-1", site=SITE, roles=("it",))


def _serve(row: Subscription, times: int = 1) -> Subscription:
    for _ in range(times):
        Subscription.objects.filter(id=row.id).update(next_at=timezone.now() - dt.timedelta(seconds=1))
        courier.serve(row.id, threading.Event())
    return Subscription.objects.get(id=row.id)


def run_case21(seed: int, *, events: int = 5_000, tries: int = 168) -> Away:
    """A receiver dead for a week, asked once an hour at most; then it comes back. Another is further behind
    than the limit: it is told to read anew, and goes on."""
    began = time.monotonic()
    port = next(p for p in range(18_700 + seed % 100, 18_900) if keep("127.0.0.1", p))
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    tell(events, f"D21-{seed}")
    row = subscribe(
        _person(), name="drill", url=f"http://127.0.0.1:{port}/", feed="v", types="", position=0, hub="",
        now=timezone.now(),
    )  # fmt: skip
    row = _serve(row, tries)
    attempts = Attempt.objects.filter(subscription=row).count()
    with tempfile.TemporaryDirectory() as folder, receiving(port, Path(folder) / "taken"):
        file = Path(folder) / "taken"
        row = _serve(row, 2)
        lost = events - len(set(once_each(file)))
        kept, settings.WEBHOOK_BEHIND_MOST = settings.WEBHOOK_BEHIND_MOST, events // 2
        Subscription.objects.filter(id=row.id).update(position=0)
        try:
            row = _serve(row, 2)
        finally:
            settings.WEBHOOK_BEHIND_MOST = kept
        resynced = taken(file)[-1]["types"] == [f"medloom.{SITE}.resync.v1"] and row.position == events
    return Away(events, tries, attempts, lost, resynced, round(time.monotonic() - began, 1))


def run_case25(seed: int, *, events: int = 200) -> str:
    """The bus is dead: the publisher waits, writing and polling go on, and nothing counts as published."""
    stop = threading.Event()
    publisher = bus.Publisher(["nats://127.0.0.1:9"], stop)
    thread = threading.Thread(target=lambda: asyncio.run(publisher.follow()))
    thread.start()
    try:
        tell(events, f"D25-{seed}")
        seen: list[dict[str, Any]] = []
        began = time.monotonic()
        while len(seen) < events:
            with access.seeing(SITE), open_cursor() as cursor:
                seen += read_events(cursor, SITE, "v", len(seen), 50)
            assert time.monotonic() - began < 60, "polling stands still"
    finally:
        stop.set()
        thread.join(30)
    assert [event["position"] for event in seen] == list(range(1, events + 1)), "not dense"
    assert not published(), "nothing was acknowledged by a dead bus"
    return f"{events} events polled with the bus dead, in order, none missing"


def run_case55(seed: int) -> str:
    """No inner address is called, nor one that a name or a redirect leads to."""
    settings.WEBHOOK_NETWORKS = []
    reached = [url for url in INSIDE if send(url, b"[]", {}).status is not None]
    assert not reached, f"called: {reached}"
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    ports = [p for p in range(18_900 + seed % 50, 19_200) if keep("127.0.0.1", p)][:2]
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder) / "inside"
        moving = f"move=http://127.0.0.1:{ports[0]}/"
        with receiving(ports[0], inside), receiving(ports[1], Path(folder) / "outside", moving):
            sent = send(
                f"http://127.0.0.1:{ports[1]}/", b"[]", {}, permitted=networks(settings.WEBHOOK_NETWORKS)
            )
        assert sent.status == 302, sent
        assert taken(inside) == [], "a redirect was followed"
    return f"{len(INSIDE)} inner addresses refused, a redirect not followed"
