"""The hub's store: the same tests on memory and on PostgreSQL (`wire.stores.HubStore`)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from medloom.exchange.tests.hubs import E1, E2, HUB, HubInTest, identity, ids, in_memory, lot, on_postgres
from medloom.wire.chain import feed_start, operation_hash
from medloom.wire.feed import FeedLine, link
from medloom.wire.operation import CONTROL, VOLUME, Source, hub_label
from medloom.wire.push import Line, Malformed
from medloom.wire.session import Speaker
from medloom.wire.stores import Intake
from medloom.wire.verdict import Verdict

POSTGRES = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
SOURCE = Source(feed="daily", key="k", hash="h")


@pytest.fixture(
    params=[pytest.param("memory", marks=pytest.mark.pure), pytest.param("postgres", marks=POSTGRES)]
)
def hub(request: pytest.FixtureRequest) -> Iterator[HubInTest]:
    if request.param == "memory":
        yield in_memory()
    else:
        with on_postgres() as tested:
            yield tested


def test_a_new_epoch_is_in_recovery_and_ends_every_session(hub: HubInTest) -> None:
    with hub.store.transaction():
        first = hub.store.hub()
        row = hub.store.session("A", for_update=True)
        hub.store.save_session(msgspec.structs.replace(row, speakers=(Speaker(E1, "t", 1),), fenced=(E2,)))
    assert not first.recovering and len(first.epochs) == 1
    with hub.store.transaction():
        assert hub.store.session("A", for_update=False).speaker("t").epoch == E1
        hub.store.begin_epoch(E2, since=7)
    with hub.store.transaction():
        state, row = hub.store.hub(), hub.store.session("A", for_update=False)
    assert state.recovering and (state.epoch, state.epochs[-1].since) == (E2, 7)
    assert (row.speakers, row.fenced) == ((), (E2,))
    with hub.store.transaction():
        hub.store.end_recovery(by="hub", reason="every site has handed back")
    with hub.store.transaction():
        assert not hub.store.hub().recovering
        assert hub.store.session("nobody", for_update=False) is None


def test_a_push_is_judged_by_its_chains_standing(hub: HubInTest) -> None:
    with hub.store.transaction():
        ahead = hub.store.before_push("A", E1, VOLUME, 1, 9)
    assert (ahead.standing, dict(ahead.known), ahead.row.site) == (None, {}, "A")
    first, second = lot(1), lot(2)
    assert ids(hub.append(first, second)) == ["accepted", "accepted"]
    with hub.store.transaction():
        ahead = hub.store.before_push("A", E1, VOLUME, 2, 9)
        standings = hub.store.standings("A", [(E1, VOLUME), (E2, VOLUME)])
    assert ahead.standing == (3, b"head")
    assert standings == {(E1, VOLUME): (3, b"head")}
    assert list(ahead.known) == [2] and len(ahead.known[2]) == 32


def test_what_cannot_be_read_has_an_entry_and_its_neighbours_too(hub: HubInTest) -> None:
    raw = b"{nonsense"
    bad = Line(1, raw, operation_hash(raw), None, malformed=Malformed("json_wrong", "", "at 1"))
    with hub.store.transaction():
        (answer,) = hub.store.append(Intake("A", E1, VOLUME, (bad,), 2, b"head"))
    assert (answer.verdict, answer.refusal.code) == (Verdict.QUARANTINED, "json_wrong")
    assert ids(hub.append(lot(2))) == ["accepted"]
    shown = hub.lines()
    assert (shown[0].verdict, shown[0].raw) == ("quarantined", raw)
    with hub.store.transaction():
        assert hub.store.before_push("A", E1, VOLUME, 1, 1).known == {1: operation_hash(raw)}


def test_a_known_source_is_answered_with_the_first(hub: HubInTest) -> None:
    first, again = lot(1, source=SOURCE), lot(1, epoch=E2, source=SOURCE)
    hub.append(first)
    (answer,) = hub.append(again)
    assert (answer.first, answer.repeated, answer.verdict) == (first.id, True, Verdict.ACCEPTED)
    twins = [lot(n, epoch="3" * 32, source=Source(feed="daily", key="t", hash="h"), object=identity(5),
                 fields={"number": "L5"}) for n in (1, 2)]  # fmt: skip
    assert [bool(a.first) for a in hub.append(*twins)] == [False, True]
    assert len(hub.lines()) == 2


def test_the_latest_answer_of_an_operation_is_kept(hub: HubInTest) -> None:
    late = lot(1, chain=CONTROL, kind="command", object=identity(2), fields={"command": "release_production"})
    assert ids(hub.append(late)) == ["parked"]
    hub.append(lot(2))
    with hub.store.transaction():
        found = hub.store.latest([late.id, "A/" + "9" * 32 + "/v/1", "no id"])
    assert list(found) == [late.id]
    assert (found[late.id].verdict, found[late.id].repeated) == (Verdict.ACCEPTED, True)


def test_what_a_parked_operation_requires_wakes_it(hub: HubInTest) -> None:
    late = lot(1, chain=CONTROL, object=identity(3), fields={"number": "L3"}, requires=(lot(2).id,))
    assert ids(hub.append(late)) == ["parked"]
    hub.append(lot(1), lot(2))
    with hub.store.transaction():
        assert hub.store.latest([late.id])[late.id].verdict is Verdict.ACCEPTED


def test_members_of_a_group_share_the_worst_outcome(hub: HubInTest) -> None:
    hub.append(lot(1))
    good, bad = lot(2, group="g"), lot(3, group="g", object=identity(9), fields={"number": "L1"})
    answers = hub.append(good, bad)
    assert ids(answers) == ["conflict", "conflict"]
    assert {a.refusal.code for a in answers} == {"group_refused", "key_taken"}


def test_feeds_are_gapless_and_chained(hub: HubInTest) -> None:
    with hub.store.transaction():
        start = feed_start(site="A", feed=VOLUME).hex()
        assert (hub.store.feed_end("A", VOLUME).position, hub.store.feed_end("A", VOLUME).head) == (0, start)
        assert hub.store.seq_at("A", VOLUME, 0) == 0
        assert hub.store.lines("A", VOLUME, 0, 10) == ([], start)
    hub.append(*(lot(n) for n in (1, 2, 3)))
    shown, head = hub.lines(), bytes.fromhex(start)
    for each in shown:
        head = link(head, each)
    assert [each.position for each in shown] == [1, 2, 3]
    with hub.store.transaction():
        end, heads = hub.store.feed_end("A", VOLUME), hub.store.feed_heads("A", VOLUME, [2, 3, 4])
        part, at = hub.store.lines("A", VOLUME, 1, 1)
        assert hub.store.lines("A", VOLUME, 3, 9) == ([], head.hex())
        assert hub.store.seq_at("A", VOLUME, 2) == shown[1].seq
        assert hub.store.feed_end("B", VOLUME).position == 0, "a site sees its own only"
    assert (end.position, end.head, heads[3]) == (3, head.hex(), head.hex())
    assert sorted(heads) == [2, 3] and ([line.position for line in part], at) == ([2], heads[2])


def test_a_snapshot_is_in_order_and_comes_in_parts(hub: HubInTest) -> None:
    hub.append(lot(1, object=identity(3)), lot(2, object=identity(1)), lot(3, object=identity(2)))
    hub.append(lot(4, epoch=E2, site="B"), site="B")
    with hub.store.transaction():
        first = hub.store.snapshot("A", "", 2)
        rest = hub.store.snapshot("A", first[-1].head.object, 2)
    assert [row.head.object for row in (*first, *rest)] == [identity(n) for n in (1, 2, 3)]
    assert {row.type for row in first} == {"lot"} and first[0].head.values["number"] == "L2"
    assert (first[0].head.version, first[0].head.state, first[0].head.site) == (1, "pending", "A")


# -- handing back what the hub lost --------------------------------------------------------------


def before() -> list[FeedLine]:
    """Lines of a hub before its restore: a lot, an edit, a group of two, a line nobody can read."""
    old = in_memory("e" * 32)
    old.append(
        lot(1, fields={"number": "L1", "remark": "a"}),
        lot(2, object=identity(1), base=1, fields={"remark": "b"}, hub=hub_label("e" * 32)),
        lot(3, group="g"),
        lot(4, group="g"),
    )
    raw = b"{nonsense"
    bad = Line(5, raw, operation_hash(raw), None, malformed=Malformed("json_wrong", "", "at 1"))
    with old.store.transaction():
        old.store.append(Intake("A", E1, VOLUME, (bad,), 6, b"head"))
    return old.lines()


def begin(hub: HubInTest) -> None:
    """The hub knows of the epoch that ended."""
    with hub.store.transaction():
        now = hub.store.hub()
        assert now.epoch != "e" * 32
        hub.store.begin_epoch("e" * 32, since=0)
        hub.store.begin_epoch(HUB[:-1] + "0", since=0)


def test_lost_lines_come_back_under_their_own_ids_once(hub: HubInTest) -> None:
    begin(hub)
    lost = before()
    assert hub.hand_back(*lost) == 5
    assert hub.hand_back(*lost) == 0
    shown = hub.lines()
    assert [(each.id, each.verdict, each.raw) for each in shown] == [(e.id, e.verdict, e.raw) for e in lost]
    with hub.store.transaction():
        assert hub.store.before_push("A", E1, VOLUME, 1, 9).standing is None, "their author pushes them again"
        row = next(r for r in hub.store.snapshot("A", "", 9) if r.head.object == identity(1))
    assert (row.head.version, row.head.values["remark"]) == (2, "b")


def test_an_edit_on_a_lost_version_knows_what_that_has_become(hub: HubInTest) -> None:
    begin(hub)
    hub.hand_back(*before())
    known = lot(6, object=identity(1), base=2, hub=hub_label("e" * 32), fields={"remark": "c"})
    unknown = lot(7, object=identity(1), base=1, hub=hub_label("e" * 32), fields={"remark": "d"})
    assert ids(hub.append(known)) == ["accepted"]
    assert ids(hub.append(unknown)) == ["conflict"]


def test_a_lost_version_is_known_too_when_its_author_sent_it_again_first(hub: HubInTest) -> None:
    begin(hub)
    lost = before()
    hub.append(*(each.operation() for each in lost[:2]))
    assert hub.hand_back(*lost[:2]) == 0
    edit = lot(6, object=identity(1), base=2, hub=hub_label("e" * 32), fields={"remark": "c"})
    assert ids(hub.append(edit)) == ["accepted"]


def test_a_page_s_lost_edit_means_the_versions_of_its_own_epoch(hub: HubInTest) -> None:
    """It names no hub epoch; taken as the current one's, it would overwrite what it never saw."""
    begin(hub)
    hub.append(lot(1, fields={"number": "L1", "remark": "a"}))
    hub.append(lot(2, object=identity(1), base=1, fields={"remark": "new"}))
    old = in_memory("e" * 32)
    old.append(lot(1, fields={"number": "L1", "remark": "a"}))
    old.append(lot(8, object=identity(1), base=1, fields={"remark": "x"}, epoch=E2))
    old.append(lot(9, object=identity(1), base=2, fields={"remark": "y"}, epoch=E2))
    lost = old.lines()
    hub.hand_back(lost[2])
    assert hub.lines()[-1].verdict == "conflict"


def test_an_id_used_twice_satisfies_no_lost_requirement(hub: HubInTest) -> None:
    begin(hub)
    hub.append(lot(1, object=identity(7), fields={"number": "L7"}))  # by a clone, under the number of L1
    old = in_memory("e" * 32)
    old.append(lot(1))
    old.append(lot(2, epoch=E2, requires=(lot(1).id,)))
    hub.hand_back(*old.lines())
    assert [(each.id.split("/")[1], each.verdict) for each in hub.lines()] == [
        (E1, "accepted"),
        (E2, "rejected"),
    ]
