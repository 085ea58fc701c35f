"""Places that share a few common courses, so that a weighted mean of some follows another; with a known effect."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from builders import design

from cseval.design import Design

UNITS, MONTHS, START, TREATED = 32, 119, 86, 13


def factor_counts(
    effect: float = 0.0,
    *,
    seed: int = 0,
    units: int = UNITS,
    months: int = MONTHS,
    start: int = START,
    treated: tuple[int, ...] = (TREATED,),
    level: float = 60.0,
    factors: int = 3,
    drift: float = 0.05,
) -> npt.NDArray[np.int64]:
    """Poisson counts whose logs follow three random walks and a season; a log effect from column `start`."""
    rng = np.random.default_rng(seed)
    size = level * np.exp(rng.normal(0, 0.4, units))
    loading = rng.dirichlet(np.ones(factors), units)
    courses = np.cumsum(rng.normal(0, drift, (factors, months)), axis=1)
    season = 0.15 * np.sin(2 * np.pi * np.arange(months) / 12)
    mean = size[:, None] * np.exp(loading @ courses + season)
    mean[list(treated), start:] *= np.exp(effect)
    return rng.poisson(mean).astype(np.int64)


def factor_design(effect: float = 0.0, *, before: int = 36, after: int = 18, **options: object) -> Design:
    """A design over the last months before the start and the first after it; options as `factor_counts`."""
    counts = factor_counts(effect, **options)
    start = options.get("start", START)
    window = counts[:, start - before : start + after]
    return design(window, treated=options.get("treated", (TREATED,)), months_before=before, shape=None)
