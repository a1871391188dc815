"""The hub's machine: answers what a site asks, on any HubStore.

Time and random texts are arguments. Each method is one transaction; a Refused is an answer, not an
exception, and says by its code what the site does next (see `site`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from medloom.wire.chain import feed_start, operations_start
from medloom.wire.messages import (
    Answers,
    Challenge,
    HandBack,
    HandedBack,
    Hello,
    Mode,
    Page,
    Pull,
    Refused,
    Rung,
    SnapshotPage,
    SnapshotPull,
    Standing,
    Welcome,
)
from medloom.wire.operation import CHAINS, CONTROL, hub_label
from medloom.wire.push import OPERATIONS_MAX, Push, PushBroken, check_signature, parse_push
from medloom.wire.session import (
    SKEW_S_MAX,
    Admitted,
    Opened,
    SiteSession,
    Speaker,
    admit,
    common_rung,
    greet,
    heard,
    may_push,
    settled_debt,
    with_debt,
)
from medloom.wire.stores import Ahead, HubStore, Intake
from medloom.wire.verdict import Answer, Refusal, Verdict

PAGE_LINES_MAX = 2_000
SNAPSHOT_ROWS_MAX = 5_000
HAND_BACK_LINES_MAX = 2_000
#: Alarms taken from one request of a site.
SITE_ALARMS_MAX = 8


@dataclass(frozen=True)
class Fresh:
    """Random texts for one HELLO, each from at least 128 random bits, used at most once."""

    nonce: str
    token: str
    hub_epoch: str


@dataclass(frozen=True)
class Meeting:
    """Where the feeds of a site and the hub part."""

    feeds: dict[str, Rung]
    rewound: bool
    since: int


class HubMachine:
    """One hub. Stateless beside its store, so any number of workers may run it."""

    def __init__(self, store: HubStore, *, credits: int = OPERATIONS_MAX) -> None:
        self.store = store
        self.credits = credits

    def hello(self, hello: Hello, *, now_s: int, fresh: Fresh) -> Welcome | Challenge | Refused:
        """Open a session, or ask the sender to prove that it is alive."""
        with self.store.transaction():
            row = self.store.session(hello.site, for_update=True)
            if row is None:
                return Refused("not_enrolled", 403)
            step = greet(row, hello, now_s=now_s, nonce=fresh.nonce, token=fresh.token)
            if isinstance(step, Refused):
                return step
            if not isinstance(step, Opened):
                self.store.save_session(step[0])
                return step[1]
            met = self._meet(hello)
            if met.rewound and hello.hub == self.store.hub().epoch:
                # Nobody told this hub that it is an older copy of itself: its sites do.
                self.store.begin_epoch(fresh.hub_epoch, since=met.since)
                self.store.alarm("hub_rolled_back", hello.site, f"common up to entry {met.since}")
            opened = with_debt(step, met.rewound)
            self.store.save_session(opened.row)
            if opened.newly_cloned:
                self.store.alarm("clone", hello.site, f"epoch {hello.epoch} came back")
            self._end_recovery()
            return self._welcome(hello, opened, met, now_s)

    def _meet(self, hello: Hello) -> Meeting:
        feeds: dict[str, Rung] = {}
        rewound, since = False, 0
        for feed in CHAINS:
            ladder = hello.feeds.get(feed, ())
            heads = self.store.feed_heads(hello.site, feed, [rung.position for rung in ladder])
            start = feed_start(site=hello.site, feed=feed).hex()
            feeds[feed] = common_rung(ladder, heads, start=start)
            if ladder and ladder[0].position > feeds[feed].position:
                rewound = True
                since = max(since, self.store.seq_at(hello.site, feed, feeds[feed].position))
        return Meeting(feeds, rewound, since)

    def _end_recovery(self) -> None:
        """Recovery ends by itself once every awaited site has spoken and owes nothing."""
        if self.store.hub().recovering and all(row.returned for row in self.store.awaited()):
            self.store.end_recovery(by="hub", reason="every site has handed back what it had")

    def _welcome(self, hello: Hello, opened: Opened, met: Meeting, now_s: int) -> Welcome:
        wanted = [(each.epoch, each.chain) for each in hello.chains]
        stand = self.store.standings(hello.site, wanted)
        standings = []
        for epoch, chain in wanted:
            start = operations_start(site=hello.site, epoch=epoch, chain=chain)
            following, head = stand.get((epoch, chain), (1, start))
            standings.append(Standing(epoch, chain, following, head.hex()))
        skew_s = hello.clock_s - now_s if hello.clock_s else 0
        if abs(skew_s) > SKEW_S_MAX:
            self.store.alarm("skew", hello.site, f"{skew_s} s")
        hub = self.store.hub()
        return Welcome(
            token=opened.speaker.token,
            hub=hub.epoch,
            mode=opened.speaker.mode,
            feeds=met.feeds,
            chains=tuple(standings),
            hand_back=met.rewound,
            snapshot=hello.empty,
            recovering=hub.recovering,
            credits=dict.fromkeys(CHAINS, self.credits),
            covered=self.store.covered(hello.site),
            skew_s=skew_s,
        )

    def push(self, token: str, body: bytes, *, site: str) -> Answers | Refused:
        """Take a push of the site that the transport has authenticated as `site`."""
        try:
            push = parse_push(body)
        except PushBroken as error:
            return Refused(error.code, error.status, error.detail)
        header = push.header
        if header.site != site:
            return Refused("foreign_site", 403, "a site pushes its own operations only")
        with self.store.transaction():
            last = header.first + header.count - 1
            ahead = self.store.before_push(site, header.epoch, header.chain, header.first, last)
            if ahead.row is None:
                return Refused("not_enrolled", 403)
            if not any(check_signature(header, key) for key in self.store.public_keys(site)):
                return Refused("signature_invalid", 401)
            refused = may_push(self.speaker(ahead.row, token), header, push.lines)
            if refused is not None:
                return refused
            if read_further(push, ahead):
                return Refused("hub_behind", 409, "the site has read lines that this hub has not: say HELLO")
            return self._take(push, ahead)

    def speaker(self, row: SiteSession, token: str) -> Speaker | None:
        """Who speaks with that token: the fence."""
        return row.speaker(token)

    def speaks(self, site: str, token: str) -> bool:
        """Whether that token is a session's of this site that was not fenced."""
        with self.store.transaction():
            row = self.store.session(site, for_update=False)
            return row is not None and self.speaker(row, token) is not None

    def _take(self, push: Push, ahead: Ahead) -> Answers | Refused:
        header = push.header
        start = operations_start(site=header.site, epoch=header.epoch, chain=header.chain)
        following, head = ahead.standing or (1, start)
        admitted = admit(push, next=following, head=head, known=ahead.known)
        if isinstance(admitted, Refused):
            return admitted
        answers = self._answer(push, admitted)
        return Answers(tuple(answers), self.credits)

    def _answer(self, push: Push, admitted: Admitted) -> list[Answer]:
        header = push.header
        ids = {line.number: _line_id(push, line.number) for line in admitted.known + admitted.reused}
        found = self.store.latest([ids[line.number] for line in admitted.known]) if admitted.known else {}
        answers = {line.number: found[ids[line.number]] for line in admitted.known}
        for line in admitted.reused:
            refusal = Refusal("op_id_reuse", "/id", expected="the content first sent under this number")
            answers[line.number] = Answer(ids[line.number], Verdict.OP_ID_REUSE, refusal=refusal)
        if admitted.reused:
            self.store.alarm("op_id_reuse", header.site, ids[admitted.reused[0].number])
        intake = Intake(header.site, header.epoch, header.chain, admitted.new, admitted.next, admitted.head)
        for line, answer in zip(admitted.new, self.store.append(intake), strict=True):
            answers[line.number] = answer
        return [answers[line.number] for line in push.lines]

    def pull(self, pull: Pull, *, site: str, now_s: int) -> Page | Refused:
        """Lines of one feed of the authenticated site."""
        page, quiet = self._pull(pull, site, now_s)
        if quiet:
            # Apart, so that a pull never waits for a push of its own site.
            with self.store.transaction():
                row = self.store.session(site, for_update=True)
                speaker = self.speaker(row, pull.token) if row is not None else None
                if row is not None and speaker is not None:
                    self.store.save_session(heard(row, speaker, now_s=now_s))
                    # Two sites that end at once do not see each other's end: so look again now and then.
                    self._end_recovery()
        return page

    def _pull(self, pull: Pull, site: str, now_s: int) -> tuple[Page | Refused, bool]:
        with self.store.transaction():
            row = self.store.session(site, for_update=False)
            speaker = self.speaker(row, pull.token) if row is not None else None
            if row is None or speaker is None:
                return Refused("fenced", 409, "another session is open: say HELLO"), False
            for code, detail in list(pull.alarms.items())[:SITE_ALARMS_MAX]:
                if re.fullmatch("[a-z_]{1,32}", code):
                    self.store.alarm(code, site, "".join(filter(str.isprintable, detail[:200])))
            return self._page(pull, site, speaker), heard(row, speaker, now_s=now_s) is not row

    def _page(self, pull: Pull, site: str, speaker: Speaker) -> Page | Refused:
        hub = self.store.hub()
        if pull.hub != hub.epoch:
            return Refused("hub_epoch", 409, "the hub was restored: say HELLO")
        if pull.feed not in CHAINS or not 1 <= pull.limit <= PAGE_LINES_MAX or pull.after < 0:
            return Refused("out_of_range", 400, f"feed c or v, limit 1 to {PAGE_LINES_MAX}")
        if pull.feed == CONTROL and speaker.mode is Mode.CLONED:
            return Refused("cloned", 409, "two agents run with this site's store")
        end = self.store.feed_end(site, pull.feed)
        if pull.after > end.position:
            return Refused("hub_behind", 409, f"the feed ends at {end.position}: say HELLO")
        lines, head = self.store.lines(site, pull.feed, pull.after, pull.limit)
        covered = self.store.covered(site).get(pull.feed, 0)
        return Page(
            feed=pull.feed,
            lines=tuple(lines),
            head=head,
            end=end.position,
            covered=covered,
            mode=speaker.mode,
            recovering=hub.recovering,
        )

    def hand_back(self, part: HandBack, *, site: str) -> HandedBack | Refused:
        """Take lines that the hub lost; with the last part the site may push again."""
        if len(part.lines) > HAND_BACK_LINES_MAX:
            return Refused("too_many_lines", 413, f"at most {HAND_BACK_LINES_MAX}")
        with self.store.transaction():
            row = self.store.session(site, for_update=True)
            speaker = self.speaker(row, part.token) if row is not None else None
            if row is None or speaker is None:
                return Refused("fenced", 409, "another session is open: say HELLO")
            # Only what an ended epoch of this hub showed can have been lost.
            current = self.store.hub().epoch
            lines = [line for line in part.lines if line.hub != current]
            taken = self.store.hand_back(site, lines)
            if part.done and speaker.owes:
                self.store.save_session(settled_debt(row, speaker.epoch))
                self._end_recovery()
            found = self.store.latest([line.id for line in part.lines])
            shown = (Verdict.ACCEPTED, Verdict.CONFLICT)
            silent = tuple(
                line.id
                for line in part.lines
                if line.id not in found or (line.site != site and found[line.id].verdict not in shown)
            )
            return HandedBack(taken, len(part.lines) - taken, silent)

    def snapshot(self, ask: SnapshotPull, *, site: str) -> SnapshotPage | Refused:
        """One part of the site's state. Each may be newer than the first part's positions, never older."""
        if not 1 <= ask.limit <= SNAPSHOT_ROWS_MAX:
            return Refused("out_of_range", 400, f"limit 1 to {SNAPSHOT_ROWS_MAX}")
        with self.store.transaction():
            row = self.store.session(site, for_update=False)
            if row is None or self.speaker(row, ask.token) is None:
                return Refused("fenced", 409, "another session is open: say HELLO")
            feeds = {} if ask.after else {feed: self.store.feed_end(site, feed) for feed in CHAINS}
            rows = self.store.snapshot(site, ask.after, ask.limit)
            return SnapshotPage(tuple(rows), len(rows) < ask.limit, feeds)


def read_further(push: Push, ahead: Ahead) -> bool:
    """Whether an author had read further than this hub has written, in this very epoch.

    Then the hub was restored and nobody told it. A base that the author names may by now be the number of
    another version, so nothing is judged before HELLO has begun the new epoch.
    """
    label = hub_label(ahead.hub)
    return any(
        position > ahead.ends.get(feed, 0)
        for line in push.lines
        if line.operation is not None and line.operation.hub == label
        for feed, position in line.operation.seen.items()
    )


def _line_id(push: Push, number: int) -> str:
    header = push.header
    return f"{header.site}/{header.epoch}/{header.chain}/{number}"
