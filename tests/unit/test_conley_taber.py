"""Conley and Taber's test: the paper's formula by hand, the permutation over donors, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.errors import DesignError, UsageError
from cseval.estimate import COUNT
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.base import Calibratable, Placebos
from cseval.inference.conley_taber import ConleyTaber
from cseval.inference.guard import Guarded
from cseval.inference.scattered_sets import draw_scattered, reference_sets, scattered

UNITS, BEFORE, AFTER = 60, 12, 6
POISSON = PoissonDiD()


def case(treated=(7,), *, effect=0.0, units=UNITS, **given):
    counts = poisson_counts(units, BEFORE + AFTER, treated=treated, start=BEFORE, effect=effect, seed=3)
    return design(counts, treated=treated, months_before=BEFORE, **given)


def inferred(made, estimator=POISSON, seed=1, **options):
    return ConleyTaber(**options).infer(made, estimator, estimator.estimate(made), seed)


def test_it_is_a_calibratable_method_that_says_what_it_needs():
    assert isinstance(ConleyTaber(), Calibratable)
    assert isinstance(ConleyTaber(), Guarded)


def papers_effect(made, chosen):
    """Conley and Taber's formula: residuals of comparison units in place of the treated ones'."""
    counts, post = made.counts.astype(float), made.post
    comparison = counts[made.comparison]
    residual = comparison - comparison.mean(axis=1, keepdims=True) - comparison.mean(axis=0) + comparison.mean()
    row = {unit: i for i, unit in enumerate(np.flatnonzero(made.comparison).tolist())}
    d = post.astype(float) - post.mean()
    top = sum(d[t] * residual[row[unit], t] for unit in chosen for t in range(len(d)))
    return top / (len(chosen) * (d**2).sum())


def test_the_linear_placebo_effects_are_the_papers_formula():
    made, size = case((7, 30, 31)), 3
    sets = reference_sets(made, size, 40, seed=5)
    left = int(made.comparison.sum())
    direct = [papers_effect(made, chosen) * left / (left - size) for chosen in sets.members.tolist()]
    np.testing.assert_allclose(LinearDiD().estimate_many(made, sets).effect, direct, rtol=1e-9)


def test_the_p_value_is_the_rank_among_the_same_draws():
    made = case((7, 30, 31), effect=-0.4)
    found = inferred(made, LinearDiD(), seed=5, draws=99)
    sets = reference_sets(made, 3, 99, seed=5)
    left = int(made.comparison.sum())
    direct = np.array([papers_effect(made, chosen) * left / (left - 3) for chosen in sets.members.tolist()])
    own = LinearDiD().estimate(made).effect
    assert found.p_value == pytest.approx((1 + (abs(direct) >= abs(own)).sum()) / 100)


def test_one_treated_unit_is_a_permutation_over_every_donor():
    made = case()
    found = inferred(made, draws=19)
    donors = int(made.comparison.sum())
    assert found.facts["random_sets"] == donors
    assert found.facts["exact"] is True
    assert found.facts["smallest_p"] == pytest.approx(1 / (1 + donors))
    assert found.note == f"permutation over all {donors} comparison units, as if neighbours were independent"
    own = abs(PoissonDiD().estimate(made).effect)
    one_by_one = [abs(PoissonDiD().estimate(made.treating([u])).effect) for u in made.units if u != "U007"]
    assert found.p_value == pytest.approx((1 + sum(e >= own for e in one_by_one)) / (1 + donors))


@pytest.mark.parametrize("effect", [-0.6, 0.0, 0.3])
def test_the_interval_holds_zero_exactly_where_p_exceeds_five_percent(effect):
    found = inferred(case((7, 30), effect=effect), draws=199)
    assert (found.conf_low <= 0 <= found.conf_high) == (found.p_value > 0.05)


def test_the_interval_is_the_set_of_effects_that_the_test_accepts():
    made, estimator = case((7, 30), effect=-0.4), LinearDiD()
    found = inferred(made, estimator, draws=199)
    sets = reference_sets(made, 2, 199, seed=1)
    reference = np.sort(abs(estimator.estimate_many(made, sets).effect))[::-1]
    own = estimator.estimate(made).effect
    for end, outwards in ((found.conf_low, -1), (found.conf_high, 1)):
        inside, outside = own - (end - outwards * 1e-6), own - (end + outwards * 1e-6)
        assert (1 + (reference >= abs(inside)).sum()) / 200 > 0.05
        assert (1 + (reference >= abs(outside)).sum()) / 200 <= 0.05


def test_no_ring_is_left_out_of_a_random_set_of_its_own():
    made = case((7, 8), buffer_rings=1, shape=(6, 10))
    sets = reference_sets(made, 2, 30, seed=1)
    assert (sets.ring == len(made.units)).all()
    assert made.comparison[sets.members].all()


def test_random_sets_are_uniform_over_all_sets():
    members, exact = draw_scattered(np.ones(6, dtype=bool), 2, 14, np.random.default_rng(0))
    assert not exact
    members, exact = draw_scattered(np.ones(60, dtype=bool), 3, 30_000, np.random.default_rng(0))
    assert not exact
    assert (np.diff(members, axis=1) > 0).all()
    counts = np.bincount(members.ravel(), minlength=60)
    expected = 30_000 * 3 / 60
    assert 30 < ((counts - expected) ** 2 / expected).sum() < 100  # chi-square of 59 degrees of freedom


def test_all_sets_are_taken_where_they_are_few():
    members, exact = draw_scattered(np.array([True] * 6 + [False]), 2, 15, np.random.default_rng(0))
    assert exact
    assert len(np.unique(members, axis=0)) == 15


def test_the_order_of_units_does_not_matter():
    made, turned = case(), np.arange(UNITS)[::-1]
    counts = made.counts[turned]
    other = design(counts, treated=[UNITS - 1 - 7], months_before=BEFORE)
    first, second = inferred(made), inferred(other)
    assert first.p_value == second.p_value
    assert first.conf_low == pytest.approx(second.conf_low, rel=1e-12)


def test_a_linear_interval_scales_with_the_counts():
    made, many = case(), case()
    many = design(10 * made.counts, treated=(7,), months_before=BEFORE)
    first, second = inferred(made, LinearDiD()), inferred(many, LinearDiD())
    assert second.p_value == first.p_value
    assert second.conf_high == pytest.approx(10 * first.conf_high)
    assert LinearDiD().estimate(made).scale == COUNT


def test_testing_every_donor_gives_each_rank_once():
    made = case()
    every = np.flatnonzero(made.comparison)[:, None]
    tested = Placebos.of(made, PoissonDiD(), scattered(every, len(made.units)))
    p = ConleyTaber().test_many(tested, tested, among=True)
    size = np.abs(tested.effects.effect)
    np.testing.assert_allclose(p, [(size >= s * (1 - 1e-12)).mean() for s in size])


def test_sets_of_different_sizes_are_each_ranked_among_their_own_size():
    made = case((7, 30))
    members = np.array([[1, 2, UNITS], [3, 4, 5]])
    tested = Placebos.of(made, LinearDiD(), scattered(members, UNITS))
    both = ConleyTaber(draws=99).test_many(tested, tested)
    for row in (0, 1):
        alone = ConleyTaber(draws=99).test_many(tested.take(np.array([row])), tested)
        assert both[row] == alone[0]


def test_a_strong_effect_is_found():
    assert inferred(case((7, 30, 31), effect=-1.2), draws=999).p_value < 0.01


def test_few_comparison_units_are_refused():
    with pytest.raises(DesignError, match="only 18 comparison units; expected at least 20"):
        inferred(case((7,), units=19))


def test_a_set_that_leaves_no_comparison_is_refused():
    made = case(tuple(range(30)), units=52)
    with pytest.raises(DesignError, match="only 22 comparison units; expected at least 31"):
        inferred(made)


def test_too_few_draws_are_refused():
    with pytest.raises(UsageError, match="18 draws; expected at least 19"):
        ConleyTaber(draws=18)


def test_the_seed_of_infer_is_used():
    made = case((7, 30, 31), effect=-0.2)
    assert inferred(made, seed=1).conf_low != inferred(made, seed=2).conf_low
    assert inferred(made, seed=1).conf_low == inferred(made, seed=1).conf_low


def test_an_own_effect_outside_the_placebos_has_the_smallest_p():
    made = case()
    estimate = replace(PoissonDiD().estimate(made), effect=9.0)
    found = ConleyTaber().infer(made, PoissonDiD(), estimate, 1)
    assert found.conf_low > 0  # the interval is put around the estimate that is given
