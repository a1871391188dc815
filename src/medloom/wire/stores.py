"""What the two machines need from storage. Small, and set-wise: no call per operation.

`memory_hub.MemoryHub` and `memory_site.MemorySite` are complete in-memory implementations, used by
the simulator and the tests; PostgreSQL and SQLite implement the same, and run the same tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import msgspec

from medloom.wire.feed import FeedLine
from medloom.wire.messages import Rung, SnapshotRow
from medloom.wire.push import Line
from medloom.wire.session import SiteSession
from medloom.wire.sheet import Head
from medloom.wire.verdict import Answer


class HubEpoch(msgspec.Struct, frozen=True):
    """A life of the hub between two restores; `since` is the last sequence number it began with."""

    epoch: str
    since: int


class HubState(msgspec.Struct, frozen=True):
    """The hub's epochs, oldest first, and whether it still waits for lines it lost."""

    epochs: tuple[HubEpoch, ...]
    recovering: bool = False

    @property
    def epoch(self) -> str:
        """The current hub epoch, 32 hex digits."""
        return self.epochs[-1].epoch


@dataclass(frozen=True)
class Ahead:
    """What a push is judged by: the site's session row, where its chain stands, and what is known of it.

    standing  next number and head before it; None for a chain without any operation
    known     number -> operation hash of every entry of the push's range
    hub       the current hub epoch
    ends      feed -> its newest position for that site
    """

    row: SiteSession | None
    standing: tuple[int, bytes] | None
    known: Mapping[int, bytes]
    hub: str
    ends: Mapping[str, int]


@dataclass(frozen=True)
class Intake:
    """New lines of one push, in order, and the chain's standing once they are stored."""

    site: str
    epoch: str
    chain: str
    lines: Sequence[Line]
    next: int
    head: bytes


class HubStore(Protocol):
    """The hub's storage. Every method runs inside `transaction()`; its commit is durable."""

    def transaction(self) -> AbstractContextManager[None]:
        """One database transaction; an exception rolls it back."""
        ...

    def hub(self) -> HubState:
        """The hub's epochs."""
        ...

    def begin_epoch(self, epoch: str, *, since: int) -> None:
        """Start a new hub epoch in recovery, and take every session's token away.

        `since`: the last sequence number known to be common with the ended epoch.
        """
        ...

    def awaited(self) -> Sequence[SiteSession]:
        """The rows of the sites that had spoken before this epoch began: recovery waits for them."""
        ...

    def end_recovery(self, *, by: str, reason: str) -> None:
        """Every site has returned, or a person decided to wait no longer."""
        ...

    def session(self, site: str, *, for_update: bool) -> SiteSession | None:
        """The site's row, locked FOR UPDATE (HELLO) or FOR SHARE (pull); None: not enrolled."""
        ...

    def save_session(self, row: SiteSession) -> None:
        """Store the row; called only while it is locked for update."""
        ...

    def public_keys(self, site: str) -> tuple[bytes, ...]:
        """The site's valid Ed25519 keys, newest first."""
        ...

    def standings(
        self, site: str, chains: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], tuple[int, bytes]]:
        """(epoch, chain) -> (next number, head before it) for those that have any operation."""
        ...

    def before_push(self, site: str, epoch: str, chain: str, first: int, last: int) -> Ahead:
        """What a push of these numbers is judged by.

        Takes the session row FOR SHARE, then the advisory lock of the chain, so that no other push of it
        runs meanwhile, and only then reads its standing and, by one index range, what is known of it.
        """
        ...

    def append(self, intake: Intake) -> list[Answer]:
        """Judge and store new lines (one answer each, in order) and move the chain's standing.

        Locks heads in key order, judges, draws sequence numbers while the heads are locked. A line
        whose source identity is known makes no entry: its answer is the first one's, `repeated`.
        """
        ...

    def latest(self, ids: Sequence[str]) -> dict[str, Answer]:
        """The latest answer of each known operation, `repeated`."""
        ...

    def hand_back(self, site: str, lines: Sequence[FeedLine]) -> int:
        """Take lines that this hub lost; returns how many were new.

        In their order: an operation already known by id is left as it is. The others are judged
        again as their author's, with the basis of their own hub epoch (`basis.Lost`), under their
        own ids; the standing of their chain does not move (their author pushes them again, and is
        answered `repeated`). For each that is accepted, (hub epoch, object, old version) -> new
        version is kept for `basis.Lost.mapped`.
        """
        ...

    def feed_heads(self, site: str, feed: str, positions: Sequence[int]) -> dict[int, str]:
        """Chain heads (hex) at those positions, where there is a line."""
        ...

    def feed_end(self, site: str, feed: str) -> Rung:
        """The newest position and its head; position 0 and the feed's start when it is empty."""
        ...

    def seq_at(self, site: str, feed: str, position: int) -> int:
        """The sequence number of the line there; 0 for position 0."""
        ...

    def lines(self, site: str, feed: str, after: int, limit: int) -> tuple[list[FeedLine], str]:
        """Lines after a position, in order, and the head after the last (hex)."""
        ...

    def covered(self, site: str) -> dict[str, int]:
        """Positions, by feed, that a verified backup of this hub covers."""
        ...

    def snapshot(self, site: str, after: str, limit: int) -> list[SnapshotRow]:
        """What the site may see, in order of object id, after that id."""
        ...

    def alarm(self, code: str, site: str, detail: str) -> None:
        """Something a person must look at: `clone`, `op_id_reuse`, `hub_rolled_back`, `skew`."""
        ...


