"""A delivery that was given up is sent again by a person: the same bytes, the same id. Keys overlap."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from medloom.drills.receiver import receiving, taken
from medloom.interfaces.webhooks import courier
from medloom.parties.models import Attempt, SigningKey, User
from medloom.parties.webhooks import end_overlap, key_numbers, renew_key, take_back_key
from tests.browser.network import people
from tests.journeys.test_webhooks import LOOPBACK, ask, serve, tell
from tests.live_process import free_port

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lin(transactional_db: None, settings: Any) -> User:
    people()
    settings.WEBHOOK_NETWORKS = LOOPBACK
    return User.objects.get(username="lin")


def test_a_given_up_delivery_is_sent_again_as_it_was(lin: User, tmp_path: Path) -> None:
    tell(3)
    port, file = free_port(), tmp_path / "taken"
    row = ask(lin, port)
    with receiving(port, file, "refuse=2"):
        row = serve(row, times=courier.REFUSED_MOST + 4)
    dead = Attempt.objects.get(dead=True)
    assert (dead.first, dead.last, dead.events, dead.status) == (2, 2, 1, 422)
    assert "webhook-id" in dead.asked and dead.mended_at is None
    with receiving(port, file):
        made = courier.send_again(row, dead, timezone.now())
    last = taken(file)[-1]
    assert made.kind == "again" and made.status == 204 and last["headers"]["webhook-id"] == dead.named
    assert last["positions"] == [2] and len(last["body"]) == dead.size_bytes
    dead.refresh_from_db()
    row.refresh_from_db()
    assert dead.mended_at is not None and row.position == 3, "the position stays where it was"
    Attempt.objects.filter(id=dead.id).update(
        digest="0" * 64
    )  # as after a restored hub: other events stand there
    dead.refresh_from_db()
    with pytest.raises(courier.PositionsGone):
        courier.send_again(row, dead, timezone.now())


def test_a_keys_replacement_is_taken_back_or_ended(lin: User) -> None:
    now = timezone.now()
    assert key_numbers(now) == [1] and not take_back_key(now) and not end_overlap(now)
    assert renew_key(now, dt.timedelta(days=1)) == 2 and key_numbers(now) == [2, 1]
    assert key_numbers(now + dt.timedelta(days=2)) == [2]
    assert take_back_key(now) and SigningKey.objects.get(number=1).until is None
    assert key_numbers(now + dt.timedelta(days=8)) == [1], "the newer one ended with its overlap"
    assert end_overlap(now) == 1 and key_numbers(now) == [1]
