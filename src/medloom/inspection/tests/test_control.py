"""Control charts and capability against published figures and against numpy, which computes them apart."""

from __future__ import annotations

from decimal import Decimal
from statistics import NormalDist

import numpy as np
import pytest

from medloom.inspection.control import (
    LIMITS_LEAST,
    SETTLED_LEAST,
    capability,
    control,
    normal_p,
)

pytestmark = pytest.mark.pure


def decimals(values: object) -> list[Decimal]:
    return [Decimal(str(round(float(value), 6))) for value in values]  # type: ignore[attr-defined]


def drawn(seed: int, count: int = 40, *, mean: float = 10.0, spread: float = 0.1) -> list[Decimal]:
    return decimals(np.random.default_rng(seed).normal(mean, spread, count))


def test_the_published_flow_rates_have_the_published_limits() -> None:
    # NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2: individuals control charts.
    values = [
        Decimal(v) for v in ["49.6", "47.6", "49.9", "51.3", "47.8", "51.2", "52.6", "52.4", "53.6", "52.1"]
    ]
    found = control(values)
    assert found is not None
    assert round(found.centre, 2) == Decimal("50.81")
    assert round(found.range_mean, 4) == Decimal("1.8778")
    assert (round(found.low, 4), round(found.high, 4)) == (Decimal("45.8159"), Decimal("55.8041"))
    assert found.stable and found.provisional


@pytest.mark.parametrize("seed", range(5))
def test_limits_ranges_and_indices_are_those_of_numpy(seed: int) -> None:
    values = drawn(seed)
    series = np.array(values, dtype=float)
    moving = np.abs(np.diff(series))
    sigma = moving.mean() / 1.128
    found = control(values)
    assert found is not None
    assert float(found.high) == pytest.approx(series.mean() + 3 * sigma, rel=1e-12)
    assert float(found.low) == pytest.approx(series.mean() - 3 * sigma, rel=1e-12)
    assert float(found.range_high) == pytest.approx(3.267 * moving.mean(), rel=1e-12)
    out = np.abs(series - series.mean()) > 3 * sigma
    assert [1 in rules for rules in found.rules] == out.tolist()
    assert list(found.range_out[1:]) == (moving > 3.267 * moving.mean()).tolist()
    told = capability(values, found, Decimal("9.5"), Decimal("10.6"))
    spread = series.std(ddof=1)
    sides = min(10.6 - series.mean(), series.mean() - 9.5)
    assert told.pp is not None and float(told.pp) == pytest.approx(1.1 / 6 / spread, rel=1e-9)
    assert told.ppk is not None and float(told.ppk) == pytest.approx(sides / 3 / spread, rel=1e-9)
    if found.stable:
        assert told.cpk is not None and float(told.cpk) == pytest.approx(sides / 3 / sigma, rel=1e-9)
        assert told.interval is not None and told.interval[0] < told.cpk < told.interval[1]
    else:
        assert told.cp is told.cpk is told.interval is None and told.why_not == ("unstable",)


def signals(values: list[float], rule: int) -> list[int]:
    found = control([Decimal(str(value)) for value in values])
    assert found is not None
    return [at for at, rules in enumerate(found.rules) if rule in rules]


def test_each_rule_signals_where_it_is_completed_and_not_before() -> None:
    level = [1.0, -1.0, 1.2, -0.8, 0.9, -1.1] * 3
    assert signals([*level, 30.0], 1) == [18]
    side = [-3.0, -3.1] * 5 + [3.0, 3.1] * 5
    assert signals(side, 2) == [8, 9, 18, 19]
    rise = [0.0, 5.0, 0.1, 5.1, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.2, 5.2]
    assert signals(rise, 3) == [9]
    fall = [-value for value in rise]
    assert signals(fall, 3) == [9]
    saw = [0.0, 0.0, *[1.0 if n % 2 else -1.0 for n in range(14)], -1.0, -1.0]
    # It begins with the second zero, from which the saw goes down: fourteen points end at index 14.
    assert signals(saw, 4) == [14, 15, 16]
    assert signals([0.0, 0.0, *[1.0 if n % 2 else -1.0 for n in range(12)], 1.0, 1.0], 4) == []


def test_a_point_on_the_mean_or_an_equal_neighbour_breaks_a_run() -> None:
    assert signals([1.0] * 8 + [0.0] + [-1.0] * 8, 2) == []
    assert signals([0.0, 1.0, 2.0, 2.0, 3.0, 4.0, 5.0, 0.0], 3) == []


def test_few_points_and_no_spread_have_no_limits() -> None:
    assert control(drawn(1, LIMITS_LEAST - 1)) is None
    assert control(drawn(1, LIMITS_LEAST)) is not None
    assert control([Decimal("4.01")] * 30) is None
    few = drawn(1, SETTLED_LEAST - 1)
    assert capability(few, control(few), Decimal(9), Decimal(11)).why_not == ("few",)
    same = [Decimal("4.01")] * 30
    assert capability(same, control(same), Decimal(4), Decimal(5)).why_not == ("no_spread",)


def test_capability_is_withheld_where_it_would_mislead() -> None:
    values = drawn(4, 30)
    chart = control(values)
    assert capability(values, chart, None, None).why_not == ("no_limits",)
    assert capability(values, chart, Decimal(9), Decimal(11), suspect=True).why_not == ("suspect",)
    coarse = [Decimal("4.1"), Decimal("4.2")] * 15
    assert "coarse" in capability(coarse, control(coarse), Decimal(4), Decimal(5)).why_not
    skewed = decimals(np.random.default_rng(5).exponential(1, 60))
    assert "not_normal" in capability(skewed, control(skewed), Decimal(0), Decimal(9)).why_not


def test_one_limit_has_an_index_of_its_side_alone_and_zero_is_a_limit() -> None:
    values = drawn(11, 30, mean=0.0, spread=1.0)
    told = capability(values, control(values), None, Decimal(0))
    assert told.pp is None and told.ppk is not None
    mean = float(np.mean(np.array(values, dtype=float)))
    spread = float(np.std(np.array(values, dtype=float), ddof=1))
    assert float(told.ppk) == pytest.approx(-mean / 3 / spread, rel=1e-9)


def test_normal_values_are_rarely_taken_for_others_and_others_rarely_for_normal() -> None:
    rng = np.random.default_rng(2026)
    normal = [normal_p(decimals(rng.normal(4, 0.01, 30))) for _ in range(200)]
    assert 0.01 < sum(p < 0.05 for p in normal) / 200 < 0.10
    skewed = [normal_p(decimals(rng.exponential(1, 60))) for _ in range(50)]
    assert sum(p < 0.05 for p in skewed) >= 48
    assert normal_p(decimals([*rng.normal(0, 0.001, 200), 50.0])) == 0.0


def test_the_statistic_is_the_one_numpy_computes() -> None:
    # At the published 5 % point of the adjusted statistic, 0.752, the probability is five in a hundred.
    rng = np.random.default_rng(7)
    for _ in range(20):
        values = decimals(rng.normal(2, 0.5, 25))
        series = np.sort(np.array(values, dtype=float))
        cdf = np.array([NormalDist(series.mean(), series.std(ddof=1)).cdf(x) for x in series])
        n = len(series)
        odd = 2 * np.arange(1, n + 1) - 1
        a = -n - np.mean(odd * (np.log(cdf) + np.log(1 - cdf[::-1])))
        a *= 1 + 0.75 / n + 2.25 / n**2
        assert (normal_p(values) < 0.05) == (a > 0.7518)
