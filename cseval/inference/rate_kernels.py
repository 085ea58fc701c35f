"""Arithmetic of measured rates: their error by groups, and ranks of placebos among themselves.

How many of the placebos that are ranked among themselves reject is an identity, whatever was found in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]


def are_ranks(p_value: Floats) -> bool:
    """Whether p-values are ranks among themselves: each is the share of all that are no larger.

    The share at or below a level is then at most that level, whatever the effects are. Places without a p-value may be
    among those ranked: above all others, below all others, or left out.
    """
    finite = np.sort(p_value[np.isfinite(p_value)])
    if len(finite) < 2:
        return False
    no_larger = np.searchsorted(finite, finite * (1 + 1e-9), side="right")
    for n in (len(finite), len(p_value)):
        above = round(float(finite[0]) * n) - int(no_larger[0])
        if 0 <= above <= n - len(finite) and np.allclose(finite, (no_larger + above) / n, rtol=1e-9, atol=0):
            return True
    return False


def among_themselves(effects: Floats) -> Floats:
    """The p-value of each effect ranked among all, itself counted, shape (sets,); NaN where there is no effect."""
    sizes = np.abs(effects)
    finite = np.sort(sizes[np.isfinite(sizes)])
    reached = len(finite) - np.searchsorted(finite, sizes * (1 - 1e-12), side="left")
    return np.where(np.isfinite(sizes), reached / max(len(finite), 1), np.nan)


def clustered_error(values: Floats, place: Index) -> float:
    """Standard error of the mean of `values` that allows for any dependence within a place (Liang and Zeger 1986).

    0 where there is one place only, since it says nothing of how places differ.
    """
    _, code = np.unique(place, return_inverse=True)
    groups = int(code.max()) + 1 if len(code) else 0
    if groups < 2:
        return 0.0
    sums = np.bincount(code, weights=values - values.mean())
    return float(np.sqrt((sums**2).sum() * groups / (groups - 1)) / len(values))
