"""A plant's row and the hub's version of it, in every order of edit, poll, pull, write-back and crash."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from medloom.wire.conflict import ConflictState, Refusing, follow_all, settling_fields, undoing_fields
from medloom.wire.memory_site import MemorySite
from medloom.wire.operation import CONTROL, Kind
from medloom.wire.rows import Rows, load
from medloom.wire.shadow import Edit, Shadow
from medloom.wire.site import SiteMachine
from medloom.wire.tests.network import Network, identity
from medloom.wire.verdict import Verdict
from medloom.wire.writing import Draft

pure = pytest.mark.pure
X = identity(1)
NUMBERS = itertools.count(1)


class Crashed(Exception):
    """The agent was killed here."""


class Plant:
    """One row of a plant's table, and the agent that follows it."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.row: dict[str, Any] = {}
        self.agent = net.site("A")
        self.crash_at = ""

    @property
    def rows(self) -> Rows:
        return Rows(self.agent.store, "A", ("note", "due"), self.draft)

    @staticmethod
    def draft(shadow: Shadow, edit: Edit) -> Draft:
        return Draft(
            type=shadow.type,
            object=shadow.object,
            kind=Kind.SET,
            fields=edit.fields,
            at="2026-03-04T05:06:07Z",
            actor="person-1",
            chain=CONTROL,
            base=edit.base,
            hub=shadow.hub,
            reason="changed at the plant",
        )

    def poll(self) -> None:
        self.rows.poll("r1", dict(self.row))

    def sync(self) -> None:
        self.net.talk(self.agent)

    def write_back(self) -> None:
        if not self.rows.plan("r1"):
            return
        wanted = self.rows.prepare("r1", dict(self.row))
        if not wanted:
            return
        if self.crash_at == "intended":
            raise Crashed
        self.row |= wanted
        if self.crash_at == "written":
            raise Crashed
        self.rows.confirm("r1", dict(self.row))

    def crash(self) -> None:
        store = self.agent.store
        assert isinstance(store, MemorySite)
        self.agent = self.net.site("A", store)

    def rest(self) -> None:
        for _ in range(4):
            self.poll()
            self.sync()
            self.write_back()


def at_version_4() -> tuple[Network, Plant]:
    """An order at version 4 in hub, agent and plant."""
    net = Network()
    plant = Plant(net)
    net.post(X, 0, number="W1", note="v1", due="d1")
    for version in (1, 2, 3):
        net.post(X, version, note=f"v{version + 1}")
    plant.sync()
    head = plant.agent.store.head(X)
    assert head is not None
    plant.row = {"note": head.values["note"], "due": head.values["due"]}
    plant.rows.adopt("r1", type="order", object=X, row=plant.row, made=None)
    plant.rows.hear("r1")
    return net, plant


STEPS = ("poll", "sync", "write_back", "crash_intended", "crash_written", "restart")


def run(plant: Plant, steps: tuple[str, ...]) -> None:
    for step in steps:
        plant.crash_at = step.removeprefix("crash_") if step.startswith("crash_") else ""
        try:
            match step:
                case "poll":
                    plant.poll()
                case "sync":
                    plant.sync()
                case "restart":
                    plant.crash()
                case _:
                    plant.write_back()
        except Crashed:
            plant.crash()
        plant.crash_at = ""


@pytest.mark.simulator
@pytest.mark.parametrize("seen_before", range(3))
@pytest.mark.parametrize("field", ["note", "due"])
def test_an_edit_at_version_4_while_the_hub_makes_version_5(seen_before: int, field: str) -> None:
    for order in itertools.permutations(STEPS, 4):
        net, plant = at_version_4()
        net.post(X, 4, note="hub 5")
        run(plant, order[:seen_before])
        # Written but not read back: the agent cannot tell which value the person saw, so it asks.
        shadow = load(plant.agent.store, "r1")
        knew = shadow is not None and shadow.values["note"] == "hub 5"
        plant.row[field] = "plant"
        run(plant, order[seen_before:])
        plant.rest()
        own = [e for e in net.store.entries if e.site == "A"]
        conflict = field == "note" and not knew
        assert [e.verdict for e in own] == [Verdict.CONFLICT if conflict else Verdict.ACCEPTED], order
        stands = net.store.heads[X].values
        assert plant.row[field] == "plant"
        assert stands[field] == ("hub 5" if conflict else "plant")
        assert plant.row["note"] == (stands["note"] if not conflict else "plant")
        assert net.store.heads[X].version == (5 if conflict else 6)


