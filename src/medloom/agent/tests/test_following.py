"""A plant's table that both sides write: orders arrive, edits go up, conflicts wait for a person."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medloom.agent.notes import DIRTY
from medloom.agent.plant import table_source
from medloom.agent.store import SqliteSite
from medloom.agent.tests.hubs import settle
from medloom.agent.tests.nets import TableNet, sheets_as_declared
from medloom.demo import machining
from medloom.wire.operation import Kind
from medloom.wire.sheet import Owner

pytestmark = pytest.mark.files

NOW = dt.datetime(2026, 11, 23, 8, 0)  # noqa: DTZ001 (plants keep local time without a zone)


class Net(TableNet):
    """The table of jobs, which both sides write."""

    def __init__(self, folder: Path) -> None:
        sheets = sheets_as_declared()
        # Here the ordered quantity is the registrant's alone, to see what becomes of a foreign edit.
        sheets["work_order"] = replace(sheets["work_order"], owners={"quantity": Owner.REGISTRANT})
        super().__init__(folder, "work_order", "20_jobs.yaml", sheets=sheets, wall=lambda: NOW)

    def dispatch(self) -> str:
        object_ = str(uuid.uuid4())
        order = {"number": "WO-1", "quantity": 500, "due": "2026-12-01", "remark": "first"}
        self.post(object_, order)
        self.post(object_, {"command": "release", "from": "draft"}, base=1, kind=Kind.COMMAND)
        self.hub.store.sequence()
        return object_

    def job(self) -> dict[str, Any]:
        row = self.database.one(table_source(self.mapping), key={"number": "WO-1"})
        return dict(row.cells) if row is not None else {}


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    found = Net(tmp_path)
    settle(found.agent)
    yield found
    found.close()


def test_a_dispatched_order_appears_in_the_plants_table(net: Net) -> None:
    net.dispatch()
    settle(net.agent)
    job = net.job()
    assert (job["quantity"], job["due"], job["remark"], job["status"]) == (
        500,
        dt.date(2026, 12, 1),
        "first",
        "released",
    )
    assert net.verdicts() == [] and net.agent.store.keys(DIRTY) == []


def test_the_plants_edit_goes_up_without_echo(net: Net) -> None:
    object_ = net.dispatch()
    settle(net.agent)
    net.plant.edit("WO-1", progress=40, remark="started")
    settle(net.agent)
    head = net.hub.store.heads[object_]
    assert (head.values["progress"], head.values["remark"]) == (40, "started")
    settle(net.agent)
    assert net.verdicts() == ["accepted"]


def test_what_the_registrant_decides_comes_back_over_a_foreign_edit(net: Net) -> None:
    net.dispatch()
    settle(net.agent)
    net.plant.edit("WO-1", quantity=900)
    settle(net.agent)
    assert net.verdicts() == ["rejected"], net.told()
    assert net.job()["quantity"] == 500


def test_both_edit_one_field_while_offline_one_conflict(net: Net) -> None:
    object_ = net.dispatch()
    settle(net.agent)
    net.hub.down = True
    net.plant.edit("WO-1", remark="plant says")
    net.agent.step()
    net.post(object_, {"remark": "registrant says"}, base=2)
    net.hub.store.sequence()
    net.hub.down = False
    net.agent._quiet_until = 0.0
    settle(net.agent)
    settle(net.agent)
    assert net.verdicts() == ["conflict"]
    assert net.hub.store.heads[object_].values["remark"] == "registrant says"
    assert net.job()["remark"] == "plant says"


def test_the_hubs_change_reaches_the_row_and_other_edits_stay(net: Net) -> None:
    object_ = net.dispatch()
    settle(net.agent)
    net.plant.edit("WO-1", progress=7)
    net.post(object_, {"due": "2026-12-24"}, base=2)
    net.hub.store.sequence()
    settle(net.agent)
    settle(net.agent)
    assert net.job()["due"] == dt.date(2026, 12, 24) and net.job()["progress"] == 7
    assert net.verdicts() == ["accepted"]


def test_a_restart_at_any_time_writes_nothing_twice(net: Net) -> None:
    object_ = net.dispatch()
    for _ in range(6):
        net.agent = net.start(net.agent.store._inner)
        net.agent.step()
    settle(net.agent)
    net.plant.edit("WO-1", progress=9)
    for _ in range(6):
        net.agent = net.start(net.agent.store._inner)
        net.agent.step()
    settle(net.agent)
    assert net.hub.store.heads[object_].values["progress"] == 9
    assert net.verdicts() == ["accepted"]


def test_a_state_set_in_the_plants_program_is_a_command(net: Net) -> None:
    object_ = net.dispatch()
    settle(net.agent)
    net.plant.edit("WO-1", status="acknowledged")
    settle(net.agent)
    assert net.hub.store.heads[object_].state == "acknowledged"
    net.plant.edit("WO-1", status="closed")
    settle(net.agent)
    settle(net.agent)
    assert net.verdicts()[0] == "accepted" and net.verdicts()[1] != "accepted"
    assert net.job()["status"] == "acknowledged"


def test_a_row_that_vanished_is_told_once_and_never_made_again(net: Net) -> None:
    object_ = net.dispatch()
    settle(net.agent)
    net.change(machining.JOB.delete())
    settle(net.agent)
    net.post(object_, {"remark": "still there?"}, base=2)
    net.hub.store.sequence()
    for _ in range(3):
        settle(net.agent)
    assert net.verdicts() == ["quarantined"] and net.job() == {}
    assert net.agent.findings["row_gone"] == 1


def test_an_edit_waits_for_room_in_the_store_and_is_told_once(net: Net, tmp_path: Path) -> None:
    """At 90 % the edit stays where it is, in the plant's own table; an order still comes down."""
    store = SqliteSite(
        tmp_path / "store.db", site="MACH", sheets=net.hub.sheets, key=bytes(32), quota_bytes=3_000_000
    )
    net.agent = net.start(store)
    times = iter(range(10**6))
    net.agent.clock = lambda: float(next(times))
    object_ = net.dispatch()
    settle(net.agent)
    with store.transaction():
        store.put("ballast", {"b": bytes(int(3_000_000 * (0.93 - store.fill())))})
    assert 0.90 < store.fill() < 0.98
    net.plant.edit("WO-1", progress=40, remark="started")
    net.post(object_, {"due": "2026-12-24"}, base=2)
    net.hub.store.sequence()
    for _ in range(40):
        net.agent.step()
    assert net.told() == [] and net.job()["remark"] == "started"
    assert [alarm["code"] for alarm in net.agent.alarms] == ["store_full"]
    assert store.head(object_).values["due"] == "2026-12-24", "what the hub says is still taken in"
    with store.transaction():
        store.put("ballast", {"b": None})
    for _ in range(40):
        net.agent.step()
    settle(net.agent)
    assert net.verdicts() == ["accepted"] and net.agent.alarms == []
    head = net.hub.store.heads[object_]
    assert (head.values["progress"], head.values["remark"]) == (40, "started")
    assert net.job()["due"] == dt.date(2026, 12, 24)
    store.close()
