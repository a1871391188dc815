"""Sessions between real machines: resends, fences, clones, restores, snapshots."""

from __future__ import annotations

import pytest

from medloom.wire.canonical import decode_operation
from medloom.wire.hub import HubMachine
from medloom.wire.memory_site import MemorySite
from medloom.wire.messages import Answers, Challenge, Hello, Mode, Refused, Welcome
from medloom.wire.operation import Kind, Source
from medloom.wire.session import CLONE_WINDOW_S, choose
from medloom.wire.site import SiteMachine
from medloom.wire.tests.network import SHEETS, Network, author, draft, identity
from medloom.wire.verdict import Verdict

pytestmark = pytest.mark.pure
X, Y, Z = identity(1), identity(2), identity(3)


@pytest.fixture
def net() -> Network:
    return Network()


def memory(machine: SiteMachine) -> MemorySite:
    assert isinstance(machine.store, MemorySite)
    return machine.store


def same_state(net: Network, machine: SiteMachine) -> bool:
    """Whether the site holds exactly what stands at the hub."""
    theirs = {k: (h.version, h.state, h.values) for k, h in memory(machine).objects().items()}
    return theirs == {k: (h.version, h.state, h.values) for k, h in net.store.heads.items()}


def test_an_order_goes_there_and_a_release_comes_back(net: Network) -> None:
    a = net.site("A")
    author(a, draft(X, fields={"number": "W1", "note": "a"}))
    net.talk(a)
    net.post(X, 1, command="release")
    net.talk(a)
    assert memory(a).head(X).state == "released"  # type: ignore[union-attr]
    assert same_state(net, a)
    assert not memory(a).unlined()


def test_an_edit_on_a_pending_edit_is_not_stale(net: Network) -> None:
    a = net.site("A")
    author(a, draft(X, fields={"number": "W1"}))
    author(a, draft(X, fields={"note": "first"}))
    author(a, draft(X, fields={"note": "second"}))
    net.talk(a)
    assert net.store.heads[X].values["note"] == "second"
    author(a, draft(X, fields={"note": "third"}))
    net.post(X, 3, note="hub")
    author(a, draft(X, fields={"note": "fourth"}))
    net.talk(a)
    assert net.store.heads[X].values["note"] == "hub"
    assert [e.verdict for e in net.store.entries][-2:] == [Verdict.CONFLICT] * 2


def test_an_answer_lost_is_answered_again_and_nothing_is_doubled(net: Network) -> None:
    a = net.site("A")
    author(a, *(draft(identity(n), kind=Kind.OBSERVE, fields={"good": n}) for n in range(1, 6)))
    net.talk(a, most=100)
    replies = []
    for _ in range(2):
        a.store.set_sent(a.epoch, "v", 1)
        replies += [r for r in net.talk(a) if isinstance(r, Answers)]
    assert all(answer.repeated for reply in replies for answer in reply.answers)
    assert len(net.store.entries) == 5


def test_a_known_source_makes_no_second_entry(net: Network) -> None:
    source = Source(feed="daily", key="k", hash="h")
    for each in (X, Y):
        a = net.site("A")
        author(a, draft(each, kind=Kind.OBSERVE, fields={"good": 1}, source=source))
        net.talk(a)
        assert not memory(a).unlined()
    assert len(net.store.entries) == 1


def test_a_late_packet_of_an_older_session_is_fenced(net: Network) -> None:
    a = net.site("A")
    net.talk(a)
    author(a, draft(X, fields={"number": "W1"}))
    late = a.next_request()
    again = net.site("A", memory(a).copy())
    net.talk(again)
    count = len(net.store.entries)
    reply = net.ask(a, late)  # type: ignore[arg-type]
    assert isinstance(reply, Refused)
    assert (reply.code, reply.status, len(net.store.entries)) == ("fenced", 409, count)


def test_a_late_hello_is_only_challenged(net: Network) -> None:
    a = net.site("A")
    late = a.next_request()
    again = net.site("A", memory(a))
    net.talk(again)
    assert isinstance(late, Hello)
    assert isinstance(net.ask(a, late), Challenge)
    author(again, draft(X, fields={"number": "W1"}))
    assert isinstance(net.talk(again)[0], Answers)
    assert not net.store.alarms


def test_a_clone_is_found_and_a_person_chooses(net: Network) -> None:
    a = net.site("A")
    author(a, draft(X, fields={"number": "W1"}))
    net.talk(a)
    b = net.site("A", memory(a).copy())
    for machine, n in ((a, 10), (b, 20)):
        author(machine, draft(identity(n), kind=Kind.OBSERVE, fields={"good": n}))
        author(machine, draft(X, fields={f"by{n}": "x"}))
    net.talk(b)
    net.talk(a)
    net.talk(b)
    net.talk(a)
    assert [code for code, _, _ in net.store.alarms] == ["clone"]
    assert {identity(10), identity(20)} <= set(net.store.heads)
    assert not a.may_command
    assert not b.may_command
    net.store.save_session(choose(net.store.sessions["A"], b.epoch))
    for machine in (a, b):
        machine.close()
        net.talk(machine)
    assert b.may_command
    assert a.welcome is not None
    assert a.welcome.mode is Mode.DRAIN
    assert {"by10", "by20"} <= set(net.store.heads[X].values)


