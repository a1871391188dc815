"""What programs are promised holds for the hub, not for one of its processes; and for a request cut off."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from medloom.interfaces.api import asking
from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Entry
from medloom.materials.models import Lot
from tests.browser.network import build
from tests.journeys.calling import program
from tests.web_process import serving

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
LOT: dict[str, Any] = {"fields": {"number": "RM-K", "item": "10001", "kind": "material"}, "reason": "receipt"}
PER_MINUTE = 60


def entries() -> int:
    with seeing(ALL):
        known = Lot.objects.filter(key="RM-K").values("object")
        return Entry.objects.filter(object__in=known).count()


def at_once(count: int, call: Any) -> list[httpx.Response]:
    """That many requests at once, each on a connection of its own, so that both processes are asked."""
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(call, range(count)))


def test_a_key_and_an_allowance_hold_over_two_processes(transactional_db: None) -> None:
    build()
    lin, siti = ({"Authorization": f"Bearer {program(name).text}"} for name in ("lin", "siti"))
    with serving(workers=2, MEDLOOM_API_REQUESTS_PER_MINUTE=str(PER_MINUTE)) as address:
        keyed = lin | {"Idempotency-Key": "receipt-1"}
        answers = at_once(
            8, lambda _: httpx.post(f"{address}/api/v1/lot", json=LOT, headers=keyed, timeout=60)
        )
        assert [one.status_code for one in answers] == [201] * 8, [one.text for one in answers]
        assert sorted(one.json()["repeated"] for one in answers) == [False, *[True] * 7]
        assert len({one.json()["id"] for one in answers}) == entries() == 1
        began = time.monotonic()
        answers = at_once(20, lambda _: httpx.get(f"{address}/api/v1/me", headers=siti, timeout=60))
        for _ in range(4):
            answers += at_once(20, lambda _: httpx.get(f"{address}/api/v1/me", headers=siti, timeout=60))
        passed = sum(one.status_code == 200 for one in answers)
        assert PER_MINUTE - 1 <= passed <= PER_MINUTE + (time.monotonic() - began) * PER_MINUTE / 60 + 1
        refused = next((one for one in answers if one.status_code == 429), None)
        if refused is not None:  # a machine so slow that the bucket filled again refused none
            assert int(refused.headers["Retry-After"]) >= 1 and refused.json()["code"] == "rate_exceeded"
        told = [one.headers["RateLimit"] for one in answers]
        left = [int(re.fullmatch(r'"token";r=(\d+);t=\d+', each)[1]) for each in told]  # type: ignore[index]
        assert max(left) == PER_MINUTE - 1 and min(left) == 0
        assert {one.headers["RateLimit-Policy"] for one in answers} == {f'"token";q={PER_MINUTE};w=60'}


def test_a_request_cut_off_after_its_writing_is_answered_when_sent_again(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the process is killed between the commit and the answer: the key stands with what it wrote."""
    build()
    lin = program("lin")
    with monkeypatch.context() as patch:
        patch.setattr(asking, "_told", lambda *_: 1 / 0)
        assert lin.post("/api/v1/lot", LOT, Idempotency_Key="r2").status_code == 500
    assert entries() == 1
    again = lin.post("/api/v1/lot", LOT, Idempotency_Key="r2")
    assert (again.status_code, again.json()["repeated"], entries()) == (201, True, 1)
    other = {**LOT, "fields": {**LOT["fields"], "number": "RM-L"}}
    with monkeypatch.context() as patch:  # cut off before the commit: nothing stands, not even the key
        patch.setattr(asking, "append", lambda *_, **__: 1 / 0)
        assert lin.post("/api/v1/lot", other, Idempotency_Key="r3").status_code == 500
    again = lin.post("/api/v1/lot", other, Idempotency_Key="r3")
    assert (again.status_code, again.json()["repeated"]) == (201, False)
