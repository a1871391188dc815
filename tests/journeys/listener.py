"""A small agent without a hub: listens to one stream and keeps what it hears, until it is killed.

python -m tests.journeys.listener KIND ADDRESS STORE [TOPIC]
"""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path

from medloom.agent.collector import Collector, Taken
from medloom.agent.listening import Listened
from medloom.agent.sources.adapter import Adapter
from medloom.agent.sources.broker import Broker
from medloom.agent.sources.live import LiveSource
from medloom.agent.sources.logs import LogFolder
from medloom.agent.store import SqliteSite
from medloom.agent.tests.hubs import OBSERVED
from medloom.agent.tests.machines import mapping
from medloom.wire.sheet import Sheet

SHEETS = {
    name: Sheet(name, OBSERVED, natural_key=("number",)) for name in ("equipment_status", "step_record")
}
KEY = bytes(32)


def open_store(path: Path) -> SqliteSite:
    """The store, its first epoch begun."""
    store = SqliteSite(path, site="MACH", sheets=SHEETS, key=KEY)
    if not store.epochs():
        with store.transaction():
            store.begin_epoch("0" * 32)
    return store


def source_of(kind: str, address: str, topic: str = "") -> LiveSource:
    """The source that is listened to."""
    if kind == "log":
        return LogFolder(Path(address), settle_seconds=60.0)
    if kind == "mqtt":
        return Broker(address, topic=topic, client="medloom-test", order_seconds=2.5)
    return Adapter(address, clock=time.monotonic, session=lambda: uuid.uuid4().hex)


def listen(source: LiveSource, store: SqliteSite, taken: list[Taken]) -> tuple[Listened, Collector]:
    """The stream and the collector it is kept by."""
    collector = Collector(
        store, "MACH", SHEETS, now=lambda: "2026-11-23T00:00:00Z", mint=lambda: str(uuid.uuid4())
    )
    return Listened(source, mapping()), collector


def main(kind: str, address: str, path: str, topic: str = "") -> None:
    """Listen, and say how many lines were kept after each step."""
    store, taken = open_store(Path(path)), []
    listened, collector = listen(source_of(kind, address, topic), store, taken)
    while True:
        if not listened.listen(store, collector, taken.extend, now=time.monotonic()):
            time.sleep(0.01)
        sys.stdout.write(f"{sum(listened.fates.values())}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
