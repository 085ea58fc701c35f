"""The placebo test: its p-value, its interval as the inversion of the test, and what it refuses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import alike, design, lattice, poisson_counts
from scipy import stats

from cseval.areas import PlaceboSets, connected_sets
from cseval.errors import DesignError, UsageError
from cseval.estimators.base import ManyEffects, unlike
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.segmented import SegmentedRegression
from cseval.inference.base import Calibratable, Placebos
from cseval.inference.covariance import ClusterRobust, OwnErrors
from cseval.inference.likeness import FEWEST_SETS, disjoint, similar, similar_ranges
from cseval.inference.placebo import PlaceboNeighbourhoods, critical_value, p_values, reached_in_ranges
from cseval.inference.placebo_districts import PlaceboDistricts
from cseval.inference.placebo_draws import candidates, draw_sets
from cseval.inference.spread import scale_of, studentised, variance_by_size
from cseval.verdict import analysis_verdict

TREATED = [44, 45, 54]
RNG = np.random.default_rng(8)


def make(effect=0.0, seed=1, side=10, treated=TREATED, rings=1, level=6.0, **options):
    counts = poisson_counts(side * side, 16, level=level, treated=treated, start=10, effect=effect, seed=seed)
    return design(counts, treated=treated, months_before=10, shape=(side, side), buffer_rings=rings, **options)


def infer(d, estimator=None, draws=199, seed=3):
    estimator = estimator or PoissonDiD()
    estimate = estimator.estimate(d)
    return estimate, PlaceboNeighbourhoods(draws=draws).infer(d, estimator, estimate, seed)


# p-values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [19, 20, 99, 137])
def test_p_values_are_the_formula_counted_by_hand(size):
    reference = np.round(RNG.normal(size=size), 1)  # rounding makes ties
    tested = np.concatenate([reference[:10], [0.0, 9.0, -9.0]])
    by_hand = [(1 + sum(abs(r) >= abs(t) for r in reference)) / (1 + size) for t in tested]
    assert p_values(tested, reference).tolist() == pytest.approx(by_hand)


def test_rounding_error_does_not_break_a_tie():
    reference = np.array([0.1 + 0.2, 1.0])
    assert p_values(np.array([0.3, -0.3]), reference).tolist() == [1.0, 1.0]


def test_a_missing_statistic_has_no_p_value():
    assert math.isnan(p_values(np.array([np.nan]), np.ones(20))[0])


@pytest.mark.parametrize("size", [19, 20, 38, 39, 40, 99, 250])
@pytest.mark.parametrize("level", [0.05, 0.10])
def test_the_critical_value_parts_what_is_rejected_from_what_is_not(size, level):
    reference = RNG.normal(size=size)
    critical = critical_value(reference, level)
    assert p_values(np.array([critical]), reference)[0] > level
    assert p_values(np.array([critical * (1 + 1e-9)]), reference)[0] <= level + 1e-12


def test_too_few_draws_never_reject():
    assert critical_value(np.ones(18), 0.05) == math.inf
    assert critical_value(np.ones(98), 0.01) == math.inf
    assert critical_value(np.arange(99.0), 0.01) == 98.0


# The test and its inversion ---------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [PoissonDiD(), LinearDiD()], ids=lambda e: e.name)
@pytest.mark.parametrize("draws", [19, 199, 210])
def test_the_interval_holds_exactly_the_effects_that_the_test_does_not_reject(estimator, draws):
    d = make(effect=-0.2)
    estimate, found = infer(d, estimator, draws)
    statistics = found.draws.statistics
    own, coefficients = (estimator.estimate_many(d, s) for s in (d.own_set, found.draws.sets))
    coefficients = variance_by_size(coefficients)
    width = found.conf_high - found.conf_low
    for tau in np.linspace(found.conf_low - width, found.conf_high + width, 401):
        statistic = (estimate.effect - tau) / scale_of(own.under(tau), coefficients)[0]
        p = (1 + sum(abs(s) >= abs(statistic) * (1 - 1e-12) for s in statistics)) / (1 + len(statistics))
        assert (p > 0.05) == (found.conf_low <= tau <= found.conf_high)


def test_p_value_and_statistic_are_the_treated_area_ranked_among_the_draws():
    d = make(effect=-0.3)
    estimate, found = infer(d)
    many = PoissonDiD().estimate_many(d, found.draws.sets)
    coefficients = variance_by_size(many)
    own = PoissonDiD().estimate_many(d, d.own_set)
    statistics = many.effect / np.sqrt(many.variance_terms @ coefficients)
    statistic = estimate.effect / math.sqrt(own.variance_terms[0] @ coefficients)
    assert found.draws.statistic == pytest.approx(statistic)
    assert found.draws.effects.tolist() == many.effect.tolist()
    assert found.p_value == pytest.approx((1 + (np.abs(statistics) >= abs(statistic)).sum()) / (1 + 199))
    assert found.std_error == pytest.approx(estimate.effect / statistic)
    assert found.conf_low < estimate.effect < found.conf_high
    assert found.facts["smallest_p"] == 1 / 200
    assert found.facts["placebo_neighbourhoods"] == 199
    assert found.facts["distinct_neighbourhoods"] == len({tuple(m) for m in found.draws.sets.members.tolist()})


@pytest.mark.parametrize("estimator", [PoissonDiD(), LinearDiD()], ids=lambda e: e.name)
def test_many_on_the_treated_set_is_the_estimate(estimator):
    d = make(effect=-0.2, seed=4)
    own = estimator.estimate_many(d, d.own_set)
    estimate = estimator.estimate(d)
    assert own.effect[0] == pytest.approx(estimate.effect, rel=1e-10)
    error = estimator.cluster_errors(d, d.own_set).std_error[0]
    assert error == pytest.approx(estimate.std_error, rel=1e-7)


@pytest.mark.parametrize("estimator", [PoissonDiD(), LinearDiD()], ids=lambda e: e.name)
def test_each_placebo_effect_is_the_estimate_of_that_design(estimator):
    d = make(seed=6)
    sets = draw_sets(d, 19, seed=1)
    many = estimator.estimate_many(d, sets)
    errors = estimator.cluster_errors(d, sets).std_error
    for members, effect, error in zip(sets.members, many.effect, errors, strict=True):
        alone = estimator.estimate(d.treating([d.units[i] for i in members]))
        assert alone.effect == pytest.approx(effect, rel=1e-9)
        assert alone.std_error == pytest.approx(error, rel=1e-7)


def test_a_multiplied_treated_area_moves_the_estimate_one_for_one_and_narrows_the_interval():
    counts = poisson_counts(100, 16, seed=9)
    more = counts.copy()
    more[TREATED, 10:] *= 3
    results = []
    for values in (counts, more):
        d = design(values, treated=TREATED, months_before=10, shape=(10, 10), buffer_rings=1)
        results.append(infer(d))
    (first, a), (second, b) = results
    shift = math.log(3)
    assert second.effect - first.effect == pytest.approx(shift)
    assert b.conf_high - b.conf_low < a.conf_high - a.conf_low  # with more incidents the ratio varies less
    assert b.std_error == pytest.approx(a.std_error)
    assert b.draws.statistics.tolist() == a.draws.statistics.tolist()


def test_a_large_effect_gets_the_smallest_p_there_is():
    _, found = infer(make(effect=-2.0, level=20.0))
    assert found.p_value == found.facts["smallest_p"] == 1 / 200
    assert found.conf_high < 0


def test_placebos_come_from_the_comparison_and_never_from_the_programme_or_its_ring():
    d = make()
    sets = draw_sets(d, 300, seed=2)
    assert sets.members.shape == (300, 3)
    assert d.comparison[sets.members].all()
    assert not set(sets.ring.ravel().tolist()) - set(np.flatnonzero(d.comparison).tolist()) - {100}


def test_draws_are_a_function_of_the_seed():
    d = make()
    method = PlaceboNeighbourhoods(draws=99)
    a, b, c = (method.reference(d, PoissonDiD(), 99, s).effects.effect for s in (1, 1, 2))
    assert a.tolist() == b.tolist()
    assert a.tolist() != c.tolist()
    again = make()  # the same draws in a design built anew, not only in the one kept
    assert method.reference(again, PoissonDiD(), 99, 1).effects.effect.tolist() == a.tolist()


def test_kept_draws_are_never_those_of_another_comparison():
    d = make(seed=2)
    narrow = replace(d, pool=frozenset(d.units[:40]))
    assert draw_sets(d, 99, 5).members.max() >= 40
    assert draw_sets(narrow, 99, 5).members.max() < 40
    assert draw_sets(replace(d, buffer_rings=0), 99, 5).ring.min() == 100


# Enumeration ------------------------------------------------------------------------------------


def test_few_sets_are_all_taken_once():
    d = make(side=6, treated=[14, 15], rings=1)
    every = connected_sets(d.areas, d.comparison, 2, 10_000)
    assert len(every) < 99  # too few to leave any out
    _, found = infer(d, draws=999)
    assert found.facts["match_factor"] == math.inf
    assert found.facts["exact"]
    assert found.note == "every connected set of similar count enumerated"
    assert sorted(map(tuple, found.draws.sets.members.tolist())) == sorted(map(tuple, every.tolist()))
    assert found.facts["smallest_p"] == 1 / (1 + len(every))
    one, other = (infer(d, draws=999, seed=s)[1] for s in (1, 2))
    assert one.p_value == other.p_value


def test_more_sets_than_draws_are_drawn():
    d = make(side=6, treated=[14, 15, 20], rings=0)
    _, found = infer(d, draws=50)
    assert not found.facts["exact"]
    assert found.facts["placebo_neighbourhoods"] == 50


def test_one_treated_unit_cannot_show_a_smaller_p_than_its_comparison_units_give():
    d = make(effect=-2.0, level=20.0, treated=[44])
    _, found = infer(d, draws=9999)
    assert found.facts["exact"]
    same = alike(d.pre_counts[d.comparison].tolist(), d.pre_counts[44])
    assert found.p_value == 1 / (1 + len(same[0])) >= 1 / (1 + 95)


def test_too_few_sets_are_refused():
    row = poisson_counts(24, 16, seed=1)
    d = design(row, treated=[0, 1, 2, 3], months_before=10)  # 20 units in a row: 17 sets of four
    with pytest.raises(DesignError, match="only 17 placebo neighbourhoods of 4 adjoining units exist"):
        draw_sets(d, 999, 1)
    enough = design(poisson_counts(26, 16, seed=1), treated=[0, 1, 2, 3], months_before=10)
    assert len(draw_sets(enough, 999, 1)) == FEWEST_SETS


def test_more_treated_than_comparison_units_are_refused():
    d = make()
    few = replace(d, pool=frozenset([d.units[0], d.units[1]]))
    with pytest.raises(DesignError, match="3 treated units and 2 comparison units"):
        infer(few)


def test_too_few_draws_and_other_estimators_are_refused():
    with pytest.raises(UsageError, match="18 draws"):
        PlaceboNeighbourhoods(draws=18)
    d = make()
    with pytest.raises(UsageError, match="has no effect for many neighbourhoods at once"):
        PlaceboNeighbourhoods(draws=99).infer(d, SegmentedRegression(), PoissonDiD().estimate(d), 1)


@pytest.mark.parametrize("silent", [1, 4, 5, 9])
def test_a_placebo_without_incidents_after_the_start_counts_as_infinite(silent):
    counts = poisson_counts(100, 16, level=20, treated=[44], start=10, effect=-3.0, seed=3)
    counts[:silent, 10:] = 0
    d = design(counts, treated=[44], months_before=10, shape=(10, 10), buffer_rings=1)
    _, found = infer(d)
    assert np.isposinf(found.draws.statistics).sum() == silent
    assert found.facts["placebo_neighbourhoods"] == 95
    assert math.isfinite(found.std_error)
    assert found.p_value == (1 + silent) / 96  # a large fall, but no finding beats falling by everything
    # at 5 % four of 95 may lie beyond a finding, so from the fifth on nothing is one
    assert (found.conf_high < 0) == (found.p_value <= 0.05) == (silent < 4)


def test_effects_that_cannot_be_computed_are_infinite_and_the_rest_are_scaled():
    many = many_effects(0.02, 1.0, sets=50)
    gappy = replace(many, effect=np.append(many.effect[:-1], np.nan))
    statistics = studentised(gappy, np.array([0.02, 1.0]))
    assert statistics[:-1].tolist() == (many.effect / scale_of(many, np.array([0.02, 1.0])))[:-1].tolist()
    assert np.isposinf(statistics).tolist() == [False] * 49 + [True]


# Matching on the count --------------------------------------------------------------------------


@pytest.mark.parametrize("own", [0, 1, 7, 12, 60, 90, 100, 300, 5000])
@pytest.mark.parametrize("sets", [19, 98, 99, 150, 2000])
def test_similar_sets_are_those_of_the_rule(sets, own):
    counts = np.random.default_rng(sets).negative_binomial(2, 0.02, sets).astype(float)
    which, factor = similar(counts, float(own))
    assert (which.tolist(), factor) == alike(counts.tolist(), own)


@pytest.mark.parametrize("sets", [19, 150, 2000])
def test_ranges_of_ordered_counts_are_the_same_rule(sets):
    rng = np.random.default_rng(sets)
    ordered = np.sort(rng.negative_binomial(2, 0.02, sets)).astype(float)
    own = np.append(rng.choice(ordered, 40), [0.0, 1.0, 2.0, 3.0, 1e6])
    for count, first, last in zip(own, *similar_ranges(ordered, own), strict=True):
        assert list(range(first, last)) == alike(ordered.tolist(), count)[0]


def test_the_ends_of_a_range_belong_to_it():
    for factor, tail in ((1.5, 0), (2, 60), (3, 60)):
        own = 36.0
        inside = np.repeat([own / factor, own * factor], 50 if factor == 1.5 else 30)
        counts = np.concatenate([inside, np.repeat(own, tail - 21 if tail else 0), [own / factor - 1]])
        which, found = similar(counts, own)
        assert (which.tolist(), found) == (list(range(len(counts) - 1)), factor)


def busy_and_quiet():
    """A map whose right half is ten times as busy as its left."""
    rng = np.random.default_rng(4)
    level = np.where(np.arange(400) % 20 < 10, 3.0, 30.0)[:, None] * np.exp(0.2 * rng.normal(size=(400, 1)))
    counts = rng.poisson(np.broadcast_to(level, (400, 12)))
    return design(counts, treated=[210, 211], months_before=8, shape=(20, 20), buffer_rings=1)


def test_a_busy_area_is_ranked_among_busy_ones_only():
    d = busy_and_quiet()
    own = d.pre_counts[[210, 211]].sum()
    estimate, found = infer(d, draws=200)
    members, exact = candidates(d, 800, 3)
    assert exact
    which, factor = alike(d.pre_counts[members].sum(axis=1).tolist(), own)
    assert found.facts["match_factor"] == factor == 1.5
    assert 200 < len(which) < len(members)
    like = {tuple(m) for m in members[which].tolist()}
    drawn = [tuple(m) for m in found.draws.sets.members.tolist()]
    assert set(drawn) <= like
    assert len(drawn) == len(set(drawn)) == 200  # a cut of an enumeration takes none twice
    assert found.conf_low < estimate.effect < found.conf_high


def test_an_enumeration_longer_than_the_draws_is_cut_at_random():
    d = busy_and_quiet()
    members, _ = candidates(d, 800, 3)
    which = alike(d.pre_counts[members].sum(axis=1).tolist(), d.pre_counts[[210, 211]].sum())[0]
    cut = [infer(d, draws=200, seed=seed)[1] for seed in (1, 1, 2)]
    first, again, other = ([tuple(m) for m in c.draws.sets.members.tolist()] for c in cut)
    assert first == again != other
    assert not any(c.facts["exact"] or c.note for c in cut)
    # from the whole map, and not from the rows at which the enumeration begins
    rows = np.array([m[0] // 20 for m in members[which].tolist()])
    for taken in (first, other):
        kept = np.array([m[0] // 20 for m in taken])
        assert kept.mean() == pytest.approx(rows.mean(), abs=4 * rows.std() / math.sqrt(200))
        assert kept.max() == rows.max()


def test_disjoint_sets_share_no_unit():
    d = make(side=20, treated=[44, 45, 64])
    sets = draw_sets(d, 500, 1)
    count, used = 0, set()
    for row in sets.members.tolist():
        if not used & set(row):
            count, used = count + 1, used | set(row)
    assert disjoint(sets) == count
    assert len(used) == 3 * count <= d.comparison.sum()
    assert 20 < count < sets.distinct
    rows = np.array([[0, 1], [1, 2], [2, 3], [0, 1], [4, 5]])
    assert disjoint(PlaceboSets(members=rows, ring=np.full((5, 1), 9))) == 3
    _, found = infer(d)
    assert found.facts["disjoint_neighbourhoods"] == disjoint(found.draws.sets)


# The variance by size ---------------------------------------------------------------------------


def many_effects(a, b, sets=40_000, seed=0):
    rng = np.random.default_rng(seed)
    v = rng.gamma(2, 0.02, sets)
    effect = rng.normal(size=sets) * np.sqrt(a + b * v)
    return effects_of(effect, np.stack([np.ones(sets), v], axis=1))


def effects_of(effect, terms) -> ManyEffects:
    return ManyEffects(effect=effect, variance_terms=terms, size=np.ones(len(effect)))


@pytest.mark.parametrize(("a", "b"), [(0.02, 1.5), (0.0, 2.0), (0.05, 0.0), (1e-6, 1e-4)])
def test_a_known_variance_is_recovered(a, b):
    many = many_effects(a, b)
    found = variance_by_size(many)
    assert (found >= 0).all()
    mean = many.variance_terms[:, 1].mean()
    assert found @ [1, mean] == pytest.approx(a + b * mean, rel=0.03)
    assert found[0] == pytest.approx(a, abs=0.08 * (a + b * mean))
    assert found[1] * mean == pytest.approx(b * mean, abs=0.08 * (a + b * mean))
    assert scale_of(many, np.array([a, b])) == pytest.approx(np.sqrt(a + b * many.variance_terms[:, 1]))


def test_a_variance_that_falls_with_size_is_never_fitted_below_zero():
    rng = np.random.default_rng(1)
    v = rng.uniform(0.1, 1, 5000)
    effect = rng.normal(size=5000) * np.sqrt(1.1 - v)
    many = effects_of(effect, np.stack([np.ones(5000), v], axis=1))
    assert (variance_by_size(many) >= 0).all()
    assert variance_by_size(many)[1] == 0


def test_missing_effects_do_not_enter_the_variance():
    many = many_effects(0.02, 1.5, sets=500)
    gappy = replace(
        many,
        effect=np.append(many.effect, np.nan),
        variance_terms=np.append(many.variance_terms, [[1, np.nan]], axis=0),
    )
    assert variance_by_size(gappy).tolist() == variance_by_size(many).tolist()


def test_an_effect_without_variance_has_no_scale():
    many = many_effects(0.02, 1.0, sets=3)
    assert np.isnan(scale_of(many, np.zeros(2))).all()


# The others beside it ---------------------------------------------------------------------------


def test_cluster_robust_passes_on_the_estimators_errors_and_warns_of_few_units():
    d = make()
    estimate = PoissonDiD().estimate(d)
    found = ClusterRobust().infer(d, PoissonDiD(), estimate, 0)
    assert (found.std_error, found.conf_low, found.conf_high, found.p_value) == (
        estimate.std_error,
        estimate.conf_low,
        estimate.conf_high,
        estimate.p_value,
    )
    assert not found.reliable
    assert "3 treated units" in found.note
    many = PoissonDiD().estimate(make(treated=[44, 45, 54, 55, 64, 65]))
    assert ClusterRobust().infer(d, PoissonDiD(), many, 0).reliable
    own = OwnErrors().infer(d, PoissonDiD(), estimate, 0)
    assert own.method == estimate.inference
    assert own.p_value == estimate.p_value


def test_methods_that_can_be_calibrated_say_so():
    assert isinstance(PlaceboNeighbourhoods(), Calibratable)
    assert isinstance(PlaceboDistricts(), Calibratable)
    assert isinstance(ClusterRobust(), Calibratable)
    assert not isinstance(OwnErrors(), Calibratable)


def test_many_tests_are_each_test_alone():
    d = make(seed=12)
    among, few = (PlaceboNeighbourhoods().reference(d, PoissonDiD(), n, s) for n, s in ((199, 1), (40, 2)))
    p = PlaceboNeighbourhoods().test_many(few, among)
    reference, tested = among.effects, few.effects
    coefficients = variance_by_size(reference)
    s = np.abs(reference.effect / scale_of(reference, coefficients))
    sizes = set()
    for k in range(40):
        like, _ = alike(reference.size.tolist(), tested.size[k])
        sizes.add(len(like))
        own = abs(tested.effect[k]) / math.sqrt(tested.variance_terms[k] @ coefficients)
        assert p[k] == pytest.approx((1 + (s[like] >= own * (1 - 1e-12)).sum()) / (1 + len(like)))
        # the interval of the same test holds zero where it does not reject
        assert (p[k] <= 0.05 + 1e-12) == (own > critical_value(s[like], 0.05))
    assert len(sizes) > 3  # each is ranked among its own


def test_many_cluster_robust_tests_are_each_estimate_s_own():
    d = make(seed=12)
    tested = PlaceboNeighbourhoods().reference(d, PoissonDiD(), 40, 2)
    p = ClusterRobust().test_many(tested, tested)
    df = PoissonDiD().cluster_errors(d, tested.sets).df
    for k in range(0, 40, 5):
        alone = PoissonDiD().estimate(d.treating([d.units[i] for i in tested.sets.members[k]]))
        clusters = alone.treated_units + alone.comparison_units
        assert df[k] == clusters - 1
        assert p[k] == pytest.approx(alone.p_value)
        assert p[k] == pytest.approx(2 * stats.t.sf(abs(alone.effect) / alone.std_error, clusters - 1))
        assert (p[k] > 0.05) == (alone.conf_low <= 0 <= alone.conf_high)


# A treated area unlike the places it is ranked among --------------------------------------------


@pytest.mark.parametrize(
    ("own", "others", "words"),
    [
        (1.0, np.linspace(0, 0.9, 31), "every one of the 31"),
        (1.0, np.append(np.zeros(30), 2.0), "30 of the 31"),
        (1.0, np.append(np.zeros(29), [2.0, 3.0]), ""),
        (1.0, np.append(np.zeros(30), np.nan), "30 of the 31"),
        (1.0, np.ones(31), ""),
        (1.0, np.append(np.zeros(960), np.full(40, 2.0)), "960 of the 1000"),
        (1.0, np.append(np.zeros(950), np.full(50, 2.0)), ""),
        (0.0, np.full(31, -0.1), ""),
        (1.0, np.zeros(18), ""),
        (np.nan, np.zeros(31), ""),
    ],
)
def test_an_area_fitted_worse_than_nearly_all_is_unlike_them(own, others, words):
    assert unlike(own, others) == words


def test_a_rank_among_places_that_are_fitted_better_is_not_reliable():
    d = make(effect=-0.2)
    estimate, plain = infer(d)
    assert plain.reliable
    own, reference = (PoissonDiD().estimate_many(d, s) for s in (d.own_set, plain.draws.sets))
    others = np.linspace(-0.01, 0.05, len(reference))
    for misfit, note in ((0.01, ""), (0.0499, "198 of the 199"), (0.06, "every one of the 199")):
        found = PlaceboNeighbourhoods().rank(
            estimate, replace(own, misfit=np.array([misfit])), replace(reference, misfit=others), plain.draws.sets, 1.5
        )
        assert found.reliable == (not note)
        assert found.p_value == plain.p_value
        expected = f"the treated area is fitted worse before the start than {note} places it is ranked among, so its"
        assert found.note.startswith(expected) if note else found.note == plain.note
    verdicts = {analysis_verdict(-0.3, -0.1, 0.05, r) for r in (True, False)}
    assert "not reliable enough to read" in verdicts
    assert len(verdicts) == 2


def test_a_silent_placebo_beats_every_other_when_it_is_tested():
    many = effects_of(np.append(np.linspace(-1, 1, 199), np.nan), np.ones((200, 1)))
    d = make()
    members = np.zeros((200, 1), dtype=np.int64)
    sets = PlaceboSets(members=members, ring=members)
    placebos = Placebos(design=d, estimator=PoissonDiD(), sets=sets, effects=many)  # nothing but the effects counts
    p = PlaceboNeighbourhoods().test_many(placebos, placebos, among=True)
    assert p[-1] == 1 / 200
    assert p[:199].min() == 3 / 200  # itself, the other end, and the silent one


def test_effects_are_taken_and_joined_field_by_field():
    many = many_effects(0.02, 1.0, sets=10)
    parts = [many.take(np.array([7, 2])), many.take(np.arange(10) < 3)]
    whole = ManyEffects.join(parts)
    assert len(whole) == 5
    for name in ("effect", "variance_terms", "size"):
        assert getattr(whole, name).tolist() == getattr(many, name)[[7, 2, 0, 1, 2]].tolist()


def test_the_lattice_of_these_tests_touches_side_by_side():
    assert lattice(10, 10).neighbours[44] == (34, 43, 45, 54)


def test_many_ranges_are_counted_as_a_few_are():
    rng = np.random.default_rng(3)
    statistics = np.abs(rng.normal(size=300))
    statistics[10:20], statistics[25] = statistics[10], np.inf
    first = rng.integers(0, 200, 900)
    last = first + rng.integers(0, 100, 900)
    own = np.concatenate([rng.choice(statistics, 450), np.abs(rng.normal(size=450))])
    by_hand = [sum(s >= o for s in statistics[a:b]) for o, a, b in zip(own, first, last, strict=True)]
    assert reached_in_ranges(statistics, first, last, own).tolist() == by_hand
