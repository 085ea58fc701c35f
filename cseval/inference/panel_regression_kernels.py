"""Sums of products of scores over lags, for errors that are correlated over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError, UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]


def default_lag(periods: int) -> int:
    """``T^(1/4)`` rounded down, the rule of thumb for panels."""
    return int(np.floor(periods**0.25 + 1e-12))


def bartlett(lag: int) -> Floats:
    """Weights ``1 - l / (lag + 1)`` of lags 0 to `lag`, shape (lag + 1,).

    Raises
    ------
    UsageError
        If the lag is below zero.
    """
    if lag < 0:
        raise UsageError(f"a lag of {lag}", where="regression", expected="0 or more")
    return 1 - np.arange(lag + 1) / (lag + 1)


def lagged_by_time(sums: Floats, weights: Floats) -> Floats:
    """``sum_l w_l (G_l + G_l')`` with ``G_l = sum_t s_t s_(t-l)'``, and G_0 once; shape (p, p).

    Parameters
    ----------
    sums : float array, shape (periods, p)
        Scores summed over each period.
    weights : float array, shape (lags + 1,)
    """
    meat = weights[0] * sums.T @ sums
    for lag, weight in enumerate(weights[1 : len(sums)], start=1):
        product = sums[lag:].T @ sums[:-lag]
        meat = meat + weight * (product + product.T)
    return np.asarray(meat)


def lagged_by_unit(scores: Floats, unit: Index, period: Index, weights: Floats) -> Floats:
    """The same within each unit, summed over units; a pair of rows counts where the period between them is the lag.

    Parameters
    ----------
    scores : float array, shape (rows, p)
    unit, period : int array, shape (rows,)
        Numbered from 0.
    weights : float array, shape (lags + 1,)

    Raises
    ------
    EstimationError
        If a unit has two rows in a period.
    """
    rows = _positions(unit, period)
    meat = weights[0] * scores.T @ scores
    for lag, weight in enumerate(weights[1 : rows.shape[1]], start=1):
        later, earlier = rows[:, lag:], rows[:, :-lag]
        both = (later >= 0) & (earlier >= 0)
        product = scores[later[both]].T @ scores[earlier[both]]
        meat = meat + weight * (product + product.T)
    return np.asarray(meat)


def _positions(unit: Index, period: Index) -> Index:
    """Row of each unit in each period, -1 where it has none; shape (units, periods)."""
    rows = np.full((int(unit.max()) + 1, int(period.max()) + 1), -1, dtype=np.int64)
    rows[unit, period] = np.arange(len(unit))
    if np.count_nonzero(rows >= 0) < len(unit):
        raise EstimationError(
            "a unit has two rows in one period", where="regression", todo="Use Driscoll and Kraay's errors, or cluster"
        )
    return rows
