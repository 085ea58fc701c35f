"""Covariance from few sets: its target, how far it is drawn, its floor, and what that does for its error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cseval.errors import EstimationError
from cseval.inference.few_covariance import at_least, chance_covariance, nearest_toeplitz, structured_covariance
from cseval.inference.honest_restrictions import differences

PRE, POST = 6, 2
SIZE = PRE + POST
TINY = 1e-12 * np.eye(SIZE)


def levels(kind: str) -> np.ndarray:
    """Covariance of nine bins: the log ratio itself, before the base is taken off."""
    number = np.arange(SIZE + 1)
    lag = np.abs(np.subtract.outer(number, number))
    return {
        "independent": np.eye(SIZE + 1),
        "fading": 0.6**lag,
        "walk": 1.0 + np.minimum.outer(number, number),
        "drift": 0.3 * np.eye(SIZE + 1) + np.outer(number, number) / 20,
    }[kind]


def against_base(covariance: np.ndarray) -> np.ndarray:
    take = np.delete(np.eye(SIZE + 1), PRE, axis=0) - np.eye(SIZE + 1)[PRE]
    return take @ covariance @ take.T


def draw(kind: str, sets: int, seed: int) -> np.ndarray:
    truth = against_base(levels(kind))
    return np.random.default_rng(seed).multivariate_normal(np.zeros(SIZE), truth, sets)


def factor(sets: int) -> float:
    return (stats.t.ppf(0.975, sets - 1) / stats.norm.ppf(0.975)) ** 2


def test_the_nearest_toeplitz_matrix_has_the_mean_of_each_diagonal():
    found = nearest_toeplitz(np.array([[1.0, 2.0, 5.0], [2.0, 3.0, 4.0], [5.0, 4.0, 8.0]]))
    np.testing.assert_allclose(found, [[4, 3, 5], [3, 4, 3], [5, 3, 4]])
    rng = np.random.default_rng(1)
    symmetric = rng.normal(size=(6, 6))
    symmetric = symmetric + symmetric.T
    target = nearest_toeplitz(symmetric)
    np.testing.assert_allclose(nearest_toeplitz(target), target)
    other = nearest_toeplitz(rng.normal(size=(6, 6)))  # what is left is at a right angle to every such matrix
    assert ((symmetric - target) * (other + other.T)).sum() == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("kind", ["independent", "fading", "walk", "drift"])
def test_every_world_named_has_changes_of_that_form(kind):
    change = differences(PRE, POST)
    moments = change @ against_base(levels(kind)) @ change.T
    np.testing.assert_allclose(nearest_toeplitz(moments), moments, atol=1e-12)


def test_it_is_the_formula_of_ledoit_and_wolf():
    placebo = draw("fading", 31, 4)
    change = differences(PRE, POST)
    x = placebo @ change.T
    moments = sum(np.outer(r, r) for r in x) / 31
    target = nearest_toeplitz(moments)
    away = ((moments - target) ** 2).sum()
    noise = 0.0
    for r in x:
        deviation = np.outer(r, r) - moments
        noise += ((deviation - nearest_toeplitz(deviation)) ** 2).sum() / 31**2
    share = min(noise / away, 1.0)
    assert 0.3 < share <= 1
    back = np.linalg.inv(change)
    expected = factor(31) * back @ (share * target + (1 - share) * moments) @ back.T
    np.testing.assert_allclose(structured_covariance(placebo, PRE, TINY), expected, rtol=1e-8)


def test_with_very_many_sets_another_form_is_kept():
    uneven = np.diag(np.linspace(1, 9, SIZE))
    placebo = np.random.default_rng(3).multivariate_normal(np.zeros(SIZE), uneven, 60_000)
    found = structured_covariance(placebo, PRE, TINY)
    np.testing.assert_allclose(found, placebo.T @ placebo / len(placebo) * factor(60_000), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("kind", ["independent", "fading", "walk", "drift"])
def test_its_error_is_less_than_that_of_the_moments_as_they_are(kind):
    truth = against_base(levels(kind))
    errors = []
    for seed in range(60):
        placebo = draw(kind, 31, seed)
        pair = (structured_covariance(placebo, PRE, TINY) / factor(31), placebo.T @ placebo / 31)
        errors.append([float(((found - truth) ** 2).sum()) for found in pair])
        assert np.linalg.eigvalsh(pair[0])[0] > 0
    mine, plain = np.mean(errors, axis=0)
    assert mine < 0.9 * plain


def test_no_direction_has_less_than_its_floor_and_the_others_are_kept():
    floor = np.diag([1.0, 4.0])
    np.testing.assert_allclose(at_least(np.diag([0.5, 9.0]), floor), np.diag([1.0, 9.0]))
    np.testing.assert_allclose(at_least(np.diag([2.0, 9.0]), floor), np.diag([2.0, 9.0]))
    rng = np.random.default_rng(5)
    root = rng.normal(size=(2, 5, 5))
    covariance, low = root[0] @ root[0].T, root[1] @ root[1].T
    found = at_least(covariance, low)
    assert np.linalg.eigvalsh(found - low)[0] > -1e-9
    assert np.linalg.eigvalsh(found - covariance)[0] > -1e-9


def test_the_chance_of_counts_against_a_base_is_that_of_simulation():
    level = np.array([400.0, 900.0, 300.0, 500.0])
    counts = np.random.default_rng(6).poisson(level, (40_000, 4))
    log = np.log(counts)
    against = np.delete(log - log[:, [2]], 2, axis=1)
    np.testing.assert_allclose(chance_covariance(1 / level, 2), np.cov(against.T), rtol=0.05)


def test_the_scale_goes_through_and_units_may_come_in_any_order():
    placebo = draw("walk", 31, 9)
    found = structured_covariance(placebo, PRE, 0.1 * np.eye(SIZE))
    np.testing.assert_allclose(structured_covariance(3 * placebo, PRE, 0.9 * np.eye(SIZE)), 9 * found)
    np.testing.assert_allclose(structured_covariance(placebo[::-1], PRE, 0.1 * np.eye(SIZE)), found)
    assert factor(31) == pytest.approx((2.042272 / 1.959964) ** 2, rel=1e-6)
    assert math.isclose(found[0, 1], found[1, 0])


@pytest.mark.parametrize(("sets", "words"), [(18, "18 placebo"), (23, "23 placebo")])
def test_too_few_sets_are_refused(sets, words):
    with pytest.raises(EstimationError, match=f"{words} neighbourhoods for the covariance of 8 coefficients"):
        structured_covariance(draw("walk", sets, 1), PRE, TINY)
    structured_covariance(draw("walk", 24, 1), PRE, TINY)
