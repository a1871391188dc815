"""Every row of a feed has one verdict in the figures: its last one, whatever happened to it on the way."""

from __future__ import annotations

import importlib
import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson
import pytest

from medloom import hub
from medloom.exchange import counts
from medloom.exchange.tests.hubs import catch_up, connect, sequencing
from medloom.kernel.case import Received
from medloom.kernel.ledger import append, own
from medloom.kernel.tests.making import make
from medloom.wire.canonical import decode_operation
from medloom.wire.operation import Operation
from medloom.wire.verdict import Answer

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
WIRING = hub.wiring()
FIGURES = """select source, verdict, entries::int, findings::int from feed_tally
             where entries <> 0 or findings <> 0 order by 1, 2"""
NEWEST = "select source, max(newest) from feed_tally group by 1 order by 1"


@pytest.fixture
def sequencer():
    with sequencing() as found:
        yield found


def ask(sql: str, *, as_: str = "app") -> list[tuple[Any, ...]]:
    with connect(as_) as link, link.transaction():
        link.execute("select set_config('medloom.site', '*', true)")
        return link.execute(sql).fetchall()


def figures() -> dict[tuple[str, str], tuple[int, int]]:
    """(feed, verdict) -> rows, and how many of them with findings."""
    return {(row[0], row[1]): (row[2], row[3]) for row in ask(FIGURES)}


def plain() -> tuple[dict[tuple[str, str], tuple[int, int]], dict[str, Any]]:
    """The figures and the newest of each feed, counted plainly from the operations' own words."""
    sql = """select coalesce(source, ''), verdict, body, decision, received from entry e
             where exists (select from leaf l where l.seq = e.seq) order by seq"""
    row_of: dict[str, str] = {}
    history: dict[str, list[tuple[str, str, bool]]] = {}
    feed: dict[str, str] = {}
    newest: dict[str, Any] = {}
    for source, verdict, body, decision, received in ask(sql):
        newest[source] = max(newest.get(source, received), received)
        operation, told = decode_operation(body.encode()), orjson.loads(decision or b"{}")
        code = (told.get("refusal") or {}).get("code", "")
        undone = operation.compensates if code == "taken_back" or operation.reason == "undo" else ""
        row = row_of.setdefault(operation.id, row_of.get(operation.repairs or undone, operation.id))
        feed.setdefault(row, source)
        past = history.setdefault(row, [])
        if code == "taken_back":
            past[:] = [each for each in past if each[0] != operation.compensates]
            continue
        stands = "closed" if code in ("dismissed", "row_as_recorded") else verdict
        if operation.reason == "undo" and verdict == "accepted":
            stands = "conflict"
        past.append((operation.id, stands, stands == "accepted" and "findings" in told))
    rows = Counter((feed[row], past[-1][1]) for row, past in history.items())
    found = Counter((feed[row], past[-1][1]) for row, past in history.items() if past[-1][2])
    return {key: (many, found[key]) for key, many in rows.items()}, newest


