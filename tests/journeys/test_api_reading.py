"""Reading over REST: who gets in, what a page is, and what another party's objects look like."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from medloom.materials.models import Lot
from medloom.parties.models import Role, Token, User
from medloom.production.models import WorkOrder
from tests.browser.network import LONG_LOT, Network, build, found
from tests.journeys.calling import Program, program

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None) -> Network:
    return build()


def keys(answer: object) -> list[str]:
    return [item["key"] for item in answer.json()["items"]]


def test_nobody_gets_in_without_a_living_token(net: Network) -> None:
    anna = program("anna")
    assert anna.get("/api/v1/lot").status_code == 200
    for text in ("", "x", anna.text[:-2] + "xx", anna.text.replace("medloom", "other"), "medloom_00_zz"):
        answer = Program(anna.token, text).get("/api/v1/lot")
        assert answer.status_code == 401, text
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer["Content-Type"] == "application/problem+json"
    visitor = Client()
    visitor.force_login(
        User.objects.get(username="anna"), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert visitor.get("/api/v1/lot").status_code == 401, "a session of the pages opens no door of programs"


def test_a_token_dies_at_once_with_whatever_it_stood_on(net: Network) -> None:
    anna, lin, siti = program("anna"), program("lin"), program("siti")
    audit = program("audit", days=1)
    by = User.objects.get(username="anna")
    anna.token.revoke(by, timezone.now())
    User.objects.get(username="lin").let_in(False)
    User.objects.filter(username="siti").update(site="SZ")
    Token.objects.filter(id=audit.token.id).update(
        made=timezone.now() - dt.timedelta(days=2), expires=timezone.now() - dt.timedelta(seconds=1)
    )
    assert [each.get("/api/v1/me").status_code for each in (anna, lin, siti, audit)] == [401] * 4


def test_a_token_is_kept_as_a_hash_and_notes_when_it_was_used(net: Network) -> None:
    lin = program("lin", "lot")
    assert lin.text.split("_", 2)[2].encode() not in bytes(Token.objects.get(id=lin.token.id).hash)
    lin.get("/api/v1/me")
    first = Token.objects.get(id=lin.token.id).used
    lin.get("/api/v1/me")
    assert first is not None
    assert Token.objects.get(id=lin.token.id).used == first, "noted once a minute"


def test_rights_are_the_least_of_token_and_person(net: Network) -> None:
    lin = program("lin", "lot", "work_order")
    told = lin.get("/api/v1/me").json()
    assert told["site"] == "SZ"
    assert {name: right["writes"] for name, right in told["types"].items()} == {
        "lot": True,
        "work_order": True,
    }
    assert lin.get("/api/v1/step_record").status_code == 403
    Role.objects.filter(user__username="lin", role="quality").delete()
    told = lin.get("/api/v1/me").json()
    assert not told["types"]["lot"]["writes"], "a role taken away counts with the next request"
    assert lin.get("/api/v1/party").status_code == 404, "the registrant's own type looks like none"


def test_a_plants_program_sees_its_own_rows_only(net: Network) -> None:
    siti, anna = program("siti"), program("anna")
    assert {item["site"] for item in siti.get("/api/v1/work_order").json()["items"]} == {"PG"}
    foreign = found(WorkOrder, "WO-0001")
    for address in (
        f"/api/v1/work_order/{foreign.object}",
        "/api/v1/work_order/WO-0001",
        f"/api/v1/lot/{found(Lot, LONG_LOT).object}",
    ):
        assert siti.get(address).status_code == 404, address
        assert anna.get(address).status_code == 200 or "LONG" in address, address
    assert siti.get("/api/v1/lot?site=SZ").json()["items"] == []
    assert siti.get("/api/v1/work_order?item=10001&due=2026-12-20").json()["items"]


def test_pages_follow_each_other_without_gap_or_repeat(net: Network) -> None:
    anna = program("anna")
    whole = keys(anna.get("/api/v1/work_order?limit=500&sort=-key"))
    assert len(whole) == 60
    seen, address = [], "/api/v1/work_order?limit=7&sort=-key"
    while address:
        answer = anna.get(address)
        seen += keys(answer)
        address = answer.json()["next"]
    assert seen == whole
    first = anna.get("/api/v1/work_order?limit=7").json()["next"]
    assert anna.get(first.replace("limit=7", "sort=-num")).json()["code"] == "cursor_wrong"
    assert anna.get("/api/v1/work_order?cursor=AAAA").json()["code"] == "cursor_wrong"


def test_filters_ask_for_declared_fields_and_say_what_is_legal(net: Network) -> None:
    anna = program("anna")
    ask = "/api/v1/work_order?quantity.gte=1055&quantity.lte=1058&state=released,draft&fields=quantity"
    items = anna.get(ask).json()["items"]
    assert [item["fields"]["quantity"] for item in items] == [1055, 1056, 1057, 1058]
    assert set(items[0]["fields"]) == {"quantity"}
    assert keys(anna.get("/api/v1/lot?key.starts=RM2611")) == ["RM2611-77"]
    for query, code in {
        "colour=red": "parameter_unknown",
        "limit=0": "limit_wrong",
        "limit=1&limit=2": "parameter_twice",
        "fields=colour": "field_unknown",
        "sort=colour": "sort_unknown",
        "quantity.gte=many": "type_wrong",
        "due=tomorrow": "type_wrong",
        "state=on_fire": "not_a_choice",
    }.items():
        answer = anna.get(f"/api/v1/work_order?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, code), query


def test_one_object_has_its_lists_its_tag_and_both_names(net: Network) -> None:
    lin = program("lin")
    by_key = lin.get("/api/v1/step_record/S-1")
    told = by_key.json()
    assert told["fields"]["defects"] == [{"kind": "black_spot", "count": 2}]
    assert told["fields"]["machine"] == "M01", "references are natural keys"
    again = lin.get(by_key["Content-Location"], If_None_Match=by_key["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert lin.get(by_key["Content-Location"], If_None_Match='"99"').json() == told
    anna = program("anna")
    twice = anna.get(f"/api/v1/lot/{LONG_LOT}")
    assert (twice.status_code, twice.json()["expected"]) == (409, "PG, SZ")
    assert anna.get(f"/api/v1/lot/{LONG_LOT}?site=PG").json()["site"] == "PG"


def test_the_number_of_questions_does_not_grow_with_the_rows(net: Network) -> None:
    anna = program("anna")
    asked = []
    anna.get("/api/v1/me")
    for limit in (2, 60):
        with CaptureQueriesContext(connection) as seen:
            assert anna.get(f"/api/v1/work_order?limit={limit}").status_code == 200
        asked.append(len(seen))
    assert asked[0] == asked[1] <= 12, asked


def test_what_is_no_address_method_or_form_is_a_problem_with_a_code(net: Network) -> None:
    anna = program("anna")
    for method, address, status, code in (
        ("GET", "/api/v1/", 404, "nothing_here"),
        ("GET", "/api/v1/colour", 404, "type_unknown"),
        ("GET", "/api/v1/lot/none", 404, "object_unknown"),
        ("DELETE", "/api/v1/lot", 405, "method_unknown"),
        ("PUT", "/api/v1/a/b/c", 405, "method_unknown"),
    ):
        answer = anna.ask(method, address)
        assert (answer.status_code, answer.json()["code"]) == (status, code), address
        assert answer["Content-Type"] == "application/problem+json"
    assert anna.ask("DELETE", "/api/v1/lot")["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert anna.get("/api/v1/lot", Accept="text/csv").status_code == 406
    assert anna.ask("HEAD", "/api/v1/lot").content == b""


def test_who_asks_too_often_waits(net: Network, settings: object) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    lin, siti = program("lin"), program("siti")
    assert [lin.get("/api/v1/me").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert 1 <= int(lin.get("/api/v1/me")["Retry-After"]) <= 21
    assert siti.get("/api/v1/me").status_code == 200, "each token has its own measure"
