"""The orders of an ARIMA model, chosen on the months before the start alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators.arima_kernels import (
    YEAR,
    Order,
    autocovariance,
    bounded,
    difference_matrix,
    polynomials,
    toeplitz,
)
from cseval.estimators.its_likelihood import Regression, concentrate, maximise

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

REACH = 4.0
ROUGH = 1e-6
KPSS_5_PERCENT = 0.463
STRONG_SEASON = 0.64
#: Non-seasonal (p, q) and seasonal (P, Q) that are tried together.
PLAIN = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2))
SEASONAL = ((0, 0), (1, 0), (0, 1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice:
    """Orders and how they came about.

    Parameters
    ----------
    order : Order
    aicc : float
        On the months before the start; NaN where the orders were given.
    tried : int
    """

    order: Order
    aicc: float
    tried: int


def differenced(order: Order, y: Floats, x: Floats, missing: Floats) -> Regression:
    """The regression in differences: R's `arima` differences regressors as it does the series.

    Parameters
    ----------
    order : Order
    y : float array, shape (n,)
        Every calendar month, anything where one is missing.
    x : float array, shape (n, k)
    missing : float array, shape (n, m)
        One indicator for each missing month.
    """
    d = difference_matrix(order, len(y))
    return Regression(y=d @ y, x=d @ x, z=d @ missing)


def likeliest(order: Order, data: Regression, starts: int, precision: float = 1e-11) -> Floats:
    """Parameters of the errors by exact maximum likelihood, in the order of `Order.names`.

    Raises
    ------
    EstimationError
        If the likelihood cannot be computed.
    """

    def correlation(free: Floats) -> Floats:
        return error_correlation(order, bounded(order, free), len(data.y))

    free = maximise(data, correlation, [(-REACH, REACH)] * sum(order.parameters), starts, precision)
    return bounded(order, free)


def error_correlation(order: Order, parameters: Floats, months: int) -> Floats:
    """Covariance matrix of the differenced errors with innovations of variance 1, shape (months, months)."""
    return toeplitz(autocovariance(*polynomials(order, parameters), months))


def aicc(order: Order, data: Regression, parameters: Floats) -> float:
    """Akaike's criterion with the small-sample correction: ``-2 log L + 2 k n / (n - k - 1)``, the variance counted."""
    found = concentrate(data, error_correlation(order, parameters, len(data.y)))
    n, k = len(data.y) - data.z.shape[1], sum(order.parameters) + data.x.shape[1] + 1
    return math.inf if found is None or n <= k + 1 else -2 * found.llf + 2 * k * n / (n - k - 1)


def choose_order(y: Floats, x: Floats, missing: Floats) -> Choice:
    """Orders for a series without a programme.

    First the differences: one at twelve months if season explains more than 0.64 of what trend leaves over and there
    are three years; one at one month if the series (after that) does not pass the KPSS test of a constant level at 5 %
    (Kwiatkowski and others 1992; both as in Hyndman and Khandakar 2008). Then the terms with the lowest AICc of a small
    grid: (p, q) among (0,0), (1,0), (0,1), (1,1), (2,0), (0,2), each with seasonal (P, Q) among (0,0), (1,0) and (0,1)
    where there are three years. Last whether the differenced series drifts.

    Parameters
    ----------
    y : float array, shape (n,)
        Months before the start, without gaps; filled in where one is missing.
    x : float array, shape (n, k)
    missing : float array, shape (n, m)

    Raises
    ------
    EstimationError
        If there are too few months for any of them.
    """
    base = _differences(filled(y, missing))
    seasonal = SEASONAL if len(y) >= 3 * YEAR else ((0, 0),)
    orders = [replace(base, p=p, q=q, seasonal_p=sp, seasonal_q=sq) for p, q in PLAIN for sp, sq in seasonal]
    scored = [(_score(o, y, x, missing), i, o) for i, o in enumerate(orders)]
    best, _, order = min(scored)
    if base.d + base.seasonal_d == 1:
        drifting = replace(order, drift=True)
        drifted = _score(drifting, y, x, missing)
        best, order = min((best, 0, order), (drifted, 1, drifting))[::2]
        scored.append((drifted, len(scored), drifting))
    if not math.isfinite(best):
        raise EstimationError(
            f"{len(y)} months before the start", where="ARIMA", expected="more months than parameters of the model"
        )
    return Choice(order=order, aicc=best, tried=len(scored))


def filled(y: Floats, missing: Floats) -> Floats:
    """The series with missing months interpolated, to choose the differences by."""
    gap = missing.sum(axis=1) > 0
    at = np.arange(len(y))
    return np.where(gap, np.interp(at, at[~gap], y[~gap]), y)


def mean_columns(order: Order, months: int) -> Floats:
    """What stands for the mean: a constant without differences, time for a drift, nothing otherwise; shape (n, 0 or 1).

    Time runs from 0 to the number of months.
    """
    if order.d + order.seasonal_d == 0:
        return np.ones((months, 1))
    return np.arange(months, dtype=float)[:, None] if order.drift else np.zeros((months, 0))


def _score(order: Order, y: Floats, x: Floats, missing: Floats) -> float:
    if len(y) - order.lost <= sum(order.parameters) + x.shape[1] + missing.shape[1] + 3:
        return math.inf
    data = differenced(order, y, np.column_stack([mean_columns(order, len(y)), x]), missing)
    return aicc(order, data, likeliest(order, data, 1, ROUGH))


def _differences(y: Floats) -> Order:
    seasonal = int(len(y) >= 3 * YEAR and seasonal_strength(y) > STRONG_SEASON)
    left = y[YEAR:] - y[:-YEAR] if seasonal else y
    if not seasonal and len(y) >= 2 * YEAR:
        left = y - _season(y)
    return Order(d=int(kpss(left) > KPSS_5_PERCENT), seasonal_d=seasonal)


def kpss(y: Floats) -> float:
    """KPSS statistic of a constant level, with Bartlett weights up to lag ``floor(4 (n / 100)^(1/4))``."""
    n, e = len(y), y - y.mean()
    lag = int(4 * (n / 100) ** 0.25)
    variance = e @ e / n + 2 * sum((1 - j / (lag + 1)) * (e[j:] @ e[:-j]) / n for j in range(1, lag + 1))
    return float((np.cumsum(e) ** 2).sum() / n**2 / max(variance, 1e-300))


def seasonal_strength(y: Floats) -> float:
    """``1 - Var(remainder) / Var(season + remainder)`` after a centred moving average of a year; 0 to 1."""
    weights = np.append(np.append(0.5, np.ones(YEAR - 1)), 0.5) / YEAR
    detrended = y[YEAR // 2 : -YEAR // 2] - np.convolve(y, weights, "valid")
    remainder = detrended - _season(detrended)
    return max(0.0, 1 - float(remainder.var() / max(detrended.var(), 1e-300)))


def _season(y: Floats) -> Floats:
    """Mean of each month of the year about the overall mean, shape (n,)."""
    month = np.arange(len(y)) % YEAR
    means = np.array([y[month == m].mean() for m in range(YEAR)])
    return np.asarray((means - means.mean())[month], dtype=float)
