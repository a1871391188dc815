"""How often a program may ask, counted for all web processes of the hub together.

The allowance of a token is a bucket in the database that fills by so many requests a minute. A process does
not ask there for each request: it leases a second's worth and spends that, so that one request in twenty
pays for the statement. What it does not spend in time is lost, never spent twice: the limit holds, and a
caller that is spread over n processes may be told to wait up to n - 1 leases early.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Callers whose lease is remembered by one process; whoever was silent longest is forgotten.
REMEMBERED_MOST = 10_000
#: A lease that was not spent by then is given up.
LEASE_S = 10.0
#: Asks the shared bucket: how many are wanted -> (how many are given, how many are left there).
Lease = Callable[[int], tuple[int, float]]


@dataclass(frozen=True)
class Taken:
    """What became of one request: seconds to wait, 0 when it may pass, and how many more may follow."""

    wait_s: float
    left: int
    per_minute: int

    @property
    def headers(self) -> dict[str, str]:
        """As a caller reads it (draft-ietf-httpapi-ratelimit-headers): `r` requests may follow at once, and
        in `t` seconds there is the whole allowance again, or, with none left, the next request."""
        full_s = (self.per_minute - self.left) * 60 / self.per_minute
        t_s = math.ceil(self.wait_s or full_s)
        return {
            "RateLimit-Policy": f'"token";q={self.per_minute};w=60',
            "RateLimit": f'"token";r={self.left};t={max(t_s, 0)}',
        }


class Rates:
    """The leases of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Token -> requests still leased, until when, and how many the shared bucket had then.
        self._leased: OrderedDict[Any, tuple[int, float, float]] = OrderedDict()

    def take(self, token: Any, *, per_minute: int, now_s: float, lease: Lease) -> Taken:
        """Take one request of this token's allowance."""
        with self._lock:
            have, until_s, rest = self._leased.get(token, (0, 0.0, 0.0))
            if have and now_s < until_s:
                self._keep(token, have - 1, until_s, rest)
                return Taken(0.0, have - 1 + int(rest), per_minute)
        given, rest = lease(max(1, per_minute // 60))
        if not given:
            return Taken((1 - rest) * 60 / per_minute, 0, per_minute)
        with self._lock:
            have = self._leased.get(token, (0, 0.0, 0.0))[0]  # another thread may have leased meanwhile
            self._keep(token, have + given - 1, now_s + LEASE_S, rest)
        return Taken(0.0, have + given - 1 + int(rest), per_minute)

    def _keep(self, token: Any, have: int, until_s: float, rest: float) -> None:
        self._leased[token] = (have, until_s, rest)
        self._leased.move_to_end(token)
        if len(self._leased) > REMEMBERED_MOST:
            self._leased.popitem(last=False)


RATES = Rates()
