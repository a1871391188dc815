"""The worker process: jobs kept in PostgreSQL, and what has to be looked at from time to time.

wake_parked     every minute: parked operations whose wait is over though nothing woke them
join_receipts   every minute: what one site received and another sent, or an event had named, where nothing
                joined the two
watch_agents    every minute: an agent that has not been heard for longer than its promise is an alarm
govern          every minute: what is new is counted by feed; alerts and corrections follow
make_export     when a person asks for a large export of a scope
tidy_framework  every night: ended logins and old exports go; nothing of the ledger, ever

Beside the jobs two threads follow the stream: the courier (webhooks) and, where it is set up, the bus.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import uuid_utils
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from procrastinate.contrib.django import app

from medloom.governance.measuring import alert_operations, correction_operations, measure
from medloom.governance.queries import looking
from medloom.hub import wiring
from medloom.interfaces import bus
from medloom.interfaces.web.exportjobs import drop_old, run_job
from medloom.interfaces.webhooks import courier
from medloom.kernel.ledger import LOST, Busy, append, own
from medloom.kernel.models import Alarm, Session
from medloom.kernel.waking import wake
from medloom.trace.arrivals import join_left_over
from medloom.wire.judge import HQ
from medloom.wire.operation import Operation
from medloom.wire.session import SiteSession

log = logging.getLogger(__name__)

#: An agent says something at least every few seconds; silence for this long is told to a person once.
SILENT_S = 15 * 60
#: Alerts and corrections written at once; a storm of them is several batches, and none holds up the door.
GOVERNED_MOST = 500
#: What a delivery under way is given to end when the worker is stopped.
STOP_S = 2.0


def silent_sites(now: dt.datetime) -> list[tuple[str, int]]:
    """(site, seconds of silence) of every site whose session is open and has not been heard for too long."""
    found = []
    for row in Session.objects.order_by("site"):
        speakers = msgspec.json.decode(row.state, type=SiteSession).speakers
        if not speakers:
            continue
        silence_s = int(now.timestamp()) - max(speaker.heard_s for speaker in speakers)
        if silence_s > SILENT_S:
            found.append((row.site, silence_s))
    return found


def note_silence(now: dt.datetime) -> int:
    """Raise one alarm per silent site, not a second one while the first is open; returns how many are new."""
    made = 0
    for site, silence_s in silent_sites(now):
        open_ = Alarm.objects.filter(code="agent_silent", site=site, seen_at__isnull=True)
        if not open_.exists():
            Alarm.objects.create(
                code="agent_silent", site=site, detail=f"not heard for {silence_s // 60} min"
            )
            made += 1
    return made


@app.periodic(cron="* * * * *")
@app.task(name="medloom.watch_agents", pass_context=False)
def watch_agents(timestamp: int) -> int:
    """Every minute; late runs after a stop are of no use, so each looks at the clock itself."""
    return note_silence(timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="medloom.wake_parked", pass_context=False)
def wake_parked(timestamp: int) -> int:
    """Every minute; one that lost a race has written nothing, and the next minute does it."""
    try:
        return wake(wiring)
    except LOST as error:
        log.info("another batch was quicker: %s", error)
        return 0


@app.periodic(cron="* * * * *")
@app.task(name="medloom.join_receipts", pass_context=False)
def join_receipts(timestamp: int) -> int:
    """Every minute; how many edges it wrote. One that lost a race has written nothing of its round."""
    try:
        return join_left_over(raise_holds, at=timezone.now().isoformat(timespec="seconds"), mint=new_id)
    except LOST as error:
        log.info("another batch was quicker: %s", error)
        return 0


def raise_holds(cursor: Any, operations: Sequence[Operation]) -> None:
    """Holds of the hub's own, inside the transaction that makes them needed."""
    append([own(operation) for operation in operations], author=HQ, wiring=wiring, cursor=cursor)


def govern_now(now: dt.datetime) -> int:
    """Count what is new, then raise and close alerts and propose corrections; how many operations it made.

    Nothing where another worker is at it. What is not new suggests nothing that was not proposed before; once
    an hour it is asked all the same, for a worker may have died between counting and proposing.
    """
    with looking() as mine:
        if not mine:
            return 0
        fresh = measure(now)
        operations = alert_operations(now, new_id)
        if fresh or now.minute == 0:
            operations += correction_operations(now, new_id)
        for start in range(0, len(operations), GOVERNED_MOST):
            part = operations[start : start + GOVERNED_MOST]
            append([own(operation) for operation in part], author=HQ, wiring=wiring)
        return len(operations)


def new_id() -> str:
    """A UUIDv7."""
    return str(uuid_utils.uuid7())


@app.periodic(cron="* * * * *")
@app.task(name="medloom.govern", pass_context=False)
def govern(timestamp: int) -> int:
    """Every minute; one that lost a race has written nothing, and the next minute does it."""
    try:
        return govern_now(timezone.now())
    except (Busy, *LOST) as error:
        log.info("another batch was quicker: %s", error)
        return 0


@app.task(name="medloom.make_export", pass_context=False)
def make_export(job: str) -> str:
    """Make one large export of a scope; what became of it."""
    return run_job(UUID(job), at=timezone.now())


@app.periodic(cron="17 3 * * *")
@app.task(name="medloom.tidy_framework", pass_context=False)
def tidy_framework(timestamp: int) -> None:
    """Every night."""
    call_command("clearsessions")
    drop_old(timezone.now())


def main() -> None:
    """Run jobs until stopped."""
    logging.basicConfig(level=logging.INFO)
    stop = threading.Event()
    followers = [threading.Thread(target=courier.run, args=(stop,), name="courier", daemon=True)]
    if settings.NATS_SERVERS:
        followers.append(threading.Thread(target=bus.run, args=(stop,), name="bus", daemon=True))
    for follower in followers:
        follower.start()
    try:
        _work()
    finally:
        stop.set()
        for follower in followers:
            follower.join(STOP_S)


def _work() -> None:
    with app.replace_connector(app.connector.get_worker_connector()) as working:
        working.run_worker(concurrency=1, delete_jobs="successful")


if __name__ == "__main__":
    main()
