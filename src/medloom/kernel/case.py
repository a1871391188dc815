"""One operation on its way through the door: its declared type, its canonical values, its judgement."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from medloom.kernel.entity import Declared, Lines
from medloom.kernel.meaning import Refused
from medloom.kernel.ruling import Asked
from medloom.wire.basis import Taken
from medloom.wire.judge import HQ, Judgement
from medloom.wire.operation import CONTROL, VOLUME, Kind, Operation
from medloom.wire.sheet import Head
from medloom.wire.verdict import Finding, Refusal, Verdict

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


class Received(msgspec.Struct, frozen=True):
    """One line as it came: its bytes, and the operation in it or why none could be read."""

    raw: bytes
    epoch: str
    chain: str
    number: int
    operation: Operation | None = None
    fault: Refusal | None = None
    #: The entry that caused this one: the first entry of a parked operation, or a reaction's cause.
    cause: int | None = None
    #: Hash of the bytes, where it is known already.
    hash: bytes = b""
    #: Ids it requires that mean other operations here than they did to its author: used twice meanwhile.
    contested: frozenset[str] = frozenset()


class Case:
    """A mutable record of one operation while its batch is judged; lives only inside append."""

    __slots__ = (
        "asked",
        "clean",
        "current",
        "declared",
        "fields",
        "findings",
        "head",
        "home",
        "ident",
        "judgement",
        "key",
        "lines",
        "new",
        "num",
        "operation",
        "places",
        "received",
        "refs",
        "seq",
        "verdict",
        "waits",
        "wants",
    )

    def __init__(self, received: Received, ident: str | None = None) -> None:
        self.received = received
        self.operation = received.operation
        #: JSON escapes every control character: what holds no backslash needs no escaping for COPY either.
        self.clean = received.operation is not None and b"\\" not in received.raw
        self.declared: Declared | None = None
        self.home = ""
        self.key = ""
        self.fields: dict[str, Any] = {}
        self.lines: dict[str, list[dict[str, Any]]] = {}
        self.refs: dict[str, int] = {}
        self.current: dict[str, Any] = {}
        #: As its room's rule sees it; kept for an object that nothing is known of.
        self.asked: Asked | None = None
        self.head: Head | None = None
        self.num = 0
        self.new = False
        self.seq = 0
        #: Source identity, where the operation tells a new fact of its author's system.
        self.ident = ident
        #: What it refers to: (field, (type, site, key)), lines included under the list's name.
        self.wants: list[tuple[str, tuple[str, str, str]]] = []
        self.findings: list[Finding] = []
        self.places: list[tuple[str, str, str]] = []
        self.waits: tuple[tuple[str, str, str], ...] = ()
        self.judgement: Judgement | None = None
        self.verdict = Verdict.ACCEPTED
        if received.fault is not None:
            self.refuse(Verdict.QUARANTINED, received.fault)

    @property
    def refused(self) -> bool:
        """Whether it already has another verdict than accepted."""
        return self.verdict is not Verdict.ACCEPTED

    @property
    def refusal(self) -> Refusal | None:
        """Why it was not accepted."""
        return self.judgement.refusal if self.judgement else None

    def refuse(self, verdict: Verdict, refusal: Refusal, *, theirs: Mapping[str, Any] | None = None) -> None:
        """Give it another verdict than accepted; the first one given stands."""
        if not self.refused:
            self.verdict = verdict
            self.judgement = Judgement(verdict, refusal=refusal, theirs=theirs or {})

    def quarantine(self, code: str, path: str, expected: str = "", got: str = "") -> None:
        """Refuse as not understandable."""
        self.refuse(Verdict.QUARANTINED, Refusal(code=code, path=path, expected=expected, got=got[:200]))


def as_meant(case: Case, required: Mapping[str, Taken]) -> Mapping[str, Taken]:
    """What became of the operations that it requires; of a contested id, nothing that its author meant."""
    other = {
        i: Taken(Verdict.CONFLICT, required[i].object, 0) for i in case.received.contested & required.keys()
    }
    return {**required, **other} if other else required


def source_ident(site: str, operation: Operation) -> str | None:
    """The source identity as one value of 32 hex digits, or None for an operation without a source.

    An update of what was read before carries its base too: a row that is set back to an older value
    is a new fact, the same file read twice is not.
    """
    source = operation.source
    if source is None:
        return None
    text = f"{site}\x00{source.feed}\x00{source.key}\x00{source.hash}\x00{operation.base}\x00{operation.type}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def understand(case: Case, author: str, types: Mapping[str, Declared]) -> None:
    """Find the type, check every value against its field's domain, make the natural key."""
    operation = case.operation
    if operation is None:
        return
    declared = types.get(operation.type)
    case.home = operation.site or author
    if declared is None:
        case.quarantine("type_unknown", "/type", "|".join(types), operation.type)
        return
    case.declared = declared
    if declared.facts.network:
        case.home = ""
    elif operation.site and author not in (HQ, operation.site):
        case.refuse(
            Verdict.REJECTED,
            Refusal(code="not_owner", path="/site", expected=author, got=operation.site),
        )
        return
    elif not operation.site and author == HQ and operation.base == 0 and operation.kind is Kind.SET:
        case.home = HQ
    if operation.kind is Kind.RAW:
        return
    if not _UUID.fullmatch(operation.object):
        case.quarantine("object_wrong", "/object", "UUID", operation.object)
        return
    _accept_fields(case, declared, operation)
    if not case.refused:
        _refer(case, declared)


