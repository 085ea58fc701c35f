"""Synthetic controls on places with common courses: the true effect within Monte Carlo error, intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from builders import design
from synthetic_worlds import factor_design

from cseval.errors import EstimationError
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


# True nulls of a place like the others, of one beyond them, and of a small one -----------------------


def course_design(kind, seed, units=32, before=60, after=20):
    """Counts whose logs follow two random walks and an AR(1); the first place is treated, without an effect."""
    rng = np.random.default_rng(seed)
    courses = np.cumsum(rng.normal(0, 0.03, (2, before + after)), axis=1)
    loading, size = rng.normal(0, 1, (units, 2)), np.exp(rng.normal(5, 0.4, units))
    if kind == "beyond":
        loading[0] = 3 * np.sign(loading[0])
    if kind == "small":
        size[0] = 20
    own, shock = np.zeros((units, before + after)), rng.normal(0, 0.05, (units, before + after))
    for month in range(1, before + after):
        own[:, month] = 0.7 * own[:, month - 1] + shock[:, month]
    counts = rng.poisson(size[:, None] * np.exp(loading @ courses + own))
    return design(counts.astype(np.int64), treated=[0], months_before=before)


def ranked(estimator, kind, worlds):
    """Whether a true null is rejected, and whether the result is marked as not reliable; shape (worlds, 2)."""
    out = []
    for seed in range(worlds):
        d = course_design(kind, seed)
        try:
            found = PlaceboNeighbourhoods(draws=99).infer(d, estimator, estimator.estimate(d), 0)
        except EstimationError:  # drawn out below zero, and said so
            out.append((False, True))
            continue
        out.append((found.p_value <= 0.05, not found.reliable))
    return np.array(out).T


@pytest.mark.parametrize(
    ("estimator", "worlds"), [(SyntheticControl(), 100), (SyntheticDiD(), 60), (AugmentedSC(months_per_point=3), 30)]
)
def test_a_place_beyond_the_donors_is_seldom_read(estimator, worlds):
    """Nearly always it is marked, so that few true nulls are both rejected and read."""
    rejected, marked = ranked(estimator, "beyond", worlds)
    assert marked.mean() >= 0.8
    assert (rejected & ~marked).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / worlds)


@pytest.mark.parametrize(
    ("estimator", "worlds"), [(SyntheticControl(), 100), (SyntheticDiD(), 60), (AugmentedSC(months_per_point=3), 30)]
)
def test_a_place_like_the_others_is_seldom_marked(estimator, worlds):
    rejected, marked = ranked(estimator, "like", worlds)
    assert marked.mean() <= 0.0625 + 3 * np.sqrt(0.0625 * 0.9375 / worlds)
    assert rejected[~marked].mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


@pytest.mark.parametrize(("estimator", "worlds"), [(SyntheticControl(), 100), (SyntheticDiD(), 100)])
def test_a_small_place_is_not_judged_by_the_spread_of_large_ones(estimator, worlds):
    rejected, marked = ranked(estimator, "small", worlds)
    assert rejected[~marked].mean() <= 0.08 + 2 * np.sqrt(0.08 * 0.92 / worlds)
