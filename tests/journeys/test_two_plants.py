"""Nobody sees a row of another plant, by whatever door: every address, as every party (fault 50).

The addresses are read from the router, so that a page that is added is visited too.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote, urlencode

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from medloom.interfaces.web import urls as pages
from medloom.interfaces.web.scopeform import DIMENSIONS
from medloom.kernel.access import ALL, seeing
from medloom.kernel.entity import catalogue
from medloom.kernel.models import Entry
from medloom.parties.models import User
from tests.journeys.calling import program
from tests.journeys.two_plants import MARKS, MARKUP, build_apart, mark, objects_of

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
PEOPLE = {"SZ": "lin", "PG": "siti"}
OTHER = {"SZ": "PG", "PG": "SZ"}
#: Addresses that end the visit or belong to nobody.
LEFT_OUT = {"logout", "login", "health", "language"}
#: Types whose objects are asked for in every way; of the others one address is enough.
OFTEN = ("lot", "step_record", "hold", "result", "work_order", "alert", "correction")
STRANGER = "01900000-0000-7000-8000-00000000abcd"


def visitor(name: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["django_language"] = "en"
    return client


def text_of(answer: Any) -> str:
    """Everything an answer says: headers, body, what a workbook holds."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    said = [f"{name}: {value}" for name, value in answer.headers.items()]
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            said += [book.read(name).decode("utf-8", "replace") for name in book.namelist()]
    return "\n".join([*said, body.decode("utf-8", "replace")])


class Known:
    """What can stand in an address, by the name of its place; of both plants, for whoever visits."""

    def __init__(self, kept: dict[str, dict[str, list[str]]]) -> None:
        self.objects = {site: objects_of(site) for site in MARKS}
        with seeing(ALL):
            entries = {site: Entry.objects.filter(site=site).exclude(verdict="accepted") for site in MARKS}
            first = {site: Entry.objects.filter(site=site, verdict="accepted") for site in MARKS}
            self.seqs = {
                site: [
                    *entries[site].values_list("seq", flat=True),
                    *first[site].values_list("seq", flat=True)[:3],
                ]
                for site in MARKS
            }
        self.kept = kept

    def values(self, place: str, route: str, site: str) -> list[Any]:
        """What of that site may stand at a place of a route."""
        if place == "object_":
            one = self.objects[site]
            named = {
                "holds/": "hold",
                "scope/": "scope",
                "disagreements/": "disagreement",
                "devices/": "device",
            }
            for start, type_ in named.items():
                if route.startswith(start):
                    return one[type_] or one["lot"][:1]
            return [each for ids in one.values() for each in ids]
        if place == "name":
            return (
                self.kept[site]["subscription"]
                if route.startswith("webhooks/")
                else ["lots", "accept", "clear"]
            )
        fixed = {
            "type_": list(catalogue()), "dimension": list(DIMENSIONS), "kind": ["xlsx", "json"],
            "site": [site],
            "seq": self.seqs[site], "upload": self.kept[site]["upload"], "job": self.kept[site]["job"],
            "token": self.kept[site]["token"], "attempt": self.kept[site]["attempt"],
        }  # fmt: skip
        return fixed[place]


def addresses(known: Known, site: str, *, whole: bool) -> Iterator[str]:
    """Every page with what of that site can stand in its address; not `whole`: one object of some will do."""
    for pattern in pages.urlpatterns:
        assert isinstance(pattern, URLPattern)
        name, route = f"web:{pattern.name}", str(pattern.pattern)
        places = list(pattern.pattern.converters)
        if pattern.name in LEFT_OUT:
            continue
        if not {"type_", "object_"} <= set(places):
            for values in itertools.product(*(known.values(place, route, site) for place in places)):
                yield reverse(name, kwargs=dict(zip(places, values, strict=True)))
            continue
        more = {p: known.values(p, route, site)[0] for p in places if p not in ("type_", "object_")}
        few = bool(more) or not whole
        standing = [(t, ids[0]) for t, ids in known.objects[site].items() if ids]
        for type_, object_ in [pair for pair in standing if not few or pair[0] in OFTEN]:
            yield reverse(name, kwargs={"type_": type_, "object_": object_, **more})


