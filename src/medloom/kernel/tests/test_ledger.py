"""The write door on a real PostgreSQL: every operation gets exactly one verdict and one entry."""

from __future__ import annotations

import uuid

import orjson
import pytest
from django.db import connection

from medloom.design.models import BomLine, Item
from medloom.kernel.access import seeing
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry
from medloom.kernel.tests.making import make
from medloom.materials.models import Lot
from medloom.production.models import Defect, StepRecord
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def item(number: str = "100", **more):
    return make("item", "set", fields={"number": number, "name": "Cap", "kind": "product"}, **more)


def test_a_new_object_is_versioned_and_recorded() -> None:
    sent = item()
    (answer,) = append([sent], author="A")
    assert (answer.verdict, answer.version) == (Verdict.ACCEPTED, 1)
    with seeing("A"):
        row = Item.objects.get(key="100")
        entry = Entry.objects.get(seq=answer.seq)
    assert (row.site, row.version, row.name, row.entry) == ("A", 1, "Cap", answer.seq)
    assert entry.body == sent.raw.decode() and str(entry.object) == sent.operation.object


def test_an_update_needs_a_fresh_base_by_field() -> None:
    first = item()
    append([first], author="A")
    known = first.operation.object
    rename = make("item", "set", object=known, base=1, reason="typo", fields={"name": "Lid"})
    (answer,) = append([rename], author="A")
    assert answer.version == 2
    other = make("item", "set", object=known, base=1, reason="colour known", fields={"colour": "blue"})
    (answer,) = append([other], author="A")
    assert (answer.verdict, answer.version) == (Verdict.ACCEPTED, 3), "another field: not stale"
    late = make("item", "set", object=known, base=1, reason="typo", fields={"name": "Cover"})
    (answer,) = append([late], author="A")
    assert (answer.verdict, answer.refusal.code, answer.theirs) == (
        Verdict.CONFLICT,
        "stale",
        {"name": "Lid"},
    )
    with seeing("A"):
        row = Item.objects.get(key="100")
        before = [e.decision for e in Entry.objects.order_by("seq")]
    assert (row.name, row.colour, row.version) == ("Lid", "blue", 3)
    assert '"before":{"name":"Cap"}' in before[1]


def test_operations_of_one_batch_build_on_each_other() -> None:
    first = item()
    second = make("item", "set", object=first.operation.object, base=1, reason="r", fields={"name": "Lid"})
    answers = append([first, second], author="A")
    assert [a.version for a in answers] == [1, 2]
    with seeing("A"):
        row = Item.objects.get(key="100")
    assert (row.name, row.version, row.changed) == ("Lid", 2, {"name": 2})


def step(**more):
    fields = {
        "number": f"S-{uuid.uuid4()}",
        "day": "2026-11-01",
        "shift": "1",
        "work_order": "WO1",
        "item": "100",
        "machine": "NO.01",
        "resin_lot": "8S84A031",
        "shots": 10,
        "cavities": 8,
        "total": 80,
        "good": 78,
        "defects": [{"kind": "other", "count": 2}],
        **more.pop("fields", {}),
    }
    return make("step_record", fields=fields, **more)


def test_an_observation_with_unknown_references_is_accepted_with_findings_and_placeholders() -> None:
    (answer,) = append([step()], author="A")
    assert answer.verdict is Verdict.ACCEPTED
    assert {f.code for f in answer.findings} == {
        "unknown_item",
        "unknown_equipment",
        "unknown_lot",
        "unknown_work_order",
    }
    with seeing("A"):
        lot = Lot.objects.get(key="8S84A031")
        record = StepRecord.objects.get()
        defects = list(Defect.objects.values_list("kind", "count", "since"))
    assert (lot.placeholder, lot.version) == (True, 0)
    assert record.resin_lot_id == lot.num and defects == [("other", 2, 1)]
    (answer,) = append([item()], author="A")
    assert (answer.verdict, answer.version) == (Verdict.ACCEPTED, 1), "the object takes the place over"
    with seeing("A"):
        row = Item.objects.get(key="100")
    assert (row.placeholder, row.version, row.num) == (False, 1, record.item_id)


def test_one_bad_operation_never_blocks_its_neighbours() -> None:
    bad = step(fields={"total": "eighty"})
    answers = append([step(), bad, step()], author="A")
    assert [a.verdict for a in answers] == [Verdict.ACCEPTED, Verdict.QUARANTINED, Verdict.ACCEPTED]
    refusal = answers[1].refusal
    assert (refusal.code, refusal.path, refusal.got) == ("type_wrong", "/fields/total", "eighty")
    with seeing("A"):
        assert Entry.objects.filter(verdict="quarantined").get().body == bad.raw.decode()


def test_a_group_shares_the_worst_outcome() -> None:
    lot = make("lot", "set", group="g1", fields={"number": "L9"})
    bad = step(group="g1", fields={"total": -1})
    good = step()
    answers = append([lot, bad, good], author="A")
    assert [a.verdict for a in answers] == [
        Verdict.QUARANTINED,
        Verdict.QUARANTINED,
        Verdict.ACCEPTED,
    ]
    assert answers[0].refusal.code == "group_refused"
    with seeing("A"):
        assert not Lot.objects.filter(key="L9").exists()


