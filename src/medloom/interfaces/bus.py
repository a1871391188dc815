"""The bus: the event stream published on NATS JetStream, as a wake-up bell and a cache for many readers.

Off unless servers are set. Each feed is published from its own stored position; the message id is
`<hub>/<site>/<feed>/<position>`, so what was published before a crash is dropped by the bus as a duplicate,
and a reader that keeps the last position it has seen misses nothing and sees nothing twice. With the bus
dead nothing stops: readers poll GET /api/v1/stream, and the publisher goes on from its position.

Subjects `medloom.<reader>.<feed>.<site>.<type>`: a reader is given those that begin with its own code.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import nats
import orjson
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from nats.errors import Error as NatsError
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from medloom.exchange.stream import hub_epoch, newest, read_events
from medloom.kernel import access
from medloom.kernel.cursor import open_cursor
from medloom.kernel.models import FeedLine
from medloom.parties.bus import note_published, published
from medloom.wire.judge import HQ

log = logging.getLogger(__name__)
STREAM = "MEDLOOM"
BATCH_MOST = 200
IDLE_S = 0.5
PAUSE_S = 2.0
ACK_S = 5.0
#: Bounds of the cache; whoever is further behind replays from the hub.
KEPT_S, KEPT_BYTES = 7 * 24 * 3_600, 1_073_741_824
#: How long the bus knows a message again by its id. A publisher away for longer repeats at most one batch.
KNOWN_S = 24 * 3_600


def subject_of(reader: str, feed: str, event: dict[str, Any]) -> str:
    """The subject of an event in a reader's feed."""
    _, site, name, _ = event["type"].split(".")
    return f"medloom.{reader}.{feed}.{site}.{name}"


def feeds() -> list[tuple[str, str]]:
    """Every feed there is: (reader, feed), and the registrant's log."""
    with access.seeing(access.ALL):
        rows = FeedLine.objects.values_list("site", "feed").distinct().order_by("site", "feed")
        return [*rows, (HQ, "log")]


def next_of(reader: str, feed: str) -> tuple[list[dict[str, Any]], str]:
    """The events of a feed that the bus lacks, and the hub epoch of their positions."""
    position, known = published().get(f"{reader}/{feed}", (0, ""))
    with access.seeing(access.ALL), open_cursor() as cursor:
        hub = hub_epoch(cursor)
        if (known and known != hub) or position > newest(cursor, reader, feed):
            position = 0  # positions of a restored hub are others: all of them are told anew
        return read_events(cursor, reader, feed, position, BATCH_MOST), hub


class Publisher:
    """Follows every feed and publishes it. `stop` ends it after the message under way."""

    def __init__(self, servers: list[str], stop: threading.Event, *, replicas: int = 0) -> None:
        self.servers, self.stop = servers, stop
        self.replicas = replicas or min(3, len(servers))

    async def follow(self) -> None:
        """Connect and publish until stopped; after any trouble wait and go on from the stored positions."""
        while not self.stop.is_set():
            try:
                link = await nats.connect(
                    self.servers, connect_timeout=3, max_reconnect_attempts=3, error_cb=_told,
                    allow_reconnect=True, reconnect_time_wait=0.2,
                )  # fmt: skip
                try:
                    await self._publish(link)
                finally:
                    await link.close()
            except (NatsError, OSError, TimeoutError, DatabaseError) as error:
                log.warning("the bus is away (%r); polling goes on, again in %s s", error, PAUSE_S)
                await asyncio.sleep(PAUSE_S)

    async def _publish(self, link: Any) -> None:
        stream = link.jetstream(timeout=ACK_S)
        await self._ensure(stream)
        while not self.stop.is_set():
            moved = 0
            for reader, feed in await sync_to_async(_fresh(feeds))():
                moved += await self._feed(stream, reader, feed)
            if not moved:
                await asyncio.sleep(IDLE_S)

    async def _feed(self, stream: Any, reader: str, feed: str) -> int:
        """One batch of one feed: every message is acknowledged by the bus before the position is kept."""
        events, hub = await sync_to_async(next_of)(reader, feed)
        for event in events:
            name = f"{hub[:8]}/{reader}/{feed}/{event['position']}"
            subject = subject_of(reader, feed, event)
            await stream.publish(subject, orjson.dumps(event), headers={"Nats-Msg-Id": name}, stream=STREAM)
        if events:
            await sync_to_async(note_published)(f"{reader}/{feed}", events[-1]["position"], hub)
        return len(events)

    async def _ensure(self, stream: Any) -> None:
        wanted = StreamConfig(
            name=STREAM, subjects=["medloom.>"], num_replicas=self.replicas, max_age=KEPT_S,
            max_bytes=KEPT_BYTES, duplicate_window=KNOWN_S,
        )  # fmt: skip
        try:
            await stream.stream_info(STREAM)
        except NotFoundError:
            await stream.add_stream(wanted)


def _fresh(ask: Any) -> Any:
    def asked() -> Any:
        close_old_connections()
        return ask()

    return asked


async def _told(error: Exception) -> None:
    log.info("bus: %r", error)


def run(stop: threading.Event) -> None:
    """The publisher in this thread, until `stop`."""
    asyncio.run(Publisher(list(settings.NATS_SERVERS), stop).follow())