def asked(site: str, other: str) -> Iterator[str]:
    """Pages that are asked something: by the other plant's code, its mark's first letters, a number of it."""
    near = MARKS[other][:3]
    plain = ["overview", "tasks", "ledger", "stock", "alarms", "timeline", "map", "quality", "repair",
             "conflicts",
             "measured", "matches", "connections", "dictionary", "dismissed"]  # fmt: skip
    for name, query in itertools.product(
        plain, [{"site": other, "q": near}, {"site": other, "export": "xlsx"}]
    ):
        yield f"{reverse(f'web:{name}')}?{urlencode(query)}"
    for type_ in catalogue():
        yield f"/o/{type_}/?{urlencode({'q': near})}"
        yield f"/suggest/{type_}/?{urlencode({'q': near, 'site': other})}"
    for type_ in OFTEN:
        yield f"/o/{type_}/?{urlencode({'export': 'xlsx'})}"
        yield f"/o/{type_}/?{urlencode({'site': other})}"
    feed = {"site": other, "feed": mark(other, "feed"), "type": "step_record"}
    # the question is repeated in the answer where it is a text; a feed is a name, and must be unknown
    yield f"/quality/feed/?{urlencode(feed)}"
    yield f"/quality/findings/?{urlencode({'site': other, 'code': 'lot_held'})}"
    yield from (f"/find/?{urlencode({'q': near})}", f"/udi/?{urlencode({'q': near})}")
    yield from (f"/scope/values/{d}/?{urlencode({'q': near})}" for d in DIMENSIONS)


def wrong(answer: Any, site: str, address: str) -> list[str]:
    """What must not be in an answer for that site's people."""
    said = text_of(answer)
    html = "html" in answer.get("Content-Type", "")
    return [
        f"{what}: {answer.status_code} {address}"
        for what, is_so in (
            ("broken", answer.status_code >= 500),
            ("another's", site in OTHER and MARKS[OTHER[site]] in said),
            ("markup", html and any(each + MARKUP in said for each in MARKS.values())),
        )
        if is_so
    ]


@pytest.fixture
def known(transactional_db: None) -> Known:
    return Known(build_apart()[1])


def test_no_page_shows_a_plant_anything_of_another(known: Known) -> None:
    found, shown = [], 0
    for site, name in PEOPLE.items():
        client, other = visitor(name), OTHER[site]
        own, foreign = addresses(known, site, whole=True), addresses(known, other, whole=False)
        for address in dict.fromkeys((*own, *foreign, *asked(site, other))):
            answer = client.get(address)
            found += wrong(answer, site, address)
            shown += MARKS[site] in text_of(answer)
    assert found == []
    assert shown > 150, "the marks are on the pages, or the visit would prove nothing"


def test_the_registrant_sees_both_and_no_text_becomes_markup(known: Known) -> None:
    client, seen = visitor("anna"), dict.fromkeys(MARKS, 0)
    for address in dict.fromkeys((*addresses(known, "SZ", whole=True), *(f"/o/{t}/" for t in catalogue()))):
        answer = client.get(address)
        assert wrong(answer, "HQ", address) == []
        for site, text in MARKS.items():
            seen[site] += text in text_of(answer)
    assert min(seen.values()) > 20, seen


def test_what_is_anothers_answers_as_what_does_not_exist(known: Known) -> None:
    """An id of another plant and an id of nothing: the same status, headers and words, read or written."""
    client = visitor("lin")
    foreign = {each for ids in known.objects["PG"].values() for each in ids}
    foreign |= {
        each for name in ("upload", "job", "subscription", "token") for each in known.kept["PG"][name]
    }
    compared = 0
    for address in dict.fromkeys(addresses(known, "PG", whole=False)):
        ids = [each for each in foreign if each in address]
        for each, method in itertools.product(ids, (client.get, client.post)):
            theirs, nothing = method(address), method(address.replace(each, STRANGER))
            assert same(theirs, each) == same(nothing, STRANGER), (method, address)
            compared += 1
    assert compared > 60


def same(answer: Any, id_: str) -> tuple[int, str]:
    """An answer without what differs from one request to the next."""
    said = re.sub(r"(csrfmiddlewaretoken\W+value=\W*|csrftoken=|X-CSRFToken\W+)[\w-]+", "", text_of(answer))
    return answer.status_code, said.replace(id_, "ID").replace(quote(id_), "ID")


# -- programs ---------------------------------------------------------------------------------


