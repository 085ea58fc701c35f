"""Prediction intervals against simulation and by hand; running totals; residual autocorrelation."""

from __future__ import annotations

import numpy as np
import pytest
from builders import design, poisson_counts
from scipy import stats

from cseval.estimators import its_prediction as prediction
from cseval.estimators.segmented import (
    Gaussian,
    ModelErrors,
    NegativeBinomial,
    NeweyWest,
    Poisson,
    PraisWinsten,
    QuasiPoisson,
    SegmentedRegression,
    calendar_months,
    elapsed,
    fit_series,
)

TREATED = [3, 4]


def make(level=12.0):
    counts = poisson_counts(20, 60, level=level, treated=TREATED, start=38, effect=-0.25, seed=8)
    return design(counts, treated=TREATED, months_before=38, transition=2)


def series(options, d):
    y = d.counts[d.is_treated].sum(axis=0).astype(float)
    return fit_series(y, elapsed(d), calendar_months(d), None, options, first_post="2018-05")


@pytest.mark.parametrize("mean", [1.0, 4.0, 30.0, 300.0])
@pytest.mark.parametrize("dispersion", [1.0, 3.0])
def test_interval_of_a_count_with_a_known_mean_covers(mean, dispersion):
    _, low, high = prediction.count_interval(np.array([mean]), np.zeros(1), np.array([dispersion * mean]), np.inf)
    if dispersion == 1:
        inside = stats.poisson.cdf(high[0], mean) - stats.poisson.cdf(np.ceil(low[0]) - 1, mean)
    else:
        size = mean / (dispersion - 1)
        counts = stats.nbinom(size, 1 / dispersion)
        inside = counts.cdf(high[0]) - counts.cdf(np.ceil(low[0]) - 1)
    assert inside >= 0.93
    assert low[0] >= 0


def test_interval_without_noise_is_that_of_the_log_mean():
    ends = 50 * np.exp([-1.959964 * 0.2, 1.959964 * 0.2])
    for interval, half in ((prediction.count_interval, [-0.5, 0.5]), (prediction.lognormal_interval, [0, 0])):
        mean, low, high = interval(np.array([50.0]), np.array([0.04]), np.zeros(1), np.inf)
        assert [low[0], high[0]] == pytest.approx(ends + half, rel=1e-6)
        assert mean[0] == 50.0


@pytest.mark.parametrize("family", [Poisson(), QuasiPoisson(), NegativeBinomial(), Gaussian()])
def test_intervals_equal_those_of_simulated_coefficients_and_counts(family):
    d = make(level=30)
    s = series(SegmentedRegression(family=family, errors=ModelErrors(), season=None), d)
    course, rng, draws = s.counterfactual(), np.random.default_rng(0), 40_000
    beta = rng.multivariate_normal(s.fit.coefficients, s.fit.covariance, draws)
    mean = beta @ s.off[s.post].T
    mean = np.exp(mean) if s.log_link else mean
    noise = rng.normal(size=mean.shape) * np.sqrt(np.array([family.variance(m, s.fit) for m in mean.T]).T)
    months, totals = mean + noise, np.cumsum(mean + noise, axis=1)
    for drawn, low, high in (
        (months, course.low[s.post], course.high[s.post]),
        (totals, course.total_low, course.total_high),
    ):
        ends = np.quantile(drawn, [0.025, 0.975], axis=0)
        assert np.abs((high - low) / (ends[1] - ends[0]) - 1).max() < 0.12
    assert course.total.tolist() == pytest.approx(np.cumsum(course.mean[s.post]).tolist())


def test_running_totals_carry_what_months_have_in_common():
    d = make(level=200)
    s = series(SegmentedRegression(errors=ModelErrors(), season=None), d)
    course = s.counterfactual()
    width = np.log(course.total_high / course.total_low)
    month = np.log(course.high / course.low)[s.post]
    assert width[-1] > 1.5 * month[-1] / np.sqrt(len(month))
    assert (np.diff(course.total) > 0).all()
    assert [course.total[0], course.total_low[0], course.total_high[0]] == pytest.approx(
        [v[s.post][0] for v in (course.mean, course.low, course.high)]
    )


