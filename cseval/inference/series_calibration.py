"""Measured error rates of a time-series model of one area: the model fitted where and when nothing was done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cseval.areas import draw_connected
from cseval.errors import EstimationError
from cseval.inference.calibration import Measured

if TYPE_CHECKING:
    from cseval.design import Design
    from cseval.estimators.base import Estimator

#: Placebo series fitted in all; a fit takes milliseconds, so this is a matter of a second.
SERIES = 120


def calibrate_series(
    design: Design, estimator: Estimator, step: int, seed: int, series: int = SERIES
) -> Measured | None:
    """Fit the model to placebo neighbourhoods at placebo starts and count how often it finds an effect.

    Returns
    -------
    Measured or None
        None if no placebo start fits into the months before the programme, or the model fits none of them.
    """
    starts = design.placebo_starts(step)
    if not starts:
        return None
    rng = np.random.default_rng(seed)
    found: list[tuple[float, float, float]] = []
    name = ""
    for start in starts:
        at = design.at(start)
        members = draw_connected(at.areas, at.comparison, int(at.is_treated.sum()), -(-series // len(starts)), rng)
        for row in members:
            try:
                estimate = estimator.estimate(_only(at, row))
            except EstimationError:
                continue
            name = estimate.inference
            found.append((estimate.p_value, (estimate.conf_high - estimate.conf_low) / 2, estimate.effect))
    if not found:
        return None
    p, half, effect = (np.array(x) for x in zip(*found, strict=True))
    return Measured(method=name, population="all", p_value=p, half_width=half, effect=effect)


def _only(at: Design, members: np.typing.NDArray[np.int64]) -> Design:
    """The design with these units treated; the actual treated units and their buffer stay out."""
    treated = frozenset(at.units[i] for i in members)
    out = at.treated | at.excluded | frozenset().union(*at.buffer)
    return replace(at, treated=treated, excluded=out - treated, pool=at.pool - treated)
