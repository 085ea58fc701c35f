"""Synthetic difference in differences: weights of units and of periods, for one treated series or many.

Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), "Synthetic difference-in-differences", American Economic Review
111(12), algorithms 1, 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators.calibration_weights import minimum_norm_weights
from cseval.estimators.synthetic_estimate import effects_of
from cseval.estimators.synthetic_kernels import Weighed, from_middle
from cseval.estimators.synthetic_solvers import OwnGrams, SharedPoints, frank_wolfe, simplex_weights

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.estimators.synthetic_series import Series

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

    #: Takes points (rows, weights), a goal (rows,) and a penalty on ``|w|^2``; gives weights on the simplex.
    Solver = Callable[[Floats, Floats, float], Floats]

#: Penalty of the time weights as a part of the noise: enough to make them unique.
TIME_PENALTY = 1e-6
#: Sets whose time weights are found together.
CHUNK = 256
#: Frank and Wolfe's steps before small weights are set to zero, and after.
STEPS_BEFORE, STEPS_AFTER = 100, 10_000


# Many sets ----------------------------------------------------------------------------------------


def noise_level(points: Floats, allowed: Mask) -> Floats:
    """Standard deviation of the donors' changes from one point to the next, shape (sets,).

    Parameters
    ----------
    points : float array, shape (points before, donors)
    allowed : bool array, shape (sets, donors)
    """
    change = np.diff(points, axis=0)
    number = allowed.sum(axis=1) * len(change)
    total, squares = allowed @ change.sum(axis=0), allowed @ (change**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = (squares - total**2 / number) / (number - 1)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def unit_weights(points: Floats, goals: Floats, allowed: Mask, zeta: Floats) -> Floats:
    """Weights of the donors whose course runs parallel to each goal, shape (sets, donors).

    ``min over w0, w of |goal - w0 - points w|^2 + T zeta^2 |w|^2`` on the simplex, with T points.

    Parameters
    ----------
    points : float array, shape (points before, donors)
    goals : float array, shape (sets, points before)
    allowed : bool array, shape (sets, donors)
    zeta : float array, shape (sets,)
    """
    away, goals = from_middle(points - points.mean(axis=0), goals - goals.mean(axis=1, keepdims=True))
    penalty = len(points) * zeta**2 + 1e-12 * max(float((away**2).sum(axis=0).mean()), 1e-300)
    slack = np.column_stack([np.repeat(penalty[:, None], len(points), axis=1), np.zeros(len(goals))])
    rows = np.vstack([away, np.ones(points.shape[1])])
    weights, solved = minimum_norm_weights(rows, np.column_stack([goals, np.ones(len(goals))]), slack, allowed)
    for row in np.flatnonzero(~solved):  # next to no noise: the dual is too steep
        quadratic = SharedPoints.of(away, 1, float(penalty[row]))
        weights[row] = simplex_weights(quadratic, goals[[row]] @ away, allowed[[row]])[0]
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def time_weights(points: Floats, after: Floats, allowed: Mask, noise: Floats) -> Floats:
    """Weights of the points before the start whose mean runs parallel to that after it, shape (sets, points).

    ``min over l0, l of |after - l0 - points' l|^2 + N (1e-6 noise)^2 |l|^2`` on the simplex, over N donors.

    Parameters
    ----------
    points : float array, shape (points before, donors)
    after : float array, shape (donors,)
        Mean of each donor after the start.
    allowed : bool array, shape (sets, donors)
    noise : float array, shape (sets,)
    """
    out = np.empty((len(allowed), len(points)))
    for first in range(0, len(allowed), CHUNK):
        part = slice(first, first + CHUNK)
        out[part] = _time_weights(points, after, allowed[part].astype(float), noise[part])
    return out


def _time_weights(points: Floats, after: Floats, allowed: Floats, noise: Floats) -> Floats:
    level = points.mean(axis=0)  # of each donor, which time weights that add up to one cannot tell
    points, after = points - level, after - level
    number = allowed.sum(axis=1)
    mean, mean_after = allowed @ points.T / number[:, None], allowed @ after / number
    grams = (points[None, :, :] * allowed[:, None, :]) @ points.T
    grams -= number[:, None, None] * mean[:, :, None] * mean[:, None, :]
    linear = allowed @ (points * after).T - (number * mean_after)[:, None] * mean
    quadratic = OwnGrams.of(grams, number * (TIME_PENALTY * noise) ** 2)
    return simplex_weights(quadratic, linear, np.ones(linear.shape, dtype=bool))


# Series -------------------------------------------------------------------------------------------


def parallel_weights(series: Series) -> Weighed:
    """Weights of donors and of points before the start, and the level that these give; NaN for a set without donors.

    One treated set is one series, so N1 in the penalty is its number of units, and T1 the points after the start.
    """
    usable = (series.allowed.sum(axis=1) >= 2) & np.isfinite(series.goals).all(axis=1)
    some, weights = series.take(usable), np.full(series.allowed.shape, np.nan)
    times, zeta = np.full(series.goals.shape, np.nan), np.full(len(series), np.nan)
    noise = noise_level(some.points, some.allowed)
    zeta[usable] = _zeta(some, noise)
    weights[usable] = unit_weights(some.points, some.goals, some.allowed, zeta[usable])
    after = some.donors[:, some.post].mean(axis=1)
    times[usable] = time_weights(some.points, after, some.allowed, noise)
    level = did_level(series, weights, times)
    return Weighed(weights=weights, level=level, time_weights=times, facts={"zeta": zeta})


def _zeta(series: Series, noise: Floats) -> Floats:
    return np.asarray((series.size * series.post.sum() / series.months_per_point) ** 0.25 * noise)


def did_level(series: Series, weights: Floats, times: Floats) -> Floats:
    """Gap between each goal and its weighted donors in the weighted points, shape (sets,)."""
    return np.asarray((times * (series.goals - weights @ series.points.T)).sum(axis=1))


def parallel_everywhere(series: Series) -> Weighed:
    """Weights of donors that run parallel over all points, which weigh the same."""
    weights = np.full(series.allowed.shape, np.nan)
    usable = (series.allowed.sum(axis=1) >= 2) & np.isfinite(series.goals).all(axis=1)
    some = series.take(usable)
    zeta = _zeta(some, noise_level(some.points, some.allowed))
    weights[usable] = unit_weights(some.points, some.goals, some.allowed, zeta)
    return Weighed(weights=weights, level=(series.goals - weights @ series.points.T).mean(axis=1))


def without_treated(fewer: Series, weighed: Weighed) -> Floats:
    """Effects of the series without each treated unit, under the weights of the whole."""
    assert weighed.time_weights is not None
    weights = np.repeat(weighed.weights, len(fewer), axis=0)
    level = did_level(fewer, weights, weighed.time_weights)
    return effects_of(fewer, Weighed(weights=weights, level=level)).effect


def without_donors(series: Series, weighed: Weighed) -> Floats:
    """Effects of one series without each donor, the other weights made to add up to one."""
    assert weighed.time_weights is not None
    weights = np.repeat(weighed.weights, series.allowed.shape[1], axis=0)
    np.fill_diagonal(weights, 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    every = series.take(np.zeros(len(weights), dtype=np.int64))
    level = did_level(every, weights, weighed.time_weights)
    return effects_of(every, Weighed(weights=weights, level=level)).effect


# One treated block --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class SyntheticDiDFit:
    """Synthetic difference in differences of one treated block.

    Parameters
    ----------
    effect : float
        In the outcome's own units, per unit and period.
    unit_weights : float array, shape (comparison units,)
    time_weights : float array, shape (periods before,)
    zeta, noise : float
        Penalty of the unit weights, and the noise it is made of.
    """

    effect: float
    unit_weights: Floats
    time_weights: Floats
    zeta: float
    noise: float


def exact_solver(points: Floats, goal: Floats, penalty: float) -> Floats:
    """The minimum."""
    points, goal = from_middle(points, goal)
    quadratic = SharedPoints.of(points, 1, penalty)
    allowed = np.ones((1, points.shape[1]), dtype=bool)
    return np.asarray(simplex_weights(quadratic, (goal @ points)[None, :], allowed)[0])


def published_solver(noise: float) -> Solver:
    """The weights of R's synthdid 0.0.9, which stops short of the minimum.

    Frank and Wolfe's steps from equal weights, at most 100; weights up to a quarter of the largest set to zero; then at
    most 10,000 steps. Only to reproduce published numbers: on California they differ from the minimum in the fourth
    digit of synthetic difference in differences and in the third of the synthetic control.

    Parameters
    ----------
    noise : float
        As `noise_level` gives it; steps end where the mean loss falls by less than ``(1e-5 noise)^2``.
    """
    return partial(_published, noise)


def _published(noise: float, points: Floats, goal: Floats, penalty: float) -> Floats:
    least = len(goal) * (1e-5 * noise) ** 2
    first = frank_wolfe(points, goal, penalty, np.full(points.shape[1], 1 / points.shape[1]), least, STEPS_BEFORE)
    sparse = np.where(first <= first.max() / 4, 0.0, first)
    return frank_wolfe(points, goal, penalty, sparse / sparse.sum(), least, STEPS_AFTER)


def synthetic_did(outcome: Floats, treated: Mask, post: Mask, solver: Solver = exact_solver) -> SyntheticDiDFit:
    """Synthetic difference in differences of units treated from the same period on.

    ``(mean treated - sum w_i y_i) after less before``, before weighted by `time_weights` and after equally. Periods in
    order. `zeta` is ``(N1 T1)^(1/4)`` times the noise for N1 treated units and T1 periods after the start.

    Parameters
    ----------
    outcome : float array, shape (units, periods)
    treated : bool array, shape (units,)
    post : bool array, shape (periods,)
    solver : callable
        `exact_solver`, or `published_solver` to reproduce numbers of R's synthdid.

    Raises
    ------
    EstimationError
        If there are fewer than two periods before the start, or two comparison units.
    """
    donors, after = outcome[~treated], outcome[~treated][:, post].mean(axis=1)
    points, goal = donors[:, ~post].T, outcome[treated][:, ~post].mean(axis=0)
    _require_block(points)
    noise = float(noise_level(points, np.ones((1, len(donors)), dtype=bool))[0])
    zeta = (treated.sum() * post.sum()) ** 0.25 * noise
    away, beside = points - points.mean(axis=0), (points - points.mean(axis=1, keepdims=True)).T
    units = solver(away, goal - goal.mean(), len(points) * zeta**2)
    times = solver(beside, after - after.mean(), len(donors) * (TIME_PENALTY * noise) ** 2)
    effect = _block_effect(outcome[treated].mean(axis=0), units @ donors, times, post)
    return SyntheticDiDFit(effect=effect, unit_weights=units, time_weights=times, zeta=zeta, noise=noise)


def _require_block(points: Floats) -> None:
    if min(points.shape) < 2:
        raise EstimationError(
            f"{points.shape[0]} periods before the start and {points.shape[1]} comparison units",
            where="synthetic difference in differences",
            expected="at least 2 of each",
        )


def _block_effect(treated: Floats, synthetic: Floats, times: Floats, post: Mask) -> float:
    gap = treated - synthetic
    return float(gap[post].mean() - times @ gap[~post])


def placebo_error(outcome: Floats, treated: Mask, post: Mask, draws: int = 200, seed: int = 0) -> float:
    """Standard error as the spread of effects in comparison units taken for treated (algorithm 4).

    As many comparison units as are treated are drawn and compared with the rest, with the penalty of the estimate.
    One treated unit has no more placebos than comparison units, so these are enumerated.

    Parameters as `synthetic_did`.

    Raises
    ------
    EstimationError
        If there are no more comparison than treated units.
    """
    effects = placebo_effects(outcome, treated, post, draws, seed)
    return float(effects.std())


def placebo_effects(outcome: Floats, treated: Mask, post: Mask, draws: int, seed: int) -> Floats:
    """Effects behind `placebo_error`, shape (placebos,); parameters and errors as there."""
    donors, size = outcome[~treated], int(treated.sum())
    members = drawn_members(len(donors), size, draws, seed)
    allowed = np.ones((len(members), len(donors)), dtype=bool)
    np.put_along_axis(allowed, members, False, axis=1)
    points = donors[:, ~post].T
    noise = float(noise_level(points, np.ones((1, len(donors)), dtype=bool))[0])
    zeta = np.full(len(members), (size * post.sum()) ** 0.25 * noise)
    targets = donors[members].mean(axis=1)
    units = unit_weights(points, targets[:, ~post], allowed, zeta)
    times = time_weights(points, donors[:, post].mean(axis=1), allowed, np.full(len(members), noise))
    gap = targets - units @ donors
    return np.asarray(gap[:, post].mean(axis=1) - (times * gap[:, ~post]).sum(axis=1))


def drawn_members(donors: int, size: int, draws: int, seed: int) -> Index:
    """Sets of `size` different donors, shape (sets, size): every donor once if `size` is 1, else random ones.

    Raises
    ------
    EstimationError
        If fewer than two donors would be left.
    """
    if donors < size + 2:
        raise EstimationError(
            f"{donors} comparison units and {size} treated",
            where="placebo variance of synthetic difference in differences",
            expected="at least two comparison units beyond the number treated",
        )
    if size == 1:
        return np.arange(donors)[:, None]
    order = np.random.default_rng(seed).random((draws, donors)).argsort(axis=1)
    return np.sort(order[:, :size], axis=1)


def jackknife_error(fit: SyntheticDiDFit, outcome: Floats, treated: Mask, post: Mask) -> float:
    """Standard error by leaving out one unit at a time with all weights kept (algorithm 3).

    Conservative, and only for several treated units. Parameters as `synthetic_did`.

    Raises
    ------
    EstimationError
        If one unit is treated, or a single comparison unit has all the weight.
    """
    many, w = int(treated.sum()), fit.unit_weights
    require_several(many, w)
    change = outcome[:, post].mean(axis=1) - outcome[:, ~post] @ fit.time_weights
    own, rest = change[treated], change[~treated]
    without_treated = (own.sum() - own) / (many - 1) - w @ rest
    without_donor = own.mean() - (w @ rest - w * rest) / (1 - w)
    effects = np.concatenate([without_treated, without_donor])
    return float(np.sqrt((len(effects) - 1) * effects.var()))


def require_several(treated: int, weights: Floats) -> None:
    """Refuse a jackknife with one treated unit, or with all weight on one donor.

    Raises
    ------
    EstimationError
        If either is so.
    """
    donors = int((weights > 0).sum())
    if treated < 2 or donors < 2:
        raise EstimationError(
            f"{treated} treated units and {donors} comparison units with weight",
            where="jackknife of synthetic difference in differences",
            expected="at least two of each",
            todo="Use the placebo variance",
        )