def test_averted_table_by_hand():
    e = SegmentedRegression().estimate(make())
    table, post = e.tables["averted"], e.path.iloc[-20:].reset_index(drop=True)
    assert list(table.columns) == (
        "period observed counterfactual averted low high cumulative cumulative_low cumulative_high".split()
    )
    assert table["period"].tolist() == post["period"].tolist()
    assert table["averted"].tolist() == pytest.approx((post["counterfactual"] - post["observed"]).tolist())
    assert table["low"].tolist() == pytest.approx((post["low"] - post["observed"]).tolist())
    assert table["cumulative"].tolist() == pytest.approx(table["averted"].cumsum().tolist())
    assert table["cumulative"].iloc[-1] == pytest.approx(e.counterfactual - e.observed, rel=1e-6)
    assert (table["cumulative_low"] < table["cumulative"]).all()
    assert (table["cumulative_high"] > table["cumulative"]).all()
    again = SegmentedRegression().estimate(make()).tables["averted"]
    assert again.equals(table)


def test_with_autoregressive_errors_totals_are_wider():
    rng, n = np.random.default_rng(2), 90
    noise = np.zeros(n + 50)
    for t in range(1, n + 50):
        noise[t] = 0.7 * noise[t - 1] + rng.normal(0, 5)
    time = np.arange(n) - 60
    y, month = 200 + noise[50:], np.arange(n) % 12 + 1
    widths = []
    for errors in (ModelErrors(), NeweyWest(), PraisWinsten()):
        options = SegmentedRegression(family=Gaussian(), errors=errors, season=None, slope=False)
        course = fit_series(y, time, month, None, options).counterfactual()
        widths.append((course.total_high - course.total_low)[-1])
    assert min(widths[1:]) > 1.5 * widths[0]


def test_autocorrelation_of_residuals_is_corrected_for_what_regressors_take_up():
    rng, n, found = np.random.default_rng(3), 60, {0.0: [], 0.5: []}
    time = np.arange(n, dtype=float)
    x = np.column_stack([np.ones(n), time, time >= 40, *(np.eye(12)[:, 1:][np.arange(n) % 12].T)])
    basis = np.linalg.qr(x)[0]
    maker = np.eye(n) - basis @ basis.T
    distance = np.abs(np.subtract.outer(time, time))
    raw = []
    for rho, kept in found.items():
        for _ in range(150):
            noise = np.zeros(n + 30)
            for t in range(1, n + 30):
                noise[t] = rho * noise[t - 1] + rng.normal()
            residuals = maker @ noise[30:]
            kept.append(prediction.unbiased_autocorrelation(residuals, maker, distance))
            if rho:
                raw.append(residuals[1:] @ residuals[:-1] / (residuals @ residuals))
    assert np.mean(found[0.0]) < 0.1
    assert np.mean(found[0.5]) == pytest.approx(0.5, abs=0.06)
    assert np.mean(raw) < 0.43


def test_a_gap_in_the_months_counts_as_distance():
    months = np.array([0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14])
    rng = np.random.default_rng(0)
    noise = prediction.autoregressive_noise(
        np.repeat(rng.normal(size=6), 2), np.ones((12, 1)), months, np.eye(1), weighted=False
    )
    rho = noise.correlation[0, 1]
    assert rho > 0
    assert noise.correlation[5, 6] == pytest.approx(rho**4)


def test_log_forecasts_are_put_back_as_means():
    forecast = prediction.Forecast(
        mean=np.log([100.0, 110.0]), noise=np.array([[0.04, 0.02], [0.02, 0.09]]), parameter=np.zeros((2, 2))
    )
    post = np.array([False, True, True])
    course = prediction.forecast_course(
        np.log([90.0, 0.1, 0.1]), np.array([0.2, 0.0, 0.0]), forecast, post, np.inf, log=True
    )
    rng = np.random.default_rng(0)
    draws = np.exp(rng.multivariate_normal(forecast.mean, forecast.noise, 400_000))
    assert course.mean[1:] == pytest.approx(draws.mean(axis=0), rel=2e-3)
    assert course.total[-1] == pytest.approx(draws.sum(axis=1).mean(), rel=2e-3)
    ends = np.quantile(draws.sum(axis=1), [0.025, 0.975])
    assert [course.total_low[-1], course.total_high[-1]] == pytest.approx(ends, rel=0.01)
    assert course.low[0] == pytest.approx(90 * np.exp(-1.959964 * 0.2), rel=1e-6)
