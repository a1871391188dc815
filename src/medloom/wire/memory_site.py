"""A site's store in memory: complete, for the simulator, tests and short-lived tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from medloom.wire.chain import feed_start, operation_hash, operations_head, operations_start
from medloom.wire.feed import FeedLine, decode_line, fold
from medloom.wire.messages import Rung, SnapshotRow
from medloom.wire.operation import CHAINS
from medloom.wire.sheet import Head, Sheet
from medloom.wire.stores import Own
from medloom.wire.verdict import Answer, Verdict


@dataclass
class _Chain:
    """One chain of own operations: numbers from `first` on, the head before each, the next to send."""

    first: int
    heads: list[bytes]
    ids: list[str] = field(default_factory=list)
    sent: int = 1

    @property
    def next(self) -> int:
        return self.first + len(self.ids)


@dataclass
class _Feed:
    """Stored lines after `edge`, and the head after each."""

    edge: Rung
    lines: list[FeedLine] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)


def copy_heads(heads: Mapping[str, Head]) -> dict[str, Head]:
    """Heads that may be folded into without touching the first ones."""
    return {
        key: Head(h.object, h.site, h.version, h.state, dict(h.changed), dict(h.values))
        for key, h in heads.items()
    }


def line_answer(line: FeedLine) -> Answer:
    """The answer that a feed line carries for its operation's author."""
    return Answer(line.id, Verdict(line.verdict), seq=line.seq, version=line.version)


