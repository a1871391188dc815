"""An adapter's connection: nothing that arrived is lost, nobody is waited for, silence is told from quiet.

Proves: issue "three plants", plant B; faults 19 (a sender of one byte a second) on the stream's side.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from medloom.agent.sources.adapter import (
    CONNECT_SECONDS,
    LINE_SECONDS,
    QUIET_SECONDS,
    RESUME_SECONDS,
    SILENCE_SECONDS,
    Adapter,
)
from medloom.agent.sources.live import Told
from medloom.agent.sources.shdr import LINE_BYTES_MAX
from medloom.agent.tests.machines import pieces
from tests.journeys.adapters import Machine

pytestmark = pytest.mark.process
LINES = pieces(2, samples=20)
PONG = b"* PONG 10000\n"


@pytest.fixture
def machine() -> Iterator[Machine]:
    found = Machine()
    yield found
    found.close()


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def listening(machine: Machine, clock: Clock) -> Adapter:
    """An adapter that is connected to the machine."""
    adapter = Adapter(machine.address, clock=clock, session=lambda: "s")
    machine.meet(lambda: adapter.hear("", now=clock()))
    return adapter


def heard(adapter: Adapter, clock: Clock, lines: int) -> list[Told]:
    """Listen until so many lines were heard, or for a long time."""
    told: list[Told] = []
    until = time.monotonic() + 20
    while len(told) < lines and time.monotonic() < until:
        found = adapter.hear("", now=clock())
        told += found.lines if found is not None else []
    return told


def turn(adapter: Adapter, clock: Clock) -> None:
    """Let what was sent arrive, and look at it."""
    for _ in range(5):
        time.sleep(0.02)
        assert adapter.hear("", now=clock()) is None


def test_a_sender_of_one_byte_a_second_is_left_and_never_waited_for(machine: Machine) -> None:
    clock = [0.0]
    adapter = Adapter(machine.address, clock=lambda: clock[0], session=lambda: "s")
    slowest = 0.0

    def step() -> None:
        nonlocal slowest
        begun = time.monotonic()
        assert adapter.hear("", now=clock[0]) is None
        slowest = max(slowest, time.monotonic() - begun)

    machine.meet(step)
    for _ in range(int(LINE_SECONDS) + 1):
        machine.say(b"2")
        time.sleep(0.01)
        step()
        clock[0] += 1.0
    step()
    assert "unfinished" in adapter.trouble()
    assert slowest < 5.0
    first = machine.talk
    clock[0] += 60.0
    machine.meet(step)  # the slot is free: the next connection is made
    assert machine.talk is not first
    adapter.close()


def test_a_line_without_end_is_refused_and_its_neighbours_are_read(machine: Machine) -> None:
    adapter = Adapter(machine.address, clock=time.monotonic, session=lambda: "s")
    machine.meet(lambda: adapter.hear("", now=time.monotonic()))
    machine.say(b"* RESUME s:0\n" + LINES[0] + b"\n")
    told, until = [], time.monotonic() + 20
    data = b"x" * (LINE_BYTES_MAX * 3) + b"\n" + LINES[1] + b"\n"
    while len(told) < 3 and time.monotonic() < until:
        if data:
            machine.say(data[:20_000])
            data = data[20_000:]
        heard = adapter.hear("", now=time.monotonic())
        told += heard.lines if heard is not None else []
    assert [each.refusal.code if each.refusal else "" for each in told] == ["", "stream_row_too_long", ""]
    adapter.close()


def test_lines_that_had_arrived_are_read_when_the_connection_breaks(machine: Machine) -> None:
    clock = Clock()
    adapter = listening(machine, clock)
    machine.say(b"* RESUME s:0\n" + b"2026-01-01T00:00:00Z|speed|1\n" * 5_000)
    first = heard(adapter, clock, 1)
    machine.break_off()
    assert len(first) + len(heard(adapter, clock, 5_000 - len(first))) == 5_000
    turn(adapter, clock)
    assert "connection lost" in adapter.trouble()
    adapter.close()


def test_a_quiet_machine_is_left_alone_unless_its_adapter_used_to_answer(machine: Machine) -> None:
    clock = Clock()
    adapter = listening(machine, clock)
    machine.say(LINES[0] + b"\n")
    clock.now += RESUME_SECONDS
    assert len(heard(adapter, clock, 1)) == 1
    clock.now += SILENCE_SECONDS + 1
    turn(adapter, clock)
    assert adapter.trouble() == "", "it never said that it answers PING"
    clock.now += QUIET_SECONDS
    turn(adapter, clock)
    assert "silent" in adapter.trouble()
    adapter.close()


def test_an_adapter_that_answers_and_has_nothing_to_say_is_no_trouble(machine: Machine) -> None:
    clock = Clock()
    adapter = Adapter(machine.address, clock=clock, session=lambda: "s")
    machine.meet(lambda: adapter.hear("", now=clock()))
    machine.leave()
    turn(adapter, clock)
    assert "connection lost" in adapter.trouble()
    clock.now += 60
    machine.meet(lambda: adapter.hear("", now=clock()))
    clock.now += RESUME_SECONDS
    machine.say(PONG)
    turn(adapter, clock)
    assert adapter.trouble() == ""
    clock.now += SILENCE_SECONDS + 1
    turn(adapter, clock)
    assert "silent" in adapter.trouble()
    adapter.close()


def test_a_text_over_several_lines_is_heard_whole_and_counts_its_lines(machine: Machine) -> None:
    clock = Clock()
    adapter = listening(machine, clock)
    machine.say(b"* RESUME s:0\n2026-01-01T00:00:00Z|@ASSET@|T7|CuttingTool|--multiline--A\n<a>\n")
    turn(adapter, clock)
    machine.say(b"</a>\n--multiline--A\n" + LINES[0] + b"\n")
    told = heard(adapter, clock, 2)
    assert [each.place for each in told] == ["s:4", "s:5"]
    assert told[0].signals[0].more == ("CuttingTool", "<a>\n</a>")
    adapter.close()


def test_a_machine_that_is_switched_off_is_not_waited_for() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        place = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:  # its queue is full: a further connection gets no answer at all
            each.setblocking(False)
            each.connect_ex(place)
        clock = Clock()
        adapter = Adapter(f"127.0.0.1:{place[1]}", clock=clock, session=lambda: "s")
        begun = time.monotonic()
        turn(adapter, clock)
        assert time.monotonic() - begun < CONNECT_SECONDS
        assert adapter.trouble() == ""
        clock.now += CONNECT_SECONDS
        turn(adapter, clock)
        assert "timed out" in adapter.trouble()
        for each in (*waiting, adapter):
            each.close()
