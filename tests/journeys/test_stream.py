"""The event stream: replay from any position, each reader its own, every event as its schema says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from jsonschema_rs import validator_for

from medloom.derive.asyncapi import asyncapi
from medloom.kernel.entity import catalogue
from tests.browser.network import Network, build, sequence
from tests.journeys.calling import Program, program

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
API = Path(__file__).resolve().parents[2] / "api"


@pytest.fixture
def net(transactional_db: None) -> Network:
    found = build()
    sequence()
    return found


def replay(caller: Program, feed: str, limit: int = 7) -> list[dict[str, Any]]:
    """All events of a feed, page by page from the beginning."""
    found, after = [], 0
    while True:
        answer = caller.get(f"/api/v1/stream?feed={feed}&after={after}&limit={limit}")
        assert answer.status_code == 200, answer.content
        found += answer.json()
        if int(answer["Medloom-Position"]) == after:
            assert after == int(answer["Medloom-End"])
            return found
        after = int(answer["Medloom-Position"])


def test_every_event_is_as_its_schema_says_and_positions_are_dense(net: Network) -> None:
    schemas = {p.name.removesuffix(".v1.json"): json.loads(p.read_text()) for p in API.glob("events/*.json")}
    checks = {name: validator_for(schema) for name, schema in schemas.items()}
    feeds = [(program("anna"), "log"), (program("lin"), "v"), (program("lin"), "c"), (program("siti"), "v")]
    seen = set()
    for caller, feed in feeds:
        events = replay(caller, feed)
        assert [e["position"] for e in events] == list(range(1, len(events) + 1)) and events
        for event in events:
            name = event["type"].split(".")[2]
            seen.add(name)
            assert [e.message for e in checks[name].iter_errors(event)] == [], (name, event)
    assert {"lot", "work_order", "unread"} <= seen


def test_the_document_of_the_stream_agrees_with_the_schemas(net: Network) -> None:
    document = asyncapi(list(catalogue().values()))
    for message in document["components"]["messages"].values():
        schema = json.loads((API / message["payload"]["$ref"]).read_text())
        name = message["name"].split(".")[1]
        assert schema["$id"] == f"urn:medloom:event:{name}:v1"
        assert schema["title"] == document["channels"][name]["address"]
    assert document["channels"].keys() == document["components"]["messages"].keys()
    assert {p.name.split(".")[0] for p in API.glob("events/*.json")} == document["channels"].keys()


def test_each_reader_has_its_own_view_and_every_form(net: Network) -> None:
    lin, siti = program("lin"), program("siti")
    mine, theirs = replay(lin, "v"), replay(siti, "v")
    assert {e["data"]["seq"] for e in mine}.isdisjoint(
        e["data"]["seq"] for e in theirs if e["source"] == "urn:medloom:site:PG"
    )
    assert lin.get("/api/v1/stream?feed=log").status_code == 404
    lines = lin.get("/api/v1/stream?feed=v", Accept="application/x-ndjson").content.splitlines()
    assert [json.loads(line)["position"] for line in lines] == [e["position"] for e in mine]
    one = lin.get("/api/v1/stream?feed=v&after=1", Accept="application/cloudevents+json")
    assert one["Content-Type"].startswith("application/cloudevents+json") and one.json()["position"] == 2
    binary = lin.get("/api/v1/stream?feed=v&after=1&mode=binary")
    assert binary["ce-id"] == one.json()["id"] and binary.json() == one.json()["data"]
    lots = lin.get("/api/v1/stream?feed=v&types=lot").json()
    assert {e["type"] for e in lots} == {"medloom.SZ.lot.v1"}
    only = program("lin", "lot")
    assert {e["type"] for e in replay(only, "v")} == {"medloom.SZ.lot.v1"}
    assert only.get("/api/v1/stream?types=hold").status_code == 403
    end = lin.get("/api/v1/stream?feed=v&limit=1")["Medloom-End"]
    assert lin.get(f"/api/v1/stream?feed=v&after={int(end) + 1}").status_code == 410
    assert lin.get("/api/v1/stream?feed=v&hub=00000000").status_code == 410
    for query in ("after=-1", "after=x", "limit=z", "mode=tape", "nothing=1"):
        assert lin.get(f"/api/v1/stream?{query}").status_code == 400, query
    assert lin.client.get("/api/v1/stream").status_code == 401


def test_a_page_costs_the_same_statements_whatever_it_holds(
    net: Network, django_assert_max_num_queries: Any
) -> None:
    lin = program("lin")
    lin.get("/api/v1/stream?feed=v")
    assert connection.vendor == "postgresql"
    with django_assert_max_num_queries(12):
        lin.get("/api/v1/stream?feed=v&limit=1000")
