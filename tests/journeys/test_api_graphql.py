"""GraphQL: relations in a fixed number of statements, the same view of the world, a price (fault 44)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from medloom.kernel.cursor import Cursor
from tests.browser.network import LONG_LOT, Network, build
from tests.journeys.calling import Program, program

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
WHOLE = """
    query ($first: Int) { step_record_page(limit: $first, sort: "num") { next items {
        key day total machine { key kind tonnage } resin_lot { key item { key name } } resin_lot_key
        defects { kind count } } } }"""


@pytest.fixture
def net(transactional_db: None) -> Network:
    return build()


def ask(who: Program, query: str, **variables: Any) -> Any:
    """One question."""
    return who.post("/api/v1/graphql", {"query": query, "variables": variables})


def code(who: Program, query: str, **variables: Any) -> tuple[int, str]:
    answer = ask(who, query, **variables)
    return answer.status_code, answer.json().get("code", "")


def test_relations_and_lines_are_read_with_a_fixed_number_of_statements(
    net: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin = program("lin")
    ask(lin, "{ lot_page { next } }")
    direct: list[str] = []
    execute = Cursor.execute
    monkeypatch.setattr(Cursor, "execute", lambda self, sql, *a: direct.append(sql) or execute(self, sql, *a))
    asked = []
    for first in (1, 8):
        direct.clear()
        with CaptureQueriesContext(connection) as seen:
            answer = ask(lin, WHOLE, first=first)
        asked.append(len(seen) + len(direct))
    items = answer.json()["data"]["step_record_page"]["items"]
    assert asked[0] == asked[1] <= 16, asked
    assert items[0]["machine"] == {"key": "M01", "kind": "machine", "tonnage": "80.0 t"}
    assert items[0]["resin_lot"] == {"key": LONG_LOT, "item": {"key": "10001", "name": "输液器外壳"}}
    assert items[0]["defects"] == [{"kind": "black_spot", "count": 2}]
    assert [item["resin_lot_key"] for item in items[4:]] == ["FG-0", "FG-1", "FG-2", "FG-3"]


def test_rest_and_graphql_say_the_same(net: Network) -> None:
    anna = program("anna")
    query = """{ work_order(id: "WO-0001", site: "SZ") { id version state quantity due item_key } }"""
    told = ask(anna, query).json()["data"]["work_order"]
    rest = anna.get("/api/v1/work_order/WO-0001?site=SZ").json()
    assert told == {
        **{name: rest[name] for name in ("id", "version", "state")},
        **{name: rest["fields"][name] for name in ("quantity", "due")},
        "item_key": rest["fields"]["item"],
    }
    page = "{ work_order_page(quantity_gte: %s, limit: 2, sort: %s) { next items { key } } }"
    first = ask(anna, page % ('"1057"', '"-num"')).json()["data"]["work_order_page"]
    assert [item["key"] for item in first["items"]] == ["WO-0059", "WO-0058"]
    rest = (page % ('"1057"', '"-num"')).replace("limit: 2", f'limit: 2, cursor: "{first["next"]}"')
    last = ask(anna, rest).json()["data"]["work_order_page"]
    assert last == {"next": None, "items": [{"key": "WO-0057"}]}


def test_another_plants_objects_are_none_here_too(net: Network) -> None:
    siti = program("siti")
    both = """{ a: work_order(id: "WO-0001") { id } b: lot_page(site: "SZ") { items { key } }
                c: work_order_page(limit: 200) { items { site } } d: site(id: "PG") { party { name } } }"""
    told = ask(siti, both).json()["data"]
    assert told["a"] is None
    assert told["b"]["items"] == []
    assert {item["site"] for item in told["c"]["items"]} == {"PG"}
    assert told["d"] == {"party": None}, "the registrant's own type looks like none"
    assert code(siti, "{ party_page { items { name } } }") == (404, "type_unknown")
    narrow = program("siti", "lot")
    assert code(narrow, "{ lot_page { items { item { name } } } }") == (403, "scope_missing")
    skipped = "{ lot_page(limit: 1) { items { key item @include(if: false) { name } } } }"
    assert code(narrow, skipped) == (200, ""), "what is left out is not asked for"
    assert code(narrow, "{ work_order_page { next } }") == (403, "scope_missing")
    assert (
        Program(siti.token, "x").post("/api/v1/graphql", {"query": "{ lot_page { next } }"}).status_code
        == 401
    )


def test_a_question_that_costs_too_much_is_refused_before_anything_is_read(net: Network) -> None:
    anna = program("anna")
    deep = "{ lot_page { items " + "{ item " * 50 + "{ key }" + " }" * 50 + " } }"
    flood = "{ " + " ".join(f"a{n}: lot_page {{ next }}" for n in range(500)) + " }"
    wide = "{ " + " ".join(f'a{n}: lot(id: "x") {{ key }}' for n in range(21)) + " }"
    each = "id site key version entry placeholder voided item_key kind state"
    pages = (
        "{ "
        + " ".join(
            f"p{n}: lot_page(limit: 200) {{ items {{ {each} item {{ id key name version }} }} }}"
            for n in range(8)
        )
        + " }"
    )
    again = "{ lot_page(limit: 1) { items { " + "item { key } " * 100 + "} } }"
    ring = "{ lot_page { items { ...b } } } fragment b on Lot { item { key } ...b }"
    names = "abcdefghijklmn"
    bomb = "{ lot_page { ...a } } " + " ".join(
        f"fragment {a} on LotPage {{ {' '.join([f'...{b}'] * 10)} }}" for a, b in itertools.pairwise(names)
    )
    with CaptureQueriesContext(connection) as seen:
        for query, expected in {
            deep: "query_too_deep",
            flood: "query_too_costly",
            wide: "query_too_wide",
            again: "query_too_wide",
            pages: "query_too_costly",
            ring: "query_too_deep",
            bomb: "query_too_costly",
            "{ " + "key " * 3000 + "}": "query_too_costly",
            "{" * 1500: "query_wrong",
            "{ __schema { types { name } } }": "introspection_off",
            'query { __type(name: "Lot") { name } }': "introspection_off",
        }.items():
            assert code(anna, query) == (400, expected), query[:80]
    assert not [q for q in seen if "from" in q["sql"].lower() and '"lot"' in q["sql"]], (
        "nothing was looked up"
    )
    assert code(anna, "query ($n: Int) { lot_page(limit: $n) { items { key } } }", n=10**9) == (
        400,
        "limit_wrong",
    )


def test_what_is_no_question_is_a_problem_with_a_place(net: Network) -> None:
    anna = program("anna")
    for query in ("", "{", "{ colour }", "mutation { x }", "{ lot }", "{ lot_page(colour: 1) { next } }"):
        assert code(anna, query) == (400, "query_wrong"), query
    for body in (b"[]", b'{"query": 1}', b'{"query": "{ lot_page { next } }", "variables": []}', b"null"):
        assert anna.post("/api/v1/graphql", body).status_code == 400, body
    assert anna.post("/api/v1/graphql", {"query": "{ x }", "sql": "x"}).status_code == 422
    assert anna.get("/api/v1/graphql?query={__typename}").status_code == 405
    assert code(anna, '{ lot_page(state: "on fire") { next } }') == (400, "not_a_choice")
    assert code(anna, '{ lot_page(cursor: "AAAA") { next } }') == (400, "cursor_wrong")
    number = "query ($n: Int, $y: Boolean! = true) { lot_page(limit: $n) { next @include(if: $y) } }"
    wrong: list[dict[str, Any]] = [{"n": "x"}, {"n": 2**40}, {"n": [1]}, {"n": {}}, {"n": True}, {"y": None}]
    for variables in wrong:
        answer = ask(anna, number, **variables)
        assert (answer.status_code, answer.json()["path"]) == (400, "/variables"), variables
    assert code(anna, "query ($y: Boolean!) { lot_page { next @skip(if: $y) } }") == (400, "query_wrong")
    assert anna.post("/api/v1/graphql", [{"query": "{ lot_page { next } }"}] * 3).status_code == 400
    named = {"query": "{ lot_page { next } }", "extensions": {"persistedQuery": {"version": 1}}}
    assert anna.post("/api/v1/graphql", named).json()["path"] == "/extensions"
    twice = ask(anna, f'{{ lot(id: "{LONG_LOT}") {{ site }} }}')
    assert (twice.status_code, twice.json()["expected"]) == (409, "PG, SZ")
    assert ask(anna, "{ __typename lot_page { __typename } }").status_code == 200
