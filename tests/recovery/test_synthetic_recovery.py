"""Synthetic controls on places with common courses: the true effect within Monte Carlo error, intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_worlds import factor_design

from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.synthetic_control import AugmentedSC, SyntheticControl
from cseval.estimators.synthetic_did import SyntheticDiD
from cseval.inference.base import Placebos
from cseval.inference.conformal import AbsoluteMean, Conformal
from cseval.inference.placebo import PlaceboNeighbourhoods

EFFECT, WORLDS = -0.25, 60
FAMILY = (
    SyntheticControl(),
    SyntheticControl(months_per_point=3),
    AugmentedSC(months_per_point=3),
    SyntheticDiD(),
    SyntheticDiD(months_per_point=3),
)


def effects(estimator, **options):
    return np.array([estimator.estimate(factor_design(EFFECT, seed=s, **options)).effect for s in range(WORLDS)])


@pytest.mark.parametrize("estimator", FAMILY)
def test_the_true_effect_is_recovered(estimator):
    found = effects(estimator)
    assert found.mean() == pytest.approx(EFFECT, abs=3.5 * found.std() / np.sqrt(WORLDS))


def test_donors_that_follow_the_same_course_beat_the_mean_of_all():
    """Where courses drift apart the plain comparison varies far more."""
    plain, weighted = effects(PoissonDiD(), drift=0.12), effects(SyntheticControl(), drift=0.12)
    assert weighted.std() < 0.75 * plain.std()


@pytest.mark.parametrize("estimator", [FAMILY[0], FAMILY[3]])
def test_placebo_intervals_cover_the_truth(estimator):
    held = []
    for seed in range(WORLDS):
        d = factor_design(EFFECT, seed=seed)
        found = PlaceboNeighbourhoods(draws=99).infer(d, estimator, estimator.estimate(d), 0)
        held.append(found.conf_low <= EFFECT <= found.conf_high)
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / WORLDS)


def test_normal_intervals_of_synthetic_did_cover_nearly_as_often():
    held = []
    for seed in range(WORLDS):
        e = SyntheticDiD().estimate(factor_design(EFFECT, seed=seed))
        held.append(e.conf_low <= EFFECT <= e.conf_high)
    assert np.mean(held) >= 0.80


@pytest.mark.parametrize(("estimator", "most"), [(FAMILY[0], 0.08), (FAMILY[1], 0.08), (FAMILY[3], 0.16)])
def test_conformal_rejects_a_true_null_about_as_often_as_it_says(estimator, most):
    """More often for synthetic DiD, whose even weights leave more of the drifting courses in its residuals."""
    rejected = []
    for seed in range(12):
        d = factor_design(0.0, seed=seed)
        every = Placebos.of(d, estimator, d.sets(np.flatnonzero(d.comparison)[:, None]))
        rejected.append((Conformal(statistic=AbsoluteMean()).test_many(every, every) <= 0.05).mean())
    assert 0.02 <= np.mean(rejected) <= most
