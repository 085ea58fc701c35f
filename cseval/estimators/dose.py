"""Dose-response: how incidents follow an amount that changes over time, such as officers in post."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cseval.errors import EstimationError, SpecError
from cseval.estimate import LOG, Estimate
from cseval.estimators.base import ClusterErrors, ManyEffects
from cseval.estimators.dose_options import Dose as Dose
from cseval.estimators.dose_options import DoseScale, Linear, amounts, check_doses
from cseval.estimators.dose_options import LogOnePlus as LogOnePlus
from cseval.months import month_number, month_words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.dose_kernels import DoseFit, LevelTotals

    Floats = npt.NDArray[np.float64]

ASSUMPTION = (
    "Without the dose, incidents in the treated units would have changed by the same percentage as in the comparison "
    "units, and each step of the dose acts at once and according to its size: nothing else in the treated units may "
    "have changed along with it."
)
CONFOUNDED = (
    "The dose rises over time in the treated area alone, so an effect that grows or fades with time since the start "
    "cannot be told from one that follows the dose."
)


@dataclass(frozen=True, kw_only=True)
class DoseResponse:
    """Poisson model with two-way fixed effects and a dose in the treated units.

    ``log E y_it = a_i + g_t + b d_t D_i``. With the dose the same in all treated units and no covariates it is exactly
    a logit of the treated units' share of each month's incidents on the dose (proof in `dose_kernels`). The effect of
    an estimate is the log of all incidents expected after the start over those expected without the dose, so that
    incidents averted mean what they mean for every other estimator; the coefficients are per unit of the dose.

    Parameters
    ----------
    doses : sequence of Dose
        Amounts by first month, in order.
    unit_of_dose : str
        What is counted, in the plural.
    scale : DoseScale
        `Linear()` or `LogOnePlus()`.
    start : str or None
        Start of the programme that the months of the doses belong to; the first dose's month unless given. Where a
        design has another start, all doses move with it, so that a placebo start is dosed as the programme was.

    Raises
    ------
    SpecError
        If there is no dose above 0, months are out of order, or a dose comes before `start`.
    """

    doses: Sequence[Dose]
    unit_of_dose: str
    scale: DoseScale = field(default_factory=Linear)
    start: str | None = None

    def __post_init__(self) -> None:
        check_doses(self.doses)
        if self.start is not None and month_number(self.start) > month_number(self.doses[0].month):
            raise SpecError(
                f"a dose from {self.doses[0].month} before the start in {self.start}",
                where="DoseResponse.start",
                expected="a start no later than the first dose",
            )

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return f"Poisson dose-response ({self.unit_of_dose})"

    def estimate(self, design: Design) -> Estimate:
        """Estimate the slope and the effect of all doses, with errors by unit (CR1) and Student's t on units - 1 df.

        With one treated unit there are none; the steps of the dose are then ranked among the comparison units.

        Raises
        ------
        EstimationError
            If the dose does not change within the window, or a group has no incident without or with a dose.
        DesignError
            If treated units begin in different months.
        """
        design.require_one_start(self.name)
        levels = _levels(self, design)
        if not (levels.dose != 0).any():
            raise EstimationError(
                "the dose is 0 in every month of the window",
                where=f"outcome {design.outcome}",
                expected="months with and without a dose",
                todo="Lengthen the window or check the months of the doses",
            )
        return _estimate(self, design, levels)

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect of each set, dosed as the programme was, against the design's comparison less the set and its ring.

        NaN where a set or its comparison has no incident without or with a dose. The variance is linear in a constant
        and the variance that Poisson counts would give.
        """
        import numpy as np

        from cseval.estimators.dose_kernels import expected_terms, fit_logits, level_totals, total_effect

        design.require_one_start(self.name)
        levels = _levels(self, design)
        totals = level_totals(levels.sums, levels.dose, design.comparison, sets)
        variance, after = expected_terms(totals)
        return ManyEffects(
            effect=total_effect(totals, fit_logits(totals))[0],
            variance_terms=np.stack([np.ones_like(variance), variance], axis=1),
            size=totals.treated[:, 0],
            post_term=after,
        )

    def cluster_errors(self, design: Design, sets: PlaceboSets) -> ClusterErrors:
        """Cluster-robust standard error (CR1, by unit) of each effect of `estimate_many`, units - 1 df.

        The error of the slope times the mean dose; the mix of months is taken as given.
        """
        from cseval.estimators.did_kernels import group_sizes
        from cseval.estimators.dose_kernels import fit_logits, level_totals, slope_errors, total_effect

        design.require_one_start(self.name)
        levels = _levels(self, design)
        totals = level_totals(levels.sums, levels.dose, design.comparison, sets)
        fit = fit_logits(totals)
        error = slope_errors(levels.sums, totals, fit, design.comparison, sets) * total_effect(totals, fit)[1]
        treated, comparison = group_sizes(design.comparison, sets)
        return ClusterErrors(std_error=error, df=(treated + comparison - 1).astype(float))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Levels:
    """The dose of each used month, and counts summed by its levels, the pre period first.

    Parameters
    ----------
    amount : float array, shape (months,)
    at : int array, shape (months,)
        Level of each month.
    amounts, dose : float array, shape (levels,)
        As declared, and as it enters the model.
    sums : float array, shape (units, levels)
    moved : int
        Months by which the doses come later than dated.
    """

    amount: Floats
    at: npt.NDArray[np.int64]
    amounts: Floats
    dose: Floats
    sums: Floats
    moved: int


