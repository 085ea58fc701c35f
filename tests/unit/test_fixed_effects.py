"""The general two-way Poisson fit against statsmodels with dummies, on ragged panels too."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from builders import poisson_counts

from cseval.errors import EstimationError
from cseval.estimators.fixed_effects import fit_poisson, project

U, T = 14, 10


def dummies(units=U, months=T):
    unit, month = np.kron(np.eye(units), np.ones((months, 1))), np.kron(np.ones((units, 1)), np.eye(months))
    return np.column_stack([unit, month[:, 1:]])


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(3)
    switch = np.zeros((U, T))
    switch[:4, 6:] = 1
    x = np.stack([switch, rng.normal(size=(U, T))], axis=2)
    exposure = rng.uniform(50, 200, (U, T))
    y = rng.poisson(exposure * 0.05 * np.exp(-0.3 * switch + 0.1 * x[:, :, 1])).astype(float)
    mask = rng.random((U, T)) > 0.15
    return y, x, exposure, mask


def peer_fit(y, x, exposure, keep):
    matrix = np.column_stack([x.reshape(-1, x.shape[2]), dummies(*y.shape)])[keep]
    model = sm.GLM(y.ravel()[keep], matrix, family=sm.families.Poisson(), offset=np.log(exposure).ravel()[keep])
    groups = np.repeat(np.arange(len(y)), y.shape[1])[keep]
    return model.fit(tol=1e-13, cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False})


@pytest.mark.parametrize("ragged", [False, True])
def test_coefficients_and_sandwich_equal_statsmodels_with_dummies(panel, ragged):
    y, x, exposure, mask = panel
    fit = fit_poisson(y, x, exposure=exposure, mask=mask if ragged else None)
    keep = mask.ravel() if ragged else np.ones(U * T, dtype=bool)
    peer = peer_fit(y, x, exposure, keep)
    assert fit.coefficients == pytest.approx(peer.params[:2], abs=1e-8)
    assert fit.cov_cr0 == pytest.approx(peer.cov_params()[:2, :2], rel=1e-6)
    assert fit.cov_cr1 == pytest.approx(fit.cov_cr0 * U / (U - 1), rel=1e-12)
    assert fit.fitted.ravel()[keep] == pytest.approx(peer.mu, rel=1e-7)
    assert fit.deviance == pytest.approx(peer.deviance, rel=1e-9)
    assert (fit.fitted.ravel()[~keep] == 0).all()


def test_projection_equals_least_squares_on_dummies(panel):
    _, x, exposure, mask = panel
    weight = exposure * mask
    root = np.sqrt(weight.ravel())
    matrix = dummies() * root[:, None]
    left = project(x, weight).reshape(-1, 2)
    for j in range(2):
        target = x[:, :, j].ravel()
        expected = target - dummies() @ np.linalg.lstsq(matrix, target * root, rcond=None)[0]
        seen = mask.ravel()
        assert left[seen, j] == pytest.approx(expected[seen], abs=1e-9)


def test_what_is_not_observed_does_not_matter(panel):
    y, x, exposure, mask = panel
    other = np.where(mask, y, 999.0)
    assert fit_poisson(other, x, exposure=exposure, mask=mask).coefficients == pytest.approx(
        fit_poisson(y, x, exposure=exposure, mask=mask).coefficients, abs=1e-12
    )


def test_units_and_months_of_zeros_change_nothing_but_the_cluster_count(panel):
    y, x, exposure, _ = panel
    padded = np.zeros((U + 2, T + 1))
    padded[:U, :T] = y
    wide = np.random.default_rng(0).normal(size=(U + 2, T + 1, 2))
    wide[:U, :T] = x
    people = np.ones((U + 2, T + 1))
    people[:U, :T] = exposure
    mine, base = fit_poisson(padded, wide, exposure=people), fit_poisson(y, x, exposure=exposure)
    assert mine.coefficients == pytest.approx(base.coefficients, abs=1e-9)
    assert mine.cov_cr0 == pytest.approx(base.cov_cr0, rel=1e-7)
    assert (mine.clusters, base.clusters) == (U + 2, U)


def test_closed_form_to_eight_digits():
    y = poisson_counts(30, 24, treated=range(5), start=14, effect=-0.3, seed=12).astype(float)
    switch = np.zeros((30, 24, 1))
    switch[:5, 14:] = 1
    fit = fit_poisson(y, switch)
    before, after = y[:, :14].sum(axis=1), y[:, 14:].sum(axis=1)
    t0, t1, c0, c1 = before[:5].sum(), after[:5].sum(), before[5:].sum(), after[5:].sum()
    assert fit.coefficients[0] == pytest.approx(np.log(t1 / t0 / (c1 / c0)), abs=1e-8)
    variance = ((after[:5] / t1 - before[:5] / t0) ** 2).sum() + ((after[5:] / c1 - before[5:] / c0) ** 2).sum()
    assert fit.cov_cr0[0, 0] == pytest.approx(variance, rel=1e-8)


def test_a_term_that_the_effects_explain_is_refused(panel):
    y, x, _, _ = panel
    trap = np.concatenate([x, np.arange(U)[:, None, None] + np.arange(T)[None, :, None]], axis=2)
    with pytest.raises(EstimationError, match="not identified"):
        fit_poisson(y, trap)
    with pytest.raises(EstimationError, match="not identified"):
        fit_poisson(y, np.zeros((U, T, 1)))


def test_an_empty_group_does_not_converge_and_is_refused(panel):
    y, x, _, _ = panel
    with pytest.raises(EstimationError):
        fit_poisson(np.where(x[:, :, 0] == 1, 0.0, y), x[:, :, :1])
    with pytest.raises(EstimationError, match="no incident in any unit"):
        fit_poisson(np.zeros((U, T)), x)
