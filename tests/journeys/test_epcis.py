"""EPCIS 2.0 through the door: documents captured and queried back, wrong ones refused with their place."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest

from medloom.formats.epcis import making
from medloom.formats.epcis.decoding import prefixes
from medloom.formats.epcis.making import Thing, When
from medloom.formats.epcis.reading import digest_of
from medloom.hub import wiring
from medloom.kernel.access import ALL, seeing
from medloom.kernel.door import operation, submit
from medloom.kernel.models import Entry
from medloom.parties.models import Role, User
from medloom.trace.events.models import Capture, TraceEvent
from medloom.trace.models import TraceEdge
from medloom.wire.operation import Kind
from tests.browser.network import people
from tests.journeys.calling import Program, program
from tests.plant_files import DATA

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
FOLDER = DATA / "epcis2_events"
AT = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.timezone(dt.timedelta(hours=8)))


@pytest.fixture
def net(transactional_db: None) -> None:
    people()
    for name in ("lin", "siti"):  # a program that tells what happened is information technology's business
        Role.objects.create(user=User.objects.get(username=name), role="it")


def uid(number: int) -> str:
    return f"0197a000-0007-7000-8000-{number:012}"


def back(caller: Program, **query: str) -> list[dict[str, Any]]:
    """All events that answer a query, page by page."""
    address, found = "/epcis/events?" + "&".join(f"{k}={quote(v)}" for k, v in query.items()), []
    while address:
        answer = caller.get(address)
        assert answer.status_code == 200, answer.content
        document = answer.json()
        around = prefixes(document["@context"])
        events = document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        found += [{**each, "_around": around} for each in events]
        address = answer["Link"].partition("<")[2].partition(">")[0] if "Link" in answer else ""
    return found


def same(sent: dict[str, Any], known: dict[str, str], got: dict[str, Any]) -> bool:
    """Equal but for what the hub adds."""
    got = dict(got)
    around = got.pop("_around")
    if "eventID" not in sent:
        got.pop("eventID")
    return digest_of(sent, known) == digest_of(got, around)


def rows(model: Any, **query: Any) -> list[Any]:
    """What stands in that table, seen by the registrant."""
    with seeing(ALL):
        return list(model.objects.filter(**query))


def lots(*numbers: str, site: str) -> None:
    """Lots of that site."""
    made = [operation("lot", Kind.OBSERVE, {"number": n}, actor="p1", at=AT) for n in numbers]
    submit(made, author=site, wiring=wiring())


def document(*events: dict[str, Any]) -> dict[str, Any]:
    return making.document(events, created=AT)


def moulded(number: int, *, inputs: tuple[str, ...], outputs: tuple[str, ...], site: str) -> dict[str, Any]:
    return making.transformation(
        object_=uid(number), when=When(AT + dt.timedelta(minutes=number)), site=site,
        inputs=[Thing(site, lot, quantity="2.5", unit="kg") for lot in inputs],
        outputs=[Thing(site, lot, quantity="100") for lot in outputs],
    )  # fmt: skip


def test_a_document_is_kept_once_and_given_back_as_it_was(net: None) -> None:
    lin = program("lin")
    site = lin.token.site
    event = moulded(1, inputs=("RL 1/a",), outputs=("H-1",), site=site)
    event["x:note"] = {"inner": [1.50, True, None]}
    sent = document(event)
    sent["@context"][1]["x"] = "https://x.example/"
    answer = lin.post("/epcis/capture", sent)
    assert answer.status_code == 202, answer.content
    job = lin.get(answer["Location"]).json()
    assert (job["success"], job["running"], job["medloom:events"]["kept"]) == (True, False, 1)
    again = lin.post("/epcis/capture", sent)
    assert lin.get(again["Location"]).json()["medloom:events"] == {"handed": 1, "kept": 0, "repeated": 1}
    (got,) = back(lin)
    assert same(event, prefixes(sent["@context"]), got) and got["recordTime"]
    assert json.loads(rows(TraceEvent)[0].raw) == event
    assert Capture.objects.count() == 2 and len(lin.get("/epcis/capture").json()) == 2


def test_known_lots_get_their_genealogy_and_unknown_ones_stand_without(net: None) -> None:
    lin = program("lin")
    site = lin.token.site
    lots("RL-1", "H-1", site=site)
    sent = document(
        moulded(1, inputs=("RL-1", "NOBODY"), outputs=("H-1",), site=site),
        moulded(2, inputs=("NOBODY",), outputs=("NEITHER",), site=site),
    )
    assert lin.post("/epcis/capture", sent).status_code == 202
    entry = rows(TraceEvent, event_id=f"urn:uuid:{uid(1)}")[0].entry
    (edge,) = rows(TraceEdge, entry=entry)
    assert edge.voided_by is None and len(rows(TraceEvent)) == 2
    wrong = {**sent["epcisBody"]["eventList"][0]}
    wrong["errorDeclaration"] = {"declarationTime": AT.isoformat(), "reason": "incorrect_data"}
    assert lin.post("/epcis/capture", document(wrong)).status_code == 202
    assert rows(TraceEdge, entry=entry)[0].voided_by is not None, "a declared error takes its genealogy back"
    assert len(back(lin, EXISTS_errorDeclaration="true")) == 1


def test_a_device_in_the_catalogue_makes_its_lots_known_by_gtin_and_by_serial(net: None) -> None:
    lin = program("lin")
    site = lin.token.site
    given = {"actor": "p1", "at": AT}
    made = [
        operation("device", Kind.OBSERVE, {"di": "09521141012345"}, **given),
        operation("item", Kind.SET, {"number": "PUMP", "device": "09521141012345"}, site=site, **given),
    ]
    assert [a.verdict for a in submit(made, author="HQ", wiring=wiring())] == ["accepted"] * 2
    made = [
        operation("lot", Kind.OBSERVE, {"number": "B", "item": "PUMP"}, **given),
        operation("lot", Kind.OBSERVE, {"number": "C", "item": "PUMP"}, **given),
        operation("serial", Kind.OBSERVE, {"lot": "C", "number": "S7"}, **given),
    ]
    assert [a.verdict for a in submit(made, author=site, wiring=wiring())] == ["accepted"] * 3
    event = moulded(1, inputs=(), outputs=(), site=site)
    event["inputQuantityList"] = [{"epcClass": "urn:epc:class:lgtin:9521141.001234.B", "quantity": 1}]
    event["outputEPCList"] = ["https://id.gs1.org/01/09521141012345/21/S7"]
    answer = lin.post("/epcis/capture", document(event))
    assert answer.status_code == 202, answer.content
    assert len(rows(TraceEdge)) == 1
    found = lin.get(f"/api/v1/trace_event/{rows(TraceEvent)[0].object}").json()["fields"]["lots"]
    assert [(line["role"], line["lot"]) for line in found] == [("input", "B"), ("output", "C")]


def test_wrong_documents_are_refused_whole_or_in_part_as_asked(net: None) -> None:
    lin = program("lin")
    site = lin.token.site
    good, bad = (moulded(n, inputs=("A",), outputs=("B",), site=site) for n in (1, 2))
    bad["bizStep"] = "transforming"
    answer = lin.post("/epcis/capture", document(good, bad))
    assert answer.status_code == 400
    assert [e["path"] for e in answer.json()["errors"]] == ["/epcisBody/eventList/1/bizStep"]
    assert len(rows(TraceEvent)) == 0
    assert lin.get(answer["Location"]).json()["success"] is False
    header = {"GS1_Capture_Error_Behaviour": "proceed"}
    answer = lin.post("/epcis/capture", document(good, bad), **header)
    assert answer.status_code == 202
    job = lin.get(answer["Location"]).json()
    assert (job["success"], job["medloom:events"]["kept"], len(job["errors"])) == (False, 1, 1)
    kept = rows(Entry, type="trace_event", verdict="quarantined")
    assert len(kept) == 1, "the wrong one is on the repair desk with its bytes"
    for body in (b"{", b'{"a": NaN}', b"[]", b"\xff"):
        assert lin.post("/epcis/capture", body).status_code == 400
    small = gzip.compress(json.dumps(document(bad)).encode())
    answer = lin.post("/epcis/capture", small, Content_Encoding="gzip")
    assert answer.json()["errors"][0]["path"] == "/epcisBody/eventList/0/bizStep"
    assert answer.json()["type"] == "epcisException:ValidationException"
    large = document(*[good] * 2_001)
    assert lin.post("/epcis/capture", large).status_code == 413
    huge = {**good, "medloom:text": "x" * 60_000}
    answer = lin.post("/epcis/capture", document(huge))
    assert answer.status_code == 400 and answer.json()["errors"][0]["code"] == "event_too_large"


def test_what_is_asked_for_is_found(net: None) -> None:
    lin = program("lin")
    site = lin.token.site
    ship = making.observation(
        object_=uid(9), when=When(AT), site=site, things=[Thing(site, "B", gtin="09521141012345")],
        step="shipping", disposition="in_transit",
    )  # fmt: skip
    pack = making.packing(
        object_=uid(8), when=When(AT + dt.timedelta(hours=1)), site=site,
        parent="urn:epc:id:sscc:0614141.1234567890", children=[Thing(site, "B", "9521141012345", "7")],
    )  # fmt: skip
    made = [moulded(n, inputs=(f"I{n}",), outputs=(f"O{n}",), site=site) for n in range(5)]
    assert lin.post("/epcis/capture", document(ship, pack, *made)).status_code == 202

    def ids(**query: str) -> list[str]:
        return [each["eventID"][-2:] for each in back(lin, **query)]

    assert ids(eventType="ObjectEvent,AggregationEvent") == ["09", "08"]
    assert ids(EQ_bizStep="https://ref.gs1.org/cbv/BizStep-shipping") == ["09"]
    assert ids(EQ_disposition="in_transit", EQ_action="OBSERVE") == ["09"]
    assert ids(MATCH_epcClass="https://example.org/01/09521141012345/10/B") == ["09"]
    assert ids(MATCH_epc="urn:epc:id:sgtin:9521141.001234.7") == ["08"]
    assert ids(MATCH_epc="https://id.gs1.org/01/09521141012345/21/7") == ["08"]
    assert ids(MATCH_anyEPC="urn:epc:idpat:sgtin:9521141.001234.*") == ["08"]
    assert ids(MATCH_parentID="urn:epc:id:sscc:0614141.1234567890") == ["08"]
    assert ids(MATCH_inputEPCClass=f"urn:medloom:lot:{site}:I3") == ["03"]
    assert ids(MATCH_outputEPCClass=f"urn:medloom:lot:{site}:I3") == []
    assert ids(GE_eventTime="2026-03-04T05:09:00+08:00", eventType="TransformationEvent") == ["03", "04"]
    assert ids(perPage="2", orderBy="eventTime", orderDirection="DESC")[0] == "08"
    assert len(ids(perPage="2")) == 7 and len(ids(perPage="2", eventCountLimit="5")) == 5
    assert ids(EQ_eventID=f"urn:uuid:{uid(9)}") == ["09"]
    assert lin.get(f"/epcis/events/urn:uuid:{uid(9)}").status_code == 200
    assert lin.get("/epcis/bizSteps").json()["member"] == ["commissioning", "packing", "shipping"]
    narrow = lin.get(f"/epcis/epcs/{quote('urn:epc:id:sscc:0614141.1234567890', safe='')}/events")
    assert narrow.status_code == 200 and "sscc" in narrow.content.decode()
    for query in ("perPage=0", "GE_eventTime=soon", "eventType=X", "EQ_nothing=1", "nextPageToken=zz",
                  "orderBy=x"):  # fmt: skip
        assert lin.get(f"/epcis/events?{query}").status_code == 400, query
    assert lin.get("/epcis/events?maxEventCount=3").status_code == 413


def test_one_event_at_a_time(net: None) -> None:
    lin = program("lin")
    event = moulded(1, inputs=("A",), outputs=("B",), site=lin.token.site)
    assert lin.post("/epcis/events", event).status_code == 400, "alone it brings its own context"
    event["@context"] = document()["@context"]
    first = lin.post("/epcis/events", event)
    assert first.status_code == 201 and lin.get(first["Location"]).status_code == 200
    assert lin.post("/epcis/events", event).status_code == 201, "the same again is the same"
    other = lin.post("/epcis/events", {**event, "bizStep": "packing"})
    assert other.status_code == 409 and len(rows(TraceEvent)) == 1


def test_nobody_sees_anothers_events(net: None) -> None:
    lin, siti, anna = program("lin"), program("siti"), program("anna")
    event = moulded(1, inputs=("A",), outputs=("B",), site=lin.token.site)
    job = lin.post("/epcis/capture", document(event))["Location"]
    assert siti.get(job).status_code == 404 and back(siti) == []
    assert siti.get(f"/epcis/events/urn:uuid:{uid(1)}").status_code == 404
    assert siti.get("/epcis/bizSteps").json()["member"] == []
    assert anna.get(job).status_code == 200 and len(back(anna)) == 1
    reader = program("lin", writes=False)
    assert reader.post("/epcis/capture", document(event)).status_code == 403
    assert reader.client.get("/epcis/events").status_code == 401
    assert lin.ask("OPTIONS", "/epcis/capture")["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert lin.post("/epcis/capture", document(event), GS1_EPCIS_Version="1.2").status_code == 406


if (FOLDER / "json").is_dir():

    def test_the_given_documents_come_back_equal(net: None) -> None:
        lin = program("lin")
        sent: list[tuple[dict[str, Any], dict[str, str], str]] = []
        for path in sorted((FOLDER / "json").glob("*.json")):
            answer = lin.post("/epcis/capture", path.read_bytes())
            assert answer.status_code == 202, (path.name, answer.content)
            given = json.loads(path.read_bytes())
            sent += [(e, prefixes(given["@context"]), path.name) for e in given["epcisBody"]["eventList"]]
        got = back(lin, perPage="20")
        for event, known, name in sent:
            assert any(same(event, known, each) for each in got), name
        assert len(got) == len({digest_of(event, known) for event, known, _ in sent})

    def test_the_given_wrong_documents_are_refused(net: None) -> None:
        lin = program("lin")
        for path in sorted((FOLDER / "json_invalid").glob("*.json")):
            answer = lin.post("/epcis/capture", path.read_bytes())
            assert answer.status_code == 400, path.name
            assert all(e["path"].startswith("/") for e in answer.json()["errors"]), path.name
        assert len(rows(TraceEvent)) == 0
