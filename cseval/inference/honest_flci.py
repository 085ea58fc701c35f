"""Fixed-length confidence intervals when the trend may bend by at most M from bin to bin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, special

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.inference.honest_restrictions import EventCoefficients

    Floats = npt.NDArray[np.float64]

#: Points on each piece of the path on which the shortest interval is looked for before it is refined.
POINTS = 33


@dataclass(frozen=True, kw_only=True, eq=False)
class AffineProblem:
    """Estimators ``v @ coefficients`` whose bias is bounded when the trend bends by at most M.

    Parameters
    ----------
    start : float array, shape (K + P,)
        The estimator that extends the last change before the start, ``x = 0``.
    basis : float array, shape (K + P, K - 1)
        Every other one is ``start + basis @ x``.
    bias : float
        Largest bias of `start` for M = 1; that of the others is larger by ``sum |x|``.
    covariance : float array, shape (K + P, K + P)

    Notes
    -----
    With second differences of at most M in size, the deviation from parallel trends is a straight line through the
    base plus sums of these. The bias of v is bounded only if straight lines cancel,
    ``sum_t t v_(-t) = sum_t t l_t``; then it is at most M times ``sum_(j >= 0) |sum_(t > j) (t - j) l_t|`` after the
    start plus ``sum_(j >= 1) |x_j|`` before it, where ``x_j = sum_(t > j) (t - j) v_(-t)``. So v before the start is
    the second difference of x. Rambachan and Roth (2023), "A more credible approach to parallel trends", on confidence
    intervals of fixed length.
    """

    start: Floats
    basis: Floats
    bias: float
    covariance: Floats

    @classmethod
    def of(cls, study: EventCoefficients) -> AffineProblem:
        """The problem of a study; its covariance and weights are all that matters."""
        k, p = len(study.pre), len(study.post)
        reach = np.maximum(np.arange(1, p + 1)[None, :] - np.arange(p)[:, None], 0) @ study.weights
        second = np.eye(k) - 2 * np.eye(k, k=1) + np.eye(k, k=2)  # rows v(-1) ... v(-K), columns x_0 ... x_(K-1)
        in_time = second[::-1]
        return cls(
            start=np.concatenate([reach[0] * in_time[:, 0], study.weights]),
            basis=np.vstack([in_time[:, 1:], np.zeros((p, k - 1))]),
            bias=float(np.abs(reach).sum()),
            covariance=study.covariance,
        )

    def half_length(self, x: Floats, bound: float, level: float) -> Floats:
        """Half the length of the interval of each row of `x`, shape (rows,)."""
        weights = self.start + x @ self.basis.T
        spread = np.sqrt(np.einsum("ij,jk,ik->i", weights, self.covariance, weights))
        bias = bound * (self.bias + np.abs(x).sum(axis=1))
        return np.asarray(spread * folded_normal_quantile(bias / spread, level))


def shortest_interval(study: EventCoefficients, bound: float, level: float) -> tuple[float, float, Floats]:
    """Ends of the shortest fixed-length interval, and its weights on the coefficients.

    Half the length is the standard error times the ``1 - level`` quantile of ``|N(bias / standard error, 1)|`` at the
    largest bias, minimised over the estimators of `AffineProblem`. It rises with bias and with variance, so its
    minimum lies on the path of least variance at each bias, which is piecewise linear.
    """
    problem = AffineProblem.of(study)
    knots = frontier(problem)
    best, length = _best_on_path(problem, knots, bound, level)
    weights = problem.start + problem.basis @ best
    centre = float(weights @ study.estimates)
    return centre - length, centre + length, weights


def _best_on_path(problem: AffineProblem, knots: Floats, bound: float, level: float) -> tuple[Floats, float]:
    """The point of the path with the shortest interval, and half its length."""
    place = np.linspace(0, len(knots) - 1, max((len(knots) - 1) * (POINTS - 1) + 1, 1))

    def at(where: Floats) -> Floats:
        return np.stack([np.interp(where, np.arange(len(knots)), column) for column in knots.T], axis=1)

    def length(where: float) -> float:
        return float(problem.half_length(at(np.array([where])), bound, level)[0])

    if knots.shape[1] == 0 or len(knots) == 1:
        return knots[0], float(problem.half_length(knots[:1], bound, level)[0])
    best = int(np.argmin(problem.half_length(at(place), bound, level)))
    around = (place[max(best - 1, 0)], place[min(best + 1, len(place) - 1)])
    found = optimize.minimize_scalar(length, bounds=around, method="bounded", options={"xatol": 1e-8})
    where = min((place[best], float(found.x)), key=length)
    return at(np.array([where]))[0], length(where)


def frontier(problem: AffineProblem) -> Floats:
    """Knots of the path of least variance at each bias, from least bias to least variance; shape (knots, K - 1).

    Minimising ``variance / 2 + penalty * sum |x|`` is a lasso, whose solution is piecewise linear in the penalty
    (Osborne, Presnell and Turlach 2000, "A new approach to variable selection in least squares problems").
    """
    quadratic = problem.basis.T @ problem.covariance @ problem.basis
    linear = problem.basis.T @ problem.covariance @ problem.start
    knots = [np.zeros(len(linear))]
    if np.abs(linear).max(initial=0.0) > 0:
        knots.extend(_lasso_path(quadratic, linear))
    return np.array(knots)


def _lasso_path(quadratic: Floats, linear: Floats) -> Iterator[Floats]:
    """Solutions at the penalties where a variable enters or leaves, the last one without penalty."""
    sign = np.zeros(len(linear))
    penalty = float(np.abs(linear).max())
    changed = int(np.abs(linear).argmax())
    sign[changed] = -np.sign(linear[changed])
    for _ in range(50 * len(linear) ** 2):
        fixed, moving = _lines(quadratic, linear, sign)
        following, which = _next_event(quadratic, linear, sign, fixed, moving, penalty, changed)
        yield fixed + following * moving
        if which is None:
            return
        gradient = linear + quadratic @ (fixed + following * moving)
        sign[which] = 0.0 if sign[which] else -np.sign(gradient[which])
        penalty, changed = following, which
    raise EstimationError("the path of least variance does not end", where="smoothness", todo="Use fewer bins")


def _lines(quadratic: Floats, linear: Floats, sign: Floats) -> tuple[Floats, Floats]:
    """The solution as ``fixed + penalty * moving`` while the signs stay as they are."""
    active = np.flatnonzero(sign)
    fixed, moving = np.zeros(len(sign)), np.zeros(len(sign))
    inside = quadratic[np.ix_(active, active)]
    fixed[active], moving[active] = -np.linalg.solve(inside, np.stack([linear[active], sign[active]], axis=1)).T
    return fixed, moving


def _next_event(
    quadratic: Floats, linear: Floats, sign: Floats, fixed: Floats, moving: Floats, penalty: float, changed: int
) -> tuple[float, int | None]:
    """The largest smaller penalty at which a variable enters or leaves, and which; 0 and None if there is none."""
    at_rest, per_penalty = linear + quadratic @ fixed, quadratic @ moving
    with np.errstate(divide="ignore", invalid="ignore"):
        leaves = np.where(sign != 0, -fixed / moving, 0.0)
        enters = np.where(sign == 0, np.stack([at_rest / (s - per_penalty) for s in (1.0, -1.0)]), 0.0)
    # What has just entered is at zero now, and what has just left has the full gradient now: neither is an event.
    leaves[changed] = 0.0
    enters[np.abs(enters - penalty) <= 1e-10 * penalty] = 0.0
    events = np.vstack([leaves[None, :], enters])
    events = np.where(np.isfinite(events) & (events > 0) & (events < penalty), events, 0.0).max(axis=0)
    which = int(events.argmax())
    return (float(events[which]), which) if events[which] > 0 else (0.0, None)


def folded_normal_quantile(mean: Floats, level: float) -> Floats:
    """The ``1 - level`` quantile of ``|N(mean, 1)|`` for ``mean >= 0``; shape as `mean`.

    Newton's method from below, where the distribution function is concave, so that no step overshoots.
    """
    value = np.asarray(mean + special.ndtri(1 - level))
    for _ in range(12):
        inside = special.ndtr(value - mean) - special.ndtr(-value - mean)
        density = (np.exp(-((value - mean) ** 2) / 2) + np.exp(-((value + mean) ** 2) / 2)) / np.sqrt(2 * np.pi)
        value = value + (1 - level - inside) / density
    return np.asarray(value)
