"""Balancing weights: exact balance, least norm, refusal; the linearised effect against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize, nnls

from cseval.errors import EstimationError
from cseval.estimators import calibration_weights as module
from cseval.estimators.calibration_weights import balancing_weights, minimum_norm_weights, weighted_effect


def world(units=60, covariates=5, seed=0):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(units), rng.poisson(4, (units, covariates - 1))]).astype(float)
    return x, rng.uniform(0, 0.4, units) @ x


def test_balance_is_exact_and_the_norm_the_least():
    x, totals = world()
    w = balancing_weights(x, totals)
    assert w @ x == pytest.approx(totals, rel=1e-10)
    assert (w >= 0).all()
    found = minimize(
        lambda v: v @ v,
        w + 0.01,
        jac=lambda v: 2 * v,
        bounds=[(0, None)] * len(w),
        constraints={"type": "eq", "fun": lambda v: v @ x - totals, "jac": lambda v: x.T},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert w == pytest.approx(found.x, abs=1e-6)


def test_weights_below_zero_are_not_needed_where_they_would_be():
    """Least norm of any sign would be negative somewhere; then the positive part of a line in the covariates is."""
    x = np.column_stack([np.ones(6), np.arange(6.0)])
    w = balancing_weights(x, np.array([1.0, 0.6]))
    assert w @ x == pytest.approx([1.0, 0.6])
    assert (w[3:] == 0).all()
    slope = np.diff(w[:3])
    assert slope == pytest.approx(slope[0])


def test_the_scale_and_order_of_covariates_and_units_do_not_matter():
    x, totals = world(seed=3)
    w = balancing_weights(x, totals)
    scale = np.array([1, 1e4, 1e-3, 7, 2.0])
    assert balancing_weights(x * scale, totals * scale) == pytest.approx(w, abs=1e-9)
    order = np.random.default_rng(1).permutation(len(x))
    assert balancing_weights(x[order], totals)[np.argsort(order)] == pytest.approx(w, abs=1e-9)


def test_covariates_that_say_the_same_twice_balance_as_well():
    x, totals = world(seed=4)
    twice = np.column_stack([x, x[:, 1] + 2 * x[:, 2], np.zeros(len(x))])
    w = balancing_weights(twice, np.append(totals, [totals[1] + 2 * totals[2], 0.0]))
    assert w == pytest.approx(balancing_weights(x, totals), abs=1e-7)


def test_totals_out_of_reach_are_refused_by_name():
    x, totals = world()
    totals[2] = -1.0
    with pytest.raises(EstimationError, match=r"no weights balance all 5 totals; the furthest off is residents"):
        balancing_weights(x, totals, ["one", "b", "residents", "d", "e"])


def test_soft_rows_are_a_penalised_least_squares():
    rng = np.random.default_rng(2)
    rows, allowed = rng.normal(size=(6, 9)), np.ones((4, 9), dtype=bool)
    totals, slack = rng.normal(size=(4, 6)), rng.uniform(0.5, 2, (4, 6))
    allowed[1, :3] = False
    w, solved = minimum_norm_weights(rows, totals, slack, allowed)
    assert solved.all()
    for k in range(4):
        root = 1 / np.sqrt(slack[k])
        stacked = np.vstack([np.eye(9), root[:, None] * rows])[:, allowed[k]]
        expected = nnls(stacked, np.append(np.zeros(9), root * totals[k]))[0]
        assert w[k, allowed[k]] == pytest.approx(expected, abs=1e-8)
    assert (w[1, :3] == 0).all()


def test_blocks_of_problems_change_nothing(monkeypatch):
    rng = np.random.default_rng(5)
    rows, totals = rng.normal(size=(3, 8)), rng.normal(size=(5, 3))
    allowed = np.ones((5, 8), dtype=bool)
    whole = minimum_norm_weights(rows, totals, np.ones(3), allowed)[0]
    monkeypatch.setattr(module, "BLOCK", 1)
    assert minimum_norm_weights(rows, totals, np.ones(3), allowed)[0] == pytest.approx(whole, abs=1e-12)


# The effect ---------------------------------------------------------------------------------------


def outcomes(seed=0, units=40, periods=3):
    rng = np.random.default_rng(seed)
    treated = np.arange(units) < 5
    return rng.poisson(3, (units, periods)).astype(float), treated, np.where(treated, 0, rng.uniform(0, 0.4, units))


@pytest.mark.parametrize("periods", [1, 3])
def test_the_effect_and_its_sandwich_equal_statsmodels(periods):
    y, treated, weights = outcomes(periods=periods)
    found = weighted_effect(y, treated, weights)
    w = np.repeat(np.where(treated, 1.0, weights), periods)
    x = np.column_stack([np.repeat(treated, periods), np.tile(np.eye(periods), (len(y), 1))]).astype(float)
    peer = sm.WLS(y.ravel(), x, weights=w).fit(cov_type="HC0")
    n = y.size
    covariance = peer.cov_params() * n / (n - 1)
    assert found.statistic == pytest.approx(peer.params[0] / np.sqrt(covariance[0, 0]), rel=1e-9)
    level = peer.params[1:].mean()
    assert found.log_ratio == pytest.approx(np.log((peer.params[0] + level) / level), rel=1e-9)
    slope = np.append(
        1 / (peer.params[0] + level), np.full(periods, 1 / (peer.params[0] + level) - 1 / level) / periods
    )
    slope[1:] = (1 / (peer.params[0] + level) - 1 / level) / periods
    assert found.std_error == pytest.approx(np.sqrt(slope @ covariance @ slope), rel=1e-9)


def test_totals_p_values_and_interval_say_the_same():
    y, treated, weights = outcomes(seed=1)
    found = weighted_effect(y, treated, weights)
    assert found.treated == y[treated].sum()
    assert found.control == pytest.approx((weights[:, None] * y).sum())
    assert found.p_value("lower") + found.p_value("upper") == pytest.approx(1)
    assert found.p_value() == pytest.approx(2 * min(found.p_value("lower"), found.p_value("upper")))
    low, high = found.interval()
    assert low < np.expm1(found.log_ratio) < high
    assert np.log1p(high) - found.log_ratio == pytest.approx(1.959964 * found.std_error, rel=1e-6)
