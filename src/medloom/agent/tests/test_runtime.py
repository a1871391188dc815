"""The agent from file to hub: every row once, whatever is lost on the way."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.agent.collector import Taken
from medloom.agent.declaration import parse_mapping
from medloom.agent.plant import watch
from medloom.agent.runtime import Agent
from medloom.agent.store import SqliteSite
from medloom.agent.tests.files import HEADER, MAPPING, xlsx
from medloom.agent.tests.hubs import SHEETS, Hub, agent_of, settle
from medloom.agent.translate import Draft, Outcome
from medloom.wire.operation import Kind, Source

pytestmark = pytest.mark.files

KEY = Ed25519PrivateKey.generate()
ROWS = [["2018-11-01", f"M{n % 3}", 10045, f"L {n % 5}", n, n, None] for n in range(1, 31)]


def start(hub: Hub, folder: Path, *, inner: object = None) -> tuple[Agent, list[Taken]]:
    rows: list[Taken] = []
    agent = agent_of(hub, site="MOLD", key=KEY, inner=inner)
    agent.watched.append(watch(folder, [parse_mapping(MAPPING)], settle_seconds=0))
    agent.taken = rows.extend
    return agent, rows


def entries(hub: Hub) -> list[str]:
    return [str(entry.verdict) for entry in hub.store.entries]


def test_every_row_reaches_the_hub_once(tmp_path: Path) -> None:
    hub = Hub({"MOLD": KEY})
    (tmp_path / "report_1.xlsx").write_bytes(xlsx([HEADER, *ROWS, ["00:00.0", "M1", 1, "L1", 1, 1, 0]]))
    agent, rows = start(hub, tmp_path)
    settle(agent)
    assert len(rows) == 31
    assert sorted(set(entries(hub))) == ["accepted", "quarantined"]
    assert entries(hub).count("quarantined") == 1
    assert len(entries(hub)) == 5 + 30 + 1


def test_reading_again_makes_no_entry(tmp_path: Path) -> None:
    hub = Hub({"MOLD": KEY})
    (tmp_path / "report_1.xlsx").write_bytes(xlsx([HEADER, *ROWS]))
    agent, _ = start(hub, tmp_path)
    settle(agent)
    made = len(entries(hub))
    again, rows = start(hub, tmp_path, inner=agent.store._inner)
    settle(again)
    assert len(entries(hub)) == made and all(not row.ids for row in rows) and len(rows) == 30


def test_reading_again_after_the_store_was_deleted_makes_no_entry(tmp_path: Path) -> None:
    hub = Hub({"MOLD": KEY})
    (tmp_path / "report_1.xlsx").write_bytes(xlsx([HEADER, *ROWS]))
    agent, _ = start(hub, tmp_path)
    settle(agent)
    made = len(entries(hub))
    fresh, rows = start(hub, tmp_path)
    settle(fresh)
    own = fresh.store.own([id_ for row in rows for id_ in row.ids])
    assert len(entries(hub)) == made
    assert len(own) == 35 and all(each.answer.repeated for each in own.values())


def test_a_changed_row_is_a_correction(tmp_path: Path) -> None:
    hub = Hub({"MOLD": KEY})
    path = tmp_path / "report_1.xlsx"
    path.write_bytes(xlsx([HEADER, ["2018-11-01", "M1", 10045, "L1", 5, 5, None]]))
    agent, _ = start(hub, tmp_path)
    settle(agent)
    path.write_bytes(xlsx([HEADER, ["2018-11-01", "M1", 10045, "L1", 6, 6, None]]))
    settle(agent)
    path.write_bytes(xlsx([HEADER, ["2018-11-01", "M1", 10045, "L1", 5, 5, None], ROWS[-1]]))
    settle(agent)
    steps = [entry for entry in hub.store.entries if entry.type == "step_record"][:3]
    assert [entry.version for entry in steps] == [1, 2, 3]
    head = hub.store.heads[steps[0].object]
    assert head.values["total"] == 5


def test_answers_that_get_lost_double_nothing(tmp_path: Path) -> None:
    hub = Hub({"MOLD": KEY})
    chance = random.Random(3)
    hub.lose = lambda target: chance.random() < 0.4
    (tmp_path / "report_1.xlsx").write_bytes(xlsx([HEADER, *ROWS]))
    agent, _ = start(hub, tmp_path)
    agent.machine.batch = 7
    times = iter(range(10**6))
    agent.clock = lambda: float(next(times)) * 60
    settle(agent, steps=3_000)
    assert entries(hub) == ["accepted"] * 35


def test_the_plant_goes_on_while_the_hub_is_away(tmp_path: Path) -> None:
    hub = Hub({"MOLD": KEY})
    agent, rows = start(hub, tmp_path)
    settle(agent)
    hub.down = True
    (tmp_path / "report_1.xlsx").write_bytes(xlsx([HEADER, *ROWS]))
    began, times = agent.clock(), iter(range(10**6))
    agent.clock = lambda: began + float(next(times)) * 60
    for _ in range(60):  # a minute between any two looks at the clock: the folder seems slow
        agent.step()
    assert len(rows) == 30 and entries(hub) == [] and agent.state["hub"] == "unreachable"
    hub.down = False
    settle(agent)
    assert entries(hub) == ["accepted"] * 35


def test_control_arrives_before_a_backlog_is_sent(tmp_path: Path) -> None:
    hub = Hub({"MOLD": KEY})
    agent, rows = start(hub, tmp_path)
    settle(agent)
    many = [["2018-11-01", f"M{n}", 10045, f"L{n % 5}", n, n, None] for n in range(1, 1_201)]
    hub.down = True
    (tmp_path / "report_1.csv").write_text(
        "\n".join([",".join(HEADER), *(",".join("" if c is None else str(c) for c in row) for row in many)])
    )
    while len(rows) < 1_200:
        agent.step()
        agent._quiet_until = 0.0
    # Every look at the clock takes half a second: one useful request a step.
    times = iter(range(10**6))
    agent.clock = lambda: next(times) * 0.5
    agent._quiet_until, agent._wake, agent._wake_control = 0.0, 0.0, 0.0
    agent.poll_seconds, agent.machine.batch, hub.down = 1.0, 100, False
    hub.hold()
    steps = 0
    while agent.store.cursor("c").position == 0:
        agent.step()
        steps += 1
    assert steps <= 5 and len(hub.store.entries) <= 1 + 5 * 100


def test_a_value_that_no_operation_can_carry_costs_its_own_row_only(tmp_path: Path) -> None:
    """A whole number beyond 2^53 is refused by the wire's profile; the agent goes on, the row is shown."""
    hub = Hub({"MOLD": KEY})
    store = SqliteSite(tmp_path / "store.db", site="MOLD", sheets=SHEETS, key=bytes(32))
    agent, _ = start(hub, tmp_path, inner=store)

    def row(number: int, total: int) -> Outcome:
        source = Source("shifts", str(number), f"hash {number}", at=f"report!{number}")
        fields = {"number": str(number), "day": "2018-11-01", "total": total}
        return Outcome(source.at, source.key, (Draft("step_record", Kind.OBSERVE, fields, source),))

    rows = [row(1, 5), row(2, 2**60), row(3, 7)]
    taken = agent.collector.take("shifts", rows)
    assert [len(each.ids) for each in taken] == [1, 1, 1]
    settle(agent)
    assert entries(hub) == ["accepted", "quarantined", "accepted"]
    told = store.own([taken[1].ids[0]])[taken[1].ids[0]]
    assert "number_too_large" in told.raw.decode() and "1152921504606846976" in told.raw.decode()
    assert [each.ids for each in agent.collector.take("shifts", rows)] == [(), (), ()], "told once"


def test_a_machine_is_heard_however_much_is_unsent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and tables keep their rows; what a machine says to nobody is gone."""
    hub = Hub({"MOLD": KEY})
    agent, rows = start(hub, tmp_path)
    settle(agent)
    (tmp_path / "report_1.xlsx").write_bytes(xlsx([HEADER, *ROWS]))
    steps: list[str] = []
    agent.listened.append(type("Listened", (), {"step": lambda self, *parts: bool(steps.append("heard"))})())
    monkeypatch.setattr("medloom.agent.runtime.UNSENT_OPERATIONS_MAX", 0)
    monkeypatch.setattr(agent.store, "unsent", lambda *_: ([object()], 0), raising=False)
    agent.queued = 1
    assert agent.read() is False and steps == ["heard"] and rows == []
