"""An agent's whole session against the hub on PostgreSQL, carried by real signed HTTP requests."""

from __future__ import annotations

import datetime as dt
import gc
import hashlib
import secrets

import msgspec
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone

from medloom.exchange.sequencer import Sequencer, start_epoch
from medloom.kernel.access import seeing
from medloom.kernel.batch import Batch
from medloom.kernel.door import new_id
from medloom.kernel.entity import catalogue
from medloom.kernel.models import Alarm, Entry
from medloom.kernel.rows import HeadMoved
from medloom.materials.models import Lot
from medloom.parties.models import Enrolment
from medloom.process import state
from medloom.wire import messages
from medloom.wire.memory_site import MemorySite
from medloom.wire.messages import HandBack, Hello, Pull, SnapshotPull
from medloom.wire.operation import Kind
from medloom.wire.signature import sign_request
from medloom.wire.site import PushBody, SiteMachine
from medloom.wire.writing import Draft, write

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
PATHS = {
    Hello: "/sync/hello",
    PushBody: "/sync/push",
    Pull: "/sync/pull",
    HandBack: "/sync/hand-back",
    SnapshotPull: "/sync/snapshot",
}


class Agent:
    """A site machine whose requests travel through Django's test client."""

    def __init__(self, site: str = "A", store: MemorySite | None = None) -> None:
        self.site, self.key, self.client = site, Ed25519PrivateKey.generate(), Client()
        sheets = {name: declared.sheet for name, declared in catalogue().items()}
        self.store = store or MemorySite(site=site, sheets=sheets)
        self.machine = SiteMachine(self.store, site=site, key=self.key, mint=lambda: secrets.token_hex(16))
        self.machine.start()

    def post(self, path: str, body: bytes, *, token: str = "", key=None, **headers: str):
        signed = sign_request(
            method="POST", path=path, body=body, token=token, site=self.site, key=key or self.key, created_s=0
        )
        return self.client.post(path, body, content_type="application/json", headers=signed | headers)

    def enrol(self) -> None:
        code = secrets.token_hex(8)
        Enrolment.objects.create(
            code=hashlib.sha256(code.encode()).digest(),
            site=self.site,
            expires=timezone.now() + dt.timedelta(hours=1),
        )
        wish = {"site": self.site, "code": code, "key": self.key.public_key().public_bytes_raw().hex()}
        assert self.client.post("/sync/enrol", wish, content_type="application/json").status_code == 204

    def run(self) -> None:
        """Talk until there is nothing to do."""
        for _ in range(50):
            ask = self.machine.next_request()
            if ask is None:
                return
            token = "" if isinstance(ask, Hello) else ask.token
            body = ask.body if isinstance(ask, PushBody) else msgspec.json.encode(ask)
            answer = self.post(PATHS[type(ask)], body, token=token)
            kind = getattr(messages, answer.headers["Medloom-Message"])
            self.machine.handle(ask, msgspec.json.decode(answer.content, type=kind))
        raise AssertionError("the session does not come to rest")

    def write(self, *drafts: Draft) -> None:
        with self.store.transaction():
            write(self.store, drafts, site=self.site)


def lot(number: str, **more) -> Draft:
    return Draft(
        type="lot",
        object=new_id(),
        kind=Kind.SET,
        fields={"number": number},
        at="2026-11-01T08:00:00Z",
        actor="p1",
        **more,
    )


@pytest.fixture
def sequence():
    def connect(role: str) -> psycopg.Connection:
        name = {"dbname": connection.settings_dict["NAME"]}
        return psycopg.connect(**(state.connection(role) | name), autocommit=True)

    with connect("app") as app, connect("sequencer") as link:
        start_epoch(app)
        found = Sequencer(link)
        found.load()
        yield found.round


def test_a_site_enrols_pushes_and_reads_its_own_lines(sequence) -> None:
    agent = Agent()
    agent.enrol()
    agent.write(*(lot(f"L{i}") for i in range(3)))
    agent.run()
    with seeing("A"):
        assert sorted(Lot.objects.values_list("key", flat=True)) == ["L0", "L1", "L2"]
    assert len(agent.store.unlined()) == 3, "pending until the line has come"
    assert sequence() == 3
    agent.machine.wake()
    agent.run()
    assert not agent.store.unlined()
    assert {h.values["number"] for h in agent.store.objects().values()} == {"L0", "L1", "L2"}


def test_two_agents_of_one_store_lose_nothing(sequence) -> None:
    agent = Agent()
    agent.enrol()
    agent.run()
    clone = Agent(store=agent.store.copy())
    clone.machine.key = clone.key = agent.key
    agent.write(lot("L1"))
    clone.write(lot("L2"))
    clone.run()
    agent.run()
    assert sequence() == 1, "the fenced agent is told so; only lots of observations would pass"
    with connection.cursor() as cursor:
        cursor.execute("select code from alarm")
        assert cursor.fetchall() == [("clone",)]


