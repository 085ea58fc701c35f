"""What the published sensitivity to violated parallel trends says beyond its numbers, which are golden cases."""

from __future__ import annotations

import numpy as np
import pytest
from golden_data import columns
from golden_honest import LAGS, LEADS, event_study, study
from golden_suite import GOLDEN

from cseval.inference.honest import relative_magnitude_breakdown

pytestmark = pytest.mark.skipif(not (GOLDEN / "golden.toml").exists(), reason="no golden data beside the checkout")


def test_the_breakdown_is_where_the_published_one_is():
    assert 1.5 < relative_magnitude_breakdown(study(GOLDEN)) < 2


def test_the_event_study_equals_least_squares_with_dummies():
    """State effects are nested in the clusters and not counted; the eight years are, as fixest does."""
    data = columns(GOLDEN / "ehec_medicaid.csv")
    expands = data["yexp2"] != ""
    year = data["year"].astype(int)
    kept = (year <= 2015) & np.array([not e or float(e) < 2015 for e in data["yexp2"]])
    assert kept.sum() == 304
    year, expands, y = year[kept], expands[kept], data["dins"][kept].astype(float)
    states, state = np.unique(data["stfips"][kept], return_inverse=True)
    event = [expands & (year == t) for t in LEADS + LAGS]
    fixed = [state == s for s in range(len(states))] + [year == t for t in range(2009, 2016)]
    x = np.column_stack(event + fixed).astype(float)
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    bread = np.linalg.inv(x.T @ x)
    scores = np.array([x[state == s].T @ (y - x @ beta)[state == s] for s in range(len(states))])
    n, k, g = len(y), len(event) + 8, len(states)
    covariance = bread @ scores.T @ scores @ bread * (n - 1) / (n - k) * g / (g - 1)
    found, its_covariance = event_study(GOLDEN)
    assert found == pytest.approx(beta[:7], abs=1e-12)
    assert its_covariance == pytest.approx(covariance[:7, :7], abs=1e-12)
