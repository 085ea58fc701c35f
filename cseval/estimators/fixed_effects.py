"""Poisson regression with unit and month effects on a rectangle of units x months, without dummies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

TOLERANCE = 1e-10
MOST_STEPS = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class PoissonFit:
    """A fitted two-way fixed-effects Poisson model.

    Parameters
    ----------
    coefficients : float array, shape (p,)
    cov_cr0, cov_cr1 : float array, shape (p, p)
        Sandwich covariance clustered by unit; CR1 is CR0 times ``clusters / (clusters - 1)``.
    fitted : float array, shape (units, months)
        Expected counts; 0 in units and months without any count, and outside the mask.
    deviance : float
    iterations, clusters : int
        `clusters` counts every unit supplied that has an observed month: a unit of zeros has score zero.
    """

    coefficients: Floats
    cov_cr0: Floats
    cov_cr1: Floats
    fitted: Floats
    deviance: float
    iterations: int
    clusters: int


def fit_poisson(y: Floats, x: Floats, *, exposure: Floats | None = None, mask: Mask | None = None) -> PoissonFit:
    """Fit ``y_it ~ Poisson(e_it exp(a_i + g_t + x_it b))`` by iterated weighted least squares.

    Each step projects the working response and the regressors off both sets of effects exactly, by
    eliminating the units and solving a months x months system (Guimarães and Portugal 2010; Stammann 2018
    describe the same projection by alternation). Units and months without any count carry no information on
    `b` and are dropped.

    Parameters
    ----------
    y : float array, shape (units, months)
    x : float array, shape (units, months, p)
    exposure : float array, shape (units, months), optional
    mask : bool array, shape (units, months), optional
        Which cells are observed; all if left out.

    Raises
    ------
    EstimationError
        If a coefficient is not identified or the iteration does not converge.
    """
    seen = np.ones(y.shape, dtype=bool) if mask is None else mask
    weight = np.where(seen, 1.0 if exposure is None else exposure, 0.0)
    counts = np.where(seen, y, 0.0)
    units, months = counts.sum(axis=1) > 0, counts.sum(axis=0) > 0
    if not units.any():
        raise EstimationError("no incident in any unit", where="Poisson fixed effects")
    inner = np.ix_(units, months)
    coefficients, fitted, steps = _iterate(counts[inner], x[inner], weight[inner])
    cr0 = _sandwich(counts[inner], x[inner], fitted)
    clusters = int(seen.any(axis=1).sum())
    whole = np.zeros(y.shape)
    whole[inner] = fitted
    return PoissonFit(
        coefficients=coefficients,
        cov_cr0=cr0,
        cov_cr1=cr0 * clusters / (clusters - 1),
        fitted=whole,
        deviance=_deviance(counts[inner], fitted),
        iterations=steps,
        clusters=clusters,
    )


def project(values: Floats, weight: Floats) -> Floats:
    """Residuals of `values` after a weighted fit of unit and month effects, exact for any pattern of weights.

    Parameters
    ----------
    values : float array, shape (units, months, k)
    weight : float array, shape (units, months)
        Zero where a cell is not observed.

    Notes
    -----
    With the unit effects eliminated the month effects solve ``(diag(w.t) - W' diag(1/wi.) W) g = r``, which
    is singular only in the direction of a constant (and of disconnected blocks), hence the pseudo-inverse.
    """
    by_unit, by_month = weight.sum(axis=1), weight.sum(axis=0)
    share = weight / by_unit[:, None]
    weighted = values * weight[:, :, None]
    unit_sum = weighted.sum(axis=1)
    schur = np.diag(by_month) - weight.T @ share
    right = weighted.sum(axis=0) - share.T @ unit_sum
    month_effect = np.linalg.pinv(schur, rcond=1e-12, hermitian=True) @ right
    unit_effect = unit_sum / by_unit[:, None] - share @ month_effect
    return np.asarray(values - unit_effect[:, None, :] - month_effect[None, :, :])


def _iterate(y: Floats, x: Floats, exposure: Floats) -> tuple[Floats, Floats, int]:
    """Coefficients, expected counts and number of steps."""
    fitted = _first_guess(y, exposure)
    log_exposure = np.log(np.where(exposure > 0, exposure, 1.0))
    before, deviance = np.full(x.shape[2], np.inf), np.inf
    for step in range(1, MOST_STEPS + 1):
        coefficients, fitted = _step(y, x, fitted, exposure, log_exposure)
        last, deviance = deviance, _deviance(y, fitted)
        if not np.isfinite(deviance):
            break
        still = np.abs(coefficients - before).max() <= TOLERANCE * (1 + np.abs(coefficients).max())
        if still and abs(last - deviance) <= TOLERANCE * (1 + deviance):
            return coefficients, fitted, step
        before = coefficients
    raise EstimationError(
        "the iteration does not converge, which usually means that a group has no incident in a period",
        where="Poisson fixed effects",
        todo="Leave covariates out or choose an outcome with more incidents",
    )


def _first_guess(y: Floats, exposure: Floats) -> Floats:
    """Expected counts by the units' rates, away from zero where a cell is observed."""
    rate = y.sum(axis=1, keepdims=True) / exposure.sum(axis=1, keepdims=True)
    return np.asarray((exposure * rate + np.where(exposure > 0, y, 0.0)) / 2)


def _step(y: Floats, x: Floats, fitted: Floats, exposure: Floats, log_exposure: Floats) -> tuple[Floats, Floats]:
    """One weighted least squares step on the working response."""
    safe = np.where(fitted > 0, fitted, 1.0)
    working = np.log(safe) - log_exposure + (y - fitted) / safe
    left = project(np.concatenate([working[:, :, None], x], axis=2), fitted)
    gram, cross = _normal(left, fitted)
    _require_identified(gram, x, fitted)
    coefficients = np.linalg.solve(gram, cross)
    predictor = working - (left[:, :, 0] - left[:, :, 1:] @ coefficients)
    with np.errstate(over="ignore"):
        return np.asarray(coefficients), np.where(exposure > 0, np.exp(predictor + log_exposure), 0.0)


def _normal(left: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Gram matrix of the projected regressors and their product with the projected response."""
    flat = left.reshape(-1, left.shape[2])
    weighted = flat[:, 1:] * weight.reshape(-1, 1)
    return weighted.T @ flat[:, 1:], weighted.T @ flat[:, 0]


def _require_identified(gram: Floats, x: Floats, weight: Floats) -> None:
    """Refuse regressors that the effects, or each other, explain entirely."""
    raw = np.sqrt(np.einsum("itp,itp,it->p", x, x, weight))
    if (raw > 0).all():
        values = np.linalg.eigvalsh(gram / np.outer(raw, raw))
        if values[0] > 1e-10:
            return
    raise EstimationError(
        "a coefficient is not identified because unit and month effects or other regressors explain its term",
        where="Poisson fixed effects",
    )


def _sandwich(y: Floats, x: Floats, fitted: Floats) -> Floats:
    """CR0 covariance clustered by unit, from regressors projected with the final weights."""
    left = project(x, fitted)
    bread = np.linalg.inv(np.einsum("itp,itq,it->pq", left, left, fitted, optimize=True))
    scores = np.einsum("itp,it->ip", left, y - fitted)
    return np.asarray(bread @ (scores.T @ scores) @ bread)


def _deviance(y: Floats, fitted: Floats) -> float:
    """Poisson deviance ``2 sum(y log(y / mu) - (y - mu))``."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        part = np.where(y > 0, y * np.log(y / fitted), 0.0)
    return float(2 * (part - (y - fitted)).sum())
