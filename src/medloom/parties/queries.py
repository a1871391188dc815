"""What is asked before sites are judged."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence, Set
from functools import lru_cache
from typing import Any

from django.db import connection

from medloom.kernel.ruling import Asked


@lru_cache(maxsize=1)
def zones() -> Set[str]:
    """The IANA time zones this machine knows."""
    return frozenset(zoneinfo.available_timezones())


def site_facts(cursor: Any, asked: Sequence[Asked]) -> Set[str]:
    """The time zones a site may have."""
    return zones()


def site_codes(cursor: Any) -> tuple[str, ...]:
    """Every site of the network; the door sends what concerns all to each of them."""
    rows = cursor.execute("select code from site where not voided order by num").fetchall()
    return tuple(row["code"] for row in rows)


def note_request(cursor: Any, *, token: Any, key: str, digest: bytes, at: Any) -> bytes | None:
    """Note a request under its Idempotency-Key, in the door's transaction.

    None when it is the first of that key; else the digest of the first. While another transaction has just
    noted the same key, this waits for its end.
    """
    made = cursor.execute(
        """insert into api_request (token_id, key, digest, at) values (%s, %s, %s, %s)
           on conflict do nothing returning key""",
        (token, key, digest, at),
    ).fetchone()
    if made is not None:
        return None
    row = cursor.execute(
        "select digest from api_request where token_id = %s and key = %s", (token, key)
    ).fetchone()
    return bytes(row["digest"])


_LEASE = """
    insert into api_rate as r (token, rest, at, leased)
    values (%(token)s, %(most)s::float8 - %(lease)s::float8, clock_timestamp(), %(lease)s)
    on conflict (token) do update set (leased, rest, at) = (
        select least(floor(l.now_left), %(lease)s::float8),
               l.now_left - least(floor(l.now_left), %(lease)s::float8), clock_timestamp()
        from (select least(%(most)s::float8, r.rest + %(most)s::float8 / 60
                  * greatest(extract(epoch from clock_timestamp() - r.at)::float8, 0))) as l(now_left))
    returning leased, rest"""


def lease_requests(token: Any, *, per_minute: int, lease: int) -> tuple[int, float]:
    """Hand out up to `lease` of the requests that a token may make: (how many, how many are left).

    What is left grows by `per_minute` up to that number. It locks one token's row for a moment; the clock is
    the database's, which all web processes share.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LEASE, {"token": token, "most": per_minute, "lease": lease})
        leased, rest = cursor.fetchone()
    return int(leased), float(rest)
