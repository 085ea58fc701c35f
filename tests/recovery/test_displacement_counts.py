"""Displacement measures on simulated counts with a known truth: centred, and intervals that cover."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cseval.estimators.displacement import relative_incident_rate_ratio, weighted_displacement_difference

REPLICATES = 3000
MARGIN = 3.5 * math.sqrt(0.95 * 0.05 / REPLICATES)


def counts(means, seed, dispersion=1.0):
    """Poisson counts, or negative binomial ones whose variance is `dispersion` times the mean."""
    rng = np.random.default_rng(seed)
    size = (REPLICATES, len(means))
    if dispersion == 1:
        return rng.poisson(means, size)
    return rng.negative_binomial(np.array(means) / (dispersion - 1), 1 / dispersion, size)


@pytest.mark.parametrize("dispersion", [1.0, 3.0])
def test_weighted_displacement_difference(dispersion):
    """The treated area falls by 40 more than its comparison, of which 10 turn up next door."""
    drawn = counts([200, 140, 300, 280, 150, 150, 90, 80], 1, dispersion)
    found = [
        weighted_displacement_difference(
            *(tuple(map(float, pair)) for pair in row.reshape(4, 2)), dispersion=dispersion
        )
        for row in drawn
    ]
    error = np.mean([f.std_error for f in found])
    assert np.mean([f.local for f in found]) == pytest.approx(-40, abs=4 * error / math.sqrt(REPLICATES))
    assert np.mean([f.displacement for f in found]) == pytest.approx(10, abs=4 * error / math.sqrt(REPLICATES))
    assert error == pytest.approx(np.std([f.estimate for f in found]), rel=0.05)
    assert np.mean([f.conf_low <= -30 <= f.conf_high for f in found]) == pytest.approx(0.95, abs=MARGIN)


def test_periods_of_different_length():
    """Two years before and one after, the same rate throughout in the comparison and 10 a year fewer in the treated."""
    drawn = counts([160, 70, 200, 100], 2)
    found = [
        weighted_displacement_difference((float(a), float(b)), (float(c), float(d)), time_weights=(2, 1))
        for a, b, c, d in drawn
    ]
    assert np.mean([f.estimate for f in found]) == pytest.approx(-10, abs=1)
    assert np.mean([f.conf_low <= -10 <= f.conf_high for f in found]) == pytest.approx(0.95, abs=MARGIN)


@pytest.mark.parametrize("dispersion", [1.0, 3.0])
def test_relative_incident_rate_ratio(dispersion):
    drawn = counts([200, 120, 300, 270], 3, dispersion)
    truth = math.log(120 / 200) - math.log(270 / 300)
    found = [
        relative_incident_rate_ratio((float(a), float(b)), (float(c), float(d)), dispersion=dispersion)
        for a, b, c, d in drawn
    ]
    error = np.mean([f.log_std_error for f in found])
    assert np.mean([f.log_ratio for f in found]) == pytest.approx(truth, abs=4 * error / math.sqrt(REPLICATES) + 0.005)
    assert error == pytest.approx(np.std([f.log_ratio for f in found]), rel=0.05)
    covered = np.mean([f.conf_low <= math.exp(truth) <= f.conf_high for f in found])
    assert covered == pytest.approx(0.95, abs=MARGIN + 0.003)
