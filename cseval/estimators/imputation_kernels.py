"""Least squares on untreated cells, solved by arithmetic on cohort means, and the effects that its imputation leaves.

The model of the untreated outcome is ``y_it = a_i + g_t + error`` (Borusyak, Jaravel and Spiess 2024, "Revisiting event
study designs: robust and efficient estimation", Review of Economic Studies). Untreated cells form stairs: units are
observed up to their start. A unit's differences between each month and the mean of all months before it are then
uncorrelated, and every one of them says something about one parameter alone:

    h_t = g_t - mean_{s<t} g_s = mean over the units untreated in t of (y_it - mean_{s<t} y_is)

which is least squares on all untreated cells, without a matrix to be inverted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators.etwfe_kernels import untreated_cells
from cseval.estimators.staggered_cohorts import Cells, CohortPanel, cells_of, treated_cells
from cseval.estimators.staggered_kernels import LinearEffects

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]


def imputed_effects(panel: CohortPanel) -> tuple[Cells, LinearEffects, Floats]:
    """Effect of every treated cell: its mean less what unit and month effects of untreated cells make of it.

    Returns
    -------
    cells : Cells
        Cohort by cohort; months in which no unit is untreated are left out.
    effects : LinearEffects
        Its covariance is the conservative one of Borusyak, Jaravel and Spiess (their equation 8), with the effect of a
        treated cell replaced by the mean of its cohort and month: residuals are weighted by what a unit adds.
    untreated : float array, shape (cohorts + 1, months)
        Means without the programme: fitted before the start, imputed from it on, NaN where neither can be.

    Raises
    ------
    EstimationError
        If no treated cell can be imputed.
    """
    steps, some = _steps(panel)
    cells = treated_cells(panel)
    kept = some[cells.column]
    if not kept.any():
        raise EstimationError("no unit that is untreated while others are treated", where="imputation")
    cells = cells_of(panel, cells.cohort[kept], cells.column[kept])
    untreated = _untreated_means(panel, steps)
    weights = _cell_weights(panel, cells, steps)
    residual = np.where(untreated_cells(panel), panel.mean - untreated, 0.0)
    shift = np.einsum("rcs,cs->rc", weights, residual)
    return cells, LinearEffects(panel=panel, weights=weights, shift=shift), np.where(some, untreated, np.nan)


def _steps(panel: CohortPanel) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Weights of group means in each ``h_t``, shape (months, cohorts + 1, months), and which months have any."""
    months = panel.values.shape[1]
    used = (untreated_cells(panel) * panel.size[:, None]).T.astype(float)  # (months, cohorts + 1)
    everyone = used.sum(axis=1, keepdims=True)
    share = used / np.where(everyone > 0, everyone, 1.0)
    column = np.arange(months)
    difference = np.eye(months) - (column < column[:, None]) / np.maximum(column, 1)[:, None]
    difference[0] = 0.0
    return share[:, :, None] * difference[:, None, :], everyone[:, 0] > 0


def _levels(steps: Floats) -> tuple[Floats, Floats]:
    """Weights of group means in ``g_t`` and in the mean of ``g_0`` to ``g_t``, with ``g_0 = 0``; shapes of `steps`."""
    count = np.arange(1, len(steps) + 1)[:, None, None]
    mean = np.cumsum(steps / count, axis=0)
    level = steps.copy()
    level[1:] += mean[:-1]
    return level, mean


def _cell_weights(panel: CohortPanel, cells: Cells, steps: Floats) -> Floats:
    """Weights of group means in each cell's effect, shape (cells, cohorts + 1, months)."""
    level, mean = _levels(steps)
    start, rows = panel.first[cells.cohort], np.arange(len(cells))
    weights = mean[start - 1] - level[cells.column]
    before = np.arange(steps.shape[2]) < start[:, None]
    weights[rows, cells.cohort] -= before / start[:, None]
    weights[rows, cells.cohort, cells.column] += 1.0
    return np.asarray(weights)


def _untreated_means(panel: CohortPanel, steps: Floats) -> Floats:
    """Mean of each group and month that unit and month effects make, shape (cohorts + 1, months)."""
    level, mean = (np.einsum("tcs,cs->t", x, panel.mean) for x in _levels(steps))
    before = untreated_cells(panel)
    months = before.sum(axis=1)
    own = (panel.mean * before).sum(axis=1) / months
    return np.asarray(own[:, None] + level - mean[months - 1][:, None])
