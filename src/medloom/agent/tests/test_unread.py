"""A row that was unreadable and comes again well: its operation names the one that it repairs."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.agent.declaration import parse_mapping
from medloom.agent.plant import watch
from medloom.agent.runtime import Agent
from medloom.agent.tests.files import HEADER, MAPPING, xlsx
from medloom.agent.tests.hubs import Hub, agent_of, settle
from medloom.agent.translate import Draft, Outcome
from medloom.agent.unread import AS_RECORDED
from medloom.wire.canonical import decode_operation
from medloom.wire.operation import Kind, Operation, Source
from medloom.wire.verdict import Answer, Refusal, Verdict

pytestmark = pytest.mark.files

KEY = Ed25519PrivateKey.generate()
GOOD = ["2018-11-01", "M1", 10045, "L1", 5, 5, None]
LOST_DATE = ["00:00.0", "M1", 10045, "L1", 5, 5, None]
BAD_COUNT = ["2018-11-01", "M1", 10045, "L1", "many", 5, None]


class Desk:
    """A folder of one plant, its agent and a hub in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.hub = folder, Hub({"MOLD": KEY})
        self.agent: Agent | None = None

    def save(self, *rows: list[object], name: str = "report_1.xlsx", lost: bool = False) -> None:
        """The plant saves its file; the agent starts anew and reads it (with an empty store when `lost`)."""
        (self.folder / name).write_bytes(xlsx([HEADER, *rows]))
        inner = None if lost or self.agent is None else self.agent.store._inner
        self.agent = agent_of(self.hub, site="MOLD", key=KEY, inner=inner)
        self.agent.watched.append(watch(self.folder, [parse_mapping(MAPPING)], settle_seconds=0))
        settle(self.agent)

    def told(self) -> list[Operation]:
        """What the hub has of step records and unreadable rows, in order."""
        found = [entry.operation for entry in self.hub.store.entries]
        return [op for op in found if op is not None and op.type == "step_record"]

    def pairs(self) -> list[tuple[str, int]]:
        """(kind or code, which earlier one it repairs) of each; -1 for none."""
        told = self.told()
        ids = [op.id for op in told]
        return [
            (op.raw.get("code") or str(op.kind), ids.index(op.repairs) if op.repairs else -1) for op in told
        ]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_the_corrected_row_names_what_it_repairs_by_its_key(desk: Desk) -> None:
    desk.save(BAD_COUNT)
    desk.save(["2018-11-02", "M9", 10045, "L1", 1, 1, None], GOOD, name="report_2.xlsx")
    assert [each[1] for each in desk.pairs()] == [-1, -1, 0]


def test_a_row_whose_key_was_unreadable_is_known_by_its_place(desk: Desk) -> None:
    desk.save(LOST_DATE, ["2018-11-02", "M1", 10045, "L1", 1, 1, None])
    desk.save(GOOD, ["2018-11-02", "M1", 10045, "L1", 1, 1, None])
    assert [kind for kind, _ in desk.pairs()].count("observe") == 2
    assert desk.pairs()[-1][1] == [code for code, _ in desk.pairs()].index(desk.told()[0].raw["code"])


def test_a_row_that_moved_down_is_not_taken_for_repaired(desk: Desk) -> None:
    desk.save(LOST_DATE)
    desk.save(["2018-11-07", "M1", 10045, "L1", 7, 7, None], LOST_DATE)
    assert [each[1] for each in desk.pairs()] == [-1, -1]


def test_another_row_at_its_place_shares_no_part_of_its_key(desk: Desk) -> None:
    desk.save(LOST_DATE)
    desk.save(["2018-11-07", "M3", 99999, "L8", 7, 7, None])
    assert [each[1] for each in desk.pairs()] == [-1, -1]


def test_a_row_refused_twice_stands_once(desk: Desk) -> None:
    desk.save(BAD_COUNT)
    desk.save([*BAD_COUNT[:4], "several", 5, None])
    desk.save(GOOD)
    assert [each[1] for each in desk.pairs()] == [-1, 0, 1]


def test_a_row_that_reads_again_as_recorded_says_so_once(desk: Desk) -> None:
    desk.save(GOOD)
    desk.save(BAD_COUNT)
    desk.save(GOOD, ["2018-11-09", "M1", 10045, "L1", 9, 9, None])
    assert (AS_RECORDED.code, 1) in desk.pairs()
    made = len(desk.told())
    desk.save(GOOD, ["2018-11-09", "M1", 10045, "L1", 9, 9, None])
    assert len(desk.told()) == made
    assert [op.kind for op in desk.told()].count(Kind.OBSERVE) == 2


def test_after_the_store_was_lost_the_first_telling_is_named(desk: Desk) -> None:
    desk.save(BAD_COUNT)
    desk.save(BAD_COUNT, lost=True)
    desk.save(GOOD)
    assert [each[1] for each in desk.pairs()] == [-1, 0]


def item(name: str, price: str, content: str) -> Outcome:
    fields = {"number": "I-1", "name": name, "price": price}
    draft = Draft("item", Kind.SET, fields, Source("items", "item:I-1", content, at="items#I-1"))
    return Outcome("items#I-1", "item:I-1", (draft,))


def test_what_a_refused_edit_told_is_told_again_with_its_correction(desk: Desk) -> None:
    desk.save()
    assert desk.agent is not None
    collector, store = desk.agent.collector, desk.agent.store
    (first,) = collector.take("items", [item("plate", "dear", "h1")])
    answer = Answer(first.ids[0], Verdict.QUARANTINED, refusal=Refusal("number_wrong", "/fields/price"))
    with store.transaction():
        store.answered([answer])
    (mended,) = collector.take("items", [item("plate", "5", "h2")])
    operation = decode_operation(store.own(mended.ids)[mended.ids[0]].raw)
    assert operation.fields == {"number": "I-1", "name": "plate", "price": "5"}
    assert operation.repairs == first.ids[0]


def test_a_row_that_went_back_is_told_once_however_often_it_is_read(desk: Desk) -> None:
    changed = [*GOOD[:4], 6, 6, None]
    desk.save(GOOD)
    desk.save(changed)
    for day in range(2, 5):
        desk.save(GOOD, [f"2018-11-0{day}", "M7", 10045, "L1", day, day, None])
    told = [op for op in desk.told() if op.fields.get("machine") == "M1" or "machine" not in op.fields]
    assert [op.fields["total"] for op in told] == [5, 6, 5]
