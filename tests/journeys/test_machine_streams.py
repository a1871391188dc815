"""Machines as live streams, over real connections: nothing is lost or doubled, and every gap shows.

Proves: issue "three plants", plant B; faults 19 (a sender of one byte a second) on the stream's side.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from medloom.agent.collector import Taken
from medloom.agent.sources.adapter import LINE_SECONDS, SILENCE_SECONDS, Adapter
from medloom.agent.sources.live import LiveSource
from medloom.agent.sources.shdr import LINE_BYTES_MAX
from medloom.agent.store import SqliteSite
from medloom.agent.tests.machines import pieces
from medloom.demo.replay import Replay
from medloom.process.programs import search_path
from tests.journeys.listener import listen, open_store, source_of

pytestmark = pytest.mark.process
LINES = pieces(12, samples=150)
CUT = 700
SECONDS_MAX = 60
Rows = list[tuple[str, Any]]


def rows_of(store: SqliteSite) -> Rows:
    """What the agent would send, without ids: every operation once, in a fixed order."""
    found = [json.loads(own.raw) for own in store.unsent("v", 100_000)[0]]
    facts = [each for each in found if each["kind"] == "observe"]
    return sorted((each["type"], json.dumps(each["fields"], sort_keys=True)) for each in facts)


def read_all(source: LiveSource, store: SqliteSite, lines: int) -> Counter[str]:
    """Listen here until so many lines were heard; what became of them."""
    taken: list[Taken] = []
    listened, collector = listen(source, store, taken)
    until = time.monotonic() + SECONDS_MAX
    while sum(listened.fates.values()) < lines:
        assert time.monotonic() < until, listened.fates
        if not listened.listen(store, collector, taken.extend, now=time.monotonic()):
            time.sleep(0.01)
    listened.close()
    return listened.fates


@pytest.fixture
def whole(tmp_path: Path) -> Rows:
    """The rows of a reading that nothing interrupts."""
    folder = tmp_path / "whole"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"".join(line + b"\n" for line in LINES))
    store = open_store(tmp_path / "whole.db")
    fates = read_all(source_of("log", str(folder)), store, len(LINES))
    assert fates["refused"] == 0 and sum(fates.values()) == len(LINES)
    found = rows_of(store)
    store.close()
    assert Counter(type_ for type_, _ in found) == {"step_record": 12, "equipment_status": 35}
    return found


def killed(path: Path, kind: str, address: str, topic: str = "", *, at: tuple[int, ...]) -> None:
    """Start the listener, kill it when it has kept so many lines of each life, without a warning."""
    for lines in at:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.listener", kind, address, str(path), topic],
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": f"{search_path()}:."},
        )
        assert process.stdout is not None
        until = time.monotonic() + SECONDS_MAX
        while time.monotonic() < until:
            if int(process.stdout.readline() or b"999999999") >= lines:
                break
        process.kill()
        process.wait(30)
        process.stdout.close()


def test_an_agent_killed_while_it_listens_goes_on_where_it_was(tmp_path: Path, whole: Rows) -> None:
    replay = Replay(LINES, stream="M1", pace=4_000.0).start()
    path = tmp_path / "store.db"
    killed(path, "shdr", replay.address, at=(1, 300, 300))
    store = open_store(path)
    taken: list[Taken] = []
    listened, collector = listen(source_of("shdr", replay.address), store, taken)
    until = time.monotonic() + SECONDS_MAX
    while rows_of(store) != whole and time.monotonic() < until:
        if not listened.listen(store, collector, taken.extend, now=time.monotonic()):
            time.sleep(0.01)
    assert rows_of(store) == whole
    listened.close()
    replay.close()
    store.close()


def test_a_log_that_is_written_while_the_agent_is_killed_is_read_once(tmp_path: Path, whole: Rows) -> None:
    folder, path = tmp_path / "logs", tmp_path / "store.db"
    folder.mkdir()
    data = b"".join(line + b"\n" for line in LINES)
    half = len(data) // 2
    (folder / "a.txt").write_bytes(data[:half])  # in the middle of a line
    killed(path, "log", str(folder), at=(1,))
    with (folder / "a.txt").open("ab") as file:
        file.write(data[half:])
    killed(path, "log", str(folder), at=(1,))
    store = open_store(path)
    taken: list[Taken] = []
    listened, collector = listen(source_of("log", str(folder)), store, taken)
    while listened.listen(store, collector, taken.extend, now=time.monotonic()):
        pass
    assert rows_of(store) == whole
    store.close()


# -- an adapter without memory ------------------------------------------------------------------


class Machine:
    """An adapter as machines have them: it says what is now, and remembers nothing."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.talk: socket.socket | None = None

    def meet(self, do: Callable[[], object]) -> None:
        """Take the next connection; `do` makes the agent come."""
        self._listener.settimeout(0.05)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            do()
            try:
                found, _ = self._listener.accept()
                self.leave()
                self.talk = found
                return
            except TimeoutError:
                continue
        raise AssertionError("nobody came")

    def say(self, data: bytes) -> None:
        """Say that on the connection."""
        assert self.talk is not None
        self.talk.sendall(data)

    def leave(self) -> None:
        """End the connection."""
        if self.talk is not None:
            self.talk.close()

    def close(self) -> None:
        self.leave()
        self._listener.close()


