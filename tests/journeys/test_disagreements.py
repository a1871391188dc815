"""A disagreement of laboratories follows what becomes known: merges of lots, results after the decision."""

from __future__ import annotations

import json

import pytest

from medloom.drills.sequencing import sequence
from medloom.exchange.stream import read_events
from medloom.inspection.actions import settle
from medloom.inspection.models import Disagreement, Result
from medloom.inspection.queries import measured_parts
from medloom.interfaces.web.measuring import compared, issues
from medloom.kernel.access import ALL, seeing
from medloom.kernel.cursor import open_cursor
from medloom.kernel.models import Entry
from medloom.materials.actions import merge_lots
from medloom.materials.models import Alias
from medloom.wire.verdict import Verdict
from tests.journeys.sending import ACT, plant, registrant

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def measure(lot: str, laboratory: str, judged: str, *, named: str = "D1", time: int = 1) -> None:
    fields = {
        "number": f"{lot}/{laboratory}/{named}/{time}", "lot": lot, "item": "PLATE", "laboratory": laboratory,
        "value": "4.1", "unit": "mm", "kind": "diameter", "nominal": "4", "judged": judged,
        "characteristic": named,
    }  # fmt: skip
    assert plant("result", fields=fields).verdict is Verdict.ACCEPTED


def correct(part: str, laboratory: str, **fields: str) -> None:
    """The plant's next edition of a result it told before, with other values."""
    with seeing(ALL):
        key = f"{part}/{laboratory}/D1/1"
        body = json.loads(Entry.objects.get(seq=Result.objects.get(key=key).entry).body)
    answer = plant("result", object=body["object"], fields={**body["fields"], **fields})
    assert answer.verdict is Verdict.ACCEPTED


def standing() -> Disagreement:
    with seeing(ALL):
        return Disagreement.objects.get()


def journal() -> list[tuple[str, str]]:
    """(what was done, why) of every accepted entry of the disagreement, oldest first."""
    with seeing(ALL):
        found = Entry.objects.filter(type="disagreement", verdict="accepted").order_by("seq")
        told = [json.loads(entry.body) for entry in found]
    return [(each["fields"].get("command", "set"), each.get("reason", "")) for each in told]


def decide() -> None:
    one = standing()
    made = settle(
        act=ACT, site="A", disagreement=str(one.object), base=one.version, stands={"diameter 4": "second"},
        reason="gauge lent",
    )  # fmt: skip
    assert {a.verdict for a in registrant(*made)} == {Verdict.ACCEPTED}
    assert standing().state == "settled"


def shown() -> set[str]:
    """The lots of the rows that the disagreement's page shows."""
    with seeing(ALL), open_cursor() as cursor:
        rows = measured_parts(cursor, "A", "PLATE")
    sides = compared(rows, "A", "PLATE")
    return {lot for one in issues(sides["LAB1"], sides["LAB2"], {}) for lot in one.lots}


def join(lot: str, other: str) -> None:
    answers = registrant(merge_lots(act=ACT, site="A", lot=lot, other=other, reason="the tag was found"))
    assert {a.verdict for a in answers} == {Verdict.ACCEPTED}


def say(same: bool, why: str) -> None:
    """Take the merge back, or say it again."""
    with seeing(ALL):
        alias = Alias.objects.get()
    fields = {"same": same}
    change = ACT.change("alias", str(alias.object), site="A", base=alias.version, fields=fields, reason=why)
    assert [a.verdict for a in registrant(change)] == [Verdict.ACCEPTED]


def test_a_new_result_opens_a_settled_disagreement_again_and_a_harmless_one_does_not() -> None:
    measure("PLATE-01", "LAB1", "pass")
    measure("PLATE-01", "LAB2", "fail")
    assert standing().state == "open" and shown() == {"PLATE-01"}
    decide()
    measure("PLATE-02", "LAB1", "pass")
    measure("PLATE-02", "LAB2", "pass")
    assert standing().state == "settled", "both say the same of the second plate"
    measure("PLATE-03", "LAB2", "fail")
    assert standing().state == "settled", "nobody else measured the third"
    measure("PLATE-03", "LAB1", "pass")
    assert standing().state == "open" and shown() == {"PLATE-01", "PLATE-03"}
    measure("PLATE-04", "LAB1", "fail")
    measure("PLATE-04", "LAB2", "pass")
    assert [what for what, _ in journal()] == ["set", "set", "settle", "reopen"], "open, it stays open"
    assert journal()[-1][1] == "results of LAB1 and LAB2 disagree about PLATE-03"
    decide()
    measure("PLATE-03", "LAB2", "pass", time=2)
    assert standing().state == "settled", "measured again, and the laboratories agree"
    sequence()
    with seeing("A"), open_cursor() as cursor:
        told = [e for e in read_events(cursor, "A", "c", 0, 200) if e["type"] == "medloom.A.disagreement.v1"]
    assert sum('"reopen"' in json.dumps(each["data"], default=str) for each in told) == 1, "the event is told"


