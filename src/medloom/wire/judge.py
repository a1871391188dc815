"""The one place that says what an operation's verdict is, as far as versions, owners and states go.

Pure: the hub's ledger, the agent's preview and the simulator call it with what they have read.
Value domains are checked before (kernel fields), the rooms' own rules after (admission).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from medloom.wire.operation import Kind, Operation
from medloom.wire.sheet import Basis, Head, Owner, Sheet, Step
from medloom.wire.verdict import Finding, Refusal, Verdict

#: The registrant's own site, and the hub's people, write as this site.
HQ = "HQ"


class Judgement(msgspec.Struct, frozen=True):
    """What follows from one operation: the verdict, the new version and the fields it changes."""

    verdict: Verdict
    refusal: Refusal | None = None
    findings: tuple[Finding, ...] = ()
    version: int = 0
    state: str = ""
    changes: Mapping[str, Any] = {}
    #: For a conflict: what stands at the hub, by field.
    theirs: Mapping[str, Any] = {}


def _refuse(verdict: Verdict, code: str, *, path: str = "", expected: str = "", got: str = "") -> Judgement:
    return Judgement(verdict, refusal=Refusal(code=code, path=path, expected=expected, got=got))


def may_write(owner: Owner, author: str, object_site: str) -> bool:
    """Whether `author` (a site) may write a field with that owner on an object of `object_site`."""
    if owner is Owner.SHARED:
        return author in (HQ, object_site) or not object_site
    if owner is Owner.REGISTRANT:
        return author == HQ
    return author == object_site


def judge(
    operation: Operation, *, author: str, head: Head | None, sheet: Sheet, basis: Basis | None = None
) -> Judgement:
    """Judge one operation of site `author` against what stands.

    Precedence: kind, existence, ownership, state, staleness. `head` is None when the object is
    unknown. `basis` says what the author knew when that is more than the operation's base: the
    author's own earlier operations (named in `requires`), or changes lost and handed back after a
    restore. Never raises: every operation has a verdict.
    """
    kind = operation.kind
    if kind not in sheet.kinds:
        return _refuse(
            Verdict.QUARANTINED,
            "kind_unknown",
            path="/kind",
            expected="|".join(sorted(sheet.kinds)),
            got=kind,
        )
    if kind is Kind.RAW:
        told = operation.raw
        return _refuse(
            Verdict.QUARANTINED,
            told.get("code", "unreadable"),
            path=told.get("path") or "/raw",
            expected=told.get("expected", ""),
            got=told.get("got", ""),
        )
    if kind is Kind.OBSERVE:
        return _observe(operation, author=author, head=head, sheet=sheet)
    known = basis or Basis(operation.base)
    if kind is Kind.COMMAND:
        return _command(operation, author=author, head=head, sheet=sheet, basis=known)
    return _set(operation, author=author, head=head, sheet=sheet, basis=known)


def _owns(owner: Owner, author: str, object_site: str) -> bool:
    """Whether the author alone decides the field; a shared one is nobody's alone."""
    return owner is not Owner.SHARED and may_write(owner, author, object_site)


def begun(kind: Kind, sheet: Sheet) -> dict[str, str]:
    """The state in which an object begins, as a change, where its first operation says so by its kind."""
    lifecycle = sheet.lifecycle
    told = lifecycle is not None and lifecycle.observed and kind is Kind.OBSERVE
    return {"state": lifecycle.observed} if lifecycle is not None and told else {}


def _observe(operation: Operation, *, author: str, head: Head | None, sheet: Sheet) -> Judgement:
    if head is None:
        changes = {**operation.fields, **begun(operation.kind, sheet)}
        state = sheet.lifecycle.begins(operation.kind) if sheet.lifecycle else ""
        return Judgement(Verdict.ACCEPTED, version=1, state=state, changes=changes)
    if head.site and author not in (head.site, HQ):
        return _refuse(Verdict.REJECTED, "not_owner", path="/object", expected=head.site, got=author)
    changes = {k: v for k, v in operation.fields.items() if head.values.get(k) != v}
    findings = []
    if Kind.SET in sheet.kinds:
        # What a site sees of a decision of the registrant (its own list of the orders) fills gaps and
        # contradicts by a finding; it never overwrites what stands.
        for name in list(changes):
            stands = head.values.get(name)
            if stands is not None and not _owns(sheet.owner_of(name), author, head.site):
                got = str(changes.pop(name))
                findings.append(
                    Finding(code="owner_differs", path=f"/fields/{name}", expected=str(stands), got=got)
                )
    return Judgement(
        Verdict.ACCEPTED,
        version=head.version + 1,
        state=head.state,
        changes=changes,
        findings=tuple(findings),
    )


