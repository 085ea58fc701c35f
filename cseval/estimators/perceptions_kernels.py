"""Rolling windows: how much of each lies after a start, how they move together, weights that make an effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DesignError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

_SINGULAR = 1e-8


def every_window(share: Floats, quarters: int, *, latest: bool = False) -> Index:
    """Positions of windows that share no month and do not straddle the start.

    Parameters
    ----------
    share : float array, shape (windows,)
        Share of each window that lies after the start, not decreasing.
    quarters : int
        Quarters in one window.
    latest : bool
        Whether windows after the start are counted back from the last.

    Returns
    -------
    int array
        Before the start every `quarters`-th window back from the last that ends before it, after the start every
        `quarters`-th on from the first that begins after it, or back from the last. Windows that straddle the start
        are in neither.
    """
    before, after = np.flatnonzero(share == 0), np.flatnonzero(share == 1)
    then = after[::-1][::quarters][::-1] if latest else after[::quarters]
    return np.concatenate([before[::-1][::quarters][::-1], then])


def overlap_covariance(windows: int, quarters: int) -> Floats:
    """Covariance of successive rolling means of independent quarters with variance 1.

    ``max(q - |s - t|, 0) / q^2``: windows that are l quarters apart have ``q - l`` of their q quarters in common.
    """
    apart = np.abs(np.subtract.outer(np.arange(windows), np.arange(windows)))
    return np.asarray(np.maximum(quarters - apart, 0) / quarters**2)


def quarter_variance(values: Floats, quarters: int, step: float) -> float:
    """Variance of one quarter's share about what all areas have in common, from changes of successive windows.

    Parameters
    ----------
    values : float array, shape (units, windows)
        Rolling means, rounded to multiples of `step`.

    Notes
    -----
    Successive windows differ by ``(y_t - y_(t-q)) / q``, whose variance is ``2 s^2 / q^2``, and by the rounding of
    both, ``2 step^2 / 12``. What rounding brings is taken off; at least as much is left as one rounding.
    """
    units = len(values)
    moved = np.diff(values - values.mean(axis=0), axis=1)
    rounding = step**2 / 12
    found = float((moved**2).mean()) * units / (units - 1) / 2 - rounding
    return max(found * quarters**2, rounding)


def regressors(share: Floats, quarter: Index, *, trend: bool) -> Floats:
    """A column for the level, one for the share after the start, and one for a straight trend if wanted."""
    columns = [np.ones(len(share)), share]
    if trend:
        columns.append((quarter - quarter.mean()).astype(float))
    return np.stack(columns, axis=1)


def effect_weights(columns: Floats, covariance: Floats) -> Floats:
    """Weights of the windows whose sum is the generalised least squares coefficient of the second column.

    Parameters
    ----------
    columns : float array, shape (windows, k)
    covariance : float array, shape (windows, windows)
        Up to a factor.

    Raises
    ------
    DesignError
        If the coefficient is not identified.
    """
    return np.asarray(_operator(columns, covariance)[1])


def _operator(columns: Floats, covariance: Floats) -> Floats:
    """``(X' V^-1 X)^-1 X' V^-1``, shape (k, windows)."""
    if np.linalg.matrix_rank(columns, tol=_SINGULAR) < columns.shape[1]:
        raise DesignError(
            f"{len(columns)} windows do not tell the start from the course before it",
            where="perceptions",
            expected="windows before and after the start, and two before it for a trend",
        )
    weighted = np.linalg.solve(covariance, columns)
    return np.asarray(np.linalg.solve(columns.T @ weighted, weighted.T))


def standard_errors(values: Floats, columns: Floats, covariance: Floats) -> tuple[Floats, int]:
    """Standard error of each unit's coefficient from its own residuals, and the degrees of freedom.

    Parameters
    ----------
    values : float array, shape (units, windows)
    columns : float array, shape (windows, k)
    covariance : float array, shape (windows, windows)
        Of the windows' errors up to a factor; the unit matrix takes them as independent.

    Returns
    -------
    errors : float array, shape (units,)
        NaN without degrees of freedom.
    degrees : int
    """
    operator = _operator(columns, covariance)
    residual = values - values @ operator.T @ columns.T
    degrees = len(columns) - columns.shape[1]
    if degrees < 1:
        return np.full(len(values), np.nan), 0
    scale = (residual * np.linalg.solve(covariance, residual.T).T).sum(axis=1) / degrees
    unit = float(operator[1] @ covariance @ operator[1])
    return np.sqrt(np.maximum(scale, 0) * unit), degrees


def against_others(values: Floats) -> Floats:
    """Each row less the mean of all other rows."""
    units = len(values)
    return np.asarray((values - values.mean(axis=0)) * units / (units - 1))


def lag_correlations(values: Floats, lags: int) -> Floats:
    """Correlation of changes of successive windows 1 to `lags` quarters apart, about what all areas have in common.

    For rolling means of q independent quarters it is nought but at lag q, where it is -0.5: what comes in now goes
    out q quarters later. So it tells whether a published series is one of rolling windows.

    Parameters
    ----------
    values : float array, shape (units, windows)
    """
    moved = np.diff(values - values.mean(axis=0), axis=1)
    size = float((moved**2).mean())
    return np.array([float((moved[:, k:] * moved[:, :-k]).mean()) / size for k in range(1, lags + 1)])
