"""Linear difference in differences: linearmodels against the difference of four means."""

from __future__ import annotations

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.areas import PlaceboSets, draw_connected
from cseval.errors import EstimationError, SpecError
from cseval.estimators.linear_did import LinearDiD

TREATED = [7, 8, 13]


def make(exposure=None, **options):
    counts = poisson_counts(36, 20, treated=TREATED, start=12, effect=-0.2, seed=4)
    return design(counts, treated=TREATED, months_before=12, shape=(6, 6), exposure=exposure, **options)


def four_means(values, d):
    t, c, post = d.is_treated, d.comparison, d.post
    return (
        values[t][:, post].mean() - values[t][:, ~post].mean() - values[c][:, post].mean() + values[c][:, ~post].mean()
    )


def test_effect_is_the_difference_of_four_means():
    d = make(buffer_rings=1)
    e = LinearDiD().estimate(d)
    assert e.effect == pytest.approx(four_means(d.counts, d), abs=1e-10)
    assert e.counterfactual == pytest.approx(e.observed - e.effect * 3 * 8, rel=1e-12)
    assert e.averted()[0] == pytest.approx(e.counterfactual - e.observed, rel=1e-10)


@pytest.mark.parametrize("per", [None, 1000.0])
def test_many_sets_equal_linearmodels_set_by_set(per):
    exposure = np.random.default_rng(3).uniform(500, 2000, (36, 20))
    d, estimator = make(exposure=exposure, buffer_rings=1), LinearDiD(per=per)
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 3, np.random.default_rng(0)))
    many = estimator.estimate_many(d, sets)
    for row in range(len(sets)):
        one = estimator.estimate(d.treating(d.units[i] for i in sets.members[row]))
        assert many.effect[row] == pytest.approx(one.effect, abs=1e-10)
        assert many.cluster_se[row] == pytest.approx(one.std_error, abs=1e-10)
    own, e = estimator.estimate_many(d, d.own_set), estimator.estimate(d)
    assert own.effect[0] == pytest.approx(e.effect, abs=1e-10)
    assert own.cluster_se[0] == pytest.approx(e.std_error, abs=1e-10)


@pytest.mark.parametrize("per", [None, 1000.0])
@pytest.mark.parametrize("width", [1, 4])
def test_padded_rows_are_the_sets_without_padding(per, width):
    exposure = np.random.default_rng(3).uniform(500, 2000, (36, 20))
    d, estimator = make(exposure=exposure, buffer_rings=1), LinearDiD(per=per)
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 8, np.random.default_rng(0)))
    plain = estimator.estimate_many(d, sets)
    padding = np.full((8, width), len(d.units))
    padded = PlaceboSets(members=np.hstack([sets.members, padding]), ring=np.hstack([sets.ring, padding]))
    many = estimator.estimate_many(d, padded)
    for name in ("effect", "variance_terms", "cluster_se", "clusters", "size"):
        assert getattr(many, name) == pytest.approx(getattr(plain, name), rel=1e-12)
    assert many.clusters.tolist() == [d.treating(d.units[i] for i in m).comparison.sum() + 3 for m in sets.members]
    assert many.size.tolist() == [d.pre_counts[m].sum() for m in sets.members]


def test_variance_terms_are_the_baseline_level_and_its_square():
    d = make()
    terms = LinearDiD().estimate_many(d, d.own_set).variance_terms[0]
    level = d.counts[d.is_treated][:, ~d.post].mean()
    assert terms == pytest.approx([level, level**2], rel=1e-12)


def test_rate_is_turned_into_incidents_through_the_exposure():
    exposure = np.repeat(np.random.default_rng(3).uniform(500, 2000, (36, 1)), 20, axis=1)
    d = make(exposure=exposure)
    e = LinearDiD(per=1000).estimate(d)
    rate = four_means(1000 * d.counts / exposure, d)
    assert e.coefficients["estimate"][0] == pytest.approx(rate, abs=1e-10)
    people = exposure[d.is_treated].mean() / 1000
    assert e.effect == pytest.approx(rate * people, rel=1e-10)
    assert e.counterfactual == pytest.approx(e.observed - rate * people * 3 * 8, rel=1e-10)


@pytest.mark.parametrize("per", [None, 1000.0])
def test_path_differs_from_its_counterfactual_by_the_effect_after_the_start_only(per):
    exposure = np.repeat(np.random.default_rng(3).uniform(500, 2000, (36, 1)), 20, axis=1)
    d = make(exposure=exposure)
    e = LinearDiD(per=per).estimate(d)
    gap = (e.path["fitted"] - e.path["counterfactual"]).to_numpy()
    assert gap[~d.post] == pytest.approx(0, abs=1e-12)
    assert gap[d.post] == pytest.approx(3 * e.effect, rel=1e-10)
    if per is None:
        assert e.path["counterfactual"][d.post].sum() == pytest.approx(e.counterfactual, rel=1e-10)


def test_a_rate_needs_exposure_and_a_positive_base():
    with pytest.raises(EstimationError, match="no exposure"):
        LinearDiD(per=1000).estimate(make())
    with pytest.raises(SpecError, match="above 0"):
        LinearDiD(per=0)