def _levels(options: DoseResponse, design: Design) -> _Levels:
    import numpy as np

    from cseval.estimators.dose_kernels import level_sums

    moved = month_number(design.start) - month_number(options.start or options.doses[0].month)
    amount = np.where(design.post, amounts(options.doses, design.periods, moved), 0.0)
    found, at = np.unique(amount[design.post], return_inverse=True)
    level = np.zeros(len(amount), dtype=np.int64)
    level[design.post] = at + 1
    steps = np.concatenate([[0.0], found])
    return _Levels(
        amount=amount,
        at=level,
        amounts=steps,
        dose=options.scale.value(steps),
        sums=level_sums(design.counts, level, len(steps)),
        moved=moved,
    )


def _estimate(options: DoseResponse, design: Design, levels: _Levels) -> Estimate:
    from cseval.estimators import dose_kernels as kernels
    from cseval.estimators.poisson_did import known_errors

    totals = kernels.level_totals(levels.sums, levels.dose, design.comparison, design.own_set)
    _require_counts(design, totals)
    fit = kernels.fit_logits(totals)
    if math.isnan(fit.slope[0]):
        raise EstimationError("the slope does not settle", where=f"outcome {design.outcome}", todo="Use PoissonDiD()")
    effect, mean_dose = (float(v[0]) for v in kernels.total_effect(totals, fit))
    errors = kernels.slope_errors(levels.sums, totals, fit, design.comparison, design.own_set)
    error = float(known_errors(design, errors)[0])
    slope, df = float(fit.slope[0]), float((design.is_treated | design.comparison).sum() - 1)
    return _assemble(options, design, levels, totals, fit, (effect, mean_dose, slope, error, df))


def _require_counts(design: Design, totals: LevelTotals) -> None:
    """Refuse a group without an incident before or under any dose, naming it."""
    for group, values in (("treated", totals.treated[0]), ("comparison", totals.comparison[0])):
        for phase, dosed in (("without", totals.dose == 0), ("with", totals.dose != 0)):
            if values[dosed].sum() == 0:
                raise EstimationError(
                    f"the slope is not estimable because there was no incident in the {group} units {phase} a dose",
                    where=f"outcome {design.outcome}",
                    todo="Choose an outcome with more incidents or longer periods",
                )


