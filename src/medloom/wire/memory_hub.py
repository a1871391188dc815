"""A hub's store in memory: complete, for the simulator, tests and a site's dry runs.

It judges by `memory_ledger` and has a sequencer. What differs from the real one is only durability
and speed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from medloom.wire.canonical import decode_operation
from medloom.wire.chain import feed_start, operation_hash
from medloom.wire.feed import FeedLine, link
from medloom.wire.judge import HQ
from medloom.wire.memory_ledger import Case, Entry, MemoryLedger, Rule
from medloom.wire.messages import Rung, SnapshotRow
from medloom.wire.operation import CHAINS, Operation, hub_label
from medloom.wire.push import Line
from medloom.wire.session import SiteSession
from medloom.wire.sheet import Sheet
from medloom.wire.stores import Ahead, HubEpoch, HubState, Intake
from medloom.wire.verdict import Answer, Refusal, Verdict


class SequenceBroken(AssertionError):
    """Versions of an object do not rise by one in the order of the feed: the sequencer stops."""


class MemoryHub(MemoryLedger):
    """Implements `stores.HubStore`.

    `open` holds the ids of transactions in flight: entries of those, and of later ones, are behind
    the sequencer's horizon, as with PostgreSQL's `pg_snapshot_xmin`.
    """

    def __init__(
        self,
        *,
        sheets: Mapping[str, Sheet],
        keys: Mapping[str, bytes],
        epoch: str,
        rules: Mapping[str, Rule] | None = None,
    ) -> None:
        super().__init__(sheets=sheets, keys=keys, epoch=epoch, rules=rules)
        self.sessions = {site: SiteSession(site) for site in keys}
        self.chains: dict[tuple[str, str, str], tuple[int, bytes]] = {}
        self.feeds: dict[tuple[str, str], list[FeedLine]] = {}
        self.feed_chain: dict[tuple[str, str], list[str]] = {}
        self.sequenced: dict[str, int] = {}
        self.placed: dict[tuple[str, str], int] = {}
        self.open: set[int] = set()
        self.waits_for: set[str] = set()

    def copy(self) -> MemoryHub:
        """A backup. Entries, lines and heads are never changed, so only what holds them is copied."""
        twin = copy.copy(self)
        for name, value in vars(self).items():
            if name in ("sheets", "keys", "rules"):
                continue
            if isinstance(value, dict):
                inner = {k: copy.copy(v) if isinstance(v, dict | list) else v for k, v in value.items()}
                setattr(twin, name, inner)
            elif isinstance(value, list | set):
                setattr(twin, name, copy.copy(value))
        return twin

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One call at a time: nothing to roll back."""
        yield

    # -- epochs and sessions -------------------------------------------------------------------

    def hub(self) -> HubState:
        return self.state

    def begin_epoch(self, epoch: str, *, since: int) -> None:
        self.state = HubState((*self.state.epochs, HubEpoch(epoch, since)), recovering=True)
        self.waits_for = {site for site, row in self.sessions.items() if row.speakers or row.fenced}
        for site, row in self.sessions.items():
            self.sessions[site] = msgspec.structs.replace(row, speakers=())

    def end_recovery(self, *, by: str, reason: str) -> None:
        self.state = msgspec.structs.replace(self.state, recovering=False)

    def awaited(self) -> list[SiteSession]:
        return [self.sessions[site] for site in sorted(self.waits_for)]

    def session(self, site: str, *, for_update: bool) -> SiteSession | None:
        return self.sessions.get(site)

    def save_session(self, row: SiteSession) -> None:
        self.sessions[row.site] = row

    def public_keys(self, site: str) -> tuple[bytes, ...]:
        return (self.keys[site],)

    def covered(self, site: str) -> dict[str, int]:
        return {}

    # -- operations ----------------------------------------------------------------------------

    def standings(
        self, site: str, chains: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], tuple[int, bytes]]:
        return {key: self.chains[site, *key] for key in chains if (site, *key) in self.chains}

    def before_push(self, site: str, epoch: str, chain: str, first: int, last: int) -> Ahead:
        numbers = self.numbers.get((site, epoch, chain), {})
        known = {number: numbers[number] for number in range(first, last + 1) if number in numbers}
        ends = {feed: len(self.feeds.get((site, feed), ())) for feed in CHAINS}
        standing = self.chains.get((site, epoch, chain))
        return Ahead(self.sessions.get(site), standing, known, self.state.epoch, ends)

    def latest(self, ids: Sequence[str]) -> dict[str, Answer]:
        return {
            each: msgspec.structs.replace(self.by_id[each].answer, repeated=True)
            for each in ids
            if each in self.by_id
        }

    def append(self, intake: Intake) -> list[Answer]:
        self.chains[intake.site, intake.epoch, intake.chain] = (intake.next, intake.head)
        cases = [
            self._case(
                intake.site, f"{intake.site}/{intake.epoch}/{intake.chain}/{line.number}", line, intake.chain
            )
            for line in intake.lines
        ]
        return self._append(cases)

    def received(self, identity: str) -> bool:
        if identity.count("/") != 3:
            return False
        site, epoch, chain, number = identity.split("/")
        return int(number) < self.chains.get((site, epoch, chain), (1, b""))[0]

    def _case(self, site: str, identity: str, line: Line, feed: str) -> Case:
        bad = line.malformed
        refusal = Refusal(bad.code, bad.path, got=bad.detail[:200]) if bad is not None else None
        return Case(site, identity, line.raw, line.operation, refusal, feed)

    def post(self, raws: Sequence[bytes]) -> list[Answer]:
        """The hub's own operations: a person at a page, a reaction. Their ids are UUIDs."""
        cases = []
        for raw in raws:
            operation = decode_operation(raw)
            sheet = self.sheets.get(operation.type)
            feed = sheet.chain if sheet else CHAINS[0]
            cases.append(Case(HQ, operation.id, raw, operation, None, feed))
        return self._append(cases)

    def sequence(self, limit: int = 10_000) -> int:
        """Give committed entries behind the horizon their positions; returns how many entries."""
        horizon = min(self.open, default=self.xid + 1)
        committed = [e for e in self._unsequenced if e.xid not in self.open]
        # A transaction may get its id early and its locks late: then it comes after a younger one whose
        # entries are still behind the horizon. Whatever has a higher number than those waits with them.
        bar = min((e.seq for e in committed if e.xid >= horizon), default=self.seq + 1)
        ready = sorted((e for e in committed if e.xid < horizon and e.seq < bar), key=lambda e: e.seq)[:limit]
        taken = set()
        for entry in ready:
            if entry.verdict is Verdict.ACCEPTED:
                before = self.sequenced.get(entry.object, 0)
                if entry.version != before + 1:
                    self.alarm("sequence", entry.site, f"{entry.object} {before} -> {entry.version}")
                    raise SequenceBroken(f"{entry.object}: version {entry.version} after {before}")
                self.sequenced[entry.object] = entry.version
            for site in entry.sites:
                self._line(site, entry)
            taken.add(entry.seq)
        self._unsequenced = [e for e in self._unsequenced if e.seq not in taken]
        return len(ready)

    def _line(self, site: str, entry: Entry) -> None:
        lines = self.feeds.setdefault((site, entry.feed), [])
        heads = self.feed_chain.setdefault((site, entry.feed), [])
        head = heads[-1] if heads else feed_start(site=site, feed=entry.feed).hex()
        try:
            body, encoding = entry.raw.decode(), ""
        except UnicodeDecodeError:
            body, encoding = msgspec.json.encode(entry.raw).decode().strip('"'), "base64"
        line = FeedLine(
            position=len(lines) + 1,
            hub=self.state.epoch,
            seq=entry.seq,
            id=entry.id,
            site=entry.site,
            verdict=entry.verdict,
            type=entry.type,
            object=entry.object,
            home=entry.home,
            version=entry.version,
            cause=entry.cause,
            decision=entry.decision,
            body=body,
            encoding=encoding,
        )
        lines.append(line)
        heads.append(link(bytes.fromhex(head), line).hex())
        self.placed[site, entry.id] = line.position

    def feed_heads(self, site: str, feed: str, positions: Sequence[int]) -> dict[int, str]:
        heads = self.feed_chain.get((site, feed), [])
        return {at: heads[at - 1] for at in positions if 0 < at <= len(heads)}

    def feed_end(self, site: str, feed: str) -> Rung:
        heads = self.feed_chain.get((site, feed), [])
        return Rung(len(heads), heads[-1]) if heads else Rung(0, feed_start(site=site, feed=feed).hex())

    def seq_at(self, site: str, feed: str, position: int) -> int:
        return self.feeds[site, feed][position - 1].seq if position else 0

    def lines(self, site: str, feed: str, after: int, limit: int) -> tuple[list[FeedLine], str]:
        found = self.feeds.get((site, feed), [])[after : after + limit]
        last = after + len(found)
        if not last:
            return found, feed_start(site=site, feed=feed).hex()
        return found, self.feed_chain[site, feed][last - 1]

    def snapshot(self, site: str, after: str, limit: int) -> list[SnapshotRow]:
        ids = sorted(o for o, h in self.heads.items() if o > after and (site == HQ or h.site in ("", site)))
        return [SnapshotRow(self.types[each], copy.deepcopy(self.heads[each])) for each in ids[:limit]]

    def hand_back(self, site: str, lines: Sequence[FeedLine]) -> int:
        told = [line for line in lines if line.verdict in set(Verdict)]
        new = {line.id: line for line in told if line.id not in self.by_id}
        # Ids that another agent has used meanwhile: what requires them means other operations.
        known = [line for line in told if line.id not in new]
        self.contested = {e.id for e in known if self.by_id[e.id].hash != operation_hash(e.raw)}
        run: list[FeedLine] = []
        for line in (*new.values(), None):
            # Members of a group are judged together again; anything else one by one, since what a
            # lost version has become must be known to the next that was made on it.
            if run and (line is None or not _group(line) or _group(line) != _group(run[-1])):
                self._append([self._handed_case(each) for each in run])
                self._map(run)
                run = []
            if line is not None:
                run.append(line)
        self._map(told)
        self.contested = set()
        return len(new)

    def _handed_case(self, line: FeedLine) -> Case:
        operation = line.operation()
        if operation is not None and not operation.hub:
            operation = msgspec.structs.replace(operation, hub=hub_label(line.hub))
        refusal = None if operation is not None else Refusal("unreadable", "")
        feed = line.id.split("/")[2] if line.id.count("/") == 3 else self._feed_of(operation)
        return Case(line.site, line.id, line.raw, operation, refusal, feed)

    def _feed_of(self, operation: Operation | None) -> str:
        sheet = self.sheets.get(operation.type) if operation else None
        return sheet.chain if sheet else CHAINS[0]

    def _map(self, lines: Sequence[FeedLine]) -> None:
        for line in lines:
            now = self.by_id.get(line.id)
            if now is None or now.hash != operation_hash(line.raw):
                continue
            if line.verdict == Verdict.ACCEPTED and now.verdict is Verdict.ACCEPTED:
                versions = self.handed.setdefault((hub_label(line.hub), line.object), {})
                versions[line.version] = now.version


def _group(line: FeedLine) -> str:
    operation = line.operation()
    return f"{line.site}/{operation.group}" if operation is not None and operation.group else ""
