"""The courier: takes each subscription's next events to its receiver. Runs as a thread of the worker.

Ordered: the position moves only behind what was taken or given up. At least once: it moves after the
answer, so a crash in between delivers the same events again, under the same id. One process at a time
holds a subscription (an advisory lock of its session), however many workers there are.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import logging
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from medloom.exchange.stream import hub_epoch, newest, read_events
from medloom.interfaces.webhooks.address import networks
from medloom.interfaces.webhooks.sending import Sent, send
from medloom.kernel import access
from medloom.kernel.cursor import open_cursor
from medloom.parties.webhooks import Attempt, Subscription, keep, key_numbers, mend, note
from medloom.wire.cloudevent import BATCH, resync
from medloom.wire.judge import HQ
from medloom.wire.webhook import headers, private_key

log = logging.getLogger(__name__)
BATCH_MOST, BATCH_BYTES_MOST = 100, 2 * 1024 * 1024
#: An event that the receiver refuses this often is given up and shown; the next ones go on.
REFUSED_MOST = 6
PAUSE_S_FIRST, PAUSE_S_MOST = 2.0, 3_600.0
TICK_S = 0.5
THREADS = 4
Clock = Callable[[], dt.datetime]


@dataclass(frozen=True)
class Load:
    """What is to be delivered next: events, the positions they span, the hub epoch of these."""

    events: list[dict[str, Any]]
    first: int
    last: int
    hub: str


def pause_s(tries: int) -> float:
    """How long to wait after so many failures: doubled each time, up to an hour, with a fifth of chance."""
    return float(min(PAUSE_S_MOST, PAUSE_S_FIRST * 2 ** min(tries - 1, 20))) * random.uniform(0.8, 1.2)  # noqa: S311


def load(row: Subscription, now: dt.datetime) -> Load | None:
    """The next events of a subscription; None when it has all there is."""
    seeing = access.ALL if row.site == HQ else row.site
    with access.seeing(seeing), open_cursor() as cursor:
        hub, end = hub_epoch(cursor), newest(cursor, row.site, row.feed)
        behind = end - row.position
        if (row.hub and row.hub != hub) or behind > settings.WEBHOOK_BEHIND_MOST or behind < 0:
            told = resync(
                hub=hub, site=row.site, feed=row.feed, missed=max(behind, 1), position=end,
                at=now.isoformat(timespec="milliseconds"),
            )  # fmt: skip
            return Load([told], row.position + 1, end, hub)
        found = read_events(cursor, row.site, row.feed, row.position, 1 if row.narrow else BATCH_MOST)
    if not found:
        return None
    found = _fitting(found)
    wanted = [event for event in found if row.may_see(event["type"].split(".")[2])]
    return Load(wanted, row.position + 1, found[-1]["position"], hub)


def _fitting(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    size, kept = 0, []
    for event in events:
        size += len(orjson.dumps(event))
        if kept and size > BATCH_BYTES_MOST:
            break
        kept.append(event)
    return kept


def carry(row: Subscription, now: Clock = timezone.now) -> bool:
    """Deliver once; whether there may be more at once. The caller holds the subscription's lock."""
    found = load(row, now())
    if found is None:
        row.next_at = now()
        return False
    if not found.events:
        _advance(row, found, now())
        return True
    body = orjson.dumps(found.events)
    at = now()
    named = f"{row.id}-{found.first}-{found.last}"
    sent = _signed(row, named, body, at)
    return _judge(row, found, sent, at, now(), _told(named, found, body))


def try_out(row: Subscription, at: dt.datetime) -> Sent:
    """Send an empty batch now, signed like every delivery; whatever comes back, the position stays."""
    named, nothing = f"{row.id}-test-{int(at.timestamp())}", Load([], row.position, row.position, row.hub)
    sent = _signed(row, named, b"[]", at)
    note(row, kind="test", at=at, **_came(sent), **_told(named, nothing, b"[]"))
    return sent


class PositionsGone(LookupError):
    """What that attempt sent cannot be read again: the hub was restored since, or it was a `resync`."""


def body_of(row: Subscription, attempt: Attempt) -> tuple[list[dict[str, Any]], bytes]:
    """The events of an attempt and their bytes, read from the ledger again: exactly those that were sent.

    Raises PositionsGone when they are not.
    """
    wanted: list[dict[str, Any]] = []
    span = attempt.last - attempt.first + 1
    if attempt.kind != "test" and span <= BATCH_MOST:
        seeing = access.ALL if row.site == HQ else row.site
        with access.seeing(seeing), open_cursor() as cursor:
            found = read_events(cursor, row.site, row.feed, attempt.first - 1, span)
        wanted = [event for event in found if row.may_see(event["type"].split(".")[2])]
    body = orjson.dumps(wanted)
    if hashlib.sha256(body).hexdigest() != attempt.digest:
        raise PositionsGone(attempt.named)
    return wanted, body


