"""A machine's values from an OPC UA server, by subscription. Optional: asyncua is LGPL (extra `opcua`).

A server keeps little or nothing for a client that is gone, so every interruption is told as a gap: from
the last value heard to the moment of the new subscription, whose first values count from that moment.
The subscription lives in a thread of its own, because its protocol must answer while the agent works.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from asyncua import Client, ua

from medloom.agent.signals import Signal
from medloom.agent.sources.live import Heard, Told

VALUES_MAX, WAITING_MAX = 2_000, 200_000
PERIOD_MS, WATCH_SECONDS, CONNECT_SECONDS, RETRY_SECONDS_MAX = 100, 1.0, 4.0, 30.0


class OpcUa:
    """One server. `nodes`: node id -> data item; `session` names each subscription."""

    def __init__(self, address: str, *, nodes: Mapping[str, str], session: Callable[[], str]) -> None:
        self._address, self._nodes, self._session = address, dict(nodes), session
        self._queue: queue.Queue[tuple[str, Told]] = queue.Queue(WAITING_MAX)
        self._back: list[tuple[str, Told]] = []
        self._given: list[tuple[str, Told]] = []
        self._wrong, self._name = "not connected yet", ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def hear(self, position: str, *, now: float) -> Heard | None:
        """Values that have arrived, of one subscription at a time."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._live, name="opcua", daemon=True)
            self._thread.start()
        session, lines = "", []
        while len(lines) < VALUES_MAX:
            found = self._next()
            if found is None:
                break
            if session and found[0] != session:
                self._back.insert(0, found)
                break
            session = found[0]
            lines.append(found)
        if not lines:
            return None
        self._given = lines
        other = bool(position) and position != session
        gap = f"no subscription at {self._address} since the last value" if other else ""
        return Heard([told for _, told in lines], session, gap)

    def _next(self) -> tuple[str, Told] | None:
        if self._back:
            return self._back.pop(0)
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return None

    def keep(self, heard: Heard) -> None:
        """Nothing to tell the server."""
        self._given = []

    def refuse(self) -> None:
        """They are given again."""
        self._back, self._given = self._given + self._back, []

    def trouble(self) -> str:
        """Why there is no subscription."""
        return self._wrong

    def close(self) -> None:
        """End the subscription."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CONNECT_SECONDS + 2)

    # -- in the thread ----------------------------------------------------------------------------

    def _live(self) -> None:
        asyncio.run(self._subscribe_again())

    async def _subscribe_again(self) -> None:
        pause = 0.5
        while not self._stop.is_set():
            begun = datetime.now(UTC)
            try:
                await self._subscribe()
            except Exception as error:  # whatever the server or the library says: told, and tried again
                self._wrong = f"{self._address}: {type(error).__name__} {error}"[:200]
            if (datetime.now(UTC) - begun).total_seconds() > RETRY_SECONDS_MAX:
                pause = 0.5
            for _ in range(int(pause / 0.1)):
                if not self._stop.is_set():
                    await asyncio.sleep(0.1)
            pause = min(pause * 2, RETRY_SECONDS_MAX)

    async def _subscribe(self) -> None:
        async with Client(self._address, timeout=CONNECT_SECONDS) as client:
            handler = _Handler(self._queue, self._nodes, self._session(), datetime.now(UTC))
            subscription = await client.create_subscription(PERIOD_MS, handler)
            nodes = [client.get_node(each) for each in self._nodes]
            await subscription.subscribe_data_change(nodes)
            self._wrong = ""
            while not self._stop.is_set():
                await asyncio.sleep(WATCH_SECONDS / 5)
                await client.check_connection()


class _Handler:
    """Takes notifications of one subscription."""

    def __init__(
        self, into: queue.Queue[tuple[str, Told]], nodes: Mapping[str, str], session: str, begun: datetime
    ) -> None:
        self._into, self._nodes, self._session, self._begun = into, nodes, session, begun
        self._count = 0

    def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
        """One value; those before the subscription count from its beginning."""
        item = self._nodes.get(node.nodeid.to_string(), node.nodeid.to_string())
        told: ua.DataValue = data.monitored_item.Value
        good = told.StatusCode is None or told.StatusCode.is_good()
        stamp = told.SourceTimestamp or told.ServerTimestamp or self._begun.replace(tzinfo=None)
        stamp = max(stamp.replace(tzinfo=UTC), self._begun)
        at = stamp.isoformat(timespec="microseconds")
        text = _text(value) if good else "UNAVAILABLE"
        self._count += 1
        place = f"{self._session}:{self._count}"
        raw = f"{at}|{item}|{text}".encode()
        self._into.put((self._session, Told(place, raw, (Signal(at, item, text),))))


def _text(value: Any) -> str:
    """A value as an adapter would write it: the number of an enumeration, the text of a localised one."""
    if value is None:
        return "UNAVAILABLE"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, ua.LocalizedText):
        return value.Text or ""
    if hasattr(value, "value") and isinstance(value.value, int):
        return str(value.value)
    return str(value)