def test_an_agent_without_its_store_gets_the_state_by_snapshot(sequence) -> None:
    agent = Agent()
    agent.enrol()
    agent.write(*(lot(f"L{i}") for i in range(5)))
    agent.run()
    sequence()
    fresh = Agent()
    fresh.machine.key = fresh.key = agent.key
    fresh.run()
    assert {h.values["number"] for h in fresh.store.objects().values()} == {f"L{i}" for i in range(5)}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": Ed25519PrivateKey.generate()}, "signature_invalid"),
        ({"Content-Digest": "sha-256=:x:"}, "digest_differs"),
        ({"Signature-Input": "medloom=()"}, "signature_missing"),
        ({"Medloom-Token": "other"}, "signature_invalid"),
    ],
)
def test_an_unsigned_or_altered_request_is_refused_before_anything_else(change, code) -> None:
    agent = Agent()
    agent.enrol()
    answer = agent.post("/sync/hello", b"{}", **change)
    assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_a_used_or_wrong_code_enrols_nobody_else() -> None:
    agent = Agent()
    agent.enrol()
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    for code in ("wrong", ""):
        wish = {"site": "A", "code": code, "key": other}
        answer = agent.client.post("/sync/enrol", wish, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (403, "code_wrong")


def test_a_body_that_is_no_message_is_answered_with_what_was_expected() -> None:
    agent = Agent()
    agent.enrol()
    for path in ("/sync/hello", "/sync/pull", "/sync/push", "/sync/snapshot", "/sync/hand-back"):
        for body in (b"", b"[" * 5000, b"\xff\xfe", b'{"site": 1}'):
            answer = agent.post(path, body)
            assert answer.status_code in (400, 409, 411), (path, body[:10], answer.content)
            assert answer.json()["code"]


def test_what_is_wrong_at_a_site_is_an_alarm_once_until_somebody_looked(sequence) -> None:
    agent = Agent()
    agent.enrol()
    agent.run()
    welcome = agent.machine.welcome
    assert welcome is not None
    told = {"store_full": "98 % of its quota\x00\n used", "no code; --": "x", "a" * 40: "y"}
    pull = Pull(welcome.token, welcome.hub, "c", 0, alarms=told)
    for _ in range(3):
        answer = agent.post("/sync/pull", msgspec.json.encode(pull), token=welcome.token)
        assert (answer.status_code, answer.headers["Medloom-Message"]) == (200, "Page")
    assert list(Alarm.objects.values_list("code", "site", "detail")) == [
        ("store_full", "A", "98 % of its quota used")
    ]
    Alarm.objects.update(seen_at=timezone.now())
    agent.post("/sync/pull", msgspec.json.encode(pull), token=welcome.token)
    assert Alarm.objects.count() == 2, "told anew after somebody has looked at the first"
    older = {"token": welcome.token, "hub": welcome.hub, "feed": "c", "after": 0}
    answer = agent.post("/sync/pull", msgspec.json.encode(older), token=welcome.token)
    assert answer.headers["Medloom-Message"] == "Page", "an older agent says nothing of alarms"


def test_a_value_that_only_postgresql_refuses_costs_a_push_its_own_line_only(monkeypatch) -> None:
    """The first try is rolled back whole; the careful one finds the line, and the chain goes on behind it."""
    agent = Agent()
    agent.enrol()
    leak = Batch.judge

    def judge(batch: Batch) -> None:
        leak(batch)
        for case in batch.cases:
            if case.head is not None and case.key == "L2":
                case.head.values["kind"] = "a word that is longer than any column of this kind" * 9

    monkeypatch.setattr(Batch, "judge", judge)
    agent.write(lot("L1"), lot("L2"), lot("L3"))
    agent.run()
    with seeing("A"):
        assert sorted(Lot.objects.values_list("key", flat=True)) == ["L1", "L3"]
    with seeing("*"):
        verdicts = list(Entry.objects.order_by("seq").values_list("verdict", flat=True))
    assert verdicts == ["accepted", "quarantined", "accepted"]
    agent.write(lot("L4"))
    agent.run()
    with seeing("A"):
        assert Lot.objects.filter(key="L4").exists()


def test_a_push_that_lost_a_race_is_judged_again(monkeypatch) -> None:
    agent = Agent()
    agent.enrol()
    tried = []
    judge = Batch.judge

    def lose_once(batch: Batch) -> None:
        judge(batch)
        tried.append(len(batch.cases))
        if len(tried) == 1:
            raise HeadMoved("lot")

    monkeypatch.setattr(Batch, "judge", lose_once)
    agent.write(lot("L1"))
    agent.run()
    assert len(tried) == 2
    with seeing("A"):
        assert Lot.objects.filter(key="L1").count() == 1


def test_agents_pass_by_the_middleware_of_pages() -> None:
    kept = gc.get_threshold()
    from medloom.wsgi import application

    gc.set_threshold(*kept)
    gc.unfreeze()

    def ask(path: str) -> tuple[str, dict[str, str]]:
        said: list[tuple[str, dict[str, str]]] = []
        environ = RequestFactory().post(path, "{}", content_type="text/plain", HTTP_HOST="localhost").environ
        for _ in application(environ, lambda status, headers: said.append((status, dict(headers)))):
            pass
        return said[0]

    status, headers = ask("/sync/push")
    assert status.startswith("401") and headers["Medloom-Message"] == "Refused"
    assert "Content-Security-Policy" not in headers
    assert ask("/sync/nothing")[0].startswith("404")
    assert ask("/sync/hints")[0].startswith("404"), "streams take no thread of the pages"
    status, headers = ask("/login/")
    assert status.startswith("403") and "Content-Security-Policy" in headers, "a form without its token"
