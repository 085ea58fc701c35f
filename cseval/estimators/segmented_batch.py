"""The same Poisson segmented regression on many series at once, for measuring how often it finds an effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Groups = tuple[tuple[Index, ...], ...]

ITERATIONS = 50
TOLERANCE = 1e-10


def fit_poisson_many(y: Floats, x: Floats, offset: Floats) -> tuple[Floats, Floats, Floats]:
    """Poisson regressions with one design and many outcomes, by Newton's method.

    Parameters
    ----------
    y, offset : float array, shape (series, months)
    x : float array, shape (months, terms)

    Returns
    -------
    coefficients : float array, shape (series, terms)
        NaN where the iteration does not settle.
    fitted : float array, shape (series, months)
    information : float array, shape (series, terms, terms)
        ``X' diag(fitted) X``.
    """
    squares = np.einsum("tk,tl->tkl", x, x).reshape(len(x), -1)
    terms = x.shape[1]
    beta = (np.log(y + 0.5) - offset) @ np.linalg.pinv(x).T
    step = np.full_like(beta, np.inf)
    fitted, information = _moments(beta, x, offset, squares)
    for _ in range(ITERATIONS):
        usable = np.linalg.cond(information) < 1e12
        step = np.full_like(beta, np.nan)
        gradient = (y - fitted) @ x
        step[usable] = np.linalg.solve(information[usable], gradient[usable][:, :, None])[:, :, 0]
        beta = beta + np.clip(step, -2.0, 2.0)
        fitted, information = _moments(np.nan_to_num(beta), x, offset, squares)
        if not (np.abs(step) > TOLERANCE).any():
            break
    settled = (np.abs(step) <= 1e-6).all(axis=1)
    beta[~settled] = np.nan
    return beta, fitted, information.reshape(-1, terms, terms)


def _moments(beta: Floats, x: Floats, offset: Floats, squares: Floats) -> tuple[Floats, Floats]:
    fitted = np.exp(np.clip(beta @ x.T + offset, -30.0, 30.0))
    return fitted, (fitted @ squares).reshape(-1, x.shape[1], x.shape[1])


def newey_west_many(y: Floats, x: Floats, fitted: Floats, information: Floats, lag: int, groups: Groups = ()) -> Floats:
    """Newey-West covariances of many Poisson or least-squares fits, Bartlett weights, times ``n / (n - k)``.

    Parameters
    ----------
    groups : tuple of tuples of int array
        Rows of each stacked series in each group, see `its_panel.newey_west`. One series if left out.

    Returns
    -------
    float array, shape (series, terms, terms)
    """
    middle = np.zeros_like(information)
    residuals = y - fitted
    for group in groups or ((np.arange(len(x)),),):
        scores = sum((residuals[:, run, None] * x[run] for run in group), np.zeros(()))
        middle += np.einsum("stk,stl->skl", scores, scores)
        for back in range(1, lag + 1):
            cross = np.einsum("stk,stl->skl", scores[:, back:], scores[:, :-back])
            middle += (1 - back / (lag + 1)) * (cross + cross.transpose(0, 2, 1))
    bread = np.linalg.pinv(information)
    n, k = x.shape
    covariance: Floats = n / (n - k) * bread @ middle @ bread
    return covariance


def fit_least_squares_many(y: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Least squares with one design and many outcomes; arguments and results as in `fit_poisson_many`."""
    beta = y @ np.linalg.pinv(x).T
    information = np.broadcast_to(x.T @ x, (len(y), x.shape[1], x.shape[1]))
    return beta, beta @ x.T, information


def log_ratio_many(beta: Floats, covariance: Floats, x: Floats, off: Floats, offset: Floats) -> tuple[Floats, Floats]:
    """Log of total fitted over total counterfactual and its delta-method error, for each series.

    Parameters
    ----------
    x, off : float array, shape (post months, terms)
        Regressors with and without the programme's terms.
    offset : float array, shape (series, post months)
    """
    usable = np.isfinite(beta).all(axis=1)
    filled = np.nan_to_num(beta)
    with_it = np.exp(np.clip(filled @ x.T + offset, -30.0, 30.0))
    without = np.exp(np.clip(filled @ off.T + offset, -30.0, 30.0))
    gradient = with_it @ x / with_it.sum(axis=1)[:, None] - without @ off / without.sum(axis=1)[:, None]
    effect = np.log(with_it.sum(axis=1)) - np.log(without.sum(axis=1))
    error = np.sqrt(np.maximum(np.einsum("sk,skl,sl->s", gradient, covariance, gradient), 0.0))
    return np.where(usable, effect, np.nan), np.where(usable, error, np.nan)
