"""What single values of brokers and servers become: digits as told, bad ones unavailable, losses a gap."""

from __future__ import annotations

import datetime as dt
import itertools
import queue
from types import SimpleNamespace
from typing import Any

import pytest
from asyncua import ua

from medloom.agent.sources.broker import _signals
from medloom.agent.sources.live import Told
from medloom.agent.sources.opcua import OpcUa, _Handler, _text
from medloom.agent.sources.shdr import LineRefused

pytestmark = pytest.mark.pure
BEGUN = dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.UTC)
#: A good value of a queue from which others were dropped.
OVERFLOWN = 0x0480


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ("12.30", "12.30"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1e-7", "1e-7"),
        ("true", "true"),
        ("null", "UNAVAILABLE"),
        ('"a \\u00e9"', "a é"),
    ],
)
def test_a_value_of_json_has_the_digits_it_was_told_with(told: str, value: str) -> None:
    payload = f'{{"timestamp": "2026-01-01T00:00:00Z", "value": {told}}}'.encode()
    assert [(each.item, each.value) for each in _signals("plant/M1/speed", payload)] == [("speed", value)]


@pytest.mark.parametrize("told", ["[1, 2]", "{}", "", "1,"])
def test_a_value_of_json_that_is_none_is_refused(told: str) -> None:
    with pytest.raises(LineRefused) as refused:
        _signals("plant/M1/speed", f'{{"timestamp": "2026-01-01T00:00:00Z", "value": {told}}}'.encode())
    assert refused.value.refusal.code == "stream_row_wrong"


@pytest.mark.parametrize("text", ["0.1", "3.14159", "1e-07", "16777216", "-2.5", "3.4028235e+38"])
def test_a_number_of_32_bits_is_told_by_its_own_digits(text: str) -> None:
    import struct

    (single,) = struct.unpack("f", struct.pack("f", float(text)))
    assert float(_text(single, ua.VariantType.Float)) == float(text)
    assert _text(single, ua.VariantType.Float) in (text, f"{float(text):g}", f"{float(text):.8g}")
    assert _text(0.1, ua.VariantType.Double) == "0.1"


class Server:
    """Says values to a handler, as the library does."""

    def __init__(self) -> None:
        self.source = OpcUa(
            "opc.tcp://x", nodes={"i=1": "speed"}, session=map(str, itertools.count()).__next__
        )
        self.into: queue.Queue[tuple[str, Told]] = self.source._queue
        self.handler = _Handler(self.into, {"i=1": "speed"}, self.source._new_session, begun=BEGUN)
        self.source._thread = SimpleNamespace(is_alive=lambda: True)  # type: ignore[assignment]

    def say(self, value: Any, *, minutes: int, status: int = 0) -> None:
        at = (BEGUN + dt.timedelta(minutes=minutes)).replace(tzinfo=None)
        told = ua.DataValue(ua.Variant(value), ua.StatusCode(ua.UInt32(status)), SourceTimestamp=at)
        node = SimpleNamespace(nodeid=ua.NodeId(1, 0))
        data = SimpleNamespace(monitored_item=SimpleNamespace(Value=told))
        self.handler.datachange_notification(node, value, data)


def test_only_the_first_value_of_a_node_counts_from_the_beginning() -> None:
    """The machine's clock is behind the server's: its times stand, or all would be of one moment."""
    server = Server()
    for n, minutes in enumerate((-90, -60, -30)):
        server.say(float(n), minutes=minutes)
    heard = server.source.hear("", now=0.0)
    assert heard is not None
    assert [line.signals[0].at[11:16] for line in heard.lines] == ["08:00", "07:00", "07:30"]


def test_bad_values_are_unavailable_and_dropped_ones_a_gap() -> None:
    server = Server()
    server.say(1.0, minutes=1)
    server.say(2.0, minutes=2, status=ua.StatusCodes.BadSensorFailure)
    server.say(3.0, minutes=3, status=OVERFLOWN)
    first = server.source.hear("0", now=0.0)
    assert first is not None and (first.gap, first.position) == ("", "0")
    assert [line.signals[0].value for line in first.lines] == ["1.0", "UNAVAILABLE"]
    server.source.refuse()
    assert server.source.hear("0", now=0.0) == first, "what could not be kept is given again, in its order"
    second = server.source.hear(first.position, now=0.0)
    assert second is not None and second.gap == "opc.tcp://x: the server dropped values"
    assert [line.signals[0].value for line in second.lines] == ["3.0"]


def test_a_subscription_that_the_server_ended_is_made_anew() -> None:
    server = Server()
    server.handler.status_change_notification(
        ua.StatusChangeNotification(ua.StatusCode(ua.UInt32(0x80280000)))
    )
    assert "BadSubscriptionIdInvalid" in server.handler.ended
