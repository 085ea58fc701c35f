"""The rolling year as a filter of months: weights, errors, the monthly model and its noise."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from cseval.errors import EstimationError
from cseval.estimators import rolling
from cseval.estimators.rolling_trends import AFTER, BEFORE, CHANGE, DIFFERENCE, OTHERS, OWN, rolling_trends


def test_slope_weights_give_the_least_squares_line_through_the_sums():
    y = np.random.default_rng(0).poisson(30, 31).astype(float)
    sums = rolling.rolling_sums(y)
    assert sums.tolist() == [y[i : i + 12].sum() for i in range(20)]
    slope, level = np.polyfit(np.arange(20), sums, 1)
    assert rolling.slope_weights(31) @ y == pytest.approx(slope, rel=1e-10)
    assert rolling.line_weights(31) @ y == pytest.approx(level + slope * np.arange(20), rel=1e-10)


def test_a_season_that_repeats_has_no_slope():
    season = np.tile(np.random.default_rng(1).normal(0, 5, 12), 4)[:40]
    assert rolling.slope_weights(40) @ season == pytest.approx(0, abs=1e-10)


def test_a_straight_line_of_months_has_its_slope_times_twelve():
    assert rolling.slope_weights(30) @ (7 + 0.5 * np.arange(30)) == pytest.approx(6.0)


def test_error_of_independent_months_by_hand_and_by_simulation():
    weights, mean = rolling.slope_weights(30), np.full(30, 25.0)
    plain = rolling.errors_of(weights[None], mean, rolling.Noise(extra=0.0, rho=0.0, df=50))[0]
    assert plain == pytest.approx(5 * np.sqrt((weights**2).sum()))
    y = np.random.default_rng(2).poisson(25, (40_000, 30))
    assert (y @ weights).std() == pytest.approx(plain, rel=0.02)


def test_error_of_correlated_months_is_that_of_the_simulated_process():
    rng, weights = np.random.default_rng(3), rolling.slope_weights(30)
    noise = rolling.Noise(extra=3.0, rho=0.6, df=50)
    root = np.linalg.cholesky(25 * noise.correlated(30))
    simulated = (rng.standard_normal((40_000, 30)) @ root.T @ weights).std()
    assert rolling.errors_of(weights[None], np.full(30, 25.0), noise)[0] == pytest.approx(simulated, rel=0.02)
    assert noise.dispersion == 4.0


def test_monthly_means_equal_statsmodels():
    rng = np.random.default_rng(4)
    x = rolling.regressors(24_000 + 5, 70, 40)
    y = rng.poisson(np.exp(3 + 0.2 * x[:, 1])).astype(float)
    peer = sm.GLM(y, x, family=sm.families.Poisson()).fit(tol=1e-12)
    mine = rolling.fit_monthly(y, x)
    assert mine.mean == pytest.approx(np.asarray(peer.mu), rel=1e-7)
    assert np.trace(mine.residual_maker) == pytest.approx(70 - 15)


def test_noise_is_recovered_through_the_residuals():
    rng = np.random.default_rng(5)
    x = rolling.regressors(0, 96, 60)
    maker = np.eye(96) - x @ np.linalg.pinv(x)
    root = np.linalg.cholesky(rolling.Noise(extra=2.0, rho=0.6, df=1).correlated(96))
    found = [rolling.noise_of(maker @ (root @ rng.standard_normal(96)), maker) for _ in range(200)]
    assert np.median([n.extra for n in found]) == pytest.approx(2.0, abs=0.4)
    assert np.median([n.rho for n in found]) == pytest.approx(0.6, abs=0.08)


def test_noise_of_less_than_poisson_is_poisson():
    x = rolling.regressors(0, 60, 30)
    maker = np.eye(60) - x @ np.linalg.pinv(x)
    noise = rolling.noise_of(0.3 * (maker @ np.random.default_rng(0).standard_normal(60)), maker)
    assert (noise.extra, noise.rho) == (0.0, 0.0)
    assert noise.df == pytest.approx(45)


def test_too_short_or_too_empty_a_series_is_refused():
    with pytest.raises(EstimationError, match="5 rolling years within 16 months"):
        rolling.slope_weights(16)
    y = np.random.default_rng(0).poisson(5, 60).astype(float)
    y[::12] = 0
    with pytest.raises(EstimationError, match="incidents are too few"):
        rolling.fit_monthly(y, rolling.regressors(0, 60, 30))


def test_naive_interval_is_that_of_ordinary_least_squares():
    sums = np.random.default_rng(6).normal(100, 5, 20)
    peer = sm.OLS(sums, sm.add_constant(np.arange(20.0))).fit().conf_int()[1]
    assert rolling.naive_interval(sums) == pytest.approx(tuple(peer), rel=1e-9)


def make(rng, before=48, after=30, own=0.0, shared=0.0, rho=0.5, spread=0.08, level=200):
    """Own and others' months; yearly log trends after the start, a wavering mean, and shocks that both share."""
    months = before + after
    time = np.maximum(np.arange(months) - before, 0) / 12
    season = 0.1 * np.cos(2 * np.pi * np.arange(months) / 12)
    wavering = [_wavering(rng, months, rho, spread) for _ in range(3)]
    own = rng.poisson(level * np.exp(season + (own + shared) * time + wavering[0] / 2 + wavering[2]))
    others = rng.poisson(30 * level * np.exp(season + shared * time + wavering[1] / 8 + wavering[2]))
    return own.astype(float), others.astype(float)


