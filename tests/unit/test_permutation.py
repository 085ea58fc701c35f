"""Randomisation inference: against refits for every assignment, invariances, and what is refused."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest

from cseval.errors import DesignError, EstimationError
from cseval.inference.panel_regression import regress
from cseval.inference.permutation import permute


def trial(effect=0.0, seed=0, clusters=12, strata=4):
    """Rows in clusters in strata, a third of each stratum's clusters treated, one control and a crossing effect."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), 5)
    stratum = cluster % strata
    treated = np.isin(cluster, range(strata))
    level, x = rng.integers(0, 3, len(cluster)), rng.normal(size=len(cluster))
    y = effect * treated + x + stratum + 0.5 * level + rng.normal(size=clusters)[cluster] * 0.3
    return y + rng.normal(size=len(y)) * 0.5, treated.astype(float), cluster, stratum, level, x


def refit(y, d, x, stratum, level):
    whole = np.column_stack([d, x, stratum[:, None] == np.unique(stratum), level[:, None] == np.arange(3)])
    return np.linalg.lstsq(whole.astype(float), y)[0][0]


def test_weights_are_those_of_rows_times_their_roots():
    y, d, cluster, stratum, level, x = trial(0.4)
    w = np.random.default_rng(2).uniform(0.5, 4, len(y))
    found = permute(y, d, cluster, strata=stratum, controls=x, absorbed=[stratum, level], weights=w)
    every = []
    for chosen in product(*[[k for k in range(12) if k % 4 == s] for s in range(4)]):
        effects = (stratum[:, None] == np.arange(4), level[:, None] == np.arange(3))
        whole = np.column_stack([np.isin(cluster, chosen), x, *effects]) * np.sqrt(w)[:, None]
        every.append(np.linalg.lstsq(whole, y * np.sqrt(w))[0][0])
    assert np.sort(found.coefficients) == pytest.approx(np.sort(every), rel=1e-8)
    fit = regress(y, np.column_stack([d, x]), absorbed=[stratum, level], weights=w)
    assert found.coefficient == pytest.approx(fit.coefficients[0], rel=1e-10)


def test_enumeration_equals_refitting_every_assignment():
    y, d, cluster, stratum, level, x = trial(0.4)
    found = permute(y, d, cluster, strata=stratum, controls=x, absorbed=[stratum, level])
    own = refit(y, d, x, stratum, level)
    assignments = product(*[[k for k in range(12) if k % 4 == s] for s in range(4)])
    every = [refit(y, np.isin(cluster, chosen), x, stratum, level) for chosen in assignments]
    assert found.exact
    assert found.coefficient == pytest.approx(own, rel=1e-9)
    assert np.sort(found.coefficients) == pytest.approx(np.sort(every), rel=1e-8)
    assert found.p_value == np.mean(np.abs(every) >= abs(own) * (1 - 1e-9))
    assert found.mc_error == 0
    assert found.observations == 60


def test_without_strata_and_controls_it_is_the_difference_of_means():
    rng = np.random.default_rng(2)
    y, d = rng.normal(size=8), np.array([1.0, 1, 1, 0, 0, 0, 0, 0])
    found = permute(y, d, np.arange(8))
    means = [y[list(c)].mean() - np.delete(y, c).mean() for c in combinations(range(8), 3)]
    assert found.exact
    assert len(found.coefficients) == 56
    assert np.sort(found.coefficients) == pytest.approx(np.sort(means), abs=1e-12)


def test_a_treatment_with_three_doses_has_every_order():
    y, dose = np.random.default_rng(4).normal(size=6), np.array([0.0, 0, 1, 1, 2, 2])
    found = permute(y, dose, np.arange(6))
    assert len(found.coefficients) == math.factorial(6) // 8
    slope = np.polyfit(dose, y, 1)[0]
    assert found.coefficient == pytest.approx(slope, rel=1e-9)


def test_random_draws_stay_within_strata_and_come_near_the_exact_p_value():
    y, d, cluster, stratum, level, x = trial(0.4)
    exact = permute(y, d, cluster, strata=stratum, controls=x, absorbed=[stratum, level])
    drawn = permute(np.tile(y, 1), d, cluster, strata=stratum, controls=x, absorbed=[stratum, level], draws=80, seed=3)
    assert not drawn.exact
    assert len(drawn.coefficients) == 80
    nearest = np.abs(drawn.coefficients[:, None] - exact.coefficients).min(axis=1)
    assert nearest.max() < 1e-9
    assert abs(drawn.p_value - exact.p_value) < 4 * drawn.mc_error + 1 / 81
    reached = (np.abs(drawn.coefficients) >= abs(drawn.coefficient) * (1 - 1e-9)).sum()
    assert drawn.p_value == (1 + reached) / 81
    assert drawn.mc_error == pytest.approx(math.sqrt(drawn.p_value * (1 - drawn.p_value) / 80))


def test_labels_order_and_scale_do_not_matter():
    y, d, cluster, stratum, level, x = trial(0.3)
    order = np.random.default_rng(1).permutation(len(y))
    one = permute(y, d, cluster, strata=stratum, controls=x, absorbed=[level])
    names = np.array([f"c{c}" for c in cluster])
    two = permute(
        5 * y[order] + 7, d[order], names[order], strata=stratum[order] + 3, controls=x[order], absorbed=[level[order]]
    )
    assert two.p_value == one.p_value
    assert two.coefficient == pytest.approx(5 * one.coefficient, rel=1e-9)


def test_size_of_the_test():
    """The p-value of a true null is uniform: never above its level beyond chance."""
    p = np.array([permute(*trial(seed=s)[:3], strata=trial(seed=s)[3], draws=39, seed=s).p_value for s in range(400)])
    for level in (0.05, 0.1, 0.5):
        assert abs((p <= level + 1e-9).mean() - level) < 3.5 * math.sqrt(level * (1 - level) / 400)


def test_a_large_effect_is_found():
    y, d, cluster, stratum, _, _ = trial(4.0)
    found = permute(y, d, cluster, strata=stratum)
    assert found.p_value <= 2 / 81
    assert found.coefficient == pytest.approx(4.0, abs=1.0)


def test_what_is_refused():
    y, d, cluster, stratum, _, _ = trial()
    with pytest.raises(DesignError, match="the treatment varies within a cluster"):
        permute(y, d, np.arange(len(y)) // 30)
    with pytest.raises(DesignError, match="the stratum varies within a cluster"):
        permute(y, d, cluster, strata=np.arange(len(y)) % 2)
    with pytest.raises(DesignError, match="no other assignment"):
        permute(y, d, cluster, strata=d)
    with pytest.raises(EstimationError, match="not identified"):
        permute(y, d, cluster, strata=stratum, absorbed=[cluster])
