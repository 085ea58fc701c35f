"""The interaction-weighted regression of Sun and Abraham (2021) on rows of any panel, with covariates.

Sun and Abraham (2021), "Estimating dynamic treatment effects in event studies with heterogeneous treatment effects",
Journal of Econometrics 225(2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class InteractionWeighted:
    """Coefficients of the regression and their weights.

    Parameters
    ----------
    event : int array, shape (cells,)
        Event time of each cohort and event time that has a coefficient.
    rows : float array, shape (cells,)
        Observations in it.
    coefficients : float array, shape (cells + covariates,)
    cov_iid, cov_cluster : float array, shape (cells + covariates, cells + covariates)
        Under independent errors of one variance, and by unit.
    """

    event: Index
    rows: Floats
    coefficients: Floats
    cov_iid: Floats
    cov_cluster: Floats

    def average(self, cells: Mask) -> tuple[float, float, float]:
        """Average of the coefficients of these cells, weighted by observations, and its two standard errors."""
        weight = np.zeros(len(self.coefficients))
        weight[: len(cells)][cells] = self.rows[cells] / self.rows[cells].sum()
        errors = (float(np.sqrt(weight @ c @ weight)) for c in (self.cov_iid, self.cov_cluster))
        return (float(weight @ self.coefficients), *errors)  # type: ignore[return-value]

    def att(self) -> tuple[float, float, float]:
        """Average over all treated observations, its error under independent errors, and that by unit."""
        return self.average(self.event >= 0)


def interaction_weighted(
    y: Floats, unit: Index, period: Index, start: Floats, covariates: Floats | None = None
) -> InteractionWeighted:
    """Fit the regression to rows of a panel.

    Parameters
    ----------
    y : float array, shape (rows,)
    unit, period : int array, shape (rows,)
    start : float array, shape (rows,)
        Period in which the row's unit begins; infinite for units that never do.
    covariates : float array, shape (rows, covariates), optional

    Raises
    ------
    EstimationError
        If the regressors explain each other.
    """
    event = np.where(np.isfinite(start), period - np.where(np.isfinite(start), start, 0), -1).astype(np.int64)
    treated = np.isfinite(start) & (event != -1)
    keys, code = np.unique(np.stack([start[treated], event[treated]]), axis=1, return_inverse=True)
    cells = np.zeros((len(y), keys.shape[1]))
    cells[np.flatnonzero(treated), code.ravel()] = 1.0
    x = cells if covariates is None else np.column_stack([cells, covariates])
    effects = np.column_stack([_dummies(unit), _dummies(period)[:, 1:]])
    coefficients, inverse, residual, inner = _partialled(y, x, effects)
    rows, periods = len(y), len(np.unique(period))
    free = rows - x.shape[1] - effects.shape[1]
    score = _sums(inner * residual[:, None], unit)
    factor = cluster_factor(len(score), rows, x.shape[1] + periods)
    return InteractionWeighted(
        event=keys[1].astype(np.int64),
        rows=cells.sum(axis=0),
        coefficients=coefficients,
        cov_iid=inverse * float(residual @ residual) / free,
        cov_cluster=factor * inverse @ score.T @ score @ inverse,
    )


def cluster_factor(clusters: int, rows: int, parameters: int) -> float:
    """Small-sample factor ``G / (G - 1) (n - 1) / (n - K)``; K leaves out the effects that lie within a cluster."""
    return clusters / (clusters - 1) * (rows - 1) / (rows - parameters)


def _dummies(code: Index) -> Floats:
    return np.asarray(code[:, None] == np.unique(code), dtype=float)


def _sums(values: Floats, code: Index) -> Floats:
    """Sum of rows by code, in order of the codes."""
    _, position = np.unique(code, return_inverse=True)
    out = np.zeros((int(position.max()) + 1, values.shape[1]))
    np.add.at(out, position, values)
    return out


def _partialled(y: Floats, x: Floats, effects: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Coefficients of `x` beside the dummies `effects`, the inverse of its moments, residuals, and `x` without them."""
    basis, _ = np.linalg.qr(effects)
    inner = x - basis @ (basis.T @ x)
    outcome = y - basis @ (basis.T @ y)
    if np.linalg.matrix_rank(inner) < x.shape[1]:
        raise EstimationError("regressors that explain each other", where="interaction-weighted regression")
    inverse = np.asarray(np.linalg.inv(inner.T @ inner), dtype=np.float64)
    coefficients = inverse @ (inner.T @ outcome)
    return coefficients, inverse, outcome - inner @ coefficients, inner
