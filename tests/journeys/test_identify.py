"""Devices at the pages: a code opens what is behind it, a label is read back, a file is set back."""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from typing import Any

import numpy as np
import pytest
import zxingcpp
from django.core.files.uploadedfile import SimpleUploadedFile

from medloom.design.models import Device
from medloom.design.tests.test_gudid import BOX, DI, package, record
from medloom.design.udi import parse_udi
from medloom.interfaces.web.labelprint import elements, print_label
from medloom.kernel.access import ALL, seeing
from tests.browser.network import Network, build
from tests.journeys.painting import painted
from tests.journeys.sending import ACT, plant, registrant
from tests.journeys.test_pages import visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
SITE = "SZ"


@pytest.fixture
def net(transactional_db: None) -> Network:
    return build()


def made() -> None:
    """A device with its item, and a finished lot with one serialised unit, at one plant."""
    fields = {
        "di": DI, "agency": "GS1", "brand": "Demo", "lot_marked": True, "serial_marked": True,
        "packages": [{"kind": "package", "di": BOX, "agency": "GS1", "contains": DI, "quantity": 10}],
    }  # fmt: skip
    registrant(ACT.create("device", site="", fields=fields, reason="test"))
    item = str(uuid.uuid4())
    plant("item", "set", site=SITE, fields={"number": "PUMP"}, object=item)
    registrant(ACT.change("item", item, site=SITE, base=1, fields={"device": DI}, reason="test"))
    lot = {"number": "FG-1", "item": "PUMP", "kind": "finished", "expires": "2028-05"}
    plant("lot", site=SITE, fields=lot)
    plant("serial", site=SITE, fields={"lot": "FG-1", "number": "00012"})


def modules(page: str) -> Any:
    """The label's picture as a reader sees it, six points to a module."""
    svg = page[page.index('<svg class="carrier"') :]
    svg = svg[: svg.index("</svg>")]
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    assert box is not None
    picture = np.full((int(box[2]), int(box[1])), 255, dtype=np.uint8)
    for x, y, run in re.findall(r"M(\d+) (\d+)h(\d+)", svg):
        picture[int(y), int(x) : int(x) + int(run)] = 0
    return np.kron(picture, np.ones((6, 6), dtype=np.uint8))


def test_a_code_opens_the_unit_the_lot_or_the_device(net: Network) -> None:
    made()
    client = visitor("anna")
    for code, path in [
        (f"(01){DI}(10)FG-1(21)00012", "/o/serial/"),
        (f"01{DI}10FG-1", "/o/lot/"),
        (f"(01){DI}(10)UNKNOWN", "/o/device/"),
        (DI, "/o/device/"),
        (BOX, "/o/device/"),
    ]:
        answer = client.get("/udi/", {"q": code})
        assert answer.status_code == 302 and answer["Location"].startswith(path), code
    assert client.get("/udi/").status_code == 200
    shown = client.get("/udi/", {"q": "(01)95012345678903(10)X"})
    assert shown.status_code == 200 and b"neither its device nor its lot" in shown.content


def test_the_search_box_takes_a_code_in_every_form_a_scanner_sends(net: Network) -> None:
    made()
    client = visitor("anna")
    for code, path in [
        (f"(01){DI}(10)FG-1(21)00012", "/o/serial/"),
        (f"01{DI}10FG-1\x1d2100012", "/o/serial/"),
        (f"]d201{DI}10FG-1<GS>2100012", "/o/serial/"),
        # A scanner dropped the separator: the reading that is known here counts.
        (f"01{DI}10FG-12100012", "/o/serial/"),
        (f"01{DI}2100012" + "10FG-1", "/o/serial/"),
        (f"(01){DI}(17)280531(10)FG-1", "/o/lot/"),
        (f"01{DI}", "/o/device/"),
        (BOX, "/o/device/"),
        (f"(01){DI[:-1]}0", "/udi/"),
    ]:
        answer = client.get("/find/", {"q": code})
        assert answer.status_code == 302 and answer["Location"].startswith(path), (code, answer.headers)
    # Digits that no device here has, and a number with a plus, stay a search for numbers.
    for text in ("12345670", "95012345678903", "+A1"):
        assert client.get("/find/", {"q": text}).status_code == 200, text


