"""What only large batches take: COPY by a temporary table, twice into one table, into a partition."""

from __future__ import annotations

import pytest

from medloom.kernel import ledger
from medloom.kernel.access import seeing
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry
from medloom.kernel.queries import FEW, escape, partition_of, plain
from medloom.kernel.tests.making import make
from medloom.materials.models import Lot
from medloom.production.models import Defect, StepRecord
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
COUNT = 3 * FEW


def records(count: int = COUNT):
    return [
        make(
            "step_record",
            fields={
                "number": f"S{i}",
                "day": "2026-11-01",
                "resin_lot": f"R{i}",
                "note": "tab\tback\\slash\nline",
                "defects": [{"kind": "other", "count": 1}, {"kind": "stain", "count": 2}],
            },
        )
        for i in range(count)
    ]


def test_placeholders_and_new_objects_of_one_type_in_one_batch() -> None:
    lots = [make("lot", "set", fields={"number": f"L{i}"}) for i in range(COUNT)]
    answers = append([*records(), *lots], author="A")
    assert {a.verdict for a in answers} == {Verdict.ACCEPTED}
    with seeing("A"):
        assert Lot.objects.filter(placeholder=True).count() == COUNT
        assert Lot.objects.filter(placeholder=False).count() == COUNT
        assert Defect.objects.count() == 2 * COUNT
        assert set(StepRecord.objects.values_list("note", flat=True)) == {"tab\tback\\slash\nline"}
        assert Entry.objects.count() == 2 * COUNT


def test_a_second_batch_on_the_same_connection_adds_only_its_own() -> None:
    append(records(), author="A")
    again = append(records(), author="A")
    assert {a.version for a in again} == {2}, "the same records in other operations: corrections"
    with seeing("A"):
        assert StepRecord.objects.count() == COUNT
        assert Defect.objects.filter(until=None).count() == 2 * COUNT


def test_a_fault_of_the_hub_quarantines_nothing(monkeypatch) -> None:
    """When PostgreSQL refuses everything, the data is not to blame: nothing is written."""
    monkeypatch.setattr(ledger, "current_build", lambda cursor: 10**9)
    with pytest.raises(ledger.Unfit):
        append(records(), author="A")
    with seeing("A"):
        assert Entry.objects.count() == 0


def test_cells_and_partitions() -> None:
    assert [plain(c) for c in ("\\N", "a\\tb", "back\\\\slash", "x")] == [None, "a\tb", "back\\slash", "x"]
    assert [partition_of(seq) for seq in (19_999_999, 20_000_000)] == ["entry_p0", "entry_p1"]
    for text in ("a\tb", "back\\slash", "two\r\nlines", "\\N", ""):
        assert plain(escape(text)) == text
