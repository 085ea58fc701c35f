"""Measured error rates of a time-series model of one area: the model fitted where and when nothing was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cseval.areas import draw_connected
from cseval.inference.calibration import Measured, shifted_starts

if TYPE_CHECKING:
    from cseval.design import Design
    from cseval.estimators.base import SeriesEstimator

#: Placebo series fitted in all; each is a model of its own and takes a few milliseconds.
SERIES = 200


def calibrate_series(
    design: Design, estimator: SeriesEstimator, step: int, seed: int, series: int = SERIES
) -> Measured | None:
    """Fit the model to placebo neighbourhoods at placebo starts and count how often it finds an effect.

    Returns
    -------
    Measured or None
        None if no placebo start fits into the months before the programme, or the model fits none of them.
    """
    starts, design = shifted_starts(design, step)
    rng = np.random.default_rng(seed)
    found = []
    for start in starts:
        at = design.at(start)
        members = draw_connected(at.areas, at.comparison, int(at.is_treated.sum()), -(-series // len(starts)), rng)
        found.append(estimator.estimate_series(at, at.sets(members)))
    p = np.concatenate([f.p_value for f in found]) if found else np.array([])
    if not np.isfinite(p).any():
        return None
    return Measured(
        method=next(f.method for f in found if f.method),
        population="all",
        p_value=p,
        half_width=np.concatenate([f.half_width for f in found]),
        effect=np.concatenate([f.effect for f in found]),
        starts=len(starts),
        months=(design.months_before, design.months_after),
    )
