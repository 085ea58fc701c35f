"""Measured error rates of a time-series model of one area: the model fitted where and when nothing was done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.inference.calibration import Measured, measured, places
from cseval.inference.earlier_windows import shifted_starts
from cseval.inference.placebo_draws import draw_like
from cseval.parallel import current

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.design import Design
    from cseval.estimators.base import SeriesEffects, SeriesEstimator

    Index = npt.NDArray[np.int64]


def calibrate_series(design: Design, estimator: SeriesEstimator, step: int, seed: int) -> Measured | None:
    """Fit the model to placebo neighbourhoods at placebo starts and count how often it finds an effect.

    Returns
    -------
    Measured or None
        None if no placebo start fits into the months before the programme, or the model fits none of them.
    """
    starts, design = shifted_starts(design, step)
    tasks = _draw(design, starts, -(-estimator.affordable_series // max(len(starts), 1)), seed)
    fitted = current().map(_fit, tasks, design, estimator)
    found, method = [], ""
    for many, place in fitted:
        if many is not None and np.isfinite(many.effect).any():
            method = many.method
            found.append((many.p_value, many.effect, many.effect - np.nanmean(many.effect), place))
    if not found:
        return None
    return measured(method, "all", found, len(found), (design.months_before, design.months_after))


def _draw(design: Design, starts: Sequence[str], share: int, seed: int) -> list[tuple[str, Index]]:
    """Each start with its placebo neighbourhoods; one stream of random numbers runs through all, so they come first."""
    rng = np.random.default_rng(seed)
    tasks = []
    for start in starts:
        at = design.at(start)
        tasks.append((start, draw_like(at, share, rng)))
    return tasks


def _fit(task: tuple[str, Index], design: Design, estimator: SeriesEstimator) -> tuple[SeriesEffects | None, Index]:
    """What the model finds in these sets, None where the window is too short for it; and the sets' places."""
    start, members = task
    at = design.at(start)
    try:
        many = estimator.estimate_series(at, at.sets(members))
    except EstimationError:
        return None, places(at, members)
    return many, places(at, members)
