"""What a site and the hub say to each other in a session, as plain values.

The transport (HTTP here, nothing at all in the simulator) carries them; it signs requests over
method, target, content digest and session token (RFC 9421), so these carry no signature but the
push's own.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from medloom.wire.feed import FeedLine
from medloom.wire.sheet import Head
from medloom.wire.verdict import Answer

#: Operation schema this code writes; the hub reads this one and the two before.
SCHEMA = 1
SCHEMAS_BACK = 2


class Mode(StrEnum):
    """What a session may do."""

    #: Everything.
    FULL = "full"
    #: Two agents run with the same site's store: observations only, no commands, no write-backs.
    CLONED = "cloned"
    #: The clone that a person did not choose: it may send what it still has, and nothing new.
    DRAIN = "drain"
    #: The agent's schema is too old: observations only.
    OBSERVE = "observe"


class Rung(msgspec.Struct, frozen=True):
    """A position of a feed and the chain head (hex) there."""

    position: int
    head: str


class Announced(msgspec.Struct, frozen=True):
    """A chain of one of the site's epochs, with the numbers it still holds."""

    epoch: str
    chain: str
    first: int
    last: int


class Hello(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A site opens a session.

    epoch   minted at this agent start
    answer  the hub's challenge given back; empty the first time. A late copy cannot know it
    chains  what the site still holds of its own operations, oldest epoch first
    feeds   for each feed a ladder: the newest line stored, then ever wider steps back to 0
    hub     the hub epoch last known
    empty   the site has no store: it needs a snapshot before it sends anything
    clock_s the site's clock, seconds since 1970; compared, never used
    """

    site: str
    epoch: str
    answer: str = ""
    chains: tuple[Announced, ...] = ()
    feeds: dict[str, tuple[Rung, ...]] = {}
    hub: str = ""
    empty: bool = False
    schema: int = SCHEMA
    clock_s: int = 0


class Challenge(msgspec.Struct, frozen=True):
    """Say HELLO again with this: proves that the sender is alive now."""

    nonce: str


class Standing(msgspec.Struct, frozen=True):
    """The next number the hub expects of a chain, and the chain head before it (hex)."""

    epoch: str
    chain: str
    next: int
    head: str


class Welcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The session is open.

    feeds      where each feed goes on: the site cuts what it holds beyond (REWIND) and hands it back
    hand_back  the hub lost lines that this site has: hand them back before pushing
    snapshot   take the snapshot before anything else
    recovering the hub was restored and still waits for some site: what stands may be older than it was
    covered    feed positions that a verified backup of the hub covers: up to there a site may prune
    skew_s     site clock minus hub clock; over 300 it is shown to a person
    """

    token: str
    hub: str
    mode: Mode
    feeds: dict[str, Rung]
    chains: tuple[Standing, ...] = ()
    hand_back: bool = False
    snapshot: bool = False
    recovering: bool = False
    credits: dict[str, int] = {}
    covered: dict[str, int] = {}
    skew_s: int = 0


class Refused(msgspec.Struct, frozen=True, omit_defaults=True):
    """The request as a whole is refused; the codes and what a site does about each are in `Site`."""

    code: str
    status: int = 409
    detail: str = ""
    next: int = 0
    head: str = ""


class Answers(msgspec.Struct, frozen=True):
    """A verdict for every operation of a push, in order, and how many more may come on that chain."""

    answers: tuple[Answer, ...]
    credits: int


class Pull(msgspec.Struct, frozen=True):
    """Lines of one feed after a position, of that hub epoch.

    alarms  what is wrong at the site, code -> detail: each is told once while it lasts
    """

    token: str
    hub: str
    feed: str
    after: int
    limit: int = 500
    alarms: dict[str, str] = {}


class Page(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lines in order; `head` the chain head after the last; `end` the newest position there is.

    `mode` is what the session may do now: a person may have chosen between two clones meanwhile.
    `recovering` is said as long as the restored hub still waits for some site.
    """

    feed: str
    lines: tuple[FeedLine, ...]
    head: str
    end: int
    covered: int = 0
    mode: Mode = Mode.FULL
    recovering: bool = False


class HandBack(msgspec.Struct, frozen=True):
    """Lines that the hub lost, in the order of their old sequence numbers; `done` with the last part."""

    token: str
    lines: tuple[FeedLine, ...]
    done: bool


class HandedBack(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many of the lines were new to the hub, and how many it had.

    `silent` names operations that this site gets no line of: refused ones of other authors.
    """

    taken: int
    known: int
    silent: tuple[str, ...] = ()


class SnapshotPull(msgspec.Struct, frozen=True):
    """Heads after an object id, in order of id; "" to begin."""

    token: str
    after: str
    limit: int = 1_000


class SnapshotRow(msgspec.Struct, frozen=True):
    """One object as it stands, with its type; `head` holds site, version, state, stamps and values."""

    type: str
    head: Head


class SnapshotPage(msgspec.Struct, frozen=True):
    """Rows in order of object id; `feeds` (in the first page) say where the feeds go on afterwards."""

    rows: tuple[SnapshotRow, ...]
    done: bool
    feeds: dict[str, Rung]


Request = Hello | bytes | Pull | HandBack | SnapshotPull
Reply = Challenge | Welcome | Answers | Page | HandedBack | SnapshotPage | Refused
