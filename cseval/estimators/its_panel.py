"""Two series stacked into one regression: where one ends, and Newey-West errors within each or across both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Groups = tuple[tuple[Index, ...], ...]

#: Months that stand between two stacked series: so many that no correlation is left.
BREAK = 10**9


def runs_of(gaps: Index) -> tuple[Index, ...]:
    """Rows of each stacked series, from the months between one row and the next, shape (n - 1,)."""
    return tuple(np.split(np.arange(len(gaps) + 1), np.flatnonzero(gaps >= BREAK) + 1))


def stacked_months(event_time: Index) -> Index:
    """Calendar positions of two stacked series of the same months, a `BREAK` apart, shape (2 n,)."""
    return np.concatenate([event_time, event_time + BREAK + event_time[-1] - event_time[0]])


def newey_west(regressors: Floats, residuals: Floats, lag: int, groups: Groups) -> Floats:
    """Newey-West covariance of a fit to stacked series.

    ``n / (n - k) (X'X)^-1 (sum_g sum_j w_j sum_t (s_t s_(t-j)' + ...)) (X'X)^-1`` with scores ``s_t = x_t e_t``, added
    up over the series of a group, and Bartlett weights ``w_j = 1 - j / (lag + 1)``. With each series in a group of its
    own it is what Stata's `newey` does on a panel; with all in one it is Driscoll and Kraay's (1998).

    Parameters
    ----------
    regressors : float array, shape (n, k)
        Times the square root of the working weights.
    residuals : float array, shape (n,)
        Pearson residuals.
    lag : int
    groups : tuple of tuples of int array
        Rows of each series in each group; those of a group are equally long.
    """
    n, k = regressors.shape
    scores = regressors * residuals[:, None]
    middle = np.zeros((k, k))
    for group in groups:
        own = np.sum([scores[run] for run in group], axis=0)
        middle += own.T @ own
        for back in range(1, min(lag, len(own) - 1) + 1):
            cross = own[back:].T @ own[:-back]
            middle += (1 - back / (lag + 1)) * (cross + cross.T)
    bread = np.linalg.pinv(regressors.T @ regressors)
    return np.asarray(n / (n - k) * bread @ middle @ bread)
