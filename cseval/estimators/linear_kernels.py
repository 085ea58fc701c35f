"""Linear two-way fixed effects on a rectangle of units x months, and means of a panel by blocks of units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators.collapsed import ROWS, month_totals

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Counts = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


def small_sample_factor(units: npt.NDArray[np.int64] | int, periods: int, terms: int = 1) -> Floats:
    """What linearmodels multiplies the CR0 variance by: observations over residual degrees of freedom."""
    observations = np.asarray(units, dtype=float) * periods
    return np.asarray(observations / (observations - units - periods + 1 - terms))


def unit_change(counts: Counts, exposure: Floats | None, per: float, post: Mask) -> Floats:
    """Mean after less mean before of each unit's rate per `per` of exposure, shape (units,).

    Parameters
    ----------
    counts : int array, shape (units, months)
    exposure : float array, shape (units, months), or None
        None gives counts themselves.
    post : bool array, shape (months,)
    """
    contrast = post / post.sum() - ~post / (~post).sum()
    return np.concatenate([block @ contrast for block in rate_blocks(counts, exposure, per)])


def rate_blocks(counts: Counts, exposure: Floats | None, per: float) -> Iterator[Floats]:
    """The panel's rates as floats, a block of units at a time, so that it is never copied whole."""
    for i in range(0, len(counts), ROWS):
        block = counts[i : i + ROWS].astype(np.float64)
        if exposure is not None:
            block *= per
            block /= exposure[i : i + ROWS]
        yield block


def month_means(counts: Counts, exposure: Floats | None, per: float, rows: Mask) -> Floats:
    """Mean rate of `rows` in each month, shape (months,)."""
    if exposure is None:
        return np.asarray(month_totals(counts, rows) / rows.sum())
    blocks = rate_blocks(counts, exposure, per)
    weights = [rows[i : i + ROWS].astype(np.float64) for i in range(0, len(counts), ROWS)]
    total = np.sum([w @ b for w, b in zip(weights, blocks, strict=True)], axis=0)
    return np.asarray(total / rows.sum())


def within(values: Floats) -> Floats:
    """Deviations from unit and month means of a rectangle (units, months) or (units, months, k)."""
    by_unit, by_month = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    return np.asarray(values - by_unit - by_month + values.mean(axis=(0, 1), keepdims=True))


def fit_linear(y: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Least squares with unit and month effects, and the covariance clustered by unit with linearmodels' factor.

    Parameters
    ----------
    y : float array, shape (units, months)
    x : float array, shape (units, months, p)

    Returns
    -------
    coefficients : float array, shape (p,)
    covariance : float array, shape (p, p)

    Raises
    ------
    EstimationError
        If a coefficient is not identified.
    """
    left, right = within(x), within(y)
    bread = np.linalg.inv(_identified(left, x))
    coefficients = bread @ np.einsum("itp,it->p", left, right)
    scores = np.einsum("itp,it->ip", left, right - left @ coefficients)
    factor = small_sample_factor(y.shape[0], y.shape[1], x.shape[2])
    return coefficients, np.asarray(factor * bread @ (scores.T @ scores) @ bread)


def require_identified(x: Floats) -> None:
    """Refuse regressors (units, months, p) that the unit and month effects, or each other, explain.

    Raises
    ------
    EstimationError
        If that is so.
    """
    _identified(within(x), x)


def _identified(left: Floats, x: Floats) -> Floats:
    """Gram matrix of the regressors less their effects, refused where it is singular."""
    gram = np.einsum("itp,itq->pq", left, left, optimize=True)
    raw = np.sqrt(np.einsum("itp,itp->p", x, x))
    if (raw > 0).all() and np.linalg.eigvalsh(gram / np.outer(raw, raw))[0] > 1e-10:
        return np.asarray(gram)
    raise EstimationError(
        "a coefficient is not identified because unit and month effects or other regressors explain its term",
        where="linear fixed effects",
        todo="Leave the term out",
    )
