"""The site's machine: what to ask the hub next, and what to do with its answer.

It holds no connection and no clock. A driver calls `next_request`, carries it to the hub, and hands
the reply to `handle`; a request that got none is simply asked for again. What each refusal means:

`fenced`, `hub_epoch`, `hub_behind`, `gap`,
`hand_back_first`                           the session is over: say HELLO again
`chain_differs`, verdict `op_id_reuse`      another agent wrote under this epoch's numbers: what the hub
                                            has not is written anew under a new epoch
`cloned`, `observe`                         wait; the machine sends what is allowed
anything else                               for a person: `stopped` holds it
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.wire.feed import FeedLine, link
from medloom.wire.messages import (
    Announced,
    Answers,
    Challenge,
    HandBack,
    HandedBack,
    Hello,
    Mode,
    Page,
    Pull,
    Refused,
    Reply,
    Rung,
    SnapshotPage,
    SnapshotPull,
    Welcome,
)
from medloom.wire.operation import CHAINS, CONTROL, VOLUME
from medloom.wire.push import BODY_BYTES_MAX, HEADER_BYTES_MAX, build_push
from medloom.wire.returning import AWAITED, OWED, arrived, owe, owed_part
from medloom.wire.session import ladder_positions
from medloom.wire.stores import Own, SiteStore
from medloom.wire.verdict import Verdict
from medloom.wire.writing import note_repairs, write_anew

PAGE_LINES = 500
#: A snapshot was begun and is not complete: after a crash it begins again.
SNAPSHOT, DUE, TAKEN_IN = "snapshot", "due", "hub"


@dataclass(frozen=True)
class PushBody:
    """A push ready to send: its body, and which numbers of which chain it holds."""

    token: str
    epoch: str
    chain: str
    first: int
    count: int
    body: bytes


Ask = Hello | PushBody | Pull | HandBack | SnapshotPull


class SiteMachine:
    """One agent's session with one hub."""

    def __init__(
        self,
        store: SiteStore,
        *,
        site: str,
        key: Ed25519PrivateKey,
        mint: Callable[[], str],
        batch: int = 500,
    ) -> None:
        self.store = store
        self.site = site
        self.key = key
        self.mint = mint
        self.batch = batch
        self.welcome: Welcome | None = None
        self.stopped: Refused | None = None
        self._nonce = ""
        self._snapshot_after: str | None = None
        self._due: set[str] = set(CHAINS)
        self._barred = False
        #: (epoch, chain) -> number that a push must not reach, while a fork is being sorted out.
        self._stop_before: dict[tuple[str, str], int] = {}

    # -- start and wake ----------------------------------------------------------------------

    def start(self) -> None:
        """Begin a new life: a new epoch, no session. Called at every agent start."""
        with self.store.transaction():
            self.store.begin_epoch(self.mint())
        self.close()

    def close(self) -> None:
        """The session is over; the next request is a HELLO."""
        self.welcome, self._nonce, self._snapshot_after = None, "", None
        self._due, self._barred = set(CHAINS), False

    def wake(self, *feeds: str) -> None:
        """There may be news: a hint came, or the poll interval passed."""
        self._due.update(feeds or CHAINS)
        self._barred = False

    @property
    def epoch(self) -> str:
        """The epoch that new operations get."""
        return self.store.epochs()[-1]

    @property
    def may_command(self) -> bool:
        """Whether commands and write-backs may be carried out.

        Never by one of two clones, and not while lines the hub lost are on their way back: until
        they are, the state here is older than what the plant's rows show.
        """
        return self.welcome is not None and self.welcome.mode is Mode.FULL and not self.store.keys(AWAITED)

    @property
    def has_state(self) -> bool:
        """Whether the store holds what the hub had decided: not while a snapshot is due or under way."""
        return bool(self.store.hub_epoch()) and self.store.get(SNAPSHOT, DUE) is None

    @property
    def behind(self) -> bool:
        """Whether a feed is still to be pulled."""
        return self.welcome is None or bool(self._due)

    # -- asking ------------------------------------------------------------------------------

    def next_request(self, *, clock_s: int = 0, pushes: bool = True) -> Ask | None:
        """What to ask now; None when there is nothing to do. Control goes first.

        `pushes`: whether a push may be asked for; what the hub has to say comes down without it too.
        """
        if self.stopped is not None:
            return None
        if self.welcome is None:
            return self._hello(clock_s)
        if self._snapshot_after is not None:
            return SnapshotPull(self.welcome.token, self._snapshot_after)
        owed = len(self.store.keys(OWED))
        if owed or self.welcome.hand_back:
            part = owed_part(self.store)
            return HandBack(self.welcome.token, part, len(part) == owed)
        for chain in (CONTROL, VOLUME):
            ask = (self._push(chain) if pushes else None) or self._pull(chain)
            if ask is not None:
                return ask
        return None

    def _hello(self, clock_s: int) -> Hello:
        feeds = {}
        for feed in CHAINS:
            last = self.store.cursor(feed).position
            feeds[feed] = tuple(self.store.rungs(feed, ladder_positions(last)))
        held = self.store.held()
        return Hello(
            site=self.site,
            epoch=self.epoch,
            answer=self._nonce,
            chains=tuple(Announced(*each) for each in held),
            feeds=feeds,
            hub=self.store.hub_epoch(),
            empty=not self.store.hub_epoch() or self.store.get(SNAPSHOT, DUE) is not None,
            clock_s=clock_s,
        )

    def _push(self, chain: str) -> PushBody | None:
        assert self.welcome is not None
        if self._barred or (self.welcome.mode in (Mode.CLONED, Mode.OBSERVE) and chain == CONTROL):
            return None
        limit = min(self.batch, self.welcome.credits.get(chain, 0))
        own, before = self.store.unsent(chain, limit + 1)
        if not own or not limit:
            return None
        first = own[0]
        stop = self._stop_before.get((first.epoch, chain), 0)
        own = own[: stop - first.number] if stop > first.number else own[: _fitting(own, limit)]
        body = build_push(
            site=self.site,
            epoch=first.epoch,
            chain=chain,
            first=first.number,
            before=before,
            raws=[each.raw for each in own],
            key=self.key,
        )
        return PushBody(self.welcome.token, first.epoch, chain, first.number, len(own), body)

    def _pull(self, feed: str) -> Pull | None:
        assert self.welcome is not None
        if feed not in self._due or (feed == CONTROL and self.welcome.mode is Mode.CLONED):
            return None
        cursor = self.store.cursor(feed)
        return Pull(self.welcome.token, self.welcome.hub, feed, cursor.position, PAGE_LINES)

    # -- hearing -----------------------------------------------------------------------------

    def handle(self, ask: Ask, reply: Reply) -> None:
        """Take the hub's reply to `ask`. A reply to an older session's request changes nothing."""
        if not isinstance(ask, Hello) and (self.welcome is None or ask.token != self.welcome.token):
            return
        if isinstance(reply, Refused):
            self._refused(ask, reply)
        elif isinstance(reply, Challenge):
            self._nonce = reply.nonce
        elif isinstance(reply, Welcome) and isinstance(ask, Hello):
            self._open(reply)
        elif isinstance(reply, Answers) and isinstance(ask, PushBody):
            self._answers(ask, reply)
        elif isinstance(reply, Page) and isinstance(ask, Pull):
            self._page(ask, reply)
        elif isinstance(reply, HandedBack) and isinstance(ask, HandBack):
            self._handed(ask, reply)
        elif isinstance(reply, SnapshotPage) and isinstance(ask, SnapshotPull):
            self._snapshot(reply)

    def _refused(self, ask: Ask, refused: Refused) -> None:
        if refused.code in ("fenced", "hub_epoch", "hub_behind", "gap", "hand_back_first"):
            self.close()
        elif refused.code == "chain_differs" and isinstance(ask, PushBody):
            if ask.first < refused.next:
                # First hear what became of the numbers that the hub has.
                self._stop_before[ask.epoch, ask.chain] = refused.next
            else:
                self._write_anew(ask.epoch, ask.chain, ask.first)
        elif refused.code in (Mode.CLONED, Mode.OBSERVE):
            assert self.welcome is not None
            self.welcome = msgspec.structs.replace(self.welcome, mode=Mode(refused.code))
            self._barred = True
        else:
            self.stopped = refused

    def _open(self, welcome: Welcome) -> None:
        owed: list[FeedLine] = []
        with self.store.transaction():
            # A snapshot may be newer than its position: what it had ahead may be what the hub lost.
            taken_in = self.store.get(SNAPSHOT, TAKEN_IN)
            snapshot = welcome.snapshot or (taken_in or welcome.hub.encode()) != welcome.hub.encode()
            for feed, rung in welcome.feeds.items():
                edge = max((each.position for each in self.store.rungs(feed, [])), default=0)
                # Below the edge there is only a snapshot's state, of which the hub has lost a part:
                # what this site has as lines goes back, and the state is taken anew.
                snapshot = snapshot or rung.position < edge
                owed += self.store.cut(feed, max(rung.position, edge))
            note_repairs(self.store, owed, gone=True)
            owe(self.store, owed)
            if snapshot:
                self.store.put(SNAPSHOT, {DUE: b"1"})
            for standing in welcome.chains:
                # Only ever back: what the hub has beyond may be another agent's under the same numbers.
                self.store.set_sent(standing.epoch, standing.chain, standing.next, only_back=True)
            self.store.set_hub_epoch(welcome.hub)
            self._bridge(welcome, [line.id for line in owed])
        self._nonce = ""
        self._due, self._barred = set(CHAINS), False
        self._snapshot_after = "" if snapshot else None
        self.welcome = welcome

    def _bridge(self, welcome: Welcome, owed: list[str]) -> None:
        """Numbers the hub waits for and nobody has any more: what is held goes on under a new epoch."""
        expected = {(each.epoch, each.chain): each.next for each in welcome.chains}
        for epoch, chain, first, _ in self.store.held():
            if expected.get((epoch, chain), first) < first:
                if self.epoch == epoch:
                    self.store.begin_epoch(self.mint())
                write_anew(self.store, site=self.site, forked=(epoch, chain), first=first, keep=owed)

    def _answers(self, ask: PushBody, reply: Answers) -> None:
        assert self.welcome is not None
        reused = [answer.id for answer in reply.answers if answer.verdict is Verdict.OP_ID_REUSE]
        with self.store.transaction():
            self.store.answered([a for a in reply.answers if a.verdict is not Verdict.OP_ID_REUSE])
            self.store.set_sent(ask.epoch, ask.chain, ask.first + ask.count)
            # No line comes for what the source identity answered.
            self.store.put(AWAITED, {a.id: None for a in reply.answers if a.first})
        left = {**self.welcome.credits, ask.chain: reply.credits}
        self.welcome = msgspec.structs.replace(self.welcome, credits=left)
        if reused:
            self._write_anew(ask.epoch, ask.chain, min(int(each.rsplit("/", 1)[1]) for each in reused))

    def _write_anew(self, epoch: str, chain: str, first: int, forked: Sequence[str] = ()) -> None:
        """Another agent has used these numbers: what the hub has not goes out under a new epoch."""
        with self.store.transaction():
            if self.epoch == epoch:
                self.store.begin_epoch(self.mint())
            gone = write_anew(self.store, site=self.site, forked=(epoch, chain), first=first, also=forked)
            self.store.put(AWAITED, dict.fromkeys(gone))
        self.close()

    def _page(self, ask: Pull, page: Page) -> None:
        assert self.welcome is not None
        cursor = self.store.cursor(page.feed)
        if cursor.position != ask.after:
            return
        head, heads = bytes.fromhex(cursor.head), []
        for position, line in enumerate(page.lines, cursor.position + 1):
            if line.position != position:
                self.close()
                return
            head = link(head, line)
            heads.append(head.hex())
        if head.hex() != page.head:
            # What the hub shows now does not continue what it showed before.
            self.close()
            return
        with self.store.transaction():
            self.store.take(page.feed, page.lines, heads)
            note_repairs(self.store, page.lines)
            if self.store.keys(AWAITED):
                arrived(self.store, {line.id for line in page.lines})
            if page.covered:
                self.store.prune(page.feed, page.covered)
        if self.store.cursor(page.feed).position >= page.end:
            self._due.discard(page.feed)
        if page.recovering is not self.welcome.recovering:
            self.welcome = msgspec.structs.replace(self.welcome, recovering=page.recovering)
        if page.mode is not self.welcome.mode:
            self.welcome = msgspec.structs.replace(self.welcome, mode=page.mode)
            self.wake()
        self._find_forks(page.lines)

    def _find_forks(self, lines: Sequence[FeedLine]) -> None:
        """A line under one of the site's own numbers with other content: another agent wrote it."""
        mine = self.store.own([line.id for line in lines if line.site == self.site])
        forked: dict[tuple[str, str], list[Own]] = {}
        for line in lines:
            own = mine.get(line.id)
            if own is not None and own.raw and not own.lined and own.raw != line.raw:
                forked.setdefault((own.epoch, own.chain), []).append(own)
        for (epoch, chain), found in forked.items():
            first = min(own.number for own in found)
            self._write_anew(epoch, chain, first, [own.id for own in found])

    def _handed(self, ask: HandBack, reply: HandedBack) -> None:
        assert self.welcome is not None
        with self.store.transaction():
            self.store.put(OWED, dict.fromkeys(self.store.keys(OWED)[: len(ask.lines)]))
            self.store.put(AWAITED, dict.fromkeys(reply.silent))
        if ask.done:
            self.welcome = msgspec.structs.replace(self.welcome, hand_back=False)

    def _snapshot(self, page: SnapshotPage) -> None:
        assert self.welcome is not None
        with self.store.transaction():
            if page.feeds:
                self.store.forget_state()
            for feed, rung in page.feeds.items():
                self._restart_feed(feed, rung)
            self.store.set_heads(page.rows)
            if page.done:
                self.store.put(SNAPSHOT, {DUE: None, TAKEN_IN: self.welcome.hub.encode()})
        self._snapshot_after = None if page.done else page.rows[-1].head.object

    def _restart_feed(self, feed: str, rung: Rung) -> None:
        """Where a feed goes on beside a snapshot: lines that the snapshot holds already change nothing."""
        assert self.welcome is not None
        common, cursor = self.welcome.feeds[feed], self.store.cursor(feed)
        if cursor.position > common.position:
            # What was kept ends in what the hub lost.
            self.store.restart_feed(feed, common)
        elif not cursor.position and not self.store.unlined():
            # A new store: nothing of what came before concerns it but the state.
            self.store.restart_feed(feed, rung)


def _fitting(own: list[Own], limit: int) -> int:
    """How many go into one push: within its limits, and no group cut in two."""
    size, fits = HEADER_BYTES_MAX, 0
    for each in own[:limit]:
        size += len(each.raw) + 1
        if size > BODY_BYTES_MAX:
            break
        fits += 1
    cut = fits
    while 0 < cut < len(own) and own[cut].group and own[cut].group == own[cut - 1].group:
        cut -= 1
    return cut or fits
