"""Who calls: the program behind a token, the site it speaks for, and how much it may ask.

Only `Authorization: Bearer` counts. Cookies of the pages mean nothing here, so no other page in the same
browser can ask anything in a person's name (no CSRF to protect against).
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.http import HttpRequest

from medloom.interfaces.api.problem import Problem
from medloom.interfaces.api.rates import RATES
from medloom.kernel import access
from medloom.kernel.entity import Declared, catalogue
from medloom.parties.queries import lease_requests
from medloom.parties.tokens import Token, find_token
from medloom.wire.judge import HQ

#: Where a request keeps what was taken of its token's allowance.
TAKEN = "medloom.taken"


@dataclass(frozen=True)
class Caller:
    """One authenticated program. `site` is the code it reads and writes as; HQ is the registrant."""

    token: Token

    @property
    def site(self) -> str:
        """The site it speaks for."""
        return str(self.token.site)

    @property
    def actor(self) -> str:
        """Its opaque id, as it stands in operations."""
        return str(self.token.actor)

    @property
    def registrant(self) -> bool:
        """Whether it is the registrant's."""
        return self.site == HQ

    def seeing(self) -> AbstractContextManager[None]:
        """Run queries with this caller's view of the world: row-level security of its site."""
        return access.seeing(access.ALL if self.registrant else self.site)

    def may_see(self, declared: Declared) -> bool:
        """Whether objects of that type are its business; the registrant's own are nobody else's."""
        mine = self.registrant or declared.facts.readers != "registrant"
        return mine and self.token.may_see(declared.type)

    def may_write(self, declared: Declared) -> bool:
        """Whether it may send operations on that type. Ownership by field is judged by the write door."""
        return self.may_see(declared) and self.token.may_write(declared.type, declared.facts.kinds)

    def types(self) -> list[Declared]:
        """The types it may see."""
        return [each for each in catalogue().values() if self.may_see(each)]

    def type_of(self, name: str) -> Declared:
        """The declaration of a type it may see. Raises Problem 404 for an unknown or foreign one, 403 for
        one that its token was not given."""
        declared = catalogue().get(name)
        if declared is None or not (self.registrant or declared.facts.readers != "registrant"):
            raise Problem(404, "type_unknown", path="/type", got=name[:80])
        if not self.token.may_see(name):
            raise Problem(403, "scope_missing", expected=name)
        return declared

    def must_write(self, declared: Declared) -> None:
        """Raise Problem 403 unless it may write that type."""
        if not self.may_write(declared):
            raise Problem(403, "scope_missing", expected=f"{declared.type}:write")


def caller_of(request: HttpRequest, now: dt.datetime) -> Caller:
    """The program that asks. Raises Problem 401 for no or no living token, 429 when it asks too often."""
    challenge = {"WWW-Authenticate": 'Bearer realm="medloom"'}
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise Problem(401, "token_missing", headers=challenge)
    token = find_token(text.strip(), now)
    if token is None:
        challenge["WWW-Authenticate"] += ', error="invalid_token"'
        raise Problem(401, "token_invalid", headers=challenge)
    per_minute = settings.API_REQUESTS_PER_MINUTE
    lease = partial(_lease, token.id, per_minute)
    taken = RATES.take(token.id, per_minute=per_minute, now_s=time.monotonic(), lease=lease)
    request.META[TAKEN] = taken
    if taken.wait_s:
        raise Problem(
            429, "rate_exceeded", expected=f"at most {per_minute} requests a minute",
            headers={"Retry-After": str(int(taken.wait_s) + 1)},
        )  # fmt: skip
    return Caller(token)


def _lease(token: uuid.UUID, per_minute: int, wanted: int) -> tuple[int, float]:
    return lease_requests(token, per_minute=per_minute, lease=wanted)
