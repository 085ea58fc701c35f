"""Known effects injected into counts: their mean and variance, and effects by totals against effects by refitting."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from builders import design, inputs, poisson_counts
from scipy import stats

from cseval.areas import draw_connected
from cseval.design import Design
from cseval.estimators.base import ManyEffects
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.injection import Response, inject, injected_effects, response_of, with_copies
from cseval.months import add_months

SHAPE, BEFORE, AFTER = (8, 8), 12, 9


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.95, 1.0, 1.4, 2.0, 2.5])
def test_mean_is_exact_and_variance_is_that_of_the_broken_part(ratio):
    count, draws = 40, 100_000
    found = inject(np.full(draws, count), ratio, rng())
    broken = ratio - np.floor(ratio)
    variance = count * broken * (1 - broken)
    assert found.dtype == np.int64
    assert found.mean() == pytest.approx(ratio * count, abs=4 * np.sqrt(variance / draws) + 1e-12)
    assert found.var() == pytest.approx(variance, rel=0.02, abs=1e-12)


def test_a_thinned_poisson_count_is_poisson():
    thinned = inject(rng(1).poisson(8.0, 50_000), 0.6, rng(2))
    counts = np.bincount(thinned, minlength=16)[:16]
    expected = 50_000 * stats.poisson.pmf(np.arange(16), 4.8)
    keep = expected > 20
    assert stats.chisquare(counts[keep] * expected[keep].sum() / counts[keep].sum(), expected[keep]).pvalue > 0.001
    assert thinned.var() == pytest.approx(4.8, rel=0.03)


def test_a_sum_of_injected_counts_is_the_injected_sum():
    months = np.array([3, 0, 7, 12, 5])
    by_month = inject(np.tile(months, (100_000, 1)), 0.7, rng(3)).sum(axis=1)
    at_once = inject(np.full(100_000, months.sum()), 0.7, rng(4))
    assert stats.ks_2samp(by_month, at_once).pvalue > 0.001


def test_no_effect_changes_nothing_and_ratios_broadcast():
    counts = rng(5).poisson(5.0, 30)
    found = inject(counts, np.array([[1.0], [2.0], [0.0]]), rng())
    assert (found == np.stack([counts, 2 * counts, 0 * counts])).all()


# Effects ----------------------------------------------------------------------------------------------


@pytest.fixture
def placed():
    counts = poisson_counts(64, BEFORE + AFTER, seed=6)
    at = design(counts, treated=(0, 1, 8), months_before=BEFORE, shape=SHAPE, buffer_rings=1)
    return at, at.sets(draw_connected(at.areas, at.comparison, 3, 30, rng(7)))


def with_exposure(at, *, varies):
    exposure = np.linspace(100, 200, 64)[:, None] * np.ones(BEFORE + AFTER)
    exposure[:, BEFORE:] *= 1.3 if varies else 1.0
    exposure[::2, BEFORE + 2 :] *= 1.2 if varies else 1.0
    return replace(at, inputs=replace(at.inputs, panel=replace(at.inputs.panel, exposure=exposure)))


@dataclass(frozen=True)
class Busiest:
    """An estimator that looks at more than totals: the log ratio of the busiest post month to the pre period."""

    name: str = "busiest"

    def estimate(self, design):
        raise NotImplementedError

    def cluster_errors(self, design, sets):
        raise NotImplementedError

    def estimate_many(self, design, sets):
        months = design.counts[sets.members].sum(axis=1)
        size = months[:, ~design.post].sum(axis=1).astype(float)
        effect = np.log(months[:, design.post].max(axis=1) + 0.5) - np.log(size)
        return ManyEffects(effect=effect, variance_terms=1 / size[:, None], size=size)


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (PoissonDiD(), Response(slope=None)),
        (LinearDiD(), Response(slope=pytest.approx(1 / (3 * AFTER)))),
        (LinearDiD(per=1000), None),
        (Busiest(), None),
    ],
    ids=["log of totals", "linear in totals", "rates", "not of totals"],
)
def test_what_depends_on_totals_alone_is_found_out(placed, estimator, expected):
    at, sets = placed
    at = with_exposure(at, varies=True)
    effects = estimator.estimate_many(at, sets)
    assert response_of(at, estimator, sets, effects, rng()) == expected


def test_an_exposure_that_does_not_change_keeps_the_closed_form(placed):
    at, sets = placed
    estimator = PoissonDiD(exposure=True)
    for varies, expected in ((False, Response(slope=None)), (True, None)):
        changed, few = with_exposure(at, varies=varies), sets.take(np.arange(2))
        effects = estimator.estimate_many(changed, few)
        assert response_of(changed, estimator, few, effects, rng()) == expected


@pytest.mark.parametrize("estimator", [PoissonDiD(), LinearDiD()], ids=lambda e: e.name)
def test_arithmetic_on_totals_has_the_distribution_of_refitted_copies(placed, estimator):
    at, sets = placed
    sets = sets.take(np.zeros(400, dtype=np.int64))  # one neighbourhood many times over
    effects, ratios = estimator.estimate_many(at, sets), np.array([0.6, 1.5])
    fast = injected_effects(
        at, estimator, sets, effects, ratios, response_of(at, estimator, sets, effects, rng()), rng(8)
    )
    slow = injected_effects(at, estimator, sets, effects, ratios, None, rng(9))
    assert fast.shape == slow.shape == (2, 400)
    for one, other in zip(fast, slow, strict=True):
        # totals are whole numbers, so effects tie but for rounding
        assert stats.ks_2samp(one.round(9), other.round(9)).pvalue > 0.001


@pytest.mark.parametrize("estimator", [PoissonDiD(), LinearDiD(), LinearDiD(per=1000)], ids=repr)
def test_copies_give_the_effect_of_the_estimator_on_changed_counts(placed, estimator):
    """One set at a time, by the estimator's own `estimate` on a panel in which the set's post counts are doubled."""
    at, sets = placed
    at = with_exposure(at, varies=False)
    found = estimator.estimate_many(*with_copies(at, sets, 2.0, rng())).effect
    for k in range(3):
        counts = at.inputs.panel.counts["burglary"].copy()
        counts[sets.members[k], BEFORE:] *= 2
        changed = replace(at.inputs, panel=replace(at.inputs.panel, counts={"burglary": counts}))
        treated = [at.units[i] for i in sets.members[k]]
        own = replace(at, inputs=changed).treating(treated)
        assert found[k] == pytest.approx(estimator.estimate(own).effect, abs=1e-8)


def test_copies_leave_transition_and_missing_months_alone():
    counts = poisson_counts(16, 24, level=20, seed=10)
    received = np.ones(counts.shape, dtype=bool)
    received[:, 18] = False
    given = inputs(counts, treated=(0,), shape=(4, 4), received=received)
    at = Design.build(
        given,
        "burglary",
        start=add_months("2015-01", 14),
        months_before=10,
        months_after=6,
        transition=2,
        buffer_rings=1,
    )
    sets = at.sets(np.array([[10], [15]]))
    copied, copies = with_copies(at, sets, 3.0, rng())
    before, after = at.counts[sets.members[:, 0]], copied.counts[copies.members[:, 0]]
    assert copied.periods == at.periods
    assert (after[:, ~at.post] == before[:, ~at.post]).all()
    assert (after[:, at.post] == 3 * before[:, at.post]).all()


def test_a_log_ratio_with_no_incident_left_is_not_estimable(placed):
    at, sets = placed
    effects = PoissonDiD().estimate_many(at, sets)
    found = injected_effects(at, PoissonDiD(), sets, effects, np.array([0.0]), Response(slope=None), rng())
    assert np.isnan(found).all()
