"""A machine's values from an OPC UA server, by subscription. Optional: asyncua is LGPL (extra `opcua`).

A server keeps little or nothing for a client that is gone, so every interruption is told as a gap: from
the last value heard to the moment of the new subscription, whose first values count from that moment (by the
server's clock). The same when the server ends the subscription, or says that it had to drop values.
The subscription lives in a thread of its own, because its protocol must answer while the agent works.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from asyncua import Client, ua

from medloom.agent.signals import Signal
from medloom.agent.sources.live import Heard, Told

VALUES_MAX, WAITING_MAX = 2_000, 200_000
#: Values of one node that the server keeps between two messages; what is more it drops, and says so.
QUEUE_VALUES = 1_000
#: Bits of a status code: it speaks of a value, and others of its queue were dropped (OPC 10000-4, 7.39).
_OVERFLOW = 0x0480
PERIOD_MS, WATCH_SECONDS, CONNECT_SECONDS, RETRY_SECONDS_MAX = 100, 1.0, 4.0, 30.0


class OpcUa:
    """One server. `nodes`: node id -> data item; `session` names each subscription."""

    def __init__(self, address: str, *, nodes: Mapping[str, str], session: Callable[[], str]) -> None:
        self._address, self._nodes, self._session = address, dict(nodes), session
        self._queue: queue.Queue[tuple[str, Told]] = queue.Queue(WAITING_MAX)
        self._back: deque[tuple[str, Told]] = deque()
        self._gaps: dict[str, str] = {}
        self._given: list[tuple[str, Told]] = []
        self._wrong, self._name = "not connected yet", ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def hear(self, position: str, *, now: float) -> Heard | None:
        """Values that have arrived, of one subscription at a time."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._live, name="opcua", daemon=True)
            self._thread.start()
        session, lines = "", []
        while len(lines) < VALUES_MAX:
            found = self._next()
            if found is None:
                break
            if session and found[0] != session:
                self._back.appendleft(found)
                break
            session = found[0]
            lines.append(found)
        if not lines:
            return None
        self._given = lines
        gap = self._gaps.get(session, f"no subscription at {self._address} since the last value")
        other = bool(position) and position != session
        return Heard([told for _, told in lines], session, gap if other else "")

    def _next(self) -> tuple[str, Told] | None:
        if self._back:
            return self._back.popleft()
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return None

    def keep(self, heard: Heard) -> None:
        """Nothing to tell the server."""
        self._given = []

    def refuse(self) -> None:
        """They are given again."""
        self._back.extendleft(reversed(self._given))
        self._given = []

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
            begun = time.monotonic()
            try:
                await self._subscribe()
            except Exception as error:  # whatever the server or the library says: told, and tried again
                self._wrong = f"{self._address}: {type(error).__name__} {error}"[:200]
            if time.monotonic() - begun > RETRY_SECONDS_MAX:
                pause = 0.5
            for _ in range(int(pause / 0.1)):
                if not self._stop.is_set():
                    await asyncio.sleep(0.1)
            pause = min(pause * 2, RETRY_SECONDS_MAX)

    async def _subscribe(self) -> None:
        async with Client(self._address, timeout=CONNECT_SECONDS) as client:
            handler = _Handler(self._queue, self._nodes, self._new_session, begun=await _clock(client))
            subscription = await client.create_subscription(PERIOD_MS, handler)
            nodes = [client.get_node(each) for each in self._nodes]
            found = await subscription.subscribe_data_change(nodes, queuesize=QUEUE_VALUES)
            wrong = [
                f"{name} {result.name}"
                for name, result in zip(self._nodes, found, strict=True)
                if isinstance(result, ua.StatusCode)
            ]
            # The others are heard all the same.
            self._wrong = f"{self._address}: {', '.join(wrong)}"[:200] if wrong else ""
            while not self._stop.is_set():
                await asyncio.sleep(WATCH_SECONDS / 5)
                await client.check_connection()
                if handler.ended:
                    raise ConnectionError(f"the server ended the subscription: {handler.ended}")

    def _new_session(self, gap: str = "") -> str:
        """A name for what follows; `gap` says why something before it may be missing."""
        session = self._session()
        if gap:
            self._gaps[session] = f"{self._address}: {gap}"
        return session


async def _clock(client: Client) -> datetime:
    """The server's time now, since values carry it; our own where it tells none."""
    try:
        told = await client.get_node(ua.ObjectIds.Server_ServerStatus_CurrentTime).read_value()
        return told.replace(tzinfo=UTC) if isinstance(told, datetime) else datetime.now(UTC)
    except ua.UaError:
        return datetime.now(UTC)


class _Handler:
    """Takes notifications of one subscription. `begun`: its beginning by the server's clock."""

    def __init__(
        self,
        into: queue.Queue[tuple[str, Told]],
        nodes: Mapping[str, str],
        new_session: Callable[..., str],
        *,
        begun: datetime,
    ) -> None:
        self._into, self._nodes, self._new_session, self._begun = into, nodes, new_session, begun
        self._session, self._count, self._heard = new_session(), 0, set[str]()
        self.ended = ""

    def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
        """One value. The first of each node may be old: it counts from the beginning."""
        name = node.nodeid.to_string()
        item = self._nodes.get(name, name)
        told: ua.DataValue = data.monitored_item.Value
        status = told.StatusCode
        if status is not None and status.value & _OVERFLOW == _OVERFLOW:
            self._session, self._count = self._new_session("the server dropped values"), 0
        stamped = told.SourceTimestamp or told.ServerTimestamp
        stamp = self._begun if stamped is None else stamped.replace(tzinfo=UTC)
        if name not in self._heard:
            self._heard.add(name)
            stamp = max(stamp, self._begun)
        at = stamp.isoformat(timespec="microseconds")
        kind = told.Value.VariantType if told.Value is not None else None
        text = _text(value, kind) if status is None or status.is_good() else "UNAVAILABLE"
        self._count += 1
        raw = f"{at}|{item}|{text}".encode()
        self._into.put(
            (self._session, Told(f"{self._session}:{self._count}", raw, (Signal(at, item, text),)))
        )

    def status_change_notification(self, status: Any) -> None:
        """The server has given the subscription up: it is made anew."""
        self.ended = str(status.Status.name)


def _text(value: Any, kind: Any = None) -> str:
    """A value as an adapter would write it: the number of an enumeration, the text of a localised one.

    A number of 32 bits has the digits that tell it apart, as the machine shows it: 0.1, not 0.10000000149.
    """
    if value is None:
        return "UNAVAILABLE"
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind is ua.VariantType.Float and isinstance(value, float):
        return _single(value)
    if isinstance(value, ua.LocalizedText):
        return value.Text or ""
    if hasattr(value, "value") and isinstance(value.value, int):
        return str(value.value)
    return str(value)


def _single(value: float) -> str:
    for digits in range(6, 10):
        text = f"{value:.{digits}g}"
        with contextlib.suppress(OverflowError):  # rounded up beyond the largest number
            if struct.pack("f", float(text)) == struct.pack("f", value):
                return text
    return str(value)
