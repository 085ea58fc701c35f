"""How often each test finds an effect where there is none, when neighbours share their shocks.

The map is large beside the reach of a shock, as London is beside a neighbourhood. On a map of a hundred units whose
shocks reach across half of it no set is like the treated one but those that overlap it, which cannot be placebos, and
the test rejects somewhat more often than it says.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import inputs, lattice

from cseval.areas import draw_connected
from cseval.design import Design
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.placebo import PlaceboNeighbourhoods

SIDE, BEFORE, AFTER, SIZE = 16, 6, 6, 5
REPLICATES = 500
LEVEL = 0.05
MC_ERROR = math.sqrt(LEVEL * (1 - LEVEL) / REPLICATES)  # just under one point
DISPERSION = 0.1


def smoother(strength: float) -> np.ndarray:
    """Spreads a shock to adjoining units and keeps its variance at 1."""
    areas = lattice(SIDE, SIDE)
    touch = np.zeros((SIDE**2, SIDE**2))
    touch[tuple(areas.pairs.T)] = 1
    touch += touch.T
    spread = np.linalg.inv(np.eye(SIDE**2) - strength * touch / touch.sum(axis=1, keepdims=True))
    return spread / np.linalg.norm(spread, axis=1, keepdims=True)


def simulate(rng: np.random.Generator, smooth: np.ndarray, shock: float) -> np.ndarray:
    """Negative-binomial counts without an effect; lasting unit levels, and shocks to each phase and month."""
    months = BEFORE + AFTER
    level = np.log(15) + 0.5 * rng.normal(size=(SIDE**2, 1)) + 0.1 * rng.normal(size=months)
    phase = np.repeat(smooth @ rng.normal(size=(SIDE**2, 2)), [BEFORE, AFTER], axis=1)
    noise = rng.gamma(1 / DISPERSION, DISPERSION, (SIDE**2, months))
    return rng.poisson(np.exp(level + shock * phase) * noise).astype(np.int64)


def rejections(spatial: float, shock: float, seed: int) -> tuple[float, float]:
    """Share of true nulls that the placebo test and the cluster-robust one reject at 5 %."""
    rng = np.random.default_rng(seed)
    smooth, everywhere = smoother(spatial), np.ones(SIDE**2, dtype=bool)
    places = draw_connected(lattice(SIDE, SIDE), everywhere, SIZE, REPLICATES, rng)
    estimator, method = PoissonDiD(), PlaceboNeighbourhoods(draws=199)
    placebo = cluster = 0
    for number, treated in enumerate(places.tolist()):
        given = inputs(simulate(rng, smooth, shock), treated=treated, shape=(SIDE, SIDE))
        window = {"start": given.panel.periods[BEFORE], "months_before": BEFORE, "months_after": AFTER}
        design = Design.build(given, "burglary", buffer_rings=1, **window)
        estimate = estimator.estimate(design)
        found = method.infer(design, estimator, estimate, number)
        placebo += found.p_value <= LEVEL
        cluster += estimate.p_value <= LEVEL
    return placebo / REPLICATES, cluster / REPLICATES


@pytest.fixture(scope="module")
def correlated() -> tuple[float, float]:
    return rejections(spatial=0.7, shock=0.2, seed=1)


def test_placebo_test_keeps_its_level_when_neighbours_share_shocks(correlated):
    assert correlated[0] == pytest.approx(LEVEL, abs=3 * MC_ERROR)


def test_cluster_robust_test_rejects_far_too_often_when_neighbours_share_shocks(correlated):
    placebo, cluster = correlated
    assert cluster > 0.2
    assert cluster > 4 * placebo


def test_placebo_test_keeps_its_level_when_units_are_independent():
    assert rejections(spatial=0.0, shock=0.15, seed=2)[0] == pytest.approx(LEVEL, abs=3 * MC_ERROR)
