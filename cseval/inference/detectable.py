"""The smallest effect that a placebo test would detect, from its own placebo distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cseval.estimators.base import Floats

POWER = 0.80


def smallest_detectable(statistics: Floats, critical: float, power: float = POWER) -> float:
    """Shift at which the test rejects with probability `power`, in units of the statistic.

    Parameters
    ----------
    statistics : float array, shape (placebos,)
        Studentised placebo effects: what the statistic does where nothing was done.
    critical : float
        Size that a statistic must exceed to be rejected.
    power : float

    Returns
    -------
    float
        The larger of the shifts upward and downward, since the direction is not known beforehand; infinite if
        the test can never reject.

    Notes
    -----
    With an effect the statistic is a placebo statistic plus the effect over its standard deviation. Upward the test
    rejects if ``s + d > critical``, so ``d = critical - quantile(s, 1 - power)``; the small chance of rejecting
    on the other side is left out, which makes the figure slightly too large, never too small.
    """
    if not np.isfinite(critical):
        return float("inf")
    usable = statistics[np.isfinite(statistics)]
    up = critical - float(np.quantile(usable, 1 - power))
    down = critical + float(np.quantile(usable, power))
    return max(up, down, 0.0)
