"""Judging results by the specification revision they cite. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
class Measured:
    """One result as it is compared: of which lot, by whom, of what, and whether it conforms.

    subject     the specification's number, or "" when none is cited
    alike       kind and nominal, by which results of two plans with different names are compared
    conforms    None where nothing says so
    inspection  its number, and `series`, how many results it has in all (0 when it does not say)
    """

    key: str
    site: str
    item: str
    lot: str
    laboratory: str
    subject: str
    alike: str
    conforms: bool | None
    inspection: str = ""
    series: int = 0


@dataclass(frozen=True)
class ResultFacts:
    """What stands before a batch of results.

    cited     (site, specification key) -> the revision cited
    blocked   (site, lot number) of lots that an inspection hold blocks already
    unfit     (site, gauge number) -> state of gauges that are due, out of tolerance or retired
    measured  what stands measured, by other laboratories, of the lots of this batch
    disputed  (site, number) of the disagreements that are there already
    """

    cited: Mapping[tuple[str, str], Cited] = field(default_factory=dict)
    blocked: frozenset[tuple[str, str]] = frozenset()
    unfit: Mapping[tuple[str, str], str] = field(default_factory=dict)
    measured: Sequence[Measured] = ()
    disputed: frozenset[tuple[str, str]] = frozenset()


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


# -- two laboratories -------------------------------------------------------------------------


def alike(kind: object, nominal: object) -> str:
    """Kind and nominal in words, by which results of differently named plans are compared: `diameter 4`."""
    size = "" if nominal is None else f" {Decimal(str(nominal)).normalize():f}"
    return f"{kind}{size}" if kind else ""


@dataclass(frozen=True)
class Contrast:
    """What two laboratories say of one subject of one lot, where they do not say the same.

    first, second  how many results conform and how many there are, of each laboratory
    why            `verdict`: both measured it; `once`: it fails at one and the other did not measure it
    """

    lot: str
    subject: str
    first: tuple[int, int]
    second: tuple[int, int]
    why: str


def contrasts(first: Sequence[Measured], second: Sequence[Measured]) -> list[Contrast]:
    """Where two laboratories disagree about lots that both measured, by lot and subject.

    Results of one specification are compared with each other. Where the two have plans of their own, all
    results of one kind and nominal are: a hole too large in both is no contrast, whatever it is called.
    """
    shared = {one.subject for one in first} & {one.subject for one in second} - {""}
    sides = [_by_subject(first, shared), _by_subject(second, shared)]
    both = {lot for lot, _ in sides[0]} & {lot for lot, _ in sides[1]}
    found = []
    for lot, subject in sorted({*sides[0], *sides[1]}):
        if lot not in both:
            continue
        mine, theirs = sides[0].get((lot, subject), (0, 0)), sides[1].get((lot, subject), (0, 0))
        fails = (mine[0] < mine[1], theirs[0] < theirs[1])
        if fails[0] == fails[1]:
            continue
        why = "verdict" if mine[1] and theirs[1] else "once"
        found.append(Contrast(lot, subject, mine, theirs, why))
    return found


def complete(measured: Iterable[Measured]) -> bool:
    """Whether every inspection among these results of one laboratory has told all of its results."""
    counts: dict[str, tuple[int, int]] = {}
    for one in measured:
        counts[one.inspection] = (counts.get(one.inspection, (0, 0))[0] + 1, one.series)
    return all(count >= series for count, series in counts.values())


def _by_subject(measured: Iterable[Measured], shared: set[str]) -> dict[tuple[str, str], tuple[int, int]]:
    """(lot, subject) -> how many conform, how many there are."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for one in measured:
        if one.conforms is None:
            continue
        subject = one.subject if one.subject in shared else one.alike or one.subject
        conforming, count = found.get((one.lot, subject), (0, 0))
        found[one.lot, subject] = (conforming + one.conforms, count + 1)
    return found


def dispute_number(item: str, laboratories: Iterable[str]) -> str:
    """The number of the one disagreement of two laboratories about one item."""
    first, second = sorted(laboratories)
    return f"{item}/{first}~{second}"


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