def _refer(case: Case, declared: Declared) -> None:
    """Note everything the operation refers to, once."""
    home, fields = case.home, case.fields
    for name, ref in declared.refs.items():
        key = fields.get(name)
        if key is not None:
            case.wants.append((name, (ref.type, "" if ref.network else home, key)))
    for name, rows in case.lines.items():
        for ref in declared.lines[name].refs:
            site = ref.site(home)
            case.wants += [
                (name, (ref.type, site, row[ref.name])) for row in rows if row.get(ref.name) is not None
            ]


def _accept_fields(case: Case, declared: Declared, operation: Operation) -> None:
    slots, known, values = declared.slots, declared.lines, case.fields
    if operation.kind is Kind.COMMAND:
        values["command"] = operation.fields.get("command", "")
        if "from" in operation.fields:
            values["from"] = operation.fields["from"]
    name: str
    value: Any
    try:
        for name, value in operation.fields.items():
            slot = slots.get(name)
            if slot is not None:
                if type(value) is str:
                    values[name] = slot.known.get(value) or slot.take(value)
                elif value is not None:
                    values[name] = slot.accept(value)
                elif slot.null:
                    values[name] = None
                else:
                    raise Refused("missing", declared.fields[name].domain())
            elif name in known:
                if not _accept_lines(case, known[name], value):
                    return
            elif name not in values:
                case.findings.append(
                    Finding(code="field_unknown", path=f"/fields/{name}", got=str(value)[:80])
                )
    except Refused as refused:
        case.quarantine(
            refused.code, f"/fields/{name}", refused.expected, "" if value is None else str(value)
        )
        return
    if _on_pending(operation):
        # Whether it makes the object is known only with the object; until then its key is what it says.
        case.key = declared.natural_key(values) or ""
    elif operation.base == 0 and operation.kind is not Kind.COMMAND:
        _complete(case, declared)


def _on_pending(operation: Operation) -> bool:
    """Whether it may be an edit on top of one that its author had no version for yet: that has no base."""
    return operation.kind is Kind.SET and not operation.base and bool(operation.requires)


def made_whole(case: Case, declared: Declared) -> bool:
    """Its object turned out to be new: what that must have is there, or it is quarantined now."""
    if case.operation is not None and _on_pending(case.operation):
        _complete(case, declared)
    return not case.refused


def _complete(case: Case, declared: Declared) -> None:
    values = case.fields
    for name in declared.required:
        if values.get(name) is None:
            case.quarantine("missing", f"/fields/{name}", declared.fields[name].domain())
            return
    for name, value in declared.defaults.items():
        values.setdefault(name, value)
    key = declared.natural_key(values)
    if key is None or len(key) > 200:
        case.quarantine("key_missing", "/fields", "/".join(declared.facts.key))
        return
    case.key = key


def _accept_lines(case: Case, lines: Lines, value: Any) -> bool:
    path = f"/fields/{lines.name}"
    if type(value) is not list or len(value) > lines.most:
        case.quarantine("lines_wrong", path, f"list of at most {lines.most}")
        return False
    accepted: list[dict[str, Any]] = []
    for index, item in enumerate(value):
        if type(item) is not dict:
            case.quarantine("lines_wrong", f"{path}/{index}", "object")
            return False
        row: dict[str, Any] = {}
        given: Any = None
        try:
            for slot in lines.slots:
                given = item.get(slot.name)
                if type(given) is str:
                    row[slot.name] = slot.known.get(given) or slot.take(given)
                elif given is not None:
                    row[slot.name] = slot.accept(given)
                elif slot.default is not None:
                    row[slot.name] = slot.default
                elif slot.required:
                    raise Refused("missing", lines.fields[slot.name].domain())
        except Refused as refused:
            got = "" if given is None else str(given)
            case.quarantine(refused.code, f"{path}/{index}/{slot.name}", refused.expected, got)
            return False
        accepted.append(row)
    case.lines[lines.name] = accepted
    return True


def route(case: Case, author: str, sites: Sequence[str]) -> tuple[str, ...]:
    """To which sites the entry goes, decided now and stored: its own, the author's; all for the network's.

    A conflict goes where the accepted operation would have gone: both sides are to see both values.
    """
    if case.declared is None or (case.refused and case.verdict is not Verdict.CONFLICT):
        return (author,)
    if case.declared.facts.readers == "network":
        return tuple(sites) or (author,)
    if case.declared.facts.readers == "registrant":
        return (HQ,)
    return (case.home,) if case.home == author else (case.home, author)


def feed_of(case: Case) -> str:
    """Safety, commands and master data on the control feed, observations on the volume feed."""
    if case.declared is None:
        return case.received.chain if case.received.chain in (CONTROL, VOLUME) else VOLUME
    if case.operation is not None and case.operation.kind is Kind.COMMAND:
        return CONTROL
    return case.declared.sheet.chain


class View:
    """An operation with its canonical values; spares building a second struct per operation."""

    __slots__ = ("base", "fields", "kind", "object", "raw", "site")

    def __init__(self, operation: Any, fields: dict[str, Any]) -> None:
        self.kind, self.base, self.object = operation.kind, operation.base, operation.object
        self.raw, self.site, self.fields = operation.raw, operation.site, fields


def worst_id(case: Case) -> str:
    """The id of the member that failed a group."""
    return case.operation.id if case.operation else f"number {case.received.number}"
