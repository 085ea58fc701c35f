"""The dose-response finds the slope that was put into simulated counts, with errors of the right size."""

from __future__ import annotations

import numpy as np
import pytest
from builders import design

from cseval.areas import draw_connected
from cseval.estimators.dose import Dose, DoseResponse
from cseval.inference.spread import OverdispersedPoisson

SLOPE, TREATED = -0.02, range(12)
PATH = np.repeat([0.0, 6, 11, 22], [14, 5, 5, 6])
DOSES = (Dose(month="2016-03", amount=6), Dose(month="2016-08", amount=11), Dose(month="2017-01", amount=22))
OFFICERS = DoseResponse(doses=DOSES, unit_of_dose="officers")


def simulated(seed, slope=SLOPE, units=30):
    rng = np.random.default_rng(seed)
    mean = 6 * np.exp(rng.normal(0, 0.4, (units, 1)) + rng.normal(0, 0.15, (1, 30)))
    mean[list(TREATED)] *= np.exp(slope * PATH)
    return design(rng.poisson(mean).astype(np.int64), treated=TREATED, months_before=14, shape=(5, 6))


def test_slope_and_total_effect_are_recovered_and_covered():
    found = [OFFICERS.estimate(simulated(seed)) for seed in range(200)]
    slope, error = (np.array([f.coefficients[c][0] for f in found]) for c in ("estimate", "std_error"))
    monte_carlo = slope.std(ddof=1) / np.sqrt(200)
    assert slope.mean() == pytest.approx(SLOPE, abs=4 * monte_carlo)
    assert error.mean() / slope.std(ddof=1) == pytest.approx(1, abs=0.2)
    low, high = (np.array([f.coefficients[c][0] for f in found]) for c in ("conf_low", "conf_high"))
    assert ((low <= SLOPE) & (high >= SLOPE)).mean() == pytest.approx(0.95, abs=0.05)
    truth = np.log(np.exp(SLOPE * PATH[14:]).mean())
    assert np.mean([f.effect for f in found]) == pytest.approx(truth, abs=0.02)


def test_steps_follow_the_line_where_it_is_true():
    steps = [OFFICERS.estimate(simulated(seed)).tables["dose_steps"] for seed in range(60)]
    mean = np.mean([s["estimate"] for s in steps], axis=0)
    assert mean == pytest.approx(SLOPE * np.array([6, 11, 22]), abs=0.03)


def test_placebo_sets_have_no_effect_and_the_variance_they_are_said_to_have():
    rng = np.random.default_rng(3)
    counts = rng.poisson(8 * np.exp(rng.normal(0, 0.4, (400, 1)) + rng.normal(0, 0.15, (1, 30)))).astype(np.int64)
    d = design(counts, treated=[210], months_before=14, shape=(20, 20), buffer_rings=1)
    sets = d.sets(draw_connected(d.areas, d.comparison, 4, 2000, np.random.default_rng(0)))
    many = OFFICERS.estimate_many(d, sets)
    z = many.effect / np.sqrt(many.variance_terms[:, 1])
    assert abs(z.mean()) < 0.2
    assert z.std() == pytest.approx(1.0, abs=0.15)
    assert OverdispersedPoisson().coefficients(many)[1] == pytest.approx(1, abs=0.3)
