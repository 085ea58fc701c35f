"""Power of interrupted time series: what is simulated, and what the model makes of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import FIRST, analysis, design, evaluation, inputs

from cseval.analyse import Settings
from cseval.errors import EstimationError
from cseval.estimators.segmented import SegmentedRegression
from cseval.estimators.segmented_options import Gaussian, Harmonics, ModelErrors, NegativeBinomial, Poisson
from cseval.inference.covariance import OwnErrors
from cseval.months import add_months
from cseval.power import power_of
from cseval.power_plan import PowerPlan
from cseval.power_series import SeriesModel, latent_series, moments, series_curve, series_model, simulate_series
from cseval.spec import Programme, Window

MODEL = SegmentedRegression(slope=False, season=Harmonics(pairs=1))
RATIOS = np.array([0.6, 0.75, 0.85, 1.0, 1.15, 1.3, 1.6])
BEFORE, AFTER = 36, 12


def placed(months=60, level=60.0, seed=1, **changes):
    """A treated unit whose counts follow a season, and two others."""
    rng = np.random.default_rng(seed)
    mean = level * np.exp(0.2 * np.sin(2 * np.pi * np.arange(months) / 12)) * np.ones((3, 1))
    counts = rng.poisson(mean).astype(np.int64)
    return design(counts, treated=(0,), months_before=months - AFTER, **changes)


def test_simulated_series_have_the_moments_of_their_model():
    rng = np.random.default_rng(2)
    model = SeriesModel(mean=np.full(40, 50.0), post=np.arange(40) >= 30, alpha=0.06, rho=0.6)
    y = simulate_series(model, 0.5, latent_series(60_000, 40, model.rho, rng), rng)
    before, after = y[:, :30], y[:, 30:]
    assert before.mean() == pytest.approx(50.0, rel=0.01)
    assert after.mean() == pytest.approx(25.0, rel=0.01)
    assert before.var(axis=0).mean() == pytest.approx(50 + 0.06 * 50**2, rel=0.03)
    assert after.var(axis=0).mean() == pytest.approx(25 + 0.06 * 25**2, rel=0.03)
    together = np.mean((before[:, 1:] - 50) * (before[:, :-1] - 50))
    assert together == pytest.approx(50**2 * (1.06**0.6 - 1), rel=0.05)


def test_moments_find_the_dispersion_and_autocorrelation_that_were_simulated():
    rng = np.random.default_rng(3)
    model = SeriesModel(mean=np.full(20_000, 80.0), post=np.zeros(20_000, dtype=bool), alpha=0.04, rho=0.5)
    y = simulate_series(model, 1.0, latent_series(1, 20_000, 0.5, rng), rng)[0]
    assert moments(y, model.mean, 0) == pytest.approx((0.04, 0.5), rel=0.1)
    plain = rng.poisson(model.mean).astype(float)
    alpha, rho = moments(plain, model.mean, 0)
    assert alpha < 0.001
    assert 0 <= rho <= 0.95
    assert moments(np.full(10, 5.0), np.full(10, 5.0), 2) == (0.0, 0.0)


def test_fitted_terms_are_paid_for():
    observed, fitted = np.array([10.0, 30.0] * 6), np.full(12, 20.0)
    assert moments(observed, fitted, 6)[0] == pytest.approx((2 * 100 - 20) / 400)


def test_latent_series_are_stationary():
    z = latent_series(40_000, 6, 0.8, np.random.default_rng(4))
    assert z.var(axis=0) == pytest.approx(np.ones(6), rel=0.03)
    assert np.corrcoef(z[:, 2], z[:, 3])[0, 1] == pytest.approx(0.8, abs=0.01)


def test_the_model_is_the_counterfactual_without_the_level_change():
    at = placed()
    counts = at.inputs.panel.require("burglary").copy()
    counts[0, at.post] *= 2
    changed = replace(at, inputs=replace(at.inputs, panel=replace(at.inputs.panel, counts={"burglary": counts})))
    plain, shifted = series_model(at, MODEL), series_model(changed, MODEL)
    assert shifted.mean == pytest.approx(plain.mean, rel=0.1)
    assert plain.alpha < 0.02


def test_dispersion_is_measured_on_up_to_five_years():
    long = placed(months=72)
    short = replace(long, months_before=24)
    model = series_model(short, MODEL)
    assert len(model.mean) == 36
    assert model.alpha == series_model(replace(long, months_before=48), MODEL).alpha


@pytest.mark.parametrize(
    "estimator",
    [
        SegmentedRegression(slope=False, season=None, family=Poisson(), errors=ModelErrors()),
        SegmentedRegression(slope=False, season=None, family=Gaussian(), errors=ModelErrors()),
    ],
    ids=lambda e: e.family.name,
)
def test_a_right_model_keeps_its_size(estimator):
    """Poisson counts without season, trend or autocorrelation, and the model that says so."""
    counts = np.random.default_rng(5).poisson(60.0, (3, 48)).astype(np.int64)
    at = design(counts, treated=(0,), months_before=36)
    model = series_model(at, estimator)
    assert (model.alpha, model.rho) == pytest.approx((0.0, 0.0), abs=0.01)
    curve, _, _ = series_curve(at, estimator, np.array([1.0]), 200, 6)
    assert abs(curve.size[0] - 0.05) < 3.5 * math.sqrt(0.05 * 0.95 / 200)


def test_power_is_that_of_the_normal_approximation():
    """Level change of a Poisson series: error of the log ratio from its Fisher information, trend included."""
    counts = np.random.default_rng(7).poisson(60.0, (3, 48)).astype(np.int64)
    at = design(counts, treated=(0,), months_before=36)
    estimator = SegmentedRegression(slope=False, season=None, family=Poisson(), errors=ModelErrors())
    curve, method, model = series_curve(at, estimator, np.array([0.8]), 250, 8)
    assert method == "model-based (Poisson, z)"
    time = np.arange(48) - 36.0
    x = np.column_stack([np.ones(48), time, time >= 0])
    mean = model.mean * np.where(time >= 0, 0.8, 1.0)
    error = math.sqrt(np.linalg.inv(x.T @ (mean[:, None] * x))[2, 2])
    from scipy.stats import norm

    expected = norm.sf(1.96 + math.log(0.8) / error)
    spread = math.sqrt(1 + model.alpha * 60)
    assert model.alpha * 60 < 0.3
    assert curve.power[0] == pytest.approx(expected, abs=3 * 0.032 + 0.1 * (spread - 1))


def test_autocorrelation_costs_the_test_its_size():
    rng = np.random.default_rng(9)
    truth = SeriesModel(mean=np.full(60, 80.0), post=np.zeros(60, dtype=bool), alpha=0.08, rho=0.9)
    y = simulate_series(truth, 1.0, latent_series(1, 60, 0.9, rng), rng)
    at = design(np.vstack([y, y, y]).astype(np.int64), treated=(0,), months_before=48)
    curve, _, model = series_curve(at, SegmentedRegression(slope=False, season=None), np.array([1.0]), 200, 10)
    assert model.rho > 0.3
    assert curve.size[0] > 0.1


@pytest.mark.parametrize(
    "changes", [{"relative_to_comparison": True}, {"exposure": True}, {"family": NegativeBinomial()}]
)
def test_offsets_and_other_families_are_carried(changes):
    at = placed(exposure=np.linspace(100, 150, 60) * np.ones((3, 1)))
    estimator = replace(MODEL, **changes)
    curve, _, model = series_curve(at, estimator, np.array([0.6, 1.0]), 30, 11)
    assert len(model.mean) == 60
    assert curve.power[0] > 0.9
    assert curve.power[1] < 0.25


def test_months_in_transition_or_not_received_are_not_simulated():
    received = np.ones((3, 60), dtype=bool)
    received[:, 20] = False
    counts = np.random.default_rng(12).poisson(50.0, (3, 60)).astype(np.int64)
    at = design(counts, treated=(0,), months_before=44, transition=4, received=received)
    curve, _, model = series_curve(at, MODEL, RATIOS, 60, 13)
    assert len(model.mean) == len(at.periods) == 55
    assert curve.power[0] > 0.9


def test_power_of_a_registered_time_series():
    counts = placed(months=80).inputs.panel.require("burglary")
    start = add_months(FIRST, 60)
    series = analysis(estimator=MODEL, inference=(OwnErrors(),))
    registered = evaluation(
        programme=Programme(name="Programme", start=start, roles="roles.csv", buffer_rings=0),
        window=Window(first=add_months(start, -BEFORE), last=add_months(start, AFTER - 1)),
        analyses=(series,),
    )
    plan = PowerPlan(simulations=80)
    result = power_of(registered, series, inputs(counts, treated=(0,)), Settings(seed=1), plan)
    row = result.detectable.iloc[0]
    assert row["method"].startswith("Newey-West")
    assert (row["placebos"], row["months_before"], row["months_after"]) == (80, BEFORE, AFTER)
    assert -35 < row["mde_fall"] < -5 < 5 < row["mde_rise"] < 45
    assert "times Poisson's" in result.notes[0]
    again = power_of(registered, series, inputs(counts, treated=(0,)), Settings(seed=1), plan)
    assert again.curve["power"].tolist() == result.curve["power"].tolist()


def test_a_series_without_an_incident_is_refused():
    at = placed()
    counts = at.inputs.panel.require("burglary").copy()
    counts[0] = 0
    silent = replace(at, inputs=replace(at.inputs, panel=replace(at.inputs.panel, counts={"burglary": counts})))
    with pytest.raises(EstimationError, match="no incident"):
        series_model(silent, MODEL)
