"""Non-negative weights that make comparison units add up to the treated ones, and the effect they give.

One dual problem serves two uses: exact balance of many covariates (microsynth), and, with some of the balance left
soft, the unit weights of synthetic difference in differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

#: Newton steps after which balance is taken to be out of reach.
MOST_STEPS = 200
#: Times that a Newton step is halved at most.
HALVINGS = 40
#: Balance is reached when no total is further off than this part of the largest.
TOLERANCE = 1e-10
#: Numbers held at once by the Newton matrices' factors.
BLOCK = 20_000_000


def minimum_norm_weights(rows: Floats, totals: Floats, slack: Floats, allowed: Mask) -> tuple[Floats, Mask]:
    """Weights of least norm that bring each row to its total, exactly or nearly, for many problems at once.

    ``min |w|^2 / 2 + sum over soft rows of (rows_r w - totals_r)^2 / (2 slack_r)`` subject to ``w >= 0`` and
    ``rows_r w = totals_r`` where ``slack_r = 0``. The dual is concave, piecewise quadratic and as small as there are
    rows: ``max totals' v - |(rows' v)_+|^2 / 2 - v' diag(slack) v / 2`` with ``w = (rows' v)_+``. It is solved by
    Newton steps with halving, which end at the exact solution once the set of weights above zero is found.

    Parameters
    ----------
    rows : float array, shape (rows, units)
    totals : float array, shape (problems, rows)
    slack : float array, shape (rows,) or (problems, rows)
        0 for a row to be met exactly.
    allowed : bool array, shape (problems, units)
        Units that may have weight.

    Returns
    -------
    weights : float array, shape (problems, units)
    solved : bool array, shape (problems,)
        Whether the steps ended; if not, no weights meet the exact rows.
    """
    weights = np.zeros(allowed.shape)
    solved = np.zeros(len(allowed), dtype=bool)
    slack = np.broadcast_to(slack, totals.shape)
    share = max(BLOCK // rows.size, 1)
    for first in range(0, len(allowed), share):
        part = slice(first, first + share)
        dual = _Dual(rows=rows, totals=totals[part], slack=slack[part], allowed=allowed[part])
        weights[part], solved[part] = _climb(dual)
    return weights, solved


@dataclass(frozen=True, kw_only=True, eq=False)
class _Dual:
    """The dual of some problems; arrays as in `minimum_norm_weights`."""

    rows: Floats
    totals: Floats
    slack: Floats
    allowed: Mask

    def take(self, which: Mask | Index) -> _Dual:
        """Some of the problems."""
        return _Dual(rows=self.rows, totals=self.totals[which], slack=self.slack[which], allowed=self.allowed[which])

    def weights(self, at: Floats) -> Floats:
        """``(rows' v)_+`` of the allowed units."""
        return np.where(self.allowed, np.maximum(at @ self.rows, 0.0), 0.0)

    def value(self, at: Floats) -> Floats:
        """The concave function to be climbed, shape (problems,)."""
        w = self.weights(at)
        soft = (self.slack * at * at).sum(axis=1)
        return np.asarray((self.totals * at).sum(axis=1) - ((w * w).sum(axis=1) + soft) / 2)

    def slope(self, at: Floats) -> Floats:
        """Its gradient: what each total still lacks."""
        return np.asarray(self.totals - self.weights(at) @ self.rows.T - self.slack * at)

    def step(self, active: Mask, slope: Floats) -> Floats:
        """Newton's step where `active` units have weight, with a trace of a ridge for rows that depend on others."""
        curvature = (active[:, None, :] * self.rows) @ self.rows.T
        diagonal = np.arange(len(self.rows))
        curvature[:, diagonal, diagonal] += self.slack
        size = np.trace(curvature, axis1=1, axis2=2) / len(self.rows)
        curvature[:, diagonal, diagonal] += 1e-13 * np.where(size > 0, size, 1.0)[:, None]
        return np.asarray(np.linalg.solve(curvature, slope[:, :, None])[:, :, 0], dtype=float)


def _climb(dual: _Dual) -> tuple[Floats, Mask]:
    """Weights at the top of each dual, and whether it was reached."""
    at: Floats = dual.step(dual.allowed, dual.totals)  # the least norm with weights of any sign
    scale = np.abs(dual.totals).max(axis=1) * TOLERANCE
    open_ = np.ones(len(at), dtype=bool)
    for _ in range(MOST_STEPS):
        some = dual.take(open_)
        slope = some.slope(at[open_])
        left = np.abs(slope).max(axis=1) > scale[open_]
        open_[open_] = left
        if not left.any():
            break
        at[open_] = _advance(some.take(left), at[open_], slope[left])
    return dual.weights(at), ~open_


def _advance(dual: _Dual, at: Floats, slope: Floats) -> Floats:
    """One Newton step of each problem, halved until the dual rises by a fair part of what the slope promises."""
    step = dual.step((at @ dual.rows > 0) & dual.allowed, slope)
    promise, value = (slope * step).sum(axis=1), dual.value(at)
    length, short = np.ones(len(at)), np.arange(len(at))
    for _ in range(HALVINGS):
        risen = dual.take(short).value(at[short] + length[short, None] * step[short])
        enough = risen >= value[short] + 1e-4 * length[short] * promise[short] - 1e-12 * np.abs(value[short])
        short = short[~enough]
        if not len(short):
            break
        length[short] /= 2
    return np.asarray(at + length[:, None] * step)


def balancing_weights(covariates: Floats, totals: Floats, names: Sequence[str] = ()) -> Floats:
    """Weights of least norm, none below zero, under which comparison units add up to `totals` exactly.

    Robbins, Saunders and Kilmer (2017), "A framework for synthetic control methods with high-dimensional, micro-level
    data", section 3; Robbins and Davenport (2021), "microsynth". Where several sets of weights balance, this one is the
    nearest to zero weight everywhere, so unique.

    Parameters
    ----------
    covariates : float array, shape (units, covariates)
        What is to be balanced: a column of ones, fixed traits, and the outcomes of each period before the start.
    totals : float array, shape (covariates,)
        Their sums over the treated units.
    names : sequence of str
        Of the covariates, for the error.

    Raises
    ------
    EstimationError
        If no such weights exist.
    """
    size = np.sqrt((covariates**2).mean(axis=0))
    size[size == 0] = 1.0
    rows, target = (covariates / size).T, (totals / size)[None, :]
    allowed = np.ones((1, len(covariates)), dtype=bool)
    weights, solved = minimum_norm_weights(rows, target, np.zeros(len(rows)), allowed)
    if not solved[0]:
        _refuse(rows @ weights[0] - target[0], names)
    return np.asarray(weights[0])


def _refuse(gap: Floats, names: Sequence[str]) -> None:
    worst = int(np.argmax(np.abs(gap)))
    raise EstimationError(
        f"no weights balance all {len(gap)} totals; the furthest off is {names[worst] if names else f'number {worst}'}",
        where="calibration weights",
        expected="treated totals that a weighted sum of comparison units can reach",
        todo="Balance fewer covariates, or sums over several periods",
    )


@dataclass(frozen=True, kw_only=True)
class WeightedEffect:
    """Treated against weighted comparison units after the start.

    Parameters
    ----------
    treated, control : float
        Sums of the outcome over units and periods after the start, as counted and weighted.
    log_ratio : float
        ``ln(treated / control)``.
    std_error : float
        Of `log_ratio`, by survey linearisation.
    statistic : float
        Difference of means over its linearised standard error.
    """

    treated: float
    control: float
    log_ratio: float
    std_error: float
    statistic: float

    @property
    def change(self) -> float:
        """``treated / control - 1``."""
        return self.treated / self.control - 1

    def p_value(self, alternative: str = "two-sided") -> float:
        """p-value of no effect against ``two-sided``, ``lower`` (a fall) or ``upper``, normal distribution."""
        from scipy.special import ndtr

        tails = {"two-sided": 2 * ndtr(-abs(self.statistic)), "lower": ndtr(self.statistic)}
        return float({**tails, "upper": ndtr(-self.statistic)}[alternative])

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Ends of the interval of `change`, from the log ratio."""
        from scipy.special import ndtri

        half = float(ndtri(0.5 + level / 2)) * self.std_error
        return float(np.expm1(self.log_ratio - half)), float(np.expm1(self.log_ratio + half))


def weighted_effect(outcome: Floats, treated: Mask, weights: Floats) -> WeightedEffect:
    """The effect under given weights, with the errors of survey linearisation.

    A weighted regression of each unit's outcome in each period on treatment and period, ``y_it = g_t + tau d_i``, with
    the linearised (sandwich) variance ``A^-1 (n / (n - 1) sum z z') A^-1``, ``z_it = w_i x_it e_it``, every unit and
    period an observation of its own: what microsynth takes from R's survey package. The weights are taken as given.

    Parameters
    ----------
    outcome : float array, shape (units, periods)
        After the start.
    treated : bool array, shape (units,)
    weights : float array, shape (units,)
        Of the comparison units; treated units weigh one.
    """
    periods = outcome.shape[1]
    w = np.where(treated, 1.0, weights)
    coefficients, covariance = _linearised(outcome, treated.astype(float), w)
    tau, level = coefficients[0], coefficients[1:].mean()
    slope = np.full(periods + 1, (1 / (level + tau) - 1 / level) / periods)
    slope[0] = 1 / (level + tau)
    return WeightedEffect(
        treated=float(outcome[treated].sum()),
        control=float(weights[~treated] @ outcome[~treated].sum(axis=1)),
        log_ratio=float(np.log((level + tau) / level)),
        std_error=float(np.sqrt(slope @ covariance @ slope)),
        statistic=float(tau / np.sqrt(covariance[0, 0])),
    )


def _linearised(outcome: Floats, treated: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Coefficients of treatment and of each period, and their linearised covariance."""
    units, periods = outcome.shape
    design = np.zeros((units, periods, periods + 1))
    design[:, :, 0] = treated[:, None]
    design[:, np.arange(periods), np.arange(periods) + 1] = 1.0
    x, y, weight = design.reshape(units * periods, -1), outcome.ravel(), np.repeat(w, periods)
    bread = np.linalg.inv(x.T @ (weight[:, None] * x))
    coefficients = bread @ (x.T @ (weight * y))
    scores = (weight * (y - x @ coefficients))[:, None] * x
    scores -= scores.mean(axis=0)
    n = len(y)
    return coefficients, bread @ (scores.T @ scores) @ bread * n / (n - 1)
