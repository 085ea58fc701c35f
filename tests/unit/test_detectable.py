"""The smallest effect that a placebo test detects four times in five."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from cseval.inference.detectable import smallest_detectable
from cseval.inference.placebo import critical_value

RNG = np.random.default_rng(5)


def power(statistics, shift, critical):
    return float((np.abs(statistics + shift) > critical).mean())


@pytest.mark.parametrize(
    "statistics", [RNG.normal(size=4000), RNG.gamma(2, size=4000) - 2, RNG.standard_t(3, size=4000)]
)
def test_shift_has_the_power_both_ways_and_a_smaller_one_does_not(statistics):
    critical = critical_value(statistics, 0.05)
    shift = smallest_detectable(statistics, critical)
    both = [power(statistics, s, critical) for s in (shift, -shift)]
    assert min(both) >= 0.80 - 1 / len(statistics)
    # the chance of rejecting on the wrong side, at most 5 %, is the only slack
    assert min(power(statistics, s, critical) for s in (shift * 0.93, -shift * 0.93)) < 0.80


def test_normal_statistics_give_the_textbook_figure():
    grid = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    assert smallest_detectable(grid, 1.96) == pytest.approx(1.96 + 0.8416, abs=1e-3)
    assert smallest_detectable(grid, 1.96, power=0.9) == pytest.approx(1.96 + 1.2816, abs=1e-3)


def test_a_lopsided_distribution_gives_the_larger_shift():
    lopsided = np.concatenate([np.full(700, 0.1), np.full(300, -1.0)])
    assert smallest_detectable(lopsided, 2.0) == pytest.approx(3.0)
    assert smallest_detectable(-lopsided, 2.0) == pytest.approx(3.0)


def test_a_test_that_never_rejects_detects_nothing_and_missing_draws_do_not_count():
    assert smallest_detectable(np.zeros(10), math.inf) == math.inf
    values = np.array([0.5, -0.5, 1.0, -1.0])
    assert smallest_detectable(np.append(values, np.nan), 2.0) == smallest_detectable(values, 2.0)
