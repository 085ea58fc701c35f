"""Interrupted time series on simulated truth: effects found, and intervals of totals that cover what would have been.

The worlds have a season, a trend and a fall at the start. Where a count is to be covered, it is another draw of the
same months without the programme, which an interval for what would have been counted must hold.
"""

from __future__ import annotations

import numpy as np
import pytest

from cseval.estimators.arima import ArimaITS, Order
from cseval.estimators.arima import fit_series as fit_arima
from cseval.estimators.controlled_its import ControlledITS
from cseval.estimators.controlled_its_series import Pair, fit_pair
from cseval.estimators.its_prediction import forecast_course
from cseval.estimators.its_series import total_effect
from cseval.estimators.segmented import (
    Gaussian,
    Harmonics,
    ModelErrors,
    NegativeBinomial,
    NeweyWest,
    Poisson,
    PraisWinsten,
    QuasiPoisson,
    SegmentedRegression,
    fit_series,
)
from cseval.estimators.structural import StructuralITS, Structure
from cseval.estimators.structural import fit_series as fit_structural

N, PRE, DRAWS = 72, 48, 200
TIME, MONTH = np.arange(N) - PRE, np.arange(N) % 12 + 1
POST = TIME >= 0
SHAPE = np.exp(0.004 * TIME + 0.15 * np.cos(2 * np.pi * MONTH / 12))
EFFECT = np.log(0.8)
LIFT = np.where(POST, 0.8, 1.0)


def autoregression(rng, rho, spread):
    noise = np.zeros(N + 40)
    for t in range(1, N + 40):
        noise[t] = rho * noise[t - 1] + rng.normal(0, spread)
    return noise[40:]


def counted(rng, mean, dispersion):
    """Counts with variance ``dispersion * mean``; below 1 it is alpha, with variance ``mean + alpha mean^2``."""
    if dispersion < 1:
        return rng.poisson(mean * rng.gamma(1 / dispersion, dispersion, len(mean))).astype(float)
    if dispersion == 1:
        return rng.poisson(mean).astype(float)
    return rng.poisson(rng.gamma(mean / (dispersion - 1), dispersion - 1)).astype(float)


def covered(options, worlds):
    inside = []
    for y, would_be in worlds:
        course = fit_series(y, TIME, MONTH, None, options).counterfactual()
        inside.append(course.total_low[-1] <= would_be[POST].sum() <= course.total_high[-1])
    return float(np.mean(inside))


@pytest.mark.parametrize(
    ("family", "errors", "dispersion", "level"),
    [
        (Poisson(), ModelErrors(), 1, 4),
        (Poisson(), ModelErrors(), 1, 60),
        (QuasiPoisson(), ModelErrors(), 3, 8),
        (QuasiPoisson(), NeweyWest(), 3, 60),
        (NegativeBinomial(), ModelErrors(), 0.05, 60),
    ],
)
@pytest.mark.parametrize("slope", [False, True])
def test_the_interval_of_the_total_covers_counts(family, errors, dispersion, level, slope):
    rng = np.random.default_rng(5)
    worlds = [[counted(rng, level * SHAPE * lift, dispersion) for lift in (LIFT, np.ones(N))] for _ in range(DRAWS)]
    options = SegmentedRegression(family=family, errors=errors, slope=slope, season=Harmonics(pairs=1))
    assert covered(options, worlds) == pytest.approx(0.95, abs=0.045)


@pytest.mark.parametrize("rho", [0.0, 0.6])
@pytest.mark.parametrize("errors", [NeweyWest(), PraisWinsten()])
def test_the_interval_of_the_total_covers_autocorrelated_series(errors, rho):
    rng = np.random.default_rng(6)
    noise = [autoregression(rng, rho, 6) for _ in range(DRAWS)]
    worlds = [(100 * SHAPE + e - 20 * SHAPE * POST, 100 * SHAPE + e) for e in noise]
    season = Harmonics(pairs=1)
    options = SegmentedRegression(family=Gaussian(), errors=errors, season=season)
    assert covered(options, worlds) == pytest.approx(0.95, abs=0.06)
    if rho:
        plain = SegmentedRegression(family=Gaussian(), errors=ModelErrors(), season=season)
        assert covered(plain, worlds) < 0.8


@pytest.mark.parametrize("shock", [0.0, 0.15])
def test_a_controlled_series_finds_the_effect_and_covers_the_total(shock):
    rng, inside, effects = np.random.default_rng(7), [], []
    for _ in range(DRAWS):
        base = SHAPE * np.exp(rng.normal(0, shock, N))
        treated, would_be, rest = (rng.poisson(m).astype(float) for m in (40 * base * LIFT, 40 * base, 400 * base))
        sizes = np.full(N, 5.0), np.full(N, 50.0)
        pair = Pair(
            treated=treated,
            comparison=rest,
            treated_size=sizes[0],
            comparison_size=sizes[1],
            event_time=TIME,
            first_post="2019-01",
        )
        fit = fit_pair(pair, ControlledITS(season=Harmonics(pairs=1)))
        course = fit.course()
        inside.append(course.total_low[-1] <= would_be[POST].sum() <= course.total_high[-1])
        effects.append(fit.effect())
    values, errors = np.array(effects).T
    assert values.mean() == pytest.approx(EFFECT, abs=4 * values.std() / np.sqrt(DRAWS))
    assert errors.mean() / values.std() == pytest.approx(0.9, abs=0.15)
    assert np.mean(inside) >= 0.92


def found(fit, y):
    value, error = total_effect(y[POST], fit, log=True)
    course = forecast_course(fit.fitted, fit.error, fit.forecast, POST, fit.df, log=True)
    return value, error, fit.df, course


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_arima_recovers_the_effect_and_its_forecast_covers(rho):
    rng, effects, inside = np.random.default_rng(8), [], []
    options = ArimaITS(order=Order(p=1), slope=False)
    for _ in range(100):
        log = 4 + autoregression(rng, rho, 0.12)
        y = np.exp(log + EFFECT * POST)
        value, error, df, course = found(fit_arima(y, TIME, "2019-01", options), y)
        effects.append((value, error))
        inside.append(course.total_low[-1] <= np.exp(log)[POST].sum() <= course.total_high[-1])
    values, errors = np.array(effects).T
    assert values.mean() == pytest.approx(EFFECT, abs=4 * values.std() / 10)
    assert errors.mean() / values.std() == pytest.approx(1.0, abs=0.2)
    assert np.mean(np.abs(values - EFFECT) < 2 * errors) >= 0.87
    assert np.mean(inside) >= 0.87
    assert df == N - 3


def test_a_structural_model_recovers_the_effect_and_its_forecast_covers():
    rng, effects, inside = np.random.default_rng(9), [], []
    options = StructuralITS(structure=Structure(), slope=False)
    for _ in range(100):
        log = 4 + np.cumsum(rng.normal(0, 0.04, N)) + rng.normal(0, 0.1, N)
        y = np.exp(log + EFFECT * POST)
        value, error, _, course = found(fit_structural(y, TIME, "2019-01", options), y)
        effects.append((value, error))
        inside.append(course.total_low[-1] <= np.exp(log)[POST].sum() <= course.total_high[-1])
    values, errors = np.array(effects).T
    assert values.mean() == pytest.approx(EFFECT, abs=4 * values.std() / 10)
    assert errors.mean() / values.std() == pytest.approx(1.0, abs=0.2)
    assert np.mean(np.abs(values - EFFECT) < 2 * errors) >= 0.87
    assert np.mean(inside) >= 0.87
