"""The arithmetic of difference in differences, set by set against plain loops."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.areas import PlaceboSets, draw_connected
from cseval.estimators import did_kernels as kernels


@pytest.fixture(scope="module")
def case():
    counts = poisson_counts(36, 20, treated=[7, 8], start=12, effect=-0.3, seed=3)
    d = design(counts, treated=[7, 8], months_before=12, shape=(6, 6), buffer_rings=1)
    return d, d.sets(draw_connected(d.areas, d.comparison, 2, 50, np.random.default_rng(1)))


def by_hand(d, sets, row):
    """Totals and variance of one set, by loops over units."""
    members = set(sets.members[row].tolist())
    ring = {int(i) for i in sets.ring[row] if i < len(d.units)}
    rest = [i for i in np.flatnonzero(d.comparison) if i not in members | ring]
    pre, post = d.pre_counts, d.post_counts
    totals = [sum(v[i] for i in group) for group in (sorted(members), rest) for v in (pre, post)]
    t0, t1, c0, c1 = totals
    variance = sum((post[i] / t1 - pre[i] / t0) ** 2 for i in members)
    variance += sum((post[i] / c1 - pre[i] / c0) ** 2 for i in rest)
    return totals, variance, len(members) + len(rest)


def test_totals_and_variance_equal_plain_loops(case):
    d, sets = case
    totals = kernels.group_totals(d.pre_counts, d.post_counts, d.comparison, sets)
    variance = kernels.log_ratio_variance(d.pre_counts, d.post_counts, d.comparison, sets, totals)
    for row in range(len(sets)):
        expected, spread, clusters = by_hand(d, sets, row)
        assert [totals.t0[row], totals.t1[row], totals.c0[row], totals.c1[row]] == expected
        assert variance[row] == pytest.approx(spread, rel=1e-10)
        assert totals.treated[row] + totals.comparison[row] == clusters


def test_members_outside_the_comparison_take_nothing_off(case):
    d, _ = case
    totals = kernels.group_totals(d.pre_counts, d.post_counts, d.comparison, d.own_set)
    assert totals.c0[0] == d.pre_counts[d.comparison].sum()
    assert totals.comparison[0] == d.comparison.sum()


def test_log_ratio_and_its_poisson_variance_by_hand():
    totals = kernels.GroupTotals(
        t0=np.array([40.0]),
        t1=np.array([10.0]),
        c0=np.array([200.0]),
        c1=np.array([100.0]),
        treated=np.array([2]),
        comparison=np.array([9]),
    )
    assert kernels.log_ratio(totals)[0] == pytest.approx(np.log((10 / 40) / (100 / 200)), rel=1e-14)
    assert kernels.expected_variance(totals)[0] == pytest.approx(1 / 40 + 1 / 20 + 1 / 200 + 1 / 100, rel=1e-14)


def test_zero_totals_give_nan_in_silence():
    pre, post = np.array([0.0, 3.0, 4.0, 5.0]), np.array([2.0, 0.0, 4.0, 6.0])
    sets = PlaceboSets(members=np.array([[0], [1], [2]]), ring=np.full((3, 1), 4))
    comparison = np.ones(4, dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        totals = kernels.group_totals(pre, post, comparison, sets)
        effect = kernels.log_ratio(totals)
        variance = kernels.log_ratio_variance(pre, post, comparison, sets, totals)
    assert np.isnan(effect).tolist() == [True, True, False]
    assert np.isnan(variance).tolist() == [True, True, False]


def test_mean_difference_equals_plain_loops(case):
    d, sets = case
    change = d.counts[:, d.post].mean(axis=1) - d.counts[:, ~d.post].mean(axis=1)
    effect = kernels.mean_difference(change, d.comparison, sets)
    variance = kernels.mean_difference_variance(change, d.comparison, sets)
    for row in range(len(sets)):
        inside = set(sets.members[row].tolist()) | set(sets.ring[row].tolist())
        a, b = change[sets.members[row]], change[[i for i in np.flatnonzero(d.comparison) if i not in inside]]
        assert effect[row] == pytest.approx(a.mean() - b.mean(), rel=1e-10)
        assert variance[row] == pytest.approx(a.var() / len(a) + b.var() / len(b), rel=1e-10)


def test_member_sum_takes_columns_and_padding():
    values = np.arange(8.0).reshape(4, 2)
    assert kernels.member_sum(values, np.array([[0, 3], [1, 4]])).tolist() == [[6.0, 8.0], [2.0, 3.0]]


def test_pearson_dispersion_is_one_for_poisson_and_more_when_mixed():
    rng = np.random.default_rng(5)
    mean = np.outer(rng.uniform(4, 9, 80), rng.uniform(0.8, 1.2, 40))
    assert kernels.pearson_dispersion(rng.poisson(mean).astype(float)) == pytest.approx(1.0, abs=0.06)
    mixed = rng.poisson(mean * rng.gamma(4, 1 / 4, mean.shape)).astype(float)
    assert kernels.pearson_dispersion(mixed) == pytest.approx(1 + mean.mean() / 4, rel=0.15)
    assert np.isnan(kernels.pearson_dispersion(np.ones((1, 5))))


def test_t_interval_equals_scipy():
    from scipy import stats

    low, high, p = kernels.t_interval(np.array([0.4]), np.array([0.2]), 7)
    assert (low[0], high[0]) == pytest.approx(stats.t.interval(0.95, 7, 0.4, 0.2))
    assert p[0] == pytest.approx(2 * stats.t.sf(2.0, 7))


def test_split_sums_equal_plain_loops_also_for_units_outside_the_comparison(case):
    d, sets = case
    values = np.random.default_rng(8).normal(size=(len(d.units), 3))
    comparison = d.comparison & (np.arange(len(d.units)) % 5 > 0)  # so some members and ring units are outside it
    members, rest = kernels.split_sums(values, comparison, sets)
    for row in range(len(sets)):
        inside = sets.members[row].tolist()
        away = {*inside, *sets.ring[row].tolist()}
        left = [i for i in np.flatnonzero(comparison) if i not in away]
        assert members[row] == pytest.approx(values[inside].sum(axis=0), abs=1e-12)
        assert rest[row] == pytest.approx(values[left].sum(axis=0), abs=1e-12)
    one = kernels.split_sums(values[:, 0], comparison, sets)
    assert (one[0] == members[:, 0]).all()
    assert one[1] == pytest.approx(rest[:, 0], abs=1e-12)


BINS = [((-4, -2), (-1, -1), (0, 2)), ((-3, -3), (1, 2)), tuple((t, t) for t in range(-4, 3)), ((-4, -1), (0, 2))]


@pytest.mark.parametrize("bins", BINS)
def test_bin_sums_and_spread_equal_plain_loops(bins, monkeypatch):
    monkeypatch.setattr(kernels, "BLOCK", 4)
    rng = np.random.default_rng(9)
    counts, event_time = rng.poisson(5, (11, 7)), np.arange(-4, 3)
    columns = kernels.bin_columns(event_time, bins)
    sums = kernels.bin_sums(counts, columns)
    inside = [(event_time >= a) & (event_time <= b) for a, b in bins]
    assert sums.tolist() == [[float(counts[i, m].sum()) for m in inside] for i in range(11)]
    units, base = rng.random(11) < 0.6, rng.normal(size=11)
    scale, centre = rng.uniform(0.5, 2, len(bins)), rng.normal(size=len(bins))
    found = kernels.bin_spread(counts, columns, units, base, scale, centre)
    expected = ((sums[units] * scale - base[units, None] - centre) ** 2).sum(axis=0)
    assert found == pytest.approx(expected, rel=1e-12)


def test_bins_of_a_window_with_a_gap_hold_its_used_months():
    event_time = np.array([-3, -2, 0, 1, 4, 5])
    assert kernels.bin_columns(event_time, [(-3, -1), (0, 2), (3, 5)]) == [(0, 2), (2, 4), (4, 6)]
