"""The hub's side of a session, as pure decisions: who may speak, where feeds go on, what a push is.

Nothing here reads a clock or draws a random number, and nothing writes: the caller holds the
site's session row locked, hands in what it read, and stores what comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from medloom.wire.chain import operations_head
from medloom.wire.messages import SCHEMA, SCHEMAS_BACK, Challenge, Hello, Mode, Refused, Rung
from medloom.wire.operation import CONTROL, Kind
from medloom.wire.push import Header, Line, Push

#: A fenced epoch that says HELLO while its successor was heard within this time is a clone.
CLONE_WINDOW_S = 600
#: Clock differences beyond this are shown to a person.
SKEW_S_MAX = 300
#: Challenges kept open per site; the oldest goes.
CHALLENGES_MAX = 4
#: Fenced epochs remembered per site. An older one counts as never seen.
FENCED_MAX = 1_000


class Speaker(msgspec.Struct, frozen=True):
    """An epoch with a valid token, when it was last heard (hub clock), and what it may do."""

    epoch: str
    token: str
    heard_s: int
    mode: Mode = Mode.FULL
    #: It owes the lines that the hub lost; until then it may not push.
    owes: bool = False


class SiteSession(msgspec.Struct, frozen=True):
    """The hub's row for one site: who speaks now, and which epochs have been fenced.

    `chosen` is what a person decided when two agents ran with one store.
    """

    site: str
    speakers: tuple[Speaker, ...] = ()
    fenced: tuple[str, ...] = ()
    challenges: dict[str, str] = {}
    chosen: str = ""

    def speaker(self, token: str) -> Speaker | None:
        """Who holds that token now; None for a late packet of an older session."""
        return next((s for s in self.speakers if token and s.token == token), None)

    @property
    def returned(self) -> bool:
        """Whether the site spoke since every session was ended, and owes nothing of what the hub lost."""
        return bool(self.speakers) and not any(speaker.owes for speaker in self.speakers)

    @property
    def cloned(self) -> bool:
        """Whether a person has to choose between two running agents."""
        return sum(s.mode is Mode.CLONED for s in self.speakers) > 1


@dataclass(frozen=True)
class Opened:
    """A session that may be opened: the row to store, and who speaks."""

    row: SiteSession
    speaker: Speaker
    newly_cloned: bool = False


def greet(
    row: SiteSession, hello: Hello, *, now_s: int, nonce: str, token: str
) -> tuple[SiteSession, Challenge] | Opened | Refused:
    """Decide on a HELLO. `nonce` and `token` are fresh random texts, used at most once.

    The first HELLO of an attempt is only challenged: so a late copy, which nobody stands behind,
    changes nothing. A new epoch fences the one before it. A fenced epoch that comes back while its
    successor was heard within ten minutes means that two agents run: both are cut down to observations.
    """
    if hello.schema > SCHEMA:
        return Refused("schema_too_new", 409, f"the hub reads up to {SCHEMA}")
    if not hello.answer or row.challenges.get(hello.epoch) != hello.answer:
        kept = dict(list(row.challenges.items())[-CHALLENGES_MAX + 1 :])
        return msgspec.structs.replace(row, challenges=kept | {hello.epoch: nonce}), Challenge(nonce)
    # Every other challenge ends here: an answer to one that is still in the network comes too late.
    row = msgspec.structs.replace(row, challenges={})
    mode = Mode.OBSERVE if hello.schema < SCHEMA - SCHEMAS_BACK else Mode.FULL
    me = Speaker(hello.epoch, token, now_s, mode)
    current = next((s for s in row.speakers if s.epoch == hello.epoch), None)
    if current is not None:
        me = msgspec.structs.replace(me, mode=current.mode if current.mode is not Mode.OBSERVE else mode)
        others = tuple(s for s in row.speakers if s.epoch != hello.epoch)
        return Opened(msgspec.structs.replace(row, speakers=(*others, me)), me)
    if hello.epoch in row.fenced:
        return _returned(row, me, now_s=now_s)
    # A new epoch: whoever spoke is fenced. In a clone each agent's restart replaces only itself, but
    # nobody can tell which; the one fenced wrongly comes back at once and is found a clone again.
    fenced = (*row.fenced, *(s.epoch for s in row.speakers))[-FENCED_MAX:]
    return Opened(msgspec.structs.replace(row, speakers=(me,), fenced=fenced), me)


def _returned(row: SiteSession, me: Speaker, *, now_s: int) -> Opened:
    """An epoch that was fenced speaks again."""
    alive = [s for s in row.speakers if now_s - s.heard_s <= CLONE_WINDOW_S]
    fenced = tuple(e for e in row.fenced if e != me.epoch)
    if row.chosen and row.chosen != me.epoch:
        me = msgspec.structs.replace(me, mode=Mode.DRAIN)
        return Opened(msgspec.structs.replace(row, speakers=(*row.speakers, me), fenced=fenced), me)
    if not alive:
        fenced = (*fenced, *(s.epoch for s in row.speakers))[-FENCED_MAX:]
        return Opened(msgspec.structs.replace(row, speakers=(me,), fenced=fenced), me)
    cut = tuple(msgspec.structs.replace(s, mode=Mode.CLONED) for s in (*alive, me))
    fenced = (*fenced, *(s.epoch for s in row.speakers if s not in alive))[-FENCED_MAX:]
    cloned = msgspec.structs.replace(row, speakers=cut, fenced=fenced, chosen="")
    return Opened(cloned, cut[-1], newly_cloned=True)


def choose(row: SiteSession, epoch: str) -> SiteSession:
    """A person chose the agent of that epoch: it gets everything, the others may only send what they hold."""
    speakers = tuple(
        msgspec.structs.replace(s, mode=Mode.FULL if s.epoch == epoch else Mode.DRAIN) for s in row.speakers
    )
    return msgspec.structs.replace(row, speakers=speakers, chosen=epoch)


def heard(row: SiteSession, speaker: Speaker, *, now_s: int) -> SiteSession:
    """The row after a request of that speaker; the same row when it was heard less than a minute ago."""
    if now_s - speaker.heard_s < 60:
        return row
    speakers = tuple(
        msgspec.structs.replace(s, heard_s=now_s) if s.epoch == speaker.epoch else s for s in row.speakers
    )
    return msgspec.structs.replace(row, speakers=speakers)


def common_rung(ladder: Sequence[Rung], heads: Mapping[int, str], *, start: str) -> Rung:
    """The newest line that site and hub have in common; `start` is the head of the empty feed."""
    for rung in ladder:
        if heads.get(rung.position) == rung.head:
            return rung
    return Rung(0, start)


def ladder_positions(last: int) -> list[int]:
    """Positions of a ladder from the newest line back: each step twice as wide as the one before."""
    positions, step = [], 1
    at = last
    while at > 0:
        positions.append(at)
        at -= step
        step *= 2
    return positions


@dataclass(frozen=True)
class Admitted:
    """What a push holds, once its numbers and its chain are in order.

    known  lines whose number and content the hub has: answered again with the latest verdict
    reused lines whose number the hub has with other content: refused with an alarm
    new    lines to be judged, in order
    next, head  the chain's standing afterwards
    """

    known: tuple[Line, ...]
    reused: tuple[Line, ...]
    new: tuple[Line, ...]
    next: int
    head: bytes


def admit(push: Push, *, next: int, head: bytes, known: Mapping[int, bytes]) -> Admitted | Refused:
    """Compare a push with what the hub has of that chain.

    `known` maps number to operation hash for every entry of the push's range: by one index range,
    since numbers are gapless. It may hold numbers from `next` on: operations that came back by
    hand-back before their author pushed them again. A number below `next` without an entry is one
    that the source identity answered; it is judged again and gets the same answer.
    """
    header = push.header
    if header.first > next:
        return Refused("gap", 409, f"expected number {next}", next=next, head=head.hex())
    fresh = push.lines[max(0, next - header.first) :]
    reached = operations_head(head, first=next, hashes=[line.hash for line in fresh])
    if fresh and reached.hex() != header.head:
        why = "the lines do not lead to that head"
        return Refused("chain_differs", 409, why, next=next, head=head.hex())
    same = tuple(line for line in push.lines if known.get(line.number) == line.hash)
    reused = tuple(line for line in push.lines if known.get(line.number, line.hash) != line.hash)
    new = tuple(line for line in push.lines if line.number not in known)
    return Admitted(same, reused, new, next + len(fresh), reached)


def may_push(speaker: Speaker | None, header: Header, lines: Sequence[Line]) -> Refused | None:
    """Whether this session may push these lines now; the answer says what to do."""
    if speaker is None:
        return Refused("fenced", 409, "another session is open: say HELLO")
    if speaker.owes:
        return Refused("hand_back_first", 409, "hand back the lines the hub lost, then push")
    if speaker.mode in (Mode.CLONED, Mode.OBSERVE) and (header.chain == CONTROL or not _observes(lines)):
        return Refused(str(speaker.mode), 409, "only observations are taken")
    return None


def _observes(lines: Sequence[Line]) -> bool:
    return all(line.operation is None or line.operation.kind in (Kind.OBSERVE, Kind.RAW) for line in lines)


def settled_debt(row: SiteSession, epoch: str) -> SiteSession:
    """The row once that epoch has handed back everything."""
    speakers = tuple(msgspec.structs.replace(s, owes=False) if s.epoch == epoch else s for s in row.speakers)
    return msgspec.structs.replace(row, speakers=speakers)


def with_debt(opened: Opened, owes: bool) -> Opened:
    """The opened session with its debt: lines the hub lost and this site still has."""
    me = msgspec.structs.replace(opened.speaker, owes=owes)
    speakers = tuple(me if s.epoch == me.epoch else s for s in opened.row.speakers)
    return replace(opened, row=msgspec.structs.replace(opened.row, speakers=speakers), speaker=me)
