"""Tests of the pre period when there are few placebo sets to rank among.

Each unit has a row of numbers, one for each point of the pre period, and the treated area's comes first. Everything is
computed from all rows alike, the treated area's among them, so that under exchangeability every rank is equally likely
and ``p = rank / rows`` is exact whatever the number of points and the distribution. A covariance taken from the
placebo rows alone would not do: theirs would be in sample and the treated area's out of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from cseval.estimators.base import ManyEffects
from cseval.inference.spread import scale_of, variance_by_size

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LEVEL = 0.05
#: Power at which a trend counts as caught.
CAUGHT = 0.8


@dataclass(frozen=True, kw_only=True)
class FewRanks:
    """Ranks of the treated area among few sets.

    Parameters
    ----------
    statistic : float
        Wald statistic of its row.
    joint_p, trend_p : float
        Of the Wald statistic and of the slope, each by itself.
    p_value : float
        Of the two together: the one that decides.
    """

    statistic: float
    joint_p: float
    trend_p: float
    p_value: float


def size_scales(rows: Floats, chance: Floats) -> Floats:
    """Standard deviation of each row by its size, from all rows alike: ``a + b chance``, a and b at least 0.

    Parameters
    ----------
    rows : float array, shape (rows, points)
    chance : float array, shape (rows,)
        Variance of a point by the chance of counts alone, such as the mean of ``1/T + 1/C`` over the points.

    Returns
    -------
    float array, shape (rows,); ones where nothing varies.
    """
    many = ManyEffects(
        effect=np.sqrt((rows**2).mean(axis=1)),
        variance_terms=np.stack([np.ones(len(rows)), chance], axis=1),
        size=np.ones(len(rows)),
    )
    scales = scale_of(many, variance_by_size(many))
    return np.where(scales > 0, scales, 1.0)


def wald(rows: Floats) -> Floats:
    """Wald statistic of each row about zero, with the second moments of all rows; shape (rows,).

    Rows sum to zero, so the matrix is singular by one; its pseudo-inverse leaves that direction out.
    """
    inverse = np.linalg.pinv(rows.T @ rows / len(rows), rcond=1e-8, hermitian=True)
    return np.asarray(np.einsum("ij,jk,ik->i", rows, inverse, rows))


def slopes(rows: Floats, time: Floats) -> Floats:
    """Least-squares slope of each row over `time` (points,), shape (rows,)."""
    centred = time - time.mean()
    found: Floats = rows @ centred / (centred @ centred)
    return found


def few_ranks(rows: Floats, time: Floats) -> FewRanks:
    """Rank the first row among all: its Wald statistic, its slope, and whichever of the two stands out more.

    Parameters
    ----------
    rows : float array, shape (rows, points)
        The treated area first; each less its mean.
    time : float array, shape (points,)

    Notes
    -----
    To compare the two statistics each is put on the scale of its own upper tail among independent normal rows, where a
    row's share in the sum of squares of q directions is ``Beta(q/2, (n - q)/2)``; the smaller tail is the statistic.
    The p-values are ranks, so they do not rest on that distribution.
    """
    n = len(rows)
    shares, slope = wald(rows) / n, slopes(rows, time)
    trend = slope**2 / max(float((slope**2).sum()), np.finfo(float).tiny)
    both = np.minimum(_tail(shares, round(float(shares.sum())), n), _tail(trend, 1, n))
    return FewRanks(
        statistic=float(n * shares[0]),
        joint_p=_rank_p(-shares),
        trend_p=_rank_p(-trend),
        p_value=_rank_p(both),
    )


def few_power(placebo: Floats, time: Floats, trend: float) -> float:
    """Chance that `few_ranks` rejects at 5 % when a trend of this slope is added to the first row.

    Parameters
    ----------
    placebo : float array, shape (sets, points)
        Rows of the placebo sets. Each in turn plays the treated area with the trend added, ranked among the others.
    time : float array, shape (points,)
    trend : float
        Slope, in units of the rows.

    Returns
    -------
    float
        Without a trend k / sets, k being the ranks of sets + 1 at which the test rejects; its size is k / (sets + 1).

    Notes
    -----
    The row that plays has its own unmodified copy replaced, not beside it, where it would be its closest rival. With
    ``P'P`` of the placebo rows, player b and line l, ``P'P - bb' + (b + l)(b + l)' = P'P + U M U'`` with ``U = [b, l]``
    and ``M^-1 = [[-1, 1], [1, 0]]``, so that any row x has ``x'A x - (U'A x)' (M^-1 + U'A U)^-1 (U'A x)`` of the sum of
    squares, A being the pseudo-inverse of ``P'P`` (Woodbury 1950).
    """
    n = len(placebo)
    line = trend * (time - time.mean())
    shares, rank = _shares_played(placebo, line)
    slope = slopes(placebo, time)
    squares = np.where(np.eye(n, dtype=bool), (slope + trend) ** 2, slope[:, None] ** 2)
    trends = squares / np.maximum(squares.sum(axis=0), np.finfo(float).tiny)
    both = np.minimum(_tail(shares, rank, n), _tail(trends, 1, n))
    reached = (both <= np.diag(both) * (1 + 1e-9)).sum(axis=0)
    return float(np.mean(reached <= LEVEL * (n + 1) + 1e-9))


def _shares_played(placebo: Floats, line: Floats) -> tuple[Floats, int]:
    """Share of each row (first axis) when each (second axis) has `line` added to it, and the rank of the rows."""
    inverse = np.linalg.pinv(placebo.T @ placebo, rcond=1e-8, hermitian=True)
    hat, along = placebo @ inverse @ placebo.T, placebo @ inverse @ line
    own, bend = np.diag(hat), float(line @ inverse @ line)
    determinant = bend * (own - 1) - (1 + along) ** 2

    def less(first: Floats, second: Floats) -> Floats:
        """``v' K^-1 v`` of ``v = U'A x``, K having the rows ``(h - 1, 1 + a)`` and ``(1 + a, bend)``."""
        both = bend * first**2 - 2 * (1 + along) * first * second + (own - 1) * second**2
        return np.asarray(both / determinant)

    shares = own[:, None] - less(hat, along[:, None])
    np.fill_diagonal(shares, own + 2 * along + bend - less(own + along, along + bend))
    return shares, round(float(own.sum()))


def few_caught(placebo: Floats, time: Floats, spread: float) -> float:
    """The smallest slope, up or down, that `few_ranks` catches four times in five; infinite if it never does.

    Parameters
    ----------
    placebo, time : as for `few_power`
    spread : float
        Size of a usual slope, in units of the rows: where the search begins.
    """

    def lacking(slope: float) -> bool:
        return min(few_power(placebo, time, s * slope) for s in (1, -1)) < CAUGHT

    low, high = 0.0, spread
    while lacking(high):
        if not high < 1e6 * spread:
            return math.inf
        low, high = high, 2 * high
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if lacking(middle) else (low, middle)
    return high


def _tail(share: Floats, directions: int, rows: int) -> Floats:
    """Upper tail of ``Beta(directions / 2, (rows - directions) / 2)`` at each share of a sum of squares."""
    kept = np.clip(1 - share, 0.0, 1.0)
    return np.asarray(special.betainc((rows - directions) / 2, directions / 2, kept))


def _rank_p(values: Floats) -> float:
    """Share of `values` that are as small as the first one, itself counted; ties count against the finding."""
    edge = values[0] + 1e-9 * abs(values[0])
    return float(np.count_nonzero(values <= edge) / len(values))