def test_a_label_as_a_file_is_read_back(net: Network) -> None:
    made()
    with seeing(ALL):
        device = Device.objects.get(di=DI).object
    asked = {"lot": "FG-1", "serial": "00012", "as": "pdf"}
    answer = visitor("anna").get(f"/devices/{device}/label/", asked)
    assert answer["Content-Type"] == "application/pdf" and answer.content.startswith(b"%PDF-")
    text = f"(01){DI}(17)280500(10)FG-1(21)00012"
    # The same page as points, as a printer would set them.
    (read,) = zxingcpp.read_barcodes(painted(print_label(text, di=DI, words=["Demo"], form="png")))
    udi = parse_udi(read.bytes.decode())
    assert (udi.di, udi.lot, udi.serial, udi.expires) == (DI, "FG-1", "00012", "2028-05")
    if shutil.which("pdftotext"):
        said = subprocess.run(
            ["pdftotext", "-layout", "-", "-"], input=answer.content, capture_output=True, check=True
        ).stdout.decode()
        assert all(line in said for line in elements(text)) and "Demo" in said


def test_a_wrong_code_is_refused_with_the_right_digit(net: Network) -> None:
    answer = visitor("anna").get("/udi/", {"q": f"(01){DI[:-1]}0"})
    assert answer.status_code == 422 and DI.encode() in answer.content
    assert visitor("anna").get("/udi/", {"q": "<script>alert(1)</script>"}).status_code == 422


def test_another_plants_lot_is_not_behind_a_code(net: Network) -> None:
    made()
    answer = visitor("siti").get("/udi/", {"q": f"(01){DI}(10)FG-1(21)00012"})
    assert answer.status_code == 302 and answer["Location"].startswith("/o/device/")


def test_a_plant_reads_that_a_consignee_is_there_and_not_which(net: Network) -> None:
    made()
    lines = [{"lot": "FG-1", "quantity": "5", "unit": "1"}]
    fields = {"number": "SH-1", "consignee": "CNS-01", "shipped": "2026-11-20", "lines": lines}
    plant("shipment", site=SITE, fields=fields)
    page = visitor("lin").get("/o/shipment/").content.decode()
    assert "SH-1" in page and "not shown to you" in page and "CNS-01" not in page
    assert "CNS-01" in visitor("anna").get("/o/shipment/").content.decode()


def test_a_printed_label_is_read_back(net: Network) -> None:
    made()
    with seeing(ALL):
        device = Device.objects.get(di=DI).object
    client = visitor("anna")
    page = client.get(f"/devices/{device}/label/", {"lot": "FG-1", "serial": "00012"})
    (read,) = zxingcpp.read_barcodes(modules(page.content.decode()))
    udi = parse_udi(read.bytes.decode())
    assert (udi.di, udi.lot, udi.serial, udi.expires) == (DI, "FG-1", "00012", "2028-05")
    svg = client.get(f"/devices/{device}/label/", {"lot": "FG-1", "as": "svg"})
    assert svg["Content-Type"] == "image/svg+xml"
    assert client.get(f"/devices/{device}/label/", {"lot": "批"}).status_code == 422
    assert client.get("/devices/00000000-0000-0000-0000-000000000000/label/").status_code == 404


def send(client: Any, *records: str, head: str = "") -> Any:
    data = f"{head}<data>{''.join(records)}</data>".encode()
    return client.post("/catalogue/", {"file": SimpleUploadedFile("release.xml", data)})


def recorded(client: Any, address: str) -> str:
    answer = client.post(f"{address}record/", {"reason": "catalogue of today"})
    for _ in range(9):
        assert answer.status_code == 302
        page = client.get(address)
        if b'id="going"' not in page.content:
            return str(page.content.decode())
        answer = client.post(f"{address}record/")
    raise AssertionError("it never ends")


def test_a_file_is_looked_at_recorded_and_set_back(net: Network) -> None:
    client = visitor("anna")
    first = send(client, record(inside=package(BOX, DI, "10")), record("09520001234561"))
    assert first.status_code == 302
    shown = client.get(first["Location"]).content.decode()
    assert "New device" in shown and DI in shown and "contradicts its check digit" in shown
    with seeing(ALL):
        assert not Device.objects.exists()
    assert "New device" in recorded(client, first["Location"])
    again = send(client, record(inside=package(BOX, DI, "10")))
    assert b"Nothing to record" in client.get(again["Location"]).content
    later = send(client, record(inside=package(BOX, DI, "10")).replace("Demo  brand", "Other"))
    assert "Changed" in recorded(client, later["Location"])
    assert client.post(f"{later['Location']}undo/", {"reason": "wrong file"}).status_code == 302
    with seeing(ALL):
        (one,) = Device.objects.all()
        assert (one.brand, one.version) == ("Demo brand", 3)


def test_hostile_files_and_people_of_plants_are_refused(net: Network) -> None:
    client = visitor("anna")
    assert send(client, head='<!DOCTYPE d [<!ENTITY a "x">]>').status_code == 422
    assert client.post("/catalogue/", {"file": SimpleUploadedFile("a.xml", b"PK\x03\x04")}).status_code == 422
    assert client.post("/catalogue/").status_code == 422
    assert send(client).status_code == 422, "a file without a record"
    assert visitor("siti").get("/catalogue/").status_code == 404