def test_the_same_source_row_makes_no_second_entry_and_other_content_corrects_it() -> None:
    source = ("monthly", "2026-11-01/1/NO.01", "h1")
    (first,) = append([step(fields={"number": "S1"}, source=source)], author="A")
    (again,) = append([step(fields={"number": "S1"}, source=source)], author="A")
    assert again.repeated and again.seq == first.seq
    twins = [step(fields={"number": "S2"}, source=("monthly", "k2", "h")) for _ in range(2)]
    answers = append(twins, author="A")
    assert [a.repeated for a in answers] == [False, True] and answers[0].seq == answers[1].seq
    changed = step(
        fields={"number": "S1", "good": 70, "defects": [{"kind": "burst", "count": 10}]},
        source=("monthly", "2026-11-01/1/NO.01", "h2"),
    )
    (corrected,) = append([changed], author="A")
    assert (corrected.verdict, corrected.version) == (Verdict.ACCEPTED, 2)
    with seeing("A"):
        assert StepRecord.objects.get(key="S1").good == 70
        standing = Defect.objects.filter(until=None, parent__key="S1")
        assert list(standing.values_list("kind", "count")) == [("burst", 10)]
        assert Defect.objects.filter(until=2).count() == 1, "the replaced line stays readable"


def test_a_value_that_only_postgresql_refuses_is_found_and_quarantined() -> None:
    """The fields are the gate; should one leak, the batch is halved until the culprit is known."""
    field = StepRecord._meta.get_field("shots")
    keep, field.high = field.high, 10**30
    try:
        answers = append([step(), step(fields={"shots": 2**53 - 1}), step()], author="A")
        assert [a.verdict for a in answers] == [Verdict.ACCEPTED] * 3
        leak = step()
        leak.operation.fields["shots"] = 10**25
        answers = append([step(), leak, step()], author="A")
    finally:
        field.high = keep
    assert [a.verdict for a in answers] == [Verdict.ACCEPTED, Verdict.QUARANTINED, Verdict.ACCEPTED]
    assert answers[1].refusal.code == "database_refused"


def test_a_site_sees_its_own_rows_only() -> None:
    append([item()], author="A")
    append([item("B-1", site="B")], author="B")
    with seeing("A"):
        assert list(Item.objects.values_list("key", flat=True)) == ["100"]
        assert set(Entry.objects.values_list("site", flat=True)) == {"A"}
    with seeing("*"):
        assert Item.objects.count() == 2
    assert Item.objects.count() == 0, "no site set: nothing at all"


def test_the_application_cannot_write_past_the_door() -> None:
    append([item()], author="A")
    for sql in (
        "delete from item",
        "update entry set verdict = 'rejected'",
        "delete from entry",
        "truncate item",
        "update item set name = 'x'",
    ):
        with seeing("A"), connection.cursor() as cursor:
            try:
                cursor.execute("savepoint s")
                cursor.execute(sql)
                assert cursor.rowcount == 0, sql
            except Exception as error:
                assert "permission denied" in str(error), sql
                cursor.execute("rollback to savepoint s")
    with seeing("A"):
        assert Item.objects.get().name == "Cap"


def test_a_parked_operation_is_judged_again_when_what_it_misses_arrives() -> None:
    bom = make(
        "bom",
        "set",
        fields={
            "item": "P1",
            "variant": "1",
            "revision": "1",
            "lines": [{"item": "R1", "quantity": "50.36 kg", "per": 10000}],
        },
    )
    command = make(
        "bom", "command", object=bom.operation.object, fields={"command": "retire", "from": "draft"}
    )
    (parked,) = append([command], author="HQ")
    assert (parked.verdict, parked.refusal.code) == (Verdict.PARKED, "object_unknown")
    append([item("P1"), item("R1"), bom], author="A")
    with seeing("*"):
        second = Entry.objects.get(cause=parked.seq)
    assert (second.verdict, second.epoch, second.number) == (
        "accepted",
        uuid.UUID(command.epoch),
        command.number,
    )


def test_more_lines_than_one_insert_takes_are_written_too() -> None:
    lines = [{"kind": "burst", "count": n} for n in range(1, 41)]
    sent = make("step_record", fields={"number": "S9", "day": "2026-11-01", "defects": lines})
    (answer,) = append([sent], author="A")
    assert answer.verdict is Verdict.ACCEPTED
    with seeing("A"):
        assert sorted(Defect.objects.values_list("count", flat=True)) == list(range(1, 41))


def test_the_lines_of_a_document_are_a_field_like_any_other() -> None:
    """Their change is in the record with old and new, staleness counts, and equal lines change nothing."""
    append([item("P1"), item("R1")], author="A")
    fields = {"item": "P1", "variant": "1", "revision": "1"}
    lines = [{"item": "R1", "quantity": "50.36 kg"}]
    made = make("bom", "set", fields={**fields, "lines": lines})
    (first,) = append([made], author="A")
    assert first.verdict is Verdict.ACCEPTED, first
    known = made.operation.object
    same = make(
        "bom", "set", object=known, base=1, reason="same", fields={"lines": [{**lines[0], "per": 10000}]}
    )
    other = make(
        "bom",
        "set",
        object=known,
        base=1,
        reason="more",
        fields={"lines": [{"item": "R1", "quantity": "51 kg"}]},
    )
    stale = make("bom", "set", object=known, base=1, reason="late", fields={"lines": []})
    answers = append([same, other, stale], author="A")
    assert [a.verdict for a in answers] == [Verdict.ACCEPTED, Verdict.ACCEPTED, Verdict.CONFLICT]
    with seeing("A"):
        told = [orjson.loads(e.decision or "{}") for e in Entry.objects.filter(type="bom").order_by("seq")]
        standing = BomLine.objects.filter(parent__key="P1/1/1", until=None)
        assert [str(line.quantity) for line in standing] == ["51.000000"]
        assert BomLine.objects.count() == 2, "equal lines are not written anew"
    assert told[1]["after"] == {}
    assert told[2]["before"]["lines"][0]["quantity"] == "50.360000 kg"
    assert told[2]["after"]["lines"][0]["quantity"] == "51.000000 kg"
