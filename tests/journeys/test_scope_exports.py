"""A scope leaves the house as workbook, report and EPCIS events; each says the same lots and proofs."""

from __future__ import annotations

import datetime as dt
import io
import json
import shutil
import subprocess
import uuid
from typing import Any
from urllib.parse import urlencode

import openpyxl
import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from medloom.formats.epcis.events import document_faults
from medloom.formats.epcis.making import own_name
from medloom.interfaces.web import scopeprint
from medloom.interfaces.web.exportjobs import KEPT_DAYS, drop_old, run_job
from medloom.interfaces.web.views import recallexport
from medloom.kernel.access import ALL, seeing
from medloom.trace.frozen import queries as freezing
from medloom.trace.models import Scope, ScopeExport
from tests.browser.network import LONG_LOT, Network, build, sequence
from tests.journeys.visiting import visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

QUESTION = f'affected({{lot = "{LONG_LOT}"; site = "SZ"}})'
EVIL = "=HYPERLINK(1)"
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


@pytest.fixture
def client(transactional_db: None) -> Client:
    """The registrant's quality manager, speaking English."""
    _goods(build())
    return visitor("anna")


def _goods(net: Network) -> None:
    """A lot with a name that a spreadsheet would run, a delivery to the second plant, a shipment."""
    evil = {
        "number": "S-E",
        "day": "2026-11-04",
        "output_lot": EVIL,
        "good": 5,
        "inputs": [{"lot": "FG-0", "quantity": "2"}],
    }
    net.plant("SZ", "step_record", "observe", evil)
    sent = {"partner": "SZ", "partner_lot": "FG-1", "quantity": "40", "unit": "1", "received": "2026-11-08"}
    net.plant("PG", "receipt", "observe", {"number": "RC", "lot": "PG-IN", **sent})
    lines = [{"lot": "PG-IN", "quantity": "12", "first": "SN-1", "last": "SN-12"}]
    shipped = {"number": "SH-1", "consignee": "CLINIC", "shipped": "2026-11-20", "lines": lines}
    net.plant("PG", "shipment", "observe", shipped)


EXPECTED = {LONG_LOT, EVIL, "PG-IN", *(f"FG-{n}" for n in range(8))}


def export(client: Client, kind: str) -> bytes:
    answer = client.get(f"/scope/export/{kind}/?{urlencode({'q': QUESTION})}")
    assert answer.status_code == 200, answer.content[:300]
    assert answer["Content-Disposition"].endswith(f'.{kind}"')
    return answer.content


def test_the_workbook_holds_every_lot_with_its_proof_and_runs_nothing(client: Client) -> None:
    book = openpyxl.load_workbook(io.BytesIO(export(client, "xlsx")))
    rows = list(book["Lots"].values)
    head = list(rows[0])
    lots = {str(row[head.index("Lot number")]).lstrip("'") for row in rows[1:]}
    assert lots == EXPECTED
    assert all(int(row[head.index("Proof")]) > 0 for row in rows[1:])
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    assert any(cell.value == f"'{EVIL}" for cell in cells)
    assert [row[2:8] for row in book["Shipments"].values][1] == (
        "CLINIC", "2026-11-20", "PG-IN", 12, "SN-1", "SN-12",
    )  # fmt: skip
    (found,) = list(book["Consignees"].values)[1:]
    told = dict(zip(next(book["Consignees"].values), found, strict=True))
    assert (told["Consignee"], told["Quantity"], told["Unit"]) == ("CLINIC", 12, "pieces")
    assert (told["From plant"], told["Lot numbers"], told["First shipped"]) == ("PG", "PG-IN", "2026-11-20")
    assert QUESTION in {row[1] for row in book["About"].values}


def test_the_events_stand_the_checks_and_name_the_same_lots(client: Client) -> None:
    document = json.loads(export(client, "json"))
    assert document_faults(document) == []
    events = document["epcisBody"]["eventList"]
    classes = {
        entry["epcClass"]
        for event in events
        for name in ("inputQuantityList", "outputQuantityList", "quantityList")
        for entry in event.get(name, ())
    }
    things = [own_name(each) for each in classes]
    assert {thing.lot for thing in things if thing} == EXPECTED
    (sent,) = [event for event in events if event["bizStep"] == "shipping"]
    assert sent["destinationList"] == [
        {"type": "owning_party", "destination": "urn:medloom:consignee:CLINIC"}
    ]
    assert sent["bizTransactionList"] == [
        {"type": "desadv", "bizTransaction": "urn:medloom:shipment:PG:SH-1"}
    ]
    steps = [event["bizStep"] for event in events]
    assert {step: steps.count(step) for step in set(steps)} == {
        "commissioning": 9,
        "receiving": 1,
        "shipping": 1,
    }


