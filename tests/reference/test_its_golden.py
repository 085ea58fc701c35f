"""Published interrupted time series, reproduced to the tolerances stored with them."""

from __future__ import annotations

import csv
import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from cseval.estimators.segmented import (
    Gaussian,
    Harmonics,
    ModelErrors,
    NeweyWest,
    Poisson,
    QuasiPoisson,
    SegmentedRegression,
    fit_series,
)
from cseval.estimators.segmented_kernels import durbin_watson

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"
pytestmark = pytest.mark.skipif(not (GOLDEN / "golden.toml").exists(), reason="no golden data beside the checkout")


def rows(name):
    with (GOLDEN / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def agree(case, found):
    """Hold every number of a case against its stored value and, where printed, the published one."""
    cases = tomllib.loads((GOLDEN / "golden.toml").read_text(encoding="utf-8"))["case"]
    expected = {e["name"]: e for e in next(c for c in cases if c["id"] == case)["expect"]}
    missing = set(found) - set(expected)
    assert not missing
    for name, value in found.items():
        entry = expected[name]
        assert value == pytest.approx(entry["value"], abs=entry["tol"], rel=0), name
        if entry["published_tol"] > 0:
            assert value == pytest.approx(float(entry["published"]), abs=entry["published_tol"], rel=0), name


@pytest.fixture(scope="module")
def sicily():
    data = rows("sicily.csv")
    y = np.array([float(r["aces"]) for r in data])
    event_time = np.array([int(r["time"]) for r in data]) - 37
    month = np.array([int(r["month"]) for r in data])
    offset = np.log(np.array([float(r["stdpop"]) for r in data]))
    return y, event_time, month, offset


def ratio(series, term="level"):
    """Ratio of a coefficient with its normal interval, which is what the sources print."""
    value, error = series.coefficient(term)
    half = stats.norm.ppf(0.975) * error
    return {"rr": math.exp(value), "rr_lo": math.exp(value - half), "rr_hi": math.exp(value + half), "se": error}


def test_sicily_step(sicily):
    options = SegmentedRegression(family=Poisson(), errors=ModelErrors(), slope=False, season=None)
    series = fit_series(*sicily, options)
    agree("its_sicily_poisson_step", {**ratio(series), "log_rr": series.coefficient("level")[0]})
    assert series.effect() == pytest.approx(series.coefficient("level"), rel=1e-9)


def test_sicily_season(sicily):
    options = SegmentedRegression(family=QuasiPoisson(), errors=ModelErrors(), slope=False, season=Harmonics(pairs=2))
    series = fit_series(*sicily, options)
    trend = math.exp(12 * series.coefficient("time")[0])
    agree(
        "its_sicily_quasi_harmonic",
        {**ratio(series), "dispersion": series.fit.dispersion, "trend_rr_per_year": trend},
    )


def test_sicily_slope_change(sicily):
    step = SegmentedRegression(errors=ModelErrors(), slope=False, season=Harmonics(pairs=2))
    small = fit_series(*sicily, step).fit
    series = fit_series(*sicily, SegmentedRegression(errors=ModelErrors(), season=Harmonics(pairs=2)))
    slope, error = series.coefficient("slope")
    # The source counts the first month with the ban as 1, here it is 0: its step lies one slope below.
    at_zero = series.coefficient("level")[0] - slope
    f = (small.deviance - series.fit.deviance) / series.fit.dispersion
    found = {"log_rr_step": at_zero, "slope_change": slope, "slope_change_se": error}
    agree("its_sicily_slope_change", {**found, "f_test_p": stats.f.sf(f, 1, series.fit.t_df)})


def test_california_newey_west():
    data = [r for r in rows("california_prop99.csv") if r["State"] == "California"]
    year = np.array([int(r["Year"]) for r in data])
    y = np.array([float(r["PacksPerCapita"]) for r in data])
    options = SegmentedRegression(family=Gaussian(), errors=NeweyWest(lag=1), season=None)
    series = fit_series(y, year - 1989, np.ones_like(year), None, options)
    found = {}
    for ours, theirs in {"time": "t", "level": "x1989", "slope": "xt1989"}.items():
        found[theirs], found[f"se_{theirs}"] = series.coefficient(ours)
    found["post_trend"] = found["t"] + found["xt1989"]
    found["intercept_T0_1970"] = series.coefficient("intercept")[0] - 19 * found["t"]
    found["durbin_watson"] = durbin_watson(series.fit.residuals)
    plain = SegmentedRegression(family=Gaussian(), errors=ModelErrors(), season=None)
    series = fit_series(y, year - 1989, np.ones_like(year), None, plain)
    for ours, theirs in {"time": "t", "level": "x1989", "slope": "xt1989"}.items():
        found[f"ols_se_{theirs}"] = series.coefficient(ours)[1]
    agree("its_california_itsa_nw1", found)
