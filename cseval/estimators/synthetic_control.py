"""Synthetic control, and the same with what it misses made up by a ridge regression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cseval.errors import SpecError
from cseval.estimators.synthetic_options import require_measure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import ManyEffects
    from cseval.estimators.synthetic_estimate import SyntheticOptions
    from cseval.estimators.synthetic_kernels import Weighed
    from cseval.estimators.synthetic_series import Series

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SyntheticControl:
    """The treated area against a weighted mean of comparison units that followed its course before the start.

    Weights are not negative, add up to one and minimise the squared gap before the start (Abadie, Diamond and
    Hainmueller 2010, with the outcome of each point as predictor). The effect is the log of incidents observed over
    incidents in the synthetic area, summed over the months after the start. It has no standard error of its own: use
    `PlaceboNeighbourhoods`, for which effects are divided by a spread that grows with the misfit before the start, or
    `Conformal`.

    Parameters
    ----------
    measure : {"index", "counts", "rate"}
        What is compared: each unit's count over its own mean before the start, the count per unit, or the count per
        1,000 of the panel's exposure. Counts of places of different size can only be matched by places of the same
        size, and a large or small area lies outside what averages of the others can be; relative to its own mean every
        place can help to tell the course of every other. So `index` unless sizes are alike.
    months_per_point : int
        Months averaged into one point before weights are fitted; points end with the month before the start, and the
        first one may hold fewer months. A month's count is mostly chance where incidents are few, and weights fitted to
        chance do not carry over; 3 fits quarters.
    intercept : bool
        Whether the level is free, so that only the course is matched.
    covariates : tuple of str
        Other outcomes of the panel whose course before the start is matched too, each point with equal importance (Sun,
        Ben-Michael and Feller 2023, "Using multiple outcomes to improve the synthetic control method").

    Raises
    ------
    SpecError
        If `measure` is unknown or `months_per_point` is below 1.
    """

    measure: str = "index"
    months_per_point: int = 1
    intercept: bool = False
    covariates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_measure("SyntheticControl", self.measure, self.months_per_point)

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Synthetic control" + (" with intercept" if self.intercept else "")

    def estimate(self, design: Design) -> Estimate:
        """Estimate the effect; the weights are in ``tables["donor_weights"]``.

        Raises
        ------
        EstimationError
            If there are fewer than two points before the start, or a unit has none of the measure.
        """
        return _estimate(self, design)

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect of each set against its own synthetic control, all weights found together."""
        from cseval.estimators.synthetic_estimate import many_effects

        return many_effects(self, design, sets)

    def proxy_residuals(self, design: Design, sets: PlaceboSets, effects: Floats) -> Floats:
        """Gaps of the synthetic control fitted to all months once an effect is taken off those after the start."""
        from cseval.estimators.synthetic_estimate import proxy_residuals

        return proxy_residuals(self, design, sets, effects)

    def weigh(self, series: Series) -> Weighed:
        """Donor weights of each series."""
        from cseval.estimators.synthetic_kernels import plain_weights

        return plain_weights(series, self.intercept)

    def follow(self, series: Series) -> Weighed:
        """The same."""
        return self.weigh(series)

    def proxy(self, series: Series) -> Callable[[Series], Weighed]:
        """The same for all months."""
        return self.weigh


@dataclass(frozen=True, kw_only=True)
class AugmentedSC:
    """Synthetic control whose misfit before the start is made up by a ridge regression.

    Ben-Michael, Feller and Rothstein (2021), "The augmented synthetic control method". Where the synthetic control fits
    well nothing changes; where it does not, weights move off the simplex, some below zero, as far as the penalty lets
    them. The effect is reported as that of `SyntheticControl`.

    Parameters
    ----------
    measure, months_per_point, covariates
        As for `SyntheticControl`.
    penalty : float, optional
        Of the ridge regression, in squared units of the measure; chosen by leaving out one point before the start at a
        time unless given. Placebos choose their own.
    one_standard_error : bool
        Whether to choose the largest penalty whose error is within one standard error of the least (as R's augsynth
        does) rather than the one with the least.

    Raises
    ------
    SpecError
        If `measure` is unknown, `months_per_point` is below 1, or `penalty` is not above 0.
    """

    measure: str = "index"
    months_per_point: int = 1
    covariates: tuple[str, ...] = ()
    penalty: float | None = None
    one_standard_error: bool = True

    def __post_init__(self) -> None:
        require_measure("AugmentedSC", self.measure, self.months_per_point)
        if self.penalty is not None and not self.penalty > 0:
            raise SpecError(f"penalty={self.penalty}", where="AugmentedSC", expected="a number above 0")

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Augmented synthetic control"

    def estimate(self, design: Design) -> Estimate:
        """Estimate the effect; tables and errors as those of `SyntheticControl.estimate`."""
        return _estimate(self, design)

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect of each set against its own augmented synthetic control."""
        from cseval.estimators.synthetic_estimate import many_effects

        return many_effects(self, design, sets)

    def proxy_residuals(self, design: Design, sets: PlaceboSets, effects: Floats) -> Floats:
        """Gaps of the fit to all months once an effect is taken off, with the penalty chosen before the start."""
        from cseval.estimators.synthetic_estimate import proxy_residuals

        return proxy_residuals(self, design, sets, effects)

    def weigh(self, series: Series) -> Weighed:
        """Donor weights of each series."""
        import numpy as np

        from cseval.estimators.synthetic_ridge import augmented_weights

        given = None if self.penalty is None else np.full(len(series), self.penalty)
        return augmented_weights(series, given, self.one_standard_error)

    def follow(self, series: Series) -> Weighed:
        """The plain synthetic control, whose misfit the regression makes up and so hides."""
        from cseval.estimators.synthetic_kernels import plain_weights

        return plain_weights(series, False)

    def proxy(self, series: Series) -> Callable[[Series], Weighed]:
        """Weights by all months, with the penalty that the months before the start chose."""
        import numpy as np

        from cseval.estimators.synthetic_ridge import augmented_weights

        chosen = self.weigh(series).facts["penalty"]

        def weigh(under: Series) -> Weighed:
            """Weights of the series under their effects."""
            return augmented_weights(under, np.broadcast_to(chosen, len(under)), self.one_standard_error)

        return weigh


def _estimate(options: SyntheticOptions, design: Design) -> Estimate:
    """The estimate with its table of weights."""
    from cseval.estimators.synthetic_estimate import donor_table, estimate_one

    estimate, _, weighed = estimate_one(options, design)
    return replace(estimate, tables={"donor_weights": donor_table(design, weighed.weights[0])})
