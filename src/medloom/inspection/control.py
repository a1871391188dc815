"""Individuals and moving ranges of one characteristic (ISO 7870-2:2023 6.5), and its capability. Pure.

Control limits say what the process does; limits of a specification say what is wanted. Nothing here mixes
the two: limits of a specification enter only into capability.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from statistics import NormalDist

from medloom.inspection.rules import mean_and_spread

#: d2 and D4 for moving ranges of two values (ISO 7870-2, factors for n = 2).
D2 = Decimal("1.128")
D4 = Decimal("3.267")
#: Fewer points have no control limits: they would move with every part.
LIMITS_LEAST = 8
#: Below this the limits are provisional, and no capability is stated.
SETTLED_LEAST = 20
#: A gauge that tells fewer values apart is too coarse for the spread it measures.
DISTINCT_LEAST = 5
#: Below this probability the values are not taken for normally distributed.
NORMAL_P_LEAST = 0.05
#: Runs of Nelson's rules 2, 3 and 4 (J. Qual. Technol. 16(4), 1984): one side, steady, alternating.
ONE_SIDE, STEADY, ALTERNATING = 9, 6, 14


@dataclass(frozen=True)
class Control:
    """The chart of a series in its order.

    centre, low, high   mean of the values and the control limits, three `sigma` away
    sigma               spread within the process: mean moving range / d2
    ranges              moving range of each value and the one before it; None for the first
    range_mean, range_high  their mean and upper control limit; the lower one is zero
    rules               for each value the numbers of Nelson's rules (1 to 4) that it completes
    range_out           whether its moving range lies above the limit
    """

    centre: Decimal
    low: Decimal
    high: Decimal
    sigma: Decimal
    ranges: tuple[Decimal | None, ...]
    range_mean: Decimal
    range_high: Decimal
    rules: tuple[tuple[int, ...], ...]
    range_out: tuple[bool, ...]

    @property
    def provisional(self) -> bool:
        """Whether there are too few points for limits that stand."""
        return len(self.rules) < SETTLED_LEAST

    @property
    def stable(self) -> bool:
        """Whether nothing signals."""
        return not any(self.rules) and not any(self.range_out)


def control(values: Sequence[Decimal]) -> Control | None:
    """The chart of the values in their order, or None: fewer than LIMITS_LEAST, or no two that differ."""
    if len(values) < LIMITS_LEAST:
        return None
    moving = [abs(b - a) for a, b in pairwise(values)]
    range_mean = sum(moving, Decimal(0)) / len(moving)
    if not range_mean:
        return None
    centre = sum(values, Decimal(0)) / len(values)
    sigma = range_mean / D2
    range_high = D4 * range_mean
    return Control(
        centre=centre,
        low=centre - 3 * sigma,
        high=centre + 3 * sigma,
        sigma=sigma,
        ranges=(None, *moving),
        range_mean=range_mean,
        range_high=range_high,
        rules=_rules(values, centre, sigma),
        range_out=(False, *(one > range_high for one in moving)),
    )


def _rules(values: Sequence[Decimal], centre: Decimal, sigma: Decimal) -> tuple[tuple[int, ...], ...]:
    sides = [(value > centre) - (value < centre) for value in values]
    steps = [0, *((b > a) - (b < a) for a, b in pairwise(values))]
    turns = [0, *(-a * b for a, b in pairwise(steps))]
    found = []
    for at, value in enumerate(values):
        mine = [1] if abs(value - centre) > 3 * sigma else []
        if _same(sides, at, ONE_SIDE):
            mine.append(2)
        if _same(steps, at, STEADY - 1):
            mine.append(3)
        if _same(turns, at, ALTERNATING - 2) and turns[at] == 1:
            mine.append(4)
        found.append(tuple(mine))
    return tuple(found)


def _same(signs: Sequence[int], at: int, length: int) -> bool:
    """Whether the last `length` signs up to `at` are the same and none is zero."""
    run = signs[at + 1 - length : at + 1] if at + 1 >= length else []
    return bool(run) and run[0] != 0 and all(sign == run[0] for sign in run)


# -- capability -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Capability:
    """Capability indices (ISO 22514-2), each None where it must not be stated.

    pp, ppk   by the spread of all values; `cp`, `cpk` by the spread within the process
    interval  of cpk at 95 % (Bissell 1990): few parts say little
    why_not   `few`, `no_limits`, `no_spread`, `coarse`, `not_normal`, `suspect`: nothing is stated;
              `unstable`: cp and cpk are not
    """

    pp: Decimal | None = None
    ppk: Decimal | None = None
    cp: Decimal | None = None
    cpk: Decimal | None = None
    interval: tuple[Decimal, Decimal] | None = None
    why_not: tuple[str, ...] = ()


def capability(
    values: Sequence[Decimal],
    chart: Control | None,
    low: Decimal | None,
    high: Decimal | None,
    *,
    suspect: bool = False,
) -> Capability:
    """What may be said of the process against its limits; `suspect`: the limits themselves are."""
    barred = _barred(values, low, high, suspect=suspect)
    if barred or chart is None:
        return Capability(why_not=barred or ("no_spread",))
    mean, spread = mean_and_spread(values)
    pp, ppk = _indices(mean, spread, low, high)
    if not chart.stable:
        return Capability(pp, ppk, why_not=("unstable",))
    cp, cpk = _indices(mean, chart.sigma, low, high)
    half = 1.96 * math.sqrt(1 / (9 * len(values)) + float(cpk) ** 2 / (2 * (len(values) - 1)))
    return Capability(pp, ppk, cp, cpk, (cpk - Decimal(half), cpk + Decimal(half)))


def _barred(
    values: Sequence[Decimal], low: Decimal | None, high: Decimal | None, *, suspect: bool
) -> tuple[str, ...]:
    if len(values) < SETTLED_LEAST:
        return ("few",)
    if low is None and high is None:
        return ("no_limits",)
    found = ["suspect"] if suspect else []
    different = len(set(values))
    if different == 1:
        return (*found, "no_spread")
    if different < DISTINCT_LEAST:
        return (*found, "coarse")
    if normal_p(values) < NORMAL_P_LEAST:
        found.append("not_normal")
    return tuple(found)


def _indices(
    mean: Decimal, spread: Decimal, low: Decimal | None, high: Decimal | None
) -> tuple[Decimal | None, Decimal]:
    """(index of the width, None with one limit; index of the nearer side)."""
    sides = [high - mean] if high is not None else []
    sides += [mean - low] if low is not None else []
    width = (high - low) / (6 * spread) if low is not None and high is not None else None
    return width, min(sides) / (3 * spread)


def normal_p(values: Sequence[Decimal]) -> float:
    """Probability of so much departure from a normal distribution: Anderson-Darling, mean and spread unknown.

    By the approximation of D'Agostino and Stephens (1986), table 4.9. Needs values that differ.
    """
    count = len(values)
    mean, spread = (float(one) for one in mean_and_spread(values))
    normal = NormalDist(mean, spread)
    below = [min(max(normal.cdf(float(value)), 1e-15), 1 - 1e-15) for value in sorted(values)]
    total = sum(
        (2 * at + 1) * (math.log(one) + math.log1p(-other))
        for at, (one, other) in enumerate(zip(below, reversed(below), strict=True))
    )
    a = (-count - total / count) * (1 + 0.75 / count + 2.25 / count**2)
    if a >= 0.6:
        return math.exp(min(1.2937 - 5.709 * a + 0.0186 * a * a, 0.0)) if a < 13 else 0.0
    if a >= 0.34:
        return math.exp(0.9177 - 4.279 * a - 1.38 * a * a)
    if a >= 0.2:
        return 1 - math.exp(-8.318 + 42.796 * a - 59.938 * a * a)
    return 1 - math.exp(-13.436 + 101.14 * a - 223.73 * a * a)
