"""Ferman and Pinto's test: the variance it fits, its rescaling by hand, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.errors import DesignError, UsageError
from cseval.estimate import COUNT, LOG
from cseval.estimators.base import ManyEffects
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.base import Calibratable, Placebos
from cseval.inference.conley_taber import ConleyTaber
from cseval.inference.effect_scale import probed_scale
from cseval.inference.ferman_pinto import FermanPinto, fitted_variance, spread_by_size, unit_variance
from cseval.inference.guard import Guarded
from cseval.inference.scattered_sets import scattered

UNITS, BEFORE, AFTER = 60, 12, 12
POISSON = PoissonDiD()


def case(treated=(7,), *, effect=0.0, units=UNITS):
    counts = poisson_counts(units, BEFORE + AFTER, treated=treated, start=BEFORE, effect=effect, seed=3)
    return design(counts, treated=treated, months_before=BEFORE)


def inferred(made, estimator=POISSON, seed=1, **options):
    return FermanPinto(**options).infer(made, estimator, estimator.estimate(made), seed)


def test_it_is_a_calibratable_method_that_says_what_it_needs():
    assert isinstance(FermanPinto(), Calibratable)
    assert isinstance(FermanPinto(), Guarded)


@pytest.mark.parametrize(("a", "b"), [(0.02, 3.0), (0.0, 5.0), (0.05, 0.0)])
def test_the_variance_of_size_is_recovered(a, b):
    rng = np.random.default_rng(1)
    size = np.exp(rng.normal(4, 1, 20_000))
    terms = np.column_stack([np.ones_like(size), 1 / size])
    effect = rng.normal(size=size.size) * np.sqrt(terms @ [a, b])
    found = fitted_variance(ManyEffects(effect=effect, variance_terms=terms, size=size))
    np.testing.assert_allclose(found, [a, b], rtol=0.08, atol=0.005)


def test_multiplying_a_variance_term_divides_its_coefficient():
    rng = np.random.default_rng(2)
    terms = rng.uniform(0.5, 2, (400, 2))
    effect = rng.normal(size=400) * np.sqrt(terms @ [1.0, 2.0])
    first = fitted_variance(ManyEffects(effect=effect, variance_terms=terms, size=terms[:, 0]))
    second = fitted_variance(ManyEffects(effect=effect, variance_terms=terms * [1, 1000], size=terms[:, 0]))
    np.testing.assert_allclose(second, first / [1, 1000], rtol=1e-6)


def test_the_spread_of_a_set_is_that_of_its_weighted_units():
    made = case((7, 30, 31))
    variance, pre, chosen = unit_variance(made, PoissonDiD()), made.pre_counts, [1, 2, 50]
    weight, rest = pre[chosen] / pre[chosen].sum(), pre[made.comparison] / pre[made.comparison].sum()
    by_hand = (weight**2 * variance[chosen]).sum() + (rest**2 * variance[made.comparison]).sum()
    sets = scattered(np.array([chosen]), UNITS)
    assert spread_by_size(made, PoissonDiD(), share=True)(sets)[0] == pytest.approx(np.sqrt(by_hand))
    variance = unit_variance(made, LinearDiD())
    by_hand = variance[chosen].sum() / 9 + variance[made.comparison].sum() / 57**2
    assert spread_by_size(made, LinearDiD(), share=False)(sets)[0] == pytest.approx(np.sqrt(by_hand))


def test_the_p_value_is_the_rank_of_the_rescaled_effect():
    made, estimator = case(effect=-0.5), PoissonDiD()
    spread = spread_by_size(made, estimator, share=True)
    donors = scattered(np.flatnonzero(made.comparison)[:, None], UNITS)
    placebo = abs(estimator.estimate_many(made, donors).effect / spread(donors))
    own = abs(estimator.estimate(made).effect / spread(made.own_set)[0])
    assert inferred(made).p_value == pytest.approx((1 + (placebo >= own).sum()) / 60)


@pytest.mark.parametrize("estimator", [PoissonDiD(), LinearDiD()])
@pytest.mark.parametrize("effect", [-0.6, 0.0])
def test_the_interval_holds_zero_exactly_where_p_exceeds_five_percent(estimator, effect):
    found = inferred(case((7, 30), effect=effect), estimator, draws=199)
    assert (found.conf_low <= 0 <= found.conf_high) == (found.p_value > 0.05)


def test_units_of_one_size_are_compared_as_conley_and_taber_do():
    rng = np.random.default_rng(4)
    half = rng.permuted(np.tile(np.repeat([3, 9], 6), (UNITS, 1)), axis=1)  # every unit counts 72 before
    counts = np.column_stack([half, rng.poisson(6, (UNITS, AFTER))])
    made = design(counts, treated=(7,), months_before=BEFORE)
    assert inferred(made).p_value == pytest.approx(ConleyTaber().infer(made, PoissonDiD(), _estimate(made), 1).p_value)


def _estimate(made):
    return PoissonDiD().estimate(made)


def test_the_scale_is_read_off_a_few_units():
    made = case((7, 30))
    assert probed_scale(made, PoissonDiD()) == LOG
    assert probed_scale(made, LinearDiD()) == COUNT


@pytest.mark.parametrize("estimator", [PoissonDiD(), LinearDiD()])
def test_testing_every_donor_gives_each_rank_once(estimator):
    made = case()
    every = np.flatnonzero(made.comparison)[:, None]
    tested = Placebos.of(made, estimator, scattered(every, UNITS))
    p = FermanPinto().test_many(tested, tested, among=True)
    spread = spread_by_size(made, estimator, share=estimator == POISSON)
    size = np.abs(tested.effects.effect / spread(tested.sets))
    np.testing.assert_allclose(p, [(size >= s * (1 - 1e-12)).mean() for s in size])


def test_the_test_of_a_placebo_is_that_of_infer():
    made, estimator, seed = case((7, 30)), PoissonDiD(), 2019
    one = Placebos.of(made, estimator, made.own_set)
    found = FermanPinto(draws=199).infer(made, estimator, estimator.estimate(made), seed)
    assert FermanPinto(draws=199, reference_seed=seed).test_many(one, one)[0] == found.p_value


def test_a_unit_without_incidents_does_not_break_it():
    made = case((7, 30))
    counts = made.counts.copy()
    counts[11] = 0
    counts[12, :BEFORE] = 0
    counts[13, BEFORE:] = 0
    found = inferred(design(counts, treated=(7, 30), months_before=BEFORE), draws=199)
    assert np.isfinite([found.conf_low, found.conf_high, found.p_value, found.std_error]).all()


def test_few_comparison_units_are_refused():
    with pytest.raises(DesignError, match="only 18 comparison units"):
        inferred(case(units=19))


def test_too_few_draws_are_refused():
    with pytest.raises(UsageError, match="expected at least 19"):
        FermanPinto(draws=1)
