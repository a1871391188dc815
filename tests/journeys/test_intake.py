"""A plant without any system sends a filled-in template or a form: looked at, recorded, set back."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from medloom.design.models import Item
from medloom.governance.models import Upload
from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Entry
from medloom.materials.models import Lot, Move
from medloom.parties.models import Site, User
from tests.browser.network import Network, build, found
from tests.journeys.visiting import visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
WHY = {"reason": "stock of the first day"}


@pytest.fixture
def net(transactional_db: None) -> Network:
    return build()


def filled(client: Client, name: str, rows: list[dict[str, Any]], language: str = "en") -> bytes:
    """The template from the page, with these rows (header without its star -> cell) below the sample."""
    book = openpyxl.load_workbook(
        io.BytesIO(client.get(f"/intake/template/{name}/?language={language}").content)
    )
    page = book.worksheets[0]
    heads = {str(cell.value).rstrip("*"): cell.column for cell in page[2] if cell.value}
    for number, row in enumerate(rows, start=4):
        for header, value in row.items():
            page.cell(number, heads[header], value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def send(client: Client, data: bytes, name: str = "first.xlsx", **more: str) -> Any:
    return client.post("/intake/", {"file": SimpleUploadedFile(name, data), **more})


def words(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def entries() -> int:
    with seeing(ALL):
        return Entry.objects.count()


LOTS = [
    {"Lot number": "zero-0001", "Item": "10001", "Kind of lot": "Material"},
    {"Lot number": "ＺＥＲＯ-\u200b0002", "Item": "10001"},
    {"Lot number": "ZERO-0003", "Item": "10001", "Made on": "00:00.0"},
]


def test_a_file_is_looked_at_recorded_as_the_site_and_once(net: Network) -> None:
    lin, before = visitor("lin"), entries()
    data = filled(lin, "lot", LOTS)
    shown = lin.get(send(lin, data)["Location"])
    assert entries() == before, "looking records nothing"
    text = words(shown)
    assert "/o/lot/" not in shown.content.decode().split("<tbody>")[1], "what is not recorded has no page"
    assert "D6 Made on" in text and "sample row is not imported" in text
    upload = Upload.objects.get()
    address = f"/intake/{upload.id}/"
    assert lin.post(f"{address}record/", {"reason": " "}).status_code == 422
    assert lin.post(f"{address}record/", WHY)["Location"] == address
    assert found(Lot, "ZERO-0001").kind == "material"
    assert found(Lot, "ZERO-0002").item_id == found(Item, "10001").num, (
        "full width and invisible characters are mended"
    )
    with seeing(ALL):
        entry = Entry.objects.filter(object=found(Lot, "ZERO-0001").object).latest("seq")
        raw = Entry.objects.latest("seq")
    assert (entry.site, entry.source) == ("SZ", "template_lot")
    assert User.objects.get(username="lin").actor in entry.body
    assert raw.verdict == "quarantined" and "00:00.0" in raw.body
    done = entries()
    assert done == before + 3
    assert lin.post(f"{address}record/", WHY).status_code == 409
    send(lin, data, name="again.xlsx")
    again = Upload.objects.exclude(id=upload.id).get()
    assert words(lin.get(f"/intake/{again.id}/")).count("Stands already") >= 2
    lin.post(f"/intake/{again.id}/record/", WHY)
    assert entries() == done, "the same rows again make nothing new"


def test_a_changed_row_changes_and_is_set_back(net: Network) -> None:
    lin = visitor("lin")
    send(lin, filled(lin, "item", [{"Item number": "10001", "Item name": "Housing B"}]))
    upload = Upload.objects.get()
    lin.post(f"/intake/{upload.id}/record/", WHY)
    assert found(Item, "10001").name == "Housing B" and found(Item, "10001").kind == "component"
    answer = lin.post(f"/intake/{upload.id}/undo/", {"reason": "wrong list"}, follow=True)
    assert "Set back: 1" in answer.content.decode()
    assert found(Item, "10001").name == "输液器外壳"
    assert lin.post(f"/intake/{upload.id}/undo/", {"reason": "wrong list"}).status_code == 409


def test_an_observation_sent_again_with_another_value_corrects_the_first(net: Network) -> None:
    lin = visitor("lin", "zh-hans")
    row = {"移动单号": "M-77", "批次": "RM-2611-77", "单位": "kg", "目标库位": "A1", "移动类别": "收货"}
    for quantity in (5, 7):
        send(lin, filled(lin, "move", [{**row, "数量": quantity}], "zh-hans"), name=f"{quantity}.xlsx")
        upload = Upload.objects.latest("at")
        lin.post(f"/intake/{upload.id}/record/", {"reason": "收货登记"})
    move = found(Move, "M-77")
    assert (move.kind, move.quantity, move.version) == ("received", 7, 2)


def test_a_form_goes_the_same_way(net: Network) -> None:
    siti = visitor("siti")
    page = siti.get("/intake/form/lot/").content.decode()
    heads = re.findall(r'aria-label="([^"]+) 1"', page)
    rows = {f"c{at}": ["", ""] for at in range(len(heads))}
    rows["c0"] = ["FORM-1", ""]
    rows[f"c{heads.index('Kind of lot')}"] = ["no such kind", ""]
    address = siti.post("/intake/form/lot/", rows)["Location"]
    text = words(siti.get(address))
    assert "Kind of lot" in text and "no such kind" in text
    rows[f"c{heads.index('Kind of lot')}"] = ["Material", ""]
    address = siti.post("/intake/form/lot/", rows)["Location"]
    siti.post(f"{address}record/", WHY)
    assert found(Lot, "FORM-1", site="PG").kind == "material"


def test_long_files_are_recorded_in_parts(net: Network) -> None:
    lin = visitor("lin")
    send(lin, filled(lin, "item", [{"Item number": f"I-{n}"} for n in range(250)]))
    upload = Upload.objects.get()
    lin.post(f"/intake/{upload.id}/record/", WHY)
    upload.refresh_from_db()
    assert (upload.state, upload.done, upload.rows) == ("going", 200, 250)
    assert "200 / 250" in words(lin.get(f"/intake/{upload.id}/"))
    lin.post(f"/intake/{upload.id}/record/")
    upload.refresh_from_db()
    assert (upload.state, upload.done) == ("done", 250)


def test_the_registrant_sends_for_a_plant_and_others_see_nothing_of_it(net: Network) -> None:
    anna, siti, audit = visitor("anna"), visitor("siti"), visitor("audit")
    data = filled(anna, "lot", LOTS[:1])
    assert send(anna, data).status_code == 422, "for which plant?"
    address = send(anna, data, site="SZ")["Location"]
    anna.post(f"{address}record/", WHY)
    with seeing(ALL):
        assert Entry.objects.filter(object=found(Lot, "ZERO-0001").object).latest("seq").site == "SZ"
    assert siti.get(address).status_code == 404
    assert siti.post(f"{address}record/", WHY).status_code == 404
    assert "first.xlsx" not in siti.get("/intake/").content.decode()
    assert audit.post(f"{address}undo/", WHY).status_code == 403
    assert send(audit, data, site="SZ").status_code == 403


def bomb() -> bytes:
    """A workbook of a few hundred kilobytes that inflates to a hundred megabytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<c/>" * 25_000_000)
    return out.getvalue()


