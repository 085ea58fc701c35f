"""Confidence sets for ranks: against a plain loop, in limits that are known, and in how often they hold."""

from __future__ import annotations

import numpy as np
import pytest

from cseval.errors import EstimationError
from cseval.inference.ranks import Errors, rank_set, ranks, simultaneous_rank_sets


def told_apart_by_loops(values, std_error, error, pairs, level=0.95):
    """The ordered pairs (a, b) with a surely smaller, by the step-down rule written out pair by pair."""
    left, told = list(pairs), set()
    while left:
        spread = {(a, b): np.hypot(std_error[a], std_error[b]) for a, b in left}
        largest = [max((draw[b] - draw[a]) / spread[a, b] for a, b in left) for draw in error]
        bar = sorted(largest)[int(np.ceil(level * (len(error) + 1))) - 1]
        new = {(a, b) for a, b in left if (values[b] - values[a]) / np.hypot(std_error[a], std_error[b]) > bar}
        if not new:
            break
        told |= new
        left = [p for p in left if p not in new]
    return told


def sets_by_loops(values, std_error, error, about):
    units = range(len(values))
    pairs = [(a, b) for a in units for b in units if a != b and (a in about or b in about)]
    told = told_apart_by_loops(values, std_error, error, pairs)
    return [(1 + sum((a, j) in told for a in units), len(values) - sum((j, b) in told for b in units)) for j in about]


@pytest.mark.parametrize("seed", range(6))
def test_sets_equal_a_plain_loop_over_pairs(seed):
    rng = np.random.default_rng(seed)
    values, std_error = rng.normal(0, 2, 5), rng.uniform(0.2, 0.8, 5)
    errors = Errors.normal(std_error, 199, seed)
    mine = simultaneous_rank_sets(values, std_error, errors)
    peer = sets_by_loops(values, std_error, errors.error, range(5))
    assert list(zip(mine.low.tolist(), mine.high.tolist(), strict=True)) == peer
    for unit in range(5):
        assert [rank_set(unit, values, std_error, errors)] == sets_by_loops(values, std_error, errors.error, [unit])


def test_two_units_give_the_two_sided_test_by_hand():
    """With one pair the bar is the normal's 97.5 % point, since either order may be the true one."""
    std_error = np.array([0.6, 0.8])
    errors = Errors.normal(std_error, 200_000, 0)
    for difference, expected in ((1.94, (1, 2)), (1.98, (1, 1))):
        assert rank_set(0, np.array([0.0, difference]), std_error, errors) == expected


def test_ranks_give_ties_the_better_place():
    assert ranks(np.array([3.0, -1.0, 3.0, 0.0])).tolist() == [3, 1, 3, 2]
    assert ranks(np.array([[2.0, 1.0], [1.0, 1.0]])).tolist() == [[2, 1], [1, 1]]


def test_values_far_apart_are_ranked_without_doubt_and_ties_not_at_all():
    error = np.full(6, 0.1)
    sets = simultaneous_rank_sets(np.arange(6.0), error, Errors.normal(error, 999, 1))
    assert sets.low.tolist() == sets.high.tolist() == [1, 2, 3, 4, 5, 6]
    sets = simultaneous_rank_sets(np.zeros(6), error, Errors.normal(error, 999, 1))
    assert (sets.low.tolist(), sets.high.tolist()) == ([1] * 6, [6] * 6)


def test_steps_tell_more_apart_than_one_bar_for_all():
    """Far outliers leave the family, so that the bar falls for the pairs that are left."""
    values, error = np.array([0.0, 3.85, 50.0, 100.0, 150.0, 200.0]), np.ones(6)
    errors = Errors.normal(error, 9999, 2)
    first, second = np.triu_indices(6, 1)
    one_bar = np.quantile(np.abs(errors.error[:, first] - errors.error[:, second]).max(axis=1) / np.sqrt(2), 0.95)
    assert 3.85 / np.sqrt(2) < one_bar
    assert simultaneous_rank_sets(values, error, errors).high[0] == 1


def test_order_of_units_and_scale_do_not_matter():
    rng = np.random.default_rng(8)
    values, error = rng.normal(0, 1, 8), rng.uniform(0.1, 0.5, 8)
    errors = Errors.normal(error, 499, 3)
    plain, order = simultaneous_rank_sets(values, error, errors), rng.permutation(8)
    shuffled = Errors(error=7 * errors.error[:, order], scale=7 * errors.scale[order])
    mixed = simultaneous_rank_sets(7 * values[order] + 2, 7 * error[order], shuffled)
    assert mixed.low.tolist() == plain.low[order].tolist()
    assert mixed.high.tolist() == plain.high[order].tolist()


def test_the_set_of_one_lies_in_its_simultaneous_set():
    rng = np.random.default_rng(5)
    values, error = rng.normal(0, 1, 12), rng.uniform(0.1, 0.5, 12)
    errors = Errors.normal(error, 999, 3)
    every = simultaneous_rank_sets(values, error, errors)
    for unit in range(12):
        low, high = rank_set(unit, values, error, errors)
        assert every.low[unit] <= low <= ranks(values)[unit] <= high <= every.high[unit]


@pytest.mark.parametrize("truth", [np.zeros(10), np.arange(10) * 0.6, np.repeat([0.0, 2.0], 5)])
def test_simultaneous_sets_hold_all_true_ranks_as_often_as_they_promise(truth):
    rng = np.random.default_rng(11)
    error = rng.uniform(0.3, 0.9, 10)
    errors, true_ranks = Errors.normal(error, 999, 4), ranks(truth)
    held, own = 0, 0
    draws = 400
    for _ in range(draws):
        values = truth + error * rng.standard_normal(10)
        sets = simultaneous_rank_sets(values, error, errors)
        held += bool(((sets.low <= true_ranks) & (true_ranks <= sets.high)).all())
        low, high = rank_set(2, values, error, errors)
        own += low <= true_ranks[2] <= high
    assert held / draws >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / draws)
    assert own / draws >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / draws)


def test_simultaneous_sets_are_not_wider_than_they_need_where_all_are_equal():
    """With equal values a set that leaves a rank out is an error, which happens in about 5 % of all samples."""
    rng = np.random.default_rng(12)
    error = np.full(8, 0.5)
    errors = Errors.normal(error, 1999, 4)
    wrong = 0
    for _ in range(1000):
        sets = simultaneous_rank_sets(error * rng.standard_normal(8), error, errors)
        wrong += bool((sets.low > 1).any() or (sets.high < 8).any())
    assert wrong / 1000 == pytest.approx(0.05, abs=0.022)


@pytest.mark.parametrize(("values", "error"), [([1.0], [1.0]), ([1.0, np.nan], [1.0, 1.0]), ([1.0, 2.0], [1.0, 0.0])])
def test_what_cannot_be_ranked_is_refused(values, error):
    errors = Errors(error=np.zeros((9, len(values))), scale=np.ones(len(values)))
    with pytest.raises(EstimationError, match="not all numbers with an error above zero"):
        simultaneous_rank_sets(np.array(values), np.array(error), errors)


def test_too_few_draws_tell_nothing_apart():
    sets = simultaneous_rank_sets(np.array([0.0, 99.0]), np.ones(2), Errors.normal(np.ones(2), 9, 0))
    assert sets.high.tolist() == [2, 2]
