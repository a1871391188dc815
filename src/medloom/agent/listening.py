"""One machine's stream at work: what the source tells becomes rows, kept together with where it stands.

Lines, rows, the standing and the source's position are one transaction of the store. So a kill leaves
all of it or nothing: whatever the source gives again afterwards is what was not kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import msgspec

from medloom.agent.collector import Collector, Taken
from medloom.agent.declaration import Mapping
from medloom.agent.file import StoreFull
from medloom.agent.room import Room
from medloom.agent.runs import Assembler, Made, Standing
from medloom.agent.sources.live import Heard, LiveSource, Told
from medloom.agent.translate import RAW_TYPE, Outcome, Translator, raw_outcome
from medloom.agent.trouble import LASTING_SECONDS, Cause, Troubles
from medloom.wire.stores import SiteStore
from medloom.wire.verdict import Refusal

STREAM, UNHEARD = "stream", Cause(code="stream_unheard")
_DECODER = msgspec.json.Decoder(Standing)
_SHOWN = 2_000


@dataclass
class Listened:
    """One stream with its mapping. `due`: not listened to before (monotonic)."""

    source: LiveSource
    mapping: Mapping
    due: float = 0.0
    wrong_since: float = 0.0
    fates: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        assert self.mapping.stream is not None
        self.stream = self.mapping.stream
        self._translator = Translator(self.mapping)
        self._standing: Standing | None = None

    def step(
        self,
        store: SiteStore,
        collector: Collector,
        take: Callable[[list[Taken]], None],
        room: Room,
    ) -> bool:
        """Take what has arrived, as far as the store has room; whether there was anything."""
        now = room.clock()
        if now < self.due:
            return False
        try:
            heard = self.listen(store, collector, take, now=now)
        except StoreFull as error:
            self.due = room.full(error)
            return False
        self.tell(room.trouble, now=now)
        return heard

    def listen(
        self, store: SiteStore, collector: Collector, take: Callable[[list[Taken]], None], *, now: float
    ) -> bool:
        """Take what has arrived; whether there was anything. Raises StoreFull: then it is given again."""
        standing = self._standing or self._kept(store)
        heard = self.source.hear(standing.position, now=now)
        if heard is None:
            return False
        try:
            with store.transaction():
                taken = self._take(heard, standing, collector)
                standing.position = heard.position
                store.put(STREAM, {self.mapping.feed: msgspec.json.encode(standing)})
        except BaseException:
            self._standing = None
            self.source.refuse()
            raise
        self._standing = standing
        self.source.keep(heard)
        take(taken)
        return True

    def _kept(self, store: SiteStore) -> Standing:
        kept = store.get(STREAM, self.mapping.feed)
        return _DECODER.decode(kept) if kept is not None else Standing()

    def _take(self, heard: Heard, standing: Standing, collector: Collector) -> list[Taken]:
        feed, assembler = self.mapping.feed, Assembler(self.stream, standing)
        refused: list[Outcome] = []
        fates: Counter[str] = Counter()
        if heard.gap:
            assembler.gap(heard.gap)
        for line in heard.lines:
            fate, refusal = _fate(line, assembler)
            fates[fate] += 1
            if refusal is not None:
                refused.append(self._refused(line, refusal))
        made = assembler.flush()
        outcomes = [self._translator.row(each.row, fallback=each.row.at) for each in made]
        rows = collector.take(feed, outcomes)
        taken = [_weighed(row, each) for row, each in zip(rows, made, strict=True)]
        taken += collector.take(feed, refused)
        self.fates.update(fates)
        at = heard.lines[0].place if heard.lines else ""
        for fate in ("repeated", "ignored"):
            if fates[fate]:
                taken.append(Taken(feed, f"{at}:{fate}", (), {}, lines=fates[fate], fate=fate))
        return [row for row in taken if row.lines]

    def _refused(self, line: Told, refusal: Refusal) -> Outcome:
        key = f"line:{line.place}"
        text = line.raw[:_SHOWN].decode("utf-8", "backslashreplace")
        original = {"line": text, "bytes": str(len(line.raw))}
        type_ = self.mapping.records[-1].type if self.mapping.records else RAW_TYPE
        return raw_outcome(self.mapping.feed, line.place, key, type_, refusal, original, self.mapping.zone)

    def tell(self, trouble: Troubles, *, now: float) -> None:
        """An alarm once the source has been out of reach for LASTING_SECONDS; over as soon as it is heard."""
        wrong, code = self.source.trouble(), UNHEARD.code
        if not wrong:
            self.wrong_since = 0.0
            trouble.over(code, of=self.mapping.feed)
            return
        self.wrong_since = self.wrong_since or now
        if now - self.wrong_since >= LASTING_SECONDS:
            trouble.note(code, f"{self.mapping.feed}: {wrong}", now=now, of=self.mapping.feed)

    def close(self) -> None:
        """End the connection."""
        self.source.close()


def _fate(line: Told, assembler: Assembler) -> tuple[str, Refusal | None]:
    if line.refusal is not None:
        return "refused", line.refusal
    return ("repeated", None) if line.again else assembler.line(line.signals)


def _weighed(row: Taken, made: Made) -> Taken:
    return replace(row, lines=made.lines)