def test_the_report_is_printed_with_chinese_letters(client: Client) -> None:
    client.cookies["django_language"] = "zh-hans"
    body = export(client, "pdf")
    assert body.startswith(b"%PDF-")
    assert b"NotoSansSC" in body, "its own letters are inside: no reader needs a font"
    if shutil.which("pdftotext"):
        told = subprocess.run(
            ["pdftotext", "-", "-"], input=body, capture_output=True, check=True
        ).stdout.decode()
        assert "召回范围" in told
        assert "CLINIC" in told
        assert LONG_LOT in told


def test_without_its_letters_the_report_names_the_command(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(scopeprint, "FONTS", tmp_path)
    answer = client.get(f"/scope/export/pdf/?{urlencode({'q': QUESTION})}")
    assert answer.status_code == 503
    assert b"make assets" in answer.content


def test_a_frozen_scope_is_exported_as_it_was_kept(client: Client) -> None:
    given = {"q": QUESTION, "title": "Black spots", "reason": "complaint 12"}
    assert client.post("/scope/freeze/", given).status_code == 302
    with seeing(ALL):
        scope = Scope.objects.get()
    answer = client.get(f"/scope/{scope.object}/export/xlsx/")
    told = {row[0]: row[1] for row in openpyxl.load_workbook(io.BytesIO(answer.content))["About"].values}
    assert (told["Scope number"], told["Digest of its lines"]) == (scope.number, scope.digest)


def sent_since() -> None:
    """A shipment and a return that names its consignee, both without a day; a return that names nobody."""
    net = Network({"PG": 1_000})
    lines = [{"lot": "PG-IN", "quantity": "5"}]
    net.plant("PG", "shipment", "observe", {"number": "SH-2", "consignee": "LATE", "lines": lines})
    back = {"lot": "PG-IN", "kind": "returned", "unit": "1"}
    net.plant("PG", "move", "observe", {"number": "RT-1", "quantity": "4", "consignee": "CLINIC", **back})
    nobody = {"number": "RT-2", "quantity": "2", "target": "IN", "moved": "2026-11-22"}
    net.plant("PG", "move", "observe", nobody | back)


def consignees_of(body: bytes) -> list[tuple[Any, ...]]:
    """Consignee, quantity, what came back, what is still out."""
    head, *rows = list(openpyxl.load_workbook(io.BytesIO(body))["Consignees"].values)
    at = [head.index(name) for name in ("Consignee", "Quantity", "Came back", "Still out there")]
    return [tuple(row[n] for n in at) for row in rows]


def frozen(client: Client) -> Scope:
    given = {"q": QUESTION, "title": "Black spots", "reason": "complaint 12"}
    assert client.post("/scope/freeze/", given).status_code == 302
    with seeing(ALL):
        return Scope.objects.order_by("-num")[0]


def test_consignees_of_a_frozen_scope_stay_in_every_export_and_the_page_tells_what_came_since(
    client: Client,
) -> None:
    scope = frozen(client)
    sent_since()
    at = f"/scope/{scope.object}/"
    assert consignees_of(client.get(f"{at}export/xlsx/").content) == [("CLINIC", 12, 0, 12)]
    events = client.get(f"{at}export/json/").json()["epcisBody"]["eventList"]
    assert [e["destinationList"] for e in events if e["bizStep"] == "shipping"] == [
        [{"type": "owning_party", "destination": "urn:medloom:consignee:CLINIC"}]
    ]
    page = client.get(at).content.decode()
    since = page.split('id="handed-since"')[1].split("</section>")[0]
    assert "1 shipment recorded or changed since the freeze" in since and "2 returns" in since
    assert "SH-2" in since and f"supersedes={scope.number}" in since
    assert "LATE" not in page.split('id="consignees"')[1].split("</table>")[0]
    again = frozen(client)
    assert consignees_of(client.get(f"/scope/{again.object}/export/xlsx/").content) == [
        ("CLINIC", 12, 4, 8), ("LATE", 5, 0, 5), ("Came back, nobody named", 0, 2, ""),
    ]  # fmt: skip
    assert 'id="handed-since"' not in client.get(f"/scope/{again.object}/").content.decode()


def test_what_has_no_day_is_counted_where_events_cannot_tell_it(client: Client) -> None:
    sent_since()
    document = json.loads(export(client, "json"))
    assert document_faults(document) == []
    assert document["medloom:leftOut"] == {
        "medloom:why": "no day is recorded", "medloom:shipments": 1, "medloom:returns": 1,
    }  # fmt: skip
    (back,) = [e for e in document["epcisBody"]["eventList"] if e.get("disposition") == "returned"]
    assert back["bizStep"] == "receiving" and "sourceList" not in back
    page = client.get(f"/scope/?{urlencode({'q': QUESTION})}").content.decode()
    assert "1 shipment, 1 return" in page.split('id="left-out"')[1].split("</p>")[0]


def test_a_scope_frozen_before_consignees_were_kept_verifies_and_says_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as old:
        old.setattr(freezing, "handed_over", lambda cursor, lots: [])
        scope = frozen(client)
    with seeing(ALL):
        Scope.objects.update(consignments=None)
    sent_since()
    page = client.get(f"/scope/{scope.object}/").content.decode()
    assert 'id="handed-today"' in page and 'id="handed-since"' not in page and "LATE" in page
    body = client.get(f"/scope/{scope.object}/export/xlsx/").content
    assert consignees_of(body)[1] == ("LATE", 5, 0, 5)
    about = {row[0]: row[1] for row in openpyxl.load_workbook(io.BytesIO(body))["About"].values}
    assert about["Consignees"] == "as the shipments say today"
    sequence()
    proofs = client.get(f"/scope/{scope.object}/proofs.json").json()
    assert (proofs["digest"], proofs["consignments"]) == (scope.digest, [])


REFUSED = {
    "/scope/export/xlsx/?q=nonsense": 422,
    "/scope/export/xlsx/": 422,
    "/scope/export/exe/?q=%7Blot%3D%22A%22%7D": 404,
    "/scope/values/nothing/": 404,
    "/scope/?q=%00": 422,
    "/scope/?name0-0=lot&value0-0=%00": 422,
    "/scope/00000000-0000-0000-0000-000000000000/": 404,
}


def test_what_is_not_there_or_not_meant_is_refused(client: Client) -> None:
    assert {address: client.get(address).status_code for address in REFUSED} == REFUSED


def test_a_large_export_is_a_job_that_only_its_owner_fetches(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recallexport, "EXPORTED_MOST", 3)
    offered = client.get(f"/scope/export/xlsx/?{urlencode({'q': QUESTION})}")
    assert b"/scope/exports/" in offered.content
    answer = client.post("/scope/exports/", {"kind": "xlsx", "question": QUESTION})
    page = answer["Location"]
    told = ProcrastinateJob.objects.filter(task_name="medloom.make_export").values_list("args", flat=True)
    (job,) = [uuid.UUID(args["job"]) for args in told]
    assert "Waiting for the worker" in client.get(page).content.decode()
    assert client.get(f"{page}file/").status_code == 404
    assert run_job(job, at=NOW) == "done"
    assert run_job(job, at=NOW) == "left", "a second worker leaves it alone"
    assert 'id="fetch"' in client.get(page).content.decode()
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{page}file/").content))
    assert book["Lots"].max_row == len(EXPECTED) + 1
    other = visitor("audit")
    assert other.get(page).status_code == other.get(f"{page}file/").status_code == 404
    asked = ScopeExport.objects.get().asked
    assert drop_old(asked + dt.timedelta(days=KEPT_DAYS)) == 0
    assert drop_old(asked + dt.timedelta(days=KEPT_DAYS, seconds=1)) == 1


def test_a_job_that_cannot_be_made_says_why(client: Client) -> None:
    page = client.post("/scope/exports/", {"kind": "pdf", "question": "nonsense"})["Location"]
    assert run_job(uuid.UUID(page.split("/")[-2]), at=NOW) == "failed"
    told = client.get(page).content.decode()
    assert "cannot be read" in told
    assert "hx-get" not in told.split('id="job"')[1].split(">")[0], "nothing more is waited for"
    assert client.post("/scope/exports/", {"kind": "exe", "question": QUESTION}).status_code == 404
