"""Programs and people of three parties against one hub: what they must not see, set, or ask for.

Through the real views on a real PostgreSQL; each case leaves its own objects behind, told apart by the seed.
"""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test import Client
from django.utils import timezone

from medloom.hub import wiring
from medloom.kernel.access import ALL, seeing
from medloom.kernel.act import Act
from medloom.kernel.cursor import open_cursor
from medloom.kernel.door import new_id, submit
from medloom.kernel.entity import catalogue
from medloom.kernel.models import Entry
from medloom.parties.models import User
from medloom.parties.tokens import SECRET_BYTES, Token, make_token

SITES = ("HQ", "A", "B")


@dataclass(frozen=True)
class Party:
    """One party's person and program."""

    site: str
    user: User
    token: Token
    text: str
    client: Client = field(default_factory=Client)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request of the program."""
        sent = {"Authorization": f"Bearer {self.text}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        raw = b"" if body is None else json.dumps(body).encode()
        return self.client.generic(method, path, raw, "application/json", headers=sent)

    def browser(self) -> Client:
        """The person's browser."""
        client = Client()
        client.force_login(self.user, backend="django.contrib.auth.backends.ModelBackend")
        return client


def parties(seed: int) -> dict[str, Party]:
    """The registrant and two plants, each with a person who may do everything."""
    found = {}
    with seeing(ALL), open_cursor() as cursor:
        wired = wiring(cursor)
    act = Act(actor="drill", at="2026-11-23T08:00:00Z", mint=new_id)
    sites = [act.create("site", site=s, fields={"code": s, "name": f"Plant {s}"}) for s in SITES]
    submit(sites, author="HQ", wiring=wired)
    for site in SITES:
        roles = ("quality", "planner", "it", "admin")
        user = User.objects.create_user(
            f"drill-{site}-{seed}", secrets.token_urlsafe(16), site=site, roles=roles
        )
        token, text = make_token(
            user, name="drill", writes=True, types=(), days=1,
            secret=secrets.token_bytes(SECRET_BYTES), now=timezone.now(),
        )  # fmt: skip
        found[site] = Party(site, user, token, text)
    return found


def _lot(party: Party, number: str) -> str:
    """A lot of that party with its item, by REST; its id."""
    item = {"fields": {"number": f"I-{number}", "name": f"part {number}", "kind": "component"}}
    assert party.ask("POST", "/api/v1/item", item).status_code in (201, 409)
    lot = {"fields": {"number": number, "item": f"I-{number}", "kind": "material", "remark": number}}
    made = party.ask("POST", "/api/v1/lot", lot)
    assert made.status_code == 201, made.content
    return str(made.json()["id"])


def foreign_bytes(seed: int) -> str:
    """Case 50: every way of asking, as three parties; no byte of another plant, and 404 for its objects."""
    known = parties(seed)
    mark = f"SECRET{seed}A"
    lot = _lot(known["A"], mark)
    asked = 0
    for site, sees in (("HQ", True), ("A", True), ("B", False)):
        party, browser = known[site], known[site].browser()
        answer = party.ask("GET", f"/api/v1/lot/{lot}")
        assert (answer.status_code, mark in answer.content.decode()) == (
            (200, True) if sees else (404, False)
        )
        if sees:
            continue
        with seeing(ALL):
            seqs = list(Entry.objects.filter(site="A").values_list("seq", flat=True))
        paths = [f"/api/v1/{name}" for name in catalogue()]
        paths += [f"/api/v1/{name}?site=A&limit=500" for name in ("lot", "item")]
        paths += [
            f"/api/v1/lot/{lot}/history",
            "/api/v1/lot/other",
            f"/api/v1/lot/{lot}?as_of=2999-01-01T00:00:00Z",
        ]
        replies = [(path, party.ask("GET", path)) for path in paths]
        for name in catalogue():
            query = f"{{ {name}_page(limit: 200) {{ items {{ key id }} }} }}"
            replies.append((query, party.ask("POST", "/api/v1/graphql", {"query": query})))
        change = {"fields": {"remark": "x"}, "reason": "because"}
        replies.append(("PATCH", party.ask("PATCH", f"/api/v1/lot/{lot}", change, If_Match='"1"')))
        wish = [{"type": "lot", "id": lot, "base": 1, **change}]
        replies.append(("batch", party.ask("POST", "/api/v1/operations", wish)))
        pages = [f"/o/{name}/" for name in catalogue()] + [
            f"/o/{name}/?export=xlsx" for name in ("lot", "item")
        ]
        pages += [
            "/",
            "/tasks/",
            "/stock/",
            "/ledger/",
            "/repair/",
            "/matches/",
            "/conflicts/",
            "/connections/",
        ]
        pages += [f"/o/lot/{lot}/", f"/o/lot/{lot}/?tab=history", *(f"/ledger/{seq}/" for seq in seqs)]
        replies += [(path, browser.get(path)) for path in pages]
        for path, reply in replies:
            text = reply.content.decode(errors="replace")
            assert mark not in text and reply.status_code < 500, path
            assert reply.status_code != 403 or path in ("/o/party/",), f"{path} says that something is there"
            asked += 1
    return f"{asked} ways of asking, 0 foreign bytes"


