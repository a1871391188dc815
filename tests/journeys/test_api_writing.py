"""Writing over REST: every operation has its verdict and its entry, and takes effect exactly once."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Entry
from medloom.materials.models import Hold, Lot
from medloom.parties.models import Role, User
from medloom.production.models import StepRecord, WorkOrder
from tests.browser.network import LONG_LOT, Network, build, found
from tests.journeys.calling import program

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
STEP = {"number": "S-90", "day": "2026-11-05", "machine": "M01", "total": 80, "good": 80, "defects": []}


@pytest.fixture
def net(transactional_db: None) -> Network:
    return build()


def entries() -> int:
    with seeing(ALL):
        return Entry.objects.count()


def told(answer: Any) -> tuple[int, str]:
    """Status, and the verdict or the problem's code."""
    body = answer.json()
    return answer.status_code, body.get("code") or body["verdict"]


def test_a_new_object_is_made_once_and_seen_by_its_party(net: Network) -> None:
    lin = program("lin")
    body = {"fields": {"number": "RM-9", "item": "10001", "kind": "material"}, "reason": "received"}
    made = lin.post("/api/v1/lot", body)
    assert told(made) == (201, "accepted")
    assert lin.get(made["Location"]).json()["fields"]["item"] == "10001"
    again = lin.post("/api/v1/lot", body)
    assert told(again) == (409, "key_taken")
    with seeing(ALL):
        entry = Entry.objects.get(seq=made.json()["entry"])
    assert (entry.site, json.loads(entry.body)["actor"]) == ("SZ", lin.token.actor)


def test_a_repeated_request_gets_its_answer_again_and_writes_nothing(net: Network) -> None:
    lin = program("lin")
    body = {"fields": {"number": "RM-9", "item": "10001", "kind": "material"}}
    first = lin.post("/api/v1/lot", body, Idempotency_Key="k1")
    before = entries()
    again = lin.post("/api/v1/lot", body, Idempotency_Key="k1")
    assert (again.status_code, entries()) == (201, before)
    assert again.json() == {**first.json(), "repeated": True}
    other = {"fields": {"number": "RM-10", "item": "10001", "kind": "material"}}
    assert told(lin.post("/api/v1/lot", other, Idempotency_Key="k1")) == (422, "idempotency_key_reused")
    assert entries() == before
    assert lin.post("/api/v1/lot", other, Idempotency_Key="k 1").status_code == 400
    siti = program("siti")
    mine = siti.post("/api/v1/lot", body, Idempotency_Key="k1")
    assert (told(mine), mine.json()["repeated"]) == ((201, "accepted"), False), "each token has its own keys"


def test_a_fact_with_a_source_is_told_once_whatever_the_request(net: Network) -> None:
    lin = program("lin")
    Role.objects.create(user=User.objects.get(username="lin"), role="it")
    body = {"fields": STEP, "source": {"feed": "mes", "key": "90"}}
    assert told(lin.post("/api/v1/step_record", body)) == (201, "accepted")
    before = entries()
    again = lin.post("/api/v1/step_record", body, Idempotency_Key="k2")
    assert (again.json()["verdict"], again.json()["repeated"], entries()) == ("accepted", True, before)
    assert lin.post("/api/v1/step_record", body, Idempotency_Key="k2").json()["repeated"]
    corrected = {"fields": {**STEP, "good": 79}, "source": {"feed": "mes", "key": "90"}}
    late = lin.post("/api/v1/step_record", corrected)
    assert (late.status_code, late.json()["version"]) == (200, 2)
    assert "findings" in late.json(), "balance does not fit, and it has happened all the same"


def test_a_change_is_stale_only_by_field(net: Network) -> None:
    anna = program("anna")
    order = found(WorkOrder, "WO-0058")
    where = f"/api/v1/work_order/{order.object}"
    tag = anna.get(where)["ETag"]
    change = {"fields": {"due": "2026-12-30"}, "reason": "customer"}
    assert anna.ask("PATCH", where, change).status_code == 428
    assert told(anna.ask("PATCH", where, change, If_Match="5")) == (400, "if_match_wrong")
    first = anna.ask("PATCH", where, change, If_Match=tag)
    assert (told(first), first["ETag"]) == ((200, "accepted"), f'"{order.version + 1}"')
    other = anna.ask("PATCH", where, {"fields": {"quantity": 5}, "reason": "less"}, If_Match=tag)
    assert told(other) == (200, "accepted"), "another field, so nothing is stale"
    stale = anna.ask("PATCH", where, {"fields": {"due": "2027-01-01"}, "reason": "later"}, If_Match=tag)
    assert told(stale) == (412, "stale")
    assert stale.json()["stale"] == ["due"]
    assert stale.json()["theirs"] == {"due": "2026-12-30"}
    assert told(anna.ask("PATCH", where, {"fields": {"due": "2027-01-02"}}, If_Match='"9"')) == (
        422,
        "reason_missing",
    )


