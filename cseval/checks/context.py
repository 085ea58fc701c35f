"""What a check may look at: the primary analysis, its design and placebo neighbourhoods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.estimate import LOG, percent
from cseval.formats import MINUS

if TYPE_CHECKING:
    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import PlaceboEstimator
    from cseval.inference.base import Inferred
    from cseval.inference.calibration import Measured
    from cseval.inference.placebo import PlaceboNeighbourhoods
    from cseval.register import Registered
    from cseval.spec import Evaluation


@dataclass(frozen=True, kw_only=True, eq=False)
class CheckContext:
    """The primary analysis, all it rests on, and what was measured on it.

    Parameters
    ----------
    evaluation : Evaluation
    design : Design
    estimator : PlaceboEstimator
    placebo : PlaceboNeighbourhoods
    estimate : Estimate
    inferred : Inferred
        What the placebo method says of the estimate.
    sets : PlaceboSets
        The placebo neighbourhoods it was ranked among.
    measured : tuple of Measured
        Error rates of every method.
    register : tuple of Registered
    seed : int
    """

    evaluation: Evaluation
    design: Design
    estimator: PlaceboEstimator
    placebo: PlaceboNeighbourhoods
    estimate: Estimate
    inferred: Inferred
    sets: PlaceboSets
    measured: tuple[Measured, ...]
    register: tuple[Registered, ...]
    seed: int

    def shown(self, effect: float) -> str:
        """An effect as a sentence says it: in per cent for a ratio, as a number for a count."""
        if self.estimate.scale == LOG:
            return f"{percent(effect):.1f}%".replace("-", MINUS)
        return f"{effect:.3g}"
