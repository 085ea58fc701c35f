"""Measured error rates of a time-series model of one area: the model fitted where and when nothing was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

import numpy as np

from cseval.areas import connected_sets
from cseval.errors import EstimationError
from cseval.inference.calibration import Measured, measured, places
from cseval.inference.earlier_windows import shifted_starts
from cseval.inference.placebo_draws import draw_like, shape_of
from cseval.inference.rate_kernels import among_themselves
from cseval.parallel import current

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.design import Design
    from cseval.estimators.base import SeriesEffects, SeriesEstimator

    Index = npt.NDArray[np.int64]

#: Sets are enumerated where the map has at most this many times as many as are fitted.
FEW = 4


@runtime_checkable
class Settled(Protocol):
    """A time-series model with choices that depend on the length of the window."""

    def settled(self, design: Design) -> Self:
        """The same model with each of these choices as `design` has it, whatever window it is fitted to."""
        ...


def calibrate_series(design: Design, estimator: SeriesEstimator, step: int, seed: int) -> Measured | None:
    """Fit the model to placebo neighbourhoods at placebo starts and count how often it finds an effect.

    Each different set is fitted once at a start. Where the window has to be shortened, an automatic lag stays that of
    the registered window, so that the rate is of the errors that are reported.

    Returns
    -------
    Measured or None
        None if no placebo start fits into the months before the programme, or the model fits none of them.
    """
    fixed = estimator.settled(design) if isinstance(estimator, Settled) else estimator
    starts, design = shifted_starts(design, step)
    tasks = _draw(design, starts, -(-estimator.affordable_series // max(len(starts), 1)), seed)
    fitted = current().map(_fit, tasks, design, fixed)
    found, method = [], ""
    for many, place in fitted:
        if many is not None and np.isfinite(many.effect).any():
            method = many.method
            found.append((many.p_value, many.effect, many.effect - np.nanmean(many.effect), place))
    if not found:
        return None
    return measured(method, "all", found, len(found), (design.months_before, design.months_after))


def ranked_series(found: Measured, method: str) -> Measured:
    """The same placebo series, ranked among each other at each start: right by construction, and no measurement."""
    p_value = np.full(len(found.p_value), np.nan)
    start = np.zeros(len(p_value), dtype=np.int64) if found.start is None else found.start
    for number in np.unique(start):
        p_value[start == number] = among_themselves(found.effect[start == number])
    return replace(found, method=method, p_value=p_value, by_construction=True)


def _draw(design: Design, starts: Sequence[str], share: int, seed: int) -> list[tuple[str, Index]]:
    """Each start with its placebo neighbourhoods; one stream of random numbers runs through all, so they come first."""
    rng = np.random.default_rng(seed)
    return [(start, distinct_sets(design.at(start), share, rng)) for start in starts]


def distinct_sets(design: Design, share: int, rng: np.random.Generator) -> Index:
    """At most `share` different sets of comparison units in the treated area's shape; all where there are no more.

    Parameters
    ----------
    design : Design
    share : int
    rng : numpy.random.Generator
    """
    shape = shape_of(design)
    if shape.single:
        every = connected_sets(design.areas, design.comparison, shape.sizes[0], FEW * share)
        if every is not None:
            return every if len(every) <= share else every[np.sort(rng.choice(len(every), share, replace=False))]
    return np.unique(draw_like(design, share, rng), axis=0)


def _fit(task: tuple[str, Index], design: Design, estimator: SeriesEstimator) -> tuple[SeriesEffects | None, Index]:
    """What the model finds in these sets, None where the window is too short for it; and the sets' places."""
    start, members = task
    at = design.at(start)
    try:
        many = estimator.estimate_series(at, at.sets(members))
    except EstimationError:
        return None, places(at, members)
    return many, places(at, members)
