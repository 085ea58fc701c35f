"""The change of a monthly count from before a start to after it, where some months cannot be used.

The change is ``ln(after) - ln(before)`` of a month's average over usable months, or of the average for each unit of an
exposure. Its error allows for more scatter than a Poisson count has and for months that resemble the one before: the
residuals about the two levels lie on the calendar, and a month that cannot be used has neither residual nor weight, so
that the moments of `estimators.rolling` hold as they stand.

A level that drifts within a side shows as autocorrelation and widens the interval; with some ten months on a side that
is little more than guessed, so the interval belongs beside a measured error rate. In 2,000 simulated series with 20
usable months before, two missing, 10 after and some 440 events a month, the 95 % interval held the truth in 97 of 100
cases for Poisson counts and, where levels wavered by 15 %, in 94, 91 and 90 at an autocorrelation of 0, 0.3 and 0.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from cseval.errors import DesignError
from cseval.estimators.rolling import errors_of, noise_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

#: Usable months before the start and after it without which no change is computed.
FEWEST = 6


@dataclass(frozen=True, kw_only=True)
class Change:
    """The change of a monthly count from before a start to after it.

    Parameters
    ----------
    before, after : float
        A month's average over usable months.
    months_before, months_after : int
        Usable months.
    ratio, conf_low, conf_high : float
        After over before with its 95 % interval; NaN where a side is empty.
    p_value : float
    dispersion, rho : float
        Variance of a month over its Poisson variance, and the correlation of successive months.
    """

    before: float
    after: float
    months_before: int
    months_after: int
    ratio: float
    conf_low: float
    conf_high: float
    p_value: float
    dispersion: float
    rho: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out a ratio of 1."""
        return self.conf_low > 1 or self.conf_high < 1


def change_between(values: Floats, usable: Mask, after: Mask, exposure: Floats | None = None) -> Change:
    """The change of a monthly series over its usable months.

    Parameters
    ----------
    values : float array, shape (months,)
        Counts, whatever stands in months that are not usable.
    usable, after : bool array, shape (months,)
        Which months count, and which of all months lie after the start.
    exposure : float array, shape (months,), optional
        What a count is held against, for example the searches of other areas; by default the month.

    Raises
    ------
    DesignError
        If either side has fewer than `FEWEST` usable months.
    """
    sides = (usable & ~after, usable & after)
    counted = [int(s.sum()) for s in sides]
    if min(counted) < FEWEST:
        raise DesignError(
            f"{counted[0]} usable months before the start and {counted[1]} after it",
            where="monthly change",
            expected=f"at least {FEWEST} on each side",
        )
    base = np.ones(len(values)) if exposure is None else exposure
    totals, bases = ([float(v[s].sum()) for s in sides] for v in (values, base))
    means = [t / n for t, n in zip(totals, counted, strict=True)]
    shown = {"before": means[0], "after": means[1], "months_before": counted[0], "months_after": counted[1]}
    if min(*totals, *bases) <= 0:
        nothing = dict.fromkeys(("ratio", "conf_low", "conf_high", "p_value", "dispersion", "rho"), math.nan)
        return Change(**shown, **nothing)  # type: ignore[arg-type]
    log = math.log(totals[1] / bases[1]) - math.log(totals[0] / bases[0])
    return Change(**shown, **_interval(log, values, base, sides))  # type: ignore[arg-type]


def _interval(log: float, values: Floats, base: Floats, sides: tuple[Mask, Mask]) -> dict[str, float]:
    """The ratio with its interval, and what the months do beyond their mean."""
    mean, weights = np.zeros(len(values)), np.zeros(len(values))
    maker = np.diag((sides[0] | sides[1]).astype(float))
    for side, sign in zip(sides, (-1.0, 1.0), strict=True):
        mean[side] = base[side] * values[side].sum() / base[side].sum()
        weights[side] = sign / values[side].sum()
        root = np.sqrt(np.where(side, mean, 0.0))
        maker -= np.outer(root, root) / (root @ root)
    used = mean > 0
    residuals = np.zeros(len(values))
    residuals[used] = (values[used] - mean[used]) / np.sqrt(mean[used])
    noise = noise_of(residuals, maker)
    error = float(errors_of(weights[None], mean, noise)[0])
    half = float(special.stdtrit(noise.df, 0.975)) * error
    return {
        "ratio": math.exp(log),
        "conf_low": math.exp(log - half),
        "conf_high": math.exp(log + half),
        "p_value": float(2 * special.stdtr(noise.df, -abs(log) / error)),
        "dispersion": noise.dispersion,
        "rho": noise.rho,
    }
