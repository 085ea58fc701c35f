"""The exact Gaussian likelihood of a series with correlated errors, its coefficients and variance concentrated out.

``y = X b + Z c + e``, ``e ~ N(0, s^2 R)``, with R known up to a few parameters and a flat prior on c (diffuse initial
states, months that were not received). With L L' = R and everything premultiplied by the inverse of L, b is a least
squares fit, s^2 the residual sum of squares over ``m = n - columns of Z``, and

``log likelihood = -m / 2 (log 2 pi + 1 + log s^2) - log|L| - log|Z' R^-1 Z| / 2``

(Harvey 1989, "Forecasting, Structural Time Series Models and the Kalman Filter", section 3.4: the same likelihood by
the Kalman filter). A series of some hundred months needs one small Cholesky factor for each value of the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize
from scipy.linalg import lapack

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Correlation = Callable[[Floats], Floats]
    Bounds = list[tuple[float, float]]

STARTS = 8
SEED = 20180501
#: Precision of a climb that is to be kept; coarser ones only compare orders.
FINAL = 1e-11
#: Step of the differences by which a kept optimum is polished, and how often.
WIDE, NEWTON_STEPS = 1e-3, 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Regression:
    """A series with its regressors.

    Parameters
    ----------
    y : float array, shape (n,)
    x : float array, shape (n, k)
        Regressors whose coefficients are estimated by maximum likelihood.
    z : float array, shape (n, m)
        Regressors with a flat prior.
    """

    y: Floats
    x: Floats
    z: Floats

    @cached_property
    def columns(self) -> Floats:
        """All columns, `z` first and `y` last, as the solver wants them."""
        return np.asfortranarray(np.column_stack([self.z, self.x, self.y]))


@dataclass(frozen=True, kw_only=True, eq=False)
class Concentrated:
    """Generalised least squares at one value of the correlation's parameters.

    Parameters
    ----------
    llf, sigma2 : float
    coefficients : float array, shape (k,)
    flat : float array, shape (m,)
        Coefficients of `Regression.z`.
    information : float array, shape (k, k)
        ``X' R^-1 X`` less what Z explains; its inverse times `sigma2` is the covariance given the parameters.
    innovations : float array, shape (n,)
        Errors one month ahead over their standard deviation when `sigma2` is 1.
    factor : float array, shape (n, n)
        L.
    """

    llf: float
    sigma2: float
    coefficients: Floats
    flat: Floats
    information: Floats
    innovations: Floats
    factor: Floats


def concentrate(data: Regression, correlation: Floats) -> Concentrated | None:
    """The likelihood at one correlation matrix, shape (n, n); None if that is not positive definite."""
    n, m, k = len(data.y), data.z.shape[1], data.x.shape[1]
    try:
        factor: Floats = np.asarray(np.linalg.cholesky(correlation), dtype=float)
    except np.linalg.LinAlgError:
        return None
    white = lapack.dtrtrs(factor, data.columns, lower=1)[0]
    r: Floats = np.asarray(np.linalg.qr(white, mode="r"), dtype=float)
    rss, free = float(r[-1, -1] ** 2), n - m
    if not (np.isfinite(r).all() and rss > 0 and (np.diag(r)[:-1] != 0).all()):
        return None
    beta: Floats = np.asarray(np.linalg.solve(r[:-1, :-1], r[:-1, -1]), dtype=float)
    flat_part = float(np.log(np.abs(np.diag(r)[:m])).sum())
    llf = -free / 2 * (math.log(2 * math.pi * rss / free) + 1) - float(np.log(np.diag(factor)).sum()) - flat_part
    own = r[m : m + k, m : m + k]
    return Concentrated(
        llf=llf,
        sigma2=rss / free,
        coefficients=beta[m:],
        flat=beta[:m],
        information=own.T @ own,
        innovations=white[:, -1] - white[:, :-1] @ beta,
        factor=factor,
    )


def maximise(
    data: Regression, correlation: Correlation, bounds: Bounds, starts: int, precision: float = 1e-11
) -> Floats:
    """Parameters of the correlation at the highest likelihood that is found from several starts.

    The first start is the middle of the bounds' inner part, the others are drawn with a fixed seed, since such
    likelihoods have poor local optima.

    Parameters
    ----------
    data : Regression
    correlation : callable
        From parameters, shape (p,), to a correlation matrix up to scale, shape (n, n).
    bounds : list of pairs, length p
    starts : int
        At most; three are enough for one parameter, five for two.
    precision : float
        Relative gain in likelihood at which a climb ends.

    Raises
    ------
    EstimationError
        If the likelihood is nowhere finite.
    """

    def loss(parameters: Floats) -> float:
        found = concentrate(data, correlation(parameters))
        return 1e10 if found is None else -found.llf

    if not bounds:
        return np.zeros(0)
    tried = [_climb(loss, start, bounds, precision) for start in _starts(bounds, min(starts, 2 * len(bounds) + 1))]
    best = min(tried, key=lambda t: t[0])
    if best[0] >= 1e10:
        raise EstimationError("the likelihood cannot be computed at any start", where="time-series model")
    return _polished(loss, best[1], bounds) if precision <= FINAL else best[1]


def _polished(loss: Any, found: Floats, bounds: Bounds) -> Floats:
    """The optimum after Newton steps on wide differences, which do not depend on how a processor rounds.

    Where a climb ends on a flat top depends on the last digits of the likelihood, which processors round differently;
    differences over `WIDE` hardly feel them. Parameters at a bound stay there.
    """
    low, high = np.array(bounds).T
    inside = np.flatnonzero((found - low > 2 * WIDE) & (high - found > 2 * WIDE))
    at = found.copy()
    for _ in range(NEWTON_STEPS if len(inside) else 0):
        gradient, curvature = _differences(loss, at, inside)
        if not np.isfinite(curvature).all() or np.linalg.eigvalsh(curvature).min() <= 0:
            return found
        step = np.linalg.solve(curvature, gradient)
        if np.abs(step).max() > 10 * WIDE:
            return found
        at[inside] -= step
    return at if loss(at) <= loss(found) + 1e-6 else found


def _differences(loss: Any, at: Floats, which: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Gradient and Hessian of `loss` in some of its parameters, by central differences over `WIDE`."""

    def moved(*steps: tuple[int, float]) -> float:
        there = at.copy()
        for i, by in steps:
            there[i] += by
        return float(loss(there))

    middle, size = moved(), len(which)
    ahead, back = ([moved((int(i), by)) for i in which] for by in (WIDE, -WIDE))
    gradient = (np.array(ahead) - np.array(back)) / (2 * WIDE)
    curvature = np.diag((np.array(ahead) - 2 * middle + np.array(back)) / WIDE**2)
    for a in range(size):
        for b in range(a):
            i, j = int(which[a]), int(which[b])
            corners = moved((i, WIDE), (j, WIDE)) + moved((i, -WIDE), (j, -WIDE))
            corners -= moved((i, WIDE), (j, -WIDE)) + moved((i, -WIDE), (j, WIDE))
            curvature[a, b] = curvature[b, a] = corners / (4 * WIDE**2)
    return gradient, curvature


