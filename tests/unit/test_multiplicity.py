"""Holm's adjustment, and max-T on joint placebo draws."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import FIRST, inputs, panel, poisson_counts
from scipy import stats
from statsmodels.stats.multitest import multipletests

from cseval.design import Design
from cseval.errors import DesignError, UsageError
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.multiplicity import common_sets, holm, joint_statistics, max_t, step_down
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.months import add_months

# Holm -------------------------------------------------------------------------------------------------


def test_equals_statsmodels_on_random_p_values():
    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 20):
        p = rng.random(size) ** 3
        assert holm(p.tolist()) == pytest.approx(multipletests(p, method="holm")[1].tolist())


def test_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_nan_stays_and_does_not_count():
    adjusted = holm([0.02, math.nan, 0.03])
    assert adjusted[0] == pytest.approx(0.04)
    assert math.isnan(adjusted[1])
    assert adjusted[2] == pytest.approx(0.04)


def test_never_above_one_and_nothing_of_nothing():
    assert holm([0.6, 0.9, 0.8]) == (1.0, 1.0, 1.0)
    assert holm([]) == ()


# Max-T ------------------------------------------------------------------------------------------------


def by_hand(observed, draws):
    """The step-down in words: test the most extreme outcome against all that are left, then the next one."""
    left = [k for k in range(len(observed)) if not math.isnan(observed[k])]
    adjusted, highest = [math.nan] * len(observed), 0.0
    while left:
        first = max(left, key=lambda k: abs(observed[k]))
        reached = 0
        for draw in draws:
            sizes = [abs(draw[k]) for k in left if math.isfinite(draw[k])]  # of the others only what is known counts
            reached += not math.isfinite(draw[first]) or max(sizes) >= abs(observed[first])
        highest = max(highest, (1 + reached) / (1 + len(draws)))
        adjusted[first] = highest
        left.remove(first)
    return adjusted


def equicorrelated(rng, shape, rho):
    """Standard normals whose last axis has correlation `rho`."""
    common = rng.normal(size=(*shape[:-1], 1))
    return math.sqrt(rho) * common + math.sqrt(1 - rho) * rng.normal(size=shape)


def test_equals_the_step_down_done_by_hand():
    rng = np.random.default_rng(1)
    for outcomes, count in ((1, 19), (3, 50), (8, 99)):
        observed, draws = rng.normal(0, 2, outcomes), rng.normal(size=(count, outcomes))
        draws[rng.random(draws.shape) < 0.05] = np.nan
        draws[rng.random(draws.shape) < 0.05] = np.inf
        observed[rng.random(outcomes) < 0.2] = np.nan
        np.testing.assert_array_equal(max_t(observed, draws), by_hand(observed, draws))


def test_a_worked_example():
    draws = np.array([[1.0, 0.5], [-3.0, 0.0], [0.2, -2.5], [0.1, 0.3]])
    # 2.8 is reached by one of four maxima (3); 1.0 by one of four in the second outcome alone (2.5)
    assert max_t(np.array([2.8, -1.0]), draws).tolist() == [0.4, 0.4]
    assert max_t(np.array([0.9, 2.4]), draws).tolist() == [0.6, 0.6]


def test_one_outcome_has_its_marginal_p():
    draws = np.arange(1.0, 100.0)[:, None]
    assert max_t(np.array([-95.0]), draws)[0] == pytest.approx(0.06)


def test_perfectly_correlated_outcomes_pay_nothing_and_holm_does():
    column = np.random.default_rng(2).normal(size=(999, 1))
    draws = np.repeat(column, 6, axis=1)
    observed = np.full(6, 2.4)
    marginal = (1 + (np.abs(column) >= 2.4).sum()) / 1000
    np.testing.assert_array_equal(max_t(observed, draws), np.full(6, marginal))
    assert holm([marginal] * 6)[0] == pytest.approx(6 * marginal)


def test_independent_outcomes_pay_as_much_as_holm():
    rng = np.random.default_rng(3)
    outcomes, count = 5, 40_000
    observed = np.array([2.9, 2.6, 2.2, 1.0, 0.3])
    draws = rng.normal(size=(count, outcomes))
    p = 2 * stats.norm.sf(observed)
    sidak = np.maximum.accumulate(1 - (1 - p) ** np.arange(outcomes, 0, -1))
    error = 4 * np.sqrt(sidak * (1 - sidak) / count)
    adjusted = max_t(observed, draws)
    assert (np.abs(adjusted - sidak) < error + 1 / count).all()
    np.testing.assert_allclose(holm(p.tolist())[:3], adjusted[:3], atol=error[:3].max())


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.95])
def test_the_family_wise_error_rate_is_five_percent(rho):
    """2,000 families of six true nulls: any false finding in about 5 %, whatever the correlation."""
    rng = np.random.default_rng(4)
    families, count = 2000, 199
    found = 0
    for _ in range(families):
        both = equicorrelated(rng, (1 + count, 6), rho)
        found += bool((max_t(both[0], both[1:]) <= 0.05).any())
    error = math.sqrt(0.05 * 0.95 / families)
    assert abs(found / families - 0.05) < 3.5 * error


def test_a_true_effect_does_not_raise_false_findings():
    rng = np.random.default_rng(5)
    families, found = 1500, 0
    for _ in range(families):
        both = equicorrelated(rng, (200, 6), 0.4)
        both[0, 0] += 6.0
        found += bool((max_t(both[0], both[1:])[1:] <= 0.05).any())
    assert found / families < 0.05 + 3.5 * math.sqrt(0.05 * 0.95 / families)


def test_step_down_finds_more_than_a_single_step():
    rng = np.random.default_rng(6)
    draws = rng.normal(size=(9999, 4))
    observed = np.array([9.0, 2.3, 0.1, 0.1])
    single = (1 + (np.abs(draws).max(axis=1) >= 2.3).sum()) / 10_000
    assert max_t(observed, draws)[1] < single


def test_order_sign_and_scale_do_not_matter():
    rng = np.random.default_rng(7)
    observed, draws = rng.normal(0, 2, 7), rng.normal(size=(199, 7))
    adjusted = max_t(observed, draws)
    order = rng.permutation(7)
    np.testing.assert_array_equal(max_t(observed[order], draws[:, order]), adjusted[order])
    np.testing.assert_array_equal(max_t(-observed, draws), adjusted)
    np.testing.assert_array_equal(max_t(3 * observed, -3 * draws), adjusted)
    np.testing.assert_array_equal(max_t(observed, draws[::-1]), adjusted)


def test_p_values_lie_between_the_smallest_attainable_and_one_and_rise_in_order():
    rng = np.random.default_rng(8)
    observed, draws = rng.normal(0, 3, 9), rng.normal(size=(99, 9))
    adjusted = max_t(observed, draws)
    assert adjusted.min() >= 0.01
    assert adjusted.max() <= 1
    assert (np.diff(adjusted[np.argsort(-np.abs(observed))]) >= 0).all()


def test_never_below_the_marginal_p():
    rng = np.random.default_rng(9)
    observed, draws = rng.normal(0, 2, 5), rng.normal(size=(99, 5))
    marginal = np.array([0.9, 0.001, 0.5, 0.001, 0.3])
    adjusted = max_t(observed, draws, marginal)
    np.testing.assert_array_equal(adjusted, np.maximum(max_t(observed, draws), marginal))


def test_what_cannot_be_estimated():
    draws = np.random.default_rng(10).normal(size=(99, 3))
    alone = max_t(np.array([2.5, 1.0]), draws[:, [0, 2]])
    holed = max_t(np.array([2.5, np.nan, 1.0]), draws, np.array([0.0, np.nan, 0.0]))
    np.testing.assert_array_equal(holed[[0, 2]], alone)  # an outcome without an estimate costs nothing
    assert math.isnan(holed[1])
    broken = draws.copy()
    observed = np.array([2.5, 0.1, 1.0])
    broken[:10, 2] = np.nan  # counts against the third outcome, and the first is above it
    found, finite = max_t(observed, broken), np.abs(broken[:, 2])
    against_first = (np.fmax(np.abs(broken[:, :2]).max(axis=1), finite) >= 2.5).sum()
    against_third = (~(np.fmax(np.abs(broken[:, 1]), finite) < 1.0) | np.isnan(finite)).sum()
    assert found[0] == (1 + against_first) / 100 < 0.11
    assert found[2] == (1 + against_third) / 100 > 0.11
    assert found[1] >= found[2]
    assert np.isnan(max_t(np.full(3, np.nan), draws)).all()


@pytest.mark.parametrize("unknown", [np.nan, np.inf, -np.inf])
def test_a_rare_outcome_costs_two_clear_ones_no_more_than_its_finite_draws_do(unknown):
    draws = np.random.default_rng(11).normal(size=(999, 3))
    observed, silent = np.array([3.4, -3.1, 0.6]), np.arange(999) % 25 < 2
    assert silent.mean() == pytest.approx(0.08, abs=0.001)
    rare, quiet = draws.copy(), draws.copy()
    rare[silent, 2], quiet[silent, 2] = unknown, 0.0
    adjusted = max_t(observed, rare)
    np.testing.assert_array_equal(adjusted[:2], max_t(observed, quiet)[:2])
    largest = np.abs(draws[:, :2]).max(axis=1)
    largest[~silent] = np.fmax(largest, np.abs(draws[:, 2]))[~silent]
    assert adjusted[0] == (1 + (largest >= 3.4).sum()) / 1000
    assert adjusted[:2].max() <= 0.05
    # its own finding meets every draw in which it could not be estimated
    assert adjusted[2] == (1 + (silent | (np.abs(draws[:, 2]) >= 0.6)).sum()) / 1000


@pytest.mark.parametrize(
    ("observed", "draws", "marginal"),
    [([1.0, 2.0], np.ones((5, 3)), None), ([1.0], np.ones((0, 1)), None), ([1.0], np.ones((5, 1)), [0.1, 0.2])],
)
def test_shapes_that_do_not_belong_together_are_refused(observed, draws, marginal):
    with pytest.raises(UsageError, match="max-T"):
        max_t(np.array(observed), draws, marginal if marginal is None else np.array(marginal))


# Joint placebo statistics -----------------------------------------------------------------------------

SIDE, MONTHS, START, TREATED = 10, 36, 24, [44, 45, 54]


def designs(*counts, received=None, treated=TREATED):
    """A design for each outcome o0, o1, ... on one lattice."""
    given = inputs(counts[0], treated=treated, shape=(SIDE, SIDE))
    whole = replace(panel(counts[0]), counts={f"o{i}": c for i, c in enumerate(counts)}, received=received or {})
    given = replace(given, panel=whole)
    start = add_months(FIRST, START)
    return [Design.build(given, f"o{i}", start=start, months_before=START, months_after=12) for i in range(len(counts))]


def counts_of(seed, effect=0.0):
    return poisson_counts(SIDE**2, MONTHS, treated=TREATED, start=START, effect=effect, seed=seed)


def test_joint_statistics_are_those_of_the_registered_test_on_the_same_sets():
    found = designs(counts_of(1))
    members = common_sets(found, 199, 1)
    joint = joint_statistics(found, [PoissonDiD()], members)
    placebo, estimator, design = PlaceboNeighbourhoods(draws=199), PoissonDiD(), found[0]
    own = estimator.estimate(design)
    inferred = placebo.infer(design, estimator, own, 1)
    assert sorted(inferred.draws.sets.members.tolist()) == sorted(members.tolist())
    np.testing.assert_allclose(np.sort(joint.draws[:, 0]), np.sort(inferred.draws.statistics))
    assert joint.observed[0] == pytest.approx(inferred.draws.statistic)
    assert step_down(found, [estimator], [inferred.p_value], draws=199, seed=1) == pytest.approx((inferred.p_value,))


def test_the_same_outcome_twice_costs_nothing_and_another_costs_something():
    first, other = counts_of(2, effect=-0.25), counts_of(3)
    once = step_down(designs(first), [PoissonDiD()], [0.0], draws=499, seed=2)
    twice = step_down(designs(first, first), [PoissonDiD()] * 2, [0.0, 0.0], draws=499, seed=2)
    assert twice == (once[0], once[0])
    noise = [counts_of(s) for s in range(20, 26)]
    every, models = designs(first, other, *noise), [PoissonDiD()] * 8
    many = step_down(every, models, [0.0] * 8, draws=499, seed=2)
    joint = joint_statistics(every, models, common_sets(every, 499, 2))  # all eight have one list of sets of their own
    np.testing.assert_array_equal(many, by_hand(joint.observed, joint.draws))
    alone = (1 + (np.abs(joint.draws[:, 0]) >= abs(joint.observed[0])).sum()) / (1 + len(joint.draws))
    assert alone < many[0] < 8 * alone


def test_placebo_sets_without_an_incident_of_a_rare_outcome_do_not_weaken_the_others():
    rare = poisson_counts(SIDE**2, MONTHS, level=0.08, seed=40)
    found, models = designs(counts_of(2, effect=-0.35), counts_of(3, effect=-0.35), rare), [PoissonDiD()] * 3
    joint = joint_statistics(found, models, common_sets(found, 499, 2))
    silent = ~np.isfinite(joint.draws)
    assert silent[:, :2].sum() == 0
    assert 0.06 < silent[:, 2].mean() < 0.12
    adjusted = step_down(found, models, [0.0] * 3, draws=499, seed=2)
    assert adjusted[:2] == pytest.approx(max_t(joint.observed, np.where(silent, 0.0, joint.draws))[:2])
    assert max(adjusted[:2]) < 0.01
    assert adjusted[2] > silent[:, 2].mean()


def test_units_with_a_month_missing_for_one_outcome_are_in_no_common_set():
    counts = [counts_of(4), counts_of(5)]
    received = {"o1": np.ones((SIDE**2, MONTHS), dtype=bool)}
    received["o1"][[0, 99], 3] = False
    found = designs(*counts, received=received)
    members = common_sets(found, 199, 3)
    assert not np.isin(members, [0, 99, *TREATED]).any()
    assert found[0].comparison[0]
    assert not found[1].comparison[0]
    assert joint_statistics(found, [PoissonDiD()] * 2, members).draws.shape == (len(members), 2)


def test_common_sets_have_the_treated_areas_total():
    found = designs(counts_of(6), counts_of(7))
    members = common_sets(found, 199, 4)
    total = found[0].pre_counts + found[1].pre_counts
    ratio = total[members].sum(axis=1) / total[TREATED].sum()
    assert ratio.max() <= 3
    assert ratio.min() >= 1 / 3


def test_an_outcome_without_a_p_value_is_left_out():
    first, empty = counts_of(8), counts_of(9)
    empty[TREATED, START:] = 0
    found = designs(first, empty)
    joint = joint_statistics(found, [PoissonDiD()] * 2, common_sets(found, 99, 5))
    assert math.isnan(joint.observed[1])
    adjusted = step_down(found, [PoissonDiD()] * 2, [0.2, math.nan], draws=99, seed=5)
    assert adjusted[0] >= 0.2
    assert math.isnan(adjusted[1])
    assert np.isnan(step_down(found, [PoissonDiD()] * 2, [math.nan] * 2, draws=99, seed=5)).all()


def test_outcomes_of_other_programmes_and_empty_lists_are_refused():
    one, other = designs(counts_of(10)), designs(counts_of(10), treated=[11, 12, 13])
    with pytest.raises(UsageError, match="different treated units"):
        common_sets([*one, *other], 99, 6)
    with pytest.raises(UsageError, match="no outcome"):
        common_sets([], 99, 6)
    first, second = designs(counts_of(10), counts_of(11))
    row = frozenset(first.units[:SIDE])  # ten units in a row hold eight sets of three
    with pytest.raises(DesignError, match="only 8 placebo neighbourhoods"):
        common_sets([first, replace(second, pool=row)], 99, 6)
