"""The scale of an estimator's effects, where only its effects on placebos are at hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cseval.design import Design
    from cseval.estimators.base import Estimator

#: Units of the small comparison from which the scale is read.
PROBE = 6


def probed_scale(design: Design, estimator: Estimator) -> str:
    """The scale that `estimator` reports its effects on, read off the busiest few comparison units.

    A whole estimate would say the same, but takes seconds on a large panel.

    Raises
    ------
    EstimationError
        If not even the busiest units have an incident before and after the start.
    """
    least = np.where(design.comparison, np.minimum(design.pre_counts, design.post_counts), -1.0)
    busiest = [design.units[i] for i in np.argsort(-least, kind="stable")[:PROBE] if design.comparison[i]]
    small = replace(
        design,
        treated=frozenset(busiest[:1]),
        pool=frozenset(busiest[1:]),
        excluded=frozenset(),
        buffer_rings=0,
    )
    return estimator.estimate(small).scale