def test_a_restart_ten_minutes_later_is_no_clone(net: Network) -> None:
    a = net.site("A")
    net.talk(a)
    b = net.site("A", memory(a).copy())
    net.talk(b)
    net.now_s += CLONE_WINDOW_S + 1
    a.wake()
    net.talk(a)
    assert not net.store.alarms
    assert a.may_command


def test_two_agents_in_one_epoch_are_sorted_out(net: Network) -> None:
    a = net.site("A")
    author(a, draft(X, fields={"number": "W1"}))
    net.talk(a)
    b = SiteMachine(memory(a).copy(), site="A", key=a.key, mint=a.mint)
    b.welcome = a.welcome
    author(a, draft(Y, fields={"number": "W2"}), draft(X, fields={"note": "a"}))
    author(b, draft(Z, fields={"number": "W3"}))
    for _ in range(3):
        net.talk(a)
        net.talk(b)
    net.store.save_session(choose(net.store.sessions["A"], a.epoch))
    for _ in range(2):
        for machine in (a, b):
            machine.close()
            net.talk(machine)
    assert {X, Y, Z} == set(net.store.heads)
    assert net.store.heads[X].values["note"] == "a"
    assert {"op_id_reuse", "clone"} <= {code for code, _, _ in net.store.alarms}


def test_a_restored_site_gets_back_what_it_lost(net: Network) -> None:
    a = net.site("A")
    author(a, draft(X, fields={"number": "W1"}))
    net.talk(a)
    backup = memory(a).copy()
    author(a, draft(Y, fields={"number": "W2"}))
    net.talk(a)
    restored = net.site("A", backup)
    author(restored, draft(Z, fields={"number": "W3"}))
    net.talk(restored)
    assert same_state(net, restored)
    assert set(net.store.heads) == {X, Y, Z}
    assert not net.store.alarms


def test_a_restored_hub_gets_back_what_reached_a_site(net: Network) -> None:
    a = net.site("A")
    author(a, draft(X, fields={"number": "W1", "note": "0"}))
    net.talk(a)
    backup = net.store.copy()
    net.post(X, 1, note="hub", reason="lost")
    author(a, draft(Y, fields={"number": "W2"}))
    net.talk(a)
    author(a, draft(X, fields={"note": "site"}))
    net.talk(a)
    lost = {k: (h.values, h.state) for k, h in net.store.heads.items()}
    net.restore(backup)
    net.post(X, 1, due="2026-05-05")
    net.talk(a)
    assert net.store.heads[X].values == lost[X][0] | {"due": "2026-05-05"}
    assert net.store.heads[Y].values == lost[Y][0]
    assert same_state(net, a)


def test_after_a_restore_an_old_version_number_is_not_a_new_one(net: Network) -> None:
    a = net.site("A")
    author(a, draft(X, fields={"number": "W1", "note": "0"}))
    net.talk(a)
    backup = net.store.copy()
    net.post(X, 1, note="lost")
    net.talk(a)
    author(a, draft(X, fields={"note": "on what was lost"}))
    net.restore(backup)
    net.post(X, 1, note="new version 2")
    net.talk(a)
    assert net.store.heads[X].values["note"] == "new version 2"
    assert [e.verdict for e in net.store.entries].count(Verdict.CONFLICT) == 2


def test_a_hub_rolled_back_behind_its_own_back_is_told_by_its_sites(net: Network) -> None:
    a = net.site("A")
    author(a, draft(X, fields={"number": "W1"}))
    net.talk(a)
    old = net.store.copy()
    author(a, draft(Y, fields={"number": "W2"}))
    net.talk(a)
    net.store = old
    net.hub.store = old
    author(a, draft(Z, fields={"number": "W3"}))
    net.talk(a)
    assert set(net.store.heads) == {X, Y, Z}
    assert same_state(net, a)
    assert "hub_rolled_back" in {code for code, _, _ in net.store.alarms}


def test_pushing_waits_until_the_lost_lines_are_handed_back(net: Network) -> None:
    a = net.site("A")
    author(a, draft(X, fields={"number": "W1"}))
    net.talk(a)
    body = a.next_request
    author(a, draft(Y, fields={"number": "W2"}))
    push = body()
    net.restore(Network().store)
    for _ in range(2):
        ask = a.next_request()
        if not isinstance(ask, Hello):
            a.close()
            ask = a.next_request()
        a.handle(ask, net.ask(a, ask))  # type: ignore[arg-type]
    assert isinstance(a.welcome, Welcome)
    assert a.welcome.hand_back
    refused = net.hub.push(a.welcome.token, push.body, site="A")  # type: ignore[union-attr]
    assert isinstance(refused, Refused)
    assert refused.code == "hand_back_first"
    net.talk(a)
    assert set(net.store.heads) == {X, Y}


