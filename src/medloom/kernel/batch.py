"""Reading for a whole batch and judging it: a few statements per batch and type, whatever its size."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

import orjson

from medloom.kernel import bindings, queries
from medloom.kernel.aliases import rename
from medloom.kernel.case import Case, View, as_meant, made_whole, understand, worst_id
from medloom.kernel.cursor import together
from medloom.kernel.entity import Declared
from medloom.kernel.parts import standing_lines
from medloom.kernel.ruling import Asked, Wiring
from medloom.wire.basis import Lost, Taken, basis_of
from medloom.wire.judge import Judgement, advance, judge
from medloom.wire.operation import Kind, Operation, hub_label
from medloom.wire.sheet import Head
from medloom.wire.verdict import Finding, Refusal, Verdict


class Batch:
    """The operations of one transaction round while they are judged."""

    def __init__(
        self, cases: list[Case], *, author: str, wiring: Wiring, types: Mapping[str, Declared]
    ) -> None:
        self.cases = cases
        self.author = author
        self.wiring = wiring
        self.types = types
        #: (type, object id) and (type, site, key) -> head, all there is of one object.
        self.heads: dict[tuple[str, str], Head] = {}
        self.bound: dict[tuple[str, str, str], Head] = {}
        self.numbers: dict[str, int] = {}
        #: (type, internal number) -> version that was read under lock; the update is guarded by it.
        self.stood: dict[tuple[str, int], int] = {}
        self.facts: dict[str, Any] = {}
        #: Required operation -> what became of it; and what a restore lost, by (hub label, object).
        self.wanted: set[str] = set()
        self.required: dict[str, Taken] = {}
        self.hub = ""
        self.lost: dict[tuple[str, str], Lost] = {}
        #: (type, site, key) -> internal number of what is only referred to.
        self.resolved: dict[tuple[str, str, str], int] = {}

    # -- reading -----------------------------------------------------------------------------

    def read(self, cursor: Any) -> None:
        """Understand every operation, then read heads, references and facts set-wise."""
        for case in self.cases:
            understand(case, self.author, self.types)
        live = [c for c in self.cases if not c.refused and c.declared is not None]
        by_type: dict[str, list[Case]] = {}
        for case in live:
            by_type.setdefault(case.declared.type, []).append(case)  # type: ignore[union-attr]
        names = sorted(by_type)
        together(self._read_heads(cursor, self.types[name], by_type[name]) for name in names)
        self._resolve(cursor, live)
        if self.wiring.aliases and (renamed := rename(cursor, self, live)):
            self._resolve(cursor, renamed)
        self._read_facts(cursor, {name: by_type[name] for name in names if name in self.wiring.facts})
        self._read_basis(cursor, live)

    def _read_basis(self, cursor: Any, cases: Iterable[Case]) -> None:
        """What became of required operations, and of versions given before a restore."""
        operations = [c.operation for c in cases if c.operation is not None]
        self.wanted = {i for o in operations for i in o.requires}
        self.required = queries.required(cursor, self.wanted) if self.wanted else {}
        based = [o for o in operations if o.base and o.hub]
        if based:
            epochs = queries.hub_epochs(cursor)
            self.hub = epochs[-1][0]
            old = [o for o in based if o.hub != hub_label(self.hub)]
            self.lost = queries.lost(cursor, epochs, old) if old else {}

    def _read_heads(self, cursor: Any, declared: Declared, cases: list[Case]) -> Generator[None]:
        objects = [c.operation.object for c in cases]  # type: ignore[union-attr]
        keyed = [c for c in cases if c.key]
        locked = queries.lock_heads(
            cursor, declared, objects, [c.home for c in keyed], [c.key for c in keyed]
        )
        yield
        rows = locked.fetchall()
        for row in rows:
            values = {n: f.wire(row[f.column]) for n, f in declared.fields.items()}
            head = Head(
                object=str(row["object"]),
                site=row["site"],
                version=row["version"],
                state=row.get("state") or "",
                changed=orjson.loads(row["changed"]),
                values=values,
            )
            self.numbers[head.object] = row["num"]
            self.stood[declared.type, row["num"]] = row["version"]
            self.heads[declared.type, head.object] = head
            self.bound[declared.type, row["site"], row["key"]] = head
        yield from self._name_references(cursor, declared, rows)
        if declared.lines and rows:
            standing = standing_lines(cursor, declared, [row["num"] for row in rows], self.types)
            for row in rows:
                self.heads[declared.type, str(row["object"])].values.update(standing[row["num"]])

    def _name_references(
        self, cursor: Any, declared: Declared, rows: Sequence[Mapping[str, Any]]
    ) -> Generator[None]:
        """References of what stands, from internal numbers back to keys, so that values compare."""
        asked = {}
        for name, ref in declared.refs.items():
            column = declared.fields[name].column
            nums = [row[column] for row in rows if row[column] is not None]
            if nums:
                asked[name] = queries.ask_keys(cursor, self.types[ref.type], nums)
        yield
        for name, answer in asked.items():
            ref, column = declared.refs[name], declared.fields[name].column
            keys = {row["num"]: row["key"] for row in answer}
            for row in rows:
                if row[column] is not None:
                    head = self.heads[declared.type, str(row["object"])]
                    key = keys.get(row[column])
                    head.values[name] = key
                    if key is not None:
                        self.resolved[ref.type, ref.site(row["site"]), key] = row[column]

    def _resolve(self, cursor: Any, cases: Iterable[Case]) -> None:
        """Every reference of the batch to an internal number, where the object is known already."""
        named = {what for case in cases for _, what in case.wants}
        wanted: dict[str, list[tuple[str, str]]] = {}
        for target, site, key in sorted(what for what in named if what not in bindings.KEPT):
            wanted.setdefault(target, []).append((site, key))
        asked = {
            target: queries.ask_numbers(cursor, self.types[target], pairs) for target, pairs in wanted.items()
        }
        for target, answer in asked.items():
            self.resolved.update({(target, row["site"], row["key"]): row["num"] for row in answer})
        known = {what: num for what in named if (num := self.number(what)) is not None}
        for case in cases:
            refs, lines = case.refs, case.lines
            for name, what in case.wants:
                num = known.get(what)
                if num is not None and name not in lines:
                    refs[name] = num

    def made(self) -> dict[tuple[str, str, str], int]:
        """The bindings that later batches may refer to.

        Records, results and moves are most of what is written and nobody refers to them: kept, they alone
        would fill a hundred megabytes of each worker.
        """
        wanted, numbers = bindings.referred(), self.numbers
        made = {
            what: numbers[h.object]
            for what, h in self.bound.items()
            if what[0] in wanted and h.object in numbers
        }
        return {**made, **self.resolved}

    def number(self, what: tuple[str, str, str]) -> int | None:
        """The internal number of (type, site, key), if it is known or made in this batch."""
        num = bindings.KEPT.get(what) or self.resolved.get(what)
        if num is None:
            head = self.bound.get(what)
            num = self.numbers.get(head.object) if head is not None else None
        return num

    def _read_facts(self, cursor: Any, by_type: Mapping[str, list[Case]]) -> None:
        found = together(
            self.wiring.facts[name](cursor, [self._asking(case) for case in cases])
            for name, cases in by_type.items()
        )
        self.facts.update(zip(by_type, found, strict=True))

    def _asking(self, case: Case) -> Asked:
        head = self._head(case)
        one = self._asked(case, head)
        if head is None:
            case.asked = one
        return one

    def _asked(self, case: Case, head: Head | None) -> Asked:
        assert case.operation is not None
        return Asked(
            operation=case.operation,
            author=self.author,
            home=case.home,
            fields=case.fields,
            refs=case.refs,
            current=head.values if head else {},
            num=self.numbers.get(head.object, 0) if head else 0,
        )

    # -- judging -----------------------------------------------------------------------------

    def judge(self) -> None:
        """Judge in order; the members of a group share the worst outcome."""
        index = 0
        while index < len(self.cases):
            group = self._group(index)
            if len(group) == 1:
                self._judge_one(group[0])
            else:
                self._judge_group(group)
            if self.wanted:
                for case in group:
                    self._note(case)
            index += len(group)

    def _note(self, case: Case) -> None:
        """Keep what became of it, for later operations of the batch that require it."""
        operation, judgement = case.operation, case.judgement
        if operation is not None and judgement is not None:
            version = judgement.version if not case.refused else 0
            self.required[operation.id] = Taken(case.verdict, operation.object, version)

    def _group(self, index: int) -> list[Case]:
        first = self.cases[index].operation
        if first is None or not first.group:
            return [self.cases[index]]
        end = index + 1
        while end < len(self.cases):
            other = self.cases[end].operation
            if other is None or other.group != first.group:
                break
            end += 1
        return self.cases[index:end]

    def _judge_group(self, group: list[Case]) -> None:
        kept = [(c, self._head(c)) for c in group if not c.refused and c.declared]
        before = [(h, h.version, h.state, dict(h.changed), dict(h.values)) for _, h in kept if h is not None]
        for case in group:
            self._judge_one(case)
        worst = max(group, key=lambda c: c.verdict.rank)
        if worst.verdict is Verdict.ACCEPTED:
            return
        for head, version, state, changed, values in before:
            head.version, head.state, head.changed, head.values = version, state, changed, values
        for case in group:
            if case.new and case.head is not None and case.declared is not None:
                self.heads.pop((case.declared.type, case.head.object), None)
                self.bound.pop((case.declared.type, case.home, case.key), None)
            if not case.refused:
                cause = worst.refusal or Refusal(code="group")
                case.refuse(
                    worst.verdict,
                    Refusal(code="group_refused", path=cause.path, expected=cause.code, got=worst_id(worst)),
                )
                case.waits = worst.waits
                case.new, case.places = False, []

    def _head(self, case: Case) -> Head | None:
        declared = case.declared
        if declared is None or case.operation is None:
            return None
        head = self.heads.get((declared.type, case.operation.object))
        if head is None and case.key:
            head = self.bound.get((declared.type, case.home, case.key))
        return head

    def _judge_one(self, case: Case) -> None:
        operation, declared = case.operation, case.declared
        if case.refused or operation is None or declared is None:
            return
        if not operation.reason and operation.base and operation.kind is Kind.SET and not operation.source:
            case.quarantine("reason_missing", "/reason", "why the value is changed")
            return
        head = self._head(case)
        if head is not None:
            case.home = head.site
        if head is not None and head.version and self._key_clash(case, head):
            return
        standing = head if head is not None and head.version else None
        if standing is None and not made_whole(case, declared):
            return
        asked = case.asked if head is None and case.asked is not None else self._asked(case, standing)
        if standing is not None:
            case.current = dict(standing.values)
        judgement = self._judgement(case, operation, declared, standing)
        if judgement.verdict is not Verdict.ACCEPTED:
            case.verdict, case.judgement = judgement.verdict, judgement
            if judgement.refusal and judgement.refusal.code == "object_unknown":
                case.waits = (("object", "", operation.object),)
            return
        case.findings.extend(judgement.findings)
        if not self._references(case) or not self._admit(case, asked):
            return
        self._accept(case, head, judgement)

    def _judgement(
        self, case: Case, operation: Operation, declared: Declared, standing: Head | None
    ) -> Judgement:
        """wire/judge.py's word, with what the author knew beyond the operation's base."""
        basis = None
        if operation.requires or (operation.hub and operation.base):
            found = basis_of(
                operation,
                required=as_meant(case, self.required),
                exists=standing is not None,
                hub=self.hub,
                lost=self.lost.get((operation.hub, operation.object)),
            )
            if isinstance(found, Judgement):
                case.waits = tuple(("operation", "", each) for each in operation.requires)
                return found
            basis = found
        view = View(operation, {**case.fields, **case.lines} if case.lines else case.fields)
        return judge(view, author=self.author, head=standing, sheet=declared.sheet, basis=basis)  # type: ignore[arg-type]

    def _key_clash(self, case: Case, head: Head) -> bool:
        """Another object with the same natural key: a conflict, never an overwrite."""
        operation = case.operation
        assert operation is not None
        if head.object == operation.object or operation.kind is Kind.OBSERVE:
            return False
        if operation.source is not None and not operation.base:
            # The same row of the same system in a later form: an update of the object it made first.
            return False
        case.refuse(
            Verdict.CONFLICT,
            Refusal(code="key_taken", path="/object", expected=head.object, got=operation.object),
            theirs={n: head.values.get(n) for n in case.fields},
        )
        return True

    def _references(self, case: Case) -> bool:
        """Unknown references: a finding and a placeholder for what happened or protects, else parked."""
        assert case.operation is not None and case.declared is not None
        stands = case.operation.kind is Kind.OBSERVE or case.declared.facts.safety
        for name, what in case.wants:
            if name in case.refs or what in self.bound or self.number(what) is not None:
                continue
            target, _, key = what
            path = f"/fields/{name}"
            if not stands:
                case.refuse(Verdict.PARKED, Refusal(code=f"unknown_{target}", path=path, got=key))
                case.waits = (what,)
                return False
            case.findings.append(Finding(code=f"unknown_{target}", path=path, got=key))
            if self.types[target].facts.place:
                case.places.append(what)
        return True

    def _admit(self, case: Case, asked: Asked) -> bool:
        assert case.declared is not None
        rule = self.wiring.admission.get(case.declared.type)
        if rule is None:
            return True
        ruling = rule(asked, self.facts.get(case.declared.type))
        case.findings.extend(ruling.findings)
        if ruling.verdict is not Verdict.ACCEPTED:
            case.refuse(ruling.verdict, ruling.refusal or Refusal(code="not_admitted"))
            case.waits = ruling.waits
            return False
        return True

    def _accept(self, case: Case, head: Head | None, judgement: Judgement) -> None:
        operation, declared = case.operation, case.declared
        assert operation is not None and declared is not None
        case.judgement = judgement
        if head is None:
            head = Head(object=operation.object, site=case.home)
            self.heads[declared.type, head.object] = head
            self.bound[declared.type, case.home, case.key] = head
            case.new = True
            case.head = head
            head.values, head.version, head.state = (
                {**case.fields, **case.lines},
                judgement.version,
                judgement.state,
            )
            return
        if not head.version and head.object != operation.object:
            # A placeholder gets the identity of the object that it stood for.
            self.numbers[operation.object] = self.numbers[head.object]
            self.heads[declared.type, operation.object] = head
            head.object = operation.object
        case.head = head
        advance(head, judgement)
