"""Placebo neighbourhoods in the shape of the treated area: several near each other, alike in count and trend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import design, lattice, poisson_counts

from cseval.areas import Areas, PlaceboSets
from cseval.errors import DesignError, SpecError
from cseval.estimators.base import ManyEffects
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.likeness import TREND_MATCH, pre_trends, separate, similar_trend
from cseval.inference.placebo import PlaceboNeighbourhoods, interval_end
from cseval.inference.placebo_districts import PlaceboDistricts
from cseval.inference.placebo_draws import Shape, apart, candidates, draw_like, draw_shapes, grow_from, hops, shape_of
from cseval.inference.spread import OverdispersedPoisson, Spread, VarianceBySize, studentised
from cseval.spec import Programme

SIDE = 16
APART = [34, 35, 50, 38, 39, 130]  # three adjoining, two that lie three steps on, one further down


def make(effect=0.0, seed=1, treated=APART, level=8.0):
    counts = poisson_counts(SIDE**2, 16, level=level, treated=treated, start=10, effect=effect, seed=seed)
    return design(counts, treated=treated, months_before=10, shape=(SIDE, SIDE), buffer_rings=1)


def distance(a, b) -> int:
    """Steps between two units of the lattice, along its sides."""
    return abs(a // SIDE - b // SIDE) + abs(a % SIDE - b % SIDE)


def gap(one, other) -> int:
    return min(distance(a, b) for a in one for b in other)


def parts_of(d, row) -> list[list[int]]:
    position = d.areas.position
    return [sorted(position[u] for u in part) for part in d.areas.components(d.units[i] for i in row)]


def test_the_shape_of_a_treated_area_is_its_parts_and_the_steps_between_them():
    assert shape_of(make()) == Shape(sizes=(3, 2, 1), steps=((), (3,), (5, 10)))
    assert shape_of(make(treated=[34, 35])) == Shape(sizes=(2,), steps=((),))
    assert shape_of(make(treated=[34, 35])).single


def test_each_draw_has_as_many_neighbourhoods_of_the_same_sizes_as_far_apart():
    d = make()
    members, exact = candidates(d, 400, 1)
    assert members.shape == (400, 6)
    assert not exact
    for row in members.tolist():
        parts = parts_of(d, row)
        assert sorted(map(len, parts), reverse=True) == [3, 2, 1]
        first, second, third = sorted(parts, key=len, reverse=True)
        assert 2 <= gap(first, second) <= 4
        assert 4 <= gap(first, third) <= 6
        assert 8 <= gap(second, third) <= 12
    assert d.comparison[members].all()


def test_parts_on_another_island_are_drawn_on_another_one():
    grid = lattice(SIDE, SIDE)
    cut = ((grid.pairs // SIDE < 8).sum(axis=1)) % 2 == 0  # no way between the upper and the lower half
    areas = Areas(units=grid.units, pairs=grid.pairs[cut], border=grid.border[cut])
    members, _ = draw_shapes(areas, np.ones(SIDE**2, dtype=bool), Shape(sizes=(2, 1), steps=((), (0,))), 300, 1)
    halves = {tuple(sorted(set((row // (8 * SIDE)).tolist()))) for row in members}
    assert halves == {(0, 1)}  # no way between the parts, as between the programme's


def test_draws_are_a_function_of_the_seed_and_of_nothing_else():
    one, other = make(seed=1), make(seed=2)
    assert candidates(one, 300, 5)[0].tolist() == candidates(other, 300, 5)[0].tolist()
    assert candidates(one, 300, 5)[0].tolist() != candidates(one, 300, 6)[0].tolist()


def test_a_map_without_room_for_the_parts_is_refused():
    areas = lattice(1, 40)
    pool = np.zeros(40, dtype=bool)
    pool[:7] = True
    with pytest.raises(DesignError, match="2 separate placebo neighbourhoods of 4, 3 units do not fit"):
        draw_shapes(areas, pool, Shape(sizes=(4, 3), steps=((), (2,))), 50, 1)


def test_a_set_larger_than_any_connected_part_is_refused():
    pool = np.ones(120, dtype=bool)
    pool[::5] = False  # parts of four
    with pytest.raises(DesignError, match="no 5 adjoining comparison units"):
        draw_shapes(lattice(1, 120), pool, Shape(sizes=(5,), steps=((),)), 200, 1)


def test_few_sets_are_each_taken_once_so_that_p_is_no_smaller_than_they_give():
    pool = np.ones(49, dtype=bool)
    found, _ = draw_shapes(lattice(7, 7), pool, Shape(sizes=(1, 1), steps=((), (10,))), 4000, 1)
    every = {(a, b) for a in range(49) for b in range(a) if 8 <= abs(a // 7 - b // 7) + abs(a % 7 - b % 7) <= 12}
    assert {tuple(sorted(row, reverse=True)) for row in found.tolist()} == every
    assert len(found) == len(every)
    members, exact = draw_shapes(lattice(9, 9), np.ones(81, dtype=bool), Shape(sizes=(3,), steps=((),)), 4000, 1)
    assert exact
    assert len(members) == len({tuple(row) for row in members.tolist()}) == 382


def test_steps_are_those_along_the_sides_and_far_parts_may_differ_a_little_more():
    steps = hops(lattice(SIDE, SIDE))
    assert all(steps[a, b] == distance(a, b) for a in range(0, 256, 17) for b in range(0, 256, 5))
    assert (apart(2), apart(5), apart(20)) == ((2, 3), (4, 6), (15, 25))


def test_sets_grown_from_a_unit_are_connected_and_in_the_pool():
    areas, rng = lattice(SIDE, SIDE), np.random.default_rng(1)
    starts = rng.integers(0, SIDE**2, 500)
    pool = np.ones(SIDE**2, dtype=bool)
    pool[:SIDE] = False
    sets, grown = grow_from(areas, pool, starts, 4, rng)
    assert grown.tolist() == (starts >= SIDE).tolist()
    for row in sets[grown].tolist():
        assert len(areas.components(areas.units[i] for i in row)) == 1
        assert pool[row].all()
    alone = np.zeros(SIDE**2, dtype=bool)
    alone[5] = True
    assert not grow_from(areas, alone, np.array([5]), 2, rng)[1].any()


def test_a_time_series_model_is_tried_on_sets_of_the_same_shape():
    d = make()
    drawn = draw_like(d, 50, np.random.default_rng(1))
    assert drawn.shape == (50, 6)
    assert all(len(parts_of(d, row)) == 3 for row in drawn.tolist())


def test_the_end_of_an_interval_knows_the_spread_there():
    """Counted by hand: at the lower end the estimate is exactly the critical number of its own deviations away."""
    d = make(treated=[34, 35, 50], effect=-0.7, level=2.0)
    own = PoissonDiD().estimate_many(d, d.own_set)
    coefficients, effect = np.array([0.01, 1.3]), float(own.effect[0])
    low, high = (interval_end(own, coefficients, effect, c) for c in (-2.0, 2.0))
    t0, c0, c1 = (d.pre_counts[d.is_treated].sum(), d.pre_counts[d.comparison].sum(), d.post_counts[d.comparison].sum())
    for end, sign in ((low, -1), (high, 1)):
        expected = t0 * c1 / c0 * np.exp(end)
        variance = 0.01 + 1.3 * (1 / t0 + 1 / expected + 1 / c0 + 1 / c1)
        assert (end - effect) / np.sqrt(variance) == pytest.approx(sign * 2.0)
    assert effect - low > high - effect


def test_intervals_cover_large_falls_and_agree_with_p():
    covered, rng = [], np.random.default_rng(1)
    treated = [65, 66, 77]
    for _ in range(100):
        counts = rng.poisson(np.exp(0.2 * rng.normal(size=(144, 1))) * 5, (144, 24))
        counts[treated] = rng.poisson(np.repeat([[5.0, 2.5]], 12, axis=1).repeat(3, axis=0))
        d = design(counts, treated=treated, months_before=12, shape=(12, 12), buffer_rings=1)
        found = PlaceboNeighbourhoods(draws=299).infer(d, PoissonDiD(), PoissonDiD().estimate(d), 1)
        covered.append(found.conf_low <= np.log(0.5) <= found.conf_high)
        assert (found.p_value <= 0.05) == (not found.conf_low <= 0 <= found.conf_high)
    assert np.mean(covered) >= 0.87


def test_a_programme_in_several_neighbourhoods_has_no_worst_one_and_no_districts_of_its_own():
    d = make()
    names = {u: f"D{i // 64}" for i, u in enumerate(d.units)}
    d = replace(d, inputs=replace(d.inputs, panel=replace(d.inputs.panel, districts=names)))
    with pytest.raises(DesignError, match="several separate neighbourhoods"):
        PlaceboDistricts(draws=99).reference(d, PoissonDiD(), 99, 1)


def test_the_test_finds_an_effect_in_several_neighbourhoods_and_keeps_its_rate_without_one():
    found = PlaceboNeighbourhoods(draws=499)
    d = make(effect=-0.5)
    inferred = found.infer(d, PoissonDiD(), PoissonDiD().estimate(d), 1)
    assert inferred.p_value == inferred.facts["smallest_p"]
    assert inferred.conf_low < -0.5 < inferred.conf_high < 0
    rejected = []
    for seed in range(40):
        d = make(seed=100 + seed)
        rejected.append(found.infer(d, PoissonDiD(), PoissonDiD().estimate(d), 1).p_value <= 0.05)
    assert np.mean(rejected) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 40))


def test_the_number_of_neighbourhoods_is_declared_so_that_a_wrong_code_is_found():
    d = make()
    d.require_neighbourhoods(3)
    with pytest.raises(
        DesignError, match=r"6 treated units form 3 separate neighbourhoods \(apart from the rest: U038"
    ):
        d.require_neighbourhoods(1)
    with pytest.raises(DesignError, match="3 treated units form 1 separate neighbourhood"):
        make(treated=[34, 35, 50]).require_neighbourhoods(2)
    with pytest.raises(SpecError, match="0 neighbourhoods"):
        Programme(name="p", start="2020-01", roles="r.csv", neighbourhoods=0)


# Likeness in trend ------------------------------------------------------------------------------


def test_the_trend_before_the_start_is_the_comparison_made_between_its_halves():
    d = make()
    pre = d.counts[:, ~d.post].astype(float)
    first, second = pre[:, :5].sum(axis=1), pre[:, 5:].sum(axis=1)
    t, c = d.is_treated, d.comparison
    by_hand = np.log(second[t].sum() / first[t].sum()) - np.log(second[c].sum() / first[c].sum())
    assert pre_trends(d, d.own_set)[0] == pytest.approx(by_hand)


def test_sets_alike_in_trend_are_the_nearest_that_are_enough():
    rng = np.random.default_rng(1)
    trends = rng.normal(size=2000)
    which, distance = similar_trend(trends, 0.2)
    assert distance == TREND_MATCH[0]
    assert which.tolist() == np.flatnonzero(np.abs(trends - 0.2) <= 0.5 * trends.std()).tolist()
    which, distance = similar_trend(trends, 4.5)
    assert distance == np.inf
    assert len(which) == 2000
    assert similar_trend(trends, np.nan)[1] == np.inf
    assert similar_trend(np.full(200, np.nan), 0.0)[1] == np.inf


def test_matching_on_trend_leaves_the_sets_that_moved_as_the_treated_area_did():
    d = make(treated=[34, 35, 50])
    counts = d.inputs.panel.counts["burglary"].copy()
    counts[:, 5:10] = np.where(np.isin(np.arange(SIDE**2), [34, 35, 50])[:, None], 2, 1) * counts[:, 5:10]
    panel = replace(d.inputs.panel, counts={"burglary": counts})
    d = replace(d, inputs=replace(d.inputs, panel=panel))
    method = PlaceboNeighbourhoods(draws=999, match_trend=True)
    plain = PlaceboNeighbourhoods(draws=999).infer(d, PoissonDiD(), PoissonDiD().estimate(d), 1)
    found = method.infer(d, PoissonDiD(), PoissonDiD().estimate(d), 1)
    assert method.name == "placebo neighbourhoods (count and trend)"
    own = pre_trends(d, d.own_set)[0]
    theirs, every = (pre_trends(d, f.draws.sets) for f in (found, plain))
    assert np.abs(theirs - own).mean() <= np.abs(every - own).mean()
    assert found.facts["trend_distance"] in TREND_MATCH


def test_a_test_matched_on_trend_ranks_each_placebo_among_those_like_it():
    d = make(treated=[34, 35, 50])
    method = PlaceboNeighbourhoods(draws=999, match_trend=True, match=float("inf"))
    reference = method.reference(d, PoissonDiD(), 600, 1)
    p = method.test_many(reference, reference, among=True)
    trends = pre_trends(d, reference.sets)
    statistics = np.abs(studentised(reference.effects, VarianceBySize().coefficients(reference.effects)))
    for k in range(0, 600, 60):
        which, _ = similar_trend(trends, trends[k])
        assert p[k] == pytest.approx((statistics[which] >= statistics[k] * (1 - 1e-12)).mean())
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=0.03)


# Spread -----------------------------------------------------------------------------------------


def test_the_overdispersed_poisson_spread_has_one_scale_for_all():
    rng = np.random.default_rng(1)
    v = rng.gamma(2, 0.02, 4000)
    effect = rng.normal(size=4000) * np.sqrt(2.5 * v)
    many = ManyEffects(effect=effect, variance_terms=np.stack([np.ones(4000), v], axis=1), size=np.ones(4000))
    found = OverdispersedPoisson().coefficients(many)
    assert found[0] == 0
    assert found[1] == pytest.approx(2.5, rel=0.1)
    assert found[1] == pytest.approx(np.mean(effect**2 / v))
    assert isinstance(OverdispersedPoisson(), Spread)
    assert isinstance(VarianceBySize(), Spread)


@pytest.mark.parametrize("estimator", [PoissonDiD(), LinearDiD()], ids=lambda e: e.name)
def test_the_last_variance_term_is_the_poisson_variance(estimator):
    """Simulated Poisson counts of many sizes: the last term alone explains the variance of the effects."""
    d = make(treated=[34, 35, 50], level=30.0)
    members = candidates(d, 3000, 1)[0]
    sets = PlaceboSets(members=members, ring=np.full((len(members), 1), SIDE**2))
    many = estimator.estimate_many(d, sets)
    large = many.size > np.median(many.size)

    def unlike(term):
        """How far the spread of large and small sets differs once effects are over the root of a term."""
        z = many.effect / np.sqrt(many.variance_terms[:, term])
        return abs(np.log(z[large].std() / z[~large].std()))

    assert unlike(-1) < 0.2
    assert unlike(-1) < unlike(0)


def test_the_scale_common_to_all_does_not_move_the_rank():
    d = make(treated=[34, 35, 50], effect=-0.2)
    estimate = PoissonDiD().estimate(d)
    found = PlaceboNeighbourhoods(draws=499, spread=OverdispersedPoisson()).infer(d, PoissonDiD(), estimate, 1)
    draws = found.draws
    terms = PoissonDiD().estimate_many(d, draws.sets).variance_terms[:, 1]
    own = PoissonDiD().estimate_many(d, d.own_set)
    rank = np.abs(draws.effects) / np.sqrt(terms) >= abs(own.effect[0]) / np.sqrt(own.variance_terms[0, 1])
    assert found.p_value == pytest.approx((1 + rank.sum()) / 500)


def test_places_are_counted_without_a_shared_unit():
    assert separate(np.array([[0, 1], [1, 2], [2, 3], [4, 5]])) == 3
    assert separate(np.array([[0, 1], [2, 3], [4, 5]]), 2) == 2
