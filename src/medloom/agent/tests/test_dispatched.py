"""A table that only the hub writes: what the plant deletes, alters or adds there is noticed by the sweep."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.agent.declaration import load_mapping
from medloom.agent.following import Follower
from medloom.agent.plant import Polled, table_source
from medloom.agent.runtime import Agent
from medloom.agent.sources.sql import Database
from medloom.agent.tests.hubs import Hub, agent_of, settle
from medloom.demo import machining
from medloom.kernel.entity import catalogue
from medloom.wire.canonical import encode_operation
from medloom.wire.operation import Kind, Operation

pytestmark = pytest.mark.files

KEY = Ed25519PrivateKey.generate()
MAPPINGS = Path(machining.__file__).parent / "mappings" / "machining"
FIELDS = {"number": "P-1", "revision": "2", "name": "feed", "unit": "mm/min", "target": "5", "high": "6"}
TABLE = machining.PARAMETER


class Net:
    """One hub, one agent, the plant's table of parameters on SQLite; `mapping` names no records."""

    def __init__(self, folder: Path) -> None:
        self.sheets = {name: declared.sheet for name, declared in catalogue().items()}
        self.hub = Hub({"MACH": KEY}, sheets=self.sheets)
        self.plant = machining.Plant(f"sqlite:///{folder}/plant.db", now=machining.dt.datetime.now)
        self.plant.create()
        self.database = Database(f"sqlite:///{folder}/plant.db")
        self.mapping = load_mapping(MAPPINGS / "50_parameters.yaml")
        assert not self.mapping.records
        self.agent = self.start()

    def start(self, inner: Any = None) -> Agent:
        agent = agent_of(self.hub, site="MACH", key=KEY, inner=inner, wanted=frozenset({"parameter"}))
        polled = Polled(self.database, self.mapping, table_source(self.mapping), 0.0, 0.0)
        declared = catalogue()["parameter"]
        polled.follower = Follower(
            agent.store, "MACH", self.database, self.mapping, polled.source, declared.sheet, declared.fields,
            agent.collector, wall=self.plant.now, now=lambda: "2026-11-23T08:00:00Z",
        )  # fmt: skip
        agent.polled.append(polled)
        return agent

    def issue(self) -> str:
        object_ = str(uuid.uuid4())
        self.post(object_, FIELDS)
        return object_

    def post(self, object_: str, fields: dict[str, Any], *, base: int = 0) -> None:
        operation = Operation(
            id=str(uuid.uuid4()), type="parameter", object=object_, kind=Kind.SET, fields=fields, base=base,
            site="MACH", at="2026-11-23T07:00:00Z", actor="engineer",
        )  # fmt: skip
        (answer,) = self.hub.store.post([encode_operation(operation)])
        assert answer.verdict == "accepted", answer
        self.hub.store.sequence()

    def rows(self) -> list[dict[str, Any]]:
        with self.plant.engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.select(TABLE)).mappings()]

    def change(self, statement: Any) -> None:
        with self.plant.engine.begin() as connection:
            connection.execute(statement)

    def told(self) -> list[tuple[str, str]]:
        """(verdict, code of a raw operation or its kind) of everything that came from the plant."""
        return [
            (str(entry.verdict), op.raw.get("code", "") or str(op.kind))
            for entry in self.hub.store.entries
            if entry.site == "MACH" and (op := entry.operation) is not None
        ]


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    found = Net(tmp_path)
    settle(found.agent)
    yield found
    found.plant.close()
    found.database.close()


def settled(net: Net) -> None:
    """Several sweeps, several looks at the hub."""
    for _ in range(4):
        settle(net.agent)


def test_a_row_as_the_hub_wrote_it_says_nothing(net: Net) -> None:
    net.issue()
    settled(net)
    assert net.rows()[0]["name"] == "feed" and net.told() == []


def test_a_deleted_row_is_told_once_and_not_made_again(net: Net) -> None:
    object_ = net.issue()
    settled(net)
    net.change(TABLE.delete())
    settled(net)
    assert net.told() == [("quarantined", "row_gone")]
    assert net.agent.findings["row_gone"] == 1
    net.post(object_, {"name": "feed rate"}, base=1)
    settled(net)
    assert (net.told(), net.rows()) == ([("quarantined", "row_gone")], [])


def test_a_row_deleted_just_before_the_hub_writes_it_is_told_too(net: Net) -> None:
    object_ = net.issue()
    settled(net)
    polled = net.agent.polled[0]
    polled.sweeping, polled.sweep_due = False, float("inf")  # no sweep comes between
    net.change(TABLE.delete())
    net.post(object_, {"name": "feed rate"}, base=1)
    settled(net)
    assert (net.told(), net.rows()) == ([("quarantined", "row_gone")], [])


def test_an_altered_value_is_refused_and_the_registrants_comes_back(net: Net) -> None:
    object_ = net.issue()
    settled(net)
    net.change(TABLE.update().values(high="9"))
    settled(net)
    assert net.told() == [("rejected", "set")]
    assert str(net.hub.store.heads[object_].values["high"]) == "6" and float(net.rows()[0]["high"]) == 6.0
    settled(net)
    assert len(net.told()) == 1, "no echo"


def test_a_row_that_the_plant_added_is_for_a_person(net: Net) -> None:
    net.issue()
    settled(net)
    net.change(TABLE.insert().values(number="P-9", revision="1", name="own idea", unit="1"))
    settled(net)
    assert [code for _, code in net.told()] == ["row_unknown"]
    assert len(net.rows()) == 2 and len(net.hub.store.heads) == 1


def test_after_the_store_was_deleted_rows_are_found_as_they_were(net: Net) -> None:
    net.issue()
    settled(net)
    net.agent = net.start()
    settled(net)
    assert net.told() == []
    net.change(TABLE.delete())
    settled(net)
    assert net.told() == [("quarantined", "row_gone")]


def test_the_demonstration_has_such_tables() -> None:
    hub_only = [m.feed for m in map(load_mapping, sorted(MAPPINGS.glob("*.yaml"))) if not m.records]
    assert hub_only == ["parameters", "holds"]
