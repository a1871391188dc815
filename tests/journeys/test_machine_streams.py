"""Machines as live streams, over real connections: nothing is lost or doubled, and every gap shows.

Proves: issue "three plants", plant B; faults 19 (a sender of one byte a second) on the stream's side.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from medloom.agent.collector import Taken
from medloom.agent.sources.broker import Broker
from medloom.agent.sources.live import LiveSource
from medloom.agent.store import SqliteSite
from medloom.agent.tests.machines import pieces
from medloom.demo.replay import Replay
from medloom.process.programs import search_path
from tests.journeys.adapters import Machine
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


def test_a_broker_that_refuses_the_login_is_named_and_not_hammered() -> None:
    tries = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        source = Broker(f"mqtt://127.0.0.1:{listener.getsockname()[1]}", topic="a/#", client="medloom-test")
        clock, asked = 0.0, 0

        def refuse() -> None:
            nonlocal tries
            with contextlib.suppress(TimeoutError):
                talk, _ = listener.accept()
                tries += 1
                talk.recv(1_024)
                talk.sendall(b"\x20\x02\x00\x05")  # CONNACK: not authorised
                talk.close()

        while clock < 10.0:
            asked = tries
            assert source.hear("", now=clock) is None
            refuse()
            for _ in range(20 if tries > asked else 1):  # until the answer has arrived
                source.hear("", now=clock)
                time.sleep(0.005)
            clock += 0.25
        assert "ot authorized" in source.trouble()
        assert 3 <= tries <= 6, "each pause is twice the one before"
        source.close()


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
