"""Judging results by the specification revision they cite. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from medloom.design.rules import limits_text, within
from medloom.kernel.ruling import FINE, Asked, Ruling
from medloom.wire.verdict import Finding

#: Findings after which a lot does not conform and is blocked.
BLOCKING = frozenset({"out_of_limits", "wrong_revision", "unknown_specification", "unit_differs"})


@dataclass(frozen=True)
class Cited:
    """The specification revision a result cites. `released` is the revision that stands now, if any."""

    number: str
    revision: str
    state: str
    unit: str
    low: Decimal | None = None
    high: Decimal | None = None
    released: str = ""


@dataclass(frozen=True)
class ResultFacts:
    """What stands before a batch of results.

    cited    (site, specification key) -> the revision cited
    blocked  (site, lot number) of lots that an inspection hold blocks already
    """

    cited: Mapping[tuple[str, str], Cited] = field(default_factory=dict)
    blocked: frozenset[tuple[str, str]] = frozenset()


def judged(value: Decimal, cited: Cited) -> str:
    """`pass` or `fail`: inside the limits, the limits themselves included."""
    return "pass" if within(value, cited.low, cited.high) else "fail"


def admit_result(asked: Asked, facts: ResultFacts | None) -> Ruling:
    """A result has happened: it is kept, judged by the cited revision, and told what is wrong with it."""
    values = {**asked.current, **asked.fields}
    key = values.get("specification")
    if key is None:
        return Ruling(findings=(Finding(code="not_judged", path="/fields/specification"),))
    cited = (facts or ResultFacts()).cited.get((asked.home, str(key)))
    if cited is None:
        return FINE  # the door itself says unknown_specification
    found = []
    if cited.state != "released" or (cited.released and cited.released != cited.revision):
        found.append(
            Finding(
                code="wrong_revision",
                path="/fields/specification",
                expected=f"{cited.number}/{cited.released}" if cited.released else "a released revision",
                got=f"{key} {cited.state}",
            )
        )
    if values["unit"] != cited.unit:
        found.append(
            Finding(code="unit_differs", path="/fields/unit", expected=cited.unit, got=str(values["unit"]))
        )
        return Ruling(findings=tuple(found))
    verdict = judged(Decimal(str(values["value"])), cited)
    limits = limits_text(cited.low, cited.high, cited.unit)
    if verdict == "fail":
        found.append(
            Finding(code="out_of_limits", path="/fields/value", expected=limits, got=str(values["value"]))
        )
    stated = values.get("judged")
    if stated is not None and stated != verdict:
        found.append(Finding(code="judged_differs", path="/fields/judged", expected=verdict, got=str(stated)))
    return Ruling(findings=tuple(found)) if found else FINE
