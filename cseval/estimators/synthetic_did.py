"""Synthetic difference in differences: donors and months before the start weighted to run parallel to the treated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cseval.errors import EstimationError, SpecError
from cseval.estimators.synthetic_options import require_measure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import ManyEffects
    from cseval.estimators.synthetic_kernels import Weighed
    from cseval.estimators.synthetic_series import Series

    Floats = npt.NDArray[np.float64]

ASSUMPTION = (
    "Without the programme, the treated area would have moved in parallel with the weighted donors from the weighted "
    "months before the start."
)

#: What is said of the estimator's own standard error, whatever inference is shown in the effect table.
OWN_ERROR = {
    "placebo": "The estimator's own standard error, the spread of effects in donors taken for treated (Arkhangelsky "
    "and others 2021, algorithm 4), is {error:.4f} on the log scale. It takes every place to vary alike; the one that "
    "placebo ranks give allows for how well each is fitted and how many incidents it has, so the two differ.",
    "jackknife": "The estimator's own standard error, by leaving out a unit at a time (Arkhangelsky and others 2021, "
    "algorithm 3), is {error:.4f} on the log scale; the one that placebo ranks give is found in another way.",
}


@dataclass(frozen=True, kw_only=True)
class SyntheticDiD:
    """Synthetic difference in differences (Arkhangelsky, Athey, Hirshberg, Imbens and Wager 2021).

    Donors are weighted so that they run parallel to the treated area before the start, with a penalty on uneven
    weights, and months before the start so that they foretell those after it. In each month the counterfactual is the
    weighted donors moved by the gap in the weighted months, so that its mean after the start is the treated area's less
    the paper's tau, on the measure; turned into incidents and summed it gives the effect, ``ln(sum observed / sum
    counterfactual)``, as for every other estimator.

    Parameters
    ----------
    measure : {"index", "counts", "rate"}
        As for `SyntheticControl`; levels cancel, so `index` makes changes proportional and the others additive.
    months_per_point : int
        As for `SyntheticControl`.
    variance : {"placebo", "jackknife"}
        The standard error: the spread of effects in donors taken for treated (algorithm 4), for which treated and
        comparison units must vary alike, or, with several treated units, leaving out a unit at a time (algorithm 3).
    placebo_draws, seed : int
        Random sets of donors for the first; every donor once where one unit is treated.

    Raises
    ------
    SpecError
        If an option is unknown or too small.
    """

    measure: str = "index"
    months_per_point: int = 1
    variance: str = "placebo"
    placebo_draws: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        require_measure("SyntheticDiD", self.measure, self.months_per_point)
        if self.variance not in ERRORS:
            raise SpecError(f"variance={self.variance!r}", where="SyntheticDiD", expected="one of " + ", ".join(ERRORS))
        if self.placebo_draws < 2:
            raise SpecError(f"placebo_draws={self.placebo_draws}", where="SyntheticDiD", expected="at least 2")

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Synthetic DiD"

    @property
    def covariates(self) -> tuple[str, ...]:
        """None."""
        return ()

    def estimate(self, design: Design) -> Estimate:
        """Estimate the effect, with normal interval and p-value; NaN for the error if it is not estimable.

        The weights are in ``tables["donor_weights"]`` and ``tables["time_weights"]``.

        Raises
        ------
        EstimationError
            If there are fewer than two points before the start or two donors, or a unit has none of the measure.
        """
        from cseval.estimators.synthetic_estimate import donor_table, estimate_one, time_table

        _require_donors(design)
        estimate, series, weighed = estimate_one(self, design)
        assert weighed.time_weights is not None
        tables = {
            "donor_weights": donor_table(design, weighed.weights[0]),
            "time_weights": time_table(design, series, weighed.time_weights[0]),
        }
        return _with_error(self, design, replace(estimate, tables=tables, assumption=ASSUMPTION), series, weighed)

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect of each set against its own weighted donors and months, all found together."""
        from cseval.estimators.synthetic_estimate import many_effects

        return many_effects(self, design, sets)

    def proxy_residuals(self, design: Design, sets: PlaceboSets, effects: Floats) -> Floats:
        """Gaps of the parallel donors fitted to all months, which then weigh the same, once an effect is taken off."""
        from cseval.estimators.synthetic_estimate import proxy_residuals

        return proxy_residuals(self, design, sets, effects)

    def weigh(self, series: Series) -> Weighed:
        """Weights of donors and of points."""
        from cseval.estimators.synthetic_did_kernels import parallel_weights

        return replace(parallel_weights(series), plain=self.follow(series))

    def follow(self, series: Series) -> Weighed:
        """The synthetic control with a level of its own: the penalty on uneven weights adds to every misfit."""
        from cseval.estimators.synthetic_kernels import plain_weights

        return plain_weights(series, True)

    def proxy(self, series: Series) -> Callable[[Series], Weighed]:
        """Donors parallel over all months."""
        from cseval.estimators.synthetic_did_kernels import parallel_everywhere

        return parallel_everywhere


