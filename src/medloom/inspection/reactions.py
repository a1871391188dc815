"""What follows from results: a lot that does not conform is blocked, a disagreement is opened, each once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from medloom.inspection.rules import (
    BLOCKING,
    Measured,
    ResultFacts,
    alike,
    complete,
    contrasts,
    dispute_number,
)
from medloom.kernel.act import derived_id
from medloom.kernel.ruling import Written
from medloom.materials.reactions import hold_because
from medloom.wire.operation import Kind, Operation


def block_lot(written: Sequence[Written], facts: ResultFacts | None) -> list[Operation]:
    """One hold for each lot with a result that does not conform, unless inspection blocks it already."""
    blocked = set(facts.blocked) if facts else set()
    found = []
    for result in written:
        codes = sorted({f.code for f in result.findings} & BLOCKING)
        values = {**result.asked.current, **result.asked.fields}
        lot = (result.asked.home, str(values.get("lot")))
        if codes and lot not in blocked:
            blocked.add(lot)
            cause = f"result {result.key}: {', '.join(codes)}"
            found.append(
                hold_because(result, reaction="block_lot", prefix="inspection", lot=lot[1], cause=cause)
            )
    return found


def dispute(written: Sequence[Written], facts: ResultFacts | None) -> list[Operation]:
    """One disagreement for each item about which two laboratories say different things, once.

    Both results stand and both block; which of them counts is a person's decision.
    """
    facts = facts or ResultFacts()
    known, found = set(facts.disputed), []
    lots: dict[tuple[str, str, str], dict[str, dict[str, Measured]]] = {}
    fresh: dict[tuple[str, str, str], dict[str, Written]] = {}
    for one in facts.measured:
        lots.setdefault(_lot(one), {}).setdefault(one.laboratory, {})[one.key] = one
    for result in written:
        measured = measured_of(result, facts)
        if measured is not None:
            lots.setdefault(_lot(measured), {}).setdefault(measured.laboratory, {})[measured.key] = measured
            fresh.setdefault(_lot(measured), {})[measured.laboratory] = result
    for lot, laboratories in fresh.items():
        told = {name: list(each.values()) for name, each in lots[lot].items() if complete(each.values())}
        for first, second in combinations(sorted(told), 2):
            number = dispute_number(lot[1], (first, second))
            if (lot[0], number) in known or not laboratories.keys() & {first, second}:
                continue
            if contrasts(told[first], told[second]):
                known.add((lot[0], number))
                result = laboratories.get(second) or laboratories[first]
                found.append(_disagreement(result, number, lot, (first, second)))
    return found


def _lot(one: Measured) -> tuple[str, str, str]:
    return one.site, one.item, one.lot


def measured_of(result: Written, facts: ResultFacts) -> Measured | None:
    """A result as it is compared with another laboratory's; None when item or laboratory is not told."""
    values = {**result.asked.current, **result.asked.fields}
    if values.get("item") is None or values.get("laboratory") is None:
        return None
    cited = facts.cited.get((result.asked.home, str(values.get("specification"))))
    codes = {finding.code for finding in result.findings}
    conforms: bool | None
    if cited is not None and "unit_differs" not in codes:
        conforms = "out_of_limits" not in codes
    else:
        conforms = None if values.get("judged") is None else values["judged"] == "pass"
    nominal = values.get("nominal")
    return Measured(
        key=result.key,
        site=result.asked.home,
        item=str(values["item"]),
        lot=str(values["lot"]),
        laboratory=str(values["laboratory"]),
        subject=cited.number if cited else "",
        alike=alike(values.get("kind"), None if nominal is None else Decimal(str(nominal))),
        conforms=conforms,
        inspection=str(values.get("inspection") or ""),
        series=int(values.get("series") or 0),
    )


def _disagreement(
    result: Written, number: str, lot: tuple[str, str, str], laboratories: tuple[str, str]
) -> Operation:
    cause = result.asked.operation
    site, item, name = lot
    first, second = laboratories
    return Operation(
        id=derived_id(result.seq, f"dispute {number}"),
        type="disagreement",
        object=derived_id(result.seq, f"dispute {number}", "disagreement"),
        kind=Kind.SET,
        at=cause.at,
        zone=cause.zone,
        actor="hub",
        site=site,
        fields={"number": number, "item": item, "first": first, "second": second},
        reason=f"results of {first} and {second} disagree about {name}",
        requires=(cause.id,),
    )
