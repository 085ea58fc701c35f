"""Why placebo neighbourhoods are matched on their count: where busy places drift and vary, all others mislead.

The map has busy blocks and quiet ones. Nothing is done anywhere, but busy blocks fall after the start while quiet ones
do not, and each of their units moves six times as much. Among all neighbourhoods, most of them quiet, a busy one
looks unusual far too often; among busy ones it does not.
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

SIDE, BLOCK, BUSY_BLOCKS, SIZE = 24, 3, 10, 3
BEFORE, AFTER = 4, 4
QUIET, BUSY = 15.0, 90.0  # incidents per unit and month
DRIFT, SHOCK = -0.35, 0.3
REPLICATES = 300
LEVEL = 0.05
MC_ERROR = math.sqrt(LEVEL * (1 - LEVEL) / REPLICATES)


def busy_units(rng: np.random.Generator) -> np.ndarray:
    """Which units lie in one of the busy blocks."""
    across = SIDE // BLOCK
    chosen = rng.choice(across**2, BUSY_BLOCKS, replace=False)
    row, column = np.divmod(np.arange(SIDE**2), SIDE)
    return np.isin(row // BLOCK * across + column // BLOCK, chosen)


def simulate(rng: np.random.Generator, busy: np.ndarray) -> np.ndarray:
    """Counts without an effect, whose change after the start has a mean and a variance that depend on the level."""
    spread = np.where(busy, SHOCK, SHOCK / 6)
    change = np.where(busy, DRIFT, 0.0) + spread * rng.normal(size=SIDE**2)
    after = np.arange(BEFORE + AFTER) >= BEFORE
    return rng.poisson(np.where(busy, BUSY, QUIET)[:, None] * np.exp(change[:, None] * after)).astype(np.int64)


@pytest.fixture(scope="module")
def rejected() -> tuple[float, float]:
    """Share of busy places in which the matched test, and the same among all neighbourhoods, find an effect at 5 %."""
    rng = np.random.default_rng(1)
    busy = busy_units(rng)
    everywhere = np.ones(SIDE**2, dtype=bool)
    places = draw_connected(lattice(SIDE, SIDE), everywhere, SIZE, 40 * REPLICATES, rng)
    places = places[busy[places].all(axis=1)][:REPLICATES]
    assert len(places) == REPLICATES
    estimator, method = PoissonDiD(), PlaceboNeighbourhoods(draws=299)
    found = np.zeros((REPLICATES, 2), dtype=bool)
    for number, treated in enumerate(places.tolist()):
        given = inputs(simulate(rng, busy), treated=treated, shape=(SIDE, SIDE))
        window = {"start": given.panel.periods[BEFORE], "months_before": BEFORE, "months_after": AFTER}
        design = Design.build(given, "burglary", buffer_rings=1, **window)
        estimate = estimator.estimate(design)
        matched = method.infer(design, estimator, estimate, number)
        every = method.reference(design, estimator, method.draws, number)
        own = estimator.estimate_many(design, design.own_set)
        unmatched = method.rank(estimate, own, every.effects, every.sets, math.inf)
        found[number] = matched.p_value <= LEVEL, unmatched.p_value <= LEVEL
    matched, unmatched = found.mean(axis=0).tolist()
    return matched, unmatched


def test_the_matched_test_keeps_its_level_in_busy_places(rejected):
    assert rejected[0] == pytest.approx(LEVEL, abs=3 * MC_ERROR)


def test_among_all_neighbourhoods_a_busy_place_looks_unusual_far_too_often(rejected):
    matched, unmatched = rejected
    assert unmatched > 0.10
    assert unmatched > 2 * matched
