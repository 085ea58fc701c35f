"""When a note on autocorrelation is written, and what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import design

from cseval.estimators.its_notes import autocorrelation_notes, autocorrelation_p
from cseval.estimators.segmented import ModelErrors, NeweyWest, PraisWinsten, SegmentedRegression


def test_breusch_godfrey_decides_and_ljung_box_where_it_is_missing():
    both = {"breusch_godfrey_p": 0.3, "ljung_box_p": 0.01}
    assert autocorrelation_p(both) == ("Breusch-Godfrey", 0.3)
    assert autocorrelation_notes(both, "So.") == ()
    short = {"breusch_godfrey_p": math.nan, "ljung_box_p": 0.0001}
    assert autocorrelation_p(short) == ("Ljung-Box", 0.0001)
    assert autocorrelation_notes(short, "So.")[0].endswith("independent given its terms. So.")
    assert "Ljung-Box test, p < 0.001" in autocorrelation_notes(short, "So.")[0]
    assert autocorrelation_notes({}, "So.") == ()


def drifting(rho, seed):
    rng = np.random.default_rng(seed)
    drift = np.zeros(84)
    for t in range(1, 84):
        drift[t] = rho * drift[t - 1] + rng.normal(0, 0.15)
    counts = rng.poisson(40 * np.exp(drift * (rho > 0)) * np.ones((6, 1)))
    return design(counts, treated=[2, 3], months_before=60)


def test_it_fires_on_autocorrelated_months_and_rarely_otherwise():
    noted = {
        rho: [bool(SegmentedRegression().estimate(drifting(rho, s)).notes) for s in range(40)] for rho in (0.0, 0.8)
    }
    assert sum(noted[0.0]) <= 6
    assert sum(noted[0.8]) >= 32


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        (ModelErrors(), "take months as independent"),
        (NeweyWest(), "up to their lag"),
        (PraisWinsten(), "first-order autoregression does not"),
    ],
)
def test_each_kind_of_errors_says_what_it_means_for_its_interval(errors, words):
    assert words in errors.caveat
    assert "significan" not in errors.caveat