@dataclass
class Plant:
    """A plant's rows, told by its agent, and what people do with them."""

    luck: random.Random
    #: Refused or parked operations and their entries, dismissals, settlements; for what may follow.
    refused: list[Operation] = field(default_factory=list)
    missing: list[Received] = field(default_factory=list)
    dismissed: list[Operation] = field(default_factory=list)
    conflicts: list[tuple[Operation, int]] = field(default_factory=list)
    settled: list[tuple[Operation, int]] = field(default_factory=list)
    did: set[str] = field(default_factory=set)
    count: int = 0

    def source(self, feed: str = "") -> tuple[str, str, str]:
        self.count += 1
        return (feed or self.luck.choice(("items", "parts")), f"k{self.count}", f"h{self.count}")

    def tell(self, **kwargs: Any) -> tuple[Received, Answer]:
        received = make("item", "set", source=self.source(), **kwargs)
        (answer,) = append([received], author="A", wiring=WIRING)
        return received, answer

    def good(self) -> None:
        self.tell(fields={"number": f"I-{self.count}"})

    def found(self) -> None:
        fields = {"number": f"S-{self.count}", "day": "2026-11-02", "item": "NOBODY"}
        append([make("step_record", source=self.source("steps"), fields=fields)], author="A", wiring=WIRING)

    def unreadable(self) -> None:
        self.refused.append(self.tell(fields={"number": f"I-{self.count}", "name": "x" * 400})[0].operation)

    def parked(self) -> None:
        needed = [make("item", "set", fields={"number": f"N-{self.count}-{i}"}) for i in range(2)]
        ids = tuple(each.operation.id for each in needed)
        told, answer = self.tell(requires=ids, fields={"number": f"I-{self.count}"})
        assert answer.verdict == "parked"
        self.missing += needed
        self.refused.append(told.operation)

    def admitted(self) -> None:
        """What a parked one requires comes: the first time it is parked again, then admitted."""
        append([self.missing.pop(self.luck.randrange(len(self.missing)))], author="A", wiring=WIRING)

    def refused_one(self) -> Operation:
        """One that its newest entry does not accept; there is one at least."""
        while True:
            if not self.refused:
                self.unreadable()
            old = self.luck.choice(self.refused)
            told = ask(f'select verdict from entry where body like \'%"id":"{old.id}"%\' order by seq desc')
            if told[0][0] != "accepted":
                return old
            self.refused.remove(old)

    def mended(self, *, by: str = "agent") -> None:
        """Its agent tells the row anew, or a person mends it: well, or wrongly again."""
        old = self.refused_one()
        name = self.luck.choice(("well", "x" * 400))
        fields = {"number": f"M-{self.count}", "name": name}
        if by == "agent":
            told, _ = self.tell(repairs=old.id, fields=fields)
        else:
            told = make("item", "set", repairs=old.id, fields=fields, reason="mended")
            append([told], author="A", wiring=WIRING)
        self.refused.append(told.operation)

    def by_person(self) -> None:
        self.mended(by="person")

    def word(self, code: str, old: Operation, **kwargs: Any) -> Operation:
        said = make("item", "raw", raw={"code": code}, **kwargs)
        (cause,) = ask(f'select max(seq) from entry where body like \'%"id":"{old.id}"%\'')[0]
        append([Received(**{**fields_of(said), "cause": cause})], author="A", wiring=WIRING)
        return said.operation

    def dismiss(self) -> None:
        old = self.refused_one()
        self.dismissed.append(self.word("dismissed", old, repairs=old.id))

    def as_recorded(self) -> None:
        old = self.refused_one()
        self.word("row_as_recorded", old, repairs=old.id)

    def take_back(self) -> None:
        old = self.dismissed.pop(self.luck.randrange(len(self.dismissed)))
        self.word("taken_back", old, compensates=old.id)

    def conflict(self) -> None:
        first, _ = self.tell(fields={"number": f"I-{self.count}", "name": "one"})
        edit = {"object": first.operation.object, "base": 1, "reason": "r"}
        self.tell(**edit, fields={"name": "two"})
        told, answer = self.tell(**edit, fields={"name": "three"})
        assert answer.verdict == "conflict"
        self.conflicts.append((told.operation, answer.seq))

    def settle(self) -> None:
        old, seq = self.conflicts.pop()
        done = self.change(old.object, seq, name="three", repairs=old.id, reason="settled")
        self.settled.append(done)

    def undo(self) -> None:
        old, seq = self.settled.pop()
        self.change(old.object, seq, name="two", compensates=old.id, reason="undo")

    def change(self, object: str, cause: int, *, name: str, **kwargs: Any) -> tuple[Operation, int]:
        (version,) = ask(f"select version from item where object = '{object}'")[0]
        said = make("item", "set", object=object, base=version, fields={"name": name}, **kwargs)
        own_ = own(msgspec.structs.replace(said.operation, id=str(uuid.uuid4())), cause=cause)
        (answer,) = append([own_], author="A", wiring=WIRING)
        assert answer.verdict == "accepted"
        return own_.operation, answer.seq

    def step(self) -> None:
        """Any one thing that is possible now."""
        may = [self.good, self.found, self.unreadable, self.parked, self.conflict]
        may += [self.admitted] * 3 if self.missing else []
        may += [self.mended, self.by_person, self.dismiss, self.as_recorded] if self.refused else []
        may += [self.take_back] * 3 if self.dismissed else []
        may += [self.settle] * 2 if self.conflicts else []
        may += [self.undo] * 2 if self.settled else []
        deed = self.luck.choice(may)
        self.did.add(deed.__name__)
        deed()