@pytest.fixture
def machine() -> Iterator[Machine]:
    found = Machine()
    yield found
    found.close()


def test_what_an_adapter_said_to_nobody_shows_as_a_gap(tmp_path: Path, machine: Machine) -> None:
    store = open_store(tmp_path / "store.db")
    taken: list[Taken] = []
    listened, collector = listen(source_of("shdr", machine.address), store, taken)
    begun = time.monotonic()

    def step(lines: int = 0) -> None:
        until = time.monotonic() + 20
        while True:
            listened.listen(store, collector, taken.extend, now=time.monotonic())
            if sum(listened.fates.values()) >= lines or time.monotonic() > until:
                return
            time.sleep(0.01)

    machine.meet(step)
    machine.say(b"\n".join(LINES[:10]) + b"\n2017\n" + b"\n".join(LINES[10:20]) + b"\n")
    step(21)
    assert listened.fates["refused"] == 1
    machine.leave()
    machine.meet(step)
    machine.say(b"* PONG 10000\n" + b"\n".join(LINES[CUT : CUT + 20]) + b"\n")
    step(41)
    told = [json.loads(text) for type_, text in rows_of(store) if type_ == "equipment_status"]
    gaps = [each for each in told if each["status"] == "unknown"]
    assert len(gaps) == 1 and "not heard" in gaps[0]["cause"] and machine.address in gaps[0]["cause"]
    raw = [json.loads(own.raw) for own in store.unsent("v", 1_000)[0]]
    cut = [each["raw"] for each in raw if each["kind"] == "raw"]
    assert [(each["code"], json.loads(each["original"])["line"]) for each in cut] == [
        ("stream_row_cut", "2017")
    ]
    assert time.monotonic() - begun < 60
    listened.close()
    store.close()


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
    clock[0] += SILENCE_SECONDS + 1
    step()
    assert "silent" in adapter.trouble()
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


# -- a broker -------------------------------------------------------------------------------------


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """A NATS server with its MQTT listener; its address."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = one.getsockname()[1], two.getsockname()[1]
    settings = tmp_path / "nats.conf"
    settings.write_text(
        f'listen: "127.0.0.1:{ports[0]}"\nserver_name: test\njetstream {{ store_dir: "{tmp_path}/js" }}\n'
        f'mqtt {{ host: "127.0.0.1", port: {ports[1]}, ack_wait: "1s" }}\n'
    )
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    assert program is not None
    with (tmp_path / "nats.log").open("wb") as log:
        process = subprocess.Popen([program, "-c", str(settings)], stdout=log, stderr=log)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", ports[1]), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    yield f"mqtt://127.0.0.1:{ports[1]}"
    process.terminate()
    process.wait(30)  # its exit code says by which signal


def publish(address: str, lines: list[bytes]) -> None:
    """Put every line onto the broker, each acknowledged."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="machine")
    client.connect("127.0.0.1", int(address.rpartition(":")[2]), 30)
    client.loop_start()
    for line in lines:
        client.publish("plant/M1", line, qos=1).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


def test_messages_wait_at_the_broker_while_the_agent_is_dead(
    tmp_path: Path, broker: str, whole: Rows
) -> None:
    path = tmp_path / "store.db"
    killed(path, "mqtt", broker, "plant/#", at=(0,))
    store = open_store(path)  # subscribed once, before the machine says anything
    taken: list[Taken] = []
    source = source_of("mqtt", broker, "plant/#")
    listened, collector = listen(source, store, taken)
    until = time.monotonic() + 20
    while source.trouble() and time.monotonic() < until:
        listened.listen(store, collector, taken.extend, now=time.monotonic())
    listened.close()
    store.close()
    publish(broker, LINES)
    killed(path, "mqtt", broker, "plant/#", at=(1, 300))
    store = open_store(path)
    listened, collector = listen(source_of("mqtt", broker, "plant/#"), store, taken)
    until = time.monotonic() + SECONDS_MAX
    while rows_of(store) != whole and time.monotonic() < until:
        listened.listen(store, collector, taken.extend, now=time.monotonic())
    assert rows_of(store) == whole
    listened.close()
    store.close()


def test_an_adapter_whose_reader_has_every_line_has_told_all() -> None:
    replay = Replay(LINES, stream="M1").start()
    try:
        host, port = replay.address.split(":")
        with socket.create_connection((host, int(port)), timeout=5) as talk:
            talk.sendall(f"* RESUME M1:{len(LINES)}\n".encode())
            assert talk.recv(100).startswith(f"* RESUME M1:{len(LINES)}".encode())
            until = time.monotonic() + 20
            while not replay.told and time.monotonic() < until:
                time.sleep(0.05)
            assert replay.told, "a second run of the demonstration would wait for ever"
    finally:
        replay.close()
