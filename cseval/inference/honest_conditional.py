"""The hybrid of the conditional and the least favourable test of moment inequalities, and its inversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from cseval.inference.honest_restrictions import EventCoefficients, Moments

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

#: Part of the level that the first stage, against the least favourable critical value, takes.
FIRST_STAGE = 0.1

#: Draws of the least favourable critical value; the same for every bound, so that sets move smoothly with it.
DRAWS = 10_000

#: Points of the first grid of hypothesised effects, and of each of its two refinements.
GRID, REFINED = 401, 65


@dataclass(frozen=True, kw_only=True, eq=False)
class MomentTest:
    """All that the test of one restriction needs, whatever the hypothesised effect.

    Parameters
    ----------
    value : float array, shape (forms,)
        The forms of the estimates with the hypothesised effect at zero.
    slope : float array, shape (forms,)
        What one unit of the hypothesised effect adds.
    covariance : float array, shape (forms, forms)
    critical : float
        Least favourable critical value of the first stage.
    level : float
    """

    value: Floats
    slope: Floats
    covariance: Floats
    critical: float
    level: float

    @classmethod
    def of(cls, study: EventCoefficients, moments: Moments, noise: Floats, level: float) -> MomentTest:
        """The test at `level`, its first stage simulated with `noise` (draws, coefficients) of that covariance."""
        statistics = (moments.forms @ noise.T).max(axis=0)
        return cls(
            value=moments.forms @ study.estimates,
            slope=moments.slope,
            covariance=moments.forms @ study.covariance @ moments.forms.T,
            critical=float(np.quantile(statistics, 1 - FIRST_STAGE * level)),
            level=level,
        )

    def accepts(self, effects: Floats) -> Mask:
        """Whether each hypothesised effect is kept; shape (effects,)."""
        return self.keeps(self.value + effects[:, None] * self.slope)

    def keeps(self, forms: Floats) -> Mask:
        """Whether the test keeps what gives these values of the forms, shape (rows, forms); shape (rows,).

        First stage: reject if the largest form exceeds the least favourable critical value at a tenth of the level.
        Second: reject if it is large for a normal variable truncated to where the same form stays the largest and the
        first stage does not reject, and above zero. Andrews, Roth and Pakes (2023), "Inference for linear conditional
        moment inequalities", the hybrid of their conditional and least favourable tests.
        """
        statistic, largest = forms.max(axis=1), forms.argmax(axis=1)
        low, high = self._truncation(forms, statistic, largest)
        spread = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        fixed = spread <= 1e-9 * spread.max()  # a form that is always the same number rejects if it is above zero
        sd = np.where(fixed, 1.0, spread)[largest]
        rest = self.level * (1 - FIRST_STAGE) / (1 - FIRST_STAGE * self.level)
        p_value = _truncated_tail(statistic / sd, low / sd, np.minimum(high, self.critical) / sd)
        second = (statistic > 0) & ((p_value < rest) | fixed[largest])
        return np.asarray(~((statistic > self.critical) | second))

    def _truncation(self, forms: Floats, statistic: Floats, largest: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Between which values of the largest form it stays the largest, given what is independent of it."""
        own = np.diag(self.covariance)[largest]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(own[:, None] > 0, self.covariance[:, largest].T / own[:, None], 0.0)
            bound = (forms - share * statistic[:, None]) / (1 - share)
        low = np.where(share < 1 - 1e-9, bound, -np.inf).max(axis=1)
        high = np.where(share > 1 + 1e-9, bound, np.inf).min(axis=1)
        return np.minimum(low, statistic), np.maximum(high, statistic)

    def first_stage(self) -> tuple[float, float] | None:
        """The effects that the first stage keeps, an interval, or None."""
        if (self.value[2:] > self.critical).any():
            return None
        low = (self.value[0] - self.critical) / -self.slope[0]
        high = (self.critical - self.value[1]) / self.slope[1]
        return (float(low), float(high)) if low <= high else None

    def ends(self) -> tuple[float, float] | None:
        """Smallest and largest effect that is kept, or None if none is.

        A grid over what the first stage keeps; the cells at both ends are gridded again, twice.
        """
        box = self.first_stage()
        if box is None:
            return None
        grid = np.linspace(*box, GRID)
        kept = np.flatnonzero(self.accepts(grid))
        if not len(kept):
            return None
        first, last = int(kept[0]), int(kept[-1])
        low = self._refined(grid[first], grid[max(first - 1, 0)])
        return low, self._refined(grid[last], grid[min(last + 1, GRID - 1)])

    def _refined(self, inside: float, outside: float) -> float:
        """The last kept effect between one that is kept and one that may not be."""
        for _ in range(2):
            grid = np.linspace(inside, outside, REFINED)
            last = int(np.flatnonzero(self.accepts(grid)).max(initial=0))
            inside, outside = grid[last], grid[min(last + 1, REFINED - 1)]
        return float(inside)


def _truncated_tail(value: Floats, low: Floats, high: Floats) -> Floats:
    """Chance that a standard normal variable between `low` and `high` exceeds `value`."""
    log_tail, log_all = _log_between(value, high), _log_between(low, high)
    with np.errstate(invalid="ignore"):  # a point between two equal ends exceeds nothing
        share = np.exp(np.minimum(log_tail - log_all, 0.0))
    return np.where(np.isfinite(log_all), share, 1.0)


def _log_between(low: Floats, high: Floats) -> Floats:
    """Log of the standard normal probability between two points, exact far out; -inf where none is left."""
    upper, beyond = special.log_ndtr(-low), special.log_ndtr(-high)
    with np.errstate(divide="ignore"):
        return np.asarray(upper + np.log1p(-np.exp(np.minimum(beyond - upper, 0.0))))