def _command(
    operation: Operation, *, author: str, head: Head | None, sheet: Sheet, basis: Basis
) -> Judgement:
    name = str(operation.fields.get("command", ""))
    if head is None:
        return _refuse(Verdict.PARKED, "object_unknown", path="/object", got=operation.object)
    step = sheet.lifecycle.step(name) if sheet.lifecycle else None
    if step is None or sheet.lifecycle is None:
        legal = "|".join(sheet.lifecycle.legal(head.state)) if sheet.lifecycle else ""
        return _refuse(
            Verdict.QUARANTINED, "command_unknown", path="/fields/command", expected=legal, got=name
        )
    if not may_write(step.owner, author, head.site):
        return _refuse(
            Verdict.REJECTED, "not_permitted", path="/fields/command", expected=step.owner, got=author
        )
    stated = operation.fields.get("from")
    if head.state not in step.source or (stated is not None and stated != head.state):
        return _refuse(
            Verdict.REJECTED,
            "illegal_state",
            path="/fields/from",
            expected="|".join(sheet.lifecycle.legal(head.state)),
            got=f"{name} in {head.state}",
        )
    return _moved(operation, author=author, head=head, sheet=sheet, step=step, basis=basis)


def _moved(
    operation: Operation, *, author: str, head: Head, sheet: Sheet, step: Step, basis: Basis
) -> Judgement:
    """A legal step; the fields it carries along are under the same rules as any other write."""
    extra = {k: v for k, v in operation.fields.items() if k not in ("command", "from")}
    refused = _foreign(extra, author=author, home=head.site, sheet=sheet)
    if refused is not None:
        return refused
    written = {k: v for k, v in extra.items() if head.values.get(k) is not None}
    stale = stale_fields(written, basis=basis, head=head, sheet=sheet)
    if stale:
        return _conflict(operation, stale, head=head)
    return Judgement(
        Verdict.ACCEPTED,
        version=head.version + 1,
        state=step.target,
        changes={**extra, "state": step.target},
    )


def _foreign(fields: Mapping[str, Any], *, author: str, home: str, sheet: Sheet) -> Judgement | None:
    for name in fields:
        owner = sheet.owner_of(name)
        if not may_write(owner, author, home):
            return _refuse(Verdict.REJECTED, "not_owner", path=f"/fields/{name}", expected=owner, got=author)
    return None


def _conflict(operation: Operation, stale: tuple[str, ...], *, head: Head) -> Judgement:
    return Judgement(
        Verdict.CONFLICT,
        refusal=Refusal(
            code="stale",
            path=f"/fields/{stale[0]}",
            expected=str(head.changed.get(stale[0], head.version)),
            got=str(operation.base),
        ),
        theirs={name: head.values.get(name) for name in stale},
    )


def _set(operation: Operation, *, author: str, head: Head | None, sheet: Sheet, basis: Basis) -> Judgement:
    home = head.site if head is not None else ("" if not sheet.site_scoped else author)
    if not (sheet.safety and head is None):
        refused = _foreign(operation.fields, author=author, home=home, sheet=sheet)
        if refused is not None:
            return refused
    if head is None:
        if operation.base:
            return _refuse(Verdict.PARKED, "object_unknown", path="/object", got=operation.object)
        state = sheet.lifecycle.begins(operation.kind) if sheet.lifecycle else ""
        return Judgement(Verdict.ACCEPTED, version=1, state=state, changes=operation.fields)
    if not operation.base and not basis.also:
        return Judgement(
            Verdict.CONFLICT,
            refusal=Refusal(code="exists", path="/base", expected=str(head.version), got="0"),
            theirs={k: head.values.get(k) for k in operation.fields},
        )
    return _update(operation, head=head, sheet=sheet, basis=basis)


def stale_fields(fields: Mapping[str, Any], *, basis: Basis, head: Head, sheet: Sheet) -> tuple[str, ...]:
    """The fields written that changed in a way the author did not know, and now hold another value."""
    if head.version <= basis.version:
        return ()
    unseen: set[str] = set()
    if basis.version < 1 and 1 not in basis.also:
        unseen.update(sheet.group_of(name) for name in fields if name not in head.changed)
    for name, version in head.changed.items():
        if version > basis.version and version not in basis.also:
            unseen.add(sheet.group_of(name))
    return tuple(
        name
        for name, value in fields.items()
        if sheet.group_of(name) in unseen and head.values.get(name) != value
    )


def _update(operation: Operation, *, head: Head, sheet: Sheet, basis: Basis) -> Judgement:
    if basis.version > head.version:
        # Only after a restore that the hub has not noticed yet: the version was lost with its tail, and
        # the next one of that number will be another. What the author knew is unknown, so it is nothing.
        unsure = stale_fields(operation.fields, basis=Basis(0, basis.also), head=head, sheet=sheet)
        if unsure:
            lost = Refusal("version_unknown", "/base", expected=str(head.version), got=str(basis.version))
            theirs = {name: head.values.get(name) for name in unsure}
            return Judgement(Verdict.CONFLICT, refusal=lost, theirs=theirs)
    stale = stale_fields(operation.fields, basis=basis, head=head, sheet=sheet)
    if stale:
        return _conflict(operation, stale, head=head)
    changes = {k: v for k, v in operation.fields.items() if head.values.get(k) != v}
    return Judgement(Verdict.ACCEPTED, version=head.version + 1, state=head.state, changes=changes)


def advance(head: Head, judgement: Judgement) -> None:
    """Fold an accepted judgement into the head, so that later operations of one batch build on it."""
    for name, value in judgement.changes.items():
        head.values[name] = value
        if judgement.version > 1:
            head.changed[name] = judgement.version
    head.version = judgement.version
    head.state = judgement.state
