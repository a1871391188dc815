"""What two laboratories say of the same parts, and where they disagree. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import combinations
from typing import Any

#: Merges of merges are followed so far; a ring of them ends there.
STEPS_MOST = 8


@dataclass(frozen=True)
class Measured:
    """One result as it is compared: of which lot, by whom, of what, and whether it conforms.

    subject     the specification's number, or "" when none is cited
    alike       kind and nominal, by which results of two plans with different names are compared
    conforms    None where nothing says so
    inspection  its number, and `series`, how many results it has in all (0 when it does not say)
    named       characteristic and sample: of what is measured again, the last result counts
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
    named: str = ""


@dataclass(frozen=True)
class Standing:
    """A disagreement that is there: its object and its state."""

    object: str
    state: str


#: Site, lot number that carries a second spelling, the lot that it was found to be.
Joined = tuple[str, str, str]


@dataclass(frozen=True)
class JoinedFacts:
    """What stands before a batch of aliases that join two lots, or take that back.

    measured  every result with a laboratory of the items concerned, each under its lot's own number
    joined    (site, alias key) -> the two lots that it joins
    disputed  (site, number) -> the disagreements that are there
    """

    measured: Sequence[Measured] = ()
    joined: Mapping[tuple[str, str], Joined] = field(default_factory=dict)
    disputed: Mapping[tuple[str, str], Standing] = field(default_factory=dict)


def measured_row(row: Mapping[str, Any], *, site: str = "", item: str = "") -> Measured:
    """A row of the queries as it is compared; site and item where the rows are all of one."""
    return Measured(
        key=row["key"],
        site=site or row["site"],
        item=item or row["item"],
        lot=row["lot"],
        laboratory=row["laboratory"],
        subject=row["subject"],
        alike=alike(row["kind"], row["nominal"]),
        conforms=row["conforms"],
        inspection=row["inspection"],
        series=row["series"],
        named=named(row["characteristic"], row["sample"], row["key"]),
    )


def named(characteristic: object, sample: object, key: str) -> str:
    """By what a result is known as the same one, measured again; one without a characteristic by itself."""
    return f"{characteristic}\x00{sample or ''}" if characteristic else key


def meant_by(joined: Collection[Joined]) -> dict[tuple[str, str], str]:
    """(site, lot number) -> the part that it is, through merges of merges."""
    leads = {(site, other): lot for site, other, lot in sorted(joined, reverse=True)}
    found = {}
    for site, number in leads:
        at = number
        for _ in range(STEPS_MOST):
            at = leads.get((site, at), at)
        found[site, number] = at
    return found


def renamed(measured: Iterable[Measured], meant: Mapping[tuple[str, str], str]) -> list[Measured]:
    """The results, each of the part that its lot was found to be."""
    return [replace(one, lot=meant.get((one.site, one.lot), one.lot)) for one in measured]


def with_new(standing: Sequence[Measured], new: Iterable[Measured]) -> list[Measured]:
    """What stands once these are written: a corrected result in the place of what it said before."""
    found = {(one.site, one.key): one for one in standing}
    found.update({(one.site, one.key): one for one in new})
    return list(found.values())


#: Site, item and two laboratories: what one disagreement is about.
Pair = tuple[str, str, str, str]


def disagreed(measured: Iterable[Measured], *, partly: bool = False) -> dict[Pair, set[Contrast]]:
    """Every pair of laboratories that disagree about an item, and where: lot by lot, once both have told all.

    Results come in the order in which they were written: of one that was measured again the last counts.

    partly  compare also inspections that have not told all of their results
    """
    lots: dict[tuple[str, str, str], dict[str, dict[str, Measured]]] = {}
    for one in measured:
        sides = lots.setdefault((one.site, one.item, one.lot), {})
        sides.setdefault(one.laboratory, {})[one.key] = one
    found: dict[Pair, set[Contrast]] = {}
    for (site, item, _), sides in lots.items():
        told = {n: _latest(each.values()) for n, each in sides.items() if partly or complete(each.values())}
        for first, second in combinations(sorted(told), 2):
            if differ := contrasts(told[first], told[second]):
                found.setdefault((site, item, first, second), set()).update(differ)
    return found


def _latest(measured: Iterable[Measured]) -> list[Measured]:
    return list({one.named or one.key: one for one in measured}.values())


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