def test_commands_follow_the_lifecycle_and_signatures_are_persons(net: Network) -> None:
    lin, anna = program("lin"), program("anna")
    order = found(WorkOrder, "WO-0001")
    where = f"/api/v1/work_order/{order.object}/commands"
    assert told(anna.post(f"{where}/acknowledge", {"from": "released"})) == (422, "not_permitted")
    assert told(lin.post(f"{where}/start", {"from": "released"})) == (422, "illegal_state")
    assert lin.post(f"{where}/start", {"from": "released"}).json()["expected"] == "acknowledge"
    assert told(lin.post(f"{where}/acknowledge", {"from": "on_fire"})) == (422, "not_a_choice")
    assert told(lin.post(f"{where}/fly", {"from": "released"})) == (404, "command_unknown")
    assert told(lin.post(f"{where}/acknowledge", {"from": "released"})) == (200, "accepted")
    hold = found(Hold, "H-1")
    clear = f"/api/v1/hold/{hold.object}/commands/clear"
    assert told(anna.post(clear, {"from": "open", "reason": "fine"})) == (403, "person_signs")
    wish = [{"type": "hold", "id": str(hold.object), "command": "clear", "from": "open"}]
    (answer,) = anna.post("/api/v1/operations", wish).json()["answers"]
    assert answer["refusal"]["code"] == "person_signs"
    assert found(Hold, "H-1").state == "open"


def test_what_misses_something_is_parked_and_can_be_asked_for(net: Network) -> None:
    anna = program("anna")
    fields = {"number": "WO-77", "item": "NEW-1", "quantity": 5, "due": "2026-12-20"}
    parked = anna.post("/api/v1/work_order", {"fields": fields, "site": "SZ", "reason": "plan"})
    assert told(parked) == (202, "parked")
    assert anna.get(parked["Location"]).json()["verdict"] == "parked"
    net.plant("SZ", "item", "set", {"number": "NEW-1", "name": "new", "kind": "component"})
    assert anna.get(parked["Location"]).json()["verdict"] == "accepted"
    assert program("siti").get(parked["Location"]).status_code == 404


def test_a_batch_has_a_verdict_for_each_and_a_bad_line_stops_no_neighbour(net: Network) -> None:
    lin = program("lin")
    good = {"type": "lot", "fields": {"number": "RM-1", "item": "10001", "kind": "material"}}
    lines = [
        json.dumps(good).encode(),
        b'{"type": "lot", "fields": {"number": NaN}}',
        b'{"type": "lot", "type": "lot"}',
        b"[" * 1000,
        b'{"type": "colour", "fields": {}}',
        b'{"type": "lot", "wish": 1}',
        b'{"type": "lot", "fields": {"number": "RM-2", "item": "10001", "kind": "unheard of"}}',
        json.dumps({**good, "fields": {**good["fields"], "number": "RM-3"}, "site": "PG"}).encode(),
        json.dumps({**good, "fields": {**good["fields"], "number": "RM-4"}}).encode(),
    ]
    before = entries()
    answer = lin.post("/api/v1/operations", b"\n".join(lines), Content_Type="application/x-ndjson")
    found_ = [(a["verdict"], (a.get("refusal") or {}).get("code", "")) for a in answer.json()["answers"]]
    assert found_ == [
        ("accepted", ""),
        ("quarantined", "not_json"),
        ("quarantined", "duplicate_key"),
        ("quarantined", "too_deep"),
        ("quarantined", "type_unknown"),
        ("quarantined", "body_wrong"),
        ("quarantined", "not_a_choice"),
        ("quarantined", "site_unknown"),
        ("accepted", ""),
    ]
    assert entries() == before + len(lines), "every line has its entry"
    with seeing(ALL):
        assert Entry.objects.get(seq=answer.json()["answers"][1]["entry"]).body == lines[1].decode()


def test_a_batch_is_repeated_as_a_whole_and_a_group_falls_together(net: Network) -> None:
    lin = program("lin")
    lots = [
        {"type": "lot", "fields": {"number": f"G-{n}", "item": "10001", "kind": kind}, "group": "g"}
        for n, kind in enumerate(["material", "unheard of"])
    ]
    first = lin.post("/api/v1/operations", lots, Idempotency_Key="b1").json()["answers"]
    assert [a["verdict"] for a in first] == ["quarantined", "quarantined"]
    again = lin.post("/api/v1/operations", lots, Idempotency_Key="b1").json()["answers"]
    assert again == [{**a, "repeated": True} for a in first]