def send_again(row: Subscription, attempt: Attempt, at: dt.datetime) -> Attempt:
    """Send one attempt's events again under its `webhook-id`; the position stays. Raises PositionsGone."""
    events, body = body_of(row, attempt)
    found = Load(events, attempt.first, attempt.last, attempt.hub)
    sent = _signed(row, attempt.named, body, at)
    made = note(row, kind="again", at=at, **_came(sent), **_told(attempt.named, found, body))
    if sent.taken:
        mend(row, attempt.named, at)
    return made


def _told(named: str, found: Load, body: bytes) -> dict[str, Any]:
    """What an attempt keeps of what was sent."""
    return {
        "named": named,
        "hub": found.hub,
        "first": found.first,
        "last": found.last,
        "events": len(found.events),
        "size_bytes": len(body),
        "digest": hashlib.sha256(body).hexdigest(),
    }


def _came(sent: Sent) -> dict[str, Any]:
    """What an attempt keeps of what came back."""
    return {
        "status": sent.status,
        "error": sent.error,
        "took_ms": sent.took_ms,
        "asked": sent.asked,
        "answered": sent.answered,
    }


def _signed(row: Subscription, named: str, body: bytes, at: dt.datetime) -> Sent:
    keys = [private_key(settings.SECRET_KEY, number) for number in key_numbers(at)]
    signed = headers(keys, id=named, at_s=int(at.timestamp()), body=body)
    return send(
        row.url, body, {**signed, "Content-Type": f"{BATCH}; charset=utf-8", "User-Agent": "Medloom"},
        permitted=networks(settings.WEBHOOK_NETWORKS),
    )  # fmt: skip


def _advance(row: Subscription, found: Load, now: dt.datetime) -> None:
    row.position, row.hub = found.last, found.hub
    row.tries, row.narrow, row.failing_since, row.error, row.next_at = 0, False, None, "", now
    keep(row, "position", "hub", "tries", "narrow", "failing_since", "error", "next_at")


def _judge(
    row: Subscription, found: Load, sent: Sent, at: dt.datetime, now: dt.datetime, told: dict[str, Any]
) -> bool:
    """Move on, try again later, or give a refused event up."""
    row.tries += 1
    dead = sent.refused and len(found.events) == 1 and row.tries >= REFUSED_MOST
    note(row, at=at, dead=dead, **_came(sent), **told)
    if sent.taken or dead:
        _advance(row, found, now)
        return True
    if sent.refused and len(found.events) > 1:
        row.narrow, row.tries, row.next_at = True, 0, now  # which one is it?
    else:
        row.next_at = now + dt.timedelta(seconds=max(pause_s(row.tries), sent.waits_s))
    if sent.status == 410:
        row.state = "paused"  # the receiver says that it is gone
    row.failing_since = row.failing_since or now
    row.error = sent.error
    keep(row, "narrow", "tries", "next_at", "state", "failing_since", "error")
    return row.narrow and row.tries == 0


@contextlib.contextmanager
def _held(row_id: Any) -> Iterator[bool]:
    """Whether this session now holds the subscription."""
    number = row_id.int & (2**63 - 1)
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", (number,))
        (got,) = cursor.fetchall()[0]
        try:
            yield bool(got)
        finally:
            if got:
                cursor.execute("select pg_advisory_unlock(%s)", (number,))


def serve(row_id: Any, stop: threading.Event, now: Clock = timezone.now) -> int:
    """Deliver all that a subscription has, if nobody else does; returns how often it delivered."""
    done = 0
    try:
        close_old_connections()
        with _held(row_id) as held:
            while held and not stop.is_set():
                row = Subscription.objects.filter(id=row_id, state="active", next_at__lte=now()).first()
                if row is None:
                    break
                more = carry(row, now)
                done += 1
                if not more:
                    break
    except DatabaseError:
        log.warning("subscription %s waits for the database", row_id, exc_info=True)
        connection.close()
    except Exception:
        log.exception("subscription %s", row_id)
    return done


def run(stop: threading.Event, now: Clock = timezone.now, tick_s: float = TICK_S) -> None:
    """Until `stop`: look which subscriptions are due, and serve each in a thread."""
    busy: dict[Any, Any] = {}
    with ThreadPoolExecutor(THREADS, thread_name_prefix="courier") as pool:
        while not stop.wait(tick_s):
            try:
                close_old_connections()
                due = Subscription.objects.filter(state="active", next_at__lte=now())
                for row_id in due.order_by("next_at").values_list("id", flat=True):
                    if row_id not in busy or busy[row_id].done():
                        busy[row_id] = pool.submit(serve, row_id, stop, now)
            except DatabaseError:
                log.warning("the courier waits for the database", exc_info=True)
                connection.close()
            busy = {name: task for name, task in busy.items() if not task.done()}
    connection.close()
