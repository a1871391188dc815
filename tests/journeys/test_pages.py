"""The pages without a browser: who sees and may do what, how much a page asks, what a program gets."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from medloom.design.models import Parameter
from medloom.exchange.sequencer import Sequencer, start_epoch
from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Entry
from medloom.materials.models import Hold, Lot
from medloom.parties.models import User
from medloom.process import state
from medloom.production.models import StepRecord, WorkOrder
from tests.browser.network import LONG_LOT, Network, build, found
from tests.journeys.visiting import visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
#: Questions one page may ask, whatever the number of rows on it.
QUESTIONS_MOST = 40


@pytest.fixture
def net(transactional_db: None) -> Network:
    return build()


def conflict() -> int:
    with seeing(ALL):
        return Entry.objects.get(verdict="conflict").seq


def entries() -> int:
    with seeing(ALL):
        return Entry.objects.count()


def test_another_plants_objects_look_like_none(net: Network) -> None:
    siti = visitor("siti")
    order, lot = found(WorkOrder, "WO-0001").object, found(Lot, LONG_LOT).object
    hold, step = found(Hold, "H-1").object, found(StepRecord, "S-1").object
    with seeing(ALL):
        record = Entry.objects.filter(object=lot).first().seq
    addresses = [
        f"/o/work_order/{order}/",
        f"/o/work_order/{order}/?tab=history",
        f"/o/work_order/{order}/edit/",
        f"/o/work_order/{order}/do/acknowledge/",
        f"/o/lot/{lot}/?tab=trace",
        f"/o/hold/{hold}/",
        f"/holds/{hold}/clear/",
        f"/holds/raise/?lot={lot}",
        f"/o/step_record/{step}/",
        f"/ledger/{record}/",
        f"/conflicts/{conflict()}/",
    ]
    assert {address: siti.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 404)
    for address in ("/", "/o/lot/", "/o/work_order/", "/find/?q=WO-", "/stock/", "/ledger/", "/connections/"):
        text = siti.get(address).content.decode()
        assert "WO-0001" not in text, address
        assert "苏州" not in text, address
    sheet = siti.get("/o/work_order/?export=xlsx").content
    rows = list(openpyxl.load_workbook(io.BytesIO(sheet)).worksheets[0].values)
    assert len(rows) == 21, "its own twenty orders and the head"


def test_the_trace_of_a_lot_opens_on_what_is_asked_of_its_kind(net: Network) -> None:
    anna = visitor("anna")
    material, finished = found(Lot, LONG_LOT), found(Lot, "FG-1")
    with seeing(ALL):
        Lot.objects.filter(num=finished.num).update(kind="finished")
    opened = {
        (lot, way): anna.get(f"/o/lot/{lot.object}/?tab=trace{way}").context["way"]
        for lot in (material, finished)
        for way in ("", "&way=ahead", "&way=back", "&way=wrong")
    }
    assert [opened[material, way] for way in ("", "&way=back", "&way=wrong")] == ["ahead", "back", "ahead"]
    assert [opened[finished, way] for way in ("", "&way=ahead", "&way=wrong")] == ["back", "ahead", "back"]


def test_nobody_gets_in_without_a_login(net: Network) -> None:
    for address in ("/", "/o/lot/", "/ledger/", "/repair/", f"/conflicts/{conflict()}/"):
        answer = Client().get(address)
        assert answer.status_code == 302, address
        assert answer["Location"].startswith("/login/?next="), address
    assert Client().get("/o/lot/", headers={"HX-Request": "true"}).status_code == 401


def test_an_auditor_changes_nothing(net: Network) -> None:
    audit = visitor("audit")
    order, lot = found(WorkOrder, "WO-0058").object, found(Lot, LONG_LOT).object
    parameter, hold = found(Parameter, "PP-1/2").object, found(Hold, "H-1").object
    before = entries()
    said = {
        "reason": "because I can",
        "version": "4",
        "choice": "sent",
        "password": "x",
        "meaning": "approved",
    }
    group = "site=SZ&feed=shifts&type=step_record&verdict=quarantined&code=type_wrong&path=/fields/day"
    for address, more in (
        (f"/o/work_order/{order}/edit/", {}),
        ("/o/work_order/new/", {}),
        (f"/o/parameter/{parameter}/do/release/", {}),
        (f"/holds/raise/?lot={lot}", {}),
        (f"/holds/{hold}/clear/", {}),
        ("/dispatch/", {"object": str(order)}),
        (f"/conflicts/{conflict()}/", {}),
        (f"/repair/rows/?{group}", {"seq": "1"}),
        ("/matches/", {"pair": "x", "act": "same"}),
        ("/alarms/", {"alarm": "1"}),
    ):
        answer = audit.post(address, {**said, **more})
        assert answer.status_code in (403, 409), (address, answer.status_code)
    assert entries() == before


def test_a_change_without_a_reason_is_refused(net: Network) -> None:
    anna, before = visitor("anna"), entries()
    order = found(WorkOrder, "WO-0058").object
    answer = anna.post(f"/o/work_order/{order}/do/release/", {"from": "draft", "reason": " "})
    assert answer.status_code == 422
    assert "reason_missing" in answer.content.decode()
    assert entries() == before


def test_a_plant_writes_as_itself_and_only_what_it_owns(net: Network) -> None:
    lin = visitor("lin")
    order = found(WorkOrder, "WO-0002")
    address = f"/o/work_order/{order.object}/do"
    answer = lin.post(f"{address}/acknowledge/", {"from": "released", "reason": "machine is free"})
    assert answer.status_code == 302
    assert found(WorkOrder, "WO-0002").state == "acknowledged"
    with seeing(ALL):
        entry = Entry.objects.filter(object=order.object).latest("seq")
    assert entry.site == "SZ"
    assert User.objects.get(username="lin").actor in entry.body, "the person, by opaque id"
    assert "林示例" not in entry.body, "no name in any operation"
    assert lin.post(f"{address}/close/", {"from": "completed", "reason": "done here"}).status_code == 409


def test_a_page_asks_few_questions_whatever_its_rows(net: Network) -> None:
    anna = visitor("anna")
    lot = found(Lot, LONG_LOT).object
    asked = {}
    pages = ["/", "/o/work_order/", "/o/step_record/", "/ledger/", "/conflicts/", "/repair/", "/matches/"]
    for address in [*pages, f"/o/lot/{lot}/?tab=trace", f"/o/lot/{lot}/?tab=related", "/connections/"]:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert anna.get(address).status_code == 200, address
        asked[address] = len(seen)
    assert all(count <= QUESTIONS_MOST for count in asked.values()), asked


def test_odd_addresses_never_break_a_page(net: Network) -> None:
    anna = visitor("anna")
    odd = [
        "/o/work_order/?page=-1",
        "/o/work_order/?page=99999999999999999999",
        "/o/work_order/?order=;drop&columns=nothing&due=2026-13-45&state=x,y",
        "/o/work_order/?quantity=abc&q=%00%F0%9F%92%A3'\"",
        "/o/move/?quantity=1e999",
        "/ledger/?seq=abc&below=x&received=yesterday",
        "/ledger/?seq=99999999999999999999999",
        "/conflicts/?page=x&state=none",
        "/find/?q=%25%25'",
        "/stock/?q=%27%3B--&status=x&page=0",
        "/trace/?lot=%00",
        "/dictionary/?type=nothing",
        "/repair/?verdict=x&site=%00",
    ]
    assert [a for a in odd if anna.get(a).status_code not in (200, 400, 404, 422)] == []
    for missing in ("/o/nothing/", "/o/lot/00000000-0000-0000-0000-000000000000/", "/ledger/999999/"):
        assert anna.get(missing).status_code == 404, missing


def test_the_chains_are_recomputed_from_the_stored_bytes(net: Network, django_db_setup: Any) -> None:
    with psycopg.connect(**state.connection("app")) as app:
        start_epoch(app)
    with psycopg.connect(**state.connection("sequencer"), autocommit=True) as sequencer:
        sequence = Sequencer(sequencer)
        sequence.load()
        assert sequence.round() > 0
    text = visitor("anna").get("/ledger/?check=chains").content.decode()
    assert text.count("unbroken") >= 4
    assert "broken at position" not in text
    with psycopg.connect(**state.connection("owner"), autocommit=True) as owner:
        # what no role of ours may do: a superuser changes one byte of one record
        owner.execute(
            "update entry set body = replace(body, '2026-12-05', '2026-12-06') where body like '%2026-12-05%'"
        )
    text = visitor("anna").get("/ledger/?check=chains").content.decode()
    assert "broken at position" in text
    assert "unbroken" in text, "the other feeds still hold"


def test_a_program_is_told_a_problem_as_json(net: Network) -> None:
    answer = visitor("anna").get("/holds/raise/", headers={"Accept": "application/json"})
    assert answer.status_code == 422
    told = answer.json()
    assert told["code"] == "nothing_selected"
    assert told["path"] == "/object"
    assert told["expected"]