def _require_donors(design: Design) -> None:
    donors = int(design.comparison.sum())
    if donors < 2:
        raise EstimationError(f"{donors} comparison unit", where="Synthetic DiD", expected="at least 2")


def _with_error(
    options: SyntheticDiD, design: Design, estimate: Estimate, series: Series, weighed: Weighed
) -> Estimate:
    """The estimate with its standard error, or a note why it has none."""
    import numpy as np

    from cseval.estimators.did_kernels import t_interval
    from cseval.estimators.poisson_did import TERM, coefficient_frame

    label, error_of = ERRORS[options.variance]
    try:
        error = error_of(options, design, series, weighed)
    except EstimationError as refused:
        return replace(estimate, notes=(*estimate.notes, f"No standard error: {refused}"))
    low, high, p = t_interval(np.array([estimate.effect]), np.array([error]), np.inf)
    return replace(
        estimate,
        std_error=error,
        conf_low=float(low[0]),
        conf_high=float(high[0]),
        p_value=float(p[0]),
        inference=label,
        coefficients=coefficient_frame([TERM], np.array([estimate.effect]), np.array([error]), np.inf),
        facts={**estimate.facts, f"{options.variance}_std_error": error},
        notes=(*estimate.notes, OWN_ERROR[options.variance].format(error=error)),
    )


def _placebo_error(options: SyntheticDiD, design: Design, series: Series, weighed: Weighed) -> float:
    """Standard deviation of the effects of random sets of donors as large as the treated area."""
    import numpy as np

    from cseval.areas import PlaceboSets
    from cseval.estimators.synthetic_did_kernels import drawn_members

    donors, units = np.flatnonzero(design.comparison), len(design.units)
    members = donors[drawn_members(len(donors), int(design.is_treated.sum()), options.placebo_draws, options.seed)]
    sets = PlaceboSets(members=members, ring=np.full((len(members), 1), units, dtype=np.int64))
    effects = options.estimate_many(design, sets).effect
    usable = effects[np.isfinite(effects)]
    if len(usable) < 2:
        raise EstimationError("fewer than two placebos have an effect", where="placebo variance")
    return float(usable.std())


def _jackknife_error(options: SyntheticDiD, design: Design, series: Series, weighed: Weighed) -> float:
    """``(n - 1) / n`` times the squared deviations of the effects without each unit, the weights kept."""
    import numpy as np

    from cseval.areas import PlaceboSets
    from cseval.estimators.synthetic_did_kernels import require_several, without_donors, without_treated
    from cseval.estimators.synthetic_series import series_of

    own, units = design.own_set.members[0], len(design.units)
    require_several(len(own), weighed.weights[0])
    members = np.stack([np.delete(own, k) for k in range(len(own))])
    fewer = series_of(
        design,
        PlaceboSets(members=members, ring=np.full((len(own), 1), units, dtype=np.int64)),
        options.measure,
        options.months_per_point,
    )
    effects = np.concatenate([without_treated(fewer, weighed), without_donors(series, weighed)])
    return float(np.sqrt((len(effects) - 1) * effects.var()))


_Error = Callable[["SyntheticDiD", "Design", "Series", "Weighed"], float]

#: Standard errors by name, with what the effect table calls them.
ERRORS: dict[str, tuple[str, _Error]] = {
    "placebo": ("placebo variance (normal)", _placebo_error),
    "jackknife": ("jackknife (normal)", _jackknife_error),
}