class MemorySite:
    """Implements `stores.SiteStore`."""

    def __init__(self, *, site: str, sheets: Mapping[str, Sheet]) -> None:
        self.site = site
        self.sheets = sheets
        self._epochs: list[str] = []
        self._hub = ""
        self._own: dict[str, Own] = {}
        self._pending: dict[str, dict[str, None]] = {}
        self._chains: dict[tuple[str, str], _Chain] = {}
        self._feeds = {feed: _Feed(Rung(0, feed_start(site=site, feed=feed).hex())) for feed in CHAINS}
        self._base: dict[str, Head] = {}
        self._heads: dict[str, Head] = {}
        self._types: dict[str, str] = {}
        self._kept: dict[str, dict[str, bytes]] = {}

    def copy(self) -> MemorySite:
        """A backup, or a clone. Lines and operations are never changed, so they are shared."""
        twin = MemorySite(site=self.site, sheets=self.sheets)
        twin._epochs, twin._hub, twin._own = list(self._epochs), self._hub, dict(self._own)
        twin._pending = {each: dict(ids) for each, ids in self._pending.items()}
        twin._chains = {
            key: _Chain(kept.first, list(kept.heads), list(kept.ids), kept.sent)
            for key, kept in self._chains.items()
        }
        twin._feeds = {
            feed: _Feed(kept.edge, list(kept.lines), list(kept.heads)) for feed, kept in self._feeds.items()
        }
        twin._base, twin._heads = copy_heads(self._base), copy_heads(self._heads)
        twin._types = dict(self._types)
        twin._kept = {space: dict(values) for space, values in self._kept.items()}
        return twin

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Nothing to do: this store dies with its process."""
        yield

    def epochs(self) -> tuple[str, ...]:
        return tuple(self._epochs)

    def begin_epoch(self, epoch: str) -> None:
        if epoch not in self._epochs:
            self._epochs.append(epoch)

    def hub_epoch(self) -> str:
        return self._hub

    def set_hub_epoch(self, epoch: str) -> None:
        self._hub = epoch

    # -- own operations ------------------------------------------------------------------------

    def _chain(self, epoch: str, chain: str) -> _Chain:
        found = self._chains.get((epoch, chain))
        if found is None:
            start = operations_start(site=self.site, epoch=epoch, chain=chain)
            found = self._chains[epoch, chain] = _Chain(1, [start])
        return found

    def standing(self, epoch: str, chain: str) -> tuple[int, bytes]:
        kept = self._chain(epoch, chain)
        return kept.next, kept.heads[-1]

    def add(self, own: Sequence[Own]) -> None:
        for each in own:
            kept = self._chain(each.epoch, each.chain)
            assert each.number == kept.next, "own numbers have no gap"
            head = operations_head(kept.heads[-1], first=each.number, hashes=[operation_hash(each.raw)])
            kept.ids.append(each.id)
            kept.heads.append(head)
            self._own[each.id] = each
            self._pending.setdefault(each.object, {})[each.id] = None

    def held(self) -> list[tuple[str, str, int, int]]:
        return [
            (epoch, chain, kept.first, kept.next - 1)
            for epoch in self._epochs
            for chain in CHAINS
            if (kept := self._chains.get((epoch, chain))) is not None and kept.ids
        ]

    def unsent(self, chain: str, limit: int) -> tuple[list[Own], bytes]:
        for epoch in self._epochs:
            kept = self._chains.get((epoch, chain))
            if kept is not None and kept.sent < kept.next:
                at = max(kept.sent, kept.first) - kept.first
                ids = kept.ids[at : at + limit]
                return [self._own[each] for each in ids], kept.heads[at]
        return [], b""

    def set_sent(self, epoch: str, chain: str, next: int, *, only_back: bool = False) -> None:
        kept = self._chain(epoch, chain)
        if next < kept.sent:
            for each in kept.ids[max(0, next - kept.first) :]:
                own = self._own[each]
                if own.answer is not None and not own.lined:
                    self._own[each] = replace(own, answer=None)
        elif only_back:
            return
        kept.sent = next

    def answered(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            own = self._own.get(answer.id)
            if own is not None and not own.lined:
                self._settle(own, answer, lined=bool(answer.first))

    def _settle(self, own: Own, answer: Answer | None, *, lined: bool) -> None:
        self._own[own.id] = replace(own, answer=answer, lined=lined)
        pending = self._pending.setdefault(own.object, {})
        if lined:
            pending.pop(own.id, None)
        elif own.id not in pending:
            pending[own.id] = None

    def pending(self, object: str) -> list[Own]:
        return [self._own[each] for each in self._pending.get(object, ())]

    def own(self, ids: Sequence[str]) -> dict[str, Own]:
        return {each: self._own[each] for each in ids if each in self._own}

    def unlined(self) -> list[Own]:
        held = (each for kept in self._by_age() for each in kept.ids)
        return [own for each in held if not (own := self._own[each]).lined]

    def _by_age(self) -> list[_Chain]:
        keys = [(epoch, chain) for epoch in self._epochs for chain in CHAINS]
        return [self._chains[key] for key in keys if key in self._chains]

    def abandon(self, epoch: str, chain: str, first: int, ids: Sequence[str]) -> None:
        kept = self._chain(epoch, chain)
        del kept.ids[max(0, first - kept.first) :]
        del kept.heads[max(0, first - kept.first) + 1 :]
        kept.sent = min(kept.sent, kept.next)
        for each in ids:
            own = self._own.pop(each)
            self._pending.get(own.object, {}).pop(each, None)

    def raws_held(self) -> set[bytes]:
        """Every operation whose bytes this store holds: its own, those in its lines, those it owes."""
        held = {own.raw for own in self._own.values() if own.raw}
        for kept in self._feeds.values():
            held.update(line.raw for line in kept.lines)
        held.update(decode_line(each).raw for each in self._kept.get("owed", {}).values())
        return held

    # -- feeds ---------------------------------------------------------------------------------

    def cursor(self, feed: str) -> Rung:
        kept = self._feeds[feed]
        return Rung(kept.lines[-1].position, kept.heads[-1]) if kept.lines else kept.edge

    def rungs(self, feed: str, positions: Sequence[int]) -> list[Rung]:
        kept = self._feeds[feed]
        rungs = []
        for position in positions:
            at = position - kept.edge.position - 1
            if at >= 0:
                rungs.append(Rung(position, kept.heads[at]))
        if kept.edge.position:
            rungs.append(kept.edge)
        return rungs

    def take(self, feed: str, lines: Sequence[FeedLine], heads: Sequence[str]) -> None:
        kept = self._feeds[feed]
        kept.lines.extend(lines)
        kept.heads.extend(heads)
        for line in lines:
            fold(self._heads, line, self.sheets)
            if line.object:
                self._types[line.object] = line.type
            own = self._own.get(line.id)
            if own is not None and operation_hash(own.raw) == operation_hash(line.raw):
                self._settle(own, line_answer(line), lined=line.verdict != Verdict.PARKED)

    def cut(self, feed: str, position: int) -> list[FeedLine]:
        kept = self._feeds[feed]
        at = position - kept.edge.position
        assert at >= 0, "a verified backup covers what was pruned"
        gone = kept.lines[at:]
        if not gone:
            return []
        del kept.lines[at:], kept.heads[at:]
        for line in gone:
            own = self._own.get(line.id)
            if own is not None:
                self._settle(own, None, lined=False)
        self._heads = copy_heads(self._base)
        for each in self._feeds.values():
            for line in each.lines:
                fold(self._heads, line, self.sheets)
        return gone

    def prune(self, feed: str, position: int) -> None:
        kept = self._feeds[feed]
        count = min(position - kept.edge.position, len(kept.lines))
        if count <= 0:
            return
        kept.edge = Rung(kept.lines[count - 1].position, kept.heads[count - 1])
        for line in kept.lines[:count]:
            fold(self._base, line, self.sheets)
            own = self._own.get(line.id)
            if own is not None and own.lined:
                self._own[line.id] = replace(own, raw=b"")
        del kept.lines[:count], kept.heads[:count]
        for chain in self._chains.values():
            while chain.ids and not self._own[chain.ids[0]].raw and chain.first < chain.sent:
                del self._own[chain.ids.pop(0)], chain.heads[0]
                chain.first += 1

    def restart_feed(self, feed: str, rung: Rung) -> None:
        self._feeds[feed] = _Feed(rung)

    # -- state ---------------------------------------------------------------------------------

    def head(self, object: str) -> Head | None:
        return self._heads.get(object)

    def objects(self) -> Mapping[str, Head]:
        """Every head, for comparing states."""
        return self._heads

    def forget_state(self) -> None:
        self._base, self._heads = {}, {}

    def set_heads(self, rows: Sequence[SnapshotRow]) -> None:
        for row in rows:
            self._base.update(copy_heads({row.head.object: row.head}))
            self._heads.update(copy_heads({row.head.object: row.head}))
            self._types[row.head.object] = row.type

    def type_of(self, object: str) -> str:
        return self._types.get(object, "")

    def get(self, space: str, key: str) -> bytes | None:
        return self._kept.get(space, {}).get(key)

    def put(self, space: str, values: Mapping[str, bytes | None]) -> None:
        kept = self._kept.setdefault(space, {})
        for key, value in values.items():
            if value is None:
                kept.pop(key, None)
            else:
                kept[key] = value

    def keys(self, space: str) -> list[str]:
        return sorted(self._kept.get(space, {}))
