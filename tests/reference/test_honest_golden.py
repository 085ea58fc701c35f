"""Published sensitivity to violated parallel trends, reproduced from the data by an independent regression."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import numpy as np
import pytest

from cseval.inference.honest import (
    EventCoefficients,
    relative_magnitude_breakdown,
    relative_magnitude_interval,
    smoothness_interval,
)

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"
pytestmark = pytest.mark.skipif(not (GOLDEN / "golden.toml").exists(), reason="no golden data beside the checkout")

LEADS = (2008, 2009, 2010, 2011, 2012)
LAGS = (2014, 2015)


def expected(case):
    cases = tomllib.loads((GOLDEN / "golden.toml").read_text(encoding="utf-8"))["case"]
    return {e["name"]: e for e in next(c for c in cases if c["id"] == case)["expect"]}


def agree(name, found, entry):
    assert found == pytest.approx(entry["value"], abs=entry["tol"], rel=0), name
    if entry["published_tol"] > 0:
        assert found == pytest.approx(float(entry["published"]), abs=entry["published_tol"], rel=0), name


@pytest.fixture(scope="module")
def medicaid():
    """Coefficients and covariance of the event study: least squares with dummies, clustered by state as fixest does."""
    with (GOLDEN / "ehec_medicaid.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if int(r["year"]) <= 2015]
    rows = [r for r in rows if not r["yexp2"] or float(r["yexp2"]) < 2015]
    assert len(rows) == 304
    year = np.array([int(r["year"]) for r in rows])
    expands = np.array([bool(r["yexp2"]) for r in rows])
    states, state = np.unique([r["stfips"] for r in rows], return_inverse=True)
    y = np.array([float(r["dins"]) for r in rows])
    event = [expands & (year == t) for t in LEADS + LAGS]
    fixed = [state == s for s in range(len(states))] + [year == t for t in range(2009, 2016)]
    x = np.column_stack(event + fixed).astype(float)
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    bread = np.linalg.inv(x.T @ x)
    scores = np.array([x[state == s].T @ (y - x @ beta)[state == s] for s in range(len(states))])
    # fixest: state effects are nested in the clusters and not counted, the seven years and the constant are
    n, k, g = len(y), len(event) + 8, len(states)
    covariance = bread @ scores.T @ scores @ bread * (n - 1) / (n - k) * g / (g - 1)
    size = len(event)
    return beta[:size], (covariance + covariance.T)[:size, :size] / 2


@pytest.fixture(scope="module")
def study(medicaid):
    beta, covariance = medicaid
    return EventCoefficients(pre=beta[:5], post=beta[5:], covariance=covariance, weights=np.array([1.0, 0.0]))


def test_the_event_study_itself(medicaid):
    entries = expected("honestdid_medicaid_sd")
    for i, year in enumerate(LEADS + LAGS):
        agree(f"es_{year}", medicaid[0][i], entries[f"es_{year}"])
        agree(f"es_{year}_se", np.sqrt(medicaid[1][i, i]), entries[f"es_{year}_se"])


@pytest.mark.parametrize("bound", ["0", "0.01", "0.02", "0.03", "0.04", "0.05"])
def test_smoothness(study, bound):
    entries = expected("honestdid_medicaid_sd")
    found = smoothness_interval(study, float(bound))
    agree(f"M={bound}_lb", found.low, entries[f"M={bound}_lb"])
    agree(f"M={bound}_ub", found.high, entries[f"M={bound}_ub"])


def test_relative_magnitudes(study):
    entries = expected("honestdid_medicaid_rm")
    bounds = sorted({name.split("=")[1].split("_")[0] for name in entries})
    assert {"0", "0.5", "1", "1.5", "2"} <= set(bounds)
    for bound in bounds:
        found = relative_magnitude_interval(study, float(bound))
        for end, value in (("lb", found.low), ("ub", found.high)):
            if f"Mbar={bound}_{end}" in entries:
                agree(f"Mbar={bound}_{end}", value, entries[f"Mbar={bound}_{end}"])


def test_the_breakdown_is_where_the_published_one_is(study):
    assert 1.5 < relative_magnitude_breakdown(study) < 2