def _starts(bounds: Bounds, count: int) -> list[Floats]:
    rng = np.random.default_rng(SEED)
    low, high = np.array(bounds).T
    middle, reach = (low + high) / 2, (high - low) / 2
    return [middle, *(middle + reach * rng.uniform(-0.5, 0.5, len(bounds)) for _ in range(count - 1))]


def _climb(loss: Any, start: Floats, bounds: Bounds, precision: float) -> tuple[float, Floats]:
    found = optimize.minimize(loss, start, method="L-BFGS-B", bounds=bounds, options={"ftol": precision, "gtol": 1e-6})
    return float(found.fun), np.asarray(found.x)


def joint_covariance(data: Regression, correlation: Correlation, parameters: Floats) -> Floats | None:
    """Covariance of the correlation's parameters and the coefficients: the inverse of minus the numerical Hessian.

    Of the exact log likelihood with the variance concentrated out, as in R's `arima`.

    Returns
    -------
    float array, shape (p + k, p + k), or None
        None where the likelihood is not curved downwards in every direction, as at the edge of the parameters.
    """
    at = concentrate(data, correlation(parameters))
    if at is None:
        return None
    p = len(parameters)
    steps = np.concatenate([np.full(p, 1e-3), 1e-2 * np.sqrt(at.sigma2 * np.diag(np.linalg.inv(at.information)))])

    def loss(scaled: Floats) -> float:
        moved = scaled * steps
        held = Regression(y=data.y - data.x @ (at.coefficients + moved[p:]), x=data.x[:, :0], z=data.z)
        found = concentrate(held, correlation(parameters + moved[:p]))
        return math.nan if found is None else -found.llf

    hessian = _hessian(loss, len(steps)) / np.outer(steps, steps)
    if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian * np.outer(steps, steps)).min() <= 0:
        return None
    return np.asarray(np.linalg.inv(hessian))


def _hessian(loss: Callable[[Floats], float], size: int) -> Floats:
    """Second differences at 0 with steps of 1, shape (size, size)."""
    out, unit = np.zeros((size, size)), np.eye(size)
    for i in range(size):
        for j in range(i + 1):
            signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
            terms = [a * b * loss(a * unit[i] + b * unit[j]) for a, b in signs]
            out[i, j] = out[j, i] = sum(terms) / 4
    return out
