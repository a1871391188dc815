"""Webhooks: signed, in order, at least once, given up when refused for good, never to an inner network."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from medloom.drills.receiver import once_each, receiving, taken, until
from medloom.hub import wiring
from medloom.interfaces.webhooks import courier
from medloom.interfaces.webhooks.address import AddressRefused, judged, networks, public, target_of
from medloom.interfaces.webhooks.sending import send
from medloom.kernel.door import operation, submit
from medloom.parties.models import Attempt, SigningKey, Subscription, User
from medloom.parties.webhooks import go_back, key_numbers, renew_key, subscribe
from medloom.wire.operation import Kind
from medloom.wire.webhook import headers, private_key, public_text, verified
from tests.browser.network import people, sequence
from tests.live_process import free_port

pytestmark = [pytest.mark.database, pytest.mark.process, pytest.mark.django_db(transaction=True)]
LOOPBACK = ["127.0.0.0/8"]


@pytest.fixture
def lin(transactional_db: None, settings: Any) -> User:
    people()
    settings.WEBHOOK_NETWORKS = LOOPBACK
    return User.objects.get(username="lin")


def tell(count: int, start: int = 0) -> None:
    """So many lots of site SZ, in its volume feed."""
    made = [
        operation("lot", Kind.OBSERVE, {"number": f"W{start + n}"}, actor="p1", at=timezone.now())
        for n in range(count)
    ]
    submit(made, author="SZ", wiring=wiring())
    sequence()


def ask(user: User, port: int, **more: Any) -> Subscription:
    """A subscription to the volume feed."""
    given = {"types": "", "position": 0, "hub": "", "feed": "v", "now": timezone.now(), **more}
    return subscribe(user, name="quality system", url=f"http://127.0.0.1:{port}/in", **given)


def serve(row: Subscription, times: int = 1) -> Subscription:
    """Let the courier deliver, as if every pause were over."""
    for _ in range(times):
        Subscription.objects.filter(id=row.id).update(next_at=timezone.now())
        courier.serve(row.id, threading.Event())
    return Subscription.objects.get(id=row.id)


def test_deliveries_are_signed_in_order_and_only_what_was_asked_for(lin: User, tmp_path: Path) -> None:
    tell(250)
    port, file = free_port(), tmp_path / "taken"
    row = ask(lin, port)
    with receiving(port, file):
        row = serve(row)
        assert once_each(file) == list(range(1, 251)) and row.position == 250
        (first, *_) = taken(file)
        key = public_text(private_key(courier.settings.SECRET_KEY, key_numbers(timezone.now())[0]))
        now_s = int(time.time())
        raw = first["body"].encode()
        assert verified(first["headers"], raw, public=key, now_s=now_s)
        assert not verified(first["headers"], raw + b" ", public=key, now_s=now_s)
        assert not verified(first["headers"], raw, public=key, now_s=now_s + 400)
        holds = serve(ask(lin, port, types="hold"))
        assert holds.position == 250 and len(taken(file)) == 3, "nothing of it was wanted, and it is past it"
        go_back(row, 200, row.hub, timezone.now())
        serve(row)
        assert taken(file)[-1]["positions"] == list(range(201, 251)), "replayed from a position"


def test_keys_overlap_while_they_are_replaced(lin: User, tmp_path: Path) -> None:
    tell(1)
    now = timezone.now()
    old = key_numbers(now)[0]
    new = renew_key(now)
    assert key_numbers(now) == [new, old]
    port, file = free_port(), tmp_path / "taken"
    with receiving(port, file):
        serve(ask(lin, port))
    one = taken(file)[0]
    for number in (old, new):
        key = public_text(private_key(courier.settings.SECRET_KEY, number))
        assert verified(one["headers"], one["body"].encode(), public=key, now_s=int(time.time()))
    assert key_numbers(now + dt.timedelta(days=8)) == [new]
    assert SigningKey.objects.count() == 2


def test_a_dead_receiver_costs_nothing_but_its_place(lin: User, tmp_path: Path, settings: Any) -> None:
    tell(30)
    port, file = free_port(), tmp_path / "taken"
    row = serve(ask(lin, port), times=130)
    assert row.position == 0 and row.tries == 130 and row.failing_since is not None
    assert row.next_at > timezone.now() + dt.timedelta(minutes=30), "it is asked ever more seldom"
    assert Attempt.objects.count() == 100, "attempts are bounded"
    tell(20, 30)
    with receiving(port, file):
        row = serve(row)
    assert once_each(file) == list(range(1, 51)) and row.failing_since is None
    settings.WEBHOOK_BEHIND_MOST = 10
    tell(40, 60)
    with receiving(port, file):
        row = serve(row)
        assert taken(file)[-1]["types"] == ["medloom.SZ.resync.v1"] and row.position == 90
        tell(1, 200)
        serve(row)
        assert taken(file)[-1]["positions"] == [91], "after the resync it goes on"


def test_what_is_refused_for_good_is_given_up_alone(lin: User, tmp_path: Path) -> None:
    tell(20)
    port, file = free_port(), tmp_path / "taken"
    with receiving(port, file, "refuse=7", "fail=2"):
        row = serve(ask(lin, port), times=2)
        assert row.position == 0 and row.error == "HTTP 503"
        row = serve(row, times=courier.REFUSED_MOST + 1)
    assert row.position == 20 and once_each(file) == [n for n in range(1, 21) if n != 7]
    dead = Attempt.objects.get(dead=True)
    assert (dead.first, dead.last, dead.status) == (7, 7, 422)


def test_fault_55_a_webhook_never_reaches_inside(lin: User, tmp_path: Path, settings: Any) -> None:
    settings.WEBHOOK_NETWORKS = []
    for url in (
        "http://127.0.0.1/x", "https://127.0.0.1/x", "https://localhost/", "https://[::1]/", "https://0.0.0.0/",
        "https://169.254.169.254/latest/meta-data/", "https://[fe80::1]/", "https://10.1.2.3/",
        "https://192.168.0.1/", "https://172.16.9.9/", "https://100.64.0.1/", "https://[fc00::1]/",
        "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://2130706433/", "https://0x7f.1/",
        "https://127.1/", "https://[fec0::1]/", "https://224.0.0.1/",
    ):  # fmt: skip
        with pytest.raises(AddressRefused):
            judged(target_of(url))
        assert send(url, b"[]", {}).status is None
    for url in (
        "ftp://example.org/",
        "https://u:p@example.org/",
        "https:///x",
        "https://a b/",
        "file:///etc",
    ):
        with pytest.raises(AddressRefused):
            target_of(url)
    with pytest.raises(AddressRefused):
        judged(target_of("http://93.184.216.34/"))
    assert judged(target_of("https://93.184.216.34/")) == ["93.184.216.34"]
    assert not any(
        public(net.network_address) for net in networks(["2002:7f00:1::/48", "255.255.255.255/32"])
    )
    settings.WEBHOOK_NETWORKS = LOOPBACK
    port, file = free_port(), tmp_path / "taken"
    inner, inside = free_port(), tmp_path / "inside"
    tell(1)
    with receiving(inner, inside), receiving(port, file, f"move=http://127.0.0.1:{inner}/"):
        row = serve(ask(lin, port))
    assert row.error == "HTTP 302" and taken(inside) == [], "no redirect is followed"


def test_an_address_that_changes_its_name_is_judged_at_every_connect(
    lin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [("93.184.216.34", 443), ("169.254.169.254", 443)]

    def lookup(*_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", answers.pop(0))]

    monkeypatch.setattr("medloom.interfaces.webhooks.address.socket.getaddrinfo", lookup)
    assert judged(target_of("https://rebind.example/")) == ["93.184.216.34"]
    sent = send("https://rebind.example/", b"[]", {})
    assert (sent.status, sent.error) == (None, "address_internal")


_COURIER = """
import threading, django; django.setup()
from medloom.interfaces.webhooks import courier
courier.run(threading.Event(), tick_s=0.05)
"""


@contextlib.contextmanager
def courier_process() -> Iterator[subprocess.Popen[bytes]]:
    """The courier as the worker runs it, in a process of its own."""
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "medloom.settings", "PYTHONPATH": os.pathsep.join(sys.path)}
    env["MEDLOOM_WEBHOOK_NETWORKS"] = LOOPBACK[0]
    process = subprocess.Popen([sys.executable, "-c", _COURIER], env=env)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def test_killed_in_the_middle_nothing_is_lost(
    lin: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(1_500)
    port, file = free_port(), tmp_path / "taken"
    row = ask(lin, port)
    with receiving(port, file):
        for wanted in (1, 5, 9):
            with courier_process() as process:
                until(lambda wanted=wanted: len(taken(file)) >= wanted)
                process.send_signal(signal.SIGKILL)
        with courier_process():
            until(lambda: Subscription.objects.get(id=row.id).position == 1_500)
    assert once_each(file) == list(range(1, 1_501)), "each in its order, none lost"


def test_a_signature_of_another_key_is_none() -> None:
    ours, theirs = private_key("a", 1), private_key("b", 1)
    given = headers([ours], id="x", at_s=1_000, body=b"{}")
    assert verified(given, b"{}", public=public_text(ours), now_s=1_010)
    assert not verified(given, b"{}", public=public_text(theirs), now_s=1_010)
    assert not verified(
        {**given, "webhook-signature": "v1a,AAAA v1,x"}, b"{}", public=public_text(ours), now_s=1_010
    )
    assert not verified({}, b"{}", public=public_text(ours), now_s=1_010)
