"""A ledger in memory: judges as the real one does, and keeps entries.

Groups, requirements, parked operations, source identity, natural keys and admission rules are here;
`memory_hub` adds sessions, feeds and the sequencer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from medloom.wire.basis import Lost, Taken, basis_of
from medloom.wire.chain import decision_text, operation_hash
from medloom.wire.judge import HQ, Judgement, advance, judge
from medloom.wire.operation import Kind, Operation, hub_label
from medloom.wire.sheet import Basis, Head, Sheet
from medloom.wire.stores import HubEpoch, HubState
from medloom.wire.verdict import Answer, Finding, Refusal, Verdict

#: Rounds in which parked operations are judged again after one append.
ROUNDS_MAX = 3


@dataclass(slots=True)
class Entry:
    """One entry of the ledger."""

    seq: int
    xid: int
    site: str
    id: str
    raw: bytes
    hash: bytes
    operation: Operation | None
    type: str
    object: str
    home: str
    verdict: Verdict
    version: int
    decision: str
    cause: int
    sites: tuple[str, ...]
    feed: str
    answer: Answer


@dataclass
class Case:
    """One operation while it is judged."""

    site: str
    id: str
    raw: bytes
    operation: Operation | None
    refusal: Refusal | None
    feed: str
    judgement: Judgement | None = None
    before: dict[str, Any] = field(default_factory=dict)
    cause: int = 0
    home: str = ""


#: (operation, its author's site, judgement so far, the hub) -> judgement. Only asked when accepted so far.
Rule = Callable[[Operation, str, Judgement, "MemoryLedger"], Judgement]


class MemoryLedger:
    """Heads, entries and what judging needs to know.

    `heads` are replaced, never changed in place, so that a copy of the ledger is a backup.
    """

    def __init__(
        self,
        *,
        sheets: Mapping[str, Sheet],
        keys: Mapping[str, bytes],
        epoch: str,
        rules: Mapping[str, Rule] | None = None,
    ) -> None:
        self.sheets = sheets
        self.keys = keys
        self.rules = rules or {}
        self.state = HubState((HubEpoch(epoch, 0),))
        self.entries: list[Entry] = []
        self.by_id: dict[str, Entry] = {}
        self.by_object: dict[str, list[Entry]] = {}
        self.heads: dict[str, Head] = {}
        self.types: dict[str, str] = {}
        self.bound: dict[tuple[str, str, tuple[Any, ...]], str] = {}
        self.sources: dict[tuple[str, str, str, str], str] = {}
        self.numbers: dict[tuple[str, str, str], dict[int, bytes]] = {}
        self.parked: dict[str, Entry] = {}
        self.balances: dict[str, int] = {}
        self.handed: dict[tuple[str, str], dict[int, int]] = {}
        self.alarms: list[tuple[str, str, str]] = []
        self.seq = 0
        self.xid = 0
        self.contested: set[str] = set()
        #: The transaction that writes now, when it began before; 0: each append is one of its own.
        self.writing = 0
        self._current = 0
        self._unsequenced: list[Entry] = []
        self._undo: list[Callable[[], None]] = []

    def alarm(self, code: str, site: str, detail: str) -> None:
        self.alarms.append((code, site, detail))

    # -- judging -------------------------------------------------------------------------------

    def _judge_group(self, cases: list[Case]) -> list[tuple[Case, str]]:
        """Judge members in order; with more than one, all share the worst outcome or none applies."""
        self._undo = []
        judged: list[tuple[Case, str]] = []
        for case in cases:
            first = self._first_of(case)
            if not first:
                case.judgement = self._judge(case)
            judged.append((case, first))
        live = [case for case, first in judged if not first]
        worst = max((c.judgement for c in live if c.judgement), key=lambda j: j.verdict.rank, default=None)
        if len(live) > 1 and worst is not None and worst.verdict is not Verdict.ACCEPTED:
            for undo in reversed(self._undo):
                undo()
            code = worst.refusal.code if worst.refusal else "group"
            for case in live:
                if case.judgement is not worst:
                    refusal = Refusal("group_refused", expected=code)
                    case.judgement = Judgement(worst.verdict, refusal=refusal)
        return judged

    def _first_of(self, case: Case) -> str:
        source = case.operation.source if case.operation else None
        if source is None or case.cause:
            return ""
        found = self.sources.get((case.site, source.feed, source.key, source.hash), "")
        return found if found != case.id else ""

    def _judge(self, case: Case) -> Judgement:
        operation = case.operation
        if operation is None:
            return Judgement(Verdict.QUARANTINED, refusal=case.refusal)
        sheet = self.sheets.get(operation.type)
        if sheet is None:
            return Judgement(
                Verdict.QUARANTINED, refusal=Refusal("type_unknown", "/type", got=operation.type)
            )
        head = self.heads.get(operation.object)
        case.home = head.site if head else _home(operation, case.site, sheet)
        required = {each: taken for each in operation.requires if (taken := self._taken(each)) is not None}
        basis = basis_of(
            operation,
            required=required,
            exists=head is not None,
            hub=self.state.epoch,
            lost=self._lost(operation),
        )
        if isinstance(basis, Judgement):
            return basis
        basis = self.basis(operation, basis)
        judged = judge(operation, author=case.site, head=head, sheet=sheet, basis=basis)
        if judged.verdict is Verdict.ACCEPTED and head is None:
            judged = self._bind(operation, case.home, judged, sheet)
        rule = self.rules.get(operation.type)
        if judged.verdict is Verdict.ACCEPTED and rule is not None:
            judged = rule(operation, case.site, judged, self)
        if judged.verdict is Verdict.ACCEPTED:
            self._apply(case, operation, judged)
        return judged

    def _taken(self, identity: str) -> Taken | None:
        entry = self.by_id.get(identity)
        if identity in self.contested:
            return Taken(Verdict.CONFLICT, entry.object if entry else "", 0)
        if entry is not None:
            return Taken(entry.verdict, entry.object, entry.version)
        return Taken(Verdict.ACCEPTED, "", 0) if self.received(identity) else None

    def basis(self, operation: Operation, basis: Basis) -> Basis:
        """What the author is taken to have known."""
        return basis

    def received(self, identity: str) -> bool:
        """Whether the operation came without making an entry: its source identity answered it."""
        return False

    def _bind(self, operation: Operation, home: str, judged: Judgement, sheet: Sheet) -> Judgement:
        if not sheet.natural_key:
            return judged
        key = (sheet.type, home, tuple(operation.fields.get(name) for name in sheet.natural_key))
        other = self.bound.get(key)
        if other is None or other == operation.object:
            self.set(self.bound, key, operation.object)
            return judged
        stands = self.heads[other].values
        return Judgement(
            Verdict.CONFLICT,
            refusal=Refusal("key_taken", "/object", expected=other, got=operation.object),
            theirs={name: stands.get(name) for name in operation.fields},
        )

    def set(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        """Change a projection in a way that a refused group takes back."""
        had, old = key in mapping, mapping.get(key)

        def undo() -> None:
            if had:
                mapping[key] = old
            else:
                mapping.pop(key, None)

        self._undo.append(undo)
        mapping[key] = value

    def _apply(self, case: Case, operation: Operation, judged: Judgement) -> None:
        head = self.heads.get(operation.object)
        case.before = {name: head.values.get(name) for name in judged.changes} if head else {}
        fresh = (
            Head(head.object, head.site, head.version, head.state, dict(head.changed), dict(head.values))
            if head
            else Head(operation.object, case.home)
        )
        advance(fresh, judged)
        self.set(self.heads, operation.object, fresh)
        self.set(self.types, operation.object, operation.type)

    def _lost(self, operation: Operation) -> Lost | None:
        label = operation.hub
        epochs = self.state.epochs
        at = next((n for n, each in enumerate(epochs) if hub_label(each.epoch) == label), None)
        if at is None or at == len(epochs) - 1:
            return None
        since = min(each.since for each in epochs[at + 1 :])
        made = self.by_object.get(operation.object, ())
        floor = max((entry.version for entry in made if entry.seq <= since), default=0)
        return Lost(floor, self.handed.get((label, operation.object), {}))

    # -- entries ---------------------------------------------------------------------------------

    def begin(self) -> int:
        """The id of a transaction, given when it begins."""
        self.xid += 1
        return self.xid

    def _append(self, cases: list[Case]) -> list[Answer]:
        if not self.writing:
            self._current = self.begin()
        answers: list[Answer] = []
        at, moved = 0, False
        while at < len(cases):
            end = at + 1
            while end < len(cases) and _group(cases[end]) and _group(cases[end]) == _group(cases[at]):
                end += 1
            for case, first in self._judge_group(cases[at:end]):
                answer = self._repeat(case, first) if first else self._write(case)
                moved = moved or answer.verdict is Verdict.ACCEPTED
                answers.append(answer)
            at = end
        if moved:
            self._judge_parked()
        return answers

    def _repeat(self, case: Case, first: str) -> Answer:
        return msgspec.structs.replace(self.by_id[first].answer, id=case.id, first=first, repeated=True)

    def _judge_parked(self) -> None:
        for _ in range(ROUNDS_MAX):
            again = False
            for entry in list(self.parked.values()):
                case = Case(
                    entry.site, entry.id, entry.raw, entry.operation, None, entry.feed, cause=entry.seq
                )
                group = _group(case)
                together = [
                    Case(e.site, e.id, e.raw, e.operation, None, e.feed, cause=e.seq)
                    for e in self.parked.values()
                    if group and e.operation is not None and (e.site, e.operation.group) == group
                ] or [case]
                if entry.id not in self.parked:
                    continue
                judged = [each for each, _ in self._judge_group(together)]
                if judged[0].judgement is None or judged[0].judgement.verdict is Verdict.PARKED:
                    continue
                for each in judged:
                    self._write(each)
                again = True
            if not again:
                return

    def draw(self) -> int:
        """The next sequence number; drawn while the heads are locked."""
        self.seq += 1
        return self.seq

    def _write(self, case: Case) -> Answer:
        judged, operation = case.judgement, case.operation
        assert judged is not None
        accepted = judged.verdict is Verdict.ACCEPTED
        seq = self.draw()
        answer = Answer(
            case.id,
            judged.verdict,
            seq=seq,
            version=judged.version if accepted else 0,
            refusal=judged.refusal,
            findings=judged.findings,
            theirs=dict(judged.theirs),
        )
        entry = Entry(
            seq=seq,
            xid=self.writing or self._current,
            site=case.site,
            id=case.id,
            raw=case.raw,
            hash=operation_hash(case.raw),
            operation=operation,
            type=operation.type if operation else "",
            object=operation.object if operation else "",
            home=case.home,
            verdict=judged.verdict,
            version=answer.version,
            decision=_decision(case, judged),
            cause=case.cause,
            sites=self._readers(case, accepted),
            feed=case.feed,
            answer=answer,
        )
        self._keep(entry)
        return answer

    def _readers(self, case: Case, accepted: bool) -> tuple[str, ...]:
        told = {case.site, HQ}
        if accepted or (case.judgement is not None and case.judgement.verdict is Verdict.CONFLICT):
            told.update([case.home] if case.home else self.keys)
        return tuple(sorted(told & set(self.keys)))

    def _keep(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._unsequenced.append(entry)
        self.by_id[entry.id] = entry
        if entry.verdict is Verdict.ACCEPTED:
            self.by_object.setdefault(entry.object, []).append(entry)
        if entry.verdict is Verdict.PARKED:
            self.parked[entry.id] = entry
        else:
            self.parked.pop(entry.id, None)
        if entry.id.count("/") == 3:
            site, epoch, chain, number = entry.id.split("/")
            self.numbers.setdefault((site, epoch, chain), {})[int(number)] = entry.hash
        source = entry.operation.source if entry.operation else None
        if source is not None:
            self.sources.setdefault((entry.site, source.feed, source.key, source.hash), entry.id)


def _group(case: Case) -> tuple[str, str] | None:
    operation = case.operation
    return (case.site, operation.group) if operation is not None and operation.group else None


def _home(operation: Operation, author: str, sheet: Sheet) -> str:
    if operation.site:
        return operation.site
    return author if sheet.site_scoped else ""


def _decision(case: Case, judged: Judgement) -> str:
    accepted = judged.verdict is Verdict.ACCEPTED
    update = accepted and (judged.version > 1 or bool(case.operation and case.operation.kind is Kind.COMMAND))
    return decision_text(
        refusal=_plain(judged.refusal) if judged.refusal else None,
        findings=[_plain(each) for each in judged.findings],
        theirs=dict(judged.theirs),
        before=case.before if update else None,
        after=dict(judged.changes) if update else None,
    )


def _plain(part: Refusal | Finding) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(part)
    return plain
