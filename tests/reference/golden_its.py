"""Golden cases of interrupted time series: counts with a season, ARIMA errors, Newey-West errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from golden_data import columns, numbers
from scipy import stats

from cseval.estimators.arima import ArimaITS, Order, ramp
from cseval.estimators.arima import fit_series as fit_arima
from cseval.estimators.its_notes import residual_facts
from cseval.estimators.segmented import (
    Gaussian,
    Harmonics,
    ModelErrors,
    NeweyWest,
    Poisson,
    QuasiPoisson,
    SegmentedRegression,
    SeriesFit,
    fit_series,
)

Z = float(stats.norm.ppf(0.975))
STEP = SegmentedRegression(family=Poisson(), errors=ModelErrors(), slope=False, season=None)
SEASON = SegmentedRegression(family=QuasiPoisson(), errors=ModelErrors(), slope=False, season=Harmonics(pairs=2))
SLOPE = SegmentedRegression(family=QuasiPoisson(), errors=ModelErrors(), season=Harmonics(pairs=2))
QUETIAPINE = ArimaITS(
    order=Order(p=2, d=1, seasonal_d=1, seasonal_q=1),
    log=False,
    slope=False,
    change=(ramp(first=1),),
    small_sample=False,
)


def sicily(folder: Path, options: SegmentedRegression) -> SeriesFit:
    """Admissions in Sicily, month 37 the first of the smoking ban."""
    data = columns(folder / "sicily.csv")
    y, people = numbers(data, "aces", "stdpop").T
    time, month = (data[name].astype(int) for name in ("time", "month"))
    return fit_series(y, time - 37, month, np.log(people), options)


def rate_ratio(series: SeriesFit) -> dict[str, float]:
    """The step as a ratio with its normal interval."""
    value, error = series.coefficient("level")
    low, high = (math.exp(value + sign * Z * error) for sign in (-1, 1))
    return {"rr": math.exp(value), "rr_lo": low, "rr_hi": high, "se": error}


def poisson_step(folder: Path) -> dict[str, float]:
    """Step change, Poisson."""
    series = sicily(folder, STEP)
    more = {"log_rr": series.coefficient("level")[0], "time_coef": series.coefficient("time")[0]}
    return rate_ratio(series) | more


def quasi_harmonic(folder: Path) -> dict[str, float]:
    """Step change with two pairs of harmonics, quasi-Poisson."""
    series = sicily(folder, SEASON)
    yearly = math.exp(12 * series.coefficient("time")[0])
    return rate_ratio(series) | {"dispersion": series.fit.dispersion, "trend_rr_per_year": yearly}


def slope_change(folder: Path) -> dict[str, float]:
    """Step and slope change; the source counts the first month with the ban as 1, so its step lies one slope below."""
    small, series = sicily(folder, SEASON), sicily(folder, SLOPE)
    slope, error = series.coefficient("slope")
    f = (small.fit.deviance - series.fit.deviance) / series.fit.dispersion
    return {
        "log_rr_step": series.coefficient("level")[0] - slope,
        "slope_change": slope,
        "slope_change_se": error,
        "f_test_p": float(stats.f.sf(f, 1, series.fit.t_df)),
    }


def quetiapine(folder: Path) -> dict[str, float]:
    """Step and ramp (1 in its first month) with ARIMA(2,1,0)(0,1,1)[12] errors."""
    y = numbers(columns(folder / "quetiapine.csv"), "dispensings")[:, 0]
    fit = fit_arima(y, np.arange(48) - 36, "2014-01", QUETIAPINE)
    found = {"loglik": fit.facts["log_likelihood"]} | {name: fit.facts[name] for name in ("ar1", "ar2", "sma1")}
    errors = np.sqrt(np.diag(fit.covariance))
    for name, value, error in zip(("step", "ramp"), fit.coefficients, errors, strict=True):
        found |= {name: value, f"{name}_lo": value - Z * error, f"{name}_hi": value + Z * error}
    return found


def california(folder: Path) -> dict[str, float]:
    """Cigarette sales in California before and after 1989, Newey-West errors with lag 1 and plain ones."""
    data = columns(folder / "california_prop99.csv")
    own = data["State"] == "California"
    years, y = data["Year"][own].astype(int), data["PacksPerCapita"][own].astype(float)
    names = {"time": "t", "level": "x1989", "slope": "xt1989"}
    plain = SegmentedRegression(family=Gaussian(), errors=ModelErrors(), season=None)
    robust = SegmentedRegression(family=Gaussian(), errors=NeweyWest(lag=1), season=None)
    fits = {"se": fit_series(y, years - 1989, np.ones_like(years), None, robust)}
    fits["ols_se"] = fit_series(y, years - 1989, np.ones_like(years), None, plain)
    found = {f"{kind}_{theirs}": f.coefficient(ours)[1] for kind, f in fits.items() for ours, theirs in names.items()}
    found |= {theirs: fits["se"].coefficient(ours)[0] for ours, theirs in names.items()}
    found["post_trend"] = found["t"] + found["xt1989"]
    found["intercept_T0_1970"] = fits["se"].coefficient("intercept")[0] - 19 * found["t"]
    fit = fits["se"].fit
    found["durbin_watson"] = residual_facts(fit.residuals, fit.regressors)["durbin_watson"]
    return found


CASES: dict[str, Callable[[Path], dict[str, float]]] = {
    "its_sicily_poisson_step": poisson_step,
    "its_sicily_quasi_harmonic": quasi_harmonic,
    "its_sicily_slope_change": slope_change,
    "its_quetiapine_arima": quetiapine,
    "its_california_itsa_nw1": california,
}
