"""Wooldridge's linear extended two-way regression with unit covariates, and its average effects.

Wooldridge (2021), "Two-way fixed effects, the two-way Mundlak regression, and difference-in-differences estimators":
cohort and period effects, the covariate with a slope of its own in each cohort and each period, and in each treated
cell of cohort and period one effect and one slope of the covariate less its cohort's mean. The average effect over
cells is then the average of their effects over treated rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators.sun_abraham_kernels import cluster_factor

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class ExtendedTwoWay:
    """The fitted regression.

    Parameters
    ----------
    regressors : float array, shape (rows, terms)
        Effects of treated cells and slopes within them; 0 in untreated rows.
    event : int array, shape (rows,)
        Periods since the row's unit began; negative before and in units that never begin.
    coefficients : float array, shape (terms,)
    covariance : float array, shape (terms, terms)
        By cluster, with the factor of `cluster_factor`, all parameters counted.
    """

    regressors: Floats
    event: Index
    coefficients: Floats
    covariance: Floats

    def average(self, rows: Mask | None = None) -> tuple[float, float]:
        """Average marginal effect of treatment over treated rows, or those of them in `rows`, and its error."""
        used = self.event >= 0 if rows is None else (self.event >= 0) & rows
        weight = self.regressors[used].mean(axis=0)
        return float(weight @ self.coefficients), float(np.sqrt(weight @ self.covariance @ weight))

    def at_event(self, time: int) -> tuple[float, float]:
        """Average marginal effect so many periods after the start, and its error."""
        return self.average(self.event == time)


def extended_two_way(
    y: Floats, cluster: Index, period: Index, start: Floats, covariates: Floats | None = None
) -> ExtendedTwoWay:
    """Fit the regression to rows of a panel.

    Parameters
    ----------
    y : float array, shape (rows,)
    cluster, period : int array, shape (rows,)
    start : float array, shape (rows,)
        Period in which the row's unit begins; infinite for units that never do.
    covariates : float array, shape (rows, covariates), optional
        Constant in time within a unit.

    Raises
    ------
    EstimationError
        If the regressors explain each other.
    """
    known = np.where(np.isfinite(start), start, 0.0)
    event = np.where(np.isfinite(start), period - known, -1).astype(np.int64)
    x = np.zeros((len(y), 0)) if covariates is None else covariates
    regressors = _treated_terms(event, period, start, x)
    controls = _slopes(np.column_stack([_dummies(start), _dummies(period)[:, 1:]]), x)
    basis, _ = np.linalg.qr(controls)
    inner = regressors - basis @ (basis.T @ regressors)
    parameters = regressors.shape[1] + controls.shape[1]
    if np.linalg.matrix_rank(np.column_stack([controls, regressors])) < parameters:
        raise EstimationError("regressors that explain each other", where="extended two-way regression")
    inverse = np.linalg.inv(inner.T @ inner)
    coefficients = inverse @ (inner.T @ y)
    residual = (y - basis @ (basis.T @ y)) - inner @ coefficients
    _, code = np.unique(cluster, return_inverse=True)
    score = np.zeros((int(code.max()) + 1, regressors.shape[1]))
    np.add.at(score, code, inner * residual[:, None])
    factor = cluster_factor(len(score), len(y), parameters)
    covariance = factor * inverse @ score.T @ score @ inverse
    return ExtendedTwoWay(regressors=regressors, event=event, coefficients=coefficients, covariance=covariance)


def _treated_terms(event: Index, period: Index, start: Floats, x: Floats) -> Floats:
    """One column for each treated cell, and its products with each covariate less its cohort's mean."""
    treated = np.flatnonzero(event >= 0)
    cells, code = np.unique(np.stack([start[treated], period[treated]]), axis=1, return_inverse=True)
    out = np.zeros((len(event), cells.shape[1]))
    out[treated, code.ravel()] = 1.0
    centred = x.astype(float)
    for cohort in np.unique(start):
        rows = start == cohort
        centred[rows] -= centred[rows].mean(axis=0)
    return np.column_stack([out, *(out * c[:, None] for c in centred.T)])


def _slopes(dummies: Floats, x: Floats) -> Floats:
    """Dummies and their products with each covariate."""
    return np.column_stack([dummies, *(dummies * c[:, None] for c in x.T)])


def _dummies(code: Floats | Index) -> Floats:
    return np.asarray(code[:, None] == np.unique(code), dtype=float)
