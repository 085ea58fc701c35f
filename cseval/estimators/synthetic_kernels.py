"""Donor weights of synthetic controls, for one treated series or many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cseval.estimators.synthetic_solvers import SharedPoints, simplex_weights

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.estimators.synthetic_series import Series

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


#: Differences smaller than this part of the largest number are rounding.
ROUNDING = 1e-14


@dataclass(frozen=True, kw_only=True, eq=False)
class Weighed:
    """Weights of some treated series.

    Parameters
    ----------
    weights : float array, shape (sets, donors)
        Add up to one.
    level : float array, shape (sets,)
        Added to the weighted donors in every month.
    time_weights : float array, shape (sets, points), optional
        Of the points before the start, for synthetic difference in differences.
    plain : Weighed, optional
        The plain synthetic control, where `weights` make its misfit up or are kept even by a penalty and so tell little
        of how well the donors can follow a set.
    facts : mapping of str to float array of shape (sets,)
    """

    weights: Floats
    level: Floats
    time_weights: Floats | None = None
    plain: Weighed | None = None
    facts: Mapping[str, Floats] = field(default_factory=dict)


# Synthetic control --------------------------------------------------------------------------------


def simplex_fit(points: Floats, goals: Floats, allowed: Mask, start: Floats | None = None) -> Floats:
    """Weights of at least 0 that add up to one and bring the donors nearest to each goal, shape (sets, donors).

    ``min |goal - points w|^2``: Abadie, Diamond and Hainmueller (2010) with the outcome of every point before the start
    as predictor and equal importance. Among equally good weights those of least norm, by a trace of a ridge.

    Parameters
    ----------
    points : float array, shape (rows, donors)
    goals : float array, shape (sets, rows)
    allowed : bool array, shape (sets, donors)
        A set without a donor, or with a goal that is not finite, has NaN.
    start : float array, shape (sets, donors), optional
        Weights to start from.
    """
    weights = np.full(allowed.shape, np.nan)
    usable = allowed.any(axis=1) & np.isfinite(goals).all(axis=1)
    if usable.any():
        begin = None if start is None else start[usable]
        points, goals = from_middle(points, goals[usable])
        quadratic = SharedPoints.of(points, int(usable.sum()))
        weights[usable] = simplex_weights(quadratic, goals @ points, allowed[usable], begin)
    return weights


def from_middle(points: Floats, goals: Floats) -> tuple[Floats, Floats]:
    """Points and goals measured from the mean of the points, which weights that add up to one cannot tell.

    What all points share then takes no digits from how they differ, and what is but rounding is no difference.
    """
    middle = points.mean(axis=1)
    away = points - middle[:, None]
    away[np.abs(away) <= ROUNDING * np.abs(points).max()] = 0.0
    return away, goals - middle


def centred(series: Series) -> tuple[Floats, Floats]:
    """Points and goals less their means over the rows of each kind, for fits with a level of their own."""
    share = (series.kind[:, None] == series.kind[None, :]).astype(float)
    share /= share.sum(axis=1, keepdims=True)
    away = np.eye(len(share)) - share
    return away @ series.points, series.goals @ away.T


def plain_weights(series: Series, intercept: bool) -> Weighed:
    """The synthetic control of each set; with `intercept` its level is free.

    With a level of its own the treated area need not lie among the donors: Doudchenko and Imbens (2016), Ferman and
    Pinto (2021), "Synthetic controls with imperfect pretreatment fit".
    """
    if not intercept:
        weights = simplex_fit(series.points, series.goals, series.allowed)
        return Weighed(weights=weights, level=np.zeros(len(series)))
    weights = simplex_fit(*centred(series), series.allowed)
    return Weighed(weights=weights, level=mean_gap(series, weights))


def mean_gap(series: Series, weights: Floats) -> Floats:
    """Mean over the outcome's rows of what each goal exceeds its weighted donors by."""
    return np.asarray(fit_gap(series, weights, np.zeros(len(series))).mean(axis=1))


def fit_gap(series: Series, weights: Floats, level: Floats) -> Floats:
    """Goal less fit in the outcome's rows, shape (sets, rows of the outcome)."""
    own = series.own
    return np.asarray(series.goals[:, own] - weights @ series.points[own].T - level[:, None])


# How well, and how uniquely ------------------------------------------------------------------------


def nothing_else_fits(points: Floats, goal: Floats, allowed: Mask, weights: Floats) -> bool:
    """Whether no other weights of one set fit as well as these, which minimise its distance.

    Others would have to be on donors at which the loss does not rise, and these are then affinely dependent.
    """
    points, goal = from_middle(points, goal)
    slope = (weights @ points.T - goal) @ points
    slope -= slope @ weights
    flat = allowed & (slope <= 1e-6 * (points**2).mean(axis=0).max() * len(points))
    matrix = np.vstack([points[:, flat] / max(float(np.abs(points).max()), 1e-300), np.ones(int(flat.sum()))])
    return bool(np.linalg.matrix_rank(matrix, tol=1e-9 * len(matrix)) == flat.sum())


# One series from plain arrays ---------------------------------------------------------------------


def synthetic_control_weights(donors: Floats, treated: Floats) -> Floats:
    """Weights of at least 0 that add up to one and minimise ``|treated - donors w|^2``, shape (donors,).

    Parameters
    ----------
    donors : float array, shape (periods before, donors)
    treated : float array, shape (periods before,)
    """
    return np.asarray(simplex_fit(donors, treated[None, :], np.ones((1, donors.shape[1]), dtype=bool))[0])