def _wavering(rng, months, rho, spread):
    out = np.zeros(months + 40)
    for t in range(1, len(out)):
        out[t] = rho * out[t - 1] + rng.normal(0, spread * np.sqrt(1 - rho**2))
    return out[40:]


def test_trends_are_recovered_in_per_cent_a_year():
    rng = np.random.default_rng(7)
    found = [rolling_trends(*make(rng, own=-0.1, shared=0.05), 0, 48) for _ in range(60)]

    def mean(series, phase):
        return np.mean([t.percents[series, phase].estimate for t in found])

    assert mean(OWN, AFTER) == pytest.approx(-5, abs=1)
    assert mean(OTHERS, AFTER) == pytest.approx(5, abs=1)
    assert mean(DIFFERENCE, AFTER) == pytest.approx(-10, abs=1)
    assert mean(OWN, BEFORE) == pytest.approx(0, abs=1)
    assert mean(OWN, CHANGE) == pytest.approx(-5, abs=1.3)


def test_the_difference_is_surer_than_either_where_shocks_are_shared():
    trends = rolling_trends(*make(np.random.default_rng(8), level=2000, spread=0.15, rho=0.6), 0, 48)
    assert trends.percents[DIFFERENCE, AFTER].std_error < 0.8 * trends.percents[OWN, AFTER].std_error


def test_percent_and_slope_say_the_same():
    own, others = make(np.random.default_rng(9), own=-0.1)
    trends = rolling_trends(own, others, 0, 48)
    slope, percent = trends.slopes[OWN, AFTER], trends.percents[OWN, AFTER]
    assert percent.estimate == pytest.approx(1200 * slope.estimate / rolling.rolling_sums(own[48:]).mean())
    assert percent.p_value == pytest.approx(slope.p_value)


def false_alarms(rho, draws, **options):
    """Share of series without any trend in which each method's 95 % interval leaves out zero."""
    rng, ours, change, naive = np.random.default_rng(10), 0, 0, 0
    for _ in range(draws):
        own, others = make(rng, rho=rho, **options)
        trends = rolling_trends(own, others, 0, 48)
        ours += trends.own_after.p_value < 0.05
        change += trends.percents[OWN, CHANGE].p_value < 0.05
        low, high = rolling.naive_interval(rolling.rolling_sums(own[48:]))
        naive += not low < 0 < high
    return ours / draws, change / draws, naive / draws


@pytest.mark.parametrize(("rho", "options"), [(0.0, {}), (0.5, {}), (0.3, {"level": 12, "spread": 0.15})])
def test_the_naive_line_is_far_too_sure_and_this_one_is_not(rho, options):
    """Where nothing happens, least squares on rolling sums finds a trend in about two series of three."""
    ours, change, naive = false_alarms(rho, 300, **options)
    assert naive > 0.5
    assert ours <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert change <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
