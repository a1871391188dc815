"""A machine's values through an MQTT broker: each message at least once, taken exactly once.

The session is kept by the broker under this agent's name, so what comes while the agent is down waits
there. A message is acknowledged only after its rows are durably kept; one that was kept and not yet
acknowledged when the agent died comes again, and is known by its digest.

Some brokers (NATS) give such a message again only after a while, behind newer ones. So after a connection
to a kept session what arrives is first gathered that long, and put in the order of its time stamps.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from typing import Any
from urllib.parse import urlsplit

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from medloom.agent.signals import Signal
from medloom.agent.sources.live import Heard, Told
from medloom.agent.sources.shdr import LINE_BYTES_MAX, LineRefused, moment, parse_line

MESSAGES_MAX = 256
#: Messages that a broker may have given without an answer to them (1,024 with NATS, less elsewhere).
WINDOW = 1_024
#: NATS gives an unanswered message again after 30 s.
ORDER_SECONDS = 35.0
KEEPALIVE_SECONDS, CONNECT_SECONDS, RETRY_SECONDS_MAX = 20, 1.0, 30.0


class _Value(msgspec.Struct):
    """A message of JSON: `item` is the last part of its topic unless it says another."""

    timestamp: str
    value: msgspec.Raw
    item: str = ""


class Broker:
    """One subscription. `address` is mqtt://host:port, `client` the name under which the broker keeps it.

    order_seconds  how long the broker may wait before it gives an unanswered message again
    """

    def __init__(
        self,
        address: str,
        *,
        topic: str,
        client: str,
        login: tuple[str, str] = ("", ""),
        order_seconds: float = ORDER_SECONDS,
    ) -> None:
        place = urlsplit(address)
        self._host, self._port = place.hostname or "127.0.0.1", place.port or 1883
        self._topic, self._wrong, self._order_seconds = topic, "not connected yet", order_seconds
        self._refused = ""
        self._gather, self._gather_until = False, 0.0
        self._arrived: deque[mqtt.MQTTMessage] = deque()
        self._given: list[mqtt.MQTTMessage] = []
        self._connected, self._retry, self._pause, self._gap, self._known = False, 0.0, 0.5, "", False
        self._mqtt = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client, clean_session=False, manual_ack=True
        )
        self._mqtt.connect_timeout = CONNECT_SECONDS
        if login[0]:
            self._mqtt.username_pw_set(*login)
        self._mqtt.on_connect = self._on_connect
        self._mqtt.on_subscribe = self._on_subscribe
        self._mqtt.on_message = self._on_message
        self._mqtt.on_disconnect = self._on_disconnect

    def hear(self, position: str, *, now: float) -> Heard | None:
        """Messages that have arrived."""
        self._known = bool(position)
        if not self._turn(now):
            return None
        if not self._in_order(now):
            return None
        window: list[str] = json.loads(position) if position else []
        known, lines = set(window), []
        while self._arrived and len(lines) < MESSAGES_MAX:
            message = self._arrived.popleft()
            self._given.append(message)
            digest = _digest(message)
            lines.append(_told(message, digest, again=digest in known))
            if digest not in known:
                known.add(digest)
                window.append(digest)
        if not lines:
            return None
        heard = Heard(lines, json.dumps(window[-WINDOW:]), self._gap)
        self._gap = ""
        return heard

    def _in_order(self, now: float) -> bool:
        """Whether what has arrived may be given: at once, or gathered after a return to a kept session."""
        if self._gather:
            self._gather, self._gather_until = False, now + self._order_seconds
        if now < self._gather_until:
            return False
        if self._gather_until:
            self._gather_until = 0.0
            self._arrived = deque(sorted(self._arrived, key=_stamp))
        return True

    def keep(self, heard: Heard) -> None:
        """Acknowledge what was kept; an acknowledgement that is lost brings the message again."""
        for message in self._given:
            self._mqtt.ack(message.mid, message.qos)
        self._given = []
        self._mqtt.loop_write()

    def refuse(self) -> None:
        """Drop the connection: the broker gives again whatever was not acknowledged."""
        self.close()
        self._connected, self._given = False, []
        self._arrived.clear()

    def trouble(self) -> str:
        """Why there is no connection."""
        return self._wrong

    def close(self) -> None:
        """End the connection; the broker keeps the session."""
        self._mqtt.disconnect()
        self._connected = False

    # -- the connection -------------------------------------------------------------------------

    def _turn(self, now: float) -> bool:
        """Let the client read and write without waiting; whether it is connected."""
        if not self._connected:
            if now < self._retry:
                return False
            try:
                self._mqtt.connect(self._host, self._port, KEEPALIVE_SECONDS)
            except OSError as error:
                self._failed(error.strerror or str(error), now)
                return False
            self._connected, self._refused = True, ""
        before = -1
        most = 4 * WINDOW if self._gather or self._gather_until else MESSAGES_MAX
        while len(self._arrived) > before and len(self._arrived) < most:
            before = len(self._arrived)
            for _ in range(8):
                if self._mqtt.loop(timeout=0.0) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                    self._failed(self._refused or "connection lost", now)
                    return False
        return True

    def _failed(self, why: str, now: float) -> None:
        self._connected, self._wrong = False, f"{self._host}:{self._port}: {why}"
        self._retry, self._pause = now + self._pause, min(self._pause * 2, RETRY_SECONDS_MAX)
        # What arrived and was not kept comes again with the next connection.
        self._arrived.clear()
        self._given = []

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._refused = str(reason)
            return
        # Each time: an agent may have died between its first connection and its subscription.
        client.subscribe(self._topic, qos=1)
        self._gather = flags.session_present
        if not flags.session_present and self._known:
            self._gap = "the broker had forgotten this subscription: messages may be missing"

    def _on_subscribe(self, client: Any, data: Any, mid: Any, reasons: Any, properties: Any) -> None:
        # Granted without acknowledgement, messages would be lost with the first cable.
        refused = next((str(reason) for reason in reasons if reason.is_failure or reason.value < 1), "")
        self._pause = self._pause if refused else 0.5
        self._wrong = f"{self._host}:{self._port}: {self._topic}: {refused}" if refused else ""

    def _on_message(self, client: Any, data: Any, message: mqtt.MQTTMessage) -> None:
        self._arrived.append(message)

    def _on_disconnect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._connected = False


def _digest(message: mqtt.MQTTMessage) -> str:
    return hashlib.sha256(message.topic.encode() + b"\x00" + message.payload).hexdigest()[:16]


def _stamp(message: mqtt.MQTTMessage) -> str:
    """When the machine said it, as far as it can be read; what cannot keeps to the front and is refused."""
    try:
        return _signals(message.topic, bytes(message.payload))[0].at
    except LineRefused:
        return ""


def _told(message: mqtt.MQTTMessage, digest: str, *, again: bool) -> Told:
    place, raw = f"{message.topic}#{digest}", bytes(message.payload)
    if again:
        return Told(place, raw, again=True)
    try:
        return Told(place, raw, tuple(_signals(message.topic, raw)))
    except LineRefused as refused:
        return Told(place, raw, refusal=refused.refusal)


def _signals(topic: str, payload: bytes) -> list[Signal]:
    """The values of one message: a line of an adapter, or JSON with a timestamp and a value."""
    if len(payload) > LINE_BYTES_MAX:
        expected = f"<= {LINE_BYTES_MAX} bytes"
        raise LineRefused("stream_row_too_long", "/payload", expected, str(len(payload)))
    if not payload.lstrip().startswith(b"{"):
        return parse_line(payload)
    try:
        told = msgspec.json.decode(payload, type=_Value)
        value = value_text(told.value)
    except (msgspec.DecodeError, RecursionError) as error:
        expected = '{"timestamp": "...", "value": ...}'
        raise LineRefused("stream_row_wrong", "/payload", expected, str(error)[:200]) from error
    item = told.item or topic.rpartition("/")[2]
    return [Signal(moment(told.timestamp), item, value)]


def value_text(raw: msgspec.Raw) -> str:
    """A value as an adapter would write it, a number with its digits as told; nothing is UNAVAILABLE.

    Raises msgspec.DecodeError for a list or an object.
    """
    value = msgspec.json.decode(raw, type=str | int | float | bool | None)
    if value is None:
        return "UNAVAILABLE"
    return value if isinstance(value, str) else bytes(raw).decode("ascii").strip()
