"""Power by effect, the smallest effect detected four times in five, and the simulation error of both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cseval.inference.detectable import POWER
from cseval.inference.rate_kernels import clustered_error

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

REPLICATES = 300


@dataclass(frozen=True, kw_only=True, eq=False)
class PowerCurve:
    """Which of many placebos a test rejects after each effect has been injected.

    Parameters
    ----------
    ratios : float array, shape (effects,)
        Ascending, 1 among them.
    rejected : bool array, shape (effects, placebos)
        False where the effect was not estimable: what cannot be estimated is not detected.
    place : int array, shape (placebos,)
        District of each placebo; placebos of one district are not independent.
    """

    ratios: Floats
    rejected: Mask
    place: Index

    @cached_property
    def power(self) -> Floats:
        """Share rejected by effect, shape (effects,)."""
        return np.asarray(self.rejected.mean(axis=1))

    @cached_property
    def error(self) -> Floats:
        """Standard error of `power` with districts as the independent observations; at least the binomial one."""
        n = self.rejected.shape[1]
        share = np.clip(self.power, 1 / n, 1 - 1 / max(n, 2))  # no share is so extreme that its error is zero
        by_place = np.array([clustered_error(row.astype(float), self.place) for row in self.rejected])
        return np.asarray(np.maximum(np.sqrt(share * (1 - share) / n), by_place))

    @property
    def size(self) -> tuple[float, float]:
        """Share rejected without an effect, and its error: the test's measured error rate."""
        none = int(np.argmin(np.abs(self.ratios - 1)))
        return float(self.power[none]), float(self.error[none])

    def detectable(self, *, rise: bool, seed: int, target: float = POWER) -> tuple[float, float]:
        """Smallest fall or rise, in per cent, with power `target`, and its Monte Carlo error in points.

        Returns
        -------
        change : float
            Negative for a fall; infinite if no effect of the grid has that power.
        error : float
            Half the width of the middle 68 % of what resampled districts give (a bootstrap with fixed seed); NaN
            where more than a sixth of them reach `target` nowhere.
        """
        side = self._side(rise)
        change = _percent(crossing(self.ratios[side], self.power[side], target), rise)
        if not np.isfinite(change):
            return change, float("nan")
        drawn = [
            _percent(crossing(self.ratios[side], p, target), rise) for p in self._resampled(side, REPLICATES, seed)
        ]
        low, high = np.sort(np.abs(drawn))[[int(0.16 * len(drawn)), int(0.84 * len(drawn))]]
        return change, float((high - low) / 2) if np.isfinite(high) else float("nan")

    def _side(self, rise: bool) -> Index:
        """Positions of no effect and the effects on one side of it, the smallest first."""
        none = int(np.argmin(np.abs(self.ratios - 1)))
        return np.arange(none, len(self.ratios)) if rise else np.arange(none, -1, -1)

    def _resampled(self, side: Index, replicates: int, seed: int) -> Floats:
        """Power by effect in samples of whole places, shape (replicates, effects)."""
        _, code = np.unique(self.place, return_inverse=True)
        groups = int(code.max()) + 1
        sums = np.array([np.bincount(code, row, groups) for row in self.rejected[side].astype(float)])
        weights = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), replicates)
        share: Floats = (weights @ sums.T) / (weights @ np.bincount(code, minlength=groups))[:, None]
        return share


def crossing(ratios: Floats, power: Floats, target: float) -> float:
    """Log ratio at which power reaches `target`, on the line through the monotone fit to `power`.

    Parameters
    ----------
    ratios, power : float array, shape (effects,)
        From no effect outward.

    Returns
    -------
    float
        Infinite if it is reached nowhere.

    Notes
    -----
    Power cannot fall as the effect grows, so simulation noise is smoothed by isotonic least squares before the line
    is drawn.
    """
    from scipy.optimize import isotonic_regression

    smooth = isotonic_regression(power).x
    reached = np.flatnonzero(smooth >= target)
    if not len(reached):
        return float("inf")
    at, log = int(reached[0]), np.log(ratios)
    if at == 0:
        return 0.0
    share = (target - smooth[at - 1]) / (smooth[at] - smooth[at - 1])
    return float(log[at - 1] + share * (log[at] - log[at - 1]))


def _percent(log_ratio: float, rise: bool) -> float:
    if np.isfinite(log_ratio):
        return float(100 * np.expm1(log_ratio))
    return float("inf") if rise else float("-inf")