def _assemble(
    options: DoseResponse,
    design: Design,
    levels: _Levels,
    totals: LevelTotals,
    fit: DoseFit,
    found: tuple[float, float, float, float, float],
) -> Estimate:
    from cseval.estimators.did_kernels import t_interval
    from cseval.estimators.poisson_did import CLUSTER_ROBUST, left_out

    effect, mean_dose, slope, error, df = found
    low, high, p_value = (float(v) for v in t_interval(_one(effect), _one(error * mean_dose), df))
    observed = float(design.post_counts[design.is_treated].sum())
    path = _path(design, levels, fit)
    return Estimate(
        estimator=options.name,
        estimand="ratio of incident counts, all doses against none",
        outcome=design.outcome,
        scale=LOG,
        effect=effect,
        std_error=error * mean_dose,
        conf_low=low,
        conf_high=high,
        p_value=p_value,
        inference=CLUSTER_ROBUST,
        observed=observed,
        counterfactual=observed * math.exp(-effect),
        treated_units=int(design.is_treated.sum()),
        comparison_units=int(design.comparison.sum()),
        pre_periods=int((~design.post).sum()),
        post_periods=int(design.post.sum()),
        assumption=ASSUMPTION,
        coefficients=_coefficients(options, slope, error, df),
        path=path,
        facts={"slope": slope, "mean_dose": mean_dose, "doses_moved_months": levels.moved, "clusters": int(df) + 1},
        tables={"dose": _dose_frame(path, levels), "dose_steps": _step_frame(design, levels, totals, slope)},
        left_out=left_out(design),
        notes=_notes(design, levels),
    )


def _one(value: float) -> Floats:
    import numpy as np

    return np.array(value)


def _coefficients(options: DoseResponse, slope: float, error: float, df: float) -> pd.DataFrame:
    """The slope as it is reported: per unit of the dose, and per ten or per doubling."""
    import numpy as np

    from cseval.estimators.poisson_did import coefficient_frame

    names, factors = zip(*options.scale.terms(options.unit_of_dose), strict=True)
    factor = np.array(factors)
    return coefficient_frame(names, slope * factor, error * factor, df)


def _path(design: Design, levels: _Levels, fit: DoseFit) -> pd.DataFrame:
    """The treated area by month: as counted, as fitted, and as expected without the dose."""
    import numpy as np
    import pandas as pd
    from scipy import special

    from cseval.estimators.collapsed import month_totals

    observed = month_totals(design.counts, design.is_treated)
    number = observed + month_totals(design.counts, design.comparison)
    dose = levels.dose[levels.at]
    fitted = number * special.expit(fit.intercept[0] + fit.slope[0] * dose)
    frame = {"period": list(design.periods), "observed": observed, "fitted": fitted}
    without = fitted * np.exp(-fit.slope[0] * dose)
    return pd.DataFrame({**frame, "counterfactual": without, "low": np.nan, "high": np.nan})


def _dose_frame(path: pd.DataFrame, levels: _Levels) -> pd.DataFrame:
    """Columns ``period, dose, observed, counterfactual``: the treated area by month."""
    frame = path[["period", "observed", "counterfactual"]].copy()
    frame.insert(1, "dose", levels.amount)
    return frame


def _step_frame(design: Design, levels: _Levels, totals: LevelTotals, slope: float) -> pd.DataFrame:
    """Each level of the dose by itself against the pre period, beside what the line says of it.

    Columns ``dose, months, observed, estimate, std_error, conf_low, conf_high, p_value, percent_change, line_percent``;
    the intervals are those of `dose_steps.step_intervals`, and empty where a level has no incident.
    """
    import numpy as np
    import pandas as pd

    from cseval.estimators.dose_kernels import saturated_effects
    from cseval.estimators.dose_steps import step_intervals

    steps = np.arange(1, len(levels.amounts))
    effect = saturated_effects(totals)[0, steps]
    error, low, high, p_value = step_intervals(design, levels.sums, totals)
    return pd.DataFrame(
        {
            "dose": levels.amounts[steps],
            "months": np.bincount(levels.at, minlength=len(levels.amounts))[steps],
            "observed": totals.treated[0, steps],
            "estimate": effect,
            "std_error": error,
            "conf_low": low,
            "conf_high": high,
            "p_value": p_value,
            "percent_change": 100 * np.expm1(effect),
            "line_percent": 100 * np.expm1(slope * levels.dose[steps]),
        }
    )


def _notes(design: Design, levels: _Levels) -> tuple[str, ...]:
    from cseval.estimators.dose_steps import one_unit_notes

    notes = [CONFOUNDED, *one_unit_notes(design)]
    if levels.moved:
        later = "later" if levels.moved > 0 else "earlier"
        notes.append(
            f"All doses are taken {abs(levels.moved)} months {later} than dated, because the start is "
            f"{month_words(design.start)}; declare DoseResponse(start=...) if they belong to it as dated."
        )
    return tuple(notes)
