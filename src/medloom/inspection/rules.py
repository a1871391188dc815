"""Judging results by the specification revision they cite. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from medloom.design.rules import limits_text, within
from medloom.inspection.rules_compared import Measured, Standing
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

    cited     (site, specification key) -> the revision cited
    blocked   (site, lot number) of lots that an inspection hold blocks already
    unfit     (site, gauge number) -> state of gauges that are due, out of tolerance or retired
    measured  what stands measured, by other laboratories, of the lots of this batch
    disputed  (site, number) -> the disagreements that are there already
    meant     (site, lot number) -> the number of the part that a person found it to be
    whole     (site, item) of which `measured` has every result, not those of this batch's lots alone: read
              where this batch may have emptied an open disagreement
    """

    cited: Mapping[tuple[str, str], Cited] = field(default_factory=dict)
    blocked: frozenset[tuple[str, str]] = frozenset()
    unfit: Mapping[tuple[str, str], str] = field(default_factory=dict)
    measured: Sequence[Measured] = ()
    disputed: Mapping[tuple[str, str], Standing] = field(default_factory=dict)
    meant: Mapping[tuple[str, str], str] = field(default_factory=dict)
    whole: frozenset[tuple[str, str]] = frozenset()


def judged(value: Decimal, cited: Cited) -> str:
    """`pass` or `fail`: inside the limits, the limits themselves included."""
    return "pass" if within(value, cited.low, cited.high) else "fail"


def admit_result(asked: Asked, facts: ResultFacts | None) -> Ruling:
    """A result has happened: it is kept, judged by the cited revision, and told what is wrong with it."""
    facts = facts or ResultFacts()
    values = {**asked.current, **asked.fields}
    found = _gauge(asked, values, facts)
    key = values.get("specification")
    if key is None:
        return Ruling(findings=(*found, Finding(code="not_judged", path="/fields/specification")))
    cited = facts.cited.get((asked.home, str(key)))
    if cited is None:
        # The door itself says unknown_specification.
        return Ruling(findings=tuple(found)) if found else FINE
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
    found += _stated_limits(values, cited)
    stated = values.get("judged")
    if stated is not None and stated != verdict:
        found.append(Finding(code="judged_differs", path="/fields/judged", expected=verdict, got=str(stated)))
    return Ruling(findings=tuple(found)) if found else FINE


def _gauge(asked: Asked, values: Mapping[str, object], facts: ResultFacts) -> list[Finding]:
    """A result taken with a gauge that is not fit stands, and is told so (ISO 13485 7.6)."""
    number = values.get("gauge")
    state = facts.unfit.get((asked.home, str(number))) if number is not None else None
    if state is None:
        return []
    return [Finding(code="gauge_unfit", path="/fields/gauge", expected="in_service", got=f"{number} {state}")]


def _stated_limits(values: Mapping[str, object], cited: Cited) -> list[Finding]:
    """Limits that the author judged by and that are not those of the revision it cites."""
    low, high = (None if values.get(name) is None else Decimal(str(values[name])) for name in ("low", "high"))
    if (low is None and high is None) or (low, high) == (cited.low, cited.high):
        return []
    expected = limits_text(cited.low, cited.high, cited.unit)
    return [
        Finding(
            code="limits_differ",
            path="/fields/low",
            expected=expected,
            got=limits_text(low, high, cited.unit),
        )
    ]


# -- one suspicion instead of many bad parts --------------------------------------------------

#: Fewer parts than this prove nothing about the drawing.
SUSPECT_PARTS = 5
#: How many times the spread of the parts lies between their mean and the limit.
SUSPECT_SPREADS = 3


@dataclass(frozen=True)
class Suspicion:
    """Every part is out, on the same side, by far more than the parts differ: the limits are suspect.

    mean, spread  of the parts, in the unit of the limits; `spread` is the standard deviation
    beyond        the limit they lie beyond
    """

    parts: int
    mean: Decimal
    spread: Decimal
    beyond: Decimal


def mean_and_spread(values: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """Mean and standard deviation (n - 1) of at least two values; in decimals, so no digit is lost."""
    mean = sum(values, Decimal(0)) / len(values)
    return mean, (sum(((value - mean) ** 2 for value in values), Decimal(0)) / (len(values) - 1)).sqrt()


def suspicion(values: Sequence[Decimal], low: Decimal | None, high: Decimal | None) -> Suspicion | None:
    """A suspicion about the limits themselves, or None. The parts stay nonconforming until it is decided."""
    if len(values) < SUSPECT_PARTS:
        return None
    over = high is not None and all(value > high for value in values)
    under = low is not None and all(value < low for value in values)
    limit = high if over else low if under else None
    if limit is None:
        return None
    mean, spread = mean_and_spread(values)
    if abs(mean - limit) <= SUSPECT_SPREADS * spread:
        return None
    return Suspicion(len(values), mean, spread, limit)
