"""Callaway and Sant'Anna's difference in differences by cohort and month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cseval.errors import SpecError
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
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.base import ManyEffects
    from cseval.estimators.staggered_cohorts import Cells, CohortPanel

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CallawaySantAnna:
    """ATT(g, t) of every cohort and month against units that never begin, or have not begun yet.

    Differences of mean incidents per unit and month, each from one base month: the last before the cohort's start, so
    that nothing is assumed of earlier months, and the noise of that month is in every effect.

    Parameters
    ----------
    controls : {"never", "not-yet"}
        Units that never begin, or these and all that have not begun by that month.
    base : {"varying", "universal"}
        Base of the months before the start: the month before each, or the last before the start for all.
    band_draws : int
        Draws of the multiplier bootstrap behind the simultaneous bands.

    Notes
    -----
    Callaway and Sant'Anna (2021). Without covariates their regression, weighting and doubly robust estimators are one.
    Errors come from the influence function of every unit, the shares of the cohorts being estimated too.
    """

    controls: Literal["never", "not-yet"] = "never"
    base: Literal["varying", "universal"] = "varying"
    band_draws: int = BAND_DRAWS

    def __post_init__(self) -> None:
        if self.controls not in ("never", "not-yet"):
            raise SpecError(f"controls={self.controls!r}", where="CallawaySantAnna", expected="'never' or 'not-yet'")
        if self.base not in ("varying", "universal"):
            raise SpecError(f"base={self.base!r}", where="CallawaySantAnna", expected="'varying' or 'universal'")
        require_band(self.band_draws, "CallawaySantAnna")

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return f"Callaway-Sant'Anna ({self.controls} treated controls)"

    def estimate(self, design: Design) -> StaggeredEstimate:
        """Estimate every cohort and month, and their averages; the effect is that over all treated cells.

        Raises
        ------
        EstimationError
            If a treated unit has no month before or after its start.
        """
        from cseval.estimators.callaway_santanna_kernels import att_gt
        from cseval.estimators.staggered_cohorts import panel_of

        panel = panel_of(design)
        cells, effects = att_gt(panel, self.controls, self.base)
        found = linear_found(panel, cells, effects, untreated_path(panel, cells, effects.values()), shares=True)
        return estimate_of(
            design,
            found,
            names=(self.name, "ATT over treated cells, incidents per unit and month", "influence function by unit (t)"),
            scale=COUNT,
            assumption=LINEAR_ASSUMPTION,
            facts={"controls": self.controls, "base": self.base},
            band_draws=self.band_draws,
        )

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect of each set against the design's comparison units less the set and its ring; starts by position."""
        from cseval.estimators.staggered_sets import base_month_effects, set_cohorts, treated_months

        found = set_cohorts(design, sets)
        sizes = found.sizes()
        sums = base_month_effects(found, sizes, self.controls == "not-yet")
        return linear_many(design, sums, sizes, treated_months(found, sizes), found.baseline())


def untreated_path(panel: CohortPanel, cells: Cells, values: Floats) -> Floats:
    """Incidents of each cohort without the programme: as counted before its start, less the effect from it on."""
    out = panel.total[:-1].copy()
    post = cells.post
    out[cells.cohort[post], cells.column[post]] -= panel.size[cells.cohort[post]] * values[post]
    return out
