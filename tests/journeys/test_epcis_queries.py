"""EPCIS 2.0.1: named queries, lists by pages, single resources, discovery by OPTIONS, what is not built."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote

import pytest

from medloom.formats.epcis import making
from medloom.formats.epcis.making import Thing, When
from medloom.parties.models import Role, User
from tests.browser.network import people
from tests.journeys.calling import Program, program

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
AT = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
COUNT = 7


@pytest.fixture
def lin(transactional_db: None) -> Program:
    """A program of a plant that has told seven shipments, each in a capture of its own."""
    people()
    Role.objects.create(user=User.objects.get(username="lin"), role="it")
    found = program("lin")
    for n in range(COUNT):
        event = making.observation(
            object_=f"0197a000-0007-7000-8000-{n:012}", when=When(AT + dt.timedelta(minutes=n)),
            site=found.token.site, things=[Thing(found.token.site, f"B{n}", gtin="09521141012345")],
            step="shipping" if n % 2 else "receiving", disposition="in_transit",
        )  # fmt: skip
        assert found.post("/epcis/capture", making.document([event], created=AT)).status_code == 202
    return found


def pages(caller: Program, address: str) -> list[Any]:
    """The bodies of a list, page by page by Link."""
    found = []
    while address:
        answer = caller.get(address)
        assert answer.status_code == 200, answer.content
        found.append(answer.json())
        address = answer["Link"].partition("<")[2].partition(">")[0] if "Link" in answer else ""
    return found


def ids(answers: list[Any]) -> list[str]:
    return [
        each["eventID"][-1]
        for one in answers
        for each in one["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    ]


def test_a_question_is_kept_asked_and_forgotten(lin: Program) -> None:
    asked = {"eventType": ["ObjectEvent"], "EQ_bizStep": ["shipping"], "orderDirection": "DESC",
             "orderBy": "eventTime", "GE_eventTime": "2026-03-04T05:06:08Z"}  # fmt: skip
    made = lin.post("/epcis/queries", {"name": "shipped", "query": asked})
    assert (made.status_code, made["Location"]) == (201, "/epcis/queries/shipped"), made.content
    answers = pages(lin, "/epcis/queries/shipped/events?perPage=2")
    assert ids(answers) == ["5", "3", "1"] and len(answers) == 2
    assert answers[0]["epcisBody"]["queryResults"]["queryName"] == "shipped"
    again = lin.post("/epcis/queries", {"name": "shipped", "query": {}})
    assert (again.status_code, again.json()["type"]) == (409, "epcisException:DuplicateNameException")
    assert lin.post("/epcis/queries", {"name": "all", "query": {}}).status_code == 201
    assert [q["name"] for page in pages(lin, "/epcis/queries?perPage=1") for q in page] == ["all", "shipped"]
    assert lin.get("/epcis/queries/all").json()["query"] == {}
    wrong: list[Any] = [
        [], {"name": "a b", "query": {}}, {"name": "x", "query": []}, {"name": "x"}, {"name": "x", "why": 1},
        {"name": "x", "query": {"EQ_colour": "red"}}, {"name": "x", "query": {"GE_eventTime": "soon"}},
        {"name": "x", "query": {"eventType": [{}]}}, {"name": "x", "query": {"nextPageToken": "x"}},
        {"name": "x", "query": {"orderBy": "x"}}, {"name": "x", "query": {"perPage": 0}},
    ]  # fmt: skip
    for body in wrong:
        answer = lin.post("/epcis/queries", body)
        assert answer.status_code == 400 and answer.json()["path"].startswith(("/", "?")), body
    for method, address in (("POST", "all/subscriptions"), ("GET", "all/subscriptions"),
                            ("DELETE", "all/subscriptions/1")):  # fmt: skip
        answer = lin.ask(method, f"/epcis/queries/{address}", {})
        assert (answer.status_code, answer.json()["code"]) == (501, "subscription_not_built")
    assert lin.get("/epcis/queries/all/events?EQ_action=ADD").status_code == 400, "its question stands"
    assert lin.ask("DELETE", "/epcis/queries/all").status_code == 204
    gone = lin.get("/epcis/queries/all/events")
    assert (gone.status_code, gone.json()["type"]) == (404, "epcisException:NoSuchNameException")


def test_names_are_their_sites_own(lin: Program) -> None:
    assert lin.post("/epcis/queries", {"name": "mine", "query": {}}).status_code == 201
    Role.objects.create(user=User.objects.get(username="siti"), role="it")
    siti, reader = program("siti"), program("lin", writes=False)
    assert siti.get("/epcis/queries/mine").status_code == 404 and siti.get("/epcis/queries").json() == []
    assert siti.ask("DELETE", "/epcis/queries/mine").status_code == 404
    assert siti.post("/epcis/queries", {"name": "mine", "query": {}}).status_code == 201
    assert siti.get("/epcis/queries/mine/events").json()["epcisBody"]["queryResults"]["resultsBody"] == {
        "eventList": []
    }
    assert reader.get("/epcis/queries/mine/events").status_code == 200
    assert reader.ask("DELETE", "/epcis/queries/mine").status_code == 403
    assert reader.post("/epcis/queries", {"name": "more", "query": {}}).status_code == 403


def test_lists_come_by_pages_and_each_name_has_its_events(lin: Program) -> None:
    jobs = [job["captureID"] for page in pages(lin, "/epcis/capture?perPage=3") for job in page]
    assert len(set(jobs)) == COUNT and jobs == sorted(jobs, reverse=True), "newest first, each once"
    epcs = [n for page in pages(lin, "/epcis/epcs?perPage=2") for n in page["member"]]
    assert len(epcs) == COUNT and epcs == sorted(epcs)
    for n, epc in enumerate(epcs):  # classes of things, as single ones are
        assert lin.get(f"/epcis/epcs/{quote(epc, safe='')}").json()["member"] == ["events"]
        assert ids(pages(lin, f"/epcis/epcs/{quote(epc, safe='')}/events")) == [str(n)]
    assert ids(pages(lin, "/epcis/bizSteps/shipping/events?perPage=1&EQ_action=OBSERVE")) == ["1", "3", "5"]
    assert lin.get("/epcis/eventTypes/ObjectEvent").json()["member"] == ["events"]
    for address in ("eventTypes/NoEvent", "bizSteps/storing", "epcs/urn:x:y", "queries/none", "nothing/x"):
        assert lin.get(f"/epcis/{address}").status_code == 404, address
    for query in ("perPage=0", "perPage=x", "nextPageToken=zz", "nextPageToken=IngiIA", "colour=red"):
        assert lin.get(f"/epcis/capture?{query}").status_code == 400, query


def test_what_is_spoken_here_is_told(lin: Program) -> None:
    for address in (
        "",
        "capture",
        "events",
        "queries",
        "queries/a/events",
        "eventTypes",
        "bizSteps/x/events",
    ):
        answer = lin.client.options(f"/epcis/{address}")
        assert answer.status_code == 204 and "GET" in answer["Allow"], address
        assert answer["GS1-EPCIS-Version"].startswith("2.0") and answer["GS1-EPCIS-Min"] == "2.0.0"
    told = lin.client.options("/epcis/capture")
    assert (told["GS1-EPCIS-Capture-Limit"], told["GS1-EPCIS-Capture-File-Size-Limit"]) == ("2000", "4194304")
    assert lin.get("/epcis/events")["GS1-EPC-Format"] == "Never_Translates"
    answer = lin.get("/epcis/events", GS1_EPC_Format="Always_EPC_URN")
    assert (answer.status_code, answer.json()["code"]) == (406, "epcis_format")
    assert (
        lin.get("/epcis/events", GS1_EPC_Format="No_Preference", GS1_EPCIS_Version="2.0.0").status_code == 200
    )
