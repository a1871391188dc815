"""Of one document one revision is released at a time, whoever releases what at the same moment."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from medloom.design.actions import issue_revision, release
from medloom.design.models import Bom
from medloom.kernel.access import seeing
from medloom.materials.models import Hold
from medloom.wire.operation import Operation
from medloom.wire.verdict import Answer, Verdict
from tests.journeys.sending import ACT, codes, plant, registrant

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def fields(revision: str, variant: str = "1") -> dict[str, object]:
    return {"item": "P-1", "variant": variant, "revision": revision}


def draft(revision: str, variant: str = "1") -> str:
    """A draft revision of the BOM of P-1 at site A; its object."""
    made = ACT.create("bom", site="A", fields=fields(revision, variant), reason="new")
    assert [a.verdict for a in registrant(made)] == [Verdict.ACCEPTED]
    return made.object


def released() -> list[tuple[str, str]]:
    with seeing("*"):
        return sorted(Bom.objects.filter(state="released").values_list("variant", "revision"))


def say(*operations: Operation) -> list[str]:
    """The verdict of each, with the code of its refusal."""
    return [f"{a.verdict} {a.refusal.code}" if a.refusal else str(a.verdict) for a in registrant(*operations)]


def let_go(object_: str) -> Operation:
    return release(act=ACT, type="bom", site="A", revision=object_, reason="ready")


def test_a_second_revision_is_released_only_with_the_first_superseded() -> None:
    plant("item", "set", fields={"number": "P-1"}, base=0)
    one, two, other = draft("1"), draft("2"), draft("1", "blue")
    assert say(let_go(one)) == ["accepted"]
    (answer,) = registrant(let_go(two))
    assert answer.refusal is not None
    assert (answer.refusal.code, answer.refusal.got) == ("revision_stands", "1")
    assert say(let_go(other)) == ["accepted"], "another variant is another document"
    group = ACT.mint()
    supersede = ACT.command(
        "bom", one, site="A", name="supersede", state="released", reason="next", group=group
    )
    go = ACT.command("bom", two, site="A", name="release", state="draft", reason="next", group=group)
    assert say(supersede, go) == ["accepted", "accepted"]
    assert released() == [("1", "2"), ("blue", "1")]


def test_revisions_of_one_batch_see_each_other() -> None:
    plant("item", "set", fields={"number": "P-1"}, base=0)
    made = issue_revision(act=ACT, type="bom", site="A", fields=fields("1"), reason="first")
    assert say(*made) == ["accepted", "accepted"]
    again = issue_revision(act=ACT, type="bom", site="A", fields=fields("2"), reason="second")
    assert say(*again) == ["rejected group_refused", "rejected revision_stands"]
    first = made[0].object
    third = issue_revision(act=ACT, type="bom", site="A", fields=fields("3"), reason="next", replaces=first)
    assert say(*third) == ["accepted", "accepted", "accepted"]
    assert released() == [("1", "3")]
    five, six = draft("5", "red"), draft("6", "red")
    assert say(let_go(five), let_go(six)) == ["accepted", "rejected revision_stands"]


def test_two_people_who_release_at_once_release_one() -> None:
    plant("item", "set", fields={"number": "P-1"}, base=0)
    drafts = [draft(str(n)) for n in range(4)]
    answers: list[Answer] = []
    start = threading.Barrier(len(drafts))

    def go(object_: str) -> None:
        start.wait()
        try:
            answers.extend(registrant(let_go(object_)))
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(each,)) for each in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(a.verdict) for a in answers) == ["accepted", "rejected", "rejected", "rejected"]
    assert len(released()) == 1


def test_a_record_or_order_outside_the_days_of_its_revision_is_told() -> None:
    plant("item", "set", fields={"number": "P-1"}, base=0)
    days = {"effective_from": "2026-11-01", "effective_until": "2026-11-30"}
    (made, go) = issue_revision(act=ACT, type="bom", site="A", fields={**fields("1"), **days}, reason="first")
    assert say(made, go) == ["accepted", "accepted"]
    order = {"number": "W1", "item": "P-1", "revision": "1", "quantity": 5, "planned_start": "2026-12-05"}
    (late,) = registrant(ACT.create("work_order", site="A", fields=order, reason="new"))
    assert (late.verdict, codes(late)) == (Verdict.ACCEPTED, ["revision_not_effective"])
    step = {"item": "P-1", "revision": "1", "total": 5, "good": 5}
    plant("lot", fields={"number": "L1"})
    plant("lot", fields={"number": "L2"})
    fine = plant("step_record", fields={**step, "number": "S1", "day": "2026-11-30", "output_lot": "L1"})
    wrong = plant("step_record", fields={**step, "number": "S2", "day": "2026-12-01", "output_lot": "L2"})
    assert (codes(fine), codes(wrong)) == ([], ["revision_not_effective"])
    assert wrong.findings[0].expected == "revision 1 from 2026-11-01 to 2026-11-30"
    with seeing("*"):
        assert [hold.lot.key for hold in Hold.objects.select_related("lot")] == ["L2"]
