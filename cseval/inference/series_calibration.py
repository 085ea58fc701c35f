"""Measured error rates of a time-series model of one area: the model fitted where and when nothing was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cseval.areas import draw_connected
from cseval.errors import EstimationError
from cseval.inference.calibration import Measured, measured, places, shifted_starts

if TYPE_CHECKING:
    from cseval.design import Design
    from cseval.estimators.base import SeriesEstimator


def calibrate_series(design: Design, estimator: SeriesEstimator, step: int, seed: int) -> Measured | None:
    """Fit the model to placebo neighbourhoods at placebo starts and count how often it finds an effect.

    Returns
    -------
    Measured or None
        None if no placebo start fits into the months before the programme, or the model fits none of them.
    """
    starts, design = shifted_starts(design, step)
    rng = np.random.default_rng(seed)
    found, method = [], ""
    for start in starts:
        at = design.at(start)
        members = draw_connected(
            at.areas, at.comparison, int(at.is_treated.sum()), -(-estimator.affordable_series // len(starts)), rng
        )
        try:
            many = estimator.estimate_series(at, at.sets(members))
        except EstimationError:  # the window is too short for the model
            continue
        if not np.isfinite(many.effect).any():
            continue
        method = many.method
        found.append((many.p_value, many.effect, many.effect - np.nanmean(many.effect), places(at, members)))
    if not found:
        return None
    return measured(method, "all", found, len(found), (design.months_before, design.months_after))
