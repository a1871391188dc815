"""Lists that say what no field holds: what an inspection found, which receipts nothing joined yet."""

from __future__ import annotations

import pytest
from django.db import connection

from medloom.kernel.access import ALL, seeing
from medloom.materials.models import Lot, Serial
from medloom.production.models import StepRecord
from tests.browser.network import Network, build
from tests.journeys.laboratories import deliver_blocks
from tests.journeys.sending import plant
from tests.journeys.test_pages import visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None) -> Network:
    return build()


def test_receipts_that_nothing_joined_are_listed_for_the_registrant_alone(net: Network) -> None:
    plant("lot", site="SZ", fields={"number": "SENT-1", "kind": "intermediate"})
    for number, sent in (("R-1", "SENT-1"), ("R-2", "NOT-TOLD"), ("R-3", None)):
        plant("lot", site="PG", fields={"number": f"L-{number}"})
        fields = {"number": number, "lot": f"L-{number}", "partner": "SZ", "quantity": "5", "unit": "1"}
        plant("receipt", site="PG", fields=fields | ({"partner_lot": sent} if sent else {}))
    client = visitor("anna")
    everything = client.get("/o/receipt/").content.decode()
    assert everything.count("Not joined yet") >= 2  # the choice of the query, and R-2
    found = {word: client.get("/o/receipt/", {"joined": word}).content.decode() for word in
             ("joined", "unjoined", "unnumbered")}  # fmt: skip
    for word, number in (("joined", "R-1"), ("unjoined", "R-2"), ("unnumbered", "R-3")):
        assert [n for n in ("R-1", "R-2", "R-3") if f">{n}</a>" in found[word]] == [number], word
    # What the other plant has is not told to the plant that received it: neither question nor column.
    theirs = visitor("siti").get("/o/receipt/", {"joined": "unjoined"}).content.decode()
    assert all(f">{n}</a>" in theirs for n in ("R-1", "R-2", "R-3"))
    assert 'id="q-joined"' not in theirs and "Not joined yet" not in theirs


def test_inspections_tell_how_many_results_are_out(net: Network) -> None:
    deliver_blocks("SZ")
    plant("lot", site="SZ", fields={"number": "SOUND-1"})
    for number in ("SOUND", "EMPTY"):
        plant("inspection", site="SZ", fields={"number": number, "lot": "SOUND-1", "laboratory": "LAB1"})
    result = {"number": "SOUND/1", "lot": "SOUND-1", "inspection": "SOUND", "value": "4", "unit": "mm"}
    plant("result", site="SZ", fields=result | {"judged": "pass", "laboratory": "LAB1"})
    client = visitor("anna")
    with seeing(ALL), connection.cursor() as cursor:
        cursor.execute(
            """select n.key, count(r.num), count(r.num) filter (where
                 (s.num is not null and s.unit = r.unit and (r.value < s.low or r.value > s.high))
                 or ((s.num is null or s.unit <> r.unit) and r.judged = 'fail'))
               from inspection n left join result r on r.inspection_id = n.num and not r.voided
               left join specification s on s.num = r.specification_id
               where not n.voided group by n.key"""
        )
        told = cursor.fetchall()
    out = {key for key, _count, wrong in told if wrong}
    assert out == {key for key, *_ in told} - {"SOUND", "EMPTY"}
    page = client.get("/o/inspection/", {"found": "out"}).content.decode()
    assert {key for key, *_ in told if f">{key}</a>" in page} == out
    page = client.get("/o/inspection/", {"found": "in"}).content.decode()
    assert {key for key, *_ in told if f">{key}</a>" in page} == {"SOUND"}
    page = client.get("/o/inspection/", {"found": "none"}).content.decode()
    assert {key for key, *_ in told if f">{key}</a>" in page} == {"EMPTY"}
    sheet = client.get("/o/inspection/", {"export": "xlsx"})
    assert sheet.status_code == 200


def test_figures_above_the_facts_are_those_of_the_records(net: Network) -> None:
    made = {"day": "2026-11-02", "output_lot": "G-OUT", "total": 100, "good": 97, "shots": 50, "cavities": 2}
    plant("step_record", site="SZ", fields={"number": "G-1"} | made)
    plant("step_record", site="SZ", fields={"number": "G-2"} | made | {"shots": 49})
    plant("serial", site="SZ", fields={"lot": "G-OUT", "number": "00007"})
    client = visitor("anna")
    with seeing(ALL):
        steps = {row.key: row.object for row in StepRecord.objects.filter(key__startswith="G-")}
        lot, unit = Lot.objects.get(key="G-OUT"), Serial.objects.get(number="00007")
    sound = client.get(f"/o/step_record/{steps['G-1']}/").content.decode()
    assert "97.0 %" in sound and '<b data-tone="good">100</b>' in sound
    assert '<b data-tone="bad">98</b>' in client.get(f"/o/step_record/{steps['G-2']}/").content.decode()
    page = client.get(f"/o/lot/{lot.object}/").content.decode()
    assert "Quantity made <b>194</b>" in page and f"/o/serial/?lot={lot.key}" in page
    assert "Disposition of the lot" in client.get(f"/o/serial/{unit.object}/").content.decode()
