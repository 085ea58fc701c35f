"""Sun and Abraham's interaction-weighted event study."""

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
    from cseval.estimators.base import ManyEffects


@dataclass(frozen=True, kw_only=True)
class SunAbraham:
    """Least squares with unit and month effects and one coefficient for each cohort and event time.

    The last month before a cohort's start is its base and the units that never begin are the comparison, so that the
    coefficient of cohort and event time is a difference of four means; coefficients of one event time are averaged with
    the shares of the cohorts in it (Sun and Abraham 2021). `sun_abraham_kernels.interaction_weighted` is the same
    regression with covariates.

    Parameters
    ----------
    band_draws : int
        Draws of the multiplier bootstrap behind the simultaneous bands.
    """

    band_draws: int = BAND_DRAWS

    def __post_init__(self) -> None:
        require_band(self.band_draws, "SunAbraham")

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Sun-Abraham"

    def estimate(self, design: Design) -> StaggeredEstimate:
        """Estimate every cohort and event time, and their averages; errors by unit (CR1), shares taken as known.

        Raises
        ------
        EstimationError
            If a treated unit has no month before or after its start.
        """
        from cseval.estimators.callaway_santanna import untreated_path
        from cseval.estimators.callaway_santanna_kernels import NEVER_TREATED, UNIVERSAL, att_gt
        from cseval.estimators.staggered_cohorts import panel_of
        from cseval.estimators.sun_abraham_kernels import cluster_factor

        panel = panel_of(design)
        cells, effects = att_gt(panel, NEVER_TREATED, UNIVERSAL)
        units, months = panel.values.shape
        factor = cluster_factor(units, units * months, len(cells) + months)
        path = untreated_path(panel, cells, effects.values())
        found = linear_found(panel, cells, effects, path, shares=False, factor=factor)
        return estimate_of(
            design,
            found,
            names=(self.name, "ATT over treated cells, incidents per unit and month", "cluster-robust (CR1, t)"),
            scale=COUNT,
            assumption=LINEAR_ASSUMPTION,
            facts={"coefficients": len(cells)},
            band_draws=self.band_draws,
        )

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect of each set against the design's comparison units less the set and its ring; starts by position."""
        from cseval.estimators.staggered_sets import base_month_effects, set_cohorts, treated_months

        found = set_cohorts(design, sets)
        sizes = found.sizes()
        sums = base_month_effects(found, sizes, not_yet=False)
        return linear_many(design, sums, sizes, treated_months(found, sizes), found.baseline())
