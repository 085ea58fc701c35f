"""Golden cases of sensitivity to violated parallel trends, from the data by an event study of cseval's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from golden_data import columns, numbers

from cseval.inference.honest import EventCoefficients, relative_magnitude_interval, smoothness_interval
from cseval.inference.panel_regression import regress, standard_errors

LEADS = (2008, 2009, 2010, 2011, 2012)
LAGS = (2014, 2015)
SMOOTHNESS = ("0", "0.01", "0.02", "0.03", "0.04", "0.05")
MAGNITUDES = ("0", "0.5", "1", "1.5", "2")


@cache
def event_study(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the leads and lags and their covariance, clustered by state."""
    data = columns(folder / "ehec_medicaid.csv")
    expansion = np.where(data["yexp2"] == "", "inf", data["yexp2"]).astype(float)
    year = data["year"].astype(int)
    kept = (year <= 2015) & ((expansion < 2015) | np.isinf(expansion))
    year, state = year[kept], data["stfips"][kept]
    events = (year[:, None] == (*LEADS, *LAGS)) & np.isfinite(expansion[kept])[:, None]
    fit = regress(numbers(data, "dins")[kept, 0], events, absorbed=[state, year])
    return fit.coefficients, fit.clustered(state)


def study(folder: Path) -> EventCoefficients:
    """The event study with the first effect after the start as what is asked for."""
    beta, covariance = event_study(folder)
    return EventCoefficients(pre=beta[:5], post=beta[5:], covariance=covariance, weights=np.array([1.0, 0.0]))


def smoothness(folder: Path) -> dict[str, float]:
    beta, covariance = event_study(folder)
    errors = standard_errors(covariance)
    found = {f"es_{year}": beta[k] for k, year in enumerate((*LEADS, *LAGS))}
    found |= {f"es_{year}_se": errors[k] for k, year in enumerate((*LEADS, *LAGS))}
    for bound in SMOOTHNESS:
        interval = smoothness_interval(study(folder), float(bound))
        found |= {f"M={bound}_lb": interval.low, f"M={bound}_ub": interval.high}
    return found


def relative_magnitudes(folder: Path) -> dict[str, float]:
    found = {}
    for bound in MAGNITUDES:
        interval = relative_magnitude_interval(study(folder), float(bound))
        found |= {f"Mbar={bound}_lb": interval.low, f"Mbar={bound}_ub": interval.high}
    return found


CASES: dict[str, Callable[[Path], dict[str, float]]] = {
    "honestdid_medicaid_sd": smoothness,
    "honestdid_medicaid_rm": relative_magnitudes,
}
