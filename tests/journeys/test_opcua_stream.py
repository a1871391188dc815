"""A machine behind a real OPC UA server: job states of OPC 40077 become statuses, an interruption a gap."""

from __future__ import annotations

import datetime as dt
import json
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medloom.agent.collector import Collector, Taken
from medloom.agent.declaration import parse_mapping
from medloom.agent.listening import Listened
from medloom.agent.signals import Signal
from medloom.agent.sources.opcua import OpcUa
from medloom.agent.store import SqliteSite
from medloom.agent.tests.machines import MAPPING
from medloom.process.programs import search_path
from tests.journeys.listener import SHEETS, open_store

pytestmark = pytest.mark.process
#: Names and numbers of OPC 40077 (EUROMAP 77) JobStatusEnumeration, and ISA-95 words for availability.
ITEMS = """    JobStatus: {as: state, words: {"2": setup, "6": active, "7": interrupted, "8": completed}}
    Availability: {as: availability, words: {"true": available, "false": unavailable}}
    CurrentLotName: {as: part}
    ScrewSpeed: {as: measured, what: speed}
"""
NODES = ("JobStatus", "Availability", "CurrentLotName", "ScrewSpeed")


class Machine:
    """A server with the four variables, in a process of its own."""

    def __init__(self, port: int) -> None:
        self.address = f"opc.tcp://127.0.0.1:{port}/machine"
        self.process: subprocess.Popen[str] | None = None

    def start(self, **values: str) -> None:
        argv = [sys.executable, "-m", "tests.journeys.opcua_machine", self.address]
        first = {
            "JobStatus": "2",
            "Availability": "true",
            "CurrentLotName": "UNAVAILABLE",
            "ScrewSpeed": "0.5",
        }
        self.process = subprocess.Popen(
            [*argv, *(f"{name}={value}" for name, value in {**first, **values}.items())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={"PYTHONPATH": f"{search_path()}:."},
        )
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"

    def tell(self, **values: str) -> None:
        assert self.process is not None
        assert self.process.stdin is not None and self.process.stdout is not None
        for name, value in values.items():
            self.process.stdin.write(f"{name} {value}\n")
            self.process.stdin.flush()
            assert self.process.stdout.readline() == "told\n"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            for each in (self.process.stdin, self.process.stdout):
                if each is not None:
                    each.close()
            self.process = None


@pytest.fixture
def machine() -> Iterator[Machine]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = Machine(port)
    found.start()
    yield found
    found.kill()


def mapping_text() -> str:
    before, _, after = MAPPING.partition("  items:\n")
    return f"{before}  items:\n{ITEMS}  ignored{after.partition('  ignored')[2]}"


def told(store: SqliteSite) -> list[dict[str, Any]]:
    found = [json.loads(own.raw) for own in store.unsent("v", 1_000)[0]]
    return [each for each in found if each["kind"] == "observe"]


def test_job_states_become_statuses_and_an_interruption_a_gap(tmp_path: Path, machine: Machine) -> None:
    store, taken = open_store(tmp_path / "store.db"), list[Taken]()
    nodes = {f"ns=2;s={name}": name for name in NODES}
    source = OpcUa(machine.address, nodes=nodes, session=lambda: uuid.uuid4().hex)
    listened = Listened(source, parse_mapping(mapping_text()))
    collector = Collector(
        store, "MACH", SHEETS, now=lambda: "2026-11-23T00:00:00Z", mint=lambda: str(uuid.uuid4())
    )

    def hear(lines: int) -> None:
        until = time.monotonic() + 60
        while sum(listened.fates.values()) < lines and time.monotonic() < until:
            if not listened.listen(store, collector, taken.extend, now=time.monotonic()):
                time.sleep(0.02)
        assert sum(listened.fates.values()) >= lines, (listened.fates, source.trouble())

    hear(4)
    machine.tell(CurrentLotName="L-01", JobStatus="6", ScrewSpeed="180.5")
    hear(7)
    machine.tell(ScrewSpeed="210.0", JobStatus="8", CurrentLotName="UNAVAILABLE")
    hear(10)
    machine.kill()
    machine.start()
    hear(14)
    machine.tell(JobStatus="6")
    hear(15)
    listened.close()
    statuses = [each["fields"]["status"] for each in told(store) if each["type"] == "equipment_status"]
    # The state told first after the interruption is news, even where it is the one from before.
    assert statuses == ["setup", "active", "completed", "unknown", "setup", "active"]
    gap = next(each["fields"] for each in told(store) if each["fields"].get("status") == "unknown")
    assert "no subscription" in gap["cause"]
    (run,) = [each["fields"] for each in told(store) if each["type"] == "step_record"]
    assert run["number"] == "M1/L-01"
    assert [(row["name"], row["value"]) for row in run["parameters"]] == [("L-01-SPEED", "210")]
    store.close()


def test_a_node_that_is_not_there_is_told_and_the_others_are_heard_with_their_own_times(
    machine: Machine,
) -> None:
    nodes = {f"ns=2;s={name}": name for name in ("ScrewSpeed", "JobStatus", "NotThere")}
    source = OpcUa(machine.address, nodes=nodes, session=lambda: uuid.uuid4().hex)

    def heard(values: int) -> list[Signal]:
        found: list[Signal] = []
        until = time.monotonic() + 60
        while len(found) < values and time.monotonic() < until:
            if told := source.hear("", now=time.monotonic()):
                found += [signal for line in told.lines for signal in line.signals]
                source.keep(told)
            time.sleep(0.02)
        return found

    try:
        first = heard(2)
        assert {each.item for each in first} == {"ScrewSpeed", "JobStatus"}
        assert "NotThere BadNodeIdUnknown" in source.trouble()
        machine.tell(ScrewSpeed="ago:3600:7.5")
        (late,) = heard(1)
        begun = dt.datetime.fromisoformat(first[0].at)
        told = dt.datetime.fromisoformat(late.at)
        assert late.value == "7.5" and dt.timedelta(minutes=50) < begun - told < dt.timedelta(minutes=61)
    finally:
        source.close()


def test_a_number_of_32_bits_has_the_digits_that_the_machine_shows(machine: Machine) -> None:
    machine.kill()
    machine.start(ScrewSpeed="single:0.1")
    source = OpcUa(
        machine.address, nodes={"ns=2;s=ScrewSpeed": "ScrewSpeed"}, session=lambda: uuid.uuid4().hex
    )
    found, until = None, time.monotonic() + 60
    while found is None and time.monotonic() < until:
        found = source.hear("", now=time.monotonic())
        time.sleep(0.02)
    source.close()
    assert found is not None and found.lines[0].signals[0].value == "0.1"
