"""From rows to the site's own operations, exactly once: what is known already is answered here.

Everything about one batch of rows happens in one transaction of the store: its operations, the source
identities, and the shadows. So a kill at any point leaves either all of it or nothing, and reading the
same rows again makes nothing new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from medloom.agent.notes import BOUND, SOURCE, Shadow, natural_key, read_shadow, shadow_bytes, source_name
from medloom.agent.translate import Draft, Outcome, digest_of
from medloom.agent.unread import AS_RECORDED, RAW_KEY, Told, Unread
from medloom.wire import writing
from medloom.wire.canonical import Malformed, decode_operation
from medloom.wire.judge import may_write
from medloom.wire.operation import Kind, Operation, Source, hub_label
from medloom.wire.sheet import Owner, Sheet
from medloom.wire.stores import SiteStore
from medloom.wire.verdict import Verdict

#: Rows taken at once: between two batches control is looked at, so that a hold never waits for a file.
BATCH_ROWS = 200


@dataclass(frozen=True)
class Taken:
    """One row as it was taken: the operations it became; none when every part of it was known.

    lines  how many lines of the source it stands for: a run of a machine is made of thousands
    fate   what became of lines that are no operation: "" (nothing new) or "ignored" (declared so)
    """

    feed: str
    at: str
    ids: tuple[str, ...]
    normalised: Mapping[str, int]
    lines: int = 1
    fate: str = ""


@dataclass
class Collector:
    """Takes rows of one site.

    sheets     fact sheets by type; a type without one is sent as it is, and the hub says so
    canonical  (type, field, value) -> the value in the field's one form, or the value itself
    now        event time for rows that state none, RFC 3339
    mint       a fresh UUIDv7
    """

    store: SiteStore
    site: str
    sheets: Mapping[str, Sheet]
    now: Callable[[], str]
    mint: Callable[[], str]
    canonical: Callable[[str, str, Any], Any] = lambda type_, name, value: value
    _fresh: dict[str, Shadow] = field(default_factory=dict)
    _bound: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.unread = Unread(self.store)

    def take(
        self,
        feed: str,
        outcomes: Sequence[Outcome],
        *,
        again: bool = False,
    ) -> list[Taken]:
        """Take rows in one transaction.

        again  the file was read to its end before: an earlier content is no change back to it

        A row with a value that no operation can carry goes up as a raw operation with the reason; the
        other rows are taken as they are.
        """
        try:
            return self._at_once(feed, outcomes, again=again)
        except Malformed:
            taken = []
            for outcome in outcomes:
                try:
                    taken += self._at_once(feed, [outcome], again=again)
                except Malformed as error:
                    taken += self._at_once(feed, [_raw(outcome, error)], again=again)
            return taken

    def _at_once(self, feed: str, outcomes: Sequence[Outcome], *, again: bool) -> list[Taken]:
        with self.store.transaction():
            try:
                return self._take(feed, outcomes, again=again)
            except BaseException:
                self.unread.reload()
                raise
            finally:
                self._fresh.clear()
                self._bound.clear()

    def _take(
        self,
        feed: str,
        outcomes: Sequence[Outcome],
        *,
        again: bool,
    ) -> list[Taken]:
        plan: list[tuple[Outcome, list[tuple[Draft, writing.Draft]]]] = []
        for outcome in outcomes:
            drafts = []
            for draft in outcome.drafts:
                made = self._draft(draft, again=again)
                if made is not None:
                    drafts.append((draft, made))
            if len(drafts) > 1:
                group = self.mint()
                drafts = [(draft, _grouped(made, group)) for draft, made in drafts]
            plan.append((outcome, drafts))
        flat = [made for _, drafts in plan for _, made in drafts]
        written = iter(writing.write(self.store, map(self._entered, flat), site=self.site))
        taken = []
        for outcome, drafts in plan:
            ids = []
            for draft, made in drafts:
                ids.append(next(written).id)
                self._note(draft, made, ids[-1])
            if outcome.drafts:
                taken.append(Taken(feed, outcome.at, tuple(ids), outcome.normalised))
        self.store.put(SOURCE, {name: shadow_bytes(shadow) for name, shadow in self._fresh.items()})
        self.store.put(BOUND, {name: object_.encode() for name, object_ in self._bound.items()})
        return taken

    def _note(self, draft: Draft, made: writing.Draft, identity: str) -> None:
        """What was written for a draft: its row's newest operation, and which unreadable row it mends."""
        if made.repairs:
            self.unread.mended(made.repairs)
        if made.raw.get("code") == AS_RECORDED.code:
            return
        self._fresh[source_name(draft.source.feed, draft.source.key)].id = identity
        if draft.kind is Kind.RAW and draft.source.key.startswith(RAW_KEY):
            self.unread.note(draft, identity)

    def _entered(self, made: writing.Draft) -> writing.Draft:
        """What it repairs by the name that the hub has for it: told by a store that was lost, or anew."""
        if not made.repairs:
            return made
        name = writing.current_id(self.store, made.repairs)
        own = self.store.own([name]).get(name)
        first = own.answer.first if own is not None and own.answer is not None else ""
        return replace(made, repairs=first or name)

    def _draft(self, draft: Draft, *, again: bool) -> writing.Draft | None:
        """The operation a draft asks for, or None when the row says nothing new."""
        name = source_name(draft.source.feed, draft.source.key)
        shadow = self._fresh.get(name) or read_shadow(self.store, name)
        content = draft.source.hash
        if shadow is not None and content in shadow.hashes:
            latest = shadow.hashes[-1]
            same = content == latest or latest == digest_of([content, "after", *shadow.hashes[-2:-1]])
            if same or again or draft.kind is Kind.RAW:
                back = self.unread.of(draft, there=True) if same else None
                return self._as_recorded(draft, back) if back is not None else None
            # The row went back to what it said before: a new content, told by what it followed.
            content = digest_of([content, "after", latest])
            if content in shadow.hashes:
                return None
        fields = {k: self.canonical(draft.type, k, v) for k, v in draft.fields.items()}
        if shadow is None:
            shadow = Shadow(object=self._object(draft, fields))
        self._fresh[name] = shadow
        refused = self._refused(shadow)
        told = self.unread.of(draft)
        kind, sent, base = self._change(draft, fields, shadow, refused)
        corrects = shadow.id if shadow.hashes and kind is Kind.OBSERVE else ""
        shadow.hashes.append(content)
        shadow.fields = fields if draft.kind is Kind.SET else dict.fromkeys(fields)
        if not sent and kind is Kind.SET:
            return None
        repairs = told.id if told is not None else refused.id if refused is not None else ""
        made = self._operation(
            draft, shadow, kind=kind, fields=sent, base=base, content=content, corrects=corrects
        )
        return replace(made, repairs=repairs)

    def _refused(self, shadow: Shadow) -> Operation | None:
        """The operation that told this row last, where the hub has refused it."""
        own = self.store.own([shadow.id]).get(shadow.id) if shadow.id else None
        if own is None or own.answer is None:
            return None
        if own.answer.verdict not in (Verdict.QUARANTINED, Verdict.REJECTED):
            return None
        operation = decode_operation(own.raw)
        return operation if operation.kind is not Kind.RAW else None

    def _as_recorded(self, draft: Draft, back: Told) -> writing.Draft | None:
        """A row that was unreadable for a while says again what stands: nothing to record but that."""
        if draft.kind is Kind.RAW:
            return None
        source = Source(draft.source.feed, f"back:{back.id}", draft.source.hash, at=draft.source.at)
        raw = {"code": AS_RECORDED.code, "path": "", "expected": "", "got": "", "original": ""}
        plain = replace(draft, kind=Kind.RAW, fields={}, source=source, raw=raw)
        made = self._operation(
            plain,
            Shadow(object=self.mint()),
            kind=Kind.RAW,
            fields={},
            base=None,
            content=source.hash,
            corrects="",
        )
        return replace(made, repairs=back.id)

    def _operation(
        self,
        draft: Draft,
        shadow: Shadow,
        *,
        kind: Kind,
        fields: dict[str, Any],
        base: int | None,
        content: str,
        corrects: str,
    ) -> writing.Draft:
        sheet = self.sheets.get(draft.type)
        source = draft.source
        return writing.Draft(
            type=draft.type,
            object=shadow.object,
            kind=kind,
            fields=fields,
            at=draft.at or self.now(),
            actor=f"agent:{self.site}",
            chain=sheet.chain if sheet is not None else "v",
            base=base,
            hub=shadow.hub if base else "",
            zone=draft.zone,
            clock="source" if draft.at else "agent",
            reason=f"{source.feed}: {source.at}"[:500],
            source=Source(source.feed, source.key, content, at=source.at, was=source.was),
            corrects=corrects,
            raw=dict(draft.raw),
        )

    def _object(self, draft: Draft, fields: Mapping[str, Any]) -> str:
        """The object the row speaks of: bound to its natural key, or a new one."""
        sheet = self.sheets.get(draft.type)
        key = natural_key(sheet, fields) if sheet is not None and draft.kind is not Kind.RAW else None
        if key is None:
            return self.mint()
        name = f"{draft.type}/{key}"
        known = self._bound.get(name)
        if known is None:
            kept = self.store.get(BOUND, name)
            known = kept.decode() if kept is not None else self.mint()
            self._bound[name] = known
        return known

    def _change(
        self, draft: Draft, fields: dict[str, Any], shadow: Shadow, refused: Operation | None = None
    ) -> tuple[Kind, dict[str, Any], int | None]:
        """Kind, fields and base of what is to be sent: for documents only what the plant changed.

        What a refused operation told has never taken effect: it is told again beside what was mended.
        """
        gone = {name: None for name in shadow.fields if name not in fields}
        if draft.kind is not Kind.SET:
            return draft.kind, {**gone, **fields}, None
        sheet = self.sheets.get(draft.type)
        if sheet is None:
            return Kind.SET, fields, 0
        head = self.store.head(shadow.object)
        if not shadow.fields and head is None and not self.store.pending(shadow.object):
            # Nobody has told of it yet. What the site may not create, it can only have observed.
            foreign = [n for n in fields if not may_write(sheet.owner_of(n), self.site, self.site)]
            if foreign and Kind.OBSERVE in sheet.kinds:
                return Kind.OBSERVE, fields, None
            return Kind.SET, fields, 0
        owed = refused.fields if refused is not None else {}
        now = {**gone, **fields}
        changed = {n: v for n, v in now.items() if shadow.fields.get(n, ...) != v or n in owed}
        if not shadow.fields and head is not None:
            # The store was lost. A row that says what the hub has is told as it was the first time, and
            # answered as a repeat; of any other nobody knows what the plant had seen.
            changed = {n: v for n, v in fields.items() if n in head.values and head.values[n] != v}
            if not changed:
                return Kind.SET, fields, 0
        own = {n: v for n, v in changed.items() if may_write(sheet.owner_of(n), self.site, self.site)}
        if shadow.versions or head is None:
            base = min((shadow.versions.get(n, shadow.versions.get("", 0)) for n in own), default=0)
        else:
            shared = any(sheet.owner_of(n) is Owner.SHARED for n in own)
            base = 1 if shared else head.version
        return Kind.SET, own, base

    def label(self) -> str:
        """The hub epoch as shadows name it."""
        return hub_label(self.store.hub_epoch())


def _grouped(made: writing.Draft, group: str) -> writing.Draft:
    """In that group, unless it only says that nothing changed: a group ends as the worst of its members."""
    return made if made.raw else replace(made, group=group)


def _raw(outcome: Outcome, error: Malformed) -> Outcome:
    last = outcome.drafts[-1]
    raw = {
        "code": error.code,
        "path": error.path[:500],
        "expected": "a value that an operation can carry",
        "got": error.detail[:500],
        "original": ascii(dict(last.fields))[:4_000],
    }
    source = Source(last.source.feed, f"raw:{last.source.key}"[:400], last.source.hash, at=last.source.at)
    draft = Draft(last.type, Kind.RAW, {}, source, zone=last.zone, raw=raw)
    return Outcome(outcome.at, source.key, (draft,), normalised={}, findings=outcome.findings)
