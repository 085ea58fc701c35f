"""Imputation: unit and month effects from untreated cells, and what treated cells depart from them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.estimate import COUNT
from cseval.estimators.staggered import (
    BAND_DRAWS,
    LINEAR_ASSUMPTION,
    StaggeredEstimate,
    estimate_of,
    linear_found,
    linear_many,
    require_band,
)

if TYPE_CHECKING:
    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.base import ClusterErrors, ManyEffects


@dataclass(frozen=True, kw_only=True)
class Imputation:
    """Borusyak, Jaravel and Spiess's imputation estimator, linear.

    Unit and month effects are estimated by least squares on the untreated cells alone; the effect of a treated cell is
    what was counted less what they make of it. Efficient where errors are independent and vary alike, since it uses
    all months before the start. Wooldridge's linear extended two-way model gives the same numbers.

    Parameters
    ----------
    band_draws : int
        Draws of the multiplier bootstrap behind the simultaneous bands.

    Notes
    -----
    Borusyak, Jaravel and Spiess (2024). Errors are their conservative ones, clustered by unit: the effect of a treated
    cell is taken to be the mean of its cohort and month, so that effects which differ within it widen the interval.
    """

    band_draws: int = BAND_DRAWS

    def __post_init__(self) -> None:
        require_band(self.band_draws, "Imputation")

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Imputation"

    def estimate(self, design: Design) -> StaggeredEstimate:
        """Estimate every treated cohort and month, and their averages; the effect is that over all treated cells.

        Raises
        ------
        EstimationError
            If a treated unit has no month before or after its start.
        """
        from cseval.estimators.imputation_kernels import imputed_effects
        from cseval.estimators.staggered_cohorts import panel_of

        panel = panel_of(design)
        cells, effects, untreated = imputed_effects(panel)
        found = linear_found(panel, cells, effects, untreated[:-1] * panel.size[:-1, None], shares=False)
        return estimate_of(
            design,
            found,
            names=(self.name, "ATT over treated cells, incidents per unit and month", "conservative, by unit (t)"),
            scale=COUNT,
            assumption=LINEAR_ASSUMPTION,
            facts={"method": "closed form"},
            band_draws=self.band_draws,
        )

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect of each set against the design's comparison units less the set and its ring; starts by position."""
        from cseval.estimators.staggered_sets import imputation_effects, set_cohorts, treated_months

        found = set_cohorts(design, sets)
        sizes = found.sizes()
        sums = imputation_effects(found.sums(found.segments()), sizes, found.months)
        return linear_many(design, sums, sizes, treated_months(found, sizes), found.baseline())

    def cluster_errors(self, design: Design, sets: PlaceboSets) -> ClusterErrors:
        """Conservative standard error by unit of each effect of `estimate_many`, units - 1 df.

        NaN where a single unit begins in a month.
        """
        import numpy as np

        from cseval.estimators.base import ClusterErrors
        from cseval.estimators.staggered_sets import (
            imputation_variance,
            positive,
            second_moments,
            set_cohorts,
            treated_months,
        )

        found = set_cohorts(design, sets)
        segments, sizes = found.segments(), found.sizes()
        variance = imputation_variance(found.sums(segments), sizes, found.months, second_moments(segments, found))
        error = np.sqrt(np.maximum(variance, 0.0)) / positive(treated_months(found, sizes))
        error = np.where((sizes[:, :-1] == 1).any(axis=1), np.nan, error)
        return ClusterErrors(std_error=error, df=sizes.sum(axis=1) - 1)
