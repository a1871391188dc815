"""What only large batches take: arrays for typed rows, COPY for entries, twice into one table."""

from __future__ import annotations

from decimal import Decimal

import pytest

from medloom.kernel import ledger, queries
from medloom.kernel.access import seeing
from medloom.kernel.cursor import one_transaction
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry
from medloom.kernel.queries import MANY, copy_line, copy_lines
from medloom.kernel.tests.making import make
from medloom.materials.models import Lot
from medloom.production.models import Defect, StepRecord
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
COUNT = 3 * MANY


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


def test_entries_go_each_to_its_own_partition(monkeypatch) -> None:
    found = []
    monkeypatch.setattr(
        queries, "copy_lines", lambda cursor, table, columns, lines: found.append((table, [*lines]))
    )
    first = queries.PARTITION_ROWS - MANY
    entries = [(seq, (str(seq), "\\x00", "tab\t"), False) for seq in range(first, first + 2 * MANY)]
    queries.write_entries(None, ("seq", "hash", "body"), entries, many=True)
    assert [(table, len(lines)) for table, lines in found] == [("entry_p0", MANY), ("entry_p1", MANY)]
    assert found[1][1][0] == f"{queries.PARTITION_ROWS}\t\\\\x00\ttab\\t\n"


def test_a_clean_row_is_written_as_any_other() -> None:
    row = ("1", "A", None, "\\x00ff", '{"body": ""}', "")
    assert copy_line(row, clean=True) == copy_line(row) == '1\tA\t\\N\t\\\\x00ff\t{"body": ""}\t\n'


TEXTS = ["a\tb", "back\\slash", "two\r\nlines", "\\N", "", "NULL", 'quo"te', "{,}", None, "工厂"]


def test_arrays_and_copy_bring_every_text_as_it_is() -> None:
    with one_transaction() as cursor:
        asked = cursor.execute("select v from unnest(%s::text[]) v", (TEXTS,))
        assert [row["v"] for row in asked.fetchall()] == TEXTS
        cursor.execute("create temporary table copied (at int, v text) on commit drop")
        copy_lines(cursor, "copied", ("at", "v"), [copy_line((str(i), v)) for i, v in enumerate(TEXTS)])
        assert [row["v"] for row in cursor.execute("select v from copied order by at").fetchall()] == TEXTS
        numbers = cursor.execute(
            "select %s::numeric[] as n, %s::int[] as none", ([Decimal("1.50"), None], [])
        )
        assert numbers.fetchone() == {"n": [Decimal("1.50"), None], "none": []}
