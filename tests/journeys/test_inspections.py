"""Inspections of two laboratories: both stand, lots are blocked, one disagreement is decided and undone."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from medloom.demo import released
from medloom.demo.metrology import FIRST, SECOND, parts, qif
from medloom.design.models import Specification
from medloom.inspection.actions import settle
from medloom.inspection.models import Disagreement, Gauge, Inspection, Result, Stand
from medloom.inspection.queries import inspection_files, measured_parts
from medloom.interfaces.commands.plan import plan
from medloom.interfaces.web.measuring import compared, issues, matrix
from medloom.kernel.access import seeing
from medloom.kernel.cursor import open_cursor
from medloom.materials.actions import merge_lots
from medloom.materials.models import Hold, Lot
from medloom.wire.verdict import Verdict
from tests.journeys.laboratories import deliver, deliver_blocks, release
from tests.journeys.sending import ACT, registrant
from tests.plant_files import DATA

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

PLATES = DATA / "nist_mtc_machined_parts"


def asked(site: str, item: str):
    """What the pages ask."""
    with seeing("*"), open_cursor() as cursor:
        return measured_parts(cursor, site, item), inspection_files(cursor, site, item)


def test_two_laboratories_stand_beside_each_other_and_disagree_once() -> None:
    answers = deliver_blocks("A")
    assert Counter(a.verdict for a in answers) == {Verdict.ACCEPTED: len(answers)}
    told = Counter(finding.code for answer in answers for finding in answer.findings)
    assert told == {"out_of_limits": 35, "unknown_item": told["unknown_item"]}, "nothing else is found"
    with seeing("*"):
        assert (Inspection.objects.count(), Result.objects.count()) == (20, 120)
        assert {gauge.key for gauge in Gauge.objects.all()} == {"CMM-LAB1", "CMM-LAB2"}
        # The radius is out on all ten: each is blocked, and it is one suspicion about the drawing.
        assert Hold.objects.filter(state="open").count() == 10
        (one,) = Disagreement.objects.all()
        assert (one.key, one.state, one.item.key) == ("B-2003/LAB1~LAB2", "open", "B-2003")
    rows, files = asked("A", "B-2003")
    found = matrix(rows)
    assert [(one.laboratories, one.line.characteristic) for one in found.suspects] == [
        (("LAB1", "LAB2"), "EDGE1/RADIUS1")
    ], "one suspicion about the specification, whoever measured"
    assert [(part.lot, dict(part.by_laboratory)) for part in found.large] == [
        ("BLOCK-04", {"LAB1": 3, "LAB2": 3}),
        ("BLOCK-07", {"LAB1": 3, "LAB2": 3}),
        ("BLOCK-09", {"LAB2": 3}),
    ]
    assert [(f["laboratory"], f["parts"], f["results"], f["stated_out"], f["out"]) for f in files] == [
        ("LAB1", 10, 60, 16, 16),
        ("LAB2", 10, 60, 19, 19),
    ]
    sides = compared(rows, "A", "B-2003")
    told = issues(sides["LAB1"], sides["LAB2"], {})
    assert {issue.lots for issue in told} == {("BLOCK-09",)} and len(told) == 3

    decide(one.num)
    again = deliver("A", "LAB1_again.qif", qif(FIRST, parts(FIRST)), "machining")
    assert {a.verdict for a in again} == {Verdict.ACCEPTED}
    with seeing("*"):
        assert (Result.objects.count(), Disagreement.objects.count()) == (120, 1), "read again adds nothing"
        assert Hold.objects.filter(state="open").count() == 10


def decide(num: int) -> None:
    """Settle the disagreement as the registrant, and open it again."""
    with seeing("*"):
        one = Disagreement.objects.get(num=num)
    stands = {f"B-2003.HOLE{n}.DIAMETER1": "remeasure" if n == 1 else "second" for n in (1, 2, 3)}
    decision = settle(
        act=ACT, site="A", disagreement=str(one.object), base=one.version, stands=stands, reason="gauge lent"
    )
    assert {a.verdict for a in registrant(*decision)} == {Verdict.ACCEPTED}
    with seeing("*"):
        one.refresh_from_db()
        assert (one.state, one.outcome) == ("settled", "each")
        lines = Stand.objects.filter(parent_id=one.num, until=None)
        assert {line.characteristic: line.stands for line in lines} == stands
        assert Hold.objects.filter(state="open").count() == 10, "a decision releases nothing"
    again = ACT.command(
        "disagreement", str(one.object), site="A", name="reopen", state="settled", reason="new gauge"
    )
    assert [a.verdict for a in registrant(again)] == [Verdict.ACCEPTED]
    with seeing("*"):
        one.refresh_from_db()
        assert one.state == "open"


def test_half_an_inspection_is_not_compared_and_a_nameless_part_stands_apart() -> None:
    release("A", released.generated("B-2003"))
    deliver("A", "LAB1_blocks.qif", qif(FIRST, parts(FIRST, nameless=10)), "machining")
    with seeing("*"):
        assert Lot.objects.filter(key="BLOCK-10?").exists(), "its place in the file, and a question mark"
        assert Result.objects.filter(lot__key="BLOCK-10?").count() == 6
    merged = merge_lots(act=ACT, site="A", lot="BLOCK-09", other="BLOCK-10?", reason="the tag was found")
    assert [a.verdict for a in registrant(merged)] == [Verdict.ACCEPTED]
    assert {row["lot"] for row in asked("A", "B-2003")[0]} == {f"BLOCK-{n:02}" for n in range(1, 10)}
    # One value of each part is damaged: those parts are not complete, so nobody is told to disagree yet.
    data = qif(SECOND, parts(SECOND)).replace(b"<CharacteristicItemId>i3", b"<CharacteristicItemId>lost")
    answers = deliver("A", "LAB2_blocks.qif", data, "machining")
    assert Counter(str(a.verdict) for a in answers)["quarantined"] == 10
    with seeing("*"):
        assert Disagreement.objects.count() == 0
    deliver("A", "LAB2_blocks.qif", qif(SECOND, parts(SECOND)), "machining")
    with seeing("*"):
        assert Disagreement.objects.count() == 1


def test_a_plan_is_taken_over_by_command_once(tmp_path: Path) -> None:
    made = registrant(ACT.create("site", site="A", fields={"code": "A", "name": "A", "zone": "UTC"}))
    assert made[0].verdict is Verdict.ACCEPTED
    file = tmp_path / "plan.qif"
    file.write_bytes(qif(FIRST, parts(FIRST, count=1)))
    arguments = ["import", str(file), "--site", "A", "--item", "B-2003", "--json"]

    def counted(*more: str) -> dict[str, int]:
        done = CliRunner().invoke(plan, [*arguments, *more])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)["counts"]

    assert counted("--dry-run") == {"new": 6}
    assert counted("--release") == {"new": 6}
    assert counted("--release") == {"same": 6}
    file.write_bytes(file.read_bytes().replace(b"<MaxValue>0.25", b"<MaxValue>0.2", 1))
    assert counted("--release") == {"next": 1, "same": 5}
    with seeing("*"):
        found = {(s.revision, s.state) for s in Specification.objects.filter(number="B-2003.HOLE1.DIAMETER1")}
    assert found == {("A", "superseded"), ("B", "released")}
    file.write_bytes(b"<!DOCTYPE a><QIFDocument/>")
    broken = CliRunner().invoke(plan, arguments)
    assert broken.exit_code == 1 and "file_doctype" in str(broken.exception)


def test_the_real_plates_are_found_as_their_source_says() -> None:
    if not PLATES.is_dir():
        assert released.CHARACTERISTICS, "real files: name their folder in MEDLOOM_DATA"
        return
    release("B", [each for each in released.plates(PLATES) if each[0] == "specification"])
    for folder in ("incoming_inspection", "fair"):
        for path in sorted(PLATES.joinpath(folder).iterdir()):
            answers = deliver("B", f"{folder}/{path.name}", path.read_bytes(), "plant_b")
            assert {a.verdict for a in answers} == {Verdict.ACCEPTED}, path.name
    rows, files = asked("B", "PLATE")
    told = {(f["laboratory"], Path(f["file"]).suffix.lower()): f for f in files}
    assert [(f["parts"], f["results"], f["stated_out"]) for f in told.values()] == [
        (20, 620, 51),
        (20, 620, 0),
        (20, 760, 98),
    ]
    assert {key: f["out"] for key, f in told.items()} == {
        ("MTC", ".qif"): 51,
        ("MTC", ".xlsx"): 51,
        ("NIST", ".qif"): 98,
    }
    found = matrix(rows)
    assert [(one.laboratories, one.line.characteristic) for one in found.suspects] == [
        (("MTC",), "CYLINDER3/RADIUS1")
    ]
    large = {part.lot: dict(part.by_laboratory) for part in found.large}
    assert {lot: count["MTC"] for lot, count in large.items()} == {
        "PLATE-13": 3, "PLATE-14": 3, "PLATE-15": 1, "PLATE-16": 8, "PLATE-17": 8, "PLATE-18": 8,
    }  # fmt: skip
    assert all(count.get("NIST") for count in large.values())
    with seeing("*"):
        (one,) = Disagreement.objects.all()
        assert one.key == "PLATE/MTC~NIST"
        held = set(Hold.objects.filter(state="open").values_list("lot__key", flat=True))
    assert {f"PLATE-{n:02}" for n in range(1, 21)} <= held
    sides = compared(rows, "B", "PLATE")
    subjects = {issue.subject: issue for issue in issues(sides["MTC"], sides["NIST"], {})}
    assert set(subjects) == {"radius 2.5", "angle 90"}, "the holes that are too large are no contrast"
    assert (subjects["radius 2.5"].first_out, subjects["angle 90"].second_out) == (20, 19)