def fields_of(received: Received) -> dict[str, Any]:
    return {name: getattr(received, name) for name in ("raw", "epoch", "chain", "number", "operation")}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_to_rows_each_counts_once_by_its_last_verdict(sequencer, seed: int) -> None:
    plant = Plant(random.Random(seed))
    for _ in range(60):
        plant.step()
        if plant.luck.random() < 0.3:
            sequencer.round()
            assert figures() == plain()[0], "after any round"
    catch_up(sequencer)
    expected, newest = plain()
    stepwise = figures()
    assert stepwise == expected
    assert dict(ask(NEWEST)) == newest
    assert len(plant.did) >= 8, "the walk did most of what can be done"
    migration = importlib.import_module("medloom.kernel.migrations.0009_one_verdict")
    with connect("owner") as link, link.transaction():
        for sql in (migration.EMPTY, migration.ANEW, migration.NEWEST):
            link.execute(sql)
    assert figures() == stepwise, "counted anew from the log"
    assert dict(ask(NEWEST)) == newest


def test_a_row_that_waited_and_was_admitted_counts_once(sequencer) -> None:
    first, other = (make("item", "set", fields={"number": number}) for number in ("N1", "N2"))
    both = (first.operation.id, other.operation.id)
    append(
        [make("item", "set", source=("items", "k", "h"), requires=both, fields={"number": "I"})],
        author="A",
        wiring=WIRING,
    )
    catch_up(sequencer)
    assert figures() == {("items", "parked"): (1, 0)}
    append([first], author="A", wiring=WIRING)
    catch_up(sequencer)
    assert figures() == {("items", "parked"): (1, 0), ("", "accepted"): (1, 0)}, "parked again"
    append([other], author="A", wiring=WIRING)
    catch_up(sequencer)
    assert figures() == {("items", "accepted"): (1, 0), ("", "accepted"): (2, 0)}


def test_what_follows_from_a_row_is_a_row_of_its_own(sequencer) -> None:
    """A reaction names its cause, too: it mends nothing."""
    (answer,) = append([make("item", "set", source=("items", "k", "h"), fields={"number": "I"})], author="A")
    reaction = make("item", "set", fields={"number": "R"})
    append([Received(**{**fields_of(reaction), "cause": answer.seq})], author="A")
    catch_up(sequencer)
    assert figures() == {("items", "accepted"): (1, 0), ("", "accepted"): (1, 0)}


def test_rows_that_name_no_other_cost_no_statement(sequencer, monkeypatch: pytest.MonkeyPatch) -> None:
    """And those that do cost as many as the longest row has entries, not one each."""
    asked: list[int] = []
    ask_ = counts.Reader._ask
    monkeypatch.setattr(
        counts.Reader, "_ask", lambda self, column, seqs: asked.append(len(seqs)) or ask_(self, column, seqs)
    )
    plant = Plant(random.Random(1))
    for _ in range(20):
        plant.unreadable()
    catch_up(sequencer)
    assert asked == []
    for old in list(plant.refused):
        plant.tell(repairs=old.id, fields={"number": f"M-{plant.count}"})
    catch_up(sequencer)
    assert len(asked) <= 6
    assert sum(rows for (_, verdict), (rows, _) in figures().items() if verdict == "accepted") == 20
