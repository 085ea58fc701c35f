"""What the libraries do that a reader would not expect; each trap is why the code goes its own way."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm

import cseval
from cseval.estimators.segmented import (
    Gaussian,
    ModelErrors,
    NeweyWest,
    Poisson,
    PraisWinsten,
    SegmentedRegression,
    fit_series,
)

N, PRE = 60, 40
TIME = np.arange(N) - PRE
MONTH = np.arange(N) % 12 + 1


@pytest.fixture(scope="module")
def series():
    rng = np.random.default_rng(11)
    noise = np.zeros(N)
    for t in range(1, N):
        noise[t] = 0.6 * noise[t - 1] + rng.normal(0, 0.15)
    people = rng.uniform(900, 1100, N)
    return rng.poisson(people * 0.05 * np.exp(0.004 * TIME - 0.2 * (TIME >= 0) + noise)).astype(float), np.log(people)


def plain(x_slope_from=0):
    return np.column_stack([np.ones(N), TIME, TIME >= 0, (TIME - x_slope_from) * (TIME >= 0)]).astype(float)


def options(**chosen):
    return SegmentedRegression(season=None, **chosen)


def test_glm_predict_on_new_data_drops_the_offset_and_the_counterfactual_here_carries_it(series):
    y, offset = series
    x = plain()
    off = x * [1, 1, 0, 0]
    peer = sm.GLM(y, x, family=sm.families.Poisson(), offset=offset).fit()
    dropped = peer.predict(off)
    assert dropped == pytest.approx(np.exp(off @ peer.params), rel=1e-12)
    mine = fit_series(y, TIME, MONTH, offset, options(family=Poisson(), errors=ModelErrors())).counterfactual().mean
    assert mine == pytest.approx(peer.predict(off, offset=offset), rel=1e-7)
    assert (mine / dropped).min() > 900


def test_glsar_drops_the_first_row_and_prais_winsten_here_keeps_it(series):
    y, _ = series
    x = plain()
    peer = sm.GLSAR(y, x, rho=1)
    peer.iterative_fit(maxiter=50)
    assert len(peer.wendog) == N - 1
    fit = fit_series(y, TIME, MONTH, None, options(family=Gaussian(), errors=PraisWinsten())).fit
    assert len(fit.residuals) == N
    rho = fit.rho
    whiten = np.eye(N) - rho * np.eye(N, k=-1)
    whiten[0, 0] = np.sqrt(1 - rho**2)
    by_hand = sm.OLS(whiten @ y, whiten @ x).fit()
    assert fit.coefficients == pytest.approx(by_hand.params, rel=1e-7)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(by_hand.bse, rel=1e-7)
    left = y - x @ fit.coefficients
    assert rho == pytest.approx(left[1:] @ left[:-1] / (left[:-1] @ left[:-1]), abs=1e-8)
    covariance = rho ** np.abs(np.subtract.outer(np.arange(N), np.arange(N)))
    assert fit.coefficients == pytest.approx(sm.GLS(y, x, sigma=covariance).fit().params, rel=1e-7)
    without_first = sm.OLS((whiten @ y)[1:], (whiten @ x)[1:]).fit()
    assert abs(fit.coefficients[2] - without_first.params[2]) > 1e-3


def test_hac_in_glm_has_no_small_sample_correction_and_a_normal_z_unless_told(series):
    y, offset = series
    x = plain()
    model = sm.GLM(y, x, family=sm.families.Poisson(), offset=offset)
    untold = model.fit(cov_type="HAC", cov_kwds={"maxlags": 3})
    assert not untold.use_t
    mine = fit_series(y, TIME, MONTH, offset, options(family=Poisson(), errors=NeweyWest(lag=3)))
    _, error = mine.coefficient("level")
    assert error / untold.bse[2] == pytest.approx(np.sqrt(N / (N - 4)), rel=1e-6)
    assert mine.fit.t_df == N - 4


def test_the_level_change_depends_on_where_the_slope_is_centred(series):
    y, offset = series
    mine = fit_series(y, TIME, MONTH, offset, options(family=Poisson(), errors=ModelErrors()))
    peer = sm.GLM(y, plain(x_slope_from=-1), family=sm.families.Poisson(), offset=offset).fit()
    level, slope = mine.coefficient("level")[0], mine.coefficient("slope")[0]
    assert peer.params[3] == pytest.approx(slope, abs=1e-8)
    assert peer.params[2] == pytest.approx(level - slope, abs=1e-8)
    _, (first, *_) = mine.post.nonzero()[0][0], mine.fit.fitted[mine.post]
    without = mine.counterfactual().mean[mine.post][0]
    assert level == pytest.approx(np.log(first / without), abs=1e-8)


def test_no_module_calls_summary_which_prints_the_clock():
    for path in Path(cseval.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in {"summary", "summary2"}, f"{path.name}:{node.lineno}"