def settled_network() -> tuple[Network, Plant, SiteMachine]:
    net, plant = at_version_4()
    reader = net.site("HQ")
    plant.row["note"] = "plant"
    net.post(X, 4, note="hub")
    plant.rest()
    net.talk(reader)
    return net, plant, reader


@pure
@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_conflict_is_settled_and_undone_and_the_row_follows(side: str) -> None:
    net, plant, _ = settled_network()
    lines = net.store.feeds["HQ", "c"]
    (conflict,) = follow_all(lines).values()
    assert (conflict.ours, conflict.theirs, conflict.base) == ({"note": "plant"}, {"note": "hub"}, 4)
    fields = settling_fields(conflict, {"note": side})
    settle = net.post(X, 5, **fields, repairs=conflict.id)
    plant.rest()
    assert plant.row["note"] == fields["note"]
    (conflict,) = follow_all(lines).values()
    assert (conflict.state, conflict.settled) == (ConflictState.SETTLED, settle.id)
    with pytest.raises(Refusing):
        settling_fields(conflict, {"note": side})
    back = undoing_fields(conflict, net.store.heads[X])
    net.post(X, 6, **back, compensates=settle.id)
    plant.rest()
    (conflict,) = follow_all(lines).values()
    assert conflict.state is ConflictState.UNDONE
    assert conflict.unsettled
    assert plant.row["note"] == net.store.heads[X].values["note"] == "hub"
    assert len([e for e in net.store.entries if e.site == "A"]) == 1


@pure
def test_a_choice_must_name_each_field_and_a_side() -> None:
    net, _, _ = settled_network()
    (conflict,) = follow_all(net.store.feeds["HQ", "c"]).values()
    for chosen in ({}, {"note": "mine"}, {"note": "ours", "due": "ours"}):
        with pytest.raises(Refusing):
            settling_fields(conflict, chosen)
    with pytest.raises(Refusing):
        undoing_fields(conflict, net.store.heads[X])
    assert settling_fields(conflict, {"note": "third"}, values=True) == {"note": "third"}


@pure
def test_a_row_that_vanished_is_not_written_and_comes_back() -> None:
    net, plant = at_version_4()
    plant.rows.poll("r1", None)
    net.post(X, 4, note="hub 5")
    plant.sync()
    plant.write_back()
    assert load(plant.agent.store, "r1").gone  # type: ignore[union-attr]
    assert plant.row["note"] == "v4"
    plant.rest()
    assert plant.row["note"] == "hub 5"
    assert not [e for e in net.store.entries if e.site == "A"]


@pure
def test_a_restored_agent_store_echoes_nothing_the_hub_has() -> None:
    net, plant = at_version_4()
    store = plant.agent.store
    assert isinstance(store, MemorySite)
    backup = store.copy()
    plant.row["due"] = "d2"
    plant.rest()
    entries = len(net.store.entries)
    plant.agent = net.site("A", backup)
    plant.sync()
    plant.rest()
    assert len(net.store.entries) == entries
    assert net.store.heads[X].values["due"] == "d2"


@pure
def test_edits_on_top_of_an_accepted_one_never_conflict_with_it() -> None:
    _net, plant = at_version_4()
    for value in ("a", "b", "c"):
        # nothing is written back between: the next edit is read right after the verdict came
        plant.row["note"] = value
        plant.poll()
        plant.sync()
    head = plant.agent.store.head(X)
    assert head is not None and (head.values["note"], head.version) == ("c", 7)
    shadow = load(plant.agent.store, "r1")
    assert shadow is not None and not shadow.disputed
