"""What is true of documents with revisions. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from medloom.design.udi import wrong_identifier
from medloom.kernel.ruling import FINE, Asked, Ruling, rejected
from medloom.wire.operation import Kind
from medloom.wire.verdict import Finding, Verdict


@dataclass(frozen=True)
class Revisions:
    """What stands before a batch of revisions.

    states  internal number -> state of the revisions that a batch would change
    stands  operation id of a release -> other revisions of the document that are released at its turn
    """

    states: Mapping[int, str] = field(default_factory=dict)
    stands: Mapping[str, Sequence[str]] = field(default_factory=dict)


def admit_revision(asked: Asked, facts: Revisions | None) -> Ruling:
    """What is released is never changed: a change is the next revision (ISO 13485 4.2.4).

    Of one document at most one revision is released: releasing another one needs the earlier one superseded
    first, in the same group. A plant must never have to choose.
    """
    facts = facts or Revisions()
    if asked.operation.kind is Kind.SET and asked.num:
        state = asked.current.get("state") or facts.states.get(asked.num, "draft")
        if state != "draft":
            return rejected("revision_fixed", "/base", "a new revision", str(state))
    if asked.operation.kind is Kind.COMMAND and asked.operation.fields.get("command") == "release":
        standing = facts.stands.get(asked.operation.id, ())
        if standing:
            got = ", ".join(standing)
            return rejected("revision_stands", "/fields/command", f"revision {got} superseded first", got)
    return _limits(asked)


def _limits(asked: Asked) -> Ruling:
    values = {**asked.current, **asked.fields}
    steps = [values.get(name) for name in ("low", "target", "high")]
    known = [Decimal(str(step)) for step in steps if step is not None]
    if known != sorted(known):
        got = " ".join(str(step) for step in steps if step is not None)
        return rejected("limits_crossed", "/fields/low", "low <= target <= high", got)
    return FINE


def within(value: Decimal, low: Decimal | None, high: Decimal | None) -> bool:
    """Whether a value lies in limits that may be open on either side; the limits themselves conform."""
    return (low is None or value >= low) and (high is None or value <= high)


def limits_text(low: Decimal | None, high: Decimal | None, unit: str) -> str:
    """Limits in words for a refusal or finding: `1.5 to open mm`."""
    low_text = "open" if low is None else f"{low.normalize():f}"
    high_text = "open" if high is None else f"{high.normalize():f}"
    return f"{low_text} to {high_text} {unit}"


def next_revision(revision: str) -> str:
    """The revision that follows: 1 -> 2, R7 -> R8, 09 -> 10, A -> B, Z -> AA; else one with "-2"."""
    digits = len(revision) - len(revision.rstrip("0123456789"))
    if digits:
        head, number = revision[:-digits], revision[-digits:]
        return f"{head}{int(number) + 1:0{digits}}"
    if len(revision) == 1 and "A" <= revision <= "Y":
        return chr(ord(revision) + 1)
    return "AA" if revision == "Z" else f"{revision}-2"


# -- effectivity ------------------------------------------------------------------------------

#: First and last day (ISO 8601, both included) on which a revision is effective; "" leaves that side open.
Window = tuple[str, str]


def effective(day: str, windows: Sequence[Window]) -> bool:
    """Whether any of these windows holds the day; what nobody limited always does."""
    return not windows or any(first <= day and (not last or day <= last) for first, last in windows)


def windows_text(windows: Sequence[Window]) -> str:
    """Windows in words for a finding: `2026-12-01 to open`."""
    return ", ".join(f"{first or 'open'} to {last or 'open'}" for first, last in sorted(set(windows)))


# -- devices ----------------------------------------------------------------------------------


def admit_device(asked: Asked, facts: object = None) -> Ruling:
    """An identifier that contradicts its own check digit names no device; another one's is told.

    What a regulator publishes beside the device's own identifier is kept as it is published.
    """
    values = {**asked.current, **asked.fields}
    wrong = wrong_identifier(str(values.get("di", "")), str(values.get("agency", "")))
    if wrong is not None:
        return Ruling(refusal=wrong, verdict=Verdict.REJECTED)
    found = []
    for n, line in enumerate(_sent(asked, "packages")):
        wrong = wrong_identifier(str(line.get("di", "")), str(line.get("agency", "")))
        if wrong is not None:
            path = f"/fields/packages/{n}/di"
            found.append(Finding(code=wrong.code, path=path, expected=wrong.expected, got=wrong.got))
    for n, line in enumerate(_sent(asked, "storage")):
        low, high = line.get("low"), line.get("high")
        if low is not None and high is not None and Decimal(str(low)) > Decimal(str(high)):
            path, got = f"/fields/storage/{n}/low", f"{low} {high}"
            found.append(Finding(code="limits_crossed", path=path, expected="low <= high", got=got))
    return Ruling(findings=tuple(found)) if found else FINE


def _sent(asked: Asked, name: str) -> Sequence[Mapping[str, object]]:
    lines = asked.operation.fields.get(name)
    return lines if isinstance(lines, list) else ()
