"""Power of a pre-trends test and what passes it: published output, brute force, exact cases, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cseval.errors import EstimationError, UsageError
from cseval.inference.pretest_power import (
    Individual,
    Joint,
    mean_after_passing,
    pretest_power,
    slope_caught,
)

# He and Wang (2017), figure 2C: the covariance that the Stata package pretrends 0.2.0 (Roth 2022) carries as its
# example, coefficients of event times -4, -3, -2 (base -1), 0, 1, 2, 3, and what its page prints for it.
TIMES = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0])
SIGMA = np.array(
    [
        [0.0089065712, 0.0044883136, 0.0014587025, 0.0012157689, 0.0020327645, 0.0013225015, 0.0019617728],
        [0.0044883136, 0.0059369169, 0.0027500791, 0.0013505858, 0.0014315459, 0.0012067792, 0.0013847158],
        [0.0014587025, 0.0027500791, 0.0030386248, 0.0009056166, 0.0006791299, 0.0010167636, 0.0007090144],
        [0.0012157689, 0.0013505858, 0.0009056166, 0.0039247409, 0.002596118, 0.0017326149, 0.0022345525],
        [0.0020327645, 0.0014315459, 0.0006791299, 0.002596118, 0.008065897, 0.0058753751, 0.0037414359],
        [0.0013225015, 0.0012067792, 0.0010167636, 0.0017326149, 0.0058753751, 0.007881579, 0.0036507095],
        [0.0019617728, 0.0013847158, 0.0007090144, 0.0022345525, 0.0037414359, 0.0036507095, 0.0097884266],
    ]
)
PRE = SIGMA[:3, :3]
PUBLISHED_SLOPE = 0.0520662478209672
PUBLISHED_MEANS = [-0.0923171, -0.0555576, -0.0279117, 0.0649147, 0.1208691, 0.1694932, 0.2245753]
PUBLISHED_BAYES = 0.5690176871738699
QUADRATIC_POWER, QUADRATIC_BAYES = 0.6624492444726371, 0.3841447004284795


def test_the_published_slope_with_half_the_power():
    assert slope_caught(TIMES[:3], PRE, Individual(), 0.5) == pytest.approx(PUBLISHED_SLOPE, abs=2e-7)


def test_the_published_means_after_passing_a_linear_trend():
    found = mean_after_passing(PUBLISHED_SLOPE * TIMES, SIGMA, 3, Individual())
    np.testing.assert_allclose(found, PUBLISHED_MEANS, atol=2e-5)


def test_the_published_power_against_a_quadratic_trend():
    assert pretest_power(0.024 * TIMES[:3] ** 2, PRE, Individual()) == pytest.approx(QUADRATIC_POWER, abs=2e-5)


@pytest.mark.parametrize(
    ("deviation", "ratio"), [(PUBLISHED_SLOPE * TIMES, PUBLISHED_BAYES), (0.024 * TIMES**2, QUADRATIC_BAYES)]
)
def test_the_published_ratio_of_passing_with_and_without_the_trend(deviation, ratio):
    with_trend = 1 - pretest_power(deviation[:3], PRE, Individual())
    assert with_trend / (1 - pretest_power(np.zeros(3), PRE, Individual())) == pytest.approx(ratio, abs=2e-5)


@pytest.mark.parametrize("test", [Individual(), Individual(level=0.2), Joint(), Joint(level=0.2)])
def test_power_and_means_are_those_of_brute_force(test):
    rng = np.random.default_rng(3)
    deviation = 0.04 * TIMES
    draws = rng.multivariate_normal(deviation, SIGMA, 400_000)
    passed = passes(draws[:, :3], test)
    assert pretest_power(deviation[:3], PRE, test) == pytest.approx(1 - passed.mean(), abs=0.004)
    error = draws[passed].std(axis=0) / np.sqrt(passed.sum())
    found = mean_after_passing(deviation, SIGMA, 3, test)
    assert np.abs((found - draws[passed].mean(axis=0)) / error).max() < 4.5


def passes(pre, test):
    if isinstance(test, Individual):
        return (np.abs(pre) <= stats.norm.ppf(1 - test.level / 2) * np.sqrt(np.diag(PRE))).all(axis=1)
    wald = np.einsum("ij,jk,ik->i", pre, np.linalg.inv(PRE), pre)
    return wald <= stats.chi2.ppf(1 - test.level, 3)


def test_independent_coefficients_multiply():
    mean, spread = np.array([0.5, -1.0, 2.0]), np.array([1.0, 2.0, 0.7])
    edge = stats.norm.ppf(0.975) * spread
    each = stats.norm.cdf(edge, mean, spread) - stats.norm.cdf(-edge, mean, spread)
    found = Individual().passing(mean, np.diag(spread**2))
    assert found.probability == pytest.approx(each.prod(), abs=2e-5)
    low, high = (-edge - mean) / spread, (edge - mean) / spread
    np.testing.assert_allclose(found.mean, stats.truncnorm.mean(low, high, mean, spread), atol=1e-4)


def test_one_coefficient_makes_both_tests_one():
    mean, covariance = np.array([1.3]), np.array([[0.8]])
    one, other = Individual().passing(mean, covariance), Joint().passing(mean, covariance)
    assert one.probability == pytest.approx(other.probability, abs=1e-8)
    assert one.mean == pytest.approx(other.mean, abs=1e-4)


def test_no_trend_is_caught_at_the_level_and_leaves_no_bias():
    assert pretest_power(np.zeros(3), PRE, Joint(level=0.05)) == pytest.approx(0.05, abs=1e-9)
    for test in (Individual(), Joint()):
        np.testing.assert_allclose(mean_after_passing(np.zeros(7), SIGMA, 3, test), 0, atol=1e-5)


@pytest.mark.parametrize("test", [Individual(), Joint()])
def test_the_slope_caught_has_the_power_asked_for_and_scales_with_the_coefficients(test):
    half, most = (slope_caught(TIMES[:3], PRE, test, p) for p in (0.5, 0.8))
    assert half < most
    assert pretest_power(most * TIMES[:3], PRE, test) == pytest.approx(0.8, abs=1e-6)
    assert pretest_power(-most * TIMES[:3], PRE, test) == pytest.approx(0.8, abs=1e-4)
    assert slope_caught(TIMES[:3], 100 * PRE, test, 0.8) == pytest.approx(10 * most, rel=1e-6)


def test_the_order_of_the_coefficients_does_not_matter():
    order = [2, 0, 1]
    for test in (Individual(), Joint()):
        plain = test.passing(0.05 * TIMES[:3], PRE)
        moved = test.passing(0.05 * TIMES[:3][order], PRE[np.ix_(order, order)])
        assert moved.probability == pytest.approx(plain.probability, abs=1e-5)
        np.testing.assert_allclose(moved.mean, plain.mean[order], atol=1e-5)


def test_what_cannot_be_answered_is_refused():
    with pytest.raises(UsageError, match=r"between 0\.050 and 1"):
        slope_caught(TIMES[:3], PRE, Joint(), 0.03)
    with pytest.raises(EstimationError, match="no data pass"):
        mean_after_passing(1e4 * TIMES, SIGMA, 3, Individual())
