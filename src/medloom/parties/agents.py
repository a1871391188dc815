"""The agents that speak for a site, and the choice between two of them.

Sessions are the protocol's own rows, no business fact: who chose, when and why is recorded by the door
on the site's connection, beside this.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from django.db import transaction

from medloom.kernel.models import Session
from medloom.wire.messages import Mode
from medloom.wire.session import SiteSession, choose

_SESSION = msgspec.json.Decoder(SiteSession)


@dataclass(frozen=True)
class Agent:
    """One running agent: its epoch, when it was last heard (seconds since 1970), what it may do."""

    epoch: str
    heard_s: int
    mode: Mode


@dataclass(frozen=True)
class Agents:
    """Who speaks for a site. `cloned`: two run with one store, and a person has to choose."""

    running: tuple[Agent, ...] = ()
    cloned: bool = False
    chosen: str = ""


def agents_of(session: Session | None) -> Agents:
    """The agents of one site's session."""
    if session is None:
        return Agents()
    row = _SESSION.decode(session.state)
    running = tuple(Agent(s.epoch, s.heard_s, s.mode) for s in row.speakers)
    return Agents(running, row.cloned, row.chosen)


def choose_agent(site: str, epoch: str) -> bool:
    """Let the agent of that epoch go on; the others may only send what they hold. False: nothing to choose.

    Takes the session's row as a HELLO does, so that no session opens meanwhile.
    """
    with transaction.atomic():
        held = Session.objects.select_for_update().filter(site=site).first()
        if held is None:
            return False
        row = _SESSION.decode(held.state)
        if not row.cloned or all(speaker.epoch != epoch for speaker in row.speakers):
            return False
        held.state = msgspec.json.encode(choose(row, epoch)).decode()
        held.save(update_fields=["state"])
        return True
