"""Synthetic control weights augmented by a ridge regression, with the penalty chosen by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.estimators.synthetic_kernels import Weighed, simplex_fit

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.estimators.synthetic_series import Series

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

#: Penalties tried: from the largest squared singular value of the donors down to this part of it.
LEAST_PENALTY, PENALTIES = 1e-8, 21
#: Points left out, one at a time, spread evenly where there are more.
MOST_LEFT_OUT = 40
#: Gaps smaller than this part of the largest point are none.
NOTHING = 1e-6
#: Numbers held at once while points are left out.
BLOCK = 20_000_000


def augmented_weights(series: Series, penalty: Floats | None, one_standard_error: bool) -> Weighed:
    """Synthetic control weights with what they still miss made up by a ridge regression.

    ``w + X (X'X + penalty)^-1 (goal - points w)`` with X the donors' points less the donors' mean: Ben-Michael, Feller
    and Rothstein (2021), "The augmented synthetic control method", equations 6 and 17. Weights may turn negative. The
    penalty is that of each set's own cross-validation unless given, shape (sets,).
    """
    plain = simplex_fit(series.points, series.goals, series.allowed)
    if penalty is None:
        penalty = cross_validated(series, plain, one_standard_error)
    gap, weights = series.goals - plain @ series.points.T, np.full(plain.shape, np.nan)
    pool = None
    for row in np.flatnonzero(np.isfinite(plain).all(axis=1)):
        if pool is None or not np.array_equal(pool.allowed, series.allowed[row]):
            pool = _Pool.of(series.points, series.allowed[row])
        weights[row] = plain[row] + pool.correction(gap[row], float(penalty[row]))
    level = np.zeros(len(plain))
    return Weighed(weights=weights, level=level, plain=Weighed(weights=plain, level=level), facts={"penalty": penalty})


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pool:
    """Donors' points less their mean, (rows, donors), and the eigenvalues and vectors of their products."""

    allowed: Mask
    donors: Floats
    values: Floats
    vectors: Floats

    @classmethod
    def of(cls, points: Floats, allowed: Mask) -> _Pool:
        """From all points and the donors in use."""
        donors = _centred(points, allowed[None, :])[0]
        values, vectors = np.linalg.eigh(donors @ donors.T)
        return cls(allowed=allowed, donors=donors, values=np.maximum(values, 0.0), vectors=vectors)

    def correction(self, gap: Floats, penalty: float) -> Floats:
        """``X (X'X + penalty)^-1 gap``, shape (donors,)."""
        return np.asarray(self.donors.T @ (self.vectors @ ((self.vectors.T @ gap) / (self.values + penalty))))


def _centred(points: Floats, allowed: Mask) -> Floats:
    """Points less their mean over the donors in use, zero for the others; shape (sets, rows, donors)."""
    mean = allowed @ points.T / allowed.sum(axis=1, keepdims=True)
    return np.asarray((points[None, :, :] - mean[:, :, None]) * allowed[:, None, :])


def cross_validated(series: Series, plain: Floats, one_standard_error: bool) -> Floats:
    """The penalty with the least squared error in points left out one at a time, shape (sets,); NaN without weights.

    Both the synthetic control and the regression are fitted without the point. With `one_standard_error` it is the
    largest penalty whose error is within one standard error of the least.

    Parameters
    ----------
    series : Series
    plain : float array, shape (sets, donors)
        Synthetic control weights by all points.
    one_standard_error : bool
    """
    chosen = np.full(len(plain), np.nan)
    known: Mask = np.asarray(np.isfinite(plain).all(axis=1))
    missed: Mask = np.abs(series.goals - plain @ series.points.T).max(axis=1) > NOTHING * np.abs(series.points).max()
    chosen[known] = _largest(series.take(known))  # where nothing is missed, nothing depends on the penalty
    usable = np.flatnonzero(known & missed)
    share = max(BLOCK // series.points.size, 1)
    for first in range(0, len(usable), share):
        part = usable[first : first + share]
        chosen[part] = _cross_validated(series.take(part), plain[part], one_standard_error)
    return chosen


def _cross_validated(series: Series, plain: Floats, one_standard_error: bool) -> Floats:
    penalties = _largest(series)[:, None] * np.geomspace(1.0, LEAST_PENALTY, PENALTIES)
    number = len(series.points)
    rows = np.unique(np.linspace(0, number - 1, min(number, MOST_LEFT_OUT)).round().astype(np.int64))
    errors = np.stack([_error_left_out(series, plain, int(row), penalties) for row in rows]) ** 2
    mean, spread = errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    best = mean.argmin(axis=1)
    every = np.arange(len(mean))
    limit = mean[every, best] + (spread[every, best] if one_standard_error else 0.0)
    first = (mean <= limit[:, None]).argmax(axis=1)  # penalties fall from left to right
    return np.asarray(penalties[every, first])


def _largest(series: Series) -> Floats:
    """Largest squared singular value of each set's centred donors; one where they do not differ."""
    values = np.array([np.linalg.norm(_centred(series.points, a[None, :])[0], ord=2) ** 2 for a in series.allowed])
    return np.where(values > 0, values, 1.0)


def _error_left_out(series: Series, plain: Floats, row: int, penalties: Floats) -> Floats:
    """Error in a row of the fit without it, under each penalty; shape (sets, penalties)."""
    points, goals = series.without(row)
    kept = np.arange(len(points)) != row
    weights = simplex_fit(points[kept], goals[:, kept], series.allowed, plain)
    gap = goals - weights @ points.T
    donors = _centred(points, series.allowed)
    known, new = donors[:, kept], donors[:, row, :, None]
    if known.shape[1] <= known.shape[2]:
        products, left, right = known @ np.swapaxes(known, 1, 2), known @ new, gap[:, kept, None]
    else:
        back = np.swapaxes(known, 1, 2)
        products, left, right = back @ known, new, back @ gap[:, kept, None]
    values, vectors = np.linalg.eigh(products)
    turned = np.swapaxes(vectors, 1, 2)
    parts = (turned @ left)[:, :, 0] * (turned @ right)[:, :, 0]
    made_up = (parts[:, :, None] / (np.maximum(values, 0.0)[:, :, None] + penalties[:, None, :])).sum(axis=1)
    return np.asarray(gap[:, row, None] - made_up)
