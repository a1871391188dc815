"""What is true of step records and work orders. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from medloom.design.rules import Window, effective, limits_text, windows_text, within
from medloom.kernel.ruling import FINE, Asked, Ruling, rejected
from medloom.materials.rules import OpenHold, held
from medloom.wire.operation import Kind
from medloom.wire.verdict import Finding, Refusal, Verdict


@dataclass(frozen=True)
class Setting:
    """The released revision of a process parameter: a number within limits, or one of the permitted words."""

    revision: str
    unit: str
    low: Decimal | None = None
    high: Decimal | None = None
    words: tuple[str, ...] = ()


#: (site, item number, BOM revision): what an order or a record names.
Cited = tuple[str, str, str]


@dataclass(frozen=True)
class StepFacts:
    """What stands before a batch of step records.

    holds     (site, lot number) -> open holds on the lot or on an ancestor with `spreads`
    settings  (site, parameter number) -> its released revision
    equipment (site, equipment number) -> open holds on the machine or mould
    windows   (site, item number, BOM revision) -> the days on which it is effective
    """

    holds: Mapping[tuple[str, str], Sequence[OpenHold]] = field(default_factory=dict)
    settings: Mapping[tuple[str, str], Setting] = field(default_factory=dict)
    equipment: Mapping[tuple[str, str], Sequence[OpenHold]] = field(default_factory=dict)
    windows: Mapping[Cited, Sequence[Window]] = field(default_factory=dict)


def admit_step(asked: Asked, facts: StepFacts | None) -> Ruling:
    """A step record has happened: it is always kept, and told what is wrong with it."""
    facts = facts or StepFacts()
    values = {**asked.current, **asked.fields}
    findings = balance(values, _lines(asked, "defects"))
    if facts.holds:
        for path, lot in lots_of(asked):
            findings += held(asked, facts.holds.get((asked.home, lot), ()), path=path, got=lot)
    if facts.equipment:
        for name in ("machine", "mould"):
            number = str(asked.fields.get(name))
            holds = facts.equipment.get((asked.home, number), ())
            findings += held(asked, holds, path=f"/fields/{name}", got=number, code="equipment_held")
    if facts.settings:
        for index, row in enumerate(_lines(asked, "parameters") or ()):
            setting = facts.settings.get((asked.home, str(row["name"])))
            findings += reading(row, setting, path=f"/fields/parameters/{index}")
    if facts.windows:
        findings += out_of_force(asked, facts.windows, days=("day",))
    return Ruling(findings=findings) if findings else FINE


def balance_order(asked: Asked) -> tuple[Finding, ...]:
    """Pieces put into stock and scrapped are the pieces ordered, once the site has told of both.

    A site that reports progress alone is at work: nothing has to add up yet.
    """
    values = {**asked.current, **asked.fields}
    ordered, stocked, scrapped = (values.get(n) for n in ("quantity", "progress", "scrapped"))
    told = asked.fields.keys() & {"quantity", "progress", "scrapped"}
    if not told or ordered is None or stocked is None or scrapped is None or stocked + scrapped == ordered:
        return ()
    expected = f"stocked {stocked} + scrapped {scrapped} = {stocked + scrapped}"
    return (Finding(code="balance_order", path="/fields/quantity", expected=expected, got=str(ordered)),)


def cited(asked: Asked) -> Cited | None:
    """The BOM revision that an order or a record names, if it does."""
    values = {**asked.current, **asked.fields}
    item, revision = values.get("item"), values.get("revision")
    if asked.operation.kind is Kind.COMMAND or item is None or revision is None:
        return None
    return asked.home, str(item), str(revision)


def out_of_force(
    asked: Asked, windows: Mapping[Cited, Sequence[Window]], *, days: Sequence[str]
) -> tuple[Finding, ...]:
    """A finding when the BOM revision named is not effective on the day of the record or order.

    days  fields that may tell the day; the first that is filled counts, and without one nothing is said
    """
    values, place = {**asked.current, **asked.fields}, cited(asked)
    day = next((str(values[name]) for name in days if values.get(name)), "")
    if place is None or not day or not asked.fields.keys() & {"item", "revision", *days}:
        return ()
    known = windows.get(place, ())
    if effective(day, known):
        return ()
    expected = f"revision {place[2]} from {windows_text(known)}"
    return (Finding(code="revision_not_effective", path="/fields/revision", expected=expected, got=day),)


def _lines(asked: Asked, name: str) -> Sequence[Mapping[str, Any]] | None:
    """A list of the operation as it was sent; its values have passed their fields already."""
    rows = asked.operation.fields.get(name)
    return rows if isinstance(rows, list) else None


def lots_of(asked: Asked) -> list[tuple[str, str]]:
    """(path, lot number) of every lot that went in."""
    found = []
    resin = asked.fields.get("resin_lot")
    if resin is not None:
        found.append(("/fields/resin_lot", str(resin)))
    for index, row in enumerate(_lines(asked, "inputs") or ()):
        found.append((f"/fields/inputs/{index}/lot", str(row["lot"])))
    return found


def balance(values: Mapping[str, Any], defects: Sequence[Mapping[str, Any]] | None) -> tuple[Finding, ...]:
    """Good + defective = total, and shots x cavities = total, as far as each is stated.

    A shift that made nothing states noughts or nothing at all: both balance.
    """
    total, good = values.get("total"), values.get("good")
    shots, cavities = values.get("shots"), values.get("cavities")
    found = []
    if total is not None and good is not None:
        bad = sum(row["count"] for row in defects or ())
        if good + bad != total and (defects is not None or good > total):
            found.append(
                Finding(
                    code="balance_total",
                    path="/fields/total",
                    expected=f"good {good} + defective {bad} = {good + bad}",
                    got=str(total),
                )
            )
    if total is not None and shots is not None and cavities is not None and shots * cavities != total:
        found.append(
            Finding(
                code="balance_shots",
                path="/fields/total",
                expected=f"shots {shots} x cavities {cavities} = {shots * cavities}",
                got=str(total),
            )
        )
    return tuple(found)


def reading(row: Mapping[str, Any], setting: Setting | None, *, path: str) -> tuple[Finding, ...]:
    """A parameter as the machine had it, against its released revision; without one nothing is said."""
    if setting is None:
        return ()
    found = []
    revision = row.get("revision")
    if revision is not None and revision != setting.revision:
        found.append(
            Finding(
                code="wrong_revision", path=f"{path}/revision", expected=setting.revision, got=str(revision)
            )
        )
    if setting.words:
        return (*found, *word(row, setting.words, path=path))
    if row.get("value") is None:
        # The machine told of the run and said nothing of this: no contradiction, and not silence either.
        if setting.low is not None or setting.high is not None:
            found.append(Finding(code="parameter_missing", path=f"{path}/value", expected=setting.unit))
    elif row["unit"] != setting.unit:
        found.append(
            Finding(code="unit_differs", path=f"{path}/unit", expected=setting.unit, got=str(row["unit"]))
        )
    elif not within(Decimal(str(row["value"])), setting.low, setting.high):
        limits = limits_text(setting.low, setting.high, setting.unit)
        found.append(
            Finding(
                code="parameter_out_of_limits", path=f"{path}/value", expected=limits, got=str(row["value"])
            )
        )
    return tuple(found)


def word(row: Mapping[str, Any], words: Sequence[str], *, path: str) -> tuple[Finding, ...]:
    """A parameter that is a word (an NC program) against the permitted ones; none told is its own finding."""
    told = str(row.get("text") or "")
    if told in words:
        return ()
    expected = " | ".join(words)
    return (
        Finding(
            code="parameter_differs" if told else "parameter_missing",
            path=f"{path}/text",
            expected=expected,
            got=told,
        ),
    )


def cavity_note(used: int | None, standard: int | None) -> str:
    """`fewer` or `more` cavities than the mould's standard: information for a page, never a finding.

    Plants run moulds with blocked cavities for weeks (436 of 1,385 rows of the first real plant).
    """
    if used is None or standard is None or used == standard:
        return ""
    return "fewer" if used < standard else "more"


# -- work orders ------------------------------------------------------------------------------


@dataclass(frozen=True)
class OrderFacts:
    """Revisions of bills of materials.

    boms     (site, item number, revision) -> state of the best one
    windows  the same -> the days on which it is effective
    """

    boms: Mapping[Cited, str] = field(default_factory=dict)
    windows: Mapping[Cited, Sequence[Window]] = field(default_factory=dict)


def admit_order(asked: Asked, facts: OrderFacts | None) -> Ruling:
    """A work order is released only complete, and asks for a BOM revision that is there.

    A revision that is not there yet parks the request; an outdated one is refused with what stands. One that
    is not effective on the day of the order is told: who plans may know why.
    """
    facts = facts or OrderFacts()
    values = {**asked.current, **asked.fields}
    if asked.operation.kind is Kind.COMMAND:
        if asked.operation.fields.get("command") == "release":
            for name in ("item", "quantity"):
                if values.get(name) is None:
                    return rejected("order_incomplete", f"/fields/{name}", name)
        return FINE
    received, due = values.get("received"), values.get("due")
    if received and due and due < received:
        return rejected("due_before_received", "/fields/due", f"{received} or later", str(due))
    findings = out_of_force(asked, facts.windows, days=("planned_start", "due")) + balance_order(asked)
    fine = Ruling(findings=findings) if findings else FINE
    item, revision = values.get("item"), asked.fields.get("revision")
    if item is None or revision is None:
        return fine
    state = facts.boms.get((asked.home, str(item), str(revision)))
    if state is None:
        refusal = Refusal(code="unknown_bom", path="/fields/revision", got=f"{item}/{revision}")
        waits = (("bom", asked.home, f"{item}/1/{revision}"),)
        return Ruling(refusal=refusal, verdict=Verdict.PARKED, waits=waits)
    if state in ("superseded", "obsolete"):
        return rejected("wrong_revision", "/fields/revision", "a released revision", f"{revision} {state}")
    return fine
