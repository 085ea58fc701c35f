"""Placebo series: what the same time-series model finds, at the same start, in places where nothing was done.

The errors of a time-series model of one area rest on the months of that area alone. Where the model's line does not
describe the course that all areas have in common, they are too small everywhere, and no lag mends that. The same model
fitted to other areas at the same start is wrong in the same way there, so a rank among them is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.errors import DesignError, UsageError
from cseval.inference.base import Inferred
from cseval.inference.likeness import FEWEST_SETS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator, SeriesEstimator

    Floats = npt.NDArray[np.float64]

ASKS = (
    "Takes the effects of all areas to spread alike about zero, whatever their size, and asks whether this area's "
    "course broke at the start unlike those of other areas: a break that all share widens the interval."
)


@dataclass(frozen=True, kw_only=True)
class PlaceboSeries:
    """Rank a time-series model's effect among the same model's effects in placebo sets at the same start.

    ``p = (1 + #{|e_b| >= |e|}) / (1 + B)`` (Phipson and Smyth 2010), with ``e_b`` the effect in the b-th of B sets of
    comparison units in the treated area's shape; all of them where the map has no more than `draws`, else as many at
    random. The 95 % interval is ``e -+ c`` with c the order statistic of ``|e_b|`` that the test at 5 % must exceed, so
    it leaves out zero exactly where p is at most 0.05. The standard error is the root mean square of the ``e_b``.

    Parameters
    ----------
    draws : int
        Placebo sets wanted; no more are fitted than the model affords.

    Notes
    -----
    Unlike `PlaceboNeighbourhoods`, effects are not divided by a standard deviation that depends on size: a model of one
    series has none that is known before it is fitted. Effects are taken to spread alike in all areas and about zero.
    The hypothesis is that the area is one of its kind: what moves all areas at the start counts as noise, so a break
    that every area has is not read as the programme's. With few areas p is coarse: 31 give no p below 0.03.
    """

    draws: int = 999

    def __post_init__(self) -> None:
        if self.draws < FEWEST_SETS:
            raise UsageError(f"{self.draws} draws", expected=f"at least {FEWEST_SETS}, or p can never reach 0.05")

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "placebo series"

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """Rank the estimate among the placebo sets of its own design.

        Raises
        ------
        DesignError
            If there are fewer than 19 sets, or the model can be fitted to fewer than 19.
        UsageError
            If the estimator is not a time-series model of one area.
        """
        import numpy as np

        from cseval.inference.placebo_draws import draw_sets

        model = _as_series_estimator(estimator)
        sets = draw_sets(design, max(min(self.draws, model.affordable_series), FEWEST_SETS), seed)
        effects = model.estimate_series(design, sets).effect * _per_unit(model, design, estimate)
        effects = effects[np.isfinite(effects)]
        if len(effects) < FEWEST_SETS:
            raise DesignError(
                f"the model can be fitted to {len(effects)} placebo sets",
                where=self.name,
                expected=f"at least {FEWEST_SETS}, or p can never reach 0.05",
                todo="Widen the comparison, or use a simpler model",
            )
        p_value, critical = ranked(estimate.effect, effects)
        return Inferred(
            method=self.name,
            std_error=float(np.sqrt((effects**2).mean())),
            conf_low=estimate.effect - critical,
            conf_high=estimate.effect + critical,
            p_value=p_value,
            facts={
                "placebo_neighbourhoods": len(effects),
                "distinct_neighbourhoods": sets.distinct,
                "smallest_p": 1 / (1 + len(effects)),
                "exact": sets.exact,
                "half_width": critical,
            },
            note=ASKS,
        )


def ranked(effect: float, placebo: Floats) -> tuple[float, float]:
    """The p-value of an effect among placebo effects, shape (sets,), and the half width of its 95 % interval."""
    import numpy as np

    from cseval.inference.placebo import critical_value, p_values

    return float(p_values(np.array([effect]), placebo)[0]), critical_value(placebo, 0.05)


def _as_series_estimator(estimator: Estimator) -> SeriesEstimator:
    from cseval.estimators.base import SeriesEstimator

    if not isinstance(estimator, SeriesEstimator):
        raise UsageError(
            f"{estimator.name} cannot be fitted to the series of other areas",
            where="placebo series",
            expected="an estimator with estimate_series",
        )
    return estimator


def _per_unit(model: SeriesEstimator, design: Design, estimate: Estimate) -> float:
    """What effects of whole series are multiplied by to be on the estimate's scale: counts are given per unit."""
    from cseval.estimate import LOG

    if estimate.scale == LOG:
        return 1.0
    own = float(model.estimate_series(design, design.own_set).effect[0])
    return estimate.effect / own if own else 1.0
