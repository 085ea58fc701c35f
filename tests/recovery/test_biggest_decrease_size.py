"""How often the claim of the biggest decrease is called supported or contradicted when nothing or much is true."""

from __future__ import annotations

import numpy as np
from builders import inputs

from cseval.claims.base import CONTRADICTED, SUPPORTED, Statement
from cseval.claims.ranking import BiggestDecrease

CLAIM = BiggestDecrease(
    statement=Statement(slug="biggest", text="the biggest", source="Board"),
    outcomes=("burglary",),
    exact=("burglary",),
    unit="U000",
    before=("2021-01", "2021-12"),
    after=("2022-01", "2022-12"),
    draws=199,
)


def verdicts(draws, own=0.0, units=12):
    """Verdicts over simulated worlds in which unit 0, a large one, changes by `own` in the last year."""
    rng, found = np.random.default_rng(5), []
    for seed in range(draws):
        level = np.repeat(rng.uniform(5, 40, (units, 1)), 8 * 12, axis=1)
        level = level * np.exp(np.repeat(rng.normal(0, 0.06, (units, 8)), 12, axis=1))
        level[0] = 40.0
        level[0, -12:] *= np.exp(own)
        counts = rng.poisson(rng.gamma(20, level / 20)).astype(np.int64)
        found.append(CLAIM.test(None, inputs(counts, treated=[0]), seed).verdict)
    return found


def test_nothing_true_is_seldom_called_supported_or_contradicted():
    """All units alike: rank 1 is shared by all, so both verdicts are errors."""
    found = verdicts(150)
    assert np.mean([v == SUPPORTED for v in found]) <= 0.03
    assert np.mean([v == CONTRADICTED for v in found]) <= 0.06


def test_a_large_fall_is_found_and_a_large_rise_contradicts():
    assert np.mean([v == SUPPORTED for v in verdicts(30, own=-1.8)]) > 0.8
    assert np.mean([v == CONTRADICTED for v in verdicts(30, own=1.2)]) > 0.8