def mass_assignment(seed: int) -> str:
    """Case 51: owner, party, state, version, verdict given as fields or members change nothing."""
    party = parties(seed)["A"]
    forged = {"owner": "HQ", "party": "x", "state": "market_released", "version": 99, "verdict": "accepted",
              "site": "B", "voided": True, "entry": 1, "num": 1}  # fmt: skip
    item = {"fields": {"number": f"M{seed}", "name": "part", "kind": "component"}}
    assert party.ask("POST", "/api/v1/item", item).status_code == 201
    fields = {"number": f"M-{seed}", "item": f"M{seed}", "kind": "material"}
    made = party.ask("POST", "/api/v1/lot", {"fields": {**fields, **forged}})
    assert made.status_code == 201, made.content
    now = party.ask("GET", made.json()["href"]).json()
    stands = (now["site"], now["state"], now["version"], now["voided"])
    assert stands == ("A", "pending", 1, False), stands
    named = {finding["path"] for finding in made.json()["findings"]}
    assert named >= {f"/fields/{name}" for name in forged}, "each is named as not taken"
    for name, value in (
        ("verdict", "accepted"),
        ("actor", "x"),
        ("author", "HQ"),
        ("version", 3),
        ("base", 5),
    ):
        answer = party.ask("POST", "/api/v1/lot", {"fields": {**fields, "number": f"N-{seed}"}, name: value})
        assert answer.status_code == 422, (name, answer.content)
    return f"{len(forged)} fields named and left out, 5 members refused"


def dear_questions(seed: int) -> str:
    """Case 44: a question fifty deep, a flood of aliases, rings and bombs of fragments: refused unread."""
    party = parties(seed)["HQ"]
    names = "abcdefghijklmn"
    page = f"lot_page(limit: 200) {{ items {{ {'key ' * 60} }} }}"
    questions = {
        "depth": "{ lot_page { items " + "{ item " * 50 + "{ key }" + " }" * 50 + " } }",
        "aliases": "{ " + " ".join(f"a{n}: lot_page {{ next }}" for n in range(300)) + " }",
        "ring": "{ lot_page { items { ...b } } } fragment b on Lot { item { key } ...b }",
        "bomb": "{ lot_page { ...a } } " + " ".join(
            f"fragment {a} on LotPage {{ {' '.join([f'...{b}'] * 10)} }}"
            for a, b in itertools.pairwise(names)
        ),
        "pages": "{ " + " ".join(f"p{n}: {page}" for n in range(9)) + " }",
        "tokens": "{ " + "key " * 5_000 + "}",
        "schema": "{ __schema { types { name } } }",
    }  # fmt: skip
    for name, query in questions.items():
        answer = party.ask("POST", "/api/v1/graphql", {"query": query})
        assert answer.status_code == 400, (name, answer.status_code)
        assert answer.json()["code"] in (
            "query_too_deep",
            "query_too_costly",
            "query_too_wide",
            "introspection_off",
        )
    fine = party.ask(
        "POST", "/api/v1/graphql", {"query": "{ lot_page(limit: 5) { items { key item { key } } } }"}
    )
    assert fine.status_code == 200, fine.content
    return f"{len(questions)} refused, an ordinary one answered"


def without_party(seed: int) -> str:
    """Case 58: a connection used again without a party sees nothing, also after an error."""
    known = parties(seed)
    _lot(known["A"], f"POOL{seed}")
    for path in ("/api/v1/lot", "/api/v1/lot/none", "/api/v1/lot?limit=x"):
        known["A"].ask("GET", path)
        with connection.cursor() as cursor:
            cursor.execute("select coalesce(current_setting('medloom.site', true), '')")
            assert cursor.fetchone() == ("",), path
            for table in ("lot", "item", "site", "entry"):
                cursor.execute(f"select count(*) from {table}")  # noqa: S608
                assert cursor.fetchone() == (0,), (path, table)
    return "0 rows of 4 tables after each of 3 requests"


def role_taken_away(seed: int) -> str:
    """Case 53: a role, a login or a token taken away counts with the next request, over both doors."""
    party = parties(seed)["A"]
    lot = {"fields": {"number": f"R-{seed}", "item": "none", "kind": "material"}}
    assert party.ask("POST", "/api/v1/lot", lot).status_code != 403
    browser = party.browser()
    assert browser.get("/o/lot/").status_code == 200
    party.user.roles.all().delete()
    assert party.ask("POST", "/api/v1/lot", lot).status_code == 403
    party.token.revoke(party.user, timezone.now())
    assert party.ask("GET", "/api/v1/me").status_code == 401
    party.user.let_in(False)
    assert browser.get("/o/lot/").status_code == 302
    return "role, token and login: each refused at the next request"


#: Case number -> run(seed): what was counted. Raises AssertionError.
CASES: dict[int, Callable[[int], str]] = {
    44: dear_questions,
    50: foreign_bytes,
    51: mass_assignment,
    53: role_taken_away,
    58: without_party,
}
