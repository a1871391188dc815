"""The check of EPCIS documents on generated ones and on the given ones, and the events that we make."""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from medloom.formats.epcis import making
from medloom.formats.epcis.checking import Fault
from medloom.formats.epcis.decoding import Unreadable, decode, prefixes
from medloom.formats.epcis.events import document_faults, event_faults
from medloom.formats.epcis.identifiers import class_fault, identify, instance_fault
from medloom.formats.epcis.making import Thing, When
from medloom.formats.epcis.reading import digest_of, ident_of, index
from tests.plant_files import DATA

pytestmark = pytest.mark.pure
FOLDER = DATA / "epcis2_events"
AT = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.timezone(dt.timedelta(hours=8)))
ID = "0197a000-0007-7000-8000-000000000001"


def faults(document: Any) -> list[Fault]:
    """All faults of a document and its events."""
    found = document_faults(document)
    body = document.get("epcisBody") if isinstance(document, dict) else None
    events = body.get("eventList") if isinstance(body, dict) else None
    known = prefixes(document.get("@context")) if isinstance(document, dict) else {}
    for at, event in enumerate(events if isinstance(events, list) else []):
        found += event_faults(event, f"/epcisBody/eventList/{at}", known=known)
    return found


def ours() -> dict[str, Any]:
    """A document of one event of each type that we make."""
    resin = Thing("MOLD", "RL 7/12", quantity="12.5", unit="kg")
    housing = Thing("MOLD", "H-001", gtin="09521141012345", quantity="500")
    unit = Thing("ASSY", "D-1", gtin="9521141012345", serial="7")
    when = When(AT)
    return making.document(
        [
            making.transformation(
                object_=ID, when=when, site="MOLD", inputs=[resin], outputs=[housing], machine="M-7"
            ),
            making.transformation(object_=ID, when=when, site="MOLD", inputs=[resin], outputs=[]),
            making.observation(object_=ID, when=when, site="MOLD", things=[housing], disposition="active"),
            making.observation(
                object_=ID, when=when, site="ASSY", things=[unit], step="shipping",
                disposition="in_transit", order="SO-1",
            ),
            making.packing(
                object_=ID, when=when, site="ASSY", parent="urn:epc:id:sscc:0614141.1234567890",
                children=[unit, housing],
            ),
        ],
        created=AT,
    )  # fmt: skip


def test_what_we_make_passes_our_own_check() -> None:
    assert faults(ours()) == []


