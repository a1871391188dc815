"""What is wrong and lasts: since when, and what a person does. Told in status, in the log and to the hub.

A failure that passes by itself is no alarm. One that has lasted LASTING_SECONDS is, whatever its kind: an
answer 500 may be a restart or may be there for ever, and nobody can tell which by looking at one of them.
The agent goes on trying all the same, at least every PAUSE_SECONDS_MAX.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from medloom.agent.transport import TRANSIENT, Pause, Unreachable
from medloom.derive.codes import CODES
from medloom.wire.site import Ask, PushBody

log = structlog.get_logger(__name__)
#: A failure younger than this may well be a restart or a cable; an older one is for a person.
LASTING_SECONDS = 60.0
#: And after so few tries nobody can say that it lasts (the first pauses are short).
TRIES_MIN = 3
#: What the hub refused for good is asked again after this long: a person may have mended it there.
REFUSED_SECONDS = 300.0
DETAIL_CHARACTERS_MAX = 200


@dataclass(frozen=True)
class Cause:
    """Why a request has no answer that counts, by the alarm's code."""

    code: str


AWAY, BUSY, FAILS = Cause(code="hub_unreachable"), Cause(code="hub_busy"), Cause(code="hub_fails")


@dataclass
class Failing:
    """One kind of request that fails: since when, how often, and when it may be tried again."""

    pause: Pause = field(default_factory=lambda: Pause(random.Random()))  # noqa: S311 (jitter, no secret)
    since: float = 0.0
    tries: int = 0
    code: str = ""
    detail: str = ""
    quiet_until: float = 0.0
    lasting_seconds: float = LASTING_SECONDS

    def failed(self, error: Unreachable, *, now: float) -> float:
        """It failed again; how long to wait, in seconds."""
        if not self.tries:
            self.since = now
        self.tries += 1
        self.code, self.detail = code_of(error), str(error)
        wait = self.pause.next_seconds(at_least=error.pause_seconds)
        self.quiet_until = now + wait
        return wait

    def answered(self) -> None:
        """It works again."""
        self.pause.end()
        self.tries, self.quiet_until = 0, 0.0

    def lasts(self, now: float) -> bool:
        """Whether it is time to tell a person."""
        return self.tries >= TRIES_MIN and now - self.since >= self.lasting_seconds


def code_of(error: Unreachable) -> str:
    """The alarm's code for a failure: no answer at all, an answer to wait, or a broken answer."""
    if not error.status:
        return AWAY.code
    return (BUSY if error.status in (408, 425, 429, 503) else FAILS).code


@dataclass
class Troubles:
    """All that is wrong with one agent now.

    hub     no request is answered
    pushes  pulls are answered and pushes are not: what the hub has to say still comes down
    facts   (code, what it is of) -> (since, detail) of everything else that lasts: a full store, a machine
    """

    hub: Failing = field(default_factory=Failing)
    pushes: Failing = field(default_factory=Failing)
    facts: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)
    _logged: set[str] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)

    @classmethod
    def after(cls, seconds: float) -> Troubles:
        """Troubles whose failures last when they have for so many seconds."""
        return cls(hub=Failing(lasting_seconds=seconds), pushes=Failing(lasting_seconds=seconds))

    def failed(self, ask: Ask, error: Unreachable, *, now: float) -> float:
        """A request failed; how long to leave requests of its kind alone, in seconds."""
        return self._of(ask, error.status).failed(error, now=now)

    def answered(self, ask: Ask) -> None:
        """A request was answered."""
        self.hub.answered()
        if isinstance(ask, PushBody):
            self.pushes.answered()

    def _of(self, ask: Ask, status: int) -> Failing:
        return self.pushes if isinstance(ask, PushBody) and status in TRANSIENT else self.hub

    def any(self) -> bool:
        """Whether there is anything to say, or anything said that is over now."""
        return bool(self.hub.tries or self.pushes.tries or self.facts or self._logged)

    def may_push(self, now: float) -> bool:
        """Whether a push may be tried now."""
        return now >= self.pushes.quiet_until

    def note(self, code: str, detail: str, *, now: float, of: str = "") -> None:
        """Something lasts from now on, or has changed in detail. `of`: which of several, by name."""
        self.facts[code, of] = (self.facts.get((code, of), (now, ""))[0], detail)

    def over(self, *codes: str, of: str = "") -> None:
        """It is over."""
        for code in codes:
            self.facts.pop((code, of), None)

    def _noted(self) -> dict[str, tuple[float, str]]:
        """Code -> the earliest of its kind, and what is said of each."""
        found: dict[str, tuple[float, str]] = {}
        for (code, _), (since, detail) in sorted(self.facts.items()):
            first, before = found.get(code, (since, ""))
            found[code] = (min(first, since), "; ".join(filter(None, (before, detail))))
        return found

    def alarms(self, now: float) -> list[dict[str, Any]]:
        """What a person must know now: code, how long (seconds), what was seen, what to do."""
        found = {each.code: (each.since, each.detail) for each in (self.hub, self.pushes) if each.lasts(now)}
        found |= self._noted()
        for code in self._logged - set(found):
            log.info("alarm_over", code=code)
        for code in set(found) - self._logged:
            log.error("alarm", code=code, detail=found[code][1], do=CODES[code].plant)
        self._logged = set(found)
        self._told &= self._logged
        return [
            {"code": code, "for_s": round(now - since), "detail": detail, "do": CODES[code].plant}
            for code, (since, detail) in sorted(found.items())
        ]

    def untold(self) -> Mapping[str, str]:
        """Alarms that the hub has not heard of, code -> detail; it hears of each once while it lasts."""
        details = {code: detail for code, (_, detail) in self._noted().items()}
        details |= {each.code: each.detail for each in (self.hub, self.pushes) if each.tries}
        return {c: details.get(c, "")[:DETAIL_CHARACTERS_MAX] for c in sorted(self._logged - self._told)}

    def told(self, codes: Mapping[str, str]) -> None:
        """The hub has heard of these."""
        self._told |= set(codes)
