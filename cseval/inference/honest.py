"""How far trends may have drifted apart before a finding is lost (Rambachan and Roth 2023).

The effect is no longer said to be what parallel trends make it: the deviation from parallel trends is allowed to be
as large after the start as a multiple of what it was before, or to bend by a given amount from bin to bin. Each bound
gives a 95 % interval that covers the effect for every such deviation, and the breakdown value is the bound at which the
interval first holds zero. Rambachan and Roth (2023), "A more credible approach to parallel trends", Review of Economic
Studies 90(5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError, UsageError
from cseval.inference.honest_conditional import DRAWS, MomentTest
from cseval.inference.honest_flci import shortest_interval
from cseval.inference.honest_restrictions import EventCoefficients, relative_magnitudes

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = (
    "EventCoefficients",
    "HonestInterval",
    "relative_magnitude_breakdown",
    "relative_magnitude_interval",
    "smoothness_breakdown",
    "smoothness_interval",
)

#: Bounds tried before a finding is said never to break.
LARGEST_BOUND = 20.0


@dataclass(frozen=True, kw_only=True)
class HonestInterval:
    """An interval that covers the effect for every deviation from parallel trends within a bound.

    Parameters
    ----------
    bound : float
        M or Mbar.
    low, high : float
        On the scale of the coefficients.
    """

    bound: float
    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        """Whether no effect is within it."""
        return self.low <= 0 <= self.high


def smoothness_interval(study: EventCoefficients, bound: float, level: float = 0.05) -> HonestInterval:
    """Shortest fixed-length interval if the trend's slope changes by at most `bound` from one bin to the next.

    Parameters
    ----------
    study : EventCoefficients
    bound : float
        M, in units of the coefficients per bin squared; 0 extends a straight line.
    level : float
        One minus the coverage.

    Raises
    ------
    UsageError
        If the bound is negative or the level is not between 0 and one half.
    """
    _require(bound, level)
    low, high, _ = shortest_interval(study, bound, level)
    return HonestInterval(bound=bound, low=low, high=high)


def relative_magnitude_interval(
    study: EventCoefficients, bound: float, level: float = 0.05, seed: int = 0
) -> HonestInterval:
    """Confidence set if no change of trend after the start exceeds `bound` times the largest one before it.

    The union, over which change before the start is the largest and its sign, of the hybrid conditional least
    favourable sets of Andrews, Roth and Pakes (2023, "Inference for linear conditional moment inequalities"), on the
    inequalities that involve a bin after the start. Its smallest and largest member are the ends.

    Parameters
    ----------
    study : EventCoefficients
    bound : float
        Mbar.
    level : float
    seed : int
        Of the draws behind the critical value of the first stage, a tenth of the level; one seed, one answer.

    Raises
    ------
    UsageError
        If the bound is negative or the level is not between 0 and one half.
    EstimationError
        If every effect is rejected.
    """
    _require(bound, level)
    noise = _noise(study, seed)
    parts = (MomentTest.of(study, m, noise, level).ends() for m in relative_magnitudes(study, bound))
    ends = np.array([e for e in parts if e is not None])
    if not len(ends):
        raise EstimationError("no effect is compatible with the restriction", where=f"relative magnitudes, {bound:g}")
    return HonestInterval(bound=bound, low=float(ends[:, 0].min()), high=float(ends[:, 1].max()))


def smoothness_breakdown(
    study: EventCoefficients, largest: float, level: float = 0.05, tolerance: float = 1e-3
) -> float:
    """The M from which the interval holds zero: 0 if it does from the start on, infinity if not even at `largest`.

    Parameters
    ----------
    largest : float
        Largest M that is tried, in units of the coefficients.
    tolerance : float
        Of the answer, as a share of `largest`.
    """
    _require(largest, level)
    return _breakdown(lambda m: smoothness_interval(study, m, level).holds_zero, largest, tolerance * largest)


def relative_magnitude_breakdown(
    study: EventCoefficients,
    level: float = 0.05,
    seed: int = 0,
    largest: float = LARGEST_BOUND,
    tolerance: float = 1e-3,
) -> float:
    """The Mbar from which the set holds zero: 0 if it does from the start on, infinity if not even at `largest`."""
    _require(largest, level)
    return _breakdown(partial(_zero_kept, study, _noise(study, seed), level), largest, tolerance)


def _zero_kept(study: EventCoefficients, noise: Floats, level: float, bound: float) -> bool:
    """Whether some part of the restriction is compatible with no effect."""
    zero = np.zeros(1)
    return any(bool(MomentTest.of(study, m, noise, level).accepts(zero)[0]) for m in relative_magnitudes(study, bound))


def _breakdown(holds_zero: Callable[[float], bool], largest: float, tolerance: float) -> float:
    """The bound at which `holds_zero` first becomes true, by doubling and bisection."""
    if holds_zero(0.0):
        return 0.0
    low, high = 0.0, min(largest, max(largest / 64, 8 * tolerance))
    while not holds_zero(high):
        if high >= largest:
            return float("inf")
        low, high = high, min(2 * high, largest)
    while high - low > tolerance:
        middle = (low + high) / 2
        low, high = (low, middle) if holds_zero(middle) else (middle, high)
    return high


def _noise(study: EventCoefficients, seed: int) -> Floats:
    """Draws of coefficients around zero with the study's covariance, shape (draws, K + P)."""
    draws = np.random.default_rng(seed).standard_normal((DRAWS, len(study.estimates)))
    return np.asarray(draws @ np.linalg.cholesky(study.covariance).T)


def _require(bound: float, level: float) -> None:
    if not bound >= 0:
        raise UsageError(f"a bound of {bound:g}", where="sensitivity to trends", expected="0 or more")
    if not 0 < level < 0.5:
        raise UsageError(f"a level of {level:g}", where="sensitivity to trends", expected="between 0 and 0.5")