def test_two_names_of_one_part_disagree_once_they_are_merged_and_no_more_when_parted() -> None:
    measure("PLATE-20", "LAB1", "fail")
    measure("PLATE-20?", "LAB2", "pass")
    with seeing(ALL):
        assert not Disagreement.objects.exists(), "two parts, each measured once"
    join("PLATE-20", "PLATE-20?")
    one = standing()
    assert (one.state, one.first, one.second, shown()) == ("open", "LAB1", "LAB2", {"PLATE-20"})
    say(False, "another plate after all")
    assert standing().state == "lapsed" and shown() == set()
    say(True, "it was that plate")
    assert standing().state == "open" and shown() == {"PLATE-20"}
    decide()
    measure("PLATE-20?", "LAB1", "fail", named="D2")
    assert standing().state == "open", "a result under either name is the part's"
    assert [what for what, _ in journal()] == ["set", "lapse", "reopen", "set", "settle", "reopen"]
    assert [why for what, why in journal() if what in ("lapse", "reopen")][:2] == [
        "PLATE-20 and PLATE-20? are two parts",
        "PLATE-20 and PLATE-20? are one part",
    ]
    with seeing(ALL):
        refused = Entry.objects.exclude(verdict="accepted").count()
    assert refused == 0, "nothing that follows is refused"


def test_a_merge_opens_a_settled_disagreement_again_and_parting_leaves_the_rest() -> None:
    measure("PLATE-01", "LAB1", "pass")
    measure("PLATE-01", "LAB2", "fail")
    decide()
    measure("PLATE-20", "LAB1", "pass")
    measure("PLATE-20?", "LAB2", "fail")
    assert standing().state == "settled"
    join("PLATE-20", "PLATE-20?")
    assert standing().state == "open" and shown() == {"PLATE-01", "PLATE-20"}
    say(False, "another plate after all")
    assert standing().state == "open", "the first plate is disagreed about still"
    assert [what for what, _ in journal()] == ["set", "set", "settle", "reopen"]


def test_a_disagreement_emptied_by_corrected_results_lapses_with_the_result_that_did_it() -> None:
    for lot in ("PLATE-01", "PLATE-02"):
        measure(lot, "LAB1", "pass")
        measure(lot, "LAB2", "fail")
    correct("PLATE-01", "LAB2", judged="pass")
    assert standing().state == "open", "the second plate is disagreed about still"
    correct("PLATE-02", "LAB1", judged="fail")
    assert standing().state == "lapsed" and shown() == set()
    why = "results of LAB1 and LAB2 agree by now, after result PLATE-02/LAB1/D1/1"
    assert journal()[-1] == ("lapse", why)
    correct("PLATE-02", "LAB1", judged="pass")
    assert standing().state == "open" and shown() == {"PLATE-02"}, "corrected back, it opens again"


def test_a_disagreement_lapses_when_a_part_is_measured_again_or_a_result_was_of_another_part() -> None:
    measure("PLATE-01", "LAB1", "pass")
    measure("PLATE-01", "LAB2", "fail")
    measure("PLATE-01", "LAB2", "pass", time=2)
    assert standing().state == "lapsed"
    measure("PLATE-01", "LAB2", "fail", time=3)
    assert standing().state == "open"
    correct("PLATE-01", "LAB1", lot="PLATE-09")
    assert standing().state == "lapsed", "LAB1 has not measured that plate at all"
    with seeing(ALL):
        assert not Entry.objects.exclude(verdict="accepted").exists(), "nothing that follows is refused"
