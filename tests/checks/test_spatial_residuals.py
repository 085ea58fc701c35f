"""Moran's I of the comparison units' residuals: its formula, its reference distribution, and when it speaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import design, lattice
from contexts import MONTHS, SIDE, START, clean, context

from cseval.areas import Areas
from cseval.checks.spatial_residuals import (
    SpatialResiduals,
    morans_i,
    on_graph,
    relabelled,
    unit_residuals,
)
from cseval.errors import SpecError
from cseval.estimate import COUNT, LOG
from cseval.estimators.linear_did import LinearDiD


def double_loop(values, pairs):
    """The formula, term by term."""
    n, mean = len(values), sum(values) / len(values)
    weight = {(a, b) for a, b in pairs.tolist()} | {(b, a) for a, b in pairs.tolist()}
    top = sum((values[i] - mean) * (values[j] - mean) for i in range(n) for j in range(n) if (i, j) in weight)
    return n / len(weight) * top / sum((v - mean) ** 2 for v in values)


def smoothed(noise, pairs):
    """Each value plus those of the units that touch it."""
    out = noise.copy()
    np.add.at(out, pairs[:, 0], noise[pairs[:, 1]])
    np.add.at(out, pairs[:, 1], noise[pairs[:, 0]])
    return out


def p_value(values, pairs, seed, permutations=199):
    found, expected = morans_i(values, pairs), -1 / (len(values) - 1)
    reference = relabelled(values, pairs, permutations, seed)
    return (1 + (np.abs(reference - expected) >= abs(found - expected)).sum()) / (1 + permutations)


def test_it_is_the_double_sum():
    pairs = lattice(4, 5).pairs
    for seed in range(5):
        values = np.random.default_rng(seed).normal(size=20)
        assert morans_i(values, pairs) == pytest.approx(double_loop(values, pairs), abs=1e-12)
        assert morans_i(3 - 2 * values, pairs) == pytest.approx(morans_i(values, pairs), abs=1e-12)


def test_a_chequerboard_is_minus_one_and_a_gradient_is_known_by_hand():
    rows, columns = np.divmod(np.arange(16), 4)
    assert morans_i(((rows + columns) % 2).astype(float), lattice(4, 4).pairs) == pytest.approx(-1)
    # columns are -1.5, -0.5, 0.5, 1.5: 12 pairs down, of equals, 3 (2.25 + 0.25 + 0.25 + 2.25) = 15; 12 pairs across,
    # 4 (0.75 - 0.25 + 0.75) = 5; squares 4 (2.25 + 0.25 + 0.25 + 2.25) = 20; so 16 / 24 * 20 / 20
    assert morans_i(columns.astype(float), lattice(4, 4).pairs) == pytest.approx(2 / 3)


def test_relabelling_the_units_of_the_map_changes_nothing():
    rng = np.random.default_rng(1)
    areas, values = lattice(6, 6), rng.normal(size=36)
    order = rng.permutation(36)
    where = np.argsort(order)
    assert morans_i(values[order], where[areas.pairs]) == pytest.approx(morans_i(values, areas.pairs))


def test_random_order_has_the_expected_mean_and_variance():
    """Mean and variance under randomisation, Cliff and Ord (1981), from the weights and the kurtosis."""
    pairs, values = lattice(6, 7).pairs, np.random.default_rng(2).gamma(2.0, size=42)
    n, s0, s1 = 42, 2 * len(pairs), 4 * len(pairs)
    degree = np.bincount(pairs.ravel(), minlength=n)
    s2 = 4 * (degree**2).sum()
    z = values - values.mean()
    kurtosis = n * (z**4).sum() / (z**2).sum() ** 2
    first = n * ((n * n - 3 * n + 3) * s1 - n * s2 + 3 * s0**2)
    second = kurtosis * ((n * n - n) * s1 - 2 * n * s2 + 6 * s0**2)
    variance = (first - second) / ((n - 1) * (n - 2) * (n - 3) * s0**2) - 1 / (n - 1) ** 2
    drawn = relabelled(values, pairs, 8000, 3)
    assert drawn.mean() == pytest.approx(-1 / (n - 1), abs=4 * np.sqrt(variance / 8000))
    assert drawn.var() == pytest.approx(variance, rel=0.08)


def test_independent_noise_is_rejected_at_the_level_and_smoothed_noise_nearly_always():
    pairs = lattice(9, 9).pairs
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(400, 81))
    rejected = np.mean([p_value(row, pairs, i) <= 0.05 for i, row in enumerate(noise)])
    assert 0.02 <= rejected <= 0.08
    assert np.mean([p_value(smoothed(row, pairs), pairs, 0) <= 0.05 for row in noise[:40]]) >= 0.9


def test_residuals_are_post_less_what_the_comparison_makes_of_the_pre_count():
    counts = np.array([[4, 4, 6, 6], [1, 1, 2, 2], [3, 5, 5, 3], [0, 0, 1, 0], [2, 2, 2, 2]])
    d = design(counts, treated=[0], months_before=2)
    found, used = unit_residuals(d, LOG)
    assert used.tolist() == [False, True, True, False, True]  # unit 3 has no count before
    ratio = (4 + 8 + 1 + 4) / (2 + 8 + 0 + 4)
    expected = ratio * np.array([2.0, 8.0, 4.0])
    np.testing.assert_allclose(found[used], (np.array([4, 8, 4]) - expected) / np.sqrt(expected))
    change, every = unit_residuals(d, COUNT)
    assert every.tolist() == [False, True, True, True, True]
    np.testing.assert_allclose(change[every], [1.0, 0.0, 0.5, 0.0])


def test_units_that_touch_no_other_used_one_are_left_out():
    values, pairs = on_graph(np.arange(6.0), np.array([1, 1, 0, 1, 0, 1], dtype=bool), lattice(1, 6).pairs)
    assert values.tolist() == [0.0, 1.0]
    assert pairs.tolist() == [[0, 1]]


def moved_together(seed=0):
    """Counts whose change after the start is shared by blocks of three by three units."""
    rng = np.random.default_rng(seed)
    counts = clean(seed, level=20)
    rows, columns = np.divmod(np.arange(SIDE**2), SIDE)
    block = (rows // 3) * (SIDE // 3) + columns // 3
    factor = np.exp(rng.normal(0, 0.3, block.max() + 1))[block]
    counts[:, START:MONTHS] = rng.poisson(counts[:, START:MONTHS] * factor[:, None])
    return counts


def test_the_check_speaks_when_neighbours_change_alike_and_says_what_carries_it():
    found = SpatialResiduals().run(context(moved_together()))
    assert found.verdict == "information"
    assert found.p_value == pytest.approx(0.001)
    assert found.statistic > 0.3
    assert "change alike" in found.sentence
    assert "errors clustered by unit do not and are too small" in found.sentence
    assert found.table.values["value"].iloc[0] == found.statistic


def test_the_check_is_quiet_on_independent_counts():
    found = [SpatialResiduals(permutations=199).run(context(clean(s, level=20))) for s in range(10)]
    assert sum(f.verdict == "pass" for f in found) >= 8
    assert "no more alike" in next(f.sentence for f in found if f.verdict == "pass")


def test_neighbours_that_change_in_opposite_directions_are_said_to():
    counts = clean(level=20)
    rows, columns = np.divmod(np.arange(SIDE**2), SIDE)
    half = np.where((rows + columns) % 2, 1.5, 0.6)
    after = counts[:, START:MONTHS]
    counts[:, START:MONTHS] = np.random.default_rng(0).poisson(after * half[:, None])
    found = SpatialResiduals().run(context(counts))
    assert found.statistic < -0.3
    assert "opposite directions" in found.sentence


def test_a_count_scale_uses_changes():
    given = context(moved_together())
    linear = replace(given, estimator=LinearDiD(), estimate=LinearDiD().estimate(given.design))
    assert linear.estimate.scale == COUNT
    found = SpatialResiduals().run(linear)
    residuals, used = unit_residuals(given.design, COUNT)
    assert found.statistic == pytest.approx(morans_i(*on_graph(residuals, used, given.design.areas.pairs)))
    assert found.verdict == "information"


def test_a_seed_gives_one_answer_and_what_cannot_be_asked_is_said():
    given = context(clean())
    assert SpatialResiduals().run(given).p_value == SpatialResiduals().run(given).p_value
    apart = Areas(units=given.design.units, pairs=np.zeros((0, 2), dtype=np.int64), border=np.zeros(0))
    # on a map without borders nobody touches anybody, so only the graph is replaced
    lonely = replace(given, design=replace(given.design))
    lonely.design.__dict__["areas"] = apart
    found = SpatialResiduals().run(lonely)
    assert found.verdict == "not applicable"
    assert "fewer than 20 comparison units" in found.sentence
    with pytest.raises(SpecError, match="at least 19"):
        SpatialResiduals(permutations=5)