def test_an_agent_without_its_store_takes_a_snapshot_first(net: Network) -> None:
    a = net.site("A")
    author(a, draft(X, fields={"number": "W1"}))
    net.talk(a)
    fresh = net.site("A", MemorySite(site="A", sheets=SHEETS))
    net.talk(fresh)
    assert memory(fresh).cursor("c").position == 1
    assert same_state(net, fresh)


def test_a_crash_between_rewind_and_hand_back_loses_nothing(net: Network) -> None:
    a = net.site("A")
    author(a, draft(X, fields={"number": "W1"}))
    net.talk(a)
    backup = net.store.copy()
    net.post(X, 1, note="hub")
    net.talk(a)
    net.restore(backup)
    while not (a.welcome is not None and a.welcome.hand_back):
        a.wake()
        ask = a.next_request()
        a.handle(ask, net.ask(a, ask))  # type: ignore[arg-type]
    again = net.site("A", memory(a))
    net.talk(again)
    assert net.store.heads[X].values["note"] == "hub"


def test_a_crash_in_the_middle_of_a_snapshot_begins_it_again(net: Network) -> None:
    a = net.site("A")
    author(a, *(draft(identity(n), fields={"number": f"W{n}"}) for n in range(1, 4)))
    net.talk(a)
    fresh = net.site("A", MemorySite(site="A", sheets=SHEETS))
    while not (fresh.welcome is not None and fresh.store.hub_epoch()):
        ask = fresh.next_request()
        fresh.handle(ask, net.ask(fresh, ask))  # type: ignore[arg-type]
    assert not fresh.has_state
    again = net.site("A", memory(fresh))
    net.talk(again)
    assert again.has_state
    assert same_state(net, again)


def test_what_a_failed_edit_hid_was_not_seen_by_the_next(net: Network) -> None:
    a = net.site("A")
    net.post(X, 0, number="W1", note="n1", due="d1")
    net.talk(a)
    net.post(X, 1, due="hub")
    (first,) = author(a, draft(X, fields={"note": "first"}))
    (hiding,) = author(a, draft(X, fields={"note": "n1", "due": "plant"}))
    (last,) = author(a, draft(X, fields={"note": "last"}))
    assert decode_operation(hiding.raw).requires == (first.id,)
    assert decode_operation(last.raw).requires == (hiding.id,)
    net.talk(a)
    # Who wrote "last" saw "n1" again: "first" must not give way to it without a word.
    verdicts = [net.store.by_id[each.id].verdict for each in (first, hiding, last)]
    assert verdicts == [Verdict.ACCEPTED, Verdict.CONFLICT, Verdict.CONFLICT]
    assert net.store.heads[X].values["note"] == "first"


def test_a_creation_is_required_though_every_field_was_written_again(net: Network) -> None:
    a = net.site("A")
    (made,) = author(a, draft(X, fields={"number": "W1", "note": "a"}))
    (again,) = author(a, draft(X, fields={"number": "W2", "note": "b"}))
    (last,) = author(a, draft(X, fields={"note": "c"}))
    assert decode_operation(last.raw).requires == (made.id, again.id)
    net.talk(a)
    assert net.store.heads[X].values["note"] == "c"


def test_a_group_has_one_outcome_and_is_never_cut(net: Network) -> None:
    a = net.site("A", batch=3)
    good = [draft(identity(n), fields={"number": f"G{n}"}) for n in (1, 2)]
    pair = [draft(identity(n), fields={"number": "same"}, group="g") for n in (3, 4)]
    author(a, *good, *pair)
    net.talk(a)
    assert set(net.store.heads) == {identity(1), identity(2)}
    assert [e.verdict for e in net.store.entries][-2:] == [Verdict.CONFLICT] * 2


def test_what_requires_something_waits_for_it(net: Network) -> None:
    a = net.site("A")
    record = author(a, draft(Y, kind=Kind.OBSERVE, fields={"good": 1}))[0]
    author(a, draft(X, fields={"number": "W1"}, requires=(record.id,)))
    net.talk(a)
    net.talk(a)
    assert [e.verdict for e in net.store.entries] == [Verdict.PARKED, Verdict.ACCEPTED, Verdict.ACCEPTED]
    assert net.store.entries[2].cause == 1
    assert same_state(net, a)


def test_a_push_of_one_who_read_further_than_the_hub_has_written_is_not_judged(net: Network) -> None:
    """A hub restored in silence: the version that the author saw may by now be the number of another."""
    a = net.site("A")
    author(a, draft(X, fields={"number": "W1", "note": "first"}))
    net.talk(a)
    old = net.store.copy()
    net.post(X, 1, note="lost")
    net.talk(a)
    net.store, net.hub = old, HubMachine(old)
    old.open.add(old.begin())  # a long transaction holds the feeds back
    net.post(X, 1, note="another")
    author(a, draft(X, fields={"note": "on the lost one"}))
    replies = net.talk(a)
    assert [r.code for r in replies if isinstance(r, Refused)][:1] == ["hub_behind"]
    assert net.store.heads[X].values["note"] == "another"
    assert "hub_rolled_back" in {code for code, _, _ in net.store.alarms}