def slip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../etc/passwd", b"x")
        archive.writestr("xl/sharedStrings.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    return out.getvalue()


def test_hostile_files_are_refused_before_they_are_opened(net: Network) -> None:
    """Cases 37, 38, 39, 41: bombs, entities, slips, lies, a million columns, no text at all."""
    lin, before = visitor("lin"), entries()
    wide = "a," * 1_000_001
    cases = {
        "bomb.xlsx": (bomb(), 422),
        "slip.xlsx": (slip(), 422),
        "broken.xlsx": (b"PK\x03\x04" + b"\x00" * 50, 422),
        "old.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, 422),
        "wide.csv": (wide.encode(), 422),
        "bytes.csv": (b"\x81\xff\x00\x00", 422),
        "other.csv": ("厂号,本厂列\n1,2\n".encode("gb18030"), 422),
        "empty.xlsx": (b"", 422),
        "large.csv": (b"x" * (4 * 1024 * 1024 + 1), 413),
        "program.exe": (b"MZ", 422),
    }
    got = {name: send(lin, data, name=name).status_code for name, (data, _status) in cases.items()}
    assert got == {name: status for name, (_data, status) in cases.items()}
    assert entries() == before and not Upload.objects.exists()


def test_a_cell_that_looks_like_a_formula_leaves_as_text(net: Network) -> None:
    """Case 40, from end to end: what came in as `=cmd` goes out neutralised."""
    lin = visitor("lin")
    data = filled(lin, "lot", [{"Lot number": "EVIL-1", "Remark": "+1+cmd|' /C calc'!A0"}])
    lin.post(f"{send(lin, data)['Location']}record/", WHY)
    assert found(Lot, "EVIL-1").remark.startswith("+1")
    sheet = lin.get("/o/lot/?export=xlsx&q=EVIL-1&columns=key&columns=remark").content
    cells = [c for row in openpyxl.load_workbook(io.BytesIO(sheet)).worksheets[0].values for c in row]
    assert any(str(cell).startswith("'+1") for cell in cells)


def test_the_first_plant_of_a_new_hub_is_made_on_its_page(transactional_db: None) -> None:
    """A plant connected from nothing begins here: there is no site yet that could be chosen."""
    User.objects.create_user("first", "a long enough password", site="HQ", roles=("it", "admin"))
    first = visitor("first")
    fields = {"code": "STMP", "name": "Stamping Example", "zone": "Asia/Shanghai", "reason": "new plant"}
    assert first.post("/o/site/new/", fields).status_code == 302
    with seeing(ALL):
        site = Site.objects.get(key="STMP")
    assert (site.site, site.zone) == ("STMP", "Asia/Shanghai")
    assert first.post("/o/site/new/", {**fields, "code": "no such code!"}).status_code in (409, 422)
