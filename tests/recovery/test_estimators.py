"""Each estimator finds the effect that was put into simulated counts, with errors of the right size."""

from __future__ import annotations

import numpy as np
import pytest
from builders import design, poisson_counts
from scipy import stats

from cseval.areas import draw_connected
from cseval.estimators.event_study import EventStudy
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
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

EFFECT = -0.3
TREATED = range(15)
DRAWS = 200


def simulated(seed, **options):
    counts = poisson_counts(36, 24, level=5, treated=TREATED, start=14, effect=EFFECT, seed=seed)
    return design(counts, treated=TREATED, months_before=14, shape=(6, 6), **options)


def recovered(values, errors, truth):
    """Mean within 4 Monte Carlo errors of the truth, and errors that match the spread."""
    values, errors = np.array(values), np.array(errors)
    monte_carlo = values.std(ddof=1) / np.sqrt(len(values))
    assert values.mean() == pytest.approx(truth, abs=4 * monte_carlo)
    assert errors.mean() / values.std(ddof=1) == pytest.approx(1.0, abs=0.2)


def test_poisson_did_recovers_the_effect_and_covers_it():
    found = [PoissonDiD().estimate(simulated(seed)) for seed in range(DRAWS)]
    recovered([e.effect for e in found], [e.std_error for e in found], EFFECT)
    covered = np.mean([e.conf_low <= EFFECT <= e.conf_high for e in found])
    assert covered == pytest.approx(0.95, abs=0.05)


def test_poisson_did_with_changing_exposure_recovers_the_rate_ratio():
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        people = rng.uniform(50, 150, (24, 16))
        people[:8, 9:] *= 1.5
        mean = people * 0.05 * np.exp(rng.normal(0, 0.3, (24, 1)))
        mean[:8, 9:] *= np.exp(EFFECT)
        d = design(rng.poisson(mean).astype(np.int64), treated=range(8), months_before=9, exposure=people)
        found.append(PoissonDiD(exposure=True).estimate(d))
    recovered([e.effect for e in found], [e.std_error for e in found], EFFECT)


def test_linear_did_recovers_the_number_of_incidents():
    sets, values, errors = None, [], []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        mean = np.add.outer(rng.uniform(4, 9, 36), rng.uniform(0, 2, 24))
        mean[:15, 14:] -= 1.5
        d = design(rng.poisson(mean).astype(np.int64), treated=TREATED, months_before=14)
        sets = d.own_set
        many = LinearDiD().estimate_many(d, sets)
        values.append(many.effect[0])
        errors.append(LinearDiD().cluster_errors(d, sets).std_error[0])
    recovered(values, errors, -1.5)


def test_event_study_is_flat_before_and_at_the_effect_after():
    estimator = EventStudy(bin_months=2)
    designs = (simulated(seed) for seed in range(DRAWS))
    found = np.array([estimator.coefficients_many(d, d.own_set)[0] for d in designs])
    errors = found.std(axis=0, ddof=1) / np.sqrt(DRAWS)
    truth = np.where(np.arange(12) < 7, 0.0, EFFECT)
    assert (np.abs(found.mean(axis=0) - truth) <= 4 * errors).all()


def test_placebo_sets_have_no_effect_and_the_variance_they_are_said_to_have():
    counts = poisson_counts(400, 24, level=8, seed=3)
    d = design(counts, treated=[210], months_before=14, shape=(20, 20), buffer_rings=1)
    sets = d.sets(draw_connected(d.areas, d.comparison, 4, 2000, np.random.default_rng(0)))
    many = PoissonDiD().estimate_many(d, sets)
    z = many.effect / np.sqrt(many.variance_terms[:, 1])
    assert abs(z.mean()) < 0.2
    assert z.std() == pytest.approx(1.0, abs=0.15)


N, PRE = 72, 48
TIME = np.arange(N) - PRE
MONTH = np.arange(N) % 12 + 1
BASE = np.exp(3.6 + 0.004 * TIME + 0.15 * np.cos(2 * np.pi * MONTH / 12))


def poisson_series(rng, lift):
    return rng.poisson(BASE * lift).astype(float)


def gamma_series(rng, lift):
    return rng.poisson(BASE * lift * rng.gamma(10, 1 / 10, N)).astype(float)


@pytest.mark.parametrize(
    ("family", "errors", "draw"),
    [
        (Poisson(), ModelErrors(), poisson_series),
        (QuasiPoisson(), ModelErrors(), gamma_series),
        (NegativeBinomial(), ModelErrors(), gamma_series),
    ],
)
def test_segmented_regression_recovers_level_slope_and_total_effect(family, errors, draw):
    lift = np.where(TIME >= 0, np.exp(-0.2 + 0.01 * TIME), 1.0)
    truth = np.log((BASE * lift)[PRE:].sum() / BASE[PRE:].sum())
    options = SegmentedRegression(family=family, errors=errors, season=Harmonics(pairs=1))
    rng = np.random.default_rng(4)
    fits = [fit_series(draw(rng, lift), TIME, MONTH, None, options) for _ in range(80)]
    for term, value in {"level": -0.2, "slope": 0.01}.items():
        recovered(*zip(*(f.coefficient(term) for f in fits), strict=True), value)
    recovered(*zip(*(f.effect() for f in fits), strict=True), truth)


@pytest.mark.parametrize(("errors", "least"), [(NeweyWest(lag=4), 0.80), (PraisWinsten(), 0.87)])
def test_errors_that_know_autocorrelation_cover_where_plain_ones_do_not(errors, least):
    rng, inside, plain = np.random.default_rng(6), [], []
    options = SegmentedRegression(family=Gaussian(), errors=errors, season=None, slope=False)
    naive = SegmentedRegression(family=Gaussian(), errors=ModelErrors(), season=None, slope=False)
    for _ in range(150):
        noise = np.zeros(N + 50)
        for t in range(1, N + 50):
            noise[t] = 0.6 * noise[t - 1] + rng.normal(0, 3)
        y = 80 + 0.2 * TIME - 10.0 * (TIME >= 0) + noise[50:]
        for chosen, hits in ((options, inside), (naive, plain)):
            value, error = fit_series(y, TIME, MONTH, None, chosen).coefficient("level")
            hits.append(abs(value + 10) <= stats.t.ppf(0.975, N - 3) * error)
    assert np.mean(inside) >= least
    assert np.mean(plain) < least
    assert np.mean(inside) > np.mean(plain) + 0.05