def doors(known: Known, site: str) -> Iterator[str]:
    """What a program may ask for, with what of that site can stand in the address."""
    yield from ("/api/v1/me", "/api/v1/stream?limit=500", "/api/openapi.json", "/api/v1/nothing")
    for type_, ids in known.objects[site].items():
        root = f"/api/v1/{type_}"
        yield from (f"{root}?limit=100", f"{root}?site={site}", f"{root}?q={MARKS[site][:3]}")
        for each in ids[:1]:
            yield from (f"{root}/{each}", f"{root}/{each}/history")
    with seeing(ALL):
        told = [
            json.loads(body)["id"]
            for body in Entry.objects.filter(site=site).values_list("body", flat=True)[:5]
        ]
        keys = {t: m.model._default_manager.filter(site=site).values_list("key", flat=True).first()
                for t, m in catalogue().items()}  # fmt: skip
    yield from (f"/api/v1/operations/{quote(each, safe='')}" for each in told)
    yield from (f"/api/v1/{t}/{quote(k, safe='')}" for t, k in keys.items() if k)
    yield from ("/epcis/capture", "/epcis/events", f"/epcis/capture/{known.kept[site]['capture'][0]}")
    yield f"/epcis/events/{quote(known.kept[site]['event'][0], safe='')}"
    for name in ("eventTypes", "bizSteps", "bizLocations", "readPoints", "dispositions", "epcs"):
        yield f"/epcis/{name}"


def unechoed(answer: Any, address: str) -> str:
    """What an answer says besides repeating the address that was asked for."""
    said = text_of(answer)
    parts = {address, unquote(address), *address.split("/"), *unquote(address).split("/")}
    parts |= {unquote(each) for each in address.split("/")}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) > 3:
            said = said.replace(json.dumps(part)[1:-1], "").replace(part, "")
    return said


def test_no_door_for_programs_gives_anothers_rows(known: Known) -> None:
    found, shown = [], 0
    for site, name in PEOPLE.items():
        caller, other = program(name), OTHER[site]
        for address in (*doors(known, site), *doors(known, other)):
            answer = caller.get(address)
            said = unechoed(answer, address)
            if answer.status_code >= 500 or MARKS[other] in said:
                found.append((name, answer.status_code, address))
            shown += MARKS[site] in said
        for type_ in catalogue():
            answer = caller.post(
                "/api/v1/graphql", {"query": f"{{ {type_}_page(limit: 50) {{ items {{ key }} }} }}"}
            )
            if answer.status_code not in (200, 404) or MARKS[other] in text_of(answer):
                found.append((name, answer.status_code, f"graphql {type_}"))
            shown += MARKS[site] in text_of(answer)
    assert found == []
    assert shown > 100


def test_a_program_cannot_tell_anothers_object_from_none(known: Known) -> None:
    """By id or number, read, listed, changed or commanded; nor by a tag that it guesses."""
    caller = program("lin")
    with seeing(ALL):
        theirs = {
            t: d.model._default_manager.filter(site="PG").values_list("object", "key", "version").first()
            for t, d in catalogue().items()
            if d.facts.readers == "site" and not d.facts.network
        }
    for type_, row in theirs.items():
        if row is None:
            continue
        object_, key, version = str(row[0]), row[1], row[2]
        nobody = key.replace(MARKS["PG"], "N" * len(MARKS["PG"])).replace("PG", "NN")
        for method, rest, body, headers in (
            ("GET", "", None, {"If_None_Match": f'"{version}"'}),
            ("GET", "/history", None, {}),
            ("PATCH", "", {"fields": {}, "reason": "x"}, {"If_Match": f'"{version}"'}),
            ("POST", "/commands/close", {"from": "open", "reason": "x"}, {}),
        ):
            pair = [(object_, STRANGER)] if rest else [(object_, STRANGER), (key, nobody)]
            for there, nowhere in pair:
                answers = []
                for name in (there, nowhere):
                    address = f"/api/v1/{type_}/{quote(name, safe='')}{rest}"
                    answer = caller.ask(method, address, body, **headers)
                    answer.headers.pop("RateLimit", None)  # counts down with every question
                    answers.append((answer.status_code, unechoed(answer, address).replace(name, "")))
                assert answers[0] == answers[1], (method, type_, rest, there)
