"""Fits and residual tests of one series against statsmodels and by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.diagnostic import acorr_breusch_godfrey, acorr_ljungbox
from statsmodels.stats.stattools import durbin_watson
from statsmodels.tools.numdiff import approx_fprime, approx_hess

from cseval.errors import EstimationError
from cseval.estimators import segmented_kernels as kernels

N = 60
TIME = np.arange(N) - 40.0
X = np.column_stack([np.ones(N), TIME, TIME >= 0, np.sin(np.pi * TIME / 6), np.cos(np.pi * TIME / 6)]).astype(float)


@pytest.fixture(scope="module")
def y():
    rng = np.random.default_rng(2)
    mean = np.exp(3.5 + 0.004 * TIME + 0.1 * X[:, 3])
    return rng.poisson(mean * rng.gamma(12, 1 / 12, N)).astype(float)


ZERO = np.zeros(N)


def test_quasi_poisson_with_newey_west_by_hand(y):
    fit = kernels.fit_poisson(y, X, ZERO, "X2", cov_type="HAC", cov_kwds={"maxlags": 2, "use_correction": True})
    scores = X * (y - fit.fitted)[:, None]
    meat = scores.T @ scores
    for lag in (1, 2):
        cross = scores[lag:].T @ scores[:-lag]
        meat += (1 - lag / 3) * (cross + cross.T)
    bread = np.linalg.inv(X.T @ (X * fit.fitted[:, None]))
    assert np.abs(scores.sum(axis=0)).max() < 1e-6
    assert fit.covariance == pytest.approx(bread @ meat @ bread * N / (N - 5), rel=1e-7)
    model = kernels.fit_poisson(y, X, ZERO, "X2")
    chi2 = ((y - fit.fitted) ** 2 / fit.fitted).sum() / (N - 5)
    assert model.dispersion == pytest.approx(chi2, rel=1e-10)
    assert model.covariance == pytest.approx(bread * chi2, rel=1e-7)
    assert model.t_df == N - 5
    assert np.isinf(kernels.fit_poisson(y, X, ZERO, 1.0).t_df)


def test_coefficients_started_near_equal_statsmodels_from_its_own_start(y):
    peer = sm.GLM(y, X, family=sm.families.Poisson(), offset=ZERO + 0.3).fit(tol=1e-13)
    fit = kernels.fit_poisson(y, X, ZERO + 0.3, 1.0)
    assert fit.coefficients == pytest.approx(peer.params, abs=1e-9)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(peer.bse, rel=1e-8)
    assert kernels.poisson_start(y, X, ZERO + 0.3) == pytest.approx(peer.params, abs=1e-8)


def test_negative_binomial_is_at_the_joint_maximum_of_the_likelihood(y):
    fit = kernels.fit_negative_binomial(y, X, ZERO)

    def loglike(p):
        mean, size = np.exp(X @ p[:-1]), np.exp(-p[-1])
        return stats.nbinom.logpmf(y, size, size / (size + mean)).sum()

    at = np.append(fit.coefficients, np.log(fit.alpha))
    hessian = approx_hess(at, loglike)
    step = np.linalg.solve(hessian, approx_fprime(at, loglike, centered=True))
    assert np.linalg.eigvalsh(hessian).max() < 0
    assert step == pytest.approx(np.zeros(6), abs=1e-5)
    joint = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(joint[:-1], rel=0.2)


def test_negative_binomial_of_underdispersed_counts_is_the_poisson_fit():
    smooth = np.round(np.exp(3.5 + 0.004 * TIME))
    fit, poisson = kernels.fit_negative_binomial(smooth, X, ZERO), kernels.fit_poisson(smooth, X, ZERO, 1.0)
    assert fit.alpha < 1e-5
    assert fit.coefficients == pytest.approx(poisson.coefficients, abs=1e-4)


def test_prewhitened_errors_are_independent_across_a_gap():
    positions = np.array([0, 1, 2, 6, 7, 10])
    rho = 0.7
    covariance = rho ** np.abs(np.subtract.outer(positions, positions)) / (1 - rho**2)
    whiten = kernels.prewhiten(np.eye(6), rho, np.diff(positions))
    assert whiten @ covariance @ whiten.T == pytest.approx(np.eye(6), abs=1e-12)
    values = np.arange(6.0)
    assert kernels.prewhiten(values, rho, np.diff(positions)) == pytest.approx(whiten @ values)


def test_prais_winsten_equals_generalised_least_squares_across_a_gap(y):
    kept = np.r_[0:40, 44:N]
    fit = kernels.fit_prais_winsten(y[kept], X[kept], ZERO[kept], np.diff(kept))
    covariance = fit.rho ** np.abs(np.subtract.outer(kept, kept)).astype(float)
    peer = sm.GLS(y[kept], X[kept], sigma=covariance).fit()
    assert fit.coefficients == pytest.approx(peer.params, rel=1e-7)


def test_prais_winsten_equals_stata_s_formulas(y):
    """`prais`, rhotype(regress): rho from a regression without constant, first row times sqrt(1 - rho^2), iterated."""
    beta, rho = np.linalg.lstsq(X, y, rcond=None)[0], 0.0
    for _ in range(200):
        e = y - X @ beta
        rho = (e[1:] * e[:-1]).sum() / (e[:-1] ** 2).sum()
        first = np.sqrt(1 - rho**2)
        star = np.vstack([first * X[:1], X[1:] - rho * X[:-1]])
        target = np.append(first * y[0], y[1:] - rho * y[:-1])
        beta = np.linalg.solve(star.T @ star, star.T @ target)
    left = target - star @ beta
    errors = np.sqrt(left @ left / (N - 5) * np.diag(np.linalg.inv(star.T @ star)))
    fit = kernels.fit_prais_winsten(y, X, ZERO, np.ones(N - 1, dtype=int))
    assert fit.rho == pytest.approx(rho, abs=1e-8)
    assert fit.coefficients == pytest.approx(beta, rel=1e-7)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(errors, rel=1e-7)
    assert fit.t_df == N - 5


def test_ljung_box_takes_fitted_terms_off_its_degrees_of_freedom(y):
    result = sm.OLS(y, X).fit()
    box = acorr_ljungbox(result.resid, lags=[12], model_df=2)["lb_pvalue"].iloc[0]
    assert kernels.ljung_box(np.asarray(result.resid), 12, 2) == pytest.approx(box, rel=1e-8)


def test_prais_winsten_refuses_a_unit_root():
    walk = 1.2 ** np.arange(30.0)
    with pytest.raises(EstimationError, match="does not settle below 1"):
        kernels.fit_prais_winsten(walk, np.ones((30, 1)), np.zeros(30), np.ones(29, dtype=int))


def test_residual_tests_equal_statsmodels(y):
    result = sm.OLS(y, X).fit()
    fit = kernels.fit_gaussian(y, X, ZERO)
    assert kernels.durbin_watson(fit.residuals) == pytest.approx(durbin_watson(result.resid), rel=1e-10)
    box = acorr_ljungbox(result.resid, lags=[12])["lb_pvalue"].iloc[0]
    assert kernels.ljung_box(fit.residuals, 12) == pytest.approx(box, rel=1e-8)
    godfrey = acorr_breusch_godfrey(result, nlags=12, result_object=False)[3]
    assert kernels.breusch_godfrey(fit.residuals, fit.regressors, 12) == pytest.approx(godfrey, rel=1e-8)


def test_residual_tests_of_a_short_series_are_not_available():
    short = np.arange(10.0)
    assert np.isnan(kernels.ljung_box(short, 12))
    assert np.isnan(kernels.breusch_godfrey(short, np.ones((10, 1)), 12))


def test_autocorrelation_of_counts_is_found_and_not_invented():
    rng, found = np.random.default_rng(8), {0.0: 0, 0.7: 0}
    for rho in found:
        for _ in range(100):
            drift = np.zeros(N)
            for t in range(1, N):
                drift[t] = rho * drift[t - 1] + rng.normal(0, 0.3 * (rho > 0))
            fit = kernels.fit_poisson(rng.poisson(np.exp(3 + 0.1 * X[:, 3] + drift)).astype(float), X, ZERO, 1.0)
            found[rho] += kernels.breusch_godfrey(fit.residuals, fit.regressors, 4) < 0.05
    assert found[0.0] <= 15
    assert found[0.7] >= 45


def test_gradient_of_the_log_ratio_by_finite_differences():
    rng = np.random.default_rng(4)
    x, offset, beta = rng.normal(size=(12, 3)), rng.normal(size=12), np.array([0.4, -0.3, 0.2])
    off = x * [1, 1, 0]
    value, gradient = kernels.mean_log_ratio(x, off, offset, beta)
    steps = [kernels.mean_log_ratio(x, off, offset, beta + 1e-6 * e)[0] - value for e in np.eye(3)]
    assert gradient == pytest.approx(np.array(steps) / 1e-6, abs=1e-5)


def test_collinear_terms_are_named():
    x = np.column_stack([np.ones(5), np.arange(5.0), 2 * np.arange(5.0) + 1])
    with pytest.raises(EstimationError, match="the term 'c' cannot be told"):
        kernels.require_rank(x, ("a", "b", "c"))


def test_no_fit_warns(y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kernels.fit_negative_binomial(np.round(y / 20), X, ZERO)
        assert kernels.poisson_start(y, np.zeros((N, 2)), ZERO) is None
