"""ATT(g, t) by cohort and month as arithmetic on means, with the influence of every unit.

Callaway and Sant'Anna (2021), "Difference-in-differences with multiple time periods", Journal of Econometrics 225(2),
equations 2.5 and 2.6 without covariates, where the three estimators of the paper are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators.staggered_cohorts import Cells, CohortPanel, cells_of
from cseval.estimators.staggered_kernels import LinearEffects

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

NEVER_TREATED, NOT_YET_TREATED = "never", "not-yet"
VARYING, UNIVERSAL = "varying", "universal"


def att_gt(panel: CohortPanel, controls: str = NEVER_TREATED, base: str = VARYING) -> tuple[Cells, LinearEffects]:
    """Effect of every cohort in every month against its controls.

    ``ATT(g, t) = mean_g(y_t - y_b) - mean_C(y_t - y_b)``: from the cohort's start on b is the last month before it;
    before the start b is the month before t (`varying`) or that same last month (`universal`).

    Parameters
    ----------
    panel : CohortPanel
    controls : {"never", "not-yet"}
        Units that never begin, or all that have not begun by the later of t and b.
    base : {"varying", "universal"}

    Returns
    -------
    cells : Cells
        Cohort by cohort in order of the months; cells without a control are left out.
    effects : LinearEffects

    Raises
    ------
    EstimationError
        If no cell has a control.
    """
    cohort, column, before = _comparisons(panel, base)
    pool = _pools(panel, controls, cohort, np.maximum(column, before))
    kept = pool @ panel.size > 0
    if not kept.any():
        raise EstimationError(
            "no unit that never begins", where="Callaway-Sant'Anna", todo="Use not-yet-treated controls"
        )
    cohort, column, before, pool = cohort[kept], column[kept], before[kept], pool[kept]
    return cells_of(panel, cohort, column), _effects(panel, cohort, column, before, pool)


def _comparisons(panel: CohortPanel, base: str) -> tuple[Index, Index, Index]:
    """Cohort, month and base month of every comparison, each of shape (cells,)."""
    months = np.arange(panel.values.shape[1])
    last = panel.first[:, None] - 1
    column = np.broadcast_to(months, (panel.cohorts, len(months)))
    before = np.broadcast_to(last, column.shape)
    used = column != before
    if base == VARYING:
        before = np.where(column > last, before, column - 1)
        used = column >= 1
    cohort, which = np.nonzero(used)
    return cohort.astype(np.int64), which.astype(np.int64), before[used].astype(np.int64)


def _pools(panel: CohortPanel, controls: str, cohort: Index, latest: Index) -> Mask:
    """Which groups serve as control of each comparison, shape (cells, cohorts + 1)."""
    pool = np.zeros((len(cohort), panel.cohorts + 1), dtype=bool)
    pool[:, -1] = True
    if controls == NOT_YET_TREATED:
        pool[:, :-1] = (panel.first > latest[:, None]) & (np.arange(panel.cohorts) != cohort[:, None])
    return pool


def _effects(panel: CohortPanel, cohort: Index, column: Index, before: Index, pool: Mask) -> LinearEffects:
    """Weights of the comparisons on group means, and what pooling groups as controls adds to a unit's influence."""
    rows, size = np.arange(len(cohort)), panel.size.astype(float)
    part = pool * size
    part /= part.sum(axis=1, keepdims=True)  # each group's share in the control, shape (cells, cohorts + 1)
    sign = -part
    sign[rows, cohort] += 1.0
    weights = np.zeros((len(cohort), panel.cohorts + 1, panel.values.shape[1]))
    weights[rows, :, column] = sign
    weights[rows, :, before] -= sign
    change = panel.mean[:, column].T - panel.mean[:, before].T
    pooled = (part * change).sum(axis=1, keepdims=True)
    return LinearEffects(panel=panel, weights=weights, shift=-part * (change - pooled))