@dataclass(frozen=True)
class Own:
    """One of the site's own operations as it keeps it.

    answer  the hub's latest answer, None while there is none
    lined   whether its feed line has come (or, for a source repeat, will never come): no longer pending
    """

    epoch: str
    chain: str
    number: int
    raw: bytes
    id: str
    object: str
    group: str = ""
    answer: Answer | None = None
    lined: bool = False


class SiteStore(Protocol):
    """The agent's storage. Every change runs inside `transaction()`; its commit is durable."""

    def transaction(self) -> AbstractContextManager[None]:
        """One local transaction; an exception rolls it back."""
        ...

    # -- identity
    def epochs(self) -> tuple[str, ...]:
        """The site's epochs, oldest first; empty for a new store."""
        ...

    def begin_epoch(self, epoch: str) -> None:
        """Add the epoch minted at this start."""
        ...

    def hub_epoch(self) -> str:
        """The hub epoch last known; "" before the first session."""
        ...

    def set_hub_epoch(self, epoch: str) -> None:
        """Remember it."""
        ...

    # -- own operations
    def standing(self, epoch: str, chain: str) -> tuple[int, bytes]:
        """(next number, head before it) of a chain."""
        ...

    def add(self, own: Sequence[Own]) -> None:
        """Store new operations, numbered without gap, and move their chain's head."""
        ...

    def held(self) -> list[tuple[str, str, int, int]]:
        """(epoch, chain, first, last) of what is still held, oldest epoch first."""
        ...

    def unsent(self, chain: str, limit: int) -> tuple[list[Own], bytes]:
        """The oldest unsent operations of one epoch of that chain, and the chain head before them.

        Empty when nothing is unsent.
        """
        ...

    def set_sent(self, epoch: str, chain: str, next: int, *, only_back: bool = False) -> None:
        """What is below `next` counts as sent, what is from there on does not.

        `only_back`: only if that makes more unsent than now.
        """
        ...

    def answered(self, answers: Sequence[Answer]) -> None:
        """Keep the answers of own operations."""
        ...

    def pending(self, object: str) -> list[Own]:
        """Own operations on an object that are not lined, oldest first."""
        ...

    def own(self, ids: Sequence[str]) -> dict[str, Own]:
        """Own operations by id."""
        ...

    def unlined(self) -> list[Own]:
        """All own operations whose line has not come, oldest first."""
        ...

    def abandon(self, epoch: str, chain: str, first: int, ids: Sequence[str]) -> None:
        """End a chain before number `first`, and forget these operations: they were written anew.

        What else the chain had from there on stays known by id, and is never sent again.
        """
        ...

    # -- feeds
    def cursor(self, feed: str) -> Rung:
        """The newest stored position and its head."""
        ...

    def rungs(self, feed: str, positions: Sequence[int]) -> list[Rung]:
        """Heads at those positions where a line is kept, newest first, and last the edge.

        The edge is the position up to which lines were pruned or replaced by a snapshot; none at 0.
        """
        ...

    def take(self, feed: str, lines: Sequence[FeedLine], heads: Sequence[str]) -> None:
        """Store lines with their chain heads, move the cursor, fold the state, mark own lines."""
        ...

    def cut(self, feed: str, position: int) -> list[FeedLine]:
        """Take away the lines after a position and give them back; the state is folded anew."""
        ...

    def prune(self, feed: str, position: int) -> None:
        """Forget lines up to a position, and own operations lined there; the state stays."""
        ...

    def restart_feed(self, feed: str, rung: Rung) -> None:
        """Begin a feed at a snapshot's position."""
        ...

    # -- state
    def head(self, object: str) -> Head | None:
        """What the hub has decided of an object, as far as this site has read."""
        ...

    def forget_state(self) -> None:
        """Forget what was folded, before a snapshot takes its place."""
        ...

    def set_heads(self, rows: Sequence[SnapshotRow]) -> None:
        """Take snapshot rows as the state."""
        ...

    def type_of(self, object: str) -> str:
        """The object's type; "" when unknown."""
        ...

    # -- anything the agent keeps beside: shadows, source identities, settings
    def get(self, space: str, key: str) -> bytes | None:
        """A kept value."""
        ...

    def put(self, space: str, values: Mapping[str, bytes | None]) -> None:
        """Keep values, or with None forget them."""
        ...

    def keys(self, space: str) -> list[str]:
        """Every key of a space, in order."""
        ...
