"""The sequencer on a real PostgreSQL: dense, ordered, complete feeds, whatever commits late."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections

from medloom.exchange.sequencer import OVERTAKEN, VISIBLE, OutOfOrder, Sequencer, run
from medloom.exchange.tests.hubs import connect, sequencing
from medloom.kernel.ledger import append
from medloom.kernel.tests.making import make

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sequencer():
    with sequencing() as found:
        yield found


def lines(feed: str = "c", site: str = "A") -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select position, seq from feed_line where site = %s and feed = %s order by position",
            [site, feed],
        )
        return cursor.fetchall()


def items(count: int, site: str = "A"):
    return [make("item", "set", site=site, fields={"number": f"{site}-{i}"}) for i in range(count)]


def test_every_entry_gets_a_gapless_position_in_the_feed_of_its_site(sequencer) -> None:
    append(items(3), author="A")
    append(items(2, "B"), author="B")
    assert sequencer.round() == 5
    assert [p for p, _ in lines("v")] == [1, 2, 3] and [p for p, _ in lines("v", "B")] == [1, 2]
    assert sequencer.round() == 0
    append([make("item", "set", fields={"number": "late"})], author="A")
    again = Sequencer(sequencer.connection)
    again.load()
    assert again.round() == 1, "a new sequencer goes on where the last one ended"
    assert [p for p, _ in lines("v")] == [1, 2, 3, 4]


def test_while_nothing_is_committed_it_asks_one_small_statement_and_misses_nothing_after(
    sequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds, looks = [], []
    round_ = sequencer.round
    monkeypatch.setattr(sequencer, "round", lambda: rounds.append(round_()) or rounds[-1])

    def stop() -> bool:
        looks.append(len(rounds))
        if len(looks) in (60, 80):
            append([make("item", "set", fields={"number": f"at {len(looks)}"})], author="A")
        return len(looks) > 100

    run(sequencer, stop=stop, idle_s=0.001)
    assert sum(rounds) == 2 and len(lines("v")) == 2
    assert len(rounds) < 50, "of a hundred looks few found that anything had ended"


def test_what_commits_while_it_looks_is_not_taken_for_seen(
    sequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment, calls = sequencer.moment, []

    def interrupted() -> str:
        found = moment()
        calls.append(found)
        if len(calls) == 3:
            append(items(1), author="A")  # after the look, before its round
        return found

    monkeypatch.setattr(sequencer, "moment", interrupted)
    run(sequencer, stop=lambda: len(calls) >= 8, idle_s=0.001)
    assert len(lines("v")) == 1


KEPT = "select site, source, verdict, entries from feed_tally"
#: Made on an item that nobody knows: accepted, with a finding.
UNKNOWN = {"number": "S-1", "day": "2026-11-02", "item": "NOBODY"}
FOUND_KEPT = (
    "select site, source, '', sum(findings)::int from feed_tally group by 1, 2 having sum(findings) > 0"
)
FOUND = """select site, coalesce(source, ''), '', count(*) from entry
           where verdict = 'accepted' and decision like '%"findings"%' group by 1, 2"""
ARRIVED_KEPT = "select site, at::text, '', entries from arrival"
ARRIVED = """select site, to_timestamp(floor(extract(epoch from received) / 120) * 120)::text, '', count(*)
             from entry group by 1, 2"""
COUNTED = "select site, coalesce(source, ''), verdict, count(*) from entry group by 1, 2, 3"


def counts(sql: str, *, seen_by: str = "*") -> dict[tuple[str, str, str], int]:
    with connect("app") as link, link.transaction():
        link.execute("select set_config('medloom.site', %s, true)", (seen_by,))
        return {(row[0], row[1], row[2]): row[3] for row in link.execute(sql).fetchall()}


def test_each_feed_is_counted_by_verdict_as_its_entries_are_sequenced(sequencer) -> None:
    append(items(3), author="A")
    sequencer.round()
    append([make("item", "set", fields={"number": "A-9", "name": "x" * 300})], author="A")
    append([make("step_record", "observe", site="B", fields=UNKNOWN)], author="B")
    append(items(2, "B"), author="B")
    sequencer.round()
    assert counts(KEPT) == counts(COUNTED) and len(counts(KEPT)) == 3
    assert counts(FOUND_KEPT) == counts(FOUND) and sum(counts(FOUND).values()) == 1
    assert counts(ARRIVED_KEPT) == counts(ARRIVED)
    assert {site for site, _, _ in counts(KEPT, seen_by="B")} == {"B"}, "a site sees its own feeds only"


def test_an_open_transaction_holds_back_what_committed_after_it(sequencer) -> None:
    """A number drawn by a transaction that is still open must not be jumped over."""
    drawn, finish = threading.Event(), threading.Event()

    def slow() -> None:
        def wait(cursor):
            cursor.execute("select pg_current_xact_id()").fetchone()
            drawn.set()
            finish.wait(10)
            return {}

        append(items(1, "B"), author="B", prelude=wait)
        connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    drawn.wait(10)
    append(items(2), author="A")
    assert sequencer.round() == 0, "behind the horizon of the open transaction"
    finish.set()
    thread.join(10)
    assert sequencer.round() == 3


def test_who_began_early_and_wrote_late_waits_for_whom_it_overtook(sequencer) -> None:
    """An old transaction writes version 3 after a young one wrote 2; a third, open, stands between them."""
    (first,) = items(1)
    append([first], author="A")
    sequencer.round()
    begun, goes_on = threading.Event(), threading.Event()

    def edit(**fields: str):
        return make("item", "set", object=first.operation.object, base=1, reason="test", fields=fields)

    def old() -> None:
        def wait(cursor):
            cursor.execute("select pg_current_xact_id()").fetchone()
            begun.set()
            goes_on.wait(10)
            return {}

        append([edit(name="old")], author="A", prelude=wait)
        connections.close_all()

    thread = threading.Thread(target=old)
    thread.start()
    begun.wait(10)
    with connect("app") as third:
        third.autocommit = False
        third.execute("select pg_current_xact_id()")
        append([edit(colour="young")], author="A")
        goes_on.set()
        thread.join(10)
        assert sequencer.round() == 0, "version 3 alone would be out of order"
        third.rollback()
    assert sequencer.round() == 2
    assert [p for p, _ in lines("v")] == [1, 2, 3]


def test_eight_writers_on_shared_objects_leave_versions_rising_by_one(sequencer) -> None:
    shared = items(5)
    append(shared, author="A")

    def edit(writer: int) -> None:
        for turn in range(6):
            ops = [
                make(
                    "item",
                    "set",
                    epoch=f"{writer + 2:032x}",
                    number=turn * 10 + i + 1,
                    object=each.operation.object,
                    base=1,
                    reason="test",
                    fields={"colour": f"{writer}-{turn}"},
                )
                for i, each in enumerate(shared)
            ]
            append(ops, author="A")
        connections.close_all()

    threads = [threading.Thread(target=edit, args=(w,)) for w in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sequencer.round() == 5 + 8 * 6 * 5
    assert [p for p, _ in lines("v")] == list(range(1, 246))


def test_a_version_written_past_the_door_stops_it(sequencer) -> None:
    (first, second) = [*items(1), make("item", "set", fields={"number": "x"})]
    append([first], author="A")
    sequencer.round()
    sequencer.versions[first.operation.object.replace("-", "")] = 7
    append(
        [make("item", "set", object=first.operation.object, base=1, reason="r", fields={"name": "n"})],
        author="A",
    )
    append([second], author="A")
    with pytest.raises(OutOfOrder):
        sequencer.round()
    assert len(lines("v")) == 1, "nothing of that round was written"


def test_new_entries_are_found_by_their_transaction_and_not_by_reading_all(sequencer) -> None:
    """By number the planner would read the whole ledger in each round: it knows little of a young table."""
    with sequencer.connection.transaction():
        sequencer.connection.execute("set local enable_seqscan = off")
        for sql, values in (
            (VISIBLE, ("5", "900", 0)),
            (OVERTAKEN, {"horizon": "5", "xmin": "900", "floor": 0}),
        ):
            plan = "\n".join(row[0] for row in sequencer.connection.execute(f"explain {sql}", values))
            assert "xid_idx" in plan and "pkey" not in plan, plan
