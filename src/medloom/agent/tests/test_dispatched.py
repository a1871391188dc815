"""A table that only the hub writes: what the plant deletes, alters or adds there is noticed by the sweep."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from medloom.agent.declaration import load_mapping
from medloom.agent.tests.hubs import settle
from medloom.agent.tests.nets import MAPPINGS, TableNet, sheets_as_declared
from medloom.demo import machining

pytestmark = pytest.mark.files

FIELDS = {"number": "P-1", "revision": "2", "name": "feed", "unit": "mm/min", "target": "5", "high": "6"}
TABLE = machining.PARAMETER


class Net(TableNet):
    """The table of parameters, which the mapping reads no records from."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            folder, "parameter", "50_parameters.yaml", sheets=sheets_as_declared(), wall=dt.datetime.now
        )
        assert not self.mapping.records

    def issue(self) -> str:
        object_ = str(uuid.uuid4())
        self.issue_again(object_, FIELDS, base=0)
        return object_

    def issue_again(self, object_: str, fields: dict[str, Any], *, base: int) -> None:
        self.post(object_, fields, base=base)
        self.hub.store.sequence()

    def rows(self) -> list[dict[str, Any]]:
        with self.plant.engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.select(TABLE)).mappings()]

    def said(self) -> list[tuple[str, str]]:
        """(verdict, code of a raw operation or its kind) of everything that came from the plant."""
        codes = [op.raw.get("code", "") or str(op.kind) for op in self.told()]
        return list(zip(self.verdicts(), codes, strict=True))


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    found = Net(tmp_path)
    settle(found.agent)
    yield found
    found.close()


def settled(net: Net) -> None:
    """Several sweeps, several looks at the hub."""
    for _ in range(4):
        settle(net.agent)


def test_a_row_as_the_hub_wrote_it_says_nothing(net: Net) -> None:
    net.issue()
    settled(net)
    assert net.rows()[0]["name"] == "feed" and net.said() == []


def test_a_deleted_row_is_told_once_and_not_made_again(net: Net) -> None:
    object_ = net.issue()
    settled(net)
    net.change(TABLE.delete())
    settled(net)
    assert net.said() == [("quarantined", "row_gone")]
    assert net.agent.findings["row_gone"] == 1
    net.issue_again(object_, {"name": "feed rate"}, base=1)
    settled(net)
    assert (net.said(), net.rows()) == ([("quarantined", "row_gone")], [])


def test_a_row_deleted_just_before_the_hub_writes_it_is_told_too(net: Net) -> None:
    object_ = net.issue()
    settled(net)
    polled = net.agent.polled[0]
    polled.sweeping, polled.sweep_due = False, float("inf")  # no sweep comes between
    net.change(TABLE.delete())
    net.issue_again(object_, {"name": "feed rate"}, base=1)
    settled(net)
    assert (net.said(), net.rows()) == ([("quarantined", "row_gone")], [])


def test_an_altered_value_is_refused_and_the_registrants_comes_back(net: Net) -> None:
    object_ = net.issue()
    settled(net)
    net.change(TABLE.update().values(high="9"))
    settled(net)
    assert net.said() == [("rejected", "set")]
    assert str(net.hub.store.heads[object_].values["high"]) == "6" and float(net.rows()[0]["high"]) == 6.0
    settled(net)
    assert len(net.said()) == 1, "no echo"


def test_a_row_that_the_plant_added_is_for_a_person(net: Net) -> None:
    net.issue()
    settled(net)
    net.change(TABLE.insert().values(number="P-9", revision="1", name="own idea", unit="1"))
    settled(net)
    assert [code for _, code in net.said()] == ["row_unknown"]
    assert len(net.rows()) == 2 and len(net.hub.store.heads) == 1


def test_after_the_store_was_deleted_rows_are_found_as_they_were(net: Net) -> None:
    net.issue()
    settled(net)
    net.agent = net.start()
    settled(net)
    assert net.said() == []
    net.change(TABLE.delete())
    settled(net)
    assert net.said() == [("quarantined", "row_gone")]


def test_the_demonstration_has_such_tables() -> None:
    hub_only = [m.feed for m in map(load_mapping, sorted(MAPPINGS.glob("*.yaml"))) if not m.records]
    assert hub_only == ["parameters", "holds"]