@pytest.mark.parametrize(
    ("at", "change", "code", "path"),
    [
        (0, {"eventTime": "22-07-2026"}, "time_wrong", "eventTime"),
        (0, {"eventTimeZoneOffset": "8"}, "offset_wrong", "eventTimeZoneOffset"),
        (0, {"bizStep": "transforming"}, "word_unknown", "bizStep"),
        (0, {"outputQuantityList": []}, "missing", "outputEPCList"),
        (0, {"epcList": ["urn:epc:id:sgtin:4012345.011111.1"]}, "member_unknown", "epcList"),
        (0, {"other:size": 1}, "namespace_unknown", "other:size"),
        (0, {"ilmd": {"material": "soil"}}, "member_unknown", "ilmd/material"),
        (0, {"readPoint": {"name": "dock"}}, "member_unknown", "readPoint/name"),
        (2, {"action": "CREATE"}, "not_a_choice", "action"),
        (2, {"action": None}, "missing", "action"),
        (2, {"quantityList": [{"epcClass": "x"}]}, "identifier_wrong", "quantityList/0/epcClass"),
        (2, {"quantityList": [{"epcClass": "urn:a:b", "quantity": True}]}, "number_wrong",
         "quantityList/0/quantity"),
        (2, {"sensorElementList": [{"sensorReport": [{"type": "Mass", "value": "1"}]}]}, "number_wrong",
         "sensorElementList/0/sensorReport/0/value"),
        (2, {"persistentDisposition": {"set": ["lost"]}}, "word_unknown", "persistentDisposition/set/0"),
        (2, {"errorDeclaration": {"reason": "oops"}}, "word_unknown", "errorDeclaration/reason"),
        (3, {"epcList": ["https://id.gs1.org/01/09521141012345"]}, "identifier_wrong", "epcList/0"),
        (4, {"parentID": ""}, "missing", "parentID"),
        (4, {"type": "PackingEvent"}, "not_a_choice", "type"),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_its_place(at: int, change: dict[str, Any], code: str, path: str) -> None:
    document = ours()
    document["epcisBody"]["eventList"][at] |= change
    found = {(fault.code, fault.path) for fault in faults(document)}
    assert (code, f"/epcisBody/eventList/{at}/{path}") in found


@pytest.mark.parametrize(
    "raw",
    [b'{"a": NaN}', b'{"a": 1e400}', b'{"a": 1, "a": 2}', b"[" * 5000, b'{"a": 1' + b"0" * 5000 + b"}",
     b"\xff", b""],
)  # fmt: skip
def test_bytes_that_are_no_document_are_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(raw)


def test_one_meaning_has_one_digest() -> None:
    event = ours()["epcisBody"]["eventList"][4]
    other = dict(reversed(copy.deepcopy(event).items()))
    other["eventTime"] = "2026-03-03T21:06:07Z"
    other["childEPCs"].reverse()
    other["bizStep"] = "https://ref.gs1.org/cbv/BizStep-packing"
    other["recordTime"] = "2026-03-04T00:00:00Z"
    assert digest_of(event, {}) == digest_of(other, {})
    assert digest_of(event, {}) != digest_of({**event, "action": "DELETE"}, {})
    one, two = {**event, "a:b": 1}, {**event, "c:b": 1}
    assert digest_of(one, {"a": "urn:x:"}) == digest_of(two, {"c": "urn:x:"})


def test_urn_and_digital_link_name_the_same_thing() -> None:
    assert ident_of("urn:epc:class:lgtin:4012345.012345.998877") == ident_of(
        "https://example.org/01/04012345123456/10/998877"
    )
    assert identify("urn:epc:id:sgtin:4012345.011111.9876").serial == "9876"
    assert instance_fault("urn:epc:id:sgtin:4012345.0111119.1")
    assert instance_fault("urn:epc:id:sgtin:4012345.011111.1") == ""
    assert class_fault("urn:epc:class:lgtin:4012345.011111") and not class_fault(
        "urn:epc:idpat:grai:4012345.66666.*"
    )


def test_our_names_are_found_again() -> None:
    thing = Thing("MOLD", "RL 7/12:3")
    assert making.own_name(making.epc(thing)) == thing
    unit = Thing("ASSY", "D-1", serial="4/5")
    assert making.own_name(making.epc(unit)) == unit
    assert making.own_name("urn:epc:id:sscc:0614141.1234567890") is None


def test_events_without_id_get_one_from_their_meaning() -> None:
    event = ours()["epcisBody"]["eventList"][0]
    del event["eventID"]
    first, again = index(event, {}), index(dict(reversed(event.items())), {})
    assert first.event_id == again.event_id and first.event_id.startswith("urn:uuid:")
    assert [(n.role, n.whole) for n in first.named] == [("input", True), ("output", True)]


if (FOLDER / "json").is_dir():

    @pytest.mark.parametrize("path", sorted((FOLDER / "json").glob("*.json")), ids=lambda p: p.stem)
    def test_given_valid_documents_pass(path: Path) -> None:
        document = decode(path.read_bytes())
        assert faults(document) == []
        for event in document["epcisBody"]["eventList"]:
            assert index(event, prefixes(document["@context"])).digest
            assert json.loads(json.dumps(event)) == event

    @pytest.mark.parametrize("path", sorted((FOLDER / "json_invalid").glob("*.json")), ids=lambda p: p.stem)
    def test_given_invalid_documents_are_refused_with_a_pointer(path: Path) -> None:
        found = faults(decode(path.read_bytes()))
        assert found and all(fault.path.startswith("/") for fault in found)
