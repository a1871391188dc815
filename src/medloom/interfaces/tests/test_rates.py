"""A token's allowance is spent once, however many processes lease parts of it."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medloom.interfaces.api.rates import LEASE_S, Rates

pytestmark = pytest.mark.pure


class Bucket:
    """The shared allowance, as the database keeps it."""

    def __init__(self, per_minute: int) -> None:
        self.most, self.rest, self.at_s, self.asked = per_minute, float(per_minute), 0.0, 0
        self.now_s = 0.0

    def lease(self, wanted: int) -> tuple[int, float]:
        self.asked += 1
        self.rest = min(self.most, self.rest + (self.now_s - self.at_s) * self.most / 60)
        self.at_s = self.now_s
        given = min(int(self.rest), wanted)
        self.rest -= given
        return given, self.rest


def test_most_requests_do_not_ask_the_database() -> None:
    bucket, rates = Bucket(1_200), Rates()
    taken = [rates.take("t", per_minute=1_200, now_s=0.0, lease=bucket.lease) for _ in range(1_201)]
    assert [one.left for one in taken[:1_200]] == list(range(1_199, -1, -1))
    assert bucket.asked == 61 and taken[-1].wait_s == pytest.approx(0.05)
    assert taken[0].headers == {"RateLimit-Policy": '"token";q=1200;w=60', "RateLimit": '"token";r=1199;t=1'}
    assert taken[-1].headers["RateLimit"] == '"token";r=0;t=1'


def test_a_lease_that_was_not_spent_is_given_up() -> None:
    bucket, rates = Bucket(1_200), Rates()
    rates.take("t", per_minute=1_200, now_s=0.0, lease=bucket.lease)
    bucket.now_s = LEASE_S
    rates.take("t", per_minute=1_200, now_s=LEASE_S, lease=bucket.lease)
    assert bucket.asked == 2


@settings(max_examples=60)
@given(
    st.integers(1, 300),
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 20)), min_size=1, max_size=400),
)
def test_no_more_pass_than_the_bucket_holds(per_minute: int, asked: list[tuple[int, float]]) -> None:
    bucket, processes = Bucket(per_minute), [Rates() for _ in range(4)]
    passed = 0
    for which, pause_s in asked:
        bucket.now_s += pause_s / 100
        taken = processes[which].take("t", per_minute=per_minute, now_s=bucket.now_s, lease=bucket.lease)
        passed += not taken.wait_s
        assert passed <= per_minute + bucket.now_s * per_minute / 60 + 1e-6


def test_threads_of_one_process_share_its_lease() -> None:
    rates, lock, bucket = Rates(), threading.Lock(), Bucket(600)
    passed: list[bool] = []

    def lease(wanted: int) -> tuple[int, float]:
        with lock:
            return bucket.lease(wanted)

    def ask() -> None:
        passed.extend(not rates.take("t", per_minute=600, now_s=0.0, lease=lease).wait_s for _ in range(200))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) <= 600
