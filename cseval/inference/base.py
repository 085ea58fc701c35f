"""What an inference method is: it turns an estimate into a p-value, an interval and a standard error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator, ManyEffects, PlaceboEstimator

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaceboDraws:
    """Placebo neighbourhoods and what the estimator found in each.

    Parameters
    ----------
    sets : PlaceboSets
    effects, statistics : float array, shape (sets,)
        Effect on the estimation scale and studentised effect of each draw.
    statistic : float
        The studentised effect of the treated area itself.
    """

    sets: PlaceboSets
    effects: Floats
    statistics: Floats
    statistic: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Placebos:
    """Placebo neighbourhoods at one start, each as if it alone had been treated, and their effects.

    Parameters
    ----------
    design : Design
        Start, window and comparison; each set's comparison is the design's less the set and its ring.
    estimator : PlaceboEstimator
    sets : PlaceboSets
    effects : ManyEffects
        What `estimator` finds in `sets`.
    """

    design: Design
    estimator: PlaceboEstimator
    sets: PlaceboSets
    effects: ManyEffects

    @classmethod
    def of(cls, design: Design, estimator: PlaceboEstimator, sets: PlaceboSets) -> Placebos:
        """Estimate the effect in each set."""
        return cls(design=design, estimator=estimator, sets=sets, effects=estimator.estimate_many(design, sets))

    def __len__(self) -> int:
        return len(self.sets)

    def take(self, which: Index | Mask) -> Placebos:
        """The placebo neighbourhoods at these positions."""
        return replace(self, sets=self.sets.take(which), effects=self.effects.take(which))


@dataclass(frozen=True, kw_only=True, eq=False)
class Inferred:
    """What an inference method says of one estimate.

    Parameters
    ----------
    method : str
        Its name in the effect table.
    std_error, conf_low, conf_high, p_value : float
        On the estimation scale, interval at 95 %; NaN where not available.
    reliable : bool
        Whether the method is known to keep its error rate with this many treated units.
    facts : mapping
        Draws, distinct sets, smallest attainable p, degrees of freedom.
    draws : PlaceboDraws or None
    note : str
        Why it is unreliable, or what to know.
    """

    method: str
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    reliable: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)
    draws: PlaceboDraws | None = None
    note: str = ""


@runtime_checkable
class Inference(Protocol):
    """A way to measure the uncertainty of an estimate; options are the fields of a frozen dataclass."""

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        ...

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """Measure the uncertainty of `estimate`."""
        ...


@runtime_checkable
class Calibratable(Inference, Protocol):
    """An inference method whose test can be run on many placebo effects at once."""

    def test_many(self, tested: Placebos, reference: Placebos, among: bool = False) -> Floats:
        """Test a true null on each placebo.

        Parameters
        ----------
        tested : Placebos
            Placebo neighbourhoods to be tested, each as if it were the programme's.
        reference : Placebos
            Placebo neighbourhoods that a placebo method compares with.
        among : bool
            Whether the tested ones are themselves in the reference; each is then ranked among the others.

        Returns
        -------
        p_value : float array, shape (tested,)
            The 95 % interval holds zero exactly where this exceeds 0.05.
        """
        ...