def test_what_nobody_may_set_is_not_set(net: Network) -> None:
    lin, siti = program("lin"), program("siti")
    fields = {"number": "M-1", "item": "10001", "kind": "material"}
    forged = {"owner": "SZ", "version": 99, "state": "market_released", "verdict": "accepted", "voided": True}
    made = lin.post("/api/v1/lot", {"fields": {**fields, **forged}}).json()
    now = lin.get(made["href"]).json()
    assert (now["state"], now["version"], now["voided"]) == ("pending", 1, False)
    assert {f["path"] for f in made["findings"]} == {f"/fields/{name}" for name in forged}
    for extra in ({"verdict": "accepted"}, {"actor": "p1"}, {"site": "PG"}, {"id": "x"}, {"base": 3}):
        answer = lin.post("/api/v1/lot", {"fields": {**fields, "number": "M-2"}, **extra})
        assert answer.status_code == 422, extra
    for body in (fields, {"fields": []}, [], 1, "x", b"null"):
        assert lin.post("/api/v1/lot", body).status_code in (400, 422), body
    with seeing(ALL):
        hold = Hold.objects.filter(site="SZ")[0]
    signed = {"fields": {"meaning": "approved"}, "reason": "in a hurry"}
    mine = lin.ask("PATCH", f"/api/v1/hold/{hold.object}", signed, If_Match=f'"{hold.version}"')
    assert told(mine) == (422, "not_owner"), "the registrant alone signs"
    order = found(WorkOrder, "WO-0001")
    given = {"fields": {"quantity": 1}, "reason": "cheaper"}
    foreign = siti.ask("PATCH", f"/api/v1/work_order/{order.object}", given, If_Match='"9"')
    assert told(foreign) == (404, "object_unknown")


def test_a_body_is_refused_before_it_can_do_harm(net: Network) -> None:
    lin = program("lin")
    fine = json.dumps({"fields": {"number": "Z-1", "item": "10001", "kind": "material"}}).encode()
    before = entries()
    bomb = gzip.compress(b" " * 40_000_000)
    for body, headers, status in (
        (b"{", {}, 400),
        (b'{"fields": {"number": NaN}}', {}, 400),
        (b'{"fields": {"number": 1.5}}', {}, 400),
        (b'{"fields": {}, "fields": {}}', {}, 400),
        (b'{"fields": ' + b"[" * 1000 + b"]" * 1000 + b"}", {}, 400),
        (b'{"fields": {"good": ' + b"9" * 5000 + b"}}", {}, 400),
        (b"\xff\xfe", {}, 400),
        (fine, {"Content_Type": "text/xml"}, 415),
        (fine, {"Content_Encoding": "br"}, 415),
        (b"\x1f\x8b broken", {"Content_Encoding": "gzip"}, 400),
        (bomb, {"Content_Encoding": "gzip"}, 413),
        (b" " * 5_000_000, {}, 413),
    ):
        answer = lin.post("/api/v1/lot", body, **headers)
        assert answer.status_code == status, (body[:40], headers, answer.content)
        assert answer["Content-Type"] == "application/problem+json"
    assert entries() == before
    assert lin.post("/api/v1/lot", gzip.compress(fine), Content_Encoding="gzip").status_code == 201


def test_history_tells_every_entry_and_how_it_stood(net: Network) -> None:
    anna, siti = program("anna"), program("siti")
    order = found(WorkOrder, "WO-0001")
    where = f"/api/v1/work_order/{order.object}"
    items = anna.get(f"{where}/history?limit=2").json()
    assert [each["version"] for each in items["items"]] == [1, 2]
    later = anna.get(items["next"]).json()["items"]
    assert [each["verdict"] for each in later] == ["accepted", "conflict"]
    assert later[1]["theirs"] == {"planned_start": "2026-12-05"}
    assert siti.get(f"{where}/history").status_code == 404
    now = anna.get(where).json()
    then = anna.get(f"{where}?as_of={items['items'][0]['received'].replace('+', '%2B')}").json()
    assert (then["version"], then["state"], then["fields"]["planned_start"]) == (2, "released", None)
    last = anna.get(f"{where}?as_of=2999-01-01T00:00:00Z").json()
    last.pop("as_of")
    assert last == now, "folded to its end, the ledger is what stands"
    step = f"/api/v1/step_record/{found(StepRecord, 'S-1').object}"
    folded = anna.get(f"{step}?as_of=2999-01-01T00:00:00Z").json()
    folded.pop("as_of")
    assert folded == anna.get(step).json()
    assert anna.get(f"{step}?as_of=2001-01-01T00:00:00Z").status_code == 404
    assert anna.get(f"{step}?as_of=yesterday").status_code == 400


def test_a_reading_token_writes_nothing(net: Network) -> None:
    lin, audit = program("lin", writes=False), program("audit")
    lot = found(Lot, LONG_LOT)
    before = entries()
    for who in (lin, audit):
        for method, address, body in (
            ("POST", "/api/v1/lot", {"fields": {"number": "X"}}),
            ("PATCH", f"/api/v1/lot/{lot.object}", {"fields": {}}),
            ("POST", f"/api/v1/lot/{lot.object}/commands/reject", {"from": "pending"}),
            ("POST", "/api/v1/operations", [{"type": "lot", "fields": {}}]),
        ):
            assert told(who.ask(method, address, body, If_Match='"1"')) == (403, "scope_missing"), address
    assert entries() == before
