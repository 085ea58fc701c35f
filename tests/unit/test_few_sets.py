"""Tests of the pre period among few sets: exact ranks, their power, and the spread by size."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cseval.inference.few_sets import few_caught, few_power, few_ranks, size_scales, slopes, wald

POINTS, UNITS = 7, 32
TIME = -12.0 * np.arange(POINTS, 0, -1) + 5.5


def rows(seed: int, draw=lambda rng, shape: rng.normal(size=shape), units: int = UNITS) -> np.ndarray:
    """Centred rows of exchangeable units."""
    values = draw(np.random.default_rng(seed), (units, POINTS))
    return values - values.mean(axis=1, keepdims=True)


def walks(rng, shape):
    """Heavy-tailed random walks, as units that drift."""
    return rng.standard_t(3, size=shape).cumsum(axis=1)


def by_hand(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares of each row in the sum of squares, of its slope among slopes, and the smaller beta tail."""
    n = len(values)
    basis = np.linalg.svd(values, full_matrices=False)[0][:, : POINTS - 1]
    share = (basis**2).sum(axis=1)
    slope = np.array([np.polyfit(TIME, v, 1)[0] for v in values])
    trend = slope**2 / (slope**2).sum()
    tails = [stats.beta.sf(s, q / 2, (n - q) / 2) for s, q in ((share, POINTS - 1), (trend, 1))]
    return share, trend, np.minimum(*tails)


def test_the_three_ranks_are_those_done_by_hand():
    for seed in range(20):
        values = rows(seed)
        share, trend, both = by_hand(values)
        found = few_ranks(values, TIME)
        assert found.statistic == pytest.approx(UNITS * share[0])
        assert found.joint_p == (share >= share[0] * (1 - 1e-9)).mean()
        assert found.trend_p == (trend >= trend[0] * (1 - 1e-9)).mean()
        assert found.p_value == (both <= both[0] * (1 + 1e-9)).mean()
        np.testing.assert_allclose(wald(values) / UNITS, share)
        np.testing.assert_allclose(slopes(values, TIME) ** 2 / (slopes(values, TIME) ** 2).sum(), trend)


def test_each_unit_in_turn_gets_each_rank_once():
    """The proof that the size is exact: whichever unit is treated, the p-values are 1/32, 2/32, ... 32/32."""
    values = rows(3, walks)
    found = [few_ranks(np.roll(values, -i, axis=0), TIME) for i in range(UNITS)]
    for p in ("joint_p", "trend_p", "p_value"):
        assert sorted(getattr(f, p) for f in found) == pytest.approx([(k + 1) / UNITS for k in range(UNITS)])


def placebo_only(values: np.ndarray) -> float:
    """The p-value of the joint test when the covariance is that of the placebo rows alone, as it once was."""
    own, placebo = values[0], values[1:]
    inverse = np.linalg.pinv(placebo.T @ placebo / len(placebo), rcond=1e-8)
    reached = np.einsum("ij,jk,ik->i", placebo, inverse, placebo) >= own @ inverse @ own
    return float((1 + reached.sum()) / (1 + len(placebo)))


@pytest.mark.parametrize("draw", [lambda rng, shape: rng.normal(size=shape), walks], ids=["normal", "heavy walks"])
def test_the_size_is_right_with_31_sets_and_7_bins_and_was_not_when_the_covariance_was_the_placebos_alone(draw):
    tested = [few_ranks(rows(s, draw), TIME) for s in range(1500)]
    before = np.array([placebo_only(rows(s, draw)) for s in range(1500)])
    for k in (1, 2, 4, 8, 16):
        expected, error = k / UNITS, 4 * math.sqrt(k / UNITS * (1 - k / UNITS) / 1500)
        for p in ("joint_p", "trend_p", "p_value"):
            assert np.mean([getattr(f, p) <= k / UNITS + 1e-9 for f in tested]) == pytest.approx(expected, abs=error)
    assert np.mean(before <= 1 / UNITS + 1e-9) > 2 / UNITS  # at least twice as often as it should


