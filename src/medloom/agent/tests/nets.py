"""A hub in memory, an agent, a table of a machining plant on SQLite: what the tests of tables start from."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.agent.declaration import load_mapping
from medloom.agent.following import Follower
from medloom.agent.plant import table_source
from medloom.agent.polling import Polled
from medloom.agent.runtime import Agent
from medloom.agent.sources.sql import Database
from medloom.agent.tests.hubs import Hub, agent_of
from medloom.demo import machining
from medloom.kernel.entity import catalogue
from medloom.wire.canonical import encode_operation
from medloom.wire.operation import Kind, Operation
from medloom.wire.sheet import Sheet

KEY = Ed25519PrivateKey.generate()
MAPPINGS = Path(machining.__file__).parent / "mappings" / "machining"


def sheets_as_declared() -> dict[str, Sheet]:
    """Every type's sheet, as the models say."""
    return {name: declared.sheet for name, declared in catalogue().items()}


class TableNet:
    """Hub, plant, database and an agent that follows one table both ways. Times stand still."""

    def __init__(
        self,
        folder: Path,
        type_: str,
        mapping: str,
        *,
        sheets: Mapping[str, Sheet],
        wall: Callable[[], dt.datetime],
    ) -> None:
        self.type = type_
        self.hub = Hub({"MACH": KEY}, sheets=sheets)
        self.plant = machining.Plant(f"sqlite:///{folder}/plant.db", now=wall)
        self.plant.create()
        self.database = Database(f"sqlite:///{folder}/plant.db")
        self.mapping = load_mapping(MAPPINGS / mapping)
        self.agent = self.start()

    def start(self, inner: Any = None) -> Agent:
        """An agent of the plant, with that store or one in memory."""
        agent = agent_of(self.hub, site="MACH", key=KEY, inner=inner, wanted=frozenset({self.type}))
        polled = Polled(
            self.database, self.mapping, table_source(self.mapping), 0.0, 0.0, wall=self.plant.now
        )
        declared = catalogue()[self.type]
        polled.follower = Follower(
            agent.store, "MACH", self.database, self.mapping, polled.source, declared.sheet, declared.fields,
            agent.collector, wall=self.plant.now, now=lambda: "2026-11-23T08:00:00Z",
        )  # fmt: skip
        agent.polled.append(polled)
        return agent

    def post(self, object_: str, fields: dict[str, Any], *, base: int = 0, kind: Kind = Kind.SET) -> None:
        """Somebody at the registrant changes that object."""
        operation = Operation(
            id=str(uuid.uuid4()), type=self.type, object=object_, kind=kind, fields=fields, base=base,
            site="MACH", at="2026-11-23T07:00:00Z", actor="planner",
        )  # fmt: skip
        (answer,) = self.hub.store.post([encode_operation(operation)])
        assert answer.verdict == "accepted", answer

    def told(self) -> list[Operation]:
        """Every operation that came from the plant."""
        return [op for entry in self.hub.store.entries if entry.site == "MACH" and (op := entry.operation)]

    def verdicts(self) -> list[str]:
        """The verdict on each of them."""
        return [str(entry.verdict) for entry in self.hub.store.entries if entry.site == "MACH"]

    def change(self, statement: sa.Executable) -> None:
        """Somebody at the plant changes a table by hand."""
        with self.plant.engine.begin() as connection:
            connection.execute(statement)

    def close(self) -> None:
        """Give the files back."""
        self.plant.close()
        self.database.close()