def test_neither_the_order_of_the_sets_nor_the_scale_matters_and_ties_count_against():
    values = rows(5, walks)
    plain = few_ranks(values, TIME)
    order = np.append(0, 1 + np.random.default_rng(1).permutation(UNITS - 1))
    for other in (values[order], -values, 1000 * values):
        found = few_ranks(other, TIME)
        assert (found.joint_p, found.trend_p, found.p_value) == (plain.joint_p, plain.trend_p, plain.p_value)
        assert found.statistic == pytest.approx(plain.statistic)
    same = few_ranks(np.tile(values[:1], (UNITS, 1)), TIME)
    assert (same.joint_p, same.trend_p, same.p_value) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("trend", [0.0, 0.02, -0.05, 0.2])
def test_the_power_is_that_of_adding_the_row_and_ranking_again_among_the_others(trend):
    placebo = rows(8)[1:]
    line, n = trend * (TIME - TIME.mean()), len(placebo)
    found = [few_ranks(np.vstack([b + line, np.delete(placebo, i, axis=0)]), TIME) for i, b in enumerate(placebo)]
    caught = [f.p_value * n <= 0.05 * (n + 1) + 1e-9 for f in found]
    assert few_power(placebo, TIME, trend) == pytest.approx(np.mean(caught))


@pytest.mark.parametrize(("sets", "ranks"), [(18, 0), (19, 1), (31, 1), (39, 2), (60, 3)])
def test_without_a_trend_the_power_is_the_size_of_the_test(sets, ranks):
    placebo = np.concatenate([rows(8), rows(9)])[:sets]
    assert few_power(placebo, TIME, 0.0) == pytest.approx(ranks / sets)


def test_the_trend_said_to_be_caught_has_that_power_up_and_down():
    placebo = rows(8)[1:]
    spread = float(np.sqrt(np.mean(slopes(placebo, TIME) ** 2)))
    caught = few_caught(placebo, TIME, spread)
    assert min(few_power(placebo, TIME, s * caught) for s in (1, -1)) >= 0.8
    assert min(few_power(placebo, TIME, s * 0.97 * caught) for s in (1, -1)) < 0.8
    assert few_caught(10 * placebo, TIME, 10 * spread) == pytest.approx(10 * caught, rel=2e-3)
    assert few_caught(placebo[:18], TIME, spread) == math.inf  # with 18 sets no p reaches 5 %
    assert math.isfinite(few_caught(placebo[:19], TIME, spread))


def test_the_power_said_is_how_often_a_trend_is_caught_in_new_data():
    trend = 0.045
    line = trend * (TIME - TIME.mean())
    caught = [few_ranks(np.vstack([v[:1] + line, v[1:]]), TIME).p_value <= 0.05 for v in map(rows, range(600))]
    said = [few_power(rows(s)[1:], TIME, trend) for s in range(60)]
    assert 0.2 < np.mean(caught) < 0.9
    assert np.mean(said) == pytest.approx(np.mean(caught), abs=0.08)


def test_the_spread_by_size_is_recovered_and_taken_from_all_rows_alike():
    rng = np.random.default_rng(2)
    chance = rng.uniform(0.01, 0.2, 4000)
    values = np.sqrt(0.05 + 2 * chance)[:, None] * rng.normal(size=(4000, POINTS))
    np.testing.assert_allclose(size_scales(values, chance) ** 2, 0.05 + 2 * chance, rtol=0.1)
    order = rng.permutation(4000)
    np.testing.assert_allclose(size_scales(values[order], chance[order]), size_scales(values, chance)[order])
    assert size_scales(np.zeros((5, POINTS)), chance[:5]).tolist() == [1.0] * 5


def test_small_units_do_not_come_first_more_often_once_divided_by_their_spread():
    rng = np.random.default_rng(4)
    chance = np.append(0.2, rng.uniform(0.005, 0.02, UNITS - 1))  # the treated one is by far the smallest
    first = {"plain": 0, "scaled": 0}
    for _ in range(400):
        values = np.sqrt(0.01 + chance)[:, None] * rng.normal(size=(UNITS, POINTS))
        values -= values.mean(axis=1, keepdims=True)
        first["plain"] += few_ranks(values, TIME).p_value <= 0.05
        first["scaled"] += few_ranks(values / size_scales(values, chance)[:, None], TIME).p_value <= 0.05
    assert first["plain"] > 200
    assert first["scaled"] <= 40  # 12.5 expected
